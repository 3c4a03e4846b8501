/*
 * The test console: one WebSocket, and a log of what went over it.
 *
 * Everything that came from the network reaches the page as textContent.
 * Messages go into a bounded list first and from there to the page once per
 * frame, so a program that floods us costs a frame and not a row each.
 */
"use strict";

(() => {
	const MAX_ENTRIES = 2000;
	const MAX_KEPT = 32 << 20;    /* bytes of payload in all entries */
	const FILE_PREVIEW = 64 << 10; /* of a file sent, what the log keeps */
	const MAX_HISTORY = 200;
	const MAX_TRIPS = 1000;
	const FIRST_LINES = 10, FIRST_CHARS = 1200, FIRST_BYTES = 128;
	const STEP_CHARS = 64 << 10, STEP_BYTES = 16 << 10;

	const $ = (id) => document.getElementById(id);
	const make = (tag, cls, text) => {
		const el = document.createElement(tag);

		if (cls)
			el.className = cls;
		if (text !== undefined)
			el.textContent = text;
		return el;
	};
	const utf8 = new TextEncoder();
	const narrow = matchMedia("(max-width: 40rem)");

	/* Words for numbers */

	const count = (n) => n.toLocaleString("en");
	const plural = (n, one, many) => count(n) + " " + (n === 1 ? one : many);

	function sizeText(n)
	{
		if (n < 1024)
			return n + " B";
		for (const unit of ["KiB", "MiB", "GiB"]) {
			n /= 1024;
			if (n < 1024 || unit === "GiB")
				return n.toFixed(1) + " " + unit;
		}
	}

	function milliText(ms)
	{
		if (ms < 1000)
			return ms.toFixed(ms < 10 ? 1 : 0) + " ms";
		return spanText(ms);
	}

	function spanText(ms)
	{
		const s = ms / 1000;

		if (s < 60)
			return s.toFixed(s < 10 ? 2 : 1) + " s";
		if (s < 3600)
			return Math.floor(s / 60) + " min " +
			    Math.floor(s % 60) + " s";
		return Math.floor(s / 3600) + " h " +
		    Math.floor(s / 60 % 60) + " min";
	}

	function clockText(at)
	{
		const d = new Date(at), pad = (n, w) => String(n).padStart(w, "0");

		return pad(d.getHours(), 2) + ":" + pad(d.getMinutes(), 2) + ":" +
		    pad(d.getSeconds(), 2) + "." + pad(d.getMilliseconds(), 3);
	}

	/* Words for closing codes (RFC 6455, section 7.4, and the registry) */

	const CODES = {
		1000: "a normal end",
		1001: "the server is going away",
		1002: "a side broke the WebSocket protocol",
		1003: "this kind of message is not accepted",
		1004: "reserved, without a meaning",
		1005: "no code was given",
		1006: "the connection was lost without a closing message",
		1007: "a text message was not valid UTF-8",
		1008: "refused by a rule of the server",
		1009: "a message was too big",
		1010: "the server lacks an extension",
		1011: "the server met an error",
		1012: "the server is restarting",
		1013: "the server is busy, try again later",
		1014: "a gateway got a bad answer",
		1015: "the TLS handshake failed",
		4401: "not let in: a password or a token is needed",
		4403: "not let in",
		4429: "not let in: too much at a time, try again later",
	};

	/* The numbers that Linux and the BSDs agree on. */
	const SIGNALS = {
		1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL",
		5: "SIGTRAP", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL",
		11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
	};

	/*
	 * standpipe closes with 4000 + what $? would be in a shell. There 130
	 * may be a signal or an exit status; the reason knows.
	 */
	function codeText(code, reason)
	{
		const n = code - 4000;

		if (CODES[code])
			return CODES[code];
		if (n > 128 && n <= 192 && !reason.startsWith("exit status"))
			return "the program was killed by signal " + (n - 128) +
			    (SIGNALS[n - 128] ? " (" + SIGNALS[n - 128] + ")" : "");
		if (n > 0 && n <= 255)
			return "the program ended with exit status " + n;
		if (code >= 3000 && code < 4000)
			return "a code registered for a library or framework";
		if (code >= 4000)
			return "a code of the application’s own";
		return "a code without a known meaning";
	}

	/* The list of what happened */

	const entries = [];
	let kept = 0;    /* bytes of payload in entries */
	let evicted = 0; /* entries that had to make room */
	let drawn = 0;   /* how many of entries, from the first, are on the page */

	function costOf(e)
	{
		return e.bytes ? e.bytes.length : e.text ? 2 * e.text.length : 0;
	}

	function add(e)
	{
		e.at = Date.now();
		entries.push(e);
		kept += costOf(e);
		if (entries.length >= 2 * MAX_ENTRIES || kept > MAX_KEPT)
			evict();
		schedule();
	}

	/*
	 * Down to the limits, but never the newest entry. Before every draw,
	 * and between two draws when there is twice as much: most of a flood
	 * never becomes a row.
	 */
	function evict()
	{
		let n = 0;

		while (n < entries.length - 1 &&
		    (entries.length - n > MAX_ENTRIES || kept > MAX_KEPT))
			kept -= costOf(entries[n++]);
		for (const e of entries.splice(0, n)) {
			if (e.row) {
				if (e.row.contains(document.activeElement))
					scroller.focus({ preventScroll: true });
				e.row.remove();
				drawn--;
			}
		}
		evicted += n;
	}

	function event(text, tone, aside)
	{
		add({ way: "event", text, tone, aside });
	}

	/* Rows of the page */

	const scroller = $("scroller"), log = $("log");
	const WAYS = {
		sent: ["↑", "sent"],
		received: ["↓", "received"],
		event: ["•", ""],
	};
	let follow = true; /* the newest row stays in sight */
	let unseen = 0;    /* rows added below while it does not */
	let scheduled = false;
	let pause = 0;     /* ms before the next draw, by what the last one took */

	function schedule()
	{
		if (scheduled)
			return;
		scheduled = true;
		if (pause > 0)
			setTimeout(() => requestAnimationFrame(draw), pause);
		else
			requestAnimationFrame(draw);
	}

	function draw()
	{
		const rows = new DocumentFragment();
		let took = -performance.now(), fresh = 0;

		scheduled = false;
		evict();
		for (; drawn < entries.length; drawn++, fresh++)
			rows.append(newRow(entries[drawn]));
		log.append(rows);
		if (!follow)
			unseen += fresh;
		$("empty").hidden = entries.length > 0;
		$("older").hidden = evicted === 0;
		$("older").textContent = plural(evicted, "older line is",
		    "older lines are") + " no longer kept.";
		drawFigures();
		keepUp();
		took += performance.now();
		pause = took > 8 ? Math.min(4 * took, 1000) : 0;
	}

	function newRow(e)
	{
		const row = make("li", "row " + e.way), facts = make("div", "facts");
		const time = make("time", "", clockText(e.at));
		const sign = make("span", "way", WAYS[e.way][0]);

		time.dateTime = new Date(e.at).toISOString();
		sign.setAttribute("aria-hidden", "true");
		facts.append(time, sign);
		row.tabIndex = -1;
		row.append(facts);
		e.row = row;
		e.what = make("div", "what");
		row.append(e.what);
		if (e.way === "event") {
			if (e.tone)
				row.classList.add(e.tone);
			e.what.append(e.text);
			if (e.aside)
				e.what.append(make("span", "aside", e.aside));
			return row;
		}
		facts.append(make("span", "hidden", WAYS[e.way][1]),
		    make("span", "kind", e.bytes ? "binary" : "text"),
		    make("span", "size", sizeText(e.size)),
		    make("span", "trip", e.trip === undefined ? "" :
			milliText(e.trip)));
		if (e.trip !== undefined)
			facts.lastChild.title =
			    "Time since the last message was sent";
		e.shown = 0;
		drawPayload(e);
		return row;
	}

	/* How much of a payload shows before anyone asks for more. */
	function firstPart(e)
	{
		let end = 0;

		if (e.bytes)
			return Math.min(FIRST_BYTES, e.bytes.length);
		for (let n = 0; n < FIRST_LINES; n++) {
			end = e.text.indexOf("\n", end) + 1;
			if (end === 0) {
				end = e.text.length;
				break;
			}
		}
		return wholeChar(e.text, Math.min(end, FIRST_CHARS));
	}

	/* Never between the two halves of a surrogate pair. */
	function wholeChar(text, end)
	{
		const c = text.charCodeAt(end - 1);

		return end < text.length && c >= 0xd800 && c < 0xdc00 ?
		    end - 1 : end;
	}

	function drawPayload(e)
	{
		const total = e.bytes ? e.bytes.length : e.text.length;
		const first = firstPart(e);
		const end = Math.max(e.shown, first);

		e.what.textContent = "";
		if (e.name !== undefined)
			e.what.append(make("div", "aside", e.name));
		if (e.size === 0)
			e.what.append(make("span", "aside", "empty message"));
		else if (e.bytes)
			e.what.append(dump(e.bytes.subarray(0, end)));
		else
			e.what.append(plain(e.text, end));
		if (first < total)
			e.what.append(moreButton(e, first, end, total));
		if (end === total && e.bytes && total < e.size)
			e.what.append(make("div", "aside", "The log keeps the first " +
			    sizeText(total) + " of a file."));
	}

	function moreButton(e, first, end, total)
	{
		const unit = e.bytes ? sizeText :
		    (n) => plural(n, "character", "characters");
		const step = e.bytes ? STEP_BYTES : STEP_CHARS;
		const next = Math.min(end + step, total);
		const button = make("button", "more");

		button.type = "button";
		button.tabIndex = -1;
		button.setAttribute("aria-expanded", String(end > first));
		if (end === total)
			button.textContent = "Show less";
		else if (next === total)
			button.textContent = "Show all " + unit(total);
		else
			button.textContent = "Show " + unit(next - end) +
			    " more of " + unit(total);
		return button;
	}

	/* The next part, or back to the first one. */
	function unfold(e)
	{
		const total = e.bytes ? e.bytes.length : (e.text || "").length;
		const focus = e.row.contains(document.activeElement);

		if (e.way === "event" || firstPart(e) === total)
			return;
		if (e.shown >= total)
			e.shown = 0;
		else if (e.bytes)
			e.shown = Math.min(Math.max(e.shown, firstPart(e)) +
			    STEP_BYTES, total);
		else
			e.shown = wholeChar(e.text, Math.min(
			    Math.max(e.shown, firstPart(e)) + STEP_CHARS, total));
		drawPayload(e);
		if (focus)
			e.row.focus({ preventScroll: e.shown > 0 });
		if (e.shown === 0)
			e.row.scrollIntoView({ block: "nearest" });
		noteScroll();
	}

	/*
	 * Text as it is, but characters that would not show, or would reorder
	 * what stands beside them, appear as their name.
	 */
	const UNSEEN = new RegExp("[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c" +
	    "\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]", "g");

	function plain(text, end)
	{
		const pre = make("pre", "payload");
		let at = 0;

		for (const m of text.slice(0, end).matchAll(UNSEEN)) {
			pre.append(text.slice(at, m.index),
			    make("span", "mark", charName(m[0])));
			at = m.index + 1;
		}
		pre.append(text.slice(at, end));
		if (end === text.length && text.endsWith("\n"))
			pre.append(make("span", "mark", "\\n"));
		return pre;
	}

	function charName(c)
	{
		const n = c.charCodeAt(0);

		if (n === 13)
			return "\\r";
		if (n === 27)
			return "ESC";
		return n < 0x100 ? "\\x" + n.toString(16).padStart(2, "0") :
		    "U+" + n.toString(16).toUpperCase();
	}

	/* Hex dumps */

	function dumpLine(bytes, at, wide)
	{
		const part = bytes.subarray(at, at + wide);
		let hex = "", chars = "";

		for (let i = 0; i < wide; i++) {
			hex += i > 0 && i % 8 === 0 ? "  " : i > 0 ? " " : "";
			hex += i < part.length ?
			    part[i].toString(16).padStart(2, "0") : "  ";
		}
		for (const b of part)
			chars += b > 31 && b < 127 ? String.fromCharCode(b) : ".";
		return [at.toString(16).padStart(wide > 8 ? 8 : 4, "0"), hex,
		    chars];
	}

	function dump(bytes)
	{
		const pre = make("pre", "payload dump");
		const wide = narrow.matches ? 8 : 16;

		for (let at = 0; at < bytes.length; at += wide) {
			const [offset, hex, chars] = dumpLine(bytes, at, wide);

			pre.append(at > 0 ? "\n" : "",
			    make("span", "offset", offset), "  " + hex + "  ",
			    make("span", "chars", chars));
		}
		return pre;
	}

	function dumpText(bytes)
	{
		const lines = [];

		for (let at = 0; at < bytes.length; at += 16)
			lines.push(dumpLine(bytes, at, 16).join("  "));
		return lines.join("\n");
	}

	narrow.addEventListener("change", () => {
		for (const e of entries) {
			if (e.row && e.bytes)
				drawPayload(e);
		}
		keepUp();
	});

	/* Following the newest row, unless the reader has scrolled up */

	function keepUp()
	{
		if (follow) {
			unseen = 0;
			scroller.scrollTop = scroller.scrollHeight;
		}
		$("latest").hidden = follow;
		$("latest").textContent = unseen > 0 ?
		    "↓ " + count(unseen) + " new" : "↓ Newest";
	}

	function noteScroll()
	{
		const below = scroller.scrollHeight - scroller.scrollTop -
		    scroller.clientHeight;

		follow = below < 24;
		keepUp();
	}

	function followAgain()
	{
		follow = true;
		keepUp();
	}

	/* Figures of the connection, and of the time of an answer */

	const zero = () => ({ messages: 0, bytes: 0 });
	let sent = zero(), received = zero();
	let askedAt;      /* when the last message left that has no answer yet */
	let trips = [];   /* the last MAX_TRIPS round trips */
	let lastTrip;

	function resetFigures()
	{
		sent = zero();
		received = zero();
		askedAt = lastTrip = undefined;
		trips = [];
	}

	function noteTrip()
	{
		if (askedAt === undefined)
			return undefined;
		lastTrip = performance.now() - askedAt;
		askedAt = undefined;
		trips.push(lastTrip);
		if (trips.length > MAX_TRIPS)
			trips.shift();
		return lastTrip;
	}

	function median(values)
	{
		const v = Float64Array.from(values).sort(), mid = v.length >> 1;

		return v.length % 2 ? v[mid] : (v[mid - 1] + v[mid]) / 2;
	}

	function drawFigures()
	{
		const total = (t) => t.messages === 0 ? "0" :
		    count(t.messages) + " (" + sizeText(t.bytes) + ")";
		const queued = socket ? socket.bufferedAmount : 0;

		$("sent").textContent = total(sent);
		$("received").textContent = total(received);
		$("trip").textContent = lastTrip === undefined ? "–" :
		    milliText(lastTrip) + (trips.length > 1 ?
			", median " + milliText(median(trips)) : "");
		$("queue-box").hidden = queued === 0;
		$("queue").textContent = sizeText(queued);
		if (queued > 0)
			setTimeout(schedule, 100);
	}

	/* What a screen reader hears: at most one sentence a second */

	let unread = 0, unreadText = "", reading = false;

	function announce(text)
	{
		unread++;
		unreadText = text;
		if (!reading) {
			reading = true;
			setTimeout(readOut, 1000);
		}
	}

	function readOut()
	{
		reading = false;
		$("announcer").textContent = unread === 1 ? unreadText :
		    count(unread) + " messages received";
		unread = 0;
	}

	/* The connection */

	let socket = null;
	let openedAt;
	let asked = null; /* the code and reason we closed with */
	let policyBlocked = false;

	function setState(state, text)
	{
		const open = state === "open" || (state === "busy" && openedAt);

		$("state").dataset.state = state;
		$("state-text").textContent = text;
		document.title = (state === "open" ? "● " : "") + location.host +
		    location.pathname + " – standpipe";
		document.body.classList.toggle("open", Boolean(open));
		$("address").readOnly = socket !== null;
		$("protocol").readOnly = socket !== null;
		$("toggle").textContent = !socket ? "Connect" :
		    open ? "Disconnect" : "Cancel";
		$("toggle").disabled = state === "busy" && Boolean(open);
		$("send").disabled = $("file").disabled = state !== "open";
		$("message").placeholder = placeholder();
		drawHint();
	}

	function problem(text, field)
	{
		for (const input of [$("address"), $("protocol"), $("code"),
		    $("reason")])
			input.removeAttribute("aria-invalid");
		$("problem").textContent = text;
		$("problem").hidden = text === "";
		if (field) {
			field.setAttribute("aria-invalid", "true");
			field.focus();
		}
	}

	function ownAddress()
	{
		return (location.protocol === "https:" ? "wss://" : "ws://") +
		    location.host + location.pathname + location.search;
	}

	/* The address as a WebSocket URL, or null after saying what is wrong. */
	function readAddress()
	{
		const field = $("address"), text = field.value.trim();
		let url;

		try {
			url = new URL(text || ownAddress(), ownAddress());
		} catch (e) {
			problem("This is not an address. An example: " +
			    ownAddress(), field);
			return null;
		}
		url.protocol = url.protocol.replace(/^http/, "ws");
		url.hash = "";
		if (!/^wss?:$/.test(url.protocol)) {
			problem("The address has to begin with ws:// or wss://.",
			    field);
			return null;
		}
		if (url.host !== location.host) {
			problem("This page may connect to " + location.host +
			    " only: its security policy says so. To talk to " +
			    url.host + ", open the console of that server.",
			    field);
			return null;
		}
		return url.href;
	}

	function connect()
	{
		const url = readAddress();
		const offers = $("protocol").value.split(/[\s,]+/).filter(Boolean);

		if (url === null)
			return;
		problem("");
		try {
			socket = new WebSocket(url, offers);
		} catch (e) {
			socket = null;
			if (offers.length > 0)
				problem("The subprotocol has to be a name, or " +
				    "several different ones separated by " +
				    "commas, without spaces or any of " +
				    "()<>@:\\\"/[]?={}.", $("protocol"));
			else
				problem("The browser refused this address: " +
				    e.message, $("address"));
			return;
		}
		$("address").value = url;
		socket.binaryType = "arraybuffer";
		socket.onopen = onOpen;
		socket.onmessage = onMessage;
		socket.onclose = onClose;
		openedAt = undefined;
		asked = null;
		policyBlocked = false;
		resetFigures();
		setState("busy", "Connecting…");
		event("Connecting to " + url + (offers.length > 0 ?
		    ", offering " + offers.join(", ") : ""));
	}

	function onOpen()
	{
		const chosen = socket.protocol, offered = $("protocol").value.trim();

		openedAt = performance.now();
		setState("open", "Connected" + (chosen ? ", " + chosen : ""));
		event("Connected" + (chosen ? ", subprotocol " + chosen :
		    offered ? ", without a subprotocol" : ""), "good");
		$("message").focus();
	}

	function onMessage(ev)
	{
		const trip = noteTrip(), e = { way: "received", trip };

		if (typeof ev.data === "string") {
			e.text = ev.data;
			e.size = utf8.encode(e.text).length;
			announce("Received: " + e.text.slice(0, 200));
		} else {
			e.bytes = new Uint8Array(ev.data);
			e.size = e.bytes.length;
			announce("Received " + sizeText(e.size) + " of binary data");
		}
		received.messages++;
		received.bytes += e.size;
		add(e);
	}

	function onClose(ev)
	{
		const opened = openedAt !== undefined;
		const after = opened ?
		    " after " + spanText(performance.now() - openedAt) : "";
		const ours = asked && ev.wasClean &&
		    ev.code === Number(asked.code || 1005);
		const tone = ev.code === 1000 || ev.code === 1005 || ours ?
		    "good" : ev.code === 1001 ? "warn" : "bad";
		let words = codeText(ev.code, ev.reason);

		socket = null;
		openedAt = undefined;
		if (!opened) {
			setState("failed", "Not connected");
			event(asked ? "Connecting was cancelled" :
			    "Could not connect", asked ? "" : "bad", asked ? "" :
			    policyBlocked ? "The security policy of this page " +
			    "did not allow it." : "The server refused, or " +
			    "could not be reached. Browsers do not tell " +
			    "pages why; the log of standpiped does.");
			return;
		}
		if (ours)
			words = ev.code === 1000 ? words + ", as asked from here" :
			    "as asked from here";
		setState(tone === "bad" ? "failed" : "idle", "Closed, " + ev.code);
		event("Closed" + after + ": " + words, tone, "Code " + ev.code +
		    (ev.reason ? ", reason “" + ev.reason + "”" : ", no reason"));
		if (document.activeElement === document.body ||
		    $("link").contains(document.activeElement))
			$("toggle").focus();
	}

	document.addEventListener("securitypolicyviolation", (ev) => {
		if (ev.effectiveDirective === "connect-src")
			policyBlocked = true;
	});

	function disconnect()
	{
		const code = $("code").value.trim(), reason = $("reason").value;
		const n = Number(code);

		if (socket.readyState === WebSocket.CONNECTING) {
			asked = {};
			socket.close();
			return;
		}
		if (!isOpen())
			return;
		if (code !== "" && n !== 1000 && !(n >= 3000 && n <= 4999)) {
			problem("Browsers allow the code 1000, those from 3000 " +
			    "to 4999, or none.", $("code"));
			return;
		}
		if (reason !== "" && code === "") {
			problem("A reason needs a code.", $("code"));
			return;
		}
		if (utf8.encode(reason).length > 123) {
			problem("A reason has room for 123 bytes; this one has " +
			    utf8.encode(reason).length + ".", $("reason"));
			return;
		}
		problem("");
		asked = { code, reason };
		if (code === "")
			socket.close();
		else
			socket.close(n, reason);
		setState("busy", "Closing…");
		event("Closing with " + (code === "" ? "no code" :
		    "code " + code + (reason ? ", reason “" + reason + "”" : "")));
	}

	function isOpen()
	{
		return socket !== null && socket.readyState === WebSocket.OPEN;
	}

	/* Sending */

	const message = $("message"), picker = $("picker");
	const history = [];
	let historyAt = 0; /* history.length: the draft */
	let draft = "";

	function noteSent(e)
	{
		e.way = "sent";
		sent.messages++;
		sent.bytes += e.size;
		askedAt = performance.now();
		follow = true;
		add(e);
	}

	function isHex()
	{
		return $("kind-hex").checked;
	}

	/* "48 65", "4865", "0x48,0x65", "\x48\x65", "48:65" */
	function readHex(text)
	{
		const digits = text.replace(/0x|\\x|[\s,;:.-]/gi, "");
		const bad = digits.match(/[^0-9a-f]/i);

		if (bad)
			return { why: "“" + bad[0] + "” is not a hex digit." };
		if (digits.length % 2)
			return { why: "Half a byte is left over." };
		return { bytes: Uint8Array.from(digits.match(/../g) || [],
		    (d) => parseInt(d, 16)) };
	}

	function send()
	{
		const text = message.value;

		if (!isOpen())
			return;
		if (isHex()) {
			const { bytes, why } = readHex(text);

			if (why) {
				drawHint();
				message.focus();
				return;
			}
			socket.send(bytes);
			noteSent({ bytes, size: bytes.length });
		} else {
			socket.send(text);
			noteSent({ text, size: utf8.encode(text).length });
		}
		remember(text);
		setMessage("");
	}

	function remember(text)
	{
		if (text !== "" && history[history.length - 1] !== text)
			history.push(text);
		if (history.length > MAX_HISTORY)
			history.shift();
		historyAt = history.length;
		draft = "";
	}

	/* True if there was somewhere to go. */
	function browse(step)
	{
		const to = historyAt + step;

		if (to < 0 || to > history.length)
			return false;
		if (historyAt === history.length)
			draft = message.value;
		historyAt = to;
		setMessage(to === history.length ? draft : history[to]);
		return true;
	}

	function setMessage(text)
	{
		message.value = text;
		message.setSelectionRange(text.length, text.length);
		onInput();
	}

	function onInput()
	{
		message.rows = Math.min(message.value.split("\n").length, 8);
		drawHint();
	}

	function placeholder()
	{
		return isHex() ? "Bytes in hex: 48 65 6c 6c 6f" :
		    isOpen() ? "A message" : "A message, once connected";
	}

	function drawHint()
	{
		const hint = $("hint");
		let text = "Enter sends, Shift+Enter starts a new line, " +
		    "Esc goes to the log", why;

		if (isHex() && message.value.trim() !== "") {
			const hex = readHex(message.value);

			why = hex.why;
			text = why || plural(hex.bytes.length, "byte", "bytes");
		} else if (!socket) {
			text = "Enter connects";
		}
		hint.textContent = text;
		hint.classList.toggle("bad", Boolean(why));
		hint.classList.toggle("busy", isHex());
		message.setAttribute("aria-invalid", String(Boolean(why)));
	}

	/*
	 * Each file is one binary message. The browser reads it while it sends,
	 * so only the beginning that the log shows is ever held here.
	 */
	async function sendFiles(files)
	{
		if (!isOpen()) {
			problem("Connect first, then send files.");
			return;
		}
		problem("");
		for (const file of Array.from(files)) {
			try {
				const head = await file.slice(0, FILE_PREVIEW)
				    .arrayBuffer();

				if (!isOpen())
					return;
				socket.send(file);
				noteSent({ bytes: new Uint8Array(head),
				    size: file.size, name: file.name });
			} catch (e) {
				event("Could not read " + file.name, "bad");
			}
		}
	}

	/* The log as text */

	function entryText(e)
	{
		const head = new Date(e.at).toISOString() + " ";

		if (e.way === "event")
			return head + "-- " + e.text +
			    (e.aside ? " (" + e.aside + ")" : "");
		return head + WAYS[e.way][1] + " " +
		    (e.bytes ? "binary" : "text") + ", " +
		    plural(e.size, "byte", "bytes") +
		    (e.trip === undefined ? "" :
			", round trip " + e.trip.toFixed(1) + " ms") +
		    (e.name === undefined ? "" : ", file " + e.name) + "\n" +
		    (e.bytes ? dumpText(e.bytes) : e.text);
	}

	async function copyText(text, what)
	{
		try {
			await navigator.clipboard.writeText(text);
		} catch (e) {
			if (!copyOldWay(text)) {
				say("The browser did not allow copying");
				return;
			}
		}
		say(what + " copied");
	}

	/* The clipboard interface exists in secure contexts only. */
	function copyOldWay(text)
	{
		const area = make("textarea", "hidden"), had = document.activeElement;
		let done;

		area.value = text;
		document.body.append(area);
		area.select();
		done = document.execCommand("copy");
		area.remove();
		if (had)
			had.focus({ preventScroll: true });
		return done;
	}

	/* A short word in the place of the hint, and for a screen reader. */
	function say(text)
	{
		$("hint").textContent = text;
		$("hint").classList.add("busy");
		$("announcer").textContent = text;
		setTimeout(drawHint, 2500);
	}

	function copyLog()
	{
		copyText(entries.map(entryText).join("\n") + "\n", "Log");
	}

	function saveLog()
	{
		const parts = entries.map((e) => entryText(e) + "\n");
		const url = URL.createObjectURL(new Blob(parts,
		    { type: "text/plain;charset=utf-8" }));
		const link = make("a");

		link.href = url;
		link.download = "standpipe-" +
		    new Date().toISOString().slice(0, 19).replace(/:/g, "-") +
		    ".txt";
		link.click();
		setTimeout(() => URL.revokeObjectURL(url), 60000);
		say("Log saved");
	}

	function clearLog()
	{
		entries.length = drawn = kept = evicted = 0;
		log.textContent = "";
		followAgain();
		schedule();
		say("Log cleared");
	}

	/* Keys */

	function rowEntry(target)
	{
		const row = target.closest(".row");

		return row ? entries.find((e) => e.row === row) : undefined;
	}

	function focusRow(row)
	{
		if (!row)
			return false;
		row.focus({ preventScroll: true });
		row.scrollIntoView({ block: "nearest" });
		if (row !== log.lastElementChild)
			follow = false;
		keepUp();
		return true;
	}

	const logKeys = {
		ArrowUp: (row) => focusRow(row ? row.previousElementSibling :
		    log.lastElementChild),
		ArrowDown: (row) => focusRow(row ? row.nextElementSibling :
		    log.lastElementChild),
		Home: () => focusRow(log.firstElementChild),
		End: () => {
			focusRow(log.lastElementChild);
			followAgain();
		},
		Enter: (row, e) => e && unfold(e),
		c: (row, e) => e && copyText(e.way === "event" ? entryText(e) :
		    e.bytes ? dumpText(e.bytes) : e.text, "Line"),
	};

	const pageKeys = {
		"?": () => $("help").showModal(),
		o: () => socket || connect(),
		d: () => socket && disconnect(),
		a: () => $("address").select(),
		m: () => message.focus(),
		h: () => setKind(isHex() ? "text" : "hex"),
		f: () => isOpen() && picker.click(),
		e: followAgain,
		y: copyLog,
		s: saveLog,
		x: clearLog,
		Escape: () => message.focus(),
	};

	function setKind(kind)
	{
		$("kind-" + kind).checked = true;
		message.placeholder = placeholder();
		drawHint();
		message.focus();
	}

	document.addEventListener("keydown", (ev) => {
		const typing = ev.target.matches("textarea, input[type=text]");
		const inLog = scroller.contains(ev.target);
		const button = ev.target.closest("button");
		let act;

		if (ev.ctrlKey || ev.altKey || ev.metaKey || ev.isComposing ||
		    $("help").open)
			return;
		if (typing && ev.key !== "Escape")
			return;
		if (button && (ev.key === "Enter" || ev.key === " "))
			return;
		if (ev.target === message) {
			ev.preventDefault();
			if (!focusRow(log.lastElementChild))
				scroller.focus();
			return;
		}
		if (inLog && Object.hasOwn(logKeys, ev.key))
			act = () => logKeys[ev.key](ev.target.closest(".row"),
			    rowEntry(ev.target));
		else if (Object.hasOwn(pageKeys, ev.key))
			act = pageKeys[ev.key];
		if (act) {
			ev.preventDefault();
			act();
		}
	});

	message.addEventListener("keydown", (ev) => {
		const before = message.value.slice(0, message.selectionStart);
		const after = message.value.slice(message.selectionEnd);

		if (ev.isComposing || ev.ctrlKey || ev.altKey || ev.metaKey)
			return;
		if (ev.key === "Enter" && !ev.shiftKey) {
			ev.preventDefault();
			if (!socket)
				connect();
			else
				send();
		} else if (ev.key === "ArrowUp" && !ev.shiftKey &&
		    !before.includes("\n")) {
			if (browse(-1))
				ev.preventDefault();
		} else if (ev.key === "ArrowDown" && !ev.shiftKey &&
		    !after.includes("\n")) {
			if (browse(1))
				ev.preventDefault();
		}
	});

	/* Everything else that a reader may do */

	$("link").addEventListener("submit", (ev) => {
		ev.preventDefault();
		if (socket)
			disconnect();
		else
			connect();
	});
	$("composer").addEventListener("submit", (ev) => {
		ev.preventDefault();
		send();
		message.focus();
	});
	$("link").addEventListener("input", () => problem(""));
	message.addEventListener("input", onInput);
	for (const kind of ["text", "hex"])
		$("kind-" + kind).addEventListener("change", () => {
			message.placeholder = placeholder();
			drawHint();
		});
	$("file").addEventListener("click", () => picker.click());
	picker.addEventListener("change", async () => {
		await sendFiles(picker.files);
		picker.value = "";
		message.focus();
	});

	log.addEventListener("click", (ev) => {
		if (ev.target.closest(".more"))
			unfold(rowEntry(ev.target));
	});
	scroller.addEventListener("scroll", noteScroll, { passive: true });
	new ResizeObserver(keepUp).observe(scroller);
	$("latest").addEventListener("click", () => {
		followAgain();
		scroller.focus({ preventScroll: true });
	});
	$("copy").addEventListener("click", copyLog);
	$("save").addEventListener("click", saveLog);
	$("clear").addEventListener("click", clearLog);
	$("help-open").addEventListener("click", () => $("help").showModal());
	$("help-close").addEventListener("click", () => $("help").close());
	$("help").addEventListener("click", (ev) => {
		if (ev.target === $("help"))
			$("help").close();
	});

	const carriesFiles = (ev) => ev.dataTransfer &&
	    Array.from(ev.dataTransfer.types).includes("Files");

	document.addEventListener("dragover", (ev) => {
		if (carriesFiles(ev)) {
			ev.preventDefault();
			$("drop").hidden = false;
		}
	});
	document.addEventListener("dragleave", (ev) => {
		if (ev.relatedTarget === null)
			$("drop").hidden = true;
	});
	document.addEventListener("drop", (ev) => {
		$("drop").hidden = true;
		if (carriesFiles(ev)) {
			ev.preventDefault();
			sendFiles(ev.dataTransfer.files);
		}
	});

	$("address").value = ownAddress();
	setState("idle", "Not connected");
	drawFigures();
	$("toggle").focus();
})();
