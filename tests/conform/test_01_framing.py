"""Cases 1.x: every length and its edges."""

from autobahn import case, judge, octetwise, table
from wire import BINARY, TEXT, frame

SIZES = 0, 125, 126, 127, 128, 65535, 65536, 65536


def rows():
    for group, opcode, byte in (1, TEXT, b"*"), (2, BINARY, b"\xfe"):
        for i, size in enumerate(SIZES, 1):
            data = byte * size
            sent = frame(data, opcode)
            yield case(f"1.{group}.{i}",
                       octetwise(sent, 997) if i == 8 else sent,
                       [(opcode, data)], limit=1 if size < 1000 else 10)


@table(rows())
def test_framing(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
