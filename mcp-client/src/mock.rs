//! A mock server in this process, for tests of programs that use a client.
//!
//! It is a stateless server whose answers are closures. No process is started, and no port is opened. For tests of
//! middlewares, see [`mcp_session::mock`].
//!
//! ```
//! use mcp_client::{Client, Error, mock};
//! use serde_json::json;
//!
//! /// What is to be tested.
//! async fn advice(client: &Client, city: &str) -> Result<&'static str, Error> {
//!     let weather = client.call_tool("weather").argument("city", city).await?;
//!     Ok(if weather.text().contains("rain") { "Take a coat." } else { "Enjoy the sun." })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let server = mock::Server::new().tool("weather", |arguments| Ok(json!(format!("rain in {}", arguments["city"]))));
//! let connection = Client::connect_to(&server).await?;
//! assert_eq!(advice(&connection, "Oslo").await?, "Take a coat.");
//! assert_eq!(server.received("tools/call")[0]["arguments"], json!({"city": "Oslo"}));
//! # Ok(())
//! # }
//! ```

use crate::Target;
use mcp_transport::{ClientMessage, Error, Replies};
use mcp_types::{
    ErrorCode, ErrorObject, ProtocolVersion, RawJson, keys, object,
    rpc::{Message, Request, Response},
};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    fmt,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The maximum number of messages remembered; the oldest are dropped.
const MAX_RECEIVED: usize = 10_000;

/// A server whose answers a test sets. Clones share what was received.
///
/// It is a [`Target`]: `Client::new(&server)`. For a server that sends notifications, asks questions, or never answers,
/// write a [`service`](Target::service) of your own.
#[derive(Clone, Default)]
pub struct Server {
    tools: Vec<(String, Tool)>,
    answers: HashMap<Cow<'static, str>, Answer>,
    received: Arc<Mutex<VecDeque<(String, Value)>>>,
}

type Tool = Arc<dyn Fn(&Value) -> Result<Value, String> + Send + Sync>;
type Answer = Arc<dyn Fn(&Value) -> Result<Value, ErrorObject> + Send + Sync>;

impl Server {
    /// Creates a server that offers nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool. The closure gets the arguments. A string it returns is the text of the result; any other value is
    /// the structured output, and the text as well. An error becomes a result with
    /// [`is_error`](crate::ToolResult::is_error).
    #[must_use]
    pub fn tool(
        mut self,
        name: impl Into<String>,
        tool: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        self.tools.push((name.into(), Arc::new(tool)));
        self
    }

    /// Sets how a method is answered, known to the server or not: with the result of the protocol, or with an error.
    ///
    /// ```
    /// use mcp_client::mock;
    /// use serde_json::json;
    ///
    /// let server = mock::Server::new().on("resources/read", |params| {
    ///     Ok(json!({"contents": [{"uri": params["uri"], "text": "a"}]}))
    /// });
    /// # let _ = server;
    /// ```
    #[must_use]
    pub fn on(
        mut self,
        method: impl Into<Cow<'static, str>>,
        answer: impl Fn(&Value) -> Result<Value, ErrorObject> + Send + Sync + 'static,
    ) -> Self {
        self.answers.insert(method.into(), Arc::new(answer));
        self
    }

    /// The parameters of all received requests and notifications of this method, oldest first.
    pub fn received(&self, method: &str) -> Vec<Value> {
        let received = self.log();
        let of_method = received.iter().filter(|(received, _)| received == method);
        of_method.map(|(_, params)| params.clone()).collect()
    }

    fn receive(&self, message: Message) -> Replies {
        match message {
            Message::Request(Request { id, method, params, .. }) => {
                let params = self.note(&method, params.as_ref());
                let outcome = self.answer(&method, &params).and_then(|result| {
                    RawJson::encode(&complete(result)).map_err(|error| {
                        ErrorObject::new(ErrorCode::INTERNAL_ERROR, error.to_string())
                    })
                });
                Replies::once(match outcome {
                    Ok(result) => Response::success(id, result),
                    Err(error) => Response::failure(id, error),
                })
            }
            Message::Notification(notification) => {
                self.note(&notification.method, notification.params.as_ref());
                Replies::empty()
            }
            Message::Response(_) => Replies::empty(),
        }
    }

    /// Records a message; returns its parameters.
    fn note(&self, method: &str, params: Option<&RawJson>) -> Value {
        let params: Value = params.and_then(|params| params.to_value().ok()).unwrap_or_default();
        let mut received = self.log();
        if received.len() == MAX_RECEIVED {
            received.pop_front();
        }
        received.push_back((method.to_owned(), params.clone()));
        params
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, ErrorObject> {
        if let Some(answer) = self.answers.get(method) {
            return answer(params);
        }
        match method {
            "server/discover" => Ok(introduction()),
            "tools/list" => {
                let tools = self.tools.iter().map(|(name, _)| listed(name)).collect();
                Ok(object([
                    ("tools", Value::Array(tools)),
                    ("ttlMs", 0.into()),
                    ("cacheScope", "private".into()),
                ]))
            }
            "tools/call" => self.call(params),
            _ => {
                let message = format!("the mock has no answer to {method}: give it one by `on`");
                Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message))
            }
        }
    }

    fn call(&self, params: &Value) -> Result<Value, ErrorObject> {
        let called = params["name"].as_str().unwrap_or_default();
        let Some((_, tool)) = self.tools.iter().find(|(name, _)| name == called) else {
            let message = format!("the mock has no tool {called:?}");
            return Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, message));
        };
        Ok(match tool(&params["arguments"]) {
            Ok(Value::String(said)) => object([text(said)]),
            Ok(output) => object([text(output.to_string()), ("structuredContent", output)]),
            Err(said) => object([text(said), ("isError", true.into())]),
        })
    }

    fn log(&self) -> MutexGuard<'_, VecDeque<(String, Value)>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a tool as listed.
fn listed(name: &str) -> Value {
    let schema = object([("type", "object".into())]);
    object([("name", name.into()), ("inputSchema", schema)])
}

/// Returns the content of a result with one text.
fn text(text: String) -> (&'static str, Value) {
    let block = object([("type", "text".into()), ("text", text.into())]);
    ("content", Value::Array(vec![block]))
}

/// Returns what the server says about itself: it has everything.
fn introduction() -> Value {
    let info = object([("name", "mock".into()), ("version", env!("CARGO_PKG_VERSION").into())]);
    let all = ["completions", "prompts", "resources", "tools"].map(|name| (name, object([])));
    object([
        ("supportedVersions", vec![ProtocolVersion::LATEST.as_str()].into()),
        ("capabilities", object(all)),
        ("_meta", object([(keys::SERVER_INFO, info)])),
        ("ttlMs", 0.into()),
        ("cacheScope", "private".into()),
    ])
}

/// Marks a result as complete.
fn complete(mut result: Value) -> Value {
    if let Value::Object(members) = &mut result {
        members.entry("resultType").or_insert_with(|| "complete".into());
    }
    result
}

impl From<&Server> for Target {
    fn from(server: &Server) -> Self {
        let server = server.clone();
        Self::service(tower::service_fn(move |message: ClientMessage| {
            ready(Ok::<_, Error>(server.receive(message.body)))
        }))
    }
}

impl From<Server> for Target {
    fn from(server: Server) -> Self {
        Self::from(&server)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools: Vec<_> = self.tools.iter().map(|(name, _)| name).collect();
        f.debug_struct("Server").field("tools", &tools).finish_non_exhaustive()
    }
}
