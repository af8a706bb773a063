//! What is said of tools that ask for headers which cannot be.

use crate::{
    mock::{answer, around, call, refusal, reply},
    script::deadline,
};
use mcp_session::MirrorParamsLayer;
use serde_json::json;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tower::ServiceExt;

/// The log output of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// spec: HDR-12 HDR-13
#[tokio::test]
async fn a_tool_that_is_left_out_is_named_in_the_log_with_the_reason() {
    deadline(async {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let (service, mut handle) = around(&MirrorParamsLayer::new());
        let price = json!({"type": "number", "x-mcp-header": "Price"});
        let broken = json!({"type": "object", "properties": {"price": price}});
        let sound = json!({"type": "object"});
        let tools = json!({"tools": [
            {"name": "broken", "inputSchema": broken}, {"name": "sound", "inputSchema": sound}
        ]});
        let (reply, _) = tokio::join!(
            service.oneshot(call("tools/list", json!({}))),
            answer(&mut handle, tools)
        );
        let listed: serde_json::Value = reply.unwrap().result.decode().unwrap();
        assert_eq!(listed["tools"].as_array().unwrap().len(), 1, "{listed}");
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let warning = text.lines().find(|line| line.contains("WARN")).unwrap();
        assert!(warning.contains("broken") && warning.contains("Price"), "{text}");
        assert!(!text.contains("sound"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_tool_is_not_looked_for_on_the_same_page_for_ever() {
    deadline(async {
        let (service, mut handle) = around(&MirrorParamsLayer::new());
        let sent = call("tools/call", json!({"name": "t"}));
        let server = async {
            let mut methods = Vec::new();
            while let Some((call, respond)) = handle.next_request().await {
                methods.push(call.method.into_owned());
                match methods.last().unwrap().as_str() {
                    "tools/list" => {
                        respond.send_response(reply(json!({"tools": [], "nextCursor": "again"})));
                    }
                    _ if methods.len() == 1 => respond.send_error(refusal(-32020)),
                    _ => respond.send_response(reply(json!({}))),
                }
            }
            methods
        };
        let (answer, methods) = tokio::join!(service.oneshot(sent), server);
        assert!(answer.is_ok());
        assert_eq!(methods, ["tools/call", "tools/list", "tools/list", "tools/call"]);
    })
    .await;
}
