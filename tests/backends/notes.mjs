// A tool server (MCP over stdin and stdout) with one tool: `add` puts a line into the file that NOTES names.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const input = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "notes", version: "1.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({ tools: [{ name: "add", description: "Adds a note.", inputSchema: input }] }),
  "tools/call": ({ arguments: { text } }) => {
    appendFileSync(process.env.NOTES, `${text}\n`);
    return { content: [{ type: "text", text: `noted: ${text}` }] };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const answer = answers[method];
  const outcome = answer ? { result: answer(params ?? {}) } : { error: { code: -32601, message: "no such method" } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...outcome })}\n`);
}
