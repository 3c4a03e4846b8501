"""Cases 12.x: compressed messages of five kinds."""

import pytest

from compression import KINDS, NOTHING, SHAPES, messages
from test_13_parameters import play

ROWS = [pytest.param(kind, size, frame, id=f"case 12.{kind}.{i}")
        for kind in KINDS for i, (size, frame) in enumerate(SHAPES, 1)]


@pytest.mark.parametrize("kind, size, frame", ROWS)
def test_compression(subject, full, kind, size, frame):
    play(subject, [NOTHING], KINDS[kind].opcode,
         messages(kind, size, full), frame)
