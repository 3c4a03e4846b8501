"""Cases 6.x: UTF-8."""

import pytest

from autobahn import FAIL, SLACK, Pause, Player, case, judge, table, text
from wire import CONTINUATION, TEXT, frame

PAUSE = 0.2
GREEK = "κ\u1f79σμε".encode()  # 11 bytes: 2, 3, 2, 2, 2
MIXED = "Hello-µ@ßöäüàá-UTF-8!!".encode()


def valid(number, data, limit=0.5):
    return case(number, text(data), [(TEXT, data)], limit=limit)


def invalid(number, data, limit=0.5):
    return case(number, text(data), [], FAIL(1007), limit)


def fragments(parts):
    """A message in these parts."""
    frames = [frame(part, TEXT if i == 0 else CONTINUATION,
                    fin=i == len(parts) - 1) for i, part in enumerate(parts)]
    return b"".join(frames)


def bytewise(data):
    return fragments([data[i:i + 1] for i in range(len(data))])


def group(number, row, *items):
    """number.1, number.2 ... of hexadecimal texts or bytes."""
    for i, item in enumerate(items, 1):
        data = bytes.fromhex(item) if isinstance(item, str) else item
        yield row(f"{number}.{i}", data)


def prefixes():
    for n in range(1, len(GREEK) + 1):
        row = valid if n in (2, 5, 7, 9, 11) else invalid
        yield row(f"6.6.{n}", GREEK[:n])


def leads():
    ranges = (0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD)
    for first, end in ranges:
        yield b"".join(bytes([lead]) + b" " for lead in range(first, end + 1))


CUT = [bytes.fromhex(one) for one in (
    "c0", "e080", "f08080", "f8808080", "fc80808080",
    "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf")]
HIGH = "a080", "adbf", "ae80", "afbf"
LOW = "b080", "be80", "bfbf"
NONCHARACTERS = [chr(plane << 16 | low).encode() for plane in range(17)
                 for low in (0xFFFE, 0xFFFF)]

ROWS = [
    case("6.1.1", text(b""), [(TEXT, b"")]),
    case("6.1.2", fragments([b"", b"", b""]), [(TEXT, b"")]),
    case("6.1.3", fragments([b"", b"middle", b""]), [(TEXT, b"middle")]),
    valid("6.2.1", MIXED, 1),
    case("6.2.2", fragments([MIXED[:12], MIXED[12:]]), [(TEXT, MIXED)]),
    case("6.2.3", bytewise(MIXED), [(TEXT, MIXED)]),
    case("6.2.4", bytewise(GREEK), [(TEXT, GREEK)]),
    invalid("6.3.1", GREEK + b"\xed\xa0\x80edited", 1),
    case("6.3.2", bytewise(GREEK + b"\xed\xa0\x80edited"), [], FAIL(1007)),
    *group("6.5", valid, b"hello$world", "hello¢world".encode(),
           "hello€world".encode(), "hello𤭢world".encode(), GREEK),
    *prefixes(),
    *group("6.7", valid, "00", "c280", "e0a080", "f0908080"),
    *group("6.8", invalid, "f888808080", "fc8480808080"),
    *group("6.9", valid, "7f", "dfbf", "efbfbf", "f48fbfbf"),
    *group("6.10", invalid, "f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"),
    *group("6.11", valid, "ed9fbf", "ee8080", "efbfbd", "f48fbfbf"),
    invalid("6.11.5", b"\xf4\x90\x80\x80"),
    *group("6.12", invalid, "80", "bf", "80bf", "80bf80", "80bf80bf",
           "80bf80bf80", "80bf80bf80bf", bytes(range(0x80, 0xBF))),
    *group("6.13", invalid, *leads()),
    *group("6.14", invalid, *CUT),
    *group("6.15", invalid, b"".join(CUT)),
    *group("6.16", invalid, "fe", "ff", "fefeffff"),
    *group("6.17", invalid, "c0af", "e080af", "f08080af", "f8808080af",
           "fc80808080af"),
    *group("6.18", invalid, "c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf",
           "fc83bfbfbfbf"),
    *group("6.19", invalid, "c080", "e08080", "f0808080", "f880808080",
           "fc8080808080"),
    *group("6.20", invalid, *("ed" + one for one in (*HIGH, *LOW))),
    *group("6.21", invalid, *("ed" + high + "ed" + low for high in HIGH
                              for low in (LOW[0], LOW[2]))),
    *group("6.22", valid, *NONCHARACTERS),
    *group("6.23", valid, *(chr(one).encode() for one in
                            range(0xFFF9, 0x10000))),
]


@table(ROWS)
def test_utf8(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)


# 6.4: the text must be failed by the part that makes it invalid, which is the
# 90 behind the F4, before the rest is there.
BAD = b"\xf4\x90\x80\x80"
TAIL = b"edited"
CUT_AFTER = [GREEK, BAD, TAIL]
CUT_INSIDE = [GREEK + BAD[:1], BAD[1:2], BAD[2:] + TAIL]


def in_frames(parts):
    return [frame(part, TEXT if i == 0 else CONTINUATION, fin=i == 2)
            for i, part in enumerate(parts)]


def in_writes(parts):
    whole = frame(b"".join(parts), TEXT)
    first, second = (len(whole) - len(parts[1]) - len(parts[2]),
                     len(whole) - len(parts[2]))
    return [whole[:first], whole[first:second], whole[second:]]


FAIL_FAST = [
    pytest.param(in_frames(CUT_AFTER), id="case 6.4.1"),
    pytest.param(in_frames(CUT_INSIDE), id="case 6.4.2"),
    pytest.param(in_writes(CUT_AFTER), id="case 6.4.3"),
    pytest.param(in_writes(CUT_INSIDE), id="case 6.4.4"),
]


@pytest.mark.parametrize("parts", FAIL_FAST)
def test_utf8_fails_fast(subject, parts):
    with subject.session() as c:
        player = Player(c)
        player.step(parts[0], 1)
        player.step(Pause(PAUSE), 1)  # still open
        player.step(parts[1], 1)
        while player.read(1 * SLACK):  # and failed without the third part
            pass
        assert (player.events, player.closed) == ([], 1007)
        c.send(parts[2])
        c.finish(1007)
