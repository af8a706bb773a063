//! Log messages of servers.

use mcp_session::{Event, Events};
use mcp_types::{LoggingLevel, LoggingMessageNotification, Notification as _, RawJson};
use serde_json::Value;
use std::sync::Arc;

/// The maximum length of a message passed on.
const MAX_CHARS: usize = 4_096;

/// The listener for servers' log messages: `tracing`, under the target `mcp_client::server_log`, or a closure in its
/// place.
#[derive(Clone)]
pub(crate) struct LogListener {
    hear: Arc<dyn Fn(&Event) + Send + Sync>,
    /// Nearly every call has only this listener, which costs nothing as the first one.
    alone: Events,
}

impl Default for LogListener {
    fn default() -> Self {
        Self::of(Arc::new(trace))
    }
}

impl LogListener {
    pub(crate) fn new(
        listener: impl Fn(LoggingMessageNotification) + Send + Sync + 'static,
    ) -> Self {
        Self::of(Arc::new(move |event| match read(event) {
            Some(Ok(message)) => listener(message),
            Some(Err(_)) => unreadable(),
            None => {}
        }))
    }

    fn of(hear: Arc<dyn Fn(&Event) + Send + Sync>) -> Self {
        let first = Arc::clone(&hear);
        Self { hear, alone: Events::listener(move |event| first(event)) }
    }

    /// Adds this listener.
    pub(crate) fn listen(&self, events: Events) -> Events {
        if events.is_empty() {
            return self.alone.clone();
        }
        let hear = Arc::clone(&self.hear);
        events.and_listener(move |event| hear(event))
    }
}

/// Forwards a log message of the server to `tracing`; ignores other events.
// spec: LOG-04 LOG-06
fn trace(event: &Event) {
    match read(event) {
        Some(Ok(message)) => write(&message),
        Some(Err(_)) => unreadable(),
        None => {}
    }
}

/// Decodes an event that is a log message.
fn read(event: &Event) -> Option<Result<LoggingMessageNotification, serde_json::Error>> {
    let Event::Notification(notification) = event else { return None };
    if notification.method != LoggingMessageNotification::METHOD {
        return None;
    }
    Some(notification.params.as_ref().unwrap_or(&RawJson::EMPTY_OBJECT).decode())
}

fn unreadable() {
    tracing::debug!(target: "mcp_client::server_log", "a log message that cannot be read");
}

fn write(message: &LoggingMessageNotification) {
    let text = match &message.data {
        Value::String(text) => harmless(text),
        data => harmless(&data.to_string()),
    };
    let level = harmless(message.level.as_str());
    let logger = message.logger.as_deref().map(harmless);
    macro_rules! log {
        ($macro:ident) => {
            tracing::$macro!(target: "mcp_client::server_log", %level, logger, "{text}")
        };
    }
    match message.level {
        LoggingLevel::Debug => log!(debug),
        LoggingLevel::Warning => log!(warn),
        LoggingLevel::Error
        | LoggingLevel::Critical
        | LoggingLevel::Alert
        | LoggingLevel::Emergency => log!(error),
        _ => log!(info),
    }
}

/// Makes a server's text safe for a log: one line, nothing that a terminal would interpret, and not too long.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(MAX_CHARS) {
        match c {
            c if c.is_control() || is_bidi(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// Whether a character reorders the text around it.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARS, harmless, trace};
    use mcp_session::Event;
    use mcp_types::{RawJson, rpc::Notification};
    use serde_json::json;
    use std::{
        fmt::Write,
        sync::{Arc, Mutex},
    };
    use tracing::{Metadata, Subscriber, field, span};

    /// Records each event as one line.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Subscriber for Lines {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "mcp_client::server_log"
        }

        fn event(&self, event: &tracing::Event<'_>) {
            let mut line = event.metadata().level().to_string();
            event.record(&mut |field: &field::Field, value: &dyn std::fmt::Debug| {
                write!(line, " {field}={value:?}").unwrap();
            });
            self.0.lock().unwrap().push(line);
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    // spec: LOG-06
    #[test]
    fn messages_keep_their_severity() {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            for params in [
                json!({"level": "debug", "logger": "db", "data": "a\nb"}),
                json!({"level": "notice", "data": {"n": 1}}),
                json!({"level": "warning", "data": null}),
                json!({"level": "emergency", "data": "x"}),
                json!({"level": "loud", "data": "x"}),
                json!({"level": 7}),
            ] {
                let params = RawJson::encode(&params).unwrap();
                let message = Notification::new("notifications/message").with_params(params);
                trace(&Event::Notification(message));
            }
            trace(&Event::Notification(Notification::new("notifications/tools/list_changed")));
        });
        assert_eq!(
            *lines.0.lock().unwrap(),
            [
                r#"DEBUG message=a\nb level=debug logger="db""#,
                r#"INFO message={"n":1} level=notice"#,
                "WARN message=null level=warning",
                "ERROR message=x level=emergency",
                "INFO message=x level=loud",
                "DEBUG message=a log message that cannot be read",
            ]
        );
    }

    // spec: LOG-04
    #[test]
    fn text_of_a_server_cannot_forge_lines_or_steer_a_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\nc é"), "a\\u{1b}[2Jb\\r\\nc é");
        assert_eq!(harmless("\u{202e}gnp"), "\\u{202e}gnp");
        assert_eq!(harmless(&"x".repeat(2 * MAX_CHARS)).chars().count(), MAX_CHARS + 1);
    }
}
