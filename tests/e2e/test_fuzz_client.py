"""Servers at random that the client calls, for a while."""

import random

from fuzz_client import calls


def test_fault_T3_servers_at_random():
    assert calls(15, random.randrange(1 << 30), print) is not None
