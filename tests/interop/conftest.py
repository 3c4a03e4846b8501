"""Gives the tests their peers, and lists those that are not here."""

import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

pytest.register_assert_rewrite("standpipe", "peers")

import standpipe  # noqa: E402
from certificates import Authority  # noqa: E402
from peers import ABSENT, Caller, Running, peers  # noqa: E402


def pytest_configure(config):
    standpipe.adopt_orphans()
    config.addinivalue_line("markers", "needs(*what): what a peer must be "
                            "able to do to be tested so")
    config.addinivalue_line("markers", "tls: over wss, too")
    config.addinivalue_line("markers", "xdist_group(name): in one process")


def rows(metafunc, kind):
    """A row for every peer that can do what the test needs."""
    needs = {what for mark in metafunc.definition.iter_markers("needs")
             for what in mark.args}
    schemes = ["", "tls"] if metafunc.definition.get_closest_marker(
        "tls") else [""]
    for peer in peers(kind):
        for scheme in schemes:
            if not peer.cannot & (needs | {scheme}):
                yield pytest.param(
                    (peer, scheme), id=f"{peer.path.name} {scheme}".strip(),
                    marks=pytest.mark.xdist_group(peer.id))


def pytest_generate_tests(metafunc):
    """The tests of one peer run in one process, and share the peer's."""
    for fixture, kind in ("caller", "clients"), ("server", "servers"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, rows(metafunc, kind), indirect=True)


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
        if peer.id not in running:
            folder = tmp_path_factory.mktemp(peer.name)
            try:
                running[peer.id] = Running(peer, folder, *args)
            except pytest.skip.Exception as absent:
                running[peer.id] = absent
        if not isinstance(running[peer.id], Running):
            raise running[peer.id]
        return running[peer.id]

    yield one
    for program in running.values():
        if isinstance(program, Running):
            program.end()


@pytest.fixture
def caller(request, start, ca):
    peer, scheme = request.param
    return Caller(start(peer), ca if scheme else None)


def pytest_terminal_summary(terminalreporter):
    said = {str(report.longrepr[-1])
            for report in terminalreporter.stats.get("skipped", ())}
    absent = sorted(match[1] for text in said
                    if (match := re.search(f"{ABSENT}(.*)", text)))
    if absent:
        terminalreporter.section("peers that are not here")
        for line in absent:
            terminalreporter.write_line(line)
