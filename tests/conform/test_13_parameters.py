"""Cases 13.x: compressed messages under other parameters."""

import pytest

from autobahn import SLACK
from compression import PARAMETERS, SHAPES, KINDS, messages
from proc import now

ROWS = [pytest.param(wanted, size, frame, id=f"case 13.{group}.{i}")
        for group, wanted in PARAMETERS.items()
        for i, (size, frame) in enumerate(SHAPES, 1)]
LIMIT = 480  # seconds, for all messages of a case


def play(subject, wanted, opcode, payloads, size):
    """Each message is sent after the echo of the one before."""
    deadline = now() + LIMIT * SLACK
    sent = 0
    with subject.deflated(wanted) as c:
        assert c.deflate is not None, "no compression was agreed on"
        for payload in payloads:
            c.send_deflated(payload, opcode, size)
            got = c.recv_message(deadline - now())
            assert got[0] == opcode and got[1] == payload
            sent += len(payload)
        assert c.wire <= sent * 1.05 + 64, "the echo is larger"
        assert c.bye(1000)[1] == 1000
        return c


@pytest.mark.parametrize("wanted, size, frame", ROWS)
def test_parameters(subject, full, wanted, size, frame):
    c = play(subject, wanted, KINDS[1].opcode, messages(1, size, full),
             frame)
    best = wanted[0]
    assert not (best.get("no_context_takeover") and
                c.deflate.takes_over(subject.role))
    assert c.deflate.bits(subject.role) <= best.get("max_window_bits", 15)
    assert size < 1024 or c.deflated > 0
