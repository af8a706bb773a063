"""A FastMCP 4 server that the tests talk to: the modern-era peer.

    python fastmcp_server.py               serves stdin and stdout
    python fastmcp_server.py --http PORT   serves http://127.0.0.1:PORT/mcp; 0 takes a free port

In HTTP mode one line on stdout, `listening on http://127.0.0.1:PORT`, says that connections are accepted.

Observed with raw JSON and with curl (fastmcp 4.1.2, mcp 2.3.0):

* The first request fixes the era of a stdio connection. After `server/discover`, or any request with the modern
  `_meta`, `initialize` is refused with -32022; after `initialize` a modern request is refused with -32600.
* `server/discover` answers `supportedVersions: ["2026-07-28"]`; without the `_meta` keys for version and client
  capabilities it answers -32602. An unknown version is -32022 with `data.supported`, on HTTP with status 400.
* `initialize` with 2025-11-25 works on both transports; `ask`, `sample` and `roots` then send their request to the client.
* HTTP: `MCP-Protocol-Version: 2026-07-28` selects the modern era; without it a request is treated as one of a legacy
  session (400, -32600, "Missing session ID"). `Mcp-Method` must equal the method, `Mcp-Name` the name or URI,
  `Mcp-Param-Region` the argument `region` of the tool `route`; else 400 with -32020.
  `Accept` must name both application/json and text/event-stream (406). GET is 405. No session id is given out.
* HTTP answers with plain JSON when a handler ends without a notification, with SSE (no event ids) after the first
  one, or after 15 s with `: ping` comments. Closing the connection cancels the handler.
* Notifications are answered 202 on HTTP and not at all on stdio; unknown ones too. A cancelled request gets no
  response; for a cancelled `subscriptions/listen` there is none either. A line that is not JSON is passed over.
* An unknown method is -32601 (HTTP 404); an unknown tool and bad arguments are results with `isError`; an unknown
  resource is -32602 with `data.uri`.
* `ask`, `sample` and `roots` return `resultType: "input_required"`, whether or not the client declared the capability.
  `requestState` comes sealed; a changed one is -32602 with `data.reason: "invalid_request_state"`.
* Log messages are sent only to requests with `io.modelcontextprotocol/logLevel` in `_meta`.
* List results have `ttlMs: 0` and `cacheScope: "private"`. At the end of stdin the process ends with status 0.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from typing import Annotated, Any, Literal

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.tools import Tool
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ToolsListChanged,
)
from mcp_types import (
    Completion,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    PromptReference,
    SamplingMessage,
    SubscriptionsListenRequestParams,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

NAMES = ["Ada", "Alan", "Barbara", "Grace"]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)

mcp = FastMCP("test-peer", version="1.0.0", instructions="A server for tests.")
bus = InMemorySubscriptionBus()
# FastMCP 4.1 does not serve `subscriptions/listen` by itself; the SDK below it does.
mcp._mcp_server.add_request_handler(
    "subscriptions/listen", SubscriptionsListenRequestParams, ListenHandler(bus)
)


async def answer_of(ctx: Context, request: Any, result: type) -> Any:
    """The client's answer to `request`, or the result that asks for it.

    The modern era has no requests from the server: the tool returns the question and runs again with the answer.
    """
    if ctx.request_context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return await ctx.session.send_request(request, result)
    if not ctx.input_responses:
        return InputRequiredResult(
            input_requests={"question": request}, request_state="asked"
        )
    if ctx.request_state != "asked":
        raise ToolError(f"the request state came back as {ctx.request_state!r}")
    return ctx.input_responses["question"]


@mcp.tool
def echo(text: str) -> str:
    """Returns its text."""
    return text


@mcp.tool
def add(a: int, b: int) -> int:
    """Adds two numbers; the sum is structured output."""
    return a + b


@mcp.tool
def fail(message: str) -> str:
    """Fails with its message."""
    raise ToolError(message)


@mcp.tool
async def count(steps: int, ctx: Context) -> int:
    """Counts to `steps` and reports progress at each."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
    return steps


@mcp.tool
async def slow(seconds: float) -> str:
    """Answers after `seconds`."""
    await asyncio.sleep(seconds)
    return "done"


@mcp.tool
async def ask(question: str, ctx: Context) -> str | InputRequiredResult:
    """Asks the user a question and returns the answer."""
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string"}},
        "required": ["answer"],
    }
    params = ElicitRequestFormParams(message=question, requested_schema=schema)
    answer = await answer_of(ctx, ElicitRequest(params=params), ElicitResult)
    if not isinstance(answer, ElicitResult):
        return answer
    if answer.action != "accept":
        return f"({answer.action})"
    return str((answer.content or {}).get("answer"))


@mcp.tool
async def sample(prompt: str, ctx: Context) -> str | InputRequiredResult:
    """Has the client's model complete a prompt and returns the text."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    params = CreateMessageRequestParams(messages=[message], max_tokens=100)
    answer = await answer_of(
        ctx, CreateMessageRequest(params=params), CreateMessageResult
    )
    if isinstance(answer, InputRequiredResult):
        return answer
    return getattr(answer.content, "text", "(no text)")


@mcp.tool
async def roots(ctx: Context) -> str | InputRequiredResult:
    """Returns the URIs of the client's roots, one a line."""
    answer = await answer_of(ctx, ListRootsRequest(), ListRootsResult)
    if isinstance(answer, InputRequiredResult):
        return answer
    return "\n".join(str(root.uri) for root in answer.roots)


@mcp.tool
async def log(
    level: Literal[
        "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"
    ],
    text: str,
    ctx: Context,
) -> str:
    """Sends one log message."""
    await ctx.log(text, level=level, logger_name="test-peer")
    return "logged"


@mcp.tool
def route(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> str:
    """Takes an argument that HTTP clients mirror into the header `Mcp-Param-Region`."""
    return region


@mcp.tool
async def change(what: str) -> str:
    """Tells subscribers that `tools`, `prompts` or `resources` changed, or the resource with that URI."""
    lists = {
        "tools": ToolsListChanged(),
        "prompts": PromptsListChanged(),
        "resources": ResourcesListChanged(),
    }
    await bus.publish(lists.get(what) or ResourceUpdated(uri=what))
    return "published"


@mcp.tool
async def grow(description: str) -> str:
    """Adds the tool `grown`, or gives it another description, and tells subscribers."""

    def grown() -> str:
        return "grown"

    mcp.add_tool(Tool.from_function(grown, description=description))
    await bus.publish(ToolsListChanged())
    return "published"


@mcp.resource("test://hello", mime_type="text/plain")
def hello() -> str:
    """A greeting."""
    return "hello"


@mcp.resource("test://pixel", mime_type="image/png")
def pixel() -> bytes:
    """A picture of one pixel."""
    return PIXEL


@mcp.resource("test://greet/{name}", mime_type="text/plain")
def greet_resource(name: str) -> str:
    """A greeting by name."""
    return f"hello, {name}"


@mcp.prompt
def greet(name: str) -> str:
    """Asks for a greeting."""
    return f"Greet {name}."


@mcp.completion
def complete(ref: Any, argument: Any, context: Any) -> Completion | None:
    """Completes the argument `name` of the prompt and of the resource template."""
    known = ref.name == "greet" if isinstance(ref, PromptReference) else True
    if not known or argument.name != "name":
        return None
    values = [name for name in NAMES if name.startswith(argument.value)]
    return Completion(values=values, total=len(values), has_more=False)


def serve_http(port: int) -> None:
    """Listens, says where, serves. Connections made from then on wait until the server accepts them."""
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    asyncio.run(
        mcp.run_http_async(
            host="127.0.0.1",
            port=port,
            sockets=[listener],
            show_banner=False,
            log_level="warning",
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", type=int, metavar="PORT")
    port = parser.parse_args().http
    if port is None:
        mcp.run("stdio", show_banner=False, log_level="warning")
    else:
        serve_http(port)
