"""WebSocket clients of others get along with the daemon; see peers/README."""

import base64
import json
import os
import shutil
import signal
import subprocess

import pytest

from certificates import Authority
from standpipe import HERE, PATIENCE, Daemon, record

PEERS = HERE / "peers"
ALPHABET = "äöü€😀 plain \" \\ \t"
BYTES = bytes(range(256))

# Says in the log that a message has arrived.
TELLING = ["sh", "-c", "read -r x; echo here >&2; exec cat"]


def command(name):
    if not name.endswith(".js"):
        return ["/usr/bin/python3", str(PEERS / name)]
    node = shutil.which("node")
    module = name.removesuffix(".js")
    if node is None or subprocess.run(
            [node, "-e", f"require('{module}')"], cwd=PEERS,
            capture_output=True, check=False).returncode:
        if os.environ.get("STANDPIPE_STRICT"):
            pytest.fail(f"node or its package {module} is missing")
        pytest.skip(f"node or its package {module} is missing")
    return [node, str(PEERS / name)]


class Peer:
    """A client of others, and the daemons for it: peer(d, *do) starts it."""

    def __init__(self, words, ca):
        self.words = words
        self.ca = ca
        self.started = []

    def daemon(self, *options, **kw):
        if self.ca is None:
            return Daemon(*options, **kw)
        return Daemon("--ssl", *self.ca.server.options(), *options, tls=True,
                      **kw)

    def __call__(self, d, *do, **task):
        """A call to what this gives waits, and gives what happened."""
        p = subprocess.Popen(self.words, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        self.started.append(p)
        if self.ca is None:
            task["url"] = f"ws://localhost:{d.port}/chat?x=1"
        else:
            task["url"] = f"wss://localhost:{d.port}/chat?x=1"
            task["ca"] = str(self.ca.cert)
        p.stdin.write(json.dumps({"do": do, **task}).encode())
        p.stdin.close()

        def result():
            text = p.stdout.read()
            assert p.wait(PATIENCE) == 0, text
            return json.loads(text)

        return result

    def end(self):
        for p in self.started:
            p.kill()
            p.wait()
            p.stdout.close()


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("ca"))
    authority.server = authority.issue("server")
    return authority


@pytest.fixture(params=["ws.js", "websocket.js", "python-websockets"])
def program(request):
    return command(request.param)


@pytest.fixture(params=["ws", "wss"])
def peer(request, program, ca):
    one = Peer(program, ca if request.param == "wss" else None)
    yield one
    one.end()


def encoded(data):
    return base64.b64encode(data).decode()


def closing(code, reason=b""):
    """A program that ends the session in these words (--framing=frames)."""
    text = record("C", code.to_bytes(2, "big") + reason)
    return ["printf", "".join(f"\\{byte:03o}" for byte in text)]


def test_messages_of_every_kind(peer):
    big, bulk = "x" * (1 << 20), encoded(os.urandom(1 << 20))
    do = [{"text": ALPHABET}, {"text": ""}, {"binary": encoded(BYTES)},
          {"binary": ""}, {"text": big}, {"binary": bulk}]
    with peer.daemon("--framing=frames") as d:
        got = peer(d, *do, {"close": [1000, ""]})()
    assert got["messages"] == do
    assert (got["code"], got["reason"], got["clean"]) == (1000, "", True)
    assert got["extensions"] == ""


def test_fragments_to_the_program_are_one_message(peer):
    with peer.daemon() as d:
        got = peer(d, {"fragments": ["one ", "", "two ", "€"]},
                   {"text": "next"}, {"close": [1000, ""]})()
    assert got["messages"] == [{"text": "one two €"}, {"text": "next"}]


def test_fragments_from_the_program_are_one_message(peer):
    parts = record("t", "a€"[:2]) + record("t", b"") + record("T", "b")
    parts += record("b", b"\xff") + record("B", b"\0")
    octal = "".join(f"\\{byte:03o}" for byte in parts)
    with peer.daemon("--framing=frames", command=["printf", octal]) as d:
        got = peer(d, {"receive": True}, {"receive": True},
                   {"end": True})()
    assert got["messages"] == [{"text": "a€b"}, {"binary": "/wA="}]
    assert got["code"] == 1000


def test_pings_of_the_peer_are_answered(peer):
    with peer.daemon() as d:
        got = peer(d, {"ping": "hello"}, {"text": "x"}, {"ping": "again"},
                   {"close": [1000, ""]})()
    assert got["pongs"] == ["hello", "again"] and got["code"] == 1000


def test_our_pings_are_answered(peer):
    # The program says something when the second ping would have failed.
    with peer.daemon("--ping=50ms", "--ping-timeout=500ms", command=[
            "sh", "-c", "sleep 1; echo done"]) as d:
        got = peer(d, {"receive": True}, {"end": True})()
    assert got["messages"] == [{"text": "done"}] and got["code"] == 1000


@pytest.mark.parametrize("code, reason", [
    (1000, ""), (1000, "bye"), (4000, "grüße"), (4999, "x" * 123)])
def test_the_peer_closes(peer, code, reason):
    with peer.daemon() as d:
        got = peer(d, {"text": "x"}, {"close": [code, reason]})()
        end = d.session_end()
        assert int(end["close"]) == code and end["exit"] == "0"
    assert (got["code"], got["clean"]) == (code, True)


@pytest.mark.parametrize("words, code, reason", [
    (["true"], 1000, ""), (["sh", "-c", "exit 3"], 4003, "exit status 3"),
    (["sh", "-c", "kill -SEGV $$"], 4139, "killed by SIGSEGV")])
def test_the_program_ends(peer, words, code, reason):
    with peer.daemon(command=words) as d:
        got = peer(d, {"end": True})()
    assert (got["code"], got["reason"], got["clean"]) == (code, reason, True)


def test_the_program_closes_in_its_own_words(peer):
    with peer.daemon("--framing=frames", command=closing(
            4321, "grüße".encode())) as d:
        got = peer(d, {"end": True})()
    assert (got["code"], got["reason"]) == (4321, "grüße")


def test_the_daemon_stops(peer):
    with peer.daemon(command=TELLING) as d:
        got = peer(d, {"say": "x"}, {"end": True})
        d.wait_log("text=here")
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        got = got()
    assert (got["code"], got["reason"]) == (1001, "daemon stopping")


def test_the_engine_dies(peer):
    # No Close at all, and the peer can tell.
    with peer.daemon("--engines=1", command=TELLING) as d:
        got = peer(d, {"say": "x"}, {"end": True})
        d.wait_log("text=here")
        os.kill(d.engines()[0], signal.SIGKILL)
        got = got()
    assert (got["code"], got["clean"]) == (1006, False)


def test_the_peer_vanishes(peer):
    with peer.daemon() as d:
        peer(d, {"text": "x"}, {"vanish": True})()
        assert d.session_end()["close"] == "1006"


def test_H5_subprotocols(peer):
    with peer.daemon("--subprotocol=chat,v2", command=[
            "sh", "-c", "echo $STANDPIPE_PROTOCOL"]) as d:
        got = peer(d, {"receive": True}, {"end": True},
                   protocols=["other", "v2"])()
        assert got["protocol"] == "v2"
        assert got["messages"] == [{"text": "v2"}]


def test_H1_a_refusal_is_understood(peer):
    with peer.daemon("--maxforks=1") as d, d.session() as c:
        got = peer(d, {"text": "x"})()
        assert "503" in got["refused"]
        c.bye()


def test_what_is_said_just_before_the_end_arrives(peer):
    with peer.daemon(command=["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"
                         "; echo; echo last"]) as d:
        got = peer(d, {"receive": True}, {"receive": True},
                   {"end": True})()
    assert got["messages"] == [{"text": "x" * 3000000}, {"text": "last"}]
    assert got["code"] == 1000


def test_a_certificate_that_nobody_vouches_for(program, ca, tmp_path):
    other = Authority(tmp_path, "other")
    peer = Peer(program, other)
    with Daemon("--ssl", *ca.server.options()) as d:
        got = peer(d, {"text": "x"})()
        assert "certificate" in got["refused"].lower()
    peer.end()
