"""Cases 3.x: reserved bits, while no extension is agreed."""

from autobahn import FAIL, case, judge, octetwise, ping, table, text
from wire import BINARY, CLOSE, TEXT, close_payload, frame

HELLO = "Hello, world!"
ECHO = [(TEXT, HELLO.encode())]
DATA = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"

ROWS = [
    case("3.1", text(HELLO, rsv=1), [], FAIL(1002)),
    case("3.2", text(HELLO) + text(HELLO, rsv=2) + ping(), ECHO, FAIL(1002)),
    case("3.3", [text(HELLO), text(HELLO, rsv=3), ping()], ECHO, FAIL(1002)),
    case("3.4", octetwise(text(HELLO) + text(HELLO, rsv=4) + ping()), ECHO,
         FAIL(1002)),
    case("3.5", frame(DATA, BINARY, rsv=5), [], FAIL(1002)),
    case("3.6", frame(DATA, BINARY, rsv=6), [], FAIL(1002)),
    case("3.7", frame(close_payload(1000), CLOSE, rsv=7), [], FAIL(1002)),
]


@table(ROWS)
def test_reserved_bits(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
