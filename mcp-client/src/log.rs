//! What becomes of the log messages of servers.

use mcp_session::{Event, Events};
use mcp_types::{LoggingLevel, LoggingMessageNotification, Notification as _, RawJson};
use serde_json::Value;
use std::sync::LazyLock;

/// How much of one message is passed on.
const MAX_CHARS: usize = 4_096;

/// These listeners and one that hands log messages to `tracing`, under the target `mcp_client::server_log`.
pub(crate) fn listen(events: Events) -> Events {
    // Nearly every call has this one listener: it costs nothing if it is the first.
    static ALONE: LazyLock<Events> = LazyLock::new(|| Events::listener(trace));

    if events.is_empty() { ALONE.clone() } else { events.and_listener(trace) }
}

/// Hands a log message of the server to `tracing`; other events are left alone.
// spec: LOG-04 LOG-06
pub(crate) fn trace(event: &Event) {
    let Event::Notification(notification) = event else { return };
    if notification.method != LoggingMessageNotification::METHOD {
        return;
    }
    let params = notification.params.as_ref().map(RawJson::decode::<LoggingMessageNotification>);
    let Some(Ok(message)) = params else {
        return tracing::debug!(target: "mcp_client::server_log", "a log message that cannot be read");
    };
    write(&message);
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

/// Text of a server as a log can bear it: on one line, without what a terminal would obey, and not too long.
fn harmless(text: &str) -> String {
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

    /// Keeps each event as one line.
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
