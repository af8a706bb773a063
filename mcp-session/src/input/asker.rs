//! Who asks a question, and in which call.

use crate::{Params, tool_name::target_name};
use mcp_types::capabilities::Implementation;
use std::{
    borrow::Cow,
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// A question of a server, and who asks it. Dereferences to the request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question<T> {
    /// What is asked. Untrusted.
    pub request: T,
    /// Who asks.
    pub asker: Asker,
}

/// Who asks a question: show it to the user with what is asked.
// spec: ELI-07
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Asker {
    /// The program's name for the server: [`Options::server_name`](crate::Options::server_name).
    pub name: Option<Arc<str>>,
    /// The server's own name, once it is known. Untrusted: any server may use any name.
    pub info: Option<Arc<Implementation>>,
    /// The method of the call that the question is about; unknown for a legacy server on a byte stream.
    pub method: Option<Cow<'static, str>>,
    /// The parameters of that call.
    pub params: Option<Params>,
}

impl Asker {
    /// The tool or the prompt that was called, if the question is about such a call.
    pub fn target(&self) -> Option<Cow<'_, str>> {
        let named = matches!(self.method.as_deref(), Some("tools/call" | "prompts/get"));
        self.params.as_ref().filter(|_| named).and_then(target_name)
    }

    pub(crate) fn about(mut self, method: Cow<'static, str>, params: Params) -> Self {
        (self.method, self.params) = (Some(method), Some(params));
        self
    }
}

impl<T> Question<T> {
    /// Creates a question.
    pub fn new(request: T, asker: Asker) -> Self {
        Self { request, asker }
    }

    /// Converts the request of the question.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Question<U> {
        Question { request: change(self.request), asker: self.asker }
    }
}

impl<T> Deref for Question<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.request
    }
}

impl<T> DerefMut for Question<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.request
    }
}
