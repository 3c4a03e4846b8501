"""The server under test: one daemon for each module."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

pytest.register_assert_rewrite("standpipe", "autobahn", "soak")

import standpipe  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true",
                     help="groups 12 and 13 with all of their messages")


@pytest.fixture(scope="session")
def full(request):
    return request.config.getoption("--full")


def pytest_configure():
    standpipe.adopt_orphans()


@pytest.fixture(scope="module")
def server():
    """An echo server; its message limit is the largest case and no more."""
    with standpipe.Daemon("--framing=frames", "--max-message=16M",
                          "--close-timeout=2s", command=["cat"]) as d:
        yield d
