//! Progress reports of servers.

use crate::{Event, Events, Progress, log::harmless};
use std::sync::Arc;

/// The progress listener for calls without their own.
#[derive(Clone, Default)]
pub(crate) struct ProgressListener(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl ProgressListener {
    pub(crate) fn new(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Adds this listener. The default is `tracing`, if it is enabled.
    pub(crate) fn listen(&self, events: Events) -> Events {
        match &self.0 {
            Some(listener) => {
                let listener = Arc::clone(listener);
                events.and_listener(move |event| {
                    if let Event::Progress(progress) = event {
                        listener(progress.clone());
                    }
                })
            }
            None if tracing::enabled!(target: "mcp_client::progress", tracing::Level::DEBUG) => {
                events.and_listener(trace)
            }
            None => events,
        }
    }
}

fn trace(event: &Event) {
    if let Event::Progress(progress) = event {
        tracing::debug!(target: "mcp_client::progress", "{}", line(progress));
    }
}

/// Formats progress as one line: how much of how much, in percent, and what is being done.
fn line(progress: &Progress) -> String {
    let Progress { progress: done, total, message, .. } = progress;
    let mut line = done.to_string();
    if let Some(total) = total {
        line = format!("{line}/{total}");
        // There is no percentage of zero, or of what is not a number.
        let percent = done / total * 100.0;
        if percent.is_finite() {
            line = format!("{line} ({percent:.0}%)");
        }
    }
    match message {
        Some(message) => format!("{line}: {}", harmless(message)),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::line;
    use mcp_types::RawJson;
    use serde_json::json;

    // seed: 50
    #[test]
    fn progress_is_one_line_also_of_nothing_and_of_the_unknown() {
        for (progress, expected) in [
            (json!({"progress": 1}), "1"),
            (json!({"progress": 1, "total": 3}), "1/3 (33%)"),
            (json!({"progress": 2.5, "total": 2.5, "message": "a\nb"}), r"2.5/2.5 (100%): a\nb"),
            (json!({"progress": 1, "total": 0}), "1/0"),
            (json!({"progress": 0, "total": 0, "message": "x"}), "0/0: x"),
        ] {
            let progress = RawJson::encode(&progress).unwrap().decode().unwrap();
            assert_eq!(line(&progress), expected);
        }
    }
}
