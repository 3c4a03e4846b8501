"""Pings of the client: a server that has gone is noticed."""

import subprocess

from answers import Answers, agree
from daemon import Daemon
from proc import STANDPIPE, standpipe

QUICK = ["--keepalive=50ms", "--keepalive-timeout=200ms",
         "--close-timeout=50ms"]


def test_F29_a_server_that_never_answers_a_ping_is_given_up():
    with Answers(agree, hold=True) as server:
        r = standpipe("-n", *QUICK, server.url)
    assert r.returncode == 75
    assert b"does not answer a ping" in r.stderr
    assert server.said.count(b"\x89\x80") >= 1


def test_F26_a_server_that_answers_is_not():
    with Daemon(command=["sh", "-c", "sleep 0.6; echo done"]) as d:
        r = standpipe("-n", *QUICK, d.url)
    assert (r.stdout, r.stderr, r.returncode) == (b"done\n", b"", 0)


def test_F27_any_byte_counts_as_life():
    def chatter(head):
        return agree(head, more=b"\x81\x01x" * 3)

    with Answers(chatter, hold=True) as server:
        r = standpipe("-n", "--count=3", *QUICK, server.url)
    assert (r.stdout, r.returncode) == (b"x\nx\nx\n", 0)


def test_F28_a_time_limit_without_pings_is_refused():
    r = standpipe("--keepalive=0", "--keepalive-timeout=1s", "ws://127.0.0.1/")
    assert r.returncode == 2
    assert b"no ping is sent" in r.stderr


def test_output_that_waits_is_no_silence():
    """We do not read then, so no pong can be seen."""
    script = ('"$0" -n --keepalive=50ms --keepalive-timeout=100ms "$1" |'
              ' (sleep 1; wc -c)')
    with Daemon("--binary", command=["head", "-c", "20000000",
                                     "/dev/zero"]) as d:
        r = subprocess.run(["sh", "-c", script, STANDPIPE, d.url],
                           capture_output=True, timeout=30)
    assert (r.stdout.strip(), r.stderr) == (b"20000000", b"")
