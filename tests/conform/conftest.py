"""The subject of the tests: our server, or our client."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

pytest.register_assert_rewrite("daemon", "proc", "wire", "autobahn", "soak", "guest")

from compression import answers, offers  # noqa: E402
from daemon import Daemon  # noqa: E402
from deflate import offer  # noqa: E402
from guest import Call  # noqa: E402
from proc import adopt_orphans  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true",
                     help="groups 12 and 13 with all of their messages")


@pytest.fixture(scope="session")
def full(request):
    return request.config.getoption("--full")


def pytest_configure():
    adopt_orphans()


# The largest case and no more.
LIMIT = "--max-message=16M"


class Server:
    """One daemon for each module."""

    role = "server"

    def __init__(self, *options):
        self.daemon = Daemon("--framing=frames", "--close-timeout=2s",
                             *options, command=["cat"])

    def session(self):
        return self.daemon.session()

    def deflated(self, wanted):
        """A session with compression, as we would have it of the server."""
        return self.daemon.session(headers=offer(offers(wanted)))


class Client:
    """A client for each session."""

    role = "client"

    def __init__(self, *options):
        self.options = options

    def session(self):
        return Call(self.options)

    def deflated(self, wanted):
        """A session with compression, as we would have it of the client."""
        return Call(["--compression", *self.options], answers(wanted))


@pytest.fixture(scope="module", params=["server", "client"])
def subject(request):
    """An echo, which takes over from message to message whatever it may."""
    if request.param == "client":
        yield Client(LIMIT)
        return
    server = Server(LIMIT, "--compression-takeover=both",
                    "--compression-min=0")
    with server.daemon:
        yield server
