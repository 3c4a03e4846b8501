"""Cases 7.x: the closing handshake."""

from autobahn import (ANY, CLOSED, FAIL, Echo, case, close, judge, ping, table,
                      text)
from wire import CLOSE, CONTINUATION, TEXT, frame

LEGAL = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999,
         4000, 4999)
ILLEGAL = 0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999
CLEAN = CLOSED(1000, None)

ROWS = [
    case("7.1.1", [Echo(TEXT, b"Hello World!")]),
    case("7.1.2", close(1000) + close(1000), [], CLEAN),
    case("7.1.3", close(1000) + ping(), [], CLEAN),
    case("7.1.4", close(1000) + text("late"), [], CLEAN),
    case("7.1.5", text("first", fin=False) + close(1000) +
         frame("last", CONTINUATION), [], CLEAN),
    case("7.1.6", text("*" * (256 << 10)) + text("Hello World!") +
         close(1000) + ping(), [], ANY, limit=5),
    case("7.3.1", close(), [], CLEAN),
    case("7.3.2", frame(b"a", CLOSE), [], FAIL(1002)),
    case("7.3.3", close(1000), [], CLEAN),
    case("7.3.4", close(1000, "Hello World!"), [], CLEAN),
    case("7.3.5", close(1000, "*" * 123), [], CLEAN),
    case("7.3.6", close(1000, "*" * 124), [], FAIL(1002)),
    case("7.5.1", close(1000, b"\xce\xba\xed\xa0\x80edited"), [],
         FAIL(1007, 1002)),
    *(case(f"7.7.{i}", close(code), [], CLOSED(code, 1000))
      for i, code in enumerate(LEGAL, 1)),
    *(case(f"7.9.{i}", close(code), [], FAIL(1002))
      for i, code in enumerate(ILLEGAL, 1)),
    *(case(f"7.13.{i}", close(code), [], ANY)
      for i, code in enumerate((5000, 65535), 1)),
]


@table(ROWS)
def test_close(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
