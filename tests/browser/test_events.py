"""What a page sees of a session: its WebSocket, MessageEvents and CloseEvents."""

import base64
import hashlib
import os

import pytest

BYTES = bytes(range(256))
ALPHABET = "äöü€😀 plain \" \\ \t"
BIG = 1 << 20

# arguments: url, protocols, steps, done. A step is what to send, or null to
# wait for the next message, or {close: [code, reason]}; the result is what
# happened. Messages come back as [type of data, text or base64].
TALK = """
const [url, protocols, steps, binaryType, done] = arguments;
const ws = new WebSocket(url, protocols);
const result = { messages: [], events: [] };
const sent = steps.slice();

async function shown(data) {
	if (typeof data === "string")
		return ["string", data];
	const name = data.constructor.name;
	const bytes = new Uint8Array(
		data instanceof Blob ? await data.arrayBuffer() : data);
	let text = "";
	for (const byte of bytes)
		text += String.fromCharCode(byte);
	return [name, btoa(text)];
}

function next() {
	while (sent.length > 0) {
		const step = sent.shift();
		if (step === null)
			return;
		if (typeof step === "string") {
			ws.send(step);
		} else if (step.close) {
			ws.close(...step.close);
		} else if (step.base64 !== undefined) {
			const bytes = Uint8Array.from(atob(step.base64),
				(c) => c.charCodeAt(0));
			ws.send(step.blob ? new Blob([bytes]) : bytes);
		}
	}
}

ws.binaryType = binaryType;
ws.onopen = () => {
	result.events.push("open");
	result.protocol = ws.protocol;
	result.extensions = ws.extensions;
	next();
};
let reading = Promise.resolve();
ws.onmessage = (e) => {
	reading = reading.then(async () => {
		result.messages.push(await shown(e.data));
		next();
	});
};
ws.onerror = () => result.events.push("error");
ws.onclose = (e) => reading.then(() => {
	result.events.push("close");
	done({ ...result, code: e.code, reason: e.reason, clean: e.wasClean });
});
"""


@pytest.fixture(params=["ws", "wss"])
def talk(request, browser, daemon, certificate):
    """Start a daemon with these words, and hold a conversation with it."""

    def start(words, *steps, protocols=(), binary="blob"):
        tls = certificate.options() if request.param == "wss" else []
        d = daemon(*tls, *words)
        assert d.url.startswith("https:" if tls else "http:")
        browser.get(d.url)
        return browser.execute_async_script(
            TALK, d.url.replace("http", "ws", 1) + "chat?x=1",
            list(protocols), list(steps), binary)

    return start


def encoded(data):
    return base64.b64encode(data).decode()


def printf(data):
    return ["printf", "".join(f"\\{byte:03o}" for byte in data)]


def record(kind, payload):
    return kind.encode() + len(payload).to_bytes(4, "big") + payload


ECHO = ["--framing=frames", "cat"]
BYE = {"close": [1000, ""]}


def test_text(talk):
    got = talk(ECHO, ALPHABET, None, "", None, BYE)
    assert got["messages"] == [["string", ALPHABET], ["string", ""]]
    assert got["events"] == ["open", "close"]
    assert got["protocol"] == ""
    assert got["extensions"].startswith("permessage-deflate")
    assert (got["code"], got["reason"], got["clean"]) == (1000, "", True)


@pytest.mark.parametrize("binary, name", [
    ("blob", "Blob"), ("arraybuffer", "ArrayBuffer")])
@pytest.mark.parametrize("blob", [False, True])
def test_binary(talk, binary, name, blob):
    got = talk(ECHO, {"base64": encoded(BYTES), "blob": blob}, None,
               {"base64": "", "blob": blob}, None, BYE, binary=binary)
    assert got["messages"] == [[name, encoded(BYTES)], [name, ""]]


def test_a_mebibyte_each_way(talk):
    bulk = encoded(os.urandom(BIG))
    got = talk(ECHO, "x" * BIG, None, {"base64": bulk}, None, BYE)
    text, binary = got["messages"]
    assert text == ["string", "x" * BIG]
    assert hashlib.sha256(binary[1].encode()).digest() == \
        hashlib.sha256(bulk.encode()).digest()


def test_fragments_are_one_message(talk):
    euro = "€".encode()
    got = talk(["--framing=frames", "--", *printf(
        record("t", b"a" + euro[:1]) + record("t", b"") +
        record("T", euro[1:] + b"b"))])
    assert got["messages"] == [["string", "a€b"]]


def test_pings_do_not_disturb(talk):
    got = talk(["--ping=20ms", "--ping-timeout=500ms", "--", "sh", "-c",
                "sleep 1; echo done"])
    assert got["messages"] == [["string", "done"]] and got["code"] == 1000


@pytest.mark.parametrize("words, code, reason", [
    (["true"], 1000, ""),
    (["sh", "-c", "exit 3"], 4003, "exit status 3"),
    (["sh", "-c", "kill -SEGV $$"], 4139, "killed by SIGSEGV")])
def test_close_tells_how_the_program_ended(talk, words, code, reason):
    got = talk(["--", *words])
    assert (got["code"], got["reason"], got["clean"]) == (code, reason, True)
    assert got["events"] == ["open", "close"]


def test_close_in_the_words_of_the_program(talk):
    got = talk(["--framing=frames", "--", *printf(
        record("C", (4321).to_bytes(2, "big") + "grüße".encode()))])
    assert (got["code"], got["reason"]) == (4321, "grüße")


@pytest.mark.parametrize("code, reason", [(1000, "bye"), (4999, "grüße")])
def test_close_of_the_page(talk, code, reason):
    # The answer has the code alone: the reason is the page's own.
    got = talk(["cat"], "x", None, {"close": [code, reason]})
    assert (got["code"], got["reason"], got["clean"]) == (code, "", True)


def test_an_engine_that_dies_is_1006(talk):
    line = "read -r x; for e in $(pgrep -P $PPID standpiped-engi); do " \
        "kill -KILL $e; done; exec cat"
    got = talk(["--engines=1", "--", "sh", "-c", line], "x")
    assert (got["code"], got["clean"]) == (1006, False)


def test_H5_the_chosen_subprotocol(talk):
    got = talk(["--subprotocol=chat,v2", "--", "sh", "-c",
                "echo $STANDPIPE_PROTOCOL"], protocols=["other", "v2"])
    assert got["protocol"] == "v2"
    assert got["messages"] == [["string", "v2"]]


def test_errors_of_the_program_as_objects(talk):
    got = talk(["--passstderr", "--", "sh", "-c", "echo 'a\"b'; echo c >&2"])
    assert sorted(text for _, text in got["messages"]) == [
        '{"stream":"stderr","data":"c"}', '{"stream":"stdout","data":"a\\"b"}']
