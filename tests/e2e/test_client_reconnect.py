"""--reconnect: when the client comes back, and what it says then."""

import json
import signal
import subprocess
import time

import pytest

from answers import Answers, agree
from daemon import Daemon
from proc import STANDPIPE, environment, standpipe
from server import Server
from terminal import EDITS, Terminal
from wire import close_payload, frame

QUICK = ("--reconnect", "--reconnect-min=1ms", "--reconnect-max=2ms")


def closing(code, text=None, reason=""):
    """An answer that agrees, perhaps says something, and closes."""
    said = b"" if text is None else frame(text.encode(), mask=None)
    close = frame(close_payload(code, reason), 8, mask=None)
    return lambda head: agree(head, more=said + close)


def refusing(status, *fields):
    lines = [f"HTTP/1.1 {status}", "Content-Length: 0", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


# ------------------------------------------------- what is tried again


@pytest.mark.parametrize("answer", [
    b"",                               # the connection is lost
    lambda head: agree(head),          # without a Close
    closing(1001), closing(1011), closing(1012), closing(1013),
    closing(1014), refusing(429), refusing(500), refusing(502),
    refusing(503), refusing(504), refusing(408)])
def test_S19_what_may_pass_is_tried_again(answer):
    with Answers(answer, answer, closing(1000, "here")) as server:
        r = standpipe(*QUICK, server.url)
    assert (r.stdout, r.returncode) == (b"here\n", 0)
    assert len(server.heads) == 3
    lines = r.stderr.decode().splitlines()
    assert len([line for line in lines if "; again in " in line]) == 2


@pytest.mark.parametrize("answer, status", [
    (closing(1000), 0), (closing(4003), 76),
    (closing(4003, reason="exit status 3"), 3), (closing(1002), 76),
    (closing(1008), 76), (closing(1009), 76), (closing(3000), 76),
    (refusing(400), 77), (refusing(401), 77), (refusing(403), 77),
    (refusing(404), 77), (refusing(501), 77),
    (refusing(301, "Location: /other"), 77),
    (b"HTTP/1.1 101 Yes\r\n\r\n", 76)])
def test_S19_what_will_not_get_better_is_not(answer, status):
    with Answers(answer, hold=True) as server:
        r = standpipe(*QUICK, "--no-standpipe-protocol", server.url)
    assert r.returncode == status
    assert len(server.heads) == 1
    assert b"again in" not in r.stderr


def test_S19_nobody_reconnects_who_was_not_told_to():
    with Answers(closing(1001)) as server:
        r = standpipe(server.url)
    assert r.returncode == 76
    assert len(server.heads) == 1


def test_S19_a_server_that_comes_up_late():
    with Daemon() as d:
        port, url = d.port, d.url
    p = subprocess.Popen([str(STANDPIPE), *QUICK, url], env=environment(),
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    with p:
        assert b"refused" in p.stderr.readline()
        with Daemon(port=port, command=["echo", "there"]):
            out, _ = p.communicate(timeout=60)
    assert (out, p.returncode) == (b"there\n", 0)


def test_S19_it_gives_up():
    with Daemon() as d:
        url = d.url
    r = standpipe(*QUICK, "--reconnect-tries=3", url)
    assert r.returncode == 69
    lines = r.stderr.decode().splitlines()
    assert ["again" in line for line in lines] == [True, True, False]


# ------------------------------------------------- when


def waits(text):
    """The milliseconds of each line that says when."""
    for line in text.decode().splitlines():
        if "again in " in line:
            wait = line.rpartition("again in ")[2]
            yield (float(wait[:-2]) if wait.endswith("ms")
                   else 1000 * float(wait[:-1]))


def test_S19_the_waits_double_and_have_an_end():
    with Daemon() as d:
        url = d.url
    r = standpipe("--reconnect", "--reconnect-min=4ms",
                  "--reconnect-max=30ms", "--reconnect-tries=7", url)
    for wait, most in zip(waits(r.stderr), [4, 8, 16, 30, 30, 30],
                          strict=True):
        assert most * 3 / 4 <= wait <= most


def test_S19_a_connection_that_is_dropped_at_once_is_no_success():
    lost = [lambda head: agree(head)] * 3
    with Answers(*lost, closing(1000)) as server:
        r = standpipe("--reconnect", "--reconnect-min=100ms", server.url)
    assert r.returncode == 0
    first, second, third = waits(r.stderr)
    assert first <= 100 and 150 <= second <= 200 and 300 <= third <= 400


def test_S19_the_server_says_when():
    with Answers(refusing(503, "Retry-After: 1"), closing(1000)) as server:
        began = time.monotonic()
        r = standpipe(*QUICK, server.url)
    assert r.returncode == 0
    assert list(waits(r.stderr)) == [1000]
    assert time.monotonic() - began > 0.99


@pytest.mark.parametrize("when", ["soon", "-1", "",
                                  "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_S19_the_server_says_something_else(when):
    with Answers(refusing(503, f"Retry-After: {when}"),
                 closing(1000)) as server:
        r = standpipe(*QUICK, server.url)
    assert r.returncode == 0


def test_S19_a_signal_ends_the_waiting():
    with Daemon() as d:
        url = d.url
    p = subprocess.Popen([str(STANDPIPE), "--reconnect",
                          "--reconnect-min=1h", "--reconnect-max=1h", url],
                         env=environment(), stdin=subprocess.DEVNULL,
                         stderr=subprocess.PIPE)
    with p:
        assert b"again in" in p.stderr.readline()
        p.send_signal(signal.SIGTERM)
        assert p.wait(60) == -signal.SIGTERM


# ------------------------------------------------- what is said again


def test_S20_the_greeting_is_said_to_each():
    heard = []

    def serve(session):
        heard.append(session.recv()[1])
        if len(heard) < 3:
            session.sock.close()
            raise EOFError
        session.send_text("enough")
        session.close()

    with Server(serve) as server:
        r = standpipe(*QUICK, "--no-standpipe-protocol",
                      "--send-first=who I am", server.url)
    assert (r.stdout, r.returncode) == (b"enough\n", 0)
    assert heard == [b"who I am"] * 3


def test_S20_input_goes_on_with_the_next_connection():
    heard = []

    def serve(session):
        heard.append(session.recv()[1])
        if len(heard) < 2:
            session.close(1012)
        else:
            session.close()

    with Server(serve) as server:
        p = subprocess.Popen([str(STANDPIPE), *QUICK, server.url],
                             env=environment(), stdin=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        with p:
            p.stdin.write(b"one\n")
            p.stdin.flush()
            assert b"again in" in p.stderr.readline()
            p.stdin.write(b"two\n")
            p.stdin.close()
            assert p.wait(60) == 0
    assert heard == [b"one", b"two"]


def test_S20_the_command_lives_on():
    heard = []

    def serve(session):
        session.send_text("x")
        heard.append(session.recv()[1])
        session.close(1012 if len(heard) < 3 else 1000)

    with Server(serve) as server:
        r = standpipe(*QUICK, server.url, "--", "sh", "-c",
                      'while read x; do n="$n$x"; echo "$n"; done')
    assert r.returncode == 0
    assert heard == [b"x", b"xx", b"xxx"]


@pytest.mark.skipif(not EDITS, reason="built without libedit")
def test_S20_who_types_goes_on():
    heard = []

    def serve(session):
        session.send_text(f"hello {len(heard)}")
        heard.append(session.recv()[1])
        session.close(1012 if len(heard) < 3 else 1000)

    with Server(serve) as server, Terminal(*QUICK, server.url) as t:
        for i, line in enumerate(["one", "two", "three"]):
            t.until(lambda: f"hello {i}" in t.lines(), "a greeting")
            t.type(f"{line}\r")
        assert t.process.wait(60) == 0
    assert heard == [b"one", b"two", b"three"]


@pytest.mark.skipif(not EDITS, reason="built without libedit")
def test_C7_an_interrupt_ends_the_waiting_at_a_terminal():
    with Daemon() as d:
        url = d.url
    with Terminal("--reconnect", "--reconnect-min=1h",
                  "--reconnect-max=1h", url) as t:
        t.until(lambda: any("again in" in line for line in t.lines()),
                "what happened")
        t.type("\x03")
        assert t.process.wait(60) == -signal.SIGINT
        assert t.modes() == t.before


def test_json_tells_of_the_last_call():
    with Answers(closing(1012), closing(1008)) as server:
        r = standpipe(*QUICK, "--json", server.url)
    said, = r.stderr.splitlines()
    assert json.loads(said)["close_code"] == 1008


def test_C2_messages_are_counted_over_all_connections():
    def serve(session):
        session.send_text("a")
        session.send_text("b")
        session.close(1012)

    with Server(serve) as server:
        r = standpipe(*QUICK, "--count=3", server.url)
    assert (r.stdout, r.returncode) == (b"a\nb\na\n", 0)
