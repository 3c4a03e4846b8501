"""Cases 2.x: pings and pongs."""

from autobahn import (CLOSED, FAIL, Pong, case, close, judge, octetwise, ping,
                      pong, table)

BYTES = bytes([0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF])
LONG = b"\xfe" * 125
TEN = [b"payload-%d" % i for i in range(10)]

ROWS = [
    case("2.1", ping(), [Pong(b"")]),
    case("2.2", ping(b"Hello, world!"), [Pong(b"Hello, world!")]),
    case("2.3", ping(BYTES), [Pong(BYTES)]),
    case("2.4", ping(LONG), [Pong(LONG)]),
    case("2.5", ping(LONG + b"\xfe"), [], FAIL(1002)),
    case("2.6", octetwise(ping(LONG)), [Pong(LONG)], limit=2),
    case("2.7", pong() + close(1000), [], CLOSED(1000, None)),
    case("2.8", pong(b"unsolicited") + close(1000), [], CLOSED(1000, None)),
    case("2.9", [pong(b"unsolicited"), ping(b"real")], [Pong(b"real")]),
    case("2.10", b"".join(map(ping, TEN)), map(Pong, TEN), limit=3),
    case("2.11", octetwise(b"".join(map(ping, TEN))), map(Pong, TEN), limit=3),
]


@table(ROWS)
def test_pings(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
