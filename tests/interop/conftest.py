"""Gives the tests their peers, and lists those that are not here."""

import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

pytest.register_assert_rewrite("daemon", "proc", "wire", "peers")

from certificates import Authority  # noqa: E402
from peers import ABSENT, Caller, Running, Server, peers  # noqa: E402
from proc import adopt_orphans  # noqa: E402


def pytest_configure(config):
    adopt_orphans()
    config.addinivalue_line("markers", "needs(*what): what a peer must be "
                            "able to do to be tested so")
    config.addinivalue_line("markers", "tls: over wss, too")
    config.addinivalue_line("markers", "xdist_group(name): in one process")


def needed(metafunc):
    return {what for mark in metafunc.definition.iter_markers("needs")
            for what in mark.args}


def row(peer, value, more=""):
    """The tests of one peer run in one process, and share the peer's."""
    return pytest.param(value, id=f"{peer.path.name} {more}".strip(),
                        marks=pytest.mark.xdist_group(peer.id))


def callers(metafunc):
    schemes = {"", "tls"} if metafunc.definition.get_closest_marker(
        "tls") else {""}
    for peer in peers("clients"):
        for scheme in sorted(schemes):
            if not peer.cannot & (needed(metafunc) | {scheme}):
                yield row(peer, (peer, scheme), scheme)


def servers(metafunc):
    """What stands before others does so before each of them."""
    known = {peer.path.name: peer for peer in peers("servers")}
    for peer in known.values():
        behind = [known[name] for name in peer.head("before")]
        for other in behind or [None]:
            cannot = peer.cannot | (other.cannot if other else set())
            if not cannot & needed(metafunc):
                yield row(peer, (peer, other), other and other.path.name or "")


def pytest_generate_tests(metafunc):
    for fixture, rows in ("caller", callers), ("server", servers):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, rows(metafunc), indirect=True)


@pytest.fixture(scope="session")
def ca(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("ca"))
    authority.server = authority.issue("server")
    return authority


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Starts a peer once; start(peer, *args)."""
    running = {}

    def one(peer, *args):
        key = peer.id, *args
        if key not in running:
            folder = tmp_path_factory.mktemp(peer.name)
            try:
                running[key] = Running(peer, folder, *args)
            except pytest.skip.Exception as absent:
                running[key] = absent
        if not isinstance(running[key], Running):
            raise running[key]
        return running[key]

    yield one
    for program in reversed(running.values()):
        if isinstance(program, Running):
            program.end()


@pytest.fixture
def caller(request, start, ca):
    peer, scheme = request.param
    return Caller(start(peer), ca if scheme else None)


@pytest.fixture
def server(request, start):
    peer, behind = request.param
    if behind is None:
        return Server(start(peer))
    return Server(start(peer, start(behind).first), behind)


def pytest_terminal_summary(terminalreporter):
    said = {str(report.longrepr[-1])
            for report in terminalreporter.stats.get("skipped", ())}
    absent = sorted(match[1] for text in said
                    if (match := re.search(f"{ABSENT}(.*)", text)))
    if absent:
        terminalreporter.section("peers that are not here")
        for line in absent:
            terminalreporter.write_line(line)
