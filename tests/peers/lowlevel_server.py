"""A server made with the low-level `Server` of the Python SDK 2, without FastMCP around it: both eras.

    python lowlevel_server.py               serves stdin and stdout
    python lowlevel_server.py --http PORT   serves http://127.0.0.1:PORT/mcp; 0 takes a free port
"""

from __future__ import annotations

import argparse
import asyncio
import socket

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}


async def list_tools(ctx, params):
    """Two tools, one a page."""
    if params is None or params.cursor is None:
        tool = types.Tool(name="echo", input_schema=TEXT)
        return types.ListToolsResult(tools=[tool], next_cursor="second page")
    tool = types.Tool(name="slow", input_schema={"type": "object"})
    return types.ListToolsResult(tools=[tool])


async def call_tool(ctx, params):
    arguments = params.arguments or {}
    if params.name == "slow":
        await asyncio.sleep(arguments.get("seconds", 0))
    is_error = params.name not in ("echo", "slow")
    text = f"no tool {params.name}" if is_error else arguments.get("text", "done")
    content = types.TextContent(type="text", text=text)
    return types.CallToolResult(content=[content], is_error=is_error)


async def list_resources(ctx, params):
    return types.ListResourcesResult(resources=[types.Resource(uri="test://hello", name="hello")])


async def read_resource(ctx, params):
    content = types.TextResourceContents(uri=params.uri, text="hello", mime_type="text/plain")
    return types.ReadResourceResult(contents=[content])


async def list_prompts(ctx, params):
    return types.ListPromptsResult(prompts=[types.Prompt(name="greet")])


async def get_prompt(ctx, params):
    text = f"Greet {(params.arguments or {}).get('name')}."
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.GetPromptResult(messages=[message])


server = Server(
    "lowlevel-peer",
    version="1.0.0",
    on_list_tools=list_tools,
    on_call_tool=call_tool,
    on_list_resources=list_resources,
    on_read_resource=read_resource,
    on_list_prompts=list_prompts,
    on_get_prompt=get_prompt,
)


async def serve_stdio() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def serve_http(port: int) -> None:
    """Listens, says where, serves. Connections made from then on wait until the server accepts them."""
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    config = uvicorn.Config(server.streamable_http_app(), log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", type=int, metavar="PORT")
    port = parser.parse_args().http
    if port is None:
        asyncio.run(serve_stdio())
    else:
        serve_http(port)
