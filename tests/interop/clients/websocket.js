"use strict";

// The npm package websocket.
// cannot: compress

const { module_of, serve, trust } = require("../manners.js");

const WebSocket = module_of("websocket");

const DESCRIPTIONS = WebSocket.connection.CLOSE_DESCRIPTIONS;

// It has no call for a fragment, but frames of its own.
function send(connection, part, opcode, fin) {
	const frame = new WebSocket.frame(Buffer.alloc(4), Buffer.alloc(10),
		connection.config);
	frame.opcode = opcode;
	frame.binaryPayload = Buffer.from(part);
	frame.fin = fin;
	connection.sendFrame(frame);
}

function talk(steps, connection) {
	connection.on("message", (m) => m.type === "utf8"
		? steps.message(m.utf8Data)
		: steps.message(null, m.binaryData));
	connection.on("pong", (data) => steps.pong(data));
	connection.on("error", () => {});
	// Where there was no reason it makes one up.
	connection.on("close", (code, reason) =>
		steps.ended(code, reason === DESCRIPTIONS[code] ? "" : reason,
			code !== 1006));
	steps.result.protocol = connection.protocol || "";
	steps.result.extensions = connection.extensions.join();
	steps.run({
		text: (text) => connection.sendUTF(text),
		binary: (data) => connection.sendBytes(data),
		fragments: (parts) => parts.forEach((part, i) =>
			send(connection, part, i === 0 ? 1 : 0, i === parts.length - 1)),
		ping: (data) => connection.ping(data),
		close: ([code, reason]) => connection.drop(code, reason),
		vanish: () => connection.socket.destroy(),
	});
}

function call(steps) {
	const { task } = steps;
	const client = new WebSocket.client({
		tlsOptions: trust(task),
		maxReceivedFrameSize: 1 << 26,
		maxReceivedMessageSize: 1 << 26,
		fragmentOutgoingMessages: false,
	});

	client.on("connectFailed", (error) => steps.refused(error));
	client.on("connect", (connection) => talk(steps, connection));
	client.connect(task.url, task.protocols);
}

serve(call);
