"use strict";

// The server of Total.js, version 4. Its pongs do not say what the ping said.
//
// cannot: binary empty big whole pong orders compress

const { free_port, module_of, ready_when_open } = require("../manners.js");

// What it writes down goes beside the file that it was started with.
require.main.filename = `${process.cwd()}/server.js`;
console.log = console.error;
module_of("total4");

ROUTE("SOCKET /", function () {
	this.on("message", (client, text) => client.send(text, true));
}, ["text"], 64);

free_port((port) => {
	ON("ready", () => ready_when_open(port));
	HTTP("release", { ip: "127.0.0.1", port });
});
