"""Cases 9.x: large, many."""

import functools
import itertools

import pytest

from autobahn import NORMAL, Echo, case, judge, octetwise, table
from wire import BINARY, CONTINUATION, TEXT, frame

KIB, MIB = 1 << 10, 1 << 20
PATTERN = bytes(range(32, 127))
BINARY_PATTERN = bytes(range(256))


def payload(opcode, size):
    pattern = PATTERN if opcode == TEXT else BINARY_PATTERN
    return (pattern * (size // len(pattern) + 1))[:size]


class Lazy:
    """A case's steps, made when it is played: they are large."""

    def __init__(self, opcode, size, fragment=None, chop=None):
        self.opcode, self.size = opcode, size
        self.fragment, self.chop = fragment, chop

    def steps(self):
        data = payload(self.opcode, self.size)
        if self.chop:
            sent = octetwise(frame(data, self.opcode), self.chop)
        elif self.fragment and self.fragment < self.size:
            parts = [data[i:i + self.fragment]
                     for i in range(0, len(data), self.fragment)]
            middle = functools.cache(
                lambda part: frame(part, CONTINUATION, fin=False))
            sent = b"".join(itertools.chain(
                [frame(parts[0], self.opcode, fin=False)],
                map(middle, parts[1:]), [frame(b"", CONTINUATION)]))
        else:
            sent = frame(data, self.opcode)
        return [sent], [(self.opcode, data)]


def lazy(number, what, limit=100):
    return pytest.param(what, limit, id=f"case {number}")


SIZES = 64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB
FRAGMENTS = 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB
CHOPS = 64, 128, 256, 512, 1024, 2048
SMALL = 0, 16, 64, 256, 1024, 4096

LARGE = [
    *(lazy(f"9.{g}.{i}", Lazy(opcode, size))
      for g, opcode in ((1, TEXT), (2, BINARY))
      for i, size in enumerate(SIZES, 1)),
    *(lazy(f"9.{g}.{i}", Lazy(opcode, 4 * MIB, fragment=size))
      for g, opcode in ((3, TEXT), (4, BINARY))
      for i, size in enumerate(FRAGMENTS, 1)),
    *(lazy(f"9.{g}.{i}", Lazy(opcode, MIB, chop=size))
      for g, opcode in ((5, TEXT), (6, BINARY))
      for i, size in enumerate(CHOPS, 1)),
]

MANY = [
    case(f"9.{g}.{i}", [Echo(opcode, payload(opcode, size))] * 1000, limit=60)
    for g, opcode in ((7, TEXT), (8, BINARY))
    for i, size in enumerate(SMALL, 1)
]


@pytest.mark.parametrize("what, limit", LARGE)
def test_large(subject, what, limit):
    steps, expect = what.steps()
    judge(subject, steps, expect, NORMAL, limit)


@table(MANY)
def test_many(subject, steps, expect, end, limit):
    judge(subject, steps, expect, end, limit)
