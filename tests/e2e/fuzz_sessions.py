#!/usr/bin/python3
"""Whole sessions at random, against a model of what must be true.

    fuzz_sessions.py [--seconds=N] [--seed=N]    until so much processor time is
                                                 used (default 60), from a seed
    fuzz_sessions.py --script=FILE               one session that failed before

The engine is met at its descriptors alone: this program is its parent, its
programs and its clients, so that every byte, cut and order is ours to choose,
and no process is started for a session. A session is a script, a list of steps;
what has to come of it is worked out while the steps are taken. One that fails
is made shorter as long as it fails, and printed.

What must be true: the engine lives, and a sanitizer has nothing to say; what
was sent arrives, unaltered and in order, as far as both sides stayed; each
request has one answer; each WebSocket ends with a Close that is one, unless its
client went; each that began has its last line in the log; each program is let
go of once, each seat given back, and no descriptor is held at the end.
"""

import argparse
import ast
import collections
import contextlib
import os
import random
import re
import resource
import select
import sys
import tempfile
import time

from deflate import EXTENSION, Deflate
from lone_engine import Engine, settings
from proc import PATIENCE, SANITIZED, anonymous, now, until
from soak import ready_frame
from wire import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Broken,
                  Client, Response, close_payload, frame, joined,
                  parse_close, record, records, request_head)

COMMON = ["--loglevel=info", "--close-drain=100ms", "--linger=30ms",
          "--max-message=64K", "--compression-min=16"]
FRAMINGS = ["binary", "lines", "text", "nul", "frames"]
DELIMITER = {"lines": b"\n", "nul": b"\0"}
SIDE_BY_SIDE = 8
ROUND = 150  # sessions of one engine
FLAT = 8 << 20


# ------------------------------------------------------------ the scripts


LETTERS = ("abc xyz0189äß€𝄞" * 18)[:256]  # of a random byte each


def text(rng, size):
    return rng.randbytes(size).decode("latin-1").translate(LETTERS).encode()


def payload(rng, kind):
    size = rng.choice([0, 1, 5, 125, 126, 200, 3000, 20000])
    return text(rng, size // 2) if kind == TEXT else rng.randbytes(size)


HOSTILE = [  # bytes, and the codes of the Close that may follow
    (b"\xa1\x80\0\0\0\0", {1002}), (b"\x91\x80\0\0\0\0", {1002}),
    (b"\x81\x03abc", {1002}), (b"\x83\x80\0\0\0\0", {1002}),
    (b"\x8b\x80\0\0\0\0", {1002}), (b"\x09\x80\0\0\0\0", {1002}),
    (b"\x89\xfe\0\x7e\0\0\0\0", {1002}), (b"\x80\x80\0\0\0\0", {1002}),
    (b"\x81\xfe\0\x05\0\0\0\0abcde", {1002}),
    (b"\x81\xff\x80" + bytes(11), {1002, 1009}),
    (b"\x82\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", {1002, 1009}),
    (b"\x81\x82\0\0\0\0\xc0\x80", {1007}),
    (b"\x81\x81\0\0\0\0\xc3", {1007}),
    (b"\x88\x81\0\0\0\0\x03", {1002}),
    (b"\x88\x82\0\0\0\0\x03\xed", {1002}),
    (b"\x88\x84\0\0\0\0\x03\xe8\xff\xff", {1002, 1007}),
]


def one_step(rng, config):
    """A step of a session that goes on after it."""
    kind = rng.choice([TEXT, BINARY])
    cut = rng.randrange(1 << 30)
    steps = [
        ("message", kind, payload(rng, kind), rng.choice([1, 1, 2, 5]), cut),
        ("output", payload(rng, TEXT if config != "binary" else kind), cut),
        ("ping", rng.randbytes(rng.randrange(126)), cut),
        ("pong", b"x", cut),
        ("deaf",), ("hear",), ("sulk",), ("read",),
    ]
    return rng.choices(steps, [8, 8, 2, 1, 1, 1, 1, 1])[0]


def last_step(rng):
    """And of one that does not."""
    status = rng.choice([0, 0, 1, 3, 255])
    sig = rng.choice([0, 0, 9, 11])
    code = rng.choice([None, 1000, 1001, 1011, 3000, 4999])
    return rng.choice([
        [("exit", status, sig)],
        [("close", code, b"bye" if code else b"", 0)],
        [("close", code, b"", rng.randrange(1 << 30)), ("exit", status, sig)],
        [("close-out",), ("exit", status, sig)],
        [("exit-open", status), ("output", b"late", 0), ("close-out",)],
        [("close-in",), ("exit", status, sig)],
        [("fin",)], [("reset",)], [("half", rng.randrange(1, 40))],
        [("hostile", rng.randrange(len(HOSTILE)), rng.randrange(1 << 30))],
        [("garbage", rng.randbytes(rng.randrange(1, 300)))],
        [("part", b"begun", 0), ("close", 1000, b"", 0)],
        [("part", b"begun", 0), ("fin",)],
        [("hear",), ("flood", rng.choice([1, 20]) << 16), ("exit", 0, 0)],
        [],
    ])


def websocket(rng, config):
    steps = [one_step(rng, config) for _ in range(rng.randrange(12))]
    steps += last_step(rng)
    return {
        "kind": "websocket", "config": config,
        "speaks": rng.choice(["plain"] * 4 + ["field", "subprotocol"]),
        "compressed": rng.random() < 0.3, "ahead": rng.random() < 0.3,
        "cut": rng.choice([0, 0, rng.randrange(1 << 30)]),
        "start": rng.choice(["start"] * 12 + ["late"] * 3 + ["refuse"]),
        "gate": rng.choice(["yes"] * 6 + ["no", "nonsense", "vanish"]),
        "stubborn": rng.choice([0, 0, 0, 5]),
        "asks_done": rng.random() < 0.3, "steps": steps,
    }


def one_request(rng):
    body = rng.randbytes(rng.choice([0, 1, 300, 9000]))
    answer = rng.choice([b"Content-Type: text/plain\n\n",
                         b"Status: 201 Made\r\nContent-Type: a/b\r\n\r\n"])
    method = rng.choice(["GET", "GET", "POST", "HEAD"])
    return {
        "method": method, "body": body if method == "POST" else b"",
        "chunked": rng.random() < 0.4,
        "answer": answer, "content": rng.randbytes(rng.choice([0, 5, 70000])),
        "how": rng.choice(["good"] * 6 + ["missing", "nonsense", "nothing"]),
        "cut": rng.randrange(1 << 30),
    }


def http(rng, config):
    return {"kind": "http", "config": config,
            "cut": rng.choice([0, rng.randrange(1 << 30)]),
            "end": rng.choice(["close"] * 4 + ["reset"]),
            "steps": [one_request(rng) for _ in range(rng.randrange(1, 5))]}


def script(rng, config):
    return (http if config == "cgi" else websocket)(rng, config)


def pieces(data, cut):
    """The same bytes in pieces; 0: in one."""
    if cut == 0 or len(data) < 2:
        return [data] if data else []
    rng = random.Random(cut)
    if rng.random() < 0.5:
        return [data]
    most = rng.choice([2, 3, 10])
    cuts = sorted(rng.sample(range(1, len(data)), min(most, len(data) - 1)))
    return [data[a:b] for a, b in zip([0] + cuts, cuts + [len(data)])]


# ----------------------------------------------------------- the sessions


class Session:
    """What is common: a client, its script and its programs.

    advance() does what can be done now and says whether that was something;
    over says that nothing more is to come, check() whether it came out right.
    """

    def __init__(self, engine, number, script):
        self.engine = engine
        self.number = number
        self.script = script
        self.steps = collections.deque(script["steps"])
        self.out = collections.deque()
        self.programs = []
        self.turns = 0
        self.hears = True
        self.response = None
        self.went = None  # how the client went, if it did by itself
        source = f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number % 250 + 1}"
        self.client = Client(engine.address, source=source)
        self.client.answer_pings = False

    def asked(self):
        """The engine wants this program for us."""
        return [p for p in self.engine.asked
                if p.variables.get("QUERY_STRING") == str(self.number)]

    def push(self):
        if not self.out or self.went in ("reset", "fin"):
            self.out.clear()
            return False
        try:
            n = self.client.sock.send(self.out[0])
        except BlockingIOError:
            return False
        except (BrokenPipeError, ConnectionResetError):
            self.out.clear()
            return True
        self.out[0] = self.out[0][n:]
        if not self.out[0]:
            self.out.popleft()
        return True

    def pull(self):
        if self.went == "reset" or self.client.how:
            return False
        if not self.hears and self.answered:
            return False
        return self.client._receive()

    def fin(self):
        if self.went is None:
            with contextlib.suppress(OSError):
                self.client.shut()
            self.went = "fin"

    def reset(self):
        if self.went != "reset":
            self.client.reset()
            self.went = "reset"

    @property
    def answered(self):
        return self.response is not None

    @property
    def gone(self):
        return self.went == "reset" or self.client.how is not None

    @property
    def over(self):
        return (self.gone and not self.asked() and
                all(p.exited for p in self.programs))

    def waits_for(self):
        """[(descriptor, events)]"""
        if self.gone:
            fds = []
        else:
            hears = self.hears or not self.answered
            events = (select.POLLIN if hears else 0) | (
                select.POLLOUT if self.out else 0)
            fds = [(self.client.sock.fileno(), events)]
        for p in self.programs:
            if p.stdin is not None and p.reads and not p.eof:
                fds.append((p.stdin, select.POLLIN))
            if p.stdout is not None and p.pending:
                fds.append((p.stdout, select.POLLOUT))
        return fds

    def close(self):
        self.client.close()
        for p in self.programs:
            p.close()


def need(ok, why):
    if not ok:
        raise AssertionError(why)


class Talk(Session):
    """A WebSocket session.

    up      what the program must have read
    down    what the client got
    """

    def __init__(self, engine, number, script):
        super().__init__(engine, number, script)
        self.framing = script["config"]
        if self.framing == "gate":
            self.framing = "lines"
        self.command = None
        self.late = 3
        self.v1 = False
        self.up, self.messages = bytearray(), []
        self.down, self.got = bytearray(), []
        self.begun = b""
        self.pings = []
        self.closed = None
        self.allowed = set()  # codes, beside those of the program's end
        self.hostile = False  # the client broke the rules
        self.said_close = False
        self.ended_itself = False  # the program, before its client
        self.lossy = False
        self.refused = False
        self.exit = (0, 0)
        self.first = b""
        self.send_head()

    def send_head(self):
        headers = []
        if self.script["speaks"] == "field":
            headers = [("Standpipe-Protocol", "v1")]
        elif self.script["speaks"] == "subprotocol":
            headers = [("Sec-WebSocket-Protocol", "standpipe.v1")]
        if self.script["compressed"]:
            headers.append((EXTENSION, "permessage-deflate"))
        head = request_head(f"/?{self.number}", headers=headers)
        self.out.extend(pieces(head, self.script["cut"]))
        if self.script["ahead"] and self.script["speaks"] == "plain":
            self.step()

    # ---- what happens

    def advance(self):
        self.turns += 1
        done = self.push() | self.pull() | self.answer()
        for p in self.programs:
            done |= p.read() | p.write()
            done |= self.bury(p)
        done |= self.parse()
        if not self.out and (self.response or self.client.how):
            done |= self.step()
        return done

    def answer(self):
        done = False
        for p in self.asked():
            done = True
            if p.part == "gate":
                self.answer_gate(p)
            elif self.script["start"] == "refuse":
                self.refused = True
                self.engine.refuse(p, 2)
            elif self.script["start"] == "late" and self.late > 0:
                self.late -= 1
            else:
                self.engine.start(p)
                self.programs.append(p)
                self.command = p
        return done

    def answer_gate(self, p):
        self.engine.start(p)
        self.programs.append(p)
        how = self.script["gate"]
        self.refused |= how in ("no", "vanish")
        if how == "nonsense":
            p.pending = [b"\xff=\n\n" * 9]
            while p.write():
                pass
        p.close()
        self.engine.exit(p, how == "no", 9 if how == "vanish" else 0)

    def bury(self, p):
        """A program whose client has gone is told so, and ends."""
        if p.exited or not p.killed:
            return False
        if self.turns % 64 < self.script["stubborn"]:
            return True
        p.close()
        self.engine.exit(p, wants_done=self.script["asks_done"])
        return True

    # ---- what the client reads

    def parse(self):
        before = self.client.taken, len(self.client.buffer)
        if self.went == "reset":
            return False
        if self.response is None:
            self.parse_head()
        if self.response is not None and self.response.status == 101:
            self.parse_frames()
        return before != (self.client.taken, len(self.client.buffer))

    def parse_head(self):
        c = self.client
        if b"\r\n\r\n" not in c.buffer:
            return
        self.response = c.response(0, body=False)
        if self.response.status != 101:
            return
        c.check_101(self.response, "dGhlIHNhbXBsZSBub25jZQ==")
        if answer := self.response.get(EXTENSION):
                c.deflate = Deflate(answer)
        self.v1 = (
            self.response.get("Standpipe-Protocol") == "v1-agreed" or
            self.response.get("Sec-WebSocket-Protocol") == "standpipe.v1")
        need(not self.v1 or self.script["speaks"] != "plain", "v1 unasked")

    def parse_frames(self):
        c = self.client
        while self.closed is None and ready_frame(c):
            got = c.recv_frame(0)
            if got.opcode == CLOSE:
                self.closed = got.payload
                self.on_close()
            elif got.opcode == PONG:
                c.pongs.append(got.payload)
            elif got.opcode != PING:
                self.take(got)
        if self.closed is not None and len(c.buffer) > c.taken:
            raise Broken("something follows the Close")

    def take(self, got):
        if got.opcode == CONTINUATION:
            need(self.begun is not None, "a continuation of nothing")
        self.begun = (self.begun or b"") + got.payload
        if got.opcode != CONTINUATION:
            self.opcode = got.opcode
        if got.fin:
            self.got.append((self.opcode, self.begun))
            self.begun = b""

    def on_close(self):
        self.code, self.reason = parse_close(self.closed)
        self.hears = True
        if not self.said_close and self.went is None and not self.hostile:
            self.out.append(frame(self.closed[:2], CLOSE))
            self.said_close = True

    # ---- what both do

    def step(self):
        if not self.steps:
            return self.finish()
        name, *rest = self.steps[0]
        if name in ("output", "flood", "sulk", "read", "exit", "exit-open",
                    "close-in", "close-out"):
            if self.command is None and not self.gone and not (
                    self.response and self.response.status != 101):
                return False
            if self.command is None or self.command.exited:
                if name != "close-out":
                    self.steps.popleft()
                    return True
            if name.startswith(("exit", "close-out")) and (
                    self.command and self.command.pending and
                    not self.command.killed and not self.gone):
                self.hears = True
                return False
        elif self.gone or self.went or self.hostile or self.said_close:
            self.steps.popleft()
            if name == "reset":
                self.reset()
            return True
        self.steps.popleft()
        getattr(self, "do_" + name.replace("-", "_"))(*rest)
        return True

    def finish(self):
        """The script is at its end, and the session has to be brought to it."""
        self.hears = True
        done = False
        p = self.command
        if p is not None and not p.reads:
            p.reads = done = True
        if self.gone:
            if self.client.how and self.went != "reset" and not self.closing:
                self.closing = done = True
            return done
        if p is not None and not p.exited:
            if p.pending or p.killed or self.hostile:
                return done
            if self.went or self.said_close:
                if p.eof or not self.command:
                    self.do_exit(0, 0)
                    return True
                return done
            self.do_exit(0, 0)
            return True
        if self.response is not None and self.response.status != 101:
            self.client.buffer.clear()
            self.client.taken = 0
        return done

    closing = False

    def send(self, data, cut=0):
        self.out.extend(pieces(data, cut))

    def do_message(self, kind, data, parts, cut):
        if self.v1:
            self.send_v1(kind, data, cut)
            return
        size = max(1, -(-len(data) // parts))
        cuts = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
        whole = b"".join(
            frame(part, CONTINUATION if i else kind, fin=i == len(cuts) - 1)
            for i, part in enumerate(cuts))
        self.send(whole, cut)
        self.expect(kind, data)

    def send_v1(self, kind, data, cut):
        as_bytes = cut % 2 == 0
        self.send(frame(bytes([2 if as_bytes else 3]) + data, BINARY), cut)
        if as_bytes and self.framing != "frames":
            self.up += data
        else:
            self.expect(BINARY if as_bytes else TEXT, data)

    def expect(self, kind, data):
        self.messages.append(("T" if kind == TEXT else "B", data))
        self.up += data + DELIMITER.get(self.framing, b"")

    def do_ping(self, data, cut):
        self.send(frame(data, PING), cut)
        self.pings.append(data)

    def do_pong(self, data, cut):
        self.send(frame(data, PONG), cut)

    def do_part(self, data, cut):
        if self.v1:
            data = b"\x02" + data
        self.send(frame(data, BINARY, fin=False), cut)
        self.up += data[self.v1:]

    def do_half(self, size):
        self.send(frame(b"z" * 100, BINARY)[:size])
        self.up += b"z" * 100
        self.lossy = True
        self.steps.append(("fin",))

    def do_hostile(self, row, cut):
        data, codes = HOSTILE[row]
        if self.v1:
            codes = codes | {1003, 1002}
        self.send(data, cut)
        self.allowed |= codes
        self.hostile = True

    def do_garbage(self, data):
        self.send(data)
        self.hostile = self.lossy = True
        self.allowed = None
        self.steps.append(("fin",))
        self.steps.append(("reset",))

    def do_close(self, code, reason, cut):
        self.send(frame(close_payload(code, reason), CLOSE), cut)
        self.said_close = True
        self.allowed |= {code or 1000, None, 1000}

    def do_fin(self):
        self.fin()

    def do_reset(self):
        self.reset()

    def do_deaf(self):
        self.hears = False

    def do_hear(self):
        self.hears = True

    def do_sulk(self):
        self.command.reads = False

    def do_read(self):
        self.command.reads = True

    def do_output(self, data, cut):
        if self.command.stdout is None:
            return
        if self.framing == "frames":
            data = record("B" if cut % 2 else "T",
                          data if cut % 2 else data.decode())
        elif self.framing in DELIMITER and cut % 3:
            data += DELIMITER[self.framing]
        self.command.pending += pieces(data, cut)

    def do_flood(self, size):
        self.hears = True
        if self.framing == "frames":
            self.do_output(b"y" * size, 1)
        else:
            self.command.pending.append(b"y" * size)

    def do_close_in(self):
        self.command.close_input()
        self.lossy = True

    def do_close_out(self):
        if self.command:
            self.command.close_output()

    def do_exit(self, status, sig):
        p = self.command
        p.read()
        self.ended_itself = not (self.went or self.said_close or self.hostile)
        self.exit = status, sig
        p.close()
        self.engine.exit(p, status, sig, self.script["asks_done"])

    def do_exit_open(self, status):
        """A grandchild holds its output."""
        self.lossy = True
        self.exit = status, 0
        self.command.close_input()
        self.engine.exit(self.command, status, 0, self.script["asks_done"])

    # ---- what must have come of it

    def check(self):
        if self.response is None:
            need(self.went or self.hostile, "no answer")
            return
        if self.response.status != 101:
            need(self.refused or self.hostile or self.went,
                 f"refused with {self.response.status}")
            return
        need(not self.refused, "nobody let it in")
        self.check_up()
        if self.went != "reset":
            self.check_down()
            self.check_pongs()
            self.check_close()

    def check_up(self):
        p = self.command
        want, got = bytes(self.up), bytes(p.got)
        if self.framing == "frames":
            self.check_records(got)
            return
        need(self.lossy and self.hostile or want.startswith(got) or
             got.startswith(want) and self.lossy,
             f"the program read {got[-80:]!r} of {want[-80:]!r}")
        if self.arrived:
            need(got == want, f"the program read {len(got)} of {len(want)}")

    @property
    def arrived(self):
        """Whether all that the client sent must have been read."""
        return (self.command.eof and not self.lossy and not self.hostile and
                self.went != "reset" and
                (self.said_close or self.went == "fin") and
                not self.ended_itself and self.command.killed)

    def check_records(self, got):
        with contextlib.suppress(AssertionError):  # a cut record at the end
            found = [r for r in joined(records(got)) if r[0] in "TB"]
            need(found == self.messages[:len(found)],
                 "the program read other records")

    def check_down(self):
        want, got = bytes(self.command.written), self.received()
        if self.framing == "frames":
            return
        if self.framing in ("lines", "nul") and not self.v1:
            end = DELIMITER[self.framing]
            if got and want and not want.endswith(end):
                want += end
        need(want.startswith(got) or want.startswith(got[:-1]) or self.lossy,
             f"the client got {got[-80:]!r} of {want[-80:]!r}")
        if self.ended_itself and not self.lossy and not self.went:
            need(got == want, f"the client got {len(got)} of {len(want)} bytes")

    def received(self):
        if self.v1:
            need(not self.got or self.got[0][1][:1] == b"\1", "no HELLO")
            return b"".join(data[1:] for _, data in self.got
                            if data[:1] == b"\2")
        end = DELIMITER.get(self.framing, b"")
        return b"".join(data + end for _, data in self.got) + self.begun

    def check_pongs(self):
        left = iter(self.pings)
        need(all(pong in left for pong in self.client.pongs),
             "a pong that nobody asked for")

    def check_close(self):
        need(self.closed is not None or self.went and not self.said_close,
             f"no Close ({self.client.how})")
        if self.closed is None or self.allowed is None:
            return
        status, sig = self.exit
        codes = {4000 + (sig + 128 if sig else status)} | self.allowed
        if (status, sig) == (0, 0):
            codes = {1000} | self.allowed
        if self.went or self.command.killed:
            codes |= {1000, 1001, 1011, None}
        need(self.code in codes, f"closed with {self.code} {self.reason!r}, "
             f"and not one of {codes}")

    def has_begun(self):
        return self.response is not None and self.response.status == 101


class Requests(Session):
    """Requests, one behind the other at once, that programs answer."""

    def __init__(self, engine, number, script):
        super().__init__(engine, number, script)
        self.requests = list(self.steps)
        self.waiting = collections.deque(self.requests)
        whole = b""
        for i, rq in enumerate(self.requests):
            whole += self.head(rq, i == len(self.requests) - 1)
        self.out.extend(pieces(whole, script["cut"]))

    def head(self, rq, last):
        lines = [f"{rq['method']} /program?{self.number} HTTP/1.1",
                 "Host: 127.0.0.1"]
        body = rq["body"]
        if last:
            lines.append("Connection: close")
        if body and rq["chunked"]:
            lines.append("Transfer-Encoding: chunked")
            size = max(1, len(body) // 3)
            body = b"".join(
                b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size])
                for i in range(0, len(body), size)) + b"0\r\n\r\n"
        elif body or rq["method"] == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def advance(self):
        self.turns += 1
        done = self.push() | self.pull()
        for p in self.asked():
            self.answer(p)
            done = True
        for p in self.programs:
            done |= p.read() | p.write()
            if not p.exited and (p.killed or not p.pending and (
                    p.eof or len(p.got) >= len(p.request["body"]))):
                p.read()
                p.close()
                self.engine.exit(p, wants_done=self.number % 2)
                done = True
        if self.script["end"] == "reset" and not self.out and self.turns > 6:
            self.reset()
        return done

    def answer(self, p):
        need(self.waiting, "a program that nobody asked for")
        rq = self.waiting.popleft()
        if rq["how"] == "missing":
            self.engine.refuse(p, 2, missing=True)
            return
        self.engine.start(p)
        p.request = rq
        self.programs.append(p)
        if rq["how"] == "good":
            p.pending = pieces(rq["answer"] + rq["content"], rq["cut"])
        elif rq["how"] == "nonsense":
            p.pending = [b"this is no field\n\n"]

    def check(self):
        if self.went == "reset":
            return
        data = bytes(self.client.buffer)
        for i, rq in enumerate(self.requests):
            end = data.find(b"\r\n\r\n")
            need(end >= 0, f"{i} answers to {len(self.requests)} requests")
            got = Response(data[:end])
            data = data[end + 4:]
            data = self.take_body(rq, got, data)
            self.check_answer(rq, got)
            if got.get("Connection") == "close":
                break
        need(data == b"", "something follows the last answer")
        for p in self.programs:
            need(p.request["body"].startswith(bytes(p.got)),
                 "the program read another body")

    def take_body(self, rq, got, data):
        if rq["method"] == "HEAD" or got.status in (204, 304):
            return data
        if got.get("Transfer-Encoding") == "chunked":
            while True:
                line, _, data = data.partition(b"\r\n")
                size = int(line, 16)
                got.body += data[:size]
                need(data[size:size + 2] == b"\r\n", "a broken chunk")
                data = data[size + 2:]
                if size == 0:
                    return data
        size = int(got.get("Content-Length"))
        got.body = data[:size]
        need(len(got.body) == size, "half an answer")
        return data[size:]

    def check_answer(self, rq, got):
        want = {"good": {200, 201}, "missing": {404, 405},
                "nonsense": {502}, "nothing": {502}}[rq["how"]]
        need(got.status in want, f"{got.status} for {rq['how']}")
        if rq["how"] == "good" and rq["method"] != "HEAD":
            need(got.body == rq["content"], "another body")

    def has_begun(self):
        return False


# ------------------------------------------------------------ the rounds


def turn(sessions, engine, rng):
    """Let everybody do what can be done; wait if that is nothing."""
    done = False
    while engine.hear():
        done = True
    refuse_orphans(engine, {session.number for session in sessions})
    rng.shuffle(sessions)
    for session in sessions:
        try:
            done |= session.advance()
        except AssertionError as e:
            raise Failed(session, e) from e
    if done:
        return True
    poller = select.poll()
    poller.register(engine.parent, select.POLLIN)
    for session in sessions:
        for fd, events in session.waits_for():
            if events:
                poller.register(fd, events)
    return bool(poller.poll(20))


def refuse_orphans(engine, numbers):
    """What was asked for a client that has gone in the meantime."""
    for p in list(engine.asked):
        if int(p.variables["QUERY_STRING"]) not in numbers:
            engine.refuse(p, 2)


class Failed(AssertionError):
    def __init__(self, session, why):
        super().__init__(f"session {session.number}: {why}")
        self.session = session


def play(engine, scripts, rng, first=1, patience=PATIENCE / 2):
    """Hold these sessions, some side by side; those that began."""
    kinds = {"websocket": Talk, "http": Requests}
    waiting = collections.deque(enumerate(scripts, first))
    sessions, begun = [], []
    moved = now()
    try:
        while waiting or sessions:
            while waiting and len(sessions) < SIDE_BY_SIDE:
                number, script = waiting.popleft()
                sessions.append(kinds[script["kind"]](engine, number, script))
            if turn(sessions, engine, rng):
                moved = now()
            elif now() - moved > patience:
                raise Failed(sessions[0], "nothing moves")
            for session in [s for s in sessions if s.over]:
                sessions.remove(session)
                settle(session, begun)
    finally:
        for session in sessions:
            session.close()
    return begun


def settle(session, begun):
    try:
        session.check()
    except (AssertionError, ValueError, TypeError) as e:
        raise Failed(session, e) from e
    if session.has_begun():
        begun.append(session.command.number)
    session.close()


def check_end(engine, begun, held):
    """All sessions are over: what the engine has left, and what it wrote."""
    def quiet():
        while engine.hear():
            pass
        refuse_orphans(engine, set())
        return engine.held() <= held and not engine.seats and all(
            p.done or not p.wants_done for p in engine.programs.values())

    until(quiet, f"as before: {held} descriptors and not {engine.held()}, "
          f"{len(engine.seats)} seats")
    engine.stop()
    ends = collections.Counter(
        re.findall(r"session ends session=(\d+) ", "\n".join(engine.lines())))
    for number in begun:
        need(ends[str(number)] == 1,
             f"session {number} has {ends[str(number)]} last lines")


def hold(said, scripts, rng, patience=PATIENCE / 2):
    """One engine, from its start to its end."""
    with Engine(said) as engine:
        held = engine.held()
        size = None
        try:
            begun = play(engine, scripts[:ROUND // 3], rng, 1, patience)
            size = anonymous(engine.pid)
            begun += play(engine, scripts[ROUND // 3:], rng, ROUND, patience)
            grown = anonymous(engine.pid) - size
            need(SANITIZED or grown < FLAT, f"grown by {grown} bytes")
            check_end(engine, begun, held)
        except AssertionError:
            print("\n".join(engine.lines()[-20:]))
            raise


# ---------------------------------------------------- those that failed


def fails(said, script):
    try:
        hold(said, [script], random.Random(0), 1.5)
    except AssertionError as e:
        return e
    return None


def shorter(said, script):
    """The same without the steps that do not matter."""
    i = 0
    while i < len(script["steps"]):
        steps = script["steps"]
        less = dict(script, steps=steps[:i] + steps[i + 1:])
        if fails(said, less):
            script = less
        else:
            i += 1
    return script


def tell(said, failed):
    script = failed.session.script
    print(f"FAILED: {failed}")
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        alone = fails(said, script)
        if alone:
            script = shorter(said, script)
    print(f"by itself: {alone or 'it passes, so others matter'}")
    print(repr(script))


def processor():
    own, kids = (resource.getrusage(who) for who in
                 (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + kids.ru_utime + kids.ru_stime


class Configs:
    """{name: what an engine is told}, in a `with` statement."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.said = {name: settings(f"--framing={name}", *COMMON)
                     for name in FRAMINGS}
        self.said["gate"] = settings("--gate=true", *COMMON)
        self.said["cgi"] = settings(f"--cgidir={self.folder.name}", *COMMON)
        return self.said

    def __exit__(self, *_):
        self.folder.cleanup()


def sessions(seconds, seed, report=lambda *_: None):
    """Rounds of all kinds until so much processor time is used."""
    start, count = processor(), 0
    report(f"seed {seed}")
    with Configs() as configs:
        while processor() - start < seconds or count < len(configs) * ROUND:
            rng = random.Random(seed)
            config = sorted(configs)[seed % len(configs)]
            scripts = [script(rng, config) for _ in range(ROUND)]
            try:
                hold(configs[config], scripts, rng)
            except AssertionError as e:
                print(f"seed {seed}, {config}: {e}")
                if isinstance(e, Failed):
                    tell(configs[config], e)
                return None
            count += ROUND
            seed += 1
            report(f"seed {seed}: {count} sessions, "
                   f"{count / (processor() - start):.0f} a second")
    return count


def again(path):
    with open(path) as f:
        script = ast.literal_eval(f.read())
    with Configs() as configs:
        hold(configs[script["config"]], [script], random.Random(0))


def main():
    parser = argparse.ArgumentParser(
        description="Whole sessions at random, by hand.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--script")
    args = parser.parse_args()
    if args.script:
        again(args.script)
    else:
        return sessions(args.seconds, args.seed, print) is None


if __name__ == "__main__":
    sys.exit(main())
