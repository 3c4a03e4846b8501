#!/usr/bin/python3
"""Servers at random, against a model of what comes of it when the client calls.

    fuzz_client.py [--seconds=N] [--seed=N]     until so much processor time is
                                                used (default 60), from a seed
    fuzz_client.py --script=FILE                one server that failed before

A server is a script: how it answers the handshake, what it says, in which cuts,
and how it goes: with a Close, with half a frame, with a reset, or with what RFC
6455 forbids. One that fails is made shorter as long as it fails, and printed.

What must be true: the client ends, with the status that its manual gives for
that end; it prints what it was sent, all of it where the end was a good one,
and nothing else; there is one sentence where something went wrong, and none
where nothing did; what it says itself is masked, whole and RFC 6455's; and a
sanitizer has nothing to say.
"""

import argparse
import ast
import base64
import hashlib
import random
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

from daemon import REPORT
from fuzz_sessions import payload, pieces, processor, text
from proc import PATIENCE, STANDPIPE, environment, now
from wire import (BINARY, CLOSE, CONTINUATION, GUID, PING, PONG, TEXT,
                  close_payload, frame, masked, may_be_sent)

BYTES, STDERR, EXIT = 2, 5, 9
INPUT = b"hello\nworld\n"


def bare(data=b"", opcode=TEXT, **kw):
    return frame(data, opcode, mask=None, **kw)


HOSTILE = [  # bytes, and the codes of the Close that may follow
    (frame(b"x", TEXT), {1002}), (bare(b"x", rsv=4), {1002}),
    (bare(b"x", rsv=1), {1002}), (bare(b"x", 3), {1002}),
    (bare(b"x", 11), {1002}), (bare(b"x", PING, fin=False), {1002}),
    (bare(bytes(126), PING), {1002}), (bare(b"x", CONTINUATION), {1002}),
    (bare(b"abcde", form=16), {1002}), (bare(b"abcde", form=64), {1002}),
    (bare(b"a", TEXT, fin=False) + bare(b"b", TEXT), {1002}),
    (bare(form=64, length=1 << 63), {1002, 1009}),
    (bare(form=64, length=(1 << 63) - 1), {1002, 1009}),
    (bare(b"\xc0\x80"), {1007}), (bare(b"\xc3"), {1007}),
    (bare(b"\xed\xa0\x80"), {1007}),
    (bare(b"\x03", CLOSE), {1002}), (bare(b"\x03\xed", CLOSE), {1002}),
    (bare(b"\x03\xe8\xff\xff", CLOSE), {1002, 1007}),
]

BEGUN = {  # what may be seen of a message that is wrong further on
    bare(b"\xc3"): b"\xc3", bare(b"\xed\xa0\x80"): b"\xed",
    bare(b"a", TEXT, fin=False) + bare(b"b", TEXT): b"a",
}

NO_HELLO = [  # instead of a 101, and the statuses that may follow
    (b"", {76}), (b"HTTP/1.1 101\r\n", {76}), (b"\0\xff\r\n\r\n", {76}),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n", {77}),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {77}),
    (b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {76, 77}),
    (b"HTTP/1.1 500 Oh\r\nContent-Length: 99999999999\r\n\r\nx", {76, 77}),
    (b"HTTP/1.1 301 Moved\r\nLocation: ::\r\n\r\n", {76, 77}),
    (b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n", {76}),
    (b"HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\n\r\n", {76}),
    (b"HTTP/1.1 101 Yes\r\nX: " + b"x" * 200000, {76}),
    (b"SSH-2.0-OpenSSH_9.2\r\n", {76}),
]


# ------------------------------------------------------------ the scripts


def one_step(rng, v1):
    kind = rng.choice([TEXT, BINARY])
    cut = rng.randrange(1 << 30)
    return rng.choices([
        ("message", kind, payload(rng, kind), rng.choice([1, 1, 2, 5]), cut),
        ("error", text(rng, 20), cut) if v1 else
        ("message", TEXT, b"", 1, cut),
        ("ping", rng.randbytes(rng.randrange(126)), cut),
        ("pong", b"x", cut),
        ("slow", text(rng, 30)),
        ("flood", rng.choice([1, 300]), cut),
    ], [8, 2, 2, 1, 1, 1])[0]


def last_step(rng, v1):
    status = rng.choice([0, 0, 1, 3, 76, 255])
    code = rng.choice([None, 1000, 1000, 1001, 1008, 1011, 3000, 4000, 4999])
    return rng.choice([
        ("exit", status), ("exit", status),
        ("close", code, b"bye" if code else b""),
        ("close", code, b""),
        ("told", rng.choice([1, 3, 200])),
        *[("hostile", rng.randrange(len(HOSTILE)), rng.randrange(1 << 30))
          for _ in range(8)],
        ("fin",), ("reset",), ("half", rng.randrange(1, 40)),
        ("garbage", b"\xff" + rng.randbytes(rng.randrange(300))),
    ])


def script(rng):
    if rng.random() < 0.15:
        return {"hello": rng.randrange(len(NO_HELLO)), "v1": False,
                "options": ["-n"], "steps": [], "cut": rng.randrange(1 << 30),
                "last": rng.choice([("fin",), ("reset",)])}
    v1 = rng.random() < 0.4
    return {"hello": None, "v1": v1,
            "options": rng.choice([[], ["-n"]]),
            "steps": [one_step(rng, v1) for _ in range(rng.randrange(12))],
            "cut": rng.choice([0, 0, rng.randrange(1 << 30)]),
            "last": last_step(rng, v1)}


# ------------------------------------------------------------ one server


def need(truth, why):
    if not truth:
        raise AssertionError(why)


class Peer:
    """The connection, as the server has it.

    out    pieces that are to be sent
    got    what the client has said and nobody has parsed
    found  the frames of what was
    shown, told   what it has to print, on standard output and error
    """

    def __init__(self, script, sock):
        self.script = script
        self.v1 = script["v1"]
        self.sock = sock
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.out = []
        self.got = bytearray()
        self.found = []
        self.gone = False
        self.shown, self.told = b"", b""
        self.pings = []

    def turn(self, deadline):
        """Send a piece, take what has come; wait for either."""
        need(now() < deadline, "nothing moves")
        events = select.POLLIN | (select.POLLOUT if self.out else 0)
        poller = select.poll()
        poller.register(self.sock, events)
        ready = poller.poll(100)
        try:
            if ready and ready[0][1] & ~select.POLLOUT:
                data = self.sock.recv(1 << 16)
                self.got += data
                self.gone = self.gone or not data
            if self.out:
                sent = self.sock.send(self.out[0])
                self.out[0] = self.out[0][sent:]
                if not self.out[0]:
                    del self.out[0]
        except BlockingIOError:
            pass
        except ConnectionError:
            self.gone = True

    def until(self, truth):
        deadline = now() + PATIENCE
        while not self.gone and not truth():
            self.turn(deadline)

    def say(self, data, cut=0):
        self.out += pieces(data, cut)

    # ---- the handshake

    def greet(self):
        self.until(lambda: b"\r\n\r\n" in self.got)
        head, _, rest = bytes(self.got).partition(b"\r\n\r\n")
        self.got = bytearray(rest)
        need(head.startswith(b"GET / HTTP/1.1\r\n"), "no request")
        if self.script["hello"] is not None:
            self.say(NO_HELLO[self.script["hello"]][0], self.script["cut"])
            return
        need(re.search(rb"(?im)^standpipe-protocol: *v1\r?$", head + b"\r\n"),
             "no offer")
        key = re.search(rb"(?im)^sec-websocket-key: *(\S+)", head)[1]
        self.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                 base64.b64encode(hashlib.sha1(key + GUID).digest()) +
                 (b"\r\nStandpipe-Protocol: v1-agreed" if self.v1 else b"") +
                 b"\r\n\r\n", self.script["cut"])
        if self.v1:
            self.say(bare(b"\1data bytes\nsignal TERM\nstderr yes\n", BINARY))

    # ---- the steps

    def take(self, step):
        getattr(self, "on_" + step[0])(*step[1:])

    def on_message(self, kind, data, parts, cut):
        self.shown += data if self.v1 else data + b"\n"
        if self.v1:
            kind, data = BINARY, bytes([BYTES]) + data
        size = len(data) // parts + 1
        whole = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
        self.say(b"".join(
            bare(piece, CONTINUATION if i else kind, fin=i == len(whole) - 1)
            for i, piece in enumerate(whole)), cut)

    def on_error(self, data, cut):
        self.told += data + b"\n"
        self.say(bare(bytes([STDERR]) + data + b"\n", BINARY), cut)

    def on_ping(self, data, cut):
        self.pings.append(data)
        self.say(bare(data, PING), cut)

    def on_pong(self, data, cut):
        self.say(bare(data, PONG), cut)

    def on_slow(self, data):
        at = len(self.out)
        self.on_message(TEXT, data, 1, 0)
        self.out[at:] = [bytes([b]) for b in b"".join(self.out[at:])]

    def on_flood(self, n, cut):
        for _ in range(n):
            self.on_message(TEXT, b"x" * 997, 1, 0)
            self.on_ping(b"flood", 0)

    def on_exit(self, status):
        """The end of a program."""
        if self.v1:
            self.say(bare(bytes([EXIT, status]), BINARY))
        code = 1000 if self.v1 or status == 0 else 1011
        self.on_close(code, b"")

    def on_told(self, status):
        """The same, as a Close tells it."""
        if self.v1:
            self.on_exit(status)
        else:
            self.on_close(4000 + status, b"exit status %d" % status)

    def on_close(self, code, reason):
        self.say(bare(close_payload(code, reason), CLOSE))
        self.until(lambda: self.closes() is not None)
        self.until(lambda: not self.out)
        self.shut()

    def on_hostile(self, which, cut):
        self.say(HOSTILE[which][0], cut)
        self.until(lambda: self.closes() is not None)

    def on_garbage(self, data):
        self.say(data)
        self.on_fin()

    def on_half(self, n):
        self.say(bare(b"x" * 40)[:n])
        self.on_fin()

    def on_fin(self):
        self.until(lambda: not self.out)
        self.shut()

    def shut(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.gone = True

    def on_reset(self):
        self.until(lambda: not self.out)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.gone = True

    # ---- what the client said

    def frames(self):
        """[(opcode, payload)] of what has come whole; got is what is behind."""
        while len(self.got) >= 2:
            data = self.got
            need(data[1] & 0x80, "a bare frame")
            need(data[0] & 0x70 == 0, "a reserved bit")
            size, at = data[1] & 127, 2
            if size > 125:
                at += 2 if size == 126 else 8
                size = int.from_bytes(data[2:at], "big")
            if len(data) < at + 4 + size:
                break
            need(data[0] & 15 in (0, TEXT, BINARY, CLOSE, PING, PONG),
                 "another opcode")
            self.found.append((data[0] & 15, masked(
                data[at + 4:at + 4 + size], data[at:at + 4])))
            del self.got[:at + 4 + size]
        return self.found

    def closes(self):
        return next((p for op, p in self.frames() if op == CLOSE), None)

    def play(self):
        try:
            self.greet()
            for step in [*self.script["steps"], self.script["last"]]:
                self.take(step)
            self.until(lambda: False)
        finally:
            self.sock.close()


# ------------------------------------------------------------ the model


def statuses(s):
    """What the client may end with."""
    if s["hello"] is not None:
        return NO_HELLO[s["hello"]][1] | (
            {69, 76} if s["last"] == ("reset",) else set())
    kind, *rest = s["last"]
    if kind == "exit":
        return {rest[0] if s["v1"] else 0 if rest[0] == 0 else 76}
    if kind == "told":
        return {rest[0]}
    if kind == "close":
        return {0, 76} if s["v1"] and rest[0] in (None, 1000) else (
            {0} if rest[0] in (None, 1000) else {76})
    return {76}


def begun(s):
    """What may be seen of a message that did not come to its end."""
    if s["last"][0] == "half":
        return b"x" * 40
    if s["last"][0] == "hostile":
        return BEGUN.get(HOSTILE[s["last"][1]][0], b"")
    return b""


def is_good(s):
    """Whether nothing of what was sent may be lost."""
    return s["hello"] is None and s["last"][0] in ("exit", "told", "close")


def check(peer, status, out, err):
    s = peer.script
    need(not REPORT.search(err.decode("utf-8", "backslashreplace")),
         err.decode("utf-8", "backslashreplace"))
    need(status in statuses(s), f"{status}, not one of {statuses(s)}: {err!r}")
    need((peer.shown + begun(s)).startswith(out),
         f"it prints {out[-40:]!r} and not {peer.shown[-40:]!r}")
    if is_good(s):
        need(out == peer.shown, f"{len(out)} of {len(peer.shown)} bytes")
    check_sentence(s, status, err, peer.told)
    check_frames(peer)


def check_sentence(s, status, err, told):
    if is_good(s):
        need(err.startswith(told), f"standard error {err!r}")
    lines = re.findall(rb"(?m)^standpipe: ", err)
    if status == 0:
        need(err == told, f"success, and {err!r}")
    elif s["hello"] is not None or s["last"][0] not in ("exit", "told"):
        need(len(lines) == 1, f"{len(lines)} sentences: {err!r}")


def check_frames(peer):
    s = peer.script
    if s["hello"] is not None:
        return
    frames, rest = peer.frames(), peer.got
    pongs = [p for op, p in frames if op == PONG]
    pings = iter(peer.pings)
    need(all(p in pings for p in pongs), "a pong for no ping")
    at = next((i for i, f in enumerate(frames) if f[0] == CLOSE), None)
    if s["last"][0] in ("hostile", "close", "exit", "told"):
        need(at is not None, "no Close")
    if at is not None:
        need(at == len(frames) - 1 and not rest, "something behind the Close")
        check_close(s, frames[at][1])


def check_close(s, said):
    code = struct.unpack(">H", said[:2])[0] if said else None
    need(code is None or may_be_sent(code), f"a Close with {code}")
    if s["last"][0] == "hostile":
        codes = HOSTILE[s["last"][1]][1] | ({1003} if s["v1"] else set())
        need(code in codes, f"a Close with {code}")


# ------------------------------------------------------------ the rounds


def hold(s):
    """One call, from its start to its end."""
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err):
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        client = subprocess.Popen([STANDPIPE, "--close-timeout=0.2",
                                   "--max-message=64K", *s["options"], url],
                                  stdin=subprocess.PIPE, stdout=out, stderr=err,
                                  env=environment())
        try:
            client.stdin.write(INPUT)
            client.stdin.flush()
            listener.settimeout(PATIENCE)
            peer = Peer(s, listener.accept()[0])
            peer.play()
            status = client.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("the client does not end") from None
        finally:
            client.kill()
            client.wait()
            try:
                client.stdin.close()
            except BrokenPipeError:
                pass
        out.seek(0)
        err.seek(0)
        check(peer, status, out.read(), err.read())


def fails(s):
    try:
        hold(s)
    except (AssertionError, TimeoutError) as e:
        return e
    return None


def shorter(s):
    """The same without the steps that do not matter."""
    i = 0
    while i < len(s["steps"]):
        less = dict(s, steps=s["steps"][:i] + s["steps"][i + 1:])
        if fails(less):
            s = less
        else:
            i += 1
    return s


def calls(seconds, seed, report=lambda *_: None):
    """One after the other until so much processor time is used; how many."""
    start, count = processor(), 0
    report(f"seed {seed}")
    while processor() - start < seconds or count < 50:
        s = script(random.Random(seed))
        if why := fails(s):
            print(f"seed {seed}: {why}\n{shorter(s)!r}")
            return None
        count += 1
        seed += 1
    report(f"seed {seed}: {count} calls")
    return count


def main():
    parser = argparse.ArgumentParser(
        description="Servers at random, which the client calls.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--script")
    args = parser.parse_args()
    if args.script:
        with open(args.script) as f:
            hold(ast.literal_eval(f.read()))
        return False
    return calls(args.seconds, args.seed, print) is None


if __name__ == "__main__":
    sys.exit(main())
