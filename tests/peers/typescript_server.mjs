// A server made with the TypeScript SDK 2: both eras from one factory.
//
//     node typescript_server.mjs FOLDER               serves stdin and stdout
//     node typescript_server.mjs FOLDER --http PORT   serves http://127.0.0.1:PORT/mcp; 0 takes a free port
//
// FOLDER is where the packages are installed: this file lies elsewhere, and modules are looked for beside a file.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, ...options] = process.argv.slice(2);
const { resolve } = createRequire(`${folder}/`);
const load = (name) => import(pathToFileURL(resolve(name)));

const { McpServer, createMcpHandler } = await load("@modelcontextprotocol/server");
const { z } = await load("zod");

const text = (words) => ({ content: [{ type: "text", text: words }] });
const delay = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

function factory() {
  const server = new McpServer({ name: "typescript-peer", version: "1.0.0" });
  server.registerTool("echo", { inputSchema: z.object({ text: z.string() }) }, (input) => text(input.text));
  server.registerTool("fail", { inputSchema: z.object({}) }, () => ({ ...text("it broke"), isError: true }));
  server.registerTool("slow", { inputSchema: z.object({ seconds: z.number() }) }, async ({ seconds }) => {
    await delay(seconds);
    return text("done");
  });
  server.registerTool(
    "sum",
    {
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
    },
    ({ a, b }) => ({ ...text(`${a + b}`), structuredContent: { sum: a + b } }),
  );
  server.registerResource("hello", "test://hello", { mimeType: "text/plain" }, (uri) => ({
    contents: [{ uri: uri.href, text: "hello" }],
  }));
  server.registerPrompt("greet", { argsSchema: z.object({ name: z.string() }) }, ({ name }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Greet ${name}.` } }],
  }));
  return server;
}

if (options[0] === "--http") {
  const { toNodeHandler } = await load("@modelcontextprotocol/node");
  const server = createServer(toNodeHandler(createMcpHandler(factory)));
  server.listen(Number(options[1]), "127.0.0.1", () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
} else {
  const { serveStdio } = await load("@modelcontextprotocol/server/stdio");
  serveStdio(factory);
}
