"""The client: a URL joined to standard input and output."""

import pytest

from daemon import Daemon
from proc import standpipe
from wire import record


def test_C2_the_end_of_input_loses_no_answer():
    with Daemon(command=["head", "-n", "2"]) as d:
        r = standpipe(d.url, input=b"one\ntwo\n")
    assert (r.stdout, r.stderr, r.returncode) == (b"one\ntwo\n", b"", 0)


@pytest.mark.parametrize("how, status", [("exit 0", 0), ("exit 3", 3),
                                         ("kill -9 $$", 137)])
def test_C1_the_exit_status_is_that_of_the_program(how, status):
    with Daemon(command=["sh", "-c", f"echo said; {how}"]) as d:
        r = standpipe(d.url, input=b"")
    assert (r.stdout, r.stderr, r.returncode) == (b"said\n", b"", status)


def test_C1_nobody_listens():
    with Daemon() as d:
        url = d.url
    r = standpipe(url)
    assert r.returncode == 69
    assert b"refused" in r.stderr


def test_frames_has_the_close_of_either_side():
    with Daemon() as d:
        r = standpipe("--framing=frames", d.url, input=record(
            "C", b"\x10\xe1bye"))
        assert (r.stdout, r.stderr, r.returncode) == (b"", b"", 0)
        end = d.session_end()
        assert (end["close"], end["reason"]) == ("4321", "bye")
    with Daemon(command=["sh", "-c", "echo x; exit 3"]) as d:
        r = standpipe("--framing=frames", d.url)
    assert r.stdout == record("T", "x") + record("C", b"\x0f\xa3exit status 3")
    assert r.returncode == 3
