//! Answers to elicitations.
//!
//! The closures of [`Handlers`](crate::Handlers) return them.

pub use mcp_session::form::{InvalidField, InvalidForm, check, defaults};

use mcp_transport::Url;
use mcp_types::{ElicitAction, ElicitResult, ErrorCode, ErrorObject, JsonObject};
use serde::Serialize;
use serde_json::{Map, Value};

/// The user has filled in the form. The content is anything that serializes to an object, such as a struct or a map.
///
/// Any other value fills a form with the single field `value`: `accept(3)` is `accept(json!({"value": 3}))`.
///
/// ```
/// use mcp_client::elicit;
///
/// #[derive(serde::Serialize)]
/// struct Trip { city: String, nights: u32 }
///
/// elicit::accept(Trip { city: "Oslo".into(), nights: 2 })?;
/// # Ok::<(), mcp_client::types::ErrorObject>(())
/// ```
///
/// # Errors
///
/// The content cannot be serialized to JSON: the server gets the error `-32603`.
pub fn accept(content: impl Serialize) -> Result<ElicitResult, ErrorObject> {
    let content = serde_json::to_value(content)
        .map_err(|_| ErrorObject::new(ErrorCode::INTERNAL_ERROR, "the answer has no JSON form"))?;
    Ok(accepted(content))
}

fn accepted(content: Value) -> ElicitResult {
    let mut result = ElicitResult::new(ElicitAction::Accept);
    result.content = Some(match content {
        Value::Object(content) => content,
        value => Map::from_iter([("value".to_owned(), value)]),
    });
    result
}

/// The user has agreed to open the URL.
///
/// # Errors
///
/// None; the type is what closures give.
pub fn accept_url() -> Result<ElicitResult, ErrorObject> {
    Ok(ElicitResult::new(ElicitAction::Accept))
}

/// The user does not want to answer.
///
/// # Errors
///
/// None; the type is what closures give.
pub fn decline() -> Result<ElicitResult, ErrorObject> {
    Ok(ElicitResult::new(ElicitAction::Decline))
}

/// The user has dismissed the question without an answer.
///
/// # Errors
///
/// None; the type is what closures give.
pub fn cancel() -> Result<ElicitResult, ErrorObject> {
    Ok(ElicitResult::new(ElicitAction::Cancel))
}

/// The host of a URL as a person should see it before anything is opened.
///
/// ```
/// use mcp_client::elicit::Domain;
///
/// let domain = Domain::of("https://xn--py-6kc.example/7").unwrap();
/// assert_eq!(domain.name, "xn--py-6kc.example");
/// assert!(domain.is_international, "it may look like another");
/// ```
// spec: ELI-18
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Domain {
    /// Its name in ASCII, or an address.
    pub name: String,
    /// Whether a part of it is in Punycode, so that its Unicode form may look like another domain.
    pub is_international: bool,
}

impl Domain {
    /// The host of a URL; `None` if it is not a valid [`Url`]. A host with letters outside of ASCII is invalid, and a
    /// server that sends one is refused.
    pub fn of(url: &str) -> Option<Self> {
        let name = Url::parse(url).ok()?.host().to_owned();
        let is_international = name.split('.').any(|label| label.starts_with("xn--"));
        Some(Self { name, is_international })
    }
}

/// What the closures of [`Handlers`](crate::Handlers) may return as the answer of a user.
///
/// A plain value means that the user accepts, with this value as the content, or as the content of the single field
/// `value`.
pub trait IntoAnswer {
    /// The answer.
    ///
    /// # Errors
    ///
    /// The user could not be asked, or the value has no JSON form.
    fn into_answer(self) -> Result<ElicitResult, ErrorObject>;
}

impl IntoAnswer for ElicitResult {
    fn into_answer(self) -> Result<ElicitResult, ErrorObject> {
        Ok(self)
    }
}

/// The user could not be asked.
impl IntoAnswer for ErrorObject {
    fn into_answer(self) -> Result<ElicitResult, ErrorObject> {
        Err(self)
    }
}

impl<T: IntoAnswer> IntoAnswer for Result<T, ErrorObject> {
    fn into_answer(self) -> Result<ElicitResult, ErrorObject> {
        self?.into_answer()
    }
}

/// Implements the trait for values that are answers by themselves.
macro_rules! values {
    ($($type:ty),+) => {
        $(impl IntoAnswer for $type {
            fn into_answer(self) -> Result<ElicitResult, ErrorObject> {
                Ok(accepted(self.into()))
            }
        })+
    };
}

values!(Value, JsonObject, String, &str, bool, f64, i32, i64, u32, u64, Vec<String>);
