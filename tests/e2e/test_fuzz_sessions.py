"""Whole sessions at random, for a while."""

import random

from fuzz_sessions import sessions


def test_fault_T3_sessions_at_random():
    assert sessions(8, random.randrange(1 << 30), print) is not None
