"use strict";

// The npm package ws; see README.

const WebSocket = require("ws");
const { Steps, task, trust } = require("./steps.js");

const it = task();
const steps = new Steps(it);
const ws = new WebSocket(it.url, it.protocols || [], trust(it));

ws.on("message", (data, binary) =>
	steps.message(binary ? null : data.toString(), data));
ws.on("pong", (data) => steps.pong(data));
ws.on("close", (code, reason) =>
	steps.ended(code, reason.toString(), code !== 1006));
ws.on("error", (error) => {
	if (steps.result.protocol === undefined)
		steps.refused(error);
});
ws.on("open", () => {
	steps.result.protocol = ws.protocol;
	steps.result.extensions = ws.extensions;
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
