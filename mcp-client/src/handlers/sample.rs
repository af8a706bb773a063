//! Answers of a language model.
//!
//! They are what the closure of [`Handlers::on_sample`](crate::Handlers::on_sample) gives.

use mcp_types::{CreateMessageResult, ErrorObject, Role, SamplingMessageContentBlock, TextContent};

/// The name of an unnamed model. Results must name one.
const UNNAMED: &str = "unknown";

/// What the model of this name has said, in one text.
///
/// ```
/// use mcp_client::sample;
///
/// let said = sample::completion("parrot-1", "Hello!");
/// assert_eq!(said.model, "parrot-1");
/// ```
pub fn completion(model: impl Into<String>, text: impl Into<String>) -> CreateMessageResult {
    let block = SamplingMessageContentBlock::from(TextContent::new(text));
    CreateMessageResult::new(Role::Assistant, block, model)
}

/// What the closure of [`Handlers::on_sample`](crate::Handlers::on_sample) may give for the answer of a model.
///
/// A text alone is what a model called `unknown` has said.
pub trait IntoCompletion {
    /// The answer.
    ///
    /// # Errors
    ///
    /// The model could not be asked, or the user did not allow it.
    fn into_completion(self) -> Result<CreateMessageResult, ErrorObject>;
}

impl IntoCompletion for CreateMessageResult {
    fn into_completion(self) -> Result<CreateMessageResult, ErrorObject> {
        Ok(self)
    }
}

/// The model could not be asked.
impl IntoCompletion for ErrorObject {
    fn into_completion(self) -> Result<CreateMessageResult, ErrorObject> {
        Err(self)
    }
}

impl<T: IntoCompletion> IntoCompletion for Result<T, ErrorObject> {
    fn into_completion(self) -> Result<CreateMessageResult, ErrorObject> {
        self?.into_completion()
    }
}

impl IntoCompletion for String {
    fn into_completion(self) -> Result<CreateMessageResult, ErrorObject> {
        Ok(completion(UNNAMED, self))
    }
}

impl IntoCompletion for &str {
    fn into_completion(self) -> Result<CreateMessageResult, ErrorObject> {
        Ok(completion(UNNAMED, self))
    }
}
