"""Cases 13.x: compressed messages under other parameters."""

import pytest

import standpipe
from autobahn import SLACK
from compression import PARAMETERS, SHAPES, KINDS, messages, offers
from deflate import offer

ROWS = [pytest.param(wanted, size, frame, id=f"case 13.{group}.{i}")
        for group, wanted in PARAMETERS.items()
        for i, (size, frame) in enumerate(SHAPES, 1)]
LIMIT = 480  # seconds, for all messages of a case


def play(server, asked, opcode, payloads, size):
    """Each message is sent after the echo of the one before."""
    deadline = standpipe.now() + LIMIT * SLACK
    sent = 0
    with server.session(headers=offer(asked)) as c:
        assert c.deflate is not None, "no compression was agreed on"
        for payload in payloads:
            c.send_deflated(payload, opcode, size)
            got = c.recv_message(deadline - standpipe.now())
            assert got[0] == opcode and got[1] == payload
            sent += len(payload)
        assert c.wire <= sent * 1.05 + 64, "the echo is larger"
        assert c.bye(1000)[1] == 1000
        return c


@pytest.fixture(scope="module")
def server():
    """One that takes over whatever it may."""
    with standpipe.Daemon("--framing=frames", "--compression-takeover=both",
                          "--compression-min=0", command=["cat"]) as d:
        yield d


@pytest.mark.parametrize("wanted, size, frame", ROWS)
def test_parameters(server, full, wanted, size, frame):
    c = play(server, offers(wanted), KINDS[1].opcode, messages(1, size, full),
             frame)
    best = wanted[0]
    assert not (best.get("no_context_takeover") and
                c.deflate.takes_over("server"))
    assert c.deflate.bits("server") <= best.get("max_window_bits", 15)
    assert size < 1024 or c.deflated > 0
