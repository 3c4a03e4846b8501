// The npm package "ws" as compression measures it: node compression.js LEVEL
// TAKEOVER FILE SIZE.
//
// To whoever asks for /down it sends the file in messages of SIZE bytes, then
// closes; of all others it takes messages and drops them. It prints its port.
"use strict";

const fs = require("fs");
const path = require("path");
const { WebSocketServer } = require(process.env.WS_MODULE ||
  path.join(__dirname, "..", "node_modules", "ws"));

const [level, takeover, file, size] = process.argv.slice(2);
const data = fs.readFileSync(file);
const without = takeover !== "takeover";
const IN_FLIGHT = 64;

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  maxPayload: 0,
  perMessageDeflate: {
    zlibDeflateOptions: { level: Number(level) },
    serverNoContextTakeover: without,
    clientNoContextTakeover: without,
    threshold: 0,
  },
});

// As many at a time as keep its threads busy, and no more than memory bears.
async function send(ws) {
  let pending = [];
  for (let at = 0; at < data.length; at += Number(size)) {
    const part = data.subarray(at, at + Number(size));
    pending.push(new Promise((done) => ws.send(part, { binary: true }, done)));
    if (pending.length === IN_FLIGHT) {
      await Promise.all(pending);
      pending = [];
    }
  }
  await Promise.all(pending);
  ws.close(1000);
}

server.on("listening", () => console.log(server.address().port));
server.on("connection", (ws, request) => {
  ws.on("error", () => {});
  ws.on("message", () => {});
  if (request.url === "/down") send(ws);
});
