"""The client at a terminal."""

import subprocess

import pytest

from standpipe import Daemon
from terminal import Terminal

HOSTILE = (rb"\033[2Jcolour \033[31m \033]0;title\007 \302\233 \033c",
           r"\x1b[2Jcolour \x1b[31m \x1b]0;title\x07 \u009b \x1bc")


# ------------------------------------------------- what a terminal is shown


@pytest.fixture(params=["lines", "binary"])
def hostile(request):
    """Says what a terminal would obey, and ends."""
    says = ["printf", HOSTILE[0].decode() + r"\n"]
    with Daemon(f"--framing={request.param}", command=says) as d:
        yield d


@pytest.mark.parametrize("stdin", [True, False])
def test_C9_what_is_received_moves_no_cursor(hostile, stdin):
    with Terminal(hostile.url, stdin=stdin) as t:
        t.shows_line(HOSTILE[1])
        t.ends()


def test_C9_it_is_given_raw_to_whatever_is_no_terminal(hostile):
    with Terminal(hostile.url, stdout=subprocess.PIPE) as t:
        raw = t.process.stdout.read()
        assert raw.startswith(b"\x1b[2Jcolour \x1b[31m ")
        t.ends()


def test_C9_text_is_text(tmp_path):
    text = "ä€😀\tb"
    (tmp_path / "text").write_text(text + "\n", encoding="utf-8")
    with Daemon(command=["cat", tmp_path / "text"]) as d:
        with Terminal(d.url) as t:
            t.ends()
            assert text.encode() in t.raw
