//! Watching what a session does besides its calls: processes, HTTP requests, notifications.

use http::{Method, Request, StatusCode};
use mcp_client::{ClientBuilder, Event};
use mcp_transport::{
    Connector,
    http::{Client, Endpoint, RequestBody},
    stdio::Command,
};
use mcp_types::rpc::Notification;
use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::mpsc;
use tower::{ServiceExt, layer::layer_fn, service_fn};

/// The processes started by one command.
pub(crate) struct Processes {
    /// An environment variable that identifies them.
    mark: String,
    seen: Vec<u32>,
}

impl Processes {
    /// The environment variable that marks them.
    pub(crate) const MARK: &str = "MCP_TESTS_MARK";

    /// Marks a command, and returns it with the processes that it will start.
    pub(crate) fn of(command: Command) -> (Command, Self) {
        let (mark, processes) = Self::marked();
        (command.env(Self::MARK, mark), processes)
    }

    /// Returns a mark, and the processes that will be started with it.
    pub(crate) fn marked() -> (String, Self) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);

        let mark = format!("{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let processes = Self { mark: format!("{}={mark}", Self::MARK), seen: Vec::new() };
        (mark, processes)
    }

    /// Returns how many of them are running.
    pub(crate) fn running(&mut self) -> usize {
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let ours: Vec<_> = ids.filter(|id| self.is_ours(*id)).collect();
        self.seen.extend(&ours);
        ours.len()
    }

    /// Kills them all.
    pub(crate) fn kill(&mut self) {
        self.running();
        let ids = self.seen.iter().map(ToString::to_string);
        std::process::Command::new("kill").arg("-9").args(ids).status().unwrap();
    }

    /// Returns whether all are gone, including earlier ones: ended, and reaped.
    pub(crate) fn are_gone(&mut self) -> bool {
        self.running() == 0
            && self.seen.iter().all(|id| !Path::new(&format!("/proc/{id}")).exists())
    }

    fn is_ours(&self, id: u32) -> bool {
        // Those of other users cannot be read, and are not ours.
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == self.mark.as_bytes())
    }
}

/// The HTTP requests of an endpoint, each with its answer.
#[derive(Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<Vec<(Method, StatusCode)>>>);

impl Requests {
    /// Watches the requests of an endpoint, by a layer below the transport.
    pub(crate) fn of(endpoint: Endpoint) -> (impl Connector, Self) {
        let requests = Self::default();
        let watch = requests.clone();
        let layer = layer_fn(move |client: Client| {
            let watch = watch.clone();
            service_fn(move |request: Request<RequestBody>| {
                let (client, watch, method) =
                    (client.clone(), watch.clone(), request.method().clone());
                async move {
                    let answer = client.oneshot(request).await;
                    let status = answer.as_ref().ok().map(|response| response.status());
                    watch.0.lock().unwrap().extend(status.map(|status| (method, status)));
                    answer
                }
            })
        });
        (endpoint.layer(layer), requests)
    }

    /// Returns how requests with a method were answered.
    pub(crate) fn answers(&self, method: &Method) -> Vec<StatusCode> {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|(seen, _)| seen == method).map(|(_, status)| *status).collect()
    }
}

/// The notifications that belong to no call.
pub(crate) struct Notifications(mpsc::Receiver<Notification>);

impl Notifications {
    /// Returns the client with a receiver for its unsolicited notifications.
    pub(crate) fn of(client: ClientBuilder) -> (ClientBuilder, Self) {
        let (sender, receiver) = mpsc::channel(256);
        let client = client.on_event(move |event| {
            if let Event::Notification(notification) = event {
                sender.try_send(notification.clone()).unwrap();
            }
        });
        (client, Self(receiver))
    }

    /// Returns the next matching notification; those before it are skipped.
    pub(crate) async fn find(&mut self, method: &str, part: &str) -> Notification {
        loop {
            let notification = self.0.recv().await.unwrap();
            let params = notification.params.as_ref().map(mcp_types::RawJson::as_str);
            if notification.method == method && params.unwrap_or_default().contains(part) {
                return notification;
            }
        }
    }
}
