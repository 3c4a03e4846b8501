"use strict";

// The server of Total.js, version 5. Its pongs do not say what the ping said.
//
// cannot: binary empty big whole pong orders compress

const { free_port, module_of, ready_when_open } = require("../manners.js");

// What it writes down goes beside the file that it was started with.
require.main.filename = `${process.cwd()}/server.js`;
console.log = console.error;
module_of("total5");

ROUTE("SOCKET / @text", (clients) => {
	clients.on("message", (client, text) => client.send(text, true));
}, 65536);

free_port((port) => {
	ON("ready", () => {
		F.TRouting.sort(); // a timer does it a little later
		ready_when_open(port);
	});
	F.http({ ip: "127.0.0.1", port });
});
