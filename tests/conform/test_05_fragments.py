"""Cases 5.x: fragmentation."""

from autobahn import (FAIL, Pause, Pong, case, judge, octetwise, ping, table,
                      text)
from wire import CONTINUATION, PING, PONG, TEXT, frame

PAUSE = Pause(0.2)


def start(payload):
    return text(payload, fin=False)


def more(payload, fin=False):
    return frame(payload, CONTINUATION, fin=fin)


def last(payload):
    return more(payload, fin=True)


BOTH = [start("fragment1"), last("fragment2")]
WHOLE = [(TEXT, b"fragment1fragment2")]
PINGED = [start("fragment1"), ping(b"ping"), last("fragment2")]
PONGED = [Pong(b"ping"), *WHOLE]
STRAY = [last("stray"), text("hello")]
STRAY_OPEN = [more("stray"), text("hello")]


def all_at_once(frames):
    return b"".join(frames)


FIVE = [start("fragment1"), more("fragment2"), ping(b"ping1"), PAUSE,
        more("fragment3"), more("fragment4"), ping(b"ping2"),
        last("fragment5")]
FIVE_ECHO = [Pong(b"ping1"), Pong(b"ping2"),
             (TEXT, b"fragment1fragment2fragment3fragment4fragment5")]

ROWS = [
    case("5.1", [frame("a", PING, fin=False), last("b")], [], FAIL(1002)),
    case("5.2", [frame("a", PONG, fin=False), last("b")], [], FAIL(1002)),
    case("5.3", all_at_once(BOTH), WHOLE),
    case("5.4", BOTH, WHOLE),
    case("5.5", octetwise(all_at_once(BOTH)), WHOLE),
    case("5.6", all_at_once(PINGED), PONGED),
    case("5.7", PINGED, PONGED),
    case("5.8", octetwise(all_at_once(PINGED)), PONGED),
    case("5.9", all_at_once(STRAY), [], FAIL(1002)),
    case("5.10", STRAY, [], FAIL(1002)),
    case("5.11", octetwise(all_at_once(STRAY)), [], FAIL(1002)),
    case("5.12", all_at_once(STRAY_OPEN), [], FAIL(1002)),
    case("5.13", STRAY_OPEN, [], FAIL(1002)),
    case("5.14", octetwise(all_at_once(STRAY_OPEN)), [], FAIL(1002)),
    case("5.15", all_at_once([*BOTH, more("stray"), text("hello")]), WHOLE,
         FAIL(1002)),
    case("5.16", all_at_once([more("stray"), *BOTH] * 2), [], FAIL(1002)),
    case("5.17", all_at_once([last("stray"), *BOTH] * 2), [], FAIL(1002)),
    case("5.18", [start("fragment1"), text("fragment2")], [], FAIL(1002)),
    case("5.19", [all_at_once(FIVE[:3]), PAUSE, all_at_once(FIVE[4:])],
         FIVE_ECHO, limit=2),
    case("5.20", FIVE, FIVE_ECHO, limit=2),
]


@table(ROWS)
def test_fragments(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
