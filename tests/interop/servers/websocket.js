"use strict";

// The npm package websocket.
// cannot: compress

const http = require("http");
const { Guest, module_of, ready } = require("../manners.js");

const WebSocket = module_of("websocket");

const DESCRIPTIONS = WebSocket.connection.CLOSE_DESCRIPTIONS;

function part_of(connection, part, opcode, fin) {
	const frame = new WebSocket.frame(Buffer.alloc(4), Buffer.alloc(10),
		connection.config);
	frame.opcode = opcode;
	frame.binaryPayload = Buffer.from(part);
	frame.fin = fin;
	connection.sendFrame(frame);
}

const server = http.createServer((request, answer) => answer.end());

new WebSocket.server({
	httpServer: server,
	autoAcceptConnections: true,
	maxReceivedFrameSize: 1 << 26,
	maxReceivedMessageSize: 1 << 26,
	fragmentOutgoingMessages: false,
}).on("connect", (connection) => {
	const guest = new Guest({
		text: (text) => connection.sendUTF(text),
		binary: (data) => connection.sendBytes(data),
		fragments: (parts) => parts.forEach((part, i) => part_of(
			connection, part, i === 0 ? 1 : 0, i === parts.length - 1)),
		ping: (data) => connection.ping(data),
		close: (code, reason) => connection.drop(code, reason),
		vanish: () => connection.socket.destroy(),
	});
	connection.on("message", (m) => m.type === "utf8"
		? guest.message(m.utf8Data)
		: guest.message(null, m.binaryData));
	connection.on("pong", (data) => guest.pong(data));
	connection.on("error", () => {});
	connection.on("close", (code, reason) => guest.left(code,
		reason === DESCRIPTIONS[code] ? "" : reason));
});

server.listen(0, "127.0.0.1", () => ready(server.address().port));
