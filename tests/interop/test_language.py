"""Language servers behind the daemon, and a client of theirs before it."""

import json
import shutil
import subprocess

import pytest

from daemon import Daemon
from peers import ABSENT, HERE
from proc import PATIENCE, STANDPIPE, environment

SERVERS = {"clangd": ["clangd", "--log=error"], "pylsp": ["pylsp"]}


@pytest.fixture(params=SERVERS)
def language(request):
    """A daemon with a language server behind it."""
    if not shutil.which(request.param):
        pytest.skip(f"{ABSENT}{request.param}")
    with Daemon("--framing=content-length",
                command=SERVERS[request.param]) as d:
        yield d


def ask(*words):
    """What the client prints: the answer to "initialize", and the end."""
    node = shutil.which("node") or pytest.skip(f"{ABSENT}node")
    done = subprocess.run([node, HERE / "language.js", *words],
                          stdout=subprocess.PIPE, timeout=PATIENCE,
                          env=environment(), check=False, text=True)
    if done.returncode == 77:
        pytest.skip(f"{ABSENT}{done.stdout}")
    answer, end = done.stdout.splitlines()
    return json.loads(answer), json.loads(end)


def test_messages_of_the_protocol_are_messages(language):
    answer, end = ask(language.url)
    assert answer["capabilities"] and end == [1000, ""]


@pytest.mark.parametrize("options", [
    [], ["--framing=content-length"],
    ["--framing=content-length", "--no-standpipe-protocol"]], ids=len)
def test_the_client_stands_in_for_the_server(language, options):
    answer, end = ask("--", STANDPIPE, *options, language.url)
    assert answer["capabilities"] and end == [0, ""]
