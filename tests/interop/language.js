"use strict";

// A client of a language server, with the npm package vscode-jsonrpc: what
// Visual Studio Code speaks.
//
//   language.js URL             over a WebSocket, a message each
//   language.js -- COMMAND...   over the standard streams of a command
//
// Asks for "initialize", "shutdown" and "exit", and prints the answer to the
// first as JSON. Without the packages it says so and ends with the status 77.

const { spawn } = require("child_process");
const { module_of } = require("./manners.js");

const rpc = module_of("vscode-jsonrpc/node");

class SocketReader extends rpc.AbstractMessageReader {
	constructor(socket) {
		super();
		this.socket = socket;
	}

	listen(callback) {
		this.socket.on("message", (data) => callback(JSON.parse(data)));
		this.socket.on("close", () => this.fireClose());
		return rpc.Disposable.create(() => {});
	}
}

class SocketWriter extends rpc.AbstractMessageWriter {
	constructor(socket) {
		super();
		this.socket = socket;
	}

	async write(message) {
		this.socket.send(JSON.stringify(message));
	}

	end() {
	}
}

function over_socket(url) {
	const WebSocket = module_of("ws");
	const socket = new WebSocket(url);

	socket.on("open", () =>
		ask(new SocketReader(socket), new SocketWriter(socket)));
	socket.on("close", (code, reason) =>
		console.log(JSON.stringify([code, reason.toString()])));
}

function over_streams(command) {
	const child = spawn(command[0], command.slice(1),
		{ stdio: ["pipe", "pipe", "inherit"] });

	child.on("exit", (status) => console.log(JSON.stringify([status, ""])));
	ask(new rpc.StreamMessageReader(child.stdout),
		new rpc.StreamMessageWriter(child.stdin));
}

async function ask(reader, writer) {
	const connection = rpc.createMessageConnection(reader, writer);

	connection.listen();
	console.log(JSON.stringify(await connection.sendRequest("initialize",
		{ processId: null, rootUri: null, capabilities: {} })));
	await connection.sendRequest("shutdown");
	await connection.sendNotification("exit");
}

if (process.argv[2] === "--")
	over_streams(process.argv.slice(3));
else
	over_socket(process.argv[2]);
