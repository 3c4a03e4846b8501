"""Servers at random that the client calls, for a while."""

import random

from fuzz_client import calls


def test_fault_T3_servers_at_random():
    assert calls(15, random.randrange(1 << 30), print) is not None


def test_fault_T3_a_sentence_has_a_line_of_its_own():
    """The first of these servers is lost within a line of standard error."""
    assert calls(0.01, 844379337, print) is not None
