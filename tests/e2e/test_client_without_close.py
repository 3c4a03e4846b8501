"""Servers that end the connection without a Close, as some always do.

One of them here behaves as the PHP WebSocket Server: it wants an Origin, says
"ready" first and "next" behind every answer, and sends no Close.
"""

import json
import socket
import subprocess

import pytest

from answers import Answers, agree
from proc import PATIENCE, STANDPIPE, standpipe, until
from server import V1, Server
from wire import TEXT, frame

EXPECTED = "--no-close-expected"
LOST = b"standpipe: 127.0.0.1: the connection was lost (no Close came)\n"


def php(s):
    """Until somebody says quit, or goes to a place that is not there."""
    def say(**what):
        s.send_text(json.dumps(what))

    if not s.head.startswith(b"GET /web "):
        say(opcode="close")
        return s.sock.shutdown(socket.SHUT_WR)
    say(opcode="ready", uuid="4c1d2f0e-0d63-4e6c-9f0f-5b6f3b1f0c11.ab12")
    while True:
        asked = json.loads(s.recv()[1])
        if asked["opcode"] == "quit":
            return s.sock.shutdown(socket.SHUT_WR)
        say(opcode="echo", message=asked["message"])
        say(opcode="next", fyi=asked["opcode"])


@pytest.mark.parametrize("options, said, status", [
    ([EXPECTED], b"", 0), ([], LOST, 76), ([EXPECTED, "--reconnect"], b"", 0)])
def test_fault_W5b_the_php_websocket_server(options, said, status):
    talk = b'{"opcode":"echo","message":"hi"}\n{"opcode":"quit"}\n'
    with Server(php) as server:
        r = standpipe(*options, "--origin=http://localhost",
                      server.url + "web", input=talk)
    opcodes = [json.loads(line)["opcode"] for line in r.stdout.splitlines()]
    assert opcodes == ["ready", "echo", "next"]
    assert (r.stderr, r.returncode) == (said, status)


def test_fault_W5b_the_php_websocket_server_knows_no_such_path():
    with Server(php) as server:
        r = standpipe(EXPECTED, server.url + "nowhere", input=b"x\n")
    assert (r.stdout, r.stderr, r.returncode) == (
        b'{"opcode": "close"}\n', b"", 0)


@pytest.mark.parametrize("options, status", [
    ([], 77), (["--origin=http://localhost"], 76)])
def test_fault_W5b_the_php_websocket_server_wants_an_origin(options, status):
    def answer(head):
        return agree(head) if b"\r\nOrigin: http://localhost\r\n" in head else (
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with Answers(answer) as server:
        r = standpipe("-n", *options, server.url)
    assert r.returncode == status


WHOLE = frame(b"whole", TEXT, mask=None)


@pytest.mark.parametrize("more, well", [
    (b"", True), (WHOLE, True), (WHOLE * 2, True),
    (WHOLE + b"\x89\x00", True),                        # a ping is whole, too
    (WHOLE[:1], False), (WHOLE[:2], False), (WHOLE[:-1], False),
    (frame(b"a part", TEXT, fin=False, mask=None), False),
    (WHOLE + b"\x89", False)])
def test_fault_W5b_only_a_whole_message_is_an_end(more, well):
    with Answers(lambda head: agree(head, more=more)) as server:
        r = standpipe("-n", EXPECTED, server.url)
    assert r.returncode == (0 if well else 76)
    assert r.stderr == (b"" if well else LOST)


def test_fault_W5b_standpipe_v1_always_ends_with_a_close():
    with Answers(lambda head: agree(head, V1.rstrip())) as server:
        r = standpipe("-n", EXPECTED, server.url)
    assert (r.stderr, r.returncode) == (LOST, 76)


def test_fault_W5b_a_reset_is_no_end():
    def reset(s):
        s.send_text("x")
        s.recv()
        s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b"\1\0\0\0\0\0\0\0")
        raise EOFError  # who serves it closes it

    with Server(reset) as server:
        r = standpipe(EXPECTED, server.url, input=b"go\n")
    assert (r.stdout, r.stderr, r.returncode) == (b"x\n", LOST, 76)


@pytest.mark.parametrize("options", [[], [EXPECTED]])
def test_fault_W5b_a_local_connection_ends_as_well(options, tmp_path):
    """MQTT's mosquitto ends like this; without the option it is a reset."""
    def once(s):
        s.send_text("x")
        s.sock.shutdown(socket.SHUT_WR)

    path = tmp_path / "s"
    with Server(once) as server, subprocess.Popen(
            [STANDPIPE, *options, f"--listen=unix:{path}", server.url],
            stderr=subprocess.PIPE) as p:
        until(path.exists, "listener")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(str(path))
            got = b""
            try:
                while piece := s.recv(100):
                    got += piece
            except ConnectionResetError:
                got = b"reset"
        p.terminate()
        said = p.communicate(timeout=PATIENCE)[1]
    if options:
        assert got == b"x" and b"lost" not in said
    else:
        assert b"lost" in said


# ------------------------------------------------- TLS where none is spoken

ALERT = b"\x15\x03\x03\x00\x02\x02\x46"


@pytest.mark.parametrize("answer, asks", [
    (b"", True), (ALERT, True), (ALERT[:1], False), (b"\x16\x03\x03", False),
    (b"HTTP/1.1 101", False), (b"HTTP/1.1 400 No\r\n\r\n", False)])
def test_fault_W4_a_server_that_expects_tls(answer, asks):
    with Answers(answer) as server:
        r = standpipe("-n", server.url)
    assert (b"(wss://?)" in r.stderr) == asks and r.returncode in (76, 77)
