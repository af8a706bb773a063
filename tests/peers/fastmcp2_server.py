"""A FastMCP 2.14 server that the tests talk to: a legacy server with tasks of 2025-11-25.

    python fastmcp2_server.py               serves stdin and stdout
    python fastmcp2_server.py --http PORT   serves http://127.0.0.1:PORT/mcp; 0 takes a free port
    python fastmcp2_server.py --sse PORT    serves http://127.0.0.1:PORT/sse, HTTP with SSE
"""

from __future__ import annotations

import argparse
import asyncio
import socket

import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError

mcp = FastMCP("fastmcp2-peer", version="1.0.0")


@mcp.tool
def echo(text: str) -> str:
    """Returns its text."""
    return text


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


@mcp.tool(task=True)
async def work(seconds: float) -> str:
    """May be done as a task."""
    await asyncio.sleep(seconds)
    return "worked"


@mcp.tool
async def ask(question: str, ctx: Context) -> str:
    """Asks the user a question and returns the answer."""
    answer = await ctx.elicit(question, response_type=str)
    return str(answer.data) if answer.action == "accept" else f"({answer.action})"


@mcp.tool
async def sample(prompt: str, ctx: Context) -> str:
    """Has the client's model complete a prompt and returns the text."""
    answer = await ctx.sample(prompt)
    return answer.text or ""


@mcp.tool
async def roots(ctx: Context) -> str:
    """Returns the URIs of the client's roots, one a line."""
    return "\n".join(str(root.uri) for root in await ctx.list_roots())


@mcp.resource("test://hello", mime_type="text/plain")
def hello() -> str:
    """A greeting."""
    return "hello"


@mcp.prompt
def greet(name: str) -> str:
    """Asks for a greeting."""
    return f"Greet {name}."


def serve(app, port: int) -> None:
    """Listens, says where, serves. Connections made from then on wait until the server accepts them."""
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", type=int, metavar="PORT")
    parser.add_argument("--sse", type=int, metavar="PORT")
    options = parser.parse_args()
    if options.http is not None:
        serve(mcp.http_app(path="/mcp"), options.http)
    elif options.sse is not None:
        serve(mcp.http_app(path="/sse", transport="sse"), options.sse)
    else:
        mcp.run("stdio", show_banner=False, log_level="warning")
