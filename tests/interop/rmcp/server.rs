//! A server written with rmcp: it speaks both eras, and lists two tools a page.

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, CompletionInfo, ContentBlock, GetPromptRequestParams, GetPromptResponse,
        GetPromptResult, Implementation, InputRequest, InputRequests, InputRequiredResult,
        ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, PromptMessage,
        ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
        ResourceContents, Role, ServerCapabilities, ServerConfig, ServerRequest, Tool,
    },
    service::RequestContext,
};
use serde_json::{Value, json};
use std::{ops::ControlFlow, time::Duration};
use tokio::time::sleep;

const TOOLS: [&str; 8] = ["ask", "count", "echo", "fail", "roots", "sample", "slow", "weather"];
const PAGE: usize = 2;

type Context = RequestContext<RoleServer>;

/// The server; it has no state of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server;

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_resources()
            .enable_completions()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("rmcp-peer", "1.0.0"))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let page: usize = match cursor.as_deref().map(str::parse) {
            None => 0,
            Some(Ok(page)) => page,
            Some(Err(_)) => return Err(ErrorData::invalid_params("no such cursor", None)),
        };
        let pages = TOOLS.chunks(PAGE);
        let next = (page + 1 < pages.len()).then(|| (page + 1).to_string());
        let tools = pages.skip(page).take(1).flatten().map(|name| tool(name));
        let mut result = ListToolsResult::with_all_items(tools.collect());
        result.next_cursor = next;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let argument =
            |name: &str| request.arguments.as_ref().and_then(|all| all.get(name).cloned());
        match &*request.name {
            "echo" => {
                Ok(text(argument("text").as_ref().and_then(Value::as_str).unwrap_or_default()))
            }
            "fail" => Ok(CallToolResult::error(vec![ContentBlock::text("it broke")]).into()),
            "weather" => {
                let weather = json!({"city": argument("city"), "degrees": -3.5});
                Ok(CallToolResult::structured(weather).into())
            }
            "count" => count(argument("steps").and_then(|steps| steps.as_u64()), &context).await,
            "slow" => {
                // Ends at once when cancelled, so that the end of the session does not wait for it.
                let time_is_up =
                    context.ct.run_until_cancelled(sleep(Duration::from_secs(8))).await;
                Ok(text(if time_is_up.is_some() { "done" } else { "cancelled" }))
            }
            "ask" => ask(&request, &context, form(), "/content/name").await,
            "sample" => ask(&request, &context, prompt(), "/content/text").await,
            "roots" => {
                ask(&request, &context, json!({"method": "roots/list"}), "/roots/0/uri").await
            }
            name => Err(ErrorData::invalid_params(format!("no tool has the name {name:?}"), None)),
        }
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != "test://hello" {
            return Err(ErrorData::resource_not_found("no such resource", None));
        }
        Ok(ReadResourceResult::new(vec![ResourceContents::text("hello", request.uri)]).into())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let name = arguments.get("name").and_then(Value::as_str).unwrap_or("nobody");
        let message = PromptMessage::new_text(Role::User, format!("Greet {name}."));
        Ok(GetPromptResult::new(vec![message]).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        let names = ["Ada", "Alan", "Grace"].into_iter();
        let names = names.filter(|name| name.starts_with(&request.argument.value));
        let completion = CompletionInfo::with_all_values(names.map(str::to_owned).collect());
        Ok(CompleteResult::new(completion.map_err(|error| ErrorData::internal_error(error, None))?))
    }
}

fn tool(name: &'static str) -> Tool {
    let schema = rmcp::model::object(json!({"type": "object"}));
    Tool::new(name, format!("The tool {name}."), schema)
}

fn text(text: &str) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

fn form() -> Value {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    });
    json!({
        "method": "elicitation/create",
        "params": {"mode": "form", "message": "Who are you?", "requestedSchema": schema},
    })
}

fn prompt() -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": "Say hello."}});
    json!({
        "method": "sampling/createMessage",
        "params": {"messages": [message], "maxTokens": 10},
    })
}

async fn count(steps: Option<u64>, context: &Context) -> Result<CallToolResponse, ErrorData> {
    let steps = u32::try_from(steps.unwrap_or_default()).unwrap_or(u32::MAX);
    for step in 1..=steps {
        let Some(token) = context.meta.get_progress_token() else { break };
        let progress = ProgressNotificationParam::new(token, f64::from(step))
            .with_total(f64::from(steps))
            .with_message(format!("step {step}"));
        context.peer.notify_progress(progress).await.map_err(internal)?;
    }
    Ok(text(&steps.to_string()))
}

/// Asks the client, in the way of its era, and returns the text at `place` in the answer.
async fn ask(
    request: &CallToolRequestParams,
    context: &Context,
    question: Value,
    place: &str,
) -> Result<CallToolResponse, ErrorData> {
    let answer = match answer(request, context, question).await? {
        ControlFlow::Continue(answer) => answer,
        ControlFlow::Break(first_ask) => return Ok(first_ask.into()),
    };
    Ok(text(answer.pointer(place).and_then(Value::as_str).unwrap_or("no answer")))
}

async fn answer(
    request: &CallToolRequestParams,
    context: &Context,
    question: Value,
) -> Result<ControlFlow<InputRequiredResult, Value>, ErrorData> {
    const STATE: &str = "state with \"quotes\" and\ta tab";

    if let Some(answers) = &request.input_responses {
        return match (answers.get("question"), request.request_state.as_deref()) {
            (Some(answer), Some(STATE)) => Ok(ControlFlow::Continue(answer.clone())),
            _ => Err(ErrorData::invalid_params("the answer is for another question", None)),
        };
    }
    let question: InputRequest = serde_json::from_value(question).map_err(internal)?;
    if context.protocol_version() == Some(ProtocolVersion::V_2026_07_28) {
        let questions = InputRequests::from([("question".to_owned(), question)]);
        let asked = InputRequiredResult::new(Some(questions), Some(STATE.to_owned()));
        return Ok(ControlFlow::Break(asked));
    }
    let question = match question {
        InputRequest::CreateMessage(question) => ServerRequest::CreateMessageRequest(question),
        InputRequest::Elicitation(question) => ServerRequest::ElicitRequest(question),
        InputRequest::ListRoots(question) => ServerRequest::ListRootsRequest(question),
        _ => return Err(ErrorData::internal_error("an unknown kind of question", None)),
    };
    let answer = context.peer.send_request(question).await.map_err(internal)?;
    Ok(ControlFlow::Continue(serde_json::to_value(answer).map_err(internal)?))
}

fn internal(error: impl std::error::Error) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}
