//! The other end of a byte stream, scripted line by line, and a deadline for every test.

use serde_json::{Value, json};
use std::{future::Future, time::Duration};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf,
        split,
    },
    task::JoinSet,
    time::timeout,
};

/// Waits for a future, but not for ever: a hang is a failure.
///
/// # Panics
///
/// After ten seconds.
#[track_caller]
pub fn deadline<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match timeout(Duration::from_secs(10), future).await {
            Ok(output) => output,
            Err(_) => panic!("hangs at {place}"),
        }
    }
}

/// A future that runs in the background, and is dropped with this handle.
#[derive(Debug)]
pub struct Background<T>(JoinSet<T>);

impl<T: Send + 'static> Background<T> {
    /// Runs a future in the background.
    pub fn run(future: impl Future<Output = T> + Send + 'static) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(future);
        Self(tasks)
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it panicked, was cancelled, or was waited for before.
    pub async fn end(&mut self) -> T {
        deadline(self.0.join_next()).await.expect("not waited for before").expect("no panic")
    }

    /// Drops the future and waits until it is dropped.
    pub async fn cut(mut self) {
        deadline(self.0.shutdown()).await;
    }
}

/// The other end of a byte stream.
#[derive(Debug)]
pub struct Peer<T> {
    reader: BufReader<ReadHalf<T>>,
    writer: WriteHalf<T>,
    /// Everything that was received, for [`assert_clean_wire`](crate::clean::assert_clean_wire).
    received: Vec<Value>,
}

impl<T: AsyncRead + AsyncWrite> Peer<T> {
    /// Speaks over `io`.
    pub fn new(io: T) -> Self {
        let (reader, writer) = split(io);
        Self { reader: BufReader::new(reader), writer, received: Vec::new() }
    }

    /// The next line as it is, or nothing at the end.
    ///
    /// # Panics
    ///
    /// When the stream breaks, or a line has no end.
    pub async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = deadline(self.reader.read_line(&mut line)).await.expect("an unbroken stream");
        if count == 0 {
            return None;
        }
        assert_eq!(line.pop(), Some('\n'), "a line has an end");
        Some(line)
    }

    /// The next message.
    ///
    /// # Panics
    ///
    /// When there is none, or it is not JSON.
    pub async fn receive(&mut self) -> Value {
        self.next().await.expect("a message")
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.line().await?;
        let message: Value = serde_json::from_str(&line).expect("every line is one JSON value");
        self.received.push(message.clone());
        Some(message)
    }

    /// All messages that were received.
    pub fn received(&self) -> &[Value] {
        &self.received
    }

    /// The next message, which has this method.
    ///
    /// # Panics
    ///
    /// When it has another one.
    #[track_caller]
    pub fn expect(&mut self, method: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let message = self.receive().await;
            assert_eq!(message["method"], method, "at {place}");
            message
        }
    }

    /// Sends a message as one line.
    pub async fn send(&mut self, message: Value) {
        self.send_raw(format!("{message}\n")).await;
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    ///
    /// When the stream is broken.
    pub async fn send_raw(&mut self, bytes: impl AsRef<[u8]>) {
        deadline(self.writer.write_all(bytes.as_ref())).await.expect("an unbroken stream");
    }

    /// Answers a request with a result.
    pub async fn answer(&mut self, id: impl Into<Value>, result: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": id.into(), "result": result})).await;
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// Says that no more will come, and reads what still does.
    pub async fn finish(mut self) -> Vec<Value> {
        let _ = deadline(self.writer.shutdown()).await;
        self.rest().await
    }

    /// Reads to the end.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(message) = self.next().await {
            rest.push(message);
        }
        rest
    }
}
