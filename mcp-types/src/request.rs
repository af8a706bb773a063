//! The traits that tie a method to its parameters and its result.

use crate::MetaObject;
use serde_core::{Serialize, de::DeserializeOwned};

/// Parameters of a request, tied to its method and to the type of its result.
///
/// Serializes to the `params` object. Implement it for requests of an extension of your own.
///
/// ```
/// use mcp_types::{MetaObject, Request};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize)]
/// struct Compile { target: String, #[serde(skip)] meta: Option<MetaObject> }
///
/// #[derive(Deserialize)]
/// struct Compiled { warnings: u32 }
///
/// impl Request for Compile {
///     const METHOD: &'static str = "com.example/compile";
///     type Result = Compiled;
///     fn meta_mut(&mut self) -> &mut Option<MetaObject> { &mut self.meta }
/// }
/// ```
pub trait Request: Serialize {
    /// The method on the wire, like `tools/call`.
    const METHOD: &'static str;
    /// What a successful response carries.
    type Result: DeserializeOwned;

    /// The `_meta` member of the parameters.
    ///
    /// A session takes it out, adds what the protocol wants there, and puts it back on the wire.
    fn meta_mut(&mut self) -> &mut Option<MetaObject>;
}

/// Parameters of a notification, tied to its method.
pub trait Notification: Serialize + DeserializeOwned {
    /// The method on the wire, like `notifications/progress`.
    const METHOD: &'static str;
}
