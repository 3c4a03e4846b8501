"""standpipe and standpiped are themselves with a proxy between them."""

import pytest

from daemon import Daemon
from peers import HERE, Peer
from proc import standpipe


@pytest.fixture(params=[
    pytest.param(name, marks=pytest.mark.xdist_group(f"servers/{name}"))
    for name in ("caddy.py", "nginx.py")])
def between(request, start):
    """The URL of a proxy before a daemon."""
    peer = Peer(HERE / "servers" / request.param)
    return lambda d: start(peer, d.url.replace("http", "ws")).first


@pytest.mark.parametrize("words, output, status", [
    (["sort"], b"a\nb\n", 0), (["sh", "-c", "wc -l; exit 3"], b"2\n", 3)])
def test_the_end_of_input_and_the_exit_status(between, words, output, status):
    with Daemon("--server-name=*", command=words) as d:
        r = standpipe(between(d), input=b"b\na\n")
        assert (r.stdout, r.stderr, r.returncode) == (output, b"", status)
