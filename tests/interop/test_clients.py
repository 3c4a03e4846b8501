"""The clients of others get along with the daemon; see README."""

import base64
import os
import signal

import pytest

from certificates import Authority
from daemon import Daemon
from peers import Caller
from wire import record

needs = pytest.mark.needs
tls = pytest.mark.tls

ALPHABET = "äöü€😀 plain \" \\ \t"
BYTES = bytes(range(256))
MEBIBYTE = 1 << 20

# Says in the log that a message has arrived.
TELLING = ["sh", "-c", "read -r x; echo here >&2; exec cat"]


def encoded(data):
    return base64.b64encode(data).decode()


def printing(*records):
    """A program that says these records of --framing=frames."""
    return ["printf", "".join(f"\\{byte:03o}" for byte in b"".join(records))]


def logged(text):
    """The same as the log has it."""
    return "".join(chr(byte) if byte < 128 else f"\\x{byte:02x}"
                   for byte in text.encode())


def echoed(caller, do, **kw):
    """What happens when everything comes back, and the peer closes."""
    with caller.daemon("--framing=frames") as d:
        got = caller(d, *do, {"close": [1000, ""]}, **kw)()
    assert got["messages"] == do
    assert (got["code"], got["reason"], got["clean"]) == (1000, "", True)
    return got


@needs("last")
def test_what_a_program_says_is_received(caller):
    with caller.daemon(command=["echo", "hällo"]) as d:
        got = caller(d, {"receive": True})()
    assert [m["text"].strip() for m in got["messages"]] == ["hällo"]


@tls
@needs("send")
def test_text(caller):
    echoed(caller, [{"text": ALPHABET}, {"text": "x" * 1000}])


@tls
@needs("send", "empty")
def test_an_empty_text(caller):
    echoed(caller, [{"text": ""}, {"text": "x"}, {"text": ""}])


@tls
@needs("send", "binary")
def test_binary(caller):
    echoed(caller, [{"binary": encoded(BYTES)}, {"binary": ""}])


@tls
@needs("binary", "big")
def test_a_mebibyte(caller):
    bulk = encoded(os.urandom(MEBIBYTE))
    echoed(caller, [{"text": "x" * MEBIBYTE}, {"binary": bulk}])


@needs("fragments")
def test_fragments_to_the_program_are_one_message(caller):
    with caller.daemon() as d:
        got = caller(d, {"fragments": ["one ", "", "two ", "€"]},
                     {"text": "next"}, {"close": [1000, ""]})()
    assert got["messages"] == [{"text": "one two €"}, {"text": "next"}]


@needs("binary", "code")
def test_fragments_from_the_program_are_one_message(caller):
    words = printing(record("t", "a€"[:2]), record("t"), record("T", "b"),
                     record("b", b"\xff"), record("B", b"\0"))
    with caller.daemon("--framing=frames", command=words) as d:
        got = caller(d, {"receive": True}, {"receive": True},
                     {"end": True})()
    assert got["messages"] == [{"text": "a€b"}, {"binary": "/wA="}]
    assert got["code"] == 1000


@needs("ping")
def test_pings_of_the_peer_are_answered(caller):
    with caller.daemon() as d:
        got = caller(d, {"ping": "hello"}, {"text": "x"}, {"ping": "again"},
                     {"close": [1000, ""]})()
    assert got["pongs"] == ["hello", "again"] and got["code"] == 1000


@needs("code")
def test_our_pings_are_answered(caller):
    # The program says something when the second ping would have failed.
    with caller.daemon("--ping=50ms", "--ping-timeout=1s", command=[
            "sh", "-c", "sleep 1.5; echo done"]) as d:
        got = caller(d, {"receive": True}, {"end": True})()
    assert got["messages"] == [{"text": "done"}] and got["code"] == 1000


@needs("close")
@pytest.mark.parametrize("code, reason", [
    (1000, ""), (1000, "bye"), (4000, "grüße"), (4999, "x" * 123)])
def test_the_peer_closes(caller, code, reason):
    with caller.daemon() as d:
        got = caller(d, {"text": "x"}, {"close": [code, reason]})()
        end = d.session_end()
        assert int(end["close"]) == code and end["exit"] == "0"
        assert end["reason"] == logged(reason)
    assert (got["code"], got["clean"]) == (code, True)


@needs("code")
@pytest.mark.parametrize("words, code, reason", [
    (["true"], 1000, ""), (["sh", "-c", "exit 3"], 4003, "exit status 3"),
    (["sh", "-c", "kill -SEGV $$"], 4139, "killed by SIGSEGV")])
def test_the_program_ends(caller, words, code, reason):
    with caller.daemon(command=words) as d:
        got = caller(d, {"end": True})()
    assert (got["code"], got["reason"], got["clean"]) == (code, reason, True)


@needs("code")
def test_the_program_closes_in_its_own_words(caller):
    words = printing(record("C", (4321).to_bytes(2, "big") +
                            "grüße".encode()))
    with caller.daemon("--framing=frames", command=words) as d:
        got = caller(d, {"end": True})()
    assert (got["code"], got["reason"]) == (4321, "grüße")


@tls
@needs("compress")
def test_compression(caller):
    do = [{"text": "again and " * 100000}, {"text": "x"}, {"text": ""},
          {"text": ALPHABET * 1000}]
    if "binary" not in caller.cannot:
        do += [{"binary": encoded(bytes(MEBIBYTE))},
               {"binary": encoded(os.urandom(100000))}]
    got = echoed(caller, do, compress=True)
    assert "permessage-deflate" in got["extensions"]


@tls
@needs("send", "code")
def test_the_daemon_stops(caller):
    with caller.daemon(command=TELLING) as d:
        got = caller(d, {"say": "x"}, {"end": True})
        d.wait_log("text=here")
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        got = got()
    assert (got["code"], got["reason"]) == (1001, "daemon stopping")


@tls
@needs("abrupt")
def test_the_engine_dies(caller):
    # No Close at all, and the peer can tell.
    with caller.daemon("--engines=1", command=TELLING) as d:
        got = caller(d, {"say": "x"}, {"end": True})
        d.wait_log("text=here")
        os.kill(d.engines()[0], signal.SIGKILL)
        got = got()
    assert (got["code"], got["clean"]) == (1006, False)


@tls
@needs("vanish")
def test_the_peer_vanishes(caller):
    with caller.daemon() as d:
        caller(d, {"text": "x"}, {"vanish": True})()
        assert d.session_end()["close"] == "1006"


@needs("code")
def test_subprotocols(caller):
    with caller.daemon("--subprotocol=chat,v2", command=[
            "sh", "-c", "echo $STANDPIPE_PROTOCOL"]) as d:
        got = caller(d, {"receive": True}, {"end": True},
                     protocols=["other", "v2"])()
    assert got["messages"] == [{"text": "v2"}]
    assert got["protocol"] in ("v2", None)


@needs("send")
def test_a_refusal_is_understood(caller):
    with caller.daemon("--maxforks=1") as d, d.session() as c:
        got = caller(d, {"text": "x"})()
        assert "503" in got["refused"] or "status" in caller.cannot
        c.bye()


@needs("code", "last", "big")
def test_what_is_said_just_before_the_end_arrives(caller):
    with caller.daemon(command=[
            "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; "
            "echo last"]) as d:
        got = caller(d, {"receive": True}, {"receive": True},
                     {"end": True})()
    assert got["messages"] == [{"text": "x" * 3000000}, {"text": "last"}]
    assert got["code"] == 1000


@needs("tls", "status")
def test_a_certificate_that_nobody_vouches_for(caller, ca, tmp_path):
    stranger = Caller(caller.program, Authority(tmp_path, "other"))
    with Daemon("--ssl", *ca.server.options()) as d:
        got = stranger(d, {"text": "x"})()
        assert "certificate" in got["refused"].lower()
