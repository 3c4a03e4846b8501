"use strict";

// What the peers for Node have in common; see README.

const fs = require("fs");
const net = require("net");
const readline = require("readline");

function missing(reason) {
	process.stdout.write(`${reason}\n`);
	process.exit(77);
}

// A package of npm, in a folder node_modules above.
function module_of(name) {
	try {
		return require(name);
	} catch (error) {
		return missing(`npm's ${name}: ${error.message.split("\n")[0]}`);
	}
}

function tell(result) {
	process.stdout.write(`${JSON.stringify(result)}\n`);
}

// One task, and what happens while it is carried out.
class Steps {
	constructor(task) {
		this.task = task;
		this.result = { pongs: [], messages: [] };
		this.counts = { messages: 0, pongs: 0 };
		this.wake = () => {};
	}

	message(text, data) {
		this.result.messages.push(text === null
			? { binary: Buffer.from(data).toString("base64") }
			: { text });
		this.wake();
	}

	pong(data) {
		this.result.pongs.push(data.toString());
		this.wake();
	}

	ended(code, reason, clean) {
		Object.assign(this.result, { code, reason, clean });
		this.wake();
	}

	async until(condition) {
		while (!condition() && this.result.code === undefined)
			await new Promise((resolve) => { this.wake = resolve; });
	}

	async next(kind) {
		const n = ++this.counts[kind];
		await this.until(() => this.result[kind].length >= n);
	}

	// peer: what the library does for text, binary, fragments, ping, close, vanish
	async run(peer) {
		for (const step of this.task.do) {
			const [[what, value]] = Object.entries(step);
			if (what === "binary")
				peer.binary(Buffer.from(value, "base64"));
			else if (what === "say")
				peer.text(value);
			else if (what in peer)
				peer[what](value);
			if (["text", "binary", "fragments", "receive"].includes(what))
				await this.next("messages");
			else if (what === "ping")
				await this.next("pongs");
			else if (["close", "end", "vanish"].includes(what))
				await this.until(() => false);
		}
		tell(this.result);
	}

	refused(error) {
		tell({ refused: String(error) });
	}
}

// call(steps) makes one connection and sees to it that steps are told.
function serve(call) {
	process.stdout.write("ready\n");
	readline.createInterface({ input: process.stdin })
		.on("line", (line) => call(new Steps(JSON.parse(line))))
		.on("close", () => process.exit(0));
}

// How the guest before this one has left.
let last = "nobody";

// A connection of a server: it echoes, unless a text is an order.
class Guest {
	// deeds: what the library does for text, binary, fragments, ping ...
	constructor(deeds) {
		this.deeds = deeds;
	}

	message(text, data) {
		if (text === null)
			this.deeds.binary(data);
		else if (text.startsWith("/"))
			this.obey(...text.slice(1).split(" "));
		else
			this.deeds.text(text);
	}

	obey(what, ...words) {
		if (what === "last")
			this.deeds.text(last);
		else if (what === "close")
			this.deeds.close(Number(words[0]), words.slice(1).join(" "));
		else if (what === "fragments")
			this.deeds.fragments(words);
		else
			this.deeds[what](...words);
	}

	pong(data) {
		this.deeds.text(`pong ${data}`);
	}

	left(code, reason) {
		last = `${code} ${reason}`;
	}
}

// A server ends with its standard input.
function ready(port) {
	process.stdout.write(`ws://127.0.0.1:${port}/\n`);
	process.stdin.on("close", () => process.exit(0)).resume();
}

// A port for who cannot say which one the system gave.
function free_port(use) {
	const server = net.createServer().listen(0, "127.0.0.1", () => {
		const { port } = server.address();
		server.close(() => use(port));
	});
}

// As soon as somebody listens there, which some servers do not tell.
function ready_when_open(port) {
	net.connect(port, "127.0.0.1")
		.on("connect", function () { this.destroy(); ready(port); })
		.on("error", () => setTimeout(ready_when_open, 10, port));
}

function trust(task) {
	return task.ca ? { ca: fs.readFileSync(task.ca) } : {};
}

module.exports = {
	Guest, free_port, missing, module_of, ready, ready_when_open, serve, trust };
