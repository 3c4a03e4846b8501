"use strict";

// What the peers for Node have in common: the steps, and the waiting.

function tell(result) {
	process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

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

function task() {
	return JSON.parse(require("fs").readFileSync(0, "utf8"));
}

function trust(task) {
	return task.ca ? { ca: require("fs").readFileSync(task.ca) } : {};
}

module.exports = { Steps, task, trust };
