//! A server in this process: a closure that answers, and a record of what was sent to it.

use futures_util::{FutureExt, future::BoxFuture, stream};
use mcp_transport::{ClientMessage, Error, Replies, Transport};
use mcp_types::{
    ErrorCode, ErrorObject, ProtocolVersion, RawJson, RequestId,
    rpc::{self, Message, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};
use tokio::sync::{mpsc, oneshot};

/// What one side gives in answer to a request of the other.
pub type Outcome = Result<Value, ErrorObject>;

type Answer = dyn Fn(Asked) -> BoxFuture<'static, Result<RawJson, ErrorObject>> + Send + Sync;
type Waiting = Mutex<HashMap<RequestId, oneshot::Sender<Outcome>>>;

/// A server of either era. Clones are the same server.
///
/// It introduces itself; a closure answers all other requests, with anything that has a JSON form. When the client drops
/// the replies to a request, the future of its answer is dropped.
#[derive(Clone)]
pub struct InProcess(Arc<Inner>);

struct Inner {
    version: ProtocolVersion,
    capabilities: Value,
    answer: Box<Answer>,
    record: Mutex<Vec<String>>,
    waiting: Arc<Waiting>,
}

/// A request, and the way to say something before its answer.
#[derive(Debug)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The parameters, an empty object if there are none.
    pub params: Value,
    id: RequestId,
    out: mpsc::Sender<Message>,
    waiting: Arc<Waiting>,
}

impl InProcess {
    /// A stateless server that offers everything.
    pub fn modern<F, T>(answer: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, ErrorObject>> + Send + 'static,
        T: Serialize + 'static,
    {
        Self::new(ProtocolVersion::LATEST, everything(), answer)
    }

    /// A server with a handshake, of the newest revision that has one, that offers everything.
    pub fn legacy<F, T>(answer: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, ErrorObject>> + Send + 'static,
        T: Serialize + 'static,
    {
        Self::new(ProtocolVersion::LATEST_LEGACY, everything(), answer)
    }

    /// A server of this revision with these capabilities.
    pub fn new<F, T>(
        version: ProtocolVersion,
        capabilities: Value,
        answer: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<T, ErrorObject>> + Send + 'static,
        T: Serialize + 'static,
    {
        Self(Arc::new(Inner {
            version,
            capabilities,
            answer: Box::new(move |asked| Box::pin(answer(asked).map(encoded))),
            record: Mutex::default(),
            waiting: Arc::default(),
        }))
    }

    /// The server as a transport.
    pub fn transport(&self) -> impl Transport + use<> {
        let this = self.clone();
        tower::service_fn(move |message: ClientMessage| {
            std::future::ready(Ok::<_, Error>(this.receive(message.body)))
        })
    }

    /// All that was sent to it, as JSON text.
    pub fn record(&self) -> Vec<String> {
        lock(&self.0.record).clone()
    }

    /// The messages with a method that were sent to it.
    pub fn sent(&self, method: &str) -> Vec<Value> {
        let messages = self.record().into_iter().map(|text| serde_json::from_str(&text));
        let messages = messages.map(Result::unwrap_or_default);
        messages.filter(|message: &Value| message["method"] == method).collect()
    }

    fn receive(&self, message: Message) -> Replies {
        let mut text = Vec::new();
        message.encode(&mut text);
        lock(&self.0.record).push(String::from_utf8_lossy(&text).into_owned());
        match message {
            Message::Request(request) => self.answer(request),
            Message::Response(response) => {
                let waiting = response.id.and_then(|id| lock(&self.0.waiting).remove(&id));
                let outcome = response.outcome.map(|result| value(Some(&result)));
                // The request that it was about has been dropped, so nothing waits for it any more.
                let _ = waiting.map(|waiting| waiting.send(outcome));
                Replies::empty()
            }
            Message::Notification(_) => Replies::empty(),
        }
    }

    fn answer(&self, request: rpc::Request) -> Replies {
        let (out, mut said) = mpsc::channel(64);
        let id = request.id.clone();
        let mut answer = Some(self.outcome(request, out));
        let mut response = None;
        Replies::new(stream::poll_fn(move |cx| {
            if let Some(running) = &mut answer
                && let Poll::Ready(outcome) = running.as_mut().poll(cx)
            {
                answer = None;
                response = Some(match outcome {
                    Ok(result) => Response::success(id.clone(), result),
                    Err(error) => Response::failure(id.clone(), error),
                });
            }
            // What was sent before the answer comes before it.
            if let Poll::Ready(Some(message)) = said.poll_recv(cx) {
                return Poll::Ready(Some(Ok(message)));
            }
            match response.take() {
                Some(response) => Poll::Ready(Some(Ok(response.into()))),
                None if answer.is_none() => Poll::Ready(None),
                None => Poll::Pending,
            }
        }))
    }

    fn outcome(
        &self,
        request: rpc::Request,
        out: mpsc::Sender<Message>,
    ) -> BoxFuture<'static, Result<RawJson, ErrorObject>> {
        let Inner { version, capabilities, answer, waiting, .. } = &*self.0;
        let introduction = match (&*request.method, version.is_modern()) {
            ("server/discover", true) => Ok(json!({
                "resultType": "complete", "supportedVersions": [version], "capabilities": capabilities,
                "ttlMs": 0, "cacheScope": "private",
            })),
            ("initialize", false) => Ok(json!({
                "protocolVersion": version, "capabilities": capabilities,
                "serverInfo": {"name": "scripted", "version": "1"},
            })),
            ("server/discover" | "initialize", _) => {
                Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no such method"))
            }
            _ => {
                let waiting = Arc::clone(waiting);
                let params = value(request.params.as_ref());
                let method = request.method.into_owned();
                return answer(Asked { method, params, id: request.id, out, waiting });
            }
        };
        Box::pin(std::future::ready(introduction.map(|result| raw(&result))))
    }
}

impl Asked {
    /// Sends a notification about the request.
    pub async fn tell(&self, method: &'static str, params: Value) {
        let notification = rpc::Notification::new(method).with_params(raw(&params));
        // A client that has dropped the request has dropped this future too.
        let _ = self.out.send(notification.into()).await;
    }

    /// Says how far the work has come.
    pub async fn progress(&self, progress: u32, total: u32) {
        let token = &self.params["_meta"]["progressToken"];
        let params = json!({"progressToken": token, "progress": progress, "total": total});
        self.tell("notifications/progress", params).await;
    }

    /// Sends a request of a legacy server, and waits for the answer.
    pub async fn ask(&self, method: &'static str, params: Value) -> Outcome {
        let id = RequestId::from(format!("{}/{method}", self.id));
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting).insert(id.clone(), sender);
        let request = rpc::Request::new(id, method).with_params(raw(&params));
        let _ = self.out.send(request.into()).await;
        let gone = |_| ErrorObject::new(ErrorCode::INTERNAL_ERROR, "the client is gone");
        answer.await.unwrap_or_else(|error| Err(gone(error)))
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("version", &self.0.version).finish_non_exhaustive()
    }
}

/// The capabilities of a server that offers everything.
fn everything() -> Value {
    json!({"completions": {}, "logging": {}, "prompts": {}, "resources": {}, "tools": {}})
}

fn encoded<T: Serialize>(outcome: Result<T, ErrorObject>) -> Result<RawJson, ErrorObject> {
    RawJson::encode(&outcome?)
        .map_err(|error| ErrorObject::new(ErrorCode::INTERNAL_ERROR, error.to_string()))
}

fn raw(value: &Value) -> RawJson {
    RawJson::from_joined(value.to_string())
}

fn value(raw: Option<&RawJson>) -> Value {
    raw.map_or_else(|| json!({}), |raw| raw.decode().unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
