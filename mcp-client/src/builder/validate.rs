//! Builder methods for the validation of tools.

use super::ClientBuilder;
use crate::live::Wrap;
use mcp_session::{BoxCallService, ValidateToolsLayer, Validation};
use std::sync::Arc;
use tower_layer::Layer;

/// What is validated in all calls.
#[derive(Clone, Copy, Default)]
pub(super) struct Validations {
    output: Validation,
    arguments: Validation,
}

impl Validations {
    /// Returns the layer that validates; each session learns about its tools afresh.
    pub(super) fn wrap(self) -> Wrap {
        let Self { output, arguments } = self;
        Arc::new(move |service| {
            let layer = ValidateToolsLayer::new().output(output).arguments(arguments);
            BoxCallService::new(layer.layer(service))
        })
    }
}

/// Validation of tools (feature `validate`). It lists the tools once, unless they were listed before.
///
/// ```
/// use mcp_client::{Client, Validation};
///
/// let client = Client::builder("https://example.com/mcp")
///     .validate_output(Validation::Warn)
///     .validate_arguments(Validation::Strict)
///     .build();
/// ```
impl ClientBuilder {
    /// Validates the structured output of tools by the schemas that they declare. Default: not.
    ///
    /// With [`Validation::Warn`] a misfit is told to [`diagnostics`](Self::diagnostics) and logged, with its place;
    /// with [`Validation::Strict`] the call fails with [`Error::InvalidOutput`](crate::Error::InvalidOutput). See
    /// [`ValidateTools`](mcp_session::ValidateTools).
    // spec: TOOL-04
    pub fn validate_output(mut self, validation: Validation) -> Self {
        self.validations.output = validation;
        self
    }

    /// Validates the arguments of tools before they are sent, by the schemas that the tools declare. Default: off;
    /// servers do it themselves.
    ///
    /// With [`Validation::Warn`] a misfit is logged; with [`Validation::Strict`] the call fails with
    /// [`Error::InvalidArguments`](crate::Error::InvalidArguments), and nothing is sent.
    pub fn validate_arguments(mut self, validation: Validation) -> Self {
        self.validations.arguments = validation;
        self
    }
}
