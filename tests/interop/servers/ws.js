"use strict";

// The npm package ws.

const { Guest, module_of, ready } = require("../manners.js");

const { WebSocketServer } = module_of("ws");

const server = new WebSocketServer({
	host: "127.0.0.1", port: 0, perMessageDeflate: true });

server.on("listening", () => ready(server.address().port));
server.on("connection", (ws) => {
	const guest = new Guest({
		text: (text) => ws.send(text),
		binary: (data) => ws.send(data),
		fragments: (parts) => parts.forEach((part, i) =>
			ws.send(part, { fin: i === parts.length - 1 })),
		ping: (data) => ws.ping(data),
		close: (code, reason) => ws.close(code, reason),
		vanish: () => ws.terminate(),
	});
	ws.on("message", (data, binary) => guest.message(
		binary ? null : data.toString(), data));
	ws.on("pong", (data) => guest.pong(data));
	ws.on("close", (code, reason) => guest.left(code, reason));
	ws.on("error", () => {});
});
