"""Plays a case of the Autobahn|Testsuite against its subject and judges it.

A case is what is sent, the messages and pongs that must come back, in order
and nothing else, and how the connection must end. The verdict is OK or the
test fails: what the suite calls NON-STRICT is not accepted here.
"""

import collections

import pytest

from proc import SANITIZED, now
from wire import (CLOSE, PING, PONG, TEXT, Broken, Closed, Gone, close_payload,
                  frame)

# The suite's limits are for one peer on a machine of its own.
SLACK = 10 if SANITIZED else 1

# How a case ends:
#   NORMAL       we close with 1000 when everything has come back
#   FAIL(codes)  the subject must fail the connection, with one of the codes
#   CLOSED(...)  the case has sent a Close itself; the answer has such a code
#   ANY          informational: it only must end
End = collections.namedtuple("End", "kind codes")
NORMAL = End("normal", {1000, None})
ANY = End("any", set())


def FAIL(*codes):
    return End("fail", set(codes))


def CLOSED(*codes):
    return End("closed", set(codes))


Octets = collections.namedtuple("Octets", "data size")  # TCP writes of a size
Pause = collections.namedtuple("Pause", "seconds")      # still open all along
Echo = collections.namedtuple("Echo", "opcode payload")  # send, await, compare
Pong = collections.namedtuple("Pong", "payload")


def octetwise(data, size=1):
    return Octets(data, size)


def ping(payload=b""):
    return frame(payload, PING)


def pong(payload=b""):
    return frame(payload, PONG)


def close(code=None, reason=b""):
    return frame(close_payload(code, reason), CLOSE)


def text(payload=b"", **kw):
    return frame(payload, TEXT, **kw)


def case(number, steps, expect=(), end=NORMAL, limit=1.0):
    """A row of a table; its test is called "case NUMBER"."""
    if isinstance(steps, (bytes, Octets)):
        steps = [steps]
    return pytest.param(list(steps), list(expect), end, limit,
                        id=f"case {number}")


class Player:
    def __init__(self, client):
        self.client = client
        self.events = []
        self.parts = []
        self.closed = None

    def read(self, timeout):
        """One frame more; False once their Close is here."""
        c = self.client
        try:
            seen = len(c.pongs)
            opcode, payload, last = self.fragment(timeout, seen)
        except Closed as closed:
            self.closed = closed.code
            return False
        if payload is not None:
            self.parts.append(payload)
            if last:
                whole, self.parts = b"".join(self.parts), []
                if opcode == TEXT:
                    try:
                        whole.decode()
                    except UnicodeDecodeError:
                        raise Broken("echoed text is not UTF-8") from None
                self.events.append((opcode, whole))
        return True

    def fragment(self, timeout, seen):
        """Like recv_fragment(), but control frames are events of their own."""
        c = self.client
        got = c.recv_frame(timeout)
        if got.opcode >= 8:
            c._control(got)
            for payload in c.pongs[seen:]:
                self.events.append(Pong(payload))
            return got.opcode, None, True
        if (got.opcode == 0) != (c.open is not None):
            raise Broken("fragmentation")
        opcode = c.open = c.open or got.opcode
        if got.fin:
            c.open = None
        return opcode, got.payload, got.fin

    def pause(self, seconds):
        deadline = now() + seconds
        while now() < deadline:
            try:
                if not self.read(deadline - now()):
                    raise AssertionError(f"failed too early: {self.closed}")
            except Gone:
                raise
            except AssertionError as e:
                if "in time" not in str(e):
                    raise

    def step(self, step, limit):
        c = self.client
        if isinstance(step, Octets):
            view = memoryview(step.data)
            for at in range(0, len(view), step.size):
                c.send(view[at:at + step.size])
        elif isinstance(step, Pause):
            self.pause(step.seconds)
        elif isinstance(step, Echo):
            c.send(frame(step.payload, step.opcode))
            want = len(self.events) + 1
            deadline = now() + limit * SLACK
            while len(self.events) < want:
                assert self.read(deadline - now()), "closed"
            assert self.events.pop() == (step.opcode, step.payload)
        else:
            c.send(step)


def judge(subject, steps, expect, end, limit):
    with subject.session() as c:
        player = Player(c)
        try:
            for step in steps:
                player.step(step, limit)
        except Gone:
            if end.kind not in ("fail", "any", "closed"):
                raise
            assert c.how != "reset", "reset while we were still sending"
        deadline = now() + limit * SLACK
        if end.kind == "normal":
            while len(player.events) < len(expect):
                if not player.read(deadline - now()):
                    break
            assert player.closed is None, f"closed with {player.closed}"
            c.send(close(1000))
            deadline = now() + 1 * SLACK
        while player.read(deadline - now()):
            pass
        if end.kind != "any":
            assert player.events == expect
            assert player.closed in end.codes
        if end.kind in ("fail", "any"):
            try:
                c.send(close(1000))
            except Gone:
                pass
        assert c.ending(1 * SLACK) == "eof", "TCP was reset"
        assert c.rest == b"", c.rest[:100]


def table(rows):
    """The decorator that makes a test of every row."""
    return pytest.mark.parametrize("steps, expect, end, limit", rows)
