"use strict";

// µWebSockets, as npm has it for Node.
// cannot: fragments

const { Guest, module_of, ready } = require("../manners.js");

const uws = module_of("@trufflesuite/uws-js-unofficial");

uws.App().ws("/*", {
	compression: uws.DEDICATED_COMPRESSOR_4KB,
	maxPayloadLength: 1 << 26,
	maxBackpressure: 1 << 26,
	open: (ws) => {
		ws.guest = new Guest({
			text: (text) => ws.send(text, false, true),
			binary: (data) => ws.send(data, true, true),
			ping: (data) => ws.ping(data),
			close: (code, reason) => ws.end(code, reason),
			vanish: () => ws.close(),
		});
	},
	message: (ws, data, binary) => ws.guest.message(
		binary ? null : Buffer.from(data).toString(), Buffer.from(data)),
	pong: (ws, data) => ws.guest.pong(Buffer.from(data)),
	close: (ws, code, data) => ws.guest.left(code, Buffer.from(data)),
}).listen("127.0.0.1", 0, (socket) => ready(uws.us_socket_local_port(socket)));
