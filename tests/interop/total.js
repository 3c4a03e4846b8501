"use strict";

// What the clients of Total.js have in common: frames without a mask, and a
// pong that does not say what the ping said.

const { serve } = require("./manners.js");

// create() gives a new client of the framework, close(client, code, reason) has
// it close.
module.exports = function (create, close) {
	serve((steps) => {
		const { task, result } = steps;
		const ws = create();

		Object.assign(ws.options, {
			type: "text", compress: false, reconnect: 0 });
		ws.on("message", (text) => steps.message(text));
		ws.on("close", (code, reason) => {
			if (result.code === undefined)
				steps.ended(code || 1006, reason || "",
					code !== undefined);
		});
		ws.on("error", (error) => {
			if (result.protocol === undefined)
				steps.refused(error);
		});
		ws.on("open", () => {
			result.protocol = null;
			steps.run({
				text: (text) => ws.send(text),
				close: ([code, reason]) => {
					close(ws, code, reason);
					steps.ended(code, reason, true);
				},
				vanish: () => {
					ws.free();
					steps.ended(1006, "", false);
				},
			});
		});
		ws.connect(task.url, task.protocols.join(", ") || undefined);
	});
};
