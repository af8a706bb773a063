//! Answers to elicitations.
//!
//! They are what the closures of [`Handlers`](crate::Handlers) give, ready to be returned.

use mcp_types::{
    ElicitAction, ElicitResult, ElicitationSchema, ErrorCode, ErrorObject, JsonObject,
};
use serde::Serialize;
use serde_json::Value;

/// The user has filled in the form; the content is an object, a struct or a map.
///
/// # Errors
///
/// The content is no object in JSON: the server gets an error `-32603`.
pub fn accept(content: impl Serialize) -> Result<ElicitResult, ErrorObject> {
    match serde_json::to_value(content) {
        Ok(Value::Object(content)) => {
            let mut result = ElicitResult::new(ElicitAction::Accept);
            result.content = Some(content);
            Ok(result)
        }
        Ok(_) => Err(unanswerable("the answer is not an object")),
        Err(_) => Err(unanswerable("the answer has no JSON form")),
    }
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

/// The user has turned away without an answer.
///
/// # Errors
///
/// None; the type is what closures give.
pub fn cancel() -> Result<ElicitResult, ErrorObject> {
    Ok(ElicitResult::new(ElicitAction::Cancel))
}

/// The values that the fields of a form have before the user has changed any; fields without one are absent.
// spec: ELI-10
pub fn defaults(form: &ElicitationSchema) -> JsonObject {
    let fields = form.properties.iter().filter_map(|(name, schema)| {
        let schema = serde_json::to_value(schema).ok()?;
        Some((name.clone(), schema.get("default")?.clone()))
    });
    fields.collect()
}

/// Refuses what no user should be sent to.
// spec: ELI-23
pub(super) fn check_url(text: &str) -> Result<(), ErrorObject> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        _ => Err(super::refuse("not the URL of a web page")),
    }
}

fn unanswerable(message: &str) -> ErrorObject {
    ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
}
