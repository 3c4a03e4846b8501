"use strict";

// The npm package ws.

const { module_of, serve, trust } = require("../manners.js");

const WebSocket = module_of("ws");

function call(steps) {
	const { task, result } = steps;
	const ws = new WebSocket(task.url, task.protocols, {
		perMessageDeflate: task.compress, ...trust(task) });

	ws.on("message", (data, binary) =>
		steps.message(binary ? null : data.toString(), data));
	ws.on("pong", (data) => steps.pong(data));
	ws.on("close", (code, reason) =>
		steps.ended(code, reason.toString(), code !== 1006));
	ws.on("error", (error) => {
		if (result.protocol === undefined)
			steps.refused(error);
	});
	ws.on("open", () => {
		result.protocol = ws.protocol;
		result.extensions = ws.extensions;
		steps.run({
			text: (text) => ws.send(text),
			binary: (data) => ws.send(data),
			fragments: (parts) => parts.forEach((part, i) =>
				ws.send(part, { fin: i === parts.length - 1 })),
			ping: (data) => ws.ping(data),
			close: ([code, reason]) => ws.close(code, reason),
			vanish: () => ws.terminate(),
		});
	});
}

serve(call);
