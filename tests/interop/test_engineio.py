"""Engine.IO, spoken by hand through the client as its users would."""

import pytest

from peers import HERE, Peer, Server
from proc import standpipe

ANSWERS = r"""
read -r open && case $open in 0*) ;; *) exit 3 ;; esac
echo 4hello
while read -r packet; do
	case $packet in
	2) echo 3; beats=$((beats + 1)) ;;
	4*) heard=$packet ;;
	esac
	[ "${beats:-0}" -lt 2 ] || [ -z "$heard" ] || break
done
echo "$beats $heard" >&2
echo 1
"""


@pytest.fixture
def server(start):
    return Server(start(Peer(HERE / "servers" / "engineio.py")))


@pytest.mark.xdist_group("servers/engineio.py")
def test_a_session(server):
    r = standpipe(server.url, "--", "sh", "-c", ANSWERS)
    assert (r.stderr, r.returncode) == (b"2 4hello\n", 0)
