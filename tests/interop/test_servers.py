"""The client gets along with the servers of others; see README."""

import json
import os

import pytest

from proc import PATIENCE, now

needs = pytest.mark.needs
pytestmark = needs("echo")

ALPHABET = "äöü€😀 plain \" \\ \t".encode()
BYTES = bytes(range(256))
MEBIBYTE = 1 << 20


@needs("text")
def test_a_line_through_pipes(server):
    r = server.standpipe("--count=1", input="hällo\n".encode())
    assert (r.stdout, r.stderr, r.returncode) == (
        "hällo\n".encode(), b"", 0)


@needs("text")
def test_text(server):
    with server.talk() as talk:
        for payload in ALPHABET, b"x" * 1000:
            talk.say("T", payload)
            assert talk.hear() == ("T", payload)
        talk.say("C")
        assert talk.end() == (0, "")


@needs("binary")
def test_binary(server):
    with server.talk() as talk:
        talk.say("B", BYTES)
        assert talk.hear() == ("B", BYTES)
        talk.say("C", b"\x03\xe8bye")
        assert talk.end() == (0, "")


@needs("empty")
def test_empty_messages(server):
    with server.talk() as talk:
        for kind in "TBT" if "text" not in server.cannot else "B":
            talk.say(kind)
            assert talk.hear() == (kind, b"")


@needs("big")
def test_a_mebibyte(server):
    with server.talk() as talk:
        bulk = os.urandom(MEBIBYTE)
        talk.say("B", bulk)
        assert whole(talk, "B", MEBIBYTE) == bulk
        if "text" not in server.cannot:
            talk.say("T", b"x" * MEBIBYTE)
            assert whole(talk, "T", MEBIBYTE) == b"x" * MEBIBYTE
        talk.say("C")
        assert talk.end() == (0, "")


def whole(talk, want, size):
    """So many bytes; who carries bytes does so in messages of any length."""
    got = b""
    while len(got) < size:
        kind, payload = talk.hear()
        assert kind == want
        got += payload
    return got


@needs("text", "whole")
def test_our_fragments_are_one_message(server):
    with server.talk() as talk:
        for kind, part in ("t", "one "), ("t", ""), ("T", "two €"), (
                "T", "next"):
            talk.say(kind, part)
        assert talk.hear() == ("T", "one two €".encode())
        assert talk.hear() == ("T", b"next")


@needs("orders", "fragments")
def test_their_fragments_are_one_message(server):
    r = server.standpipe("--count=1", input="/fragments a b€ c\n".encode())
    assert r.stdout == "ab€c\n".encode()


@needs("pong")
def test_our_pings_are_answered(server):
    r = server.standpipe("--ping", "--count=2", "--interval=10ms")
    assert r.returncode == 0 and r.stdout.count(b"pong from") == 2


@needs("orders", "ping")
def test_their_pings_are_answered(server):
    r = server.standpipe("--count=1", input=b"/ping hello\n")
    assert r.stdout == b"pong hello\n"


@needs("orders")
@pytest.mark.parametrize("code, status", [
    (1000, 0), (3011, 76), (4000, 76), (4003, 76), (4254, 76)])
def test_the_server_closes(server, code, status):
    with server.talk() as talk:
        talk.say("T", f"/close {code} sorry")
        kind, payload = talk.hear()
        assert (kind, payload[:2]) == ("C", code.to_bytes(2, "big"))
        if "reason" not in server.cannot:
            assert payload[2:] == b"sorry"
        ended, said = talk.end()
    assert ended == status
    assert (f"{code}" in said) == (status == 76)


def how_the_last_one_left(talk, code):
    """The reason; the server may learn of it a little later than we do."""
    deadline = now() + PATIENCE
    while now() < deadline:
        talk.say("T", "/last")
        told, reason = talk.hear()[1].decode().split(" ", 1)
        if told == str(code):
            return reason
    raise AssertionError(f"the server says {told}")


@needs("orders")
@pytest.mark.parametrize("code, reason", [(1000, "done"), (4321, "grüße")])
def test_we_close(server, code, reason):
    with server.talk() as talk:
        talk.say("T", "x")
        assert talk.hear() == ("T", b"x")
        talk.say("C", code.to_bytes(2, "big") + reason.encode())
        assert talk.end() == (0, "")
    with server.talk() as talk:
        told = how_the_last_one_left(talk, code)
    if "reason" not in server.cannot:
        assert told == reason


@needs("compress")
def test_compression(server):
    lines = b"again and " * 10000 + b"\nx\n\n"
    r = server.standpipe("--count=3", "--compression", "--json", input=lines)
    assert (r.stdout, r.returncode) == (lines, 0)
    facts = json.loads(r.stderr)
    assert "permessage-deflate" in facts["extensions"]
    assert facts["sent_wire_bytes"] < facts["sent_bytes"] // 10


@needs("orders", "vanish")
def test_the_server_vanishes(server):
    r = server.standpipe(input=b"/vanish\n")
    assert r.returncode == 76 and b"lost" in r.stderr


@needs("orders", "vanish")
def test_we_vanish(server):
    with server.talk() as talk:
        talk.say("T", "x")
        assert talk.hear() == ("T", b"x")
    with server.talk() as talk:
        how_the_last_one_left(talk, 1006)


@needs("text")
def test_a_command_of_ours(server):
    r = server.standpipe("--exec", "sh -c 'echo hi; read x; echo \"$x\" >&2'")
    assert (r.stderr, r.returncode) == (b"hi\n", 0)
