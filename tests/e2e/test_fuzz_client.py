"""Servers at random that the client calls, for a while."""

import random

from answers import Answers, agree
from fuzz_client import STDERR, bare, calls
from proc import standpipe
from wire import BINARY


def test_fault_T3_servers_at_random():
    assert calls(3, random.randrange(1 << 30), print) is not None


def test_fault_T3_a_sentence_has_a_line_of_its_own():
    """Where the server is lost within a line of standard error."""
    said = (bare(b"\1data bytes\nsignal TERM\nstderr yes\n", BINARY) +
            bare(bytes([STDERR]) + b"half a line", BINARY))

    def answer(head):
        return agree(head, b"Standpipe-Protocol: v1-agreed", more=said)

    with Answers(answer) as server:
        done = standpipe("-n", server.url)
    assert done.stderr.startswith(b"half a line\nstandpipe: ")
