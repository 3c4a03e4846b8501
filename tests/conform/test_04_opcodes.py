"""Cases 4.x: reserved opcodes."""

from autobahn import FAIL, case, judge, octetwise, ping, table, text
from wire import TEXT, frame

HELLO = "Hello, world!"
ECHO = [(TEXT, HELLO.encode())]


def rows():
    for group, base in (1, 3), (2, 11):
        for i in range(5):
            bad = frame(b"reserved" if i in (1, 3, 4) else b"", base + i)
            sent, expect = bad, []
            if i >= 2:
                sent, expect = text(HELLO) + bad + ping(), ECHO
            yield case(f"4.{group}.{i + 1}",
                       octetwise(sent) if i == 4 else sent, expect, FAIL(1002))


@table(rows())
def test_opcodes(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
