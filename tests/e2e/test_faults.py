"""One call of the system fails, and what becomes of it: some of what faults.py
tries."""

import pytest
from faults import stop_server, sweep
from proc import SANITIZED

pytestmark = pytest.mark.skipif(
    SANITIZED, reason="a sanitizer has its own memory")


@pytest.fixture(scope="module", autouse=True)
def server():
    yield
    stop_server()


@pytest.mark.parametrize("role, least", [
    ("engine", 6), ("client", 3), ("full", 3)])
def test_fault_A13_nothing_is_waited_for_that_is_not_watched(role, least):
    came, bad = sweep(role, "watch")
    assert not bad
    assert came.total() >= least


def test_fault_A14_a_lack_of_memory_is_called_one():
    came, bad = sweep("engine", "memory")
    assert not bad
    assert came.total() >= 40


@pytest.mark.parametrize("role, kind, every, least", [
    ("engine", "descriptor", 1, 6), ("engine", "short", 1, 4),
    ("engine", "again", 1, 8), ("engine", "interrupt", 2, 20),
    ("engine", "write", 1, 6), ("engine", "read", 2, 8),
    ("parent", "descriptor", 5, 4), ("parent", "process", 1, 1),
    ("parent", "memory", 3, 15), ("parent", "again", 1, 2),
    ("parent", "write", 1, 3),
    ("parent", "interrupt", 1, 3),
    ("auth", "again", 1, 2), ("auth", "write", 1, 2),
    ("auth", "interrupt", 4, 3), ("names", "descriptor", 1, 2),
    ("client", "memory", 1, 10), ("client", "descriptor", 1, 2),
    ("client", "again", 1, 2),
    ("client", "short", 1, 2), ("client", "write", 1, 2),
    ("client", "interrupt", 1, 2), ("client", "read", 1, 2),
    ("full", "descriptor", 1, 2), ("full", "write", 1, 2),
])
def test_fault_T4_a_call_that_fails(role, kind, every, least):
    came, bad = sweep(role, kind, every)
    assert not bad
    assert came.total() >= least
