//! Validating the output of one call.

use super::{Validation, catalogue::Definition};
use crate::{Error, Misbehavior, Misfit, Reply};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::sync::Arc;

/// What is needed to validate the output of a call.
pub(super) struct Output {
    pub(super) definition: Arc<Definition>,
    pub(super) tool: Box<str>,
    pub(super) validation: Validation,
}

/// The relevant parts of a result.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parts {
    #[serde(default, deserialize_with = "present")]
    structured_content: Option<Value>,
    is_error: Option<bool>,
}

/// Decodes a value that is present, even if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Output {
    /// Validates the structured output of a result.
    // spec: TOOL-04
    pub(super) fn check(&self, reply: &Reply) -> Result<(), Error> {
        let (Some(output), true) = (&self.definition.output, self.validation != Validation::Off)
        else {
            return Ok(());
        };
        let Ok(parts) = reply.decode_lossy::<Parts>() else {
            let reason = "it cannot be read, or is nested too deep";
            return self.mismatch(reply, Misfit::whole("", reason));
        };
        if parts.is_error == Some(true) {
            return Ok(());
        }
        let schema = match output.schema() {
            Ok(schema) => schema,
            Err(reason) => {
                let (tool, reason) = (self.tool.clone(), reason.to_string().into());
                let error = Error::UnusableSchema { tool, reason };
                return self.tell(reply, Misbehavior::UnusableSchema, error);
            }
        };
        let misfit = match parts.structured_content {
            Some(value) => schema.check(&value).err(),
            None => Some(Misfit::whole("outputSchema", "there is no structured output")),
        };
        misfit.map_or(Ok(()), |misfit| self.mismatch(reply, misfit))
    }

    fn mismatch(&self, reply: &Reply, misfit: Misfit) -> Result<(), Error> {
        let error = Error::InvalidOutput { tool: self.tool.clone(), misfit: Box::new(misfit) };
        self.tell(reply, Misbehavior::OutputMismatch, error)
    }

    fn tell(&self, reply: &Reply, misbehavior: Misbehavior, error: Error) -> Result<(), Error> {
        let is_strict = reply.tell(misbehavior, error.to_string());
        if is_strict || self.validation == Validation::Strict { Err(error) } else { Ok(()) }
    }
}
