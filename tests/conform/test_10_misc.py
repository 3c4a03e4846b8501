"""Case 10.1.1: a large text in fragments of an odd size."""

from autobahn import case, judge, table
from wire import CONTINUATION, TEXT, frame

DATA = b"*" * 65536
PARTS = [DATA[i:i + 1300] for i in range(0, len(DATA), 1300)]
SENT = b"".join(
    frame(part, TEXT if i == 0 else CONTINUATION, fin=i == len(PARTS) - 1)
    for i, part in enumerate(PARTS))


@table([case("10.1.1", SENT, [(TEXT, DATA)], limit=10)])
def test_fragmented_text(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
