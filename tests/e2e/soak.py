#!/usr/bin/python3
"""Endurance, by hand; the suite runs the same functions with small numbers.

    soak.py aborts [COUNT]   sessions whose client vanishes at a random moment
                             (default 10000): no descriptor, process or byte
                             may be left
    soak.py bulk [SIZE]      so many bytes each way through cat (default 2G),
                             with a client that stalls and resumes at random:
                             byte-exact, and the daemon's memory stays flat
    soak.py slow [COUNT]     so many clients at a time (default 1000) who send
                             their request at one byte every 5 s, are answered
                             408 at the time limit and come again: honest
                             sessions pass at 0.9 of their rate without them
    soak.py pump [SIZE]      so many bytes (default 1G) through the client to
                             cat behind the daemon and back, without compression
                             and with: byte-exact, and the memory of both stays
                             flat

--seed=N repeats a run. STANDPIPE_BUILD names the folder of the programs.
"""

import argparse
import collections
import heapq
import multiprocessing
import os
import random
import select
import socket
import subprocess
import sys
import threading
import time
import zlib

from daemon import Daemon
from proc import (PATIENCE, SANITIZED, STANDPIPE, adopt_orphans, anonymous,
                  now, pause, memory)
from wire import (BINARY, CLOSE, PING, Client, Gone, close_payload, frame,
                  request_head)

FLAT = 2 << 20  # how much the daemon's memory may grow, in bytes


def memory_of_all(d):
    """Bytes of memory of the daemon's own processes."""
    return sum(memory(pid) for pid in [d.pid, *d.engines()])


# ----------------------------------------------------------------- aborts

ABORTS = ["--maxforks=200", "--kill=EOF:50ms,TERM:50ms,KILL", "--linger=50ms",
          "--loglevel=info"]
PROGRAMS = ["cat", "cat; exit 3", "exec sleep 1000", "yes", "head -n 1",
            "exit 0", "sleep 1000 & echo $!", "echo out; echo err >&2; cat"]


def command():
    """A command that behaves differently in every session."""
    words = "\n".join(f"{i}) {line} ;;" for i, line in enumerate(PROGRAMS))
    return ["sh", "-c", f"case ${{QUERY_STRING}} in\n{words}\nesac"]


def abort_one(d, rng):
    """One session up to a random moment, and then nothing."""
    choice = rng.randrange(len(PROGRAMS))
    head = request_head(f"/?{choice}")
    with d.client() as c:
        try:
            end = rng.random()
            if end < 0.1:
                c.send(head[:rng.randrange(len(head))])
            elif end < 0.25:
                c.send(head)
            else:
                data = [frame(rng.randbytes(rng.choice([0, 10, 200, 70000])),
                              BINARY, fin=rng.random() < 0.9)
                        for _ in range(rng.randrange(4))]
                if rng.random() < 0.3:
                    data.append(frame(b"p", PING))
                if rng.random() < 0.3:
                    data.append(frame(close_payload(1000), CLOSE))
                data = b"".join(data)
                if rng.random() < 0.5:
                    data = data[:rng.randrange(len(data) + 1)]
                c.send(head + data, timeout=5)
                if rng.random() < 0.7:
                    status = c.response(timeout=5).status
                    assert status in (101, 503), status
                if rng.random() < 0.3:
                    c.recv_some(timeout=0.01)
        except Gone:
            pass
        except AssertionError as e:
            if "in time" not in str(e):
                raise
        if rng.random() < 0.5:
            c.reset()
        elif rng.random() < 0.3:
            c.shut()


def all_quiet(d):
    """Nothing is left of the sessions; what the daemon holds then."""
    d.no_commands(60)
    with d.session("/?0") as c:
        c.send_binary(b"x\n")
        assert c.recv_binary() == b"x\n"
        c.bye()
    d.no_commands()


def quiet_counts(d, want):
    """Descriptors per process; waits a while until they are as wanted."""
    deadline = now() + 20
    while (counts := d.descriptor_counts()) != want and now() < deadline:
        select.select([], [], [], 0.02)
    return counts


def aborts(count, seed, report=lambda *_: None):
    rng = random.Random(seed)
    with Daemon("--framing=binary", "--engines=2", *ABORTS,
                command=command()) as d:
        before = d.descriptor_counts()
        for _ in range(50):  # everything that is made once is made now
            abort_one(d, rng)
        all_quiet(d)
        engines = d.engines()
        size = memory_of_all(d)
        for i in range(count):
            abort_one(d, rng)
            if i % 1000 == 999:
                report(f"{i + 1} sessions, {memory_of_all(d) >> 10} KiB")
        all_quiet(d)
        assert d.engines() == engines, "an engine died"
        after = quiet_counts(d, before)
        assert after == before, f"descriptors: {before}, now {after}"
        grown = memory_of_all(d) - size
        assert SANITIZED or grown < FLAT, f"grown by {grown} bytes"
        report(f"done: descriptors {sorted(after.values())}, "
               f"memory {grown:+d} bytes")


# ------------------------------------------------------------------- bulk


def bulk(size, seed, report=lambda *_: None):
    rng = random.Random(seed)
    stock = []
    for _ in range(48):
        payload = rng.randbytes(rng.choice([1, 100, 4000, 65536, 150000]))
        stock.append((payload, frame(payload, BINARY)))
    with Daemon("--framing=binary", "--engines=1") as d:
        with d.session() as c:
            c.send_binary(b"warm")
            assert c.recv_binary() == b"warm"
            idle = memory_of_all(d)
            most = 0
            expected = collections.deque()
            queued = sent = got = 0
            out = memoryview(b"")
            reads = writes = 0.0  # stalled until then
            ask = now()
            while got < queued or queued < size:
                if not out and queued < size:
                    payload, data = rng.choice(stock)
                    expected.append(memoryview(payload))
                    queued += len(payload)
                    out = memoryview(data)
                t = now()
                if t > ask:
                    most = max(most, memory_of_all(d) - idle)
                    report(f"{got >> 20} MiB back, {most >> 10} KiB above idle")
                    ask = t + 1.0
                poller = select.poll()
                events = (select.POLLIN if t >= reads else 0) | (
                    select.POLLOUT if out and t >= writes else 0)
                poller.register(c.sock, events)
                wake = min([s - t for s in (reads, writes) if s > t] or [30.0])
                ready = poller.poll(int(wake * 1000) + 1)
                if not ready and wake == 30.0:
                    raise AssertionError(f"stuck at {got} of {queued}")
                if ready and ready[0][1] & select.POLLOUT and out:
                    n = c.send_some(out[:rng.choice([1000, 1 << 17])])
                    out = out[n:]
                    sent += n
                    if rng.random() < 0.001:
                        writes = now() + rng.random() * 0.2
                if ready and ready[0][1] & select.POLLIN:
                    c._receive()
                    assert c.how is None, f"ended ({c.how}) at {got}"
                    while ready_frame(c):
                        opcode, payload, _ = c.recv_fragment()
                        got += len(payload)
                        compare(expected, payload, got)
                    if rng.random() < 0.001:
                        reads = now() + rng.random() * 0.2
            most = max(most, memory_of_all(d) - idle)
            assert not expected and got == queued, (got, queued)
            assert SANITIZED or most < FLAT, f"{most} bytes above idle"
            assert c.bye()[0] == []
        report(f"done: {got} bytes each way, {most} bytes above idle at most")


def ready_frame(c):
    """Whether a whole frame is in the buffer."""
    have = len(c.buffer) - c.taken
    if have < 2:
        return False
    size, skip = c.buffer[c.taken + 1] & 0x7F, 2
    if size >= 126:
        skip += 2 if size == 126 else 8
        if have < skip:
            return False
        size = int.from_bytes(c.buffer[c.taken + 2:c.taken + skip], "big")
    return have >= skip + size


def compare(expected, payload, at):
    view = memoryview(payload)
    while view:
        assert expected, f"too much at {at}"
        head = expected[0]
        n = min(len(head), len(view))
        assert head[:n] == view[:n], f"other bytes before {at}"
        view = view[n:]
        if n == len(head):
            expected.popleft()
        else:
            expected[0] = head[n:]


# ------------------------------------------------------------------- slow

SLOW_SHARE = 0.9  # of the undisturbed rate


class Honest:
    """A process that holds one session after the other and counts them."""

    def __init__(self, port):
        context = multiprocessing.get_context("fork")
        self.done = context.Value("L", 0)
        self.stop = context.Event()
        self.process = context.Process(target=self.run, args=(port,))
        self.process.start()

    def run(self, port):
        while not self.stop.is_set():
            with Client(("127.0.0.1", port)) as c:
                assert c.handshake().status == 101
                c.send_text("x")
                assert c.recv_text() == "x"
                assert c.bye()[1] == 1000
            self.done.value += 1

    def end(self):
        self.stop.set()
        self.process.join(PATIENCE)
        assert self.process.exitcode == 0, "an honest session failed"


class Crowd:
    """Clients who dribble; who is sent away with 408 comes again.

    answered  the seconds that each of them was borne
    """

    def __init__(self, port, every):
        self.target = "127.0.0.1", port
        self.every = every
        self.poller = select.epoll()
        self.members = {}  # number: socket, when it came, bytes sent
        self.due = []      # (when, number, when it came)
        self.head = request_head()
        self.answered = []

    def come(self):
        s = socket.create_connection(self.target)
        s.setblocking(False)
        t = now()
        self.members[s.fileno()] = [s, t, 0]
        self.poller.register(s, select.EPOLLIN)
        heapq.heappush(self.due, (t, s.fileno(), t))

    def dribble(self, fd, came):
        member = self.members.get(fd)
        if member is None or member[1] != came:
            return
        s, _, sent = member
        try:
            s.send(self.head[sent:sent + 1])
        except (BrokenPipeError, ConnectionResetError):
            return
        member[2] += 1
        heapq.heappush(self.due, (now() + self.every, fd, came))

    def leave(self, fd):
        s, came, _ = self.members.pop(fd)
        self.poller.unregister(fd)
        answer = s.recv(65536)
        s.close()
        assert answer.startswith(b"HTTP/1.1 408 "), answer[:80]
        self.answered.append(now() - came)

    def run(self, seconds):
        deadline = now() + seconds
        while (t := now()) < deadline:
            while self.due and self.due[0][0] <= t:
                self.dribble(*heapq.heappop(self.due)[1:])
            wake = min([deadline] + [when for when, *_ in self.due[:1]])
            for fd, _ in self.poller.poll(max(0, wake - now())):
                self.leave(fd)
                self.come()

    def close(self):
        for s, *_ in self.members.values():
            s.close()
        self.poller.close()


def slow(count, seconds=None, limit=10, every=5.0, report=lambda *_: None):
    """The share of their rate that honest sessions keep; who dribbles fails.

    The rate without the crowd is taken before and after.
    """
    seconds = seconds or limit + 2

    def rate(run):
        first, start = honest.done.value, now()
        run(seconds)
        return (honest.done.value - first) / (now() - start)

    with Daemon(f"--handshake-timeout={limit}s", "--loglevel=error",
                f"--max-per-address={2 * count + 100}", "--rate=100000") as d:
        honest = Honest(d.port)
        crowd = Crowd(d.port, every)
        try:
            before = rate(crowd.run)
            for _ in range(count):
                crowd.come()
            among = rate(crowd.run)
            assert len(crowd.members) == count
            crowd.close()
            after = rate(pause)
        finally:
            honest.end()
            crowd.close()
    assert len(crowd.answered) >= count, "not all of them came again"
    assert min(crowd.answered) > limit - 0.1
    assert max(crowd.answered) < limit + (5 if SANITIZED else 2)
    share = 2 * among / (before + after)
    report(f"done: {before:.0f}, {among:.0f}, {after:.0f} sessions/s before, "
           f"among and after; {len(crowd.answered)} sent away after "
           f"{min(crowd.answered):.2f} to {max(crowd.answered):.2f} s; "
           f"share {share:.2f}")
    return share


# ------------------------------------------------------------------- pump


def pieces(size, seed):
    """So many bytes, half of them text and half noise."""
    rng = random.Random(seed)
    words = [b"%d %s\n" % (n, rng.randbytes(8).hex().encode() * 3)
             for n in range(1000)]
    stock = [b"".join(rng.choices(words, k=2000)) if n % 2 else
             rng.randbytes(100000) for n in range(32)]
    while size > 0:
        piece = rng.choice(stock)[:size]
        size -= len(piece)
        yield piece


class Feed(threading.Thread):
    """Writes all pieces to a pipe and closes it."""

    def __init__(self, pipe, size, seed):
        super().__init__(daemon=True)
        self.pipe = pipe
        self.pieces = pieces(size, seed)
        self.sum = 0
        self.start()

    def run(self):
        for piece in self.pieces:
            self.sum = zlib.crc32(piece, self.sum)
            self.pipe.write(piece)
        self.pipe.close()


def pump(size, seed, options=(), report=lambda *_: None):
    """Give the bytes to `standpipe` and compare what comes back."""
    with Daemon("--engines=1", *options) as d:
        with subprocess.Popen(
                [STANDPIPE, *options, d.url], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, bufsize=0) as client:
            stdin = os.fdopen(os.dup(client.stdin.fileno()), "wb")
            client.stdin.close()
            feed = Feed(stdin, size, seed)
            both = [client.pid, *d.engines()]
            start = looks = got = back = 0
            while data := client.stdout.read(1 << 18):
                got += len(data)
                back = zlib.crc32(data, back)
                if got < size * (looks + 1) // 64 or got + (1 << 20) > size:
                    continue  # at the end the client may have gone
                looks += 1
                held = sum(anonymous(pid) for pid in both)
                start = start or held
                assert SANITIZED or held < start + FLAT, held - start
            feed.join(PATIENCE)
            assert client.wait(PATIENCE) == 0
            assert (got, back) == (size, feed.sum)
    report(f"done: {got} bytes and back")


def amount(text):
    units = {"K": 10, "M": 20, "G": 30}
    if text[-1:].upper() in units:
        return int(text[:-1]) << units[text[-1].upper()]
    return int(text)


def main():
    parser = argparse.ArgumentParser(
        description="Endurance tests of standpiped, by hand.")
    parser.add_argument("what", choices=["aborts", "bulk", "pump", "slow"])
    parser.add_argument("count", nargs="?", type=amount)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    adopt_orphans()
    print(f"seed {args.seed}")
    start = now()
    if args.what == "aborts":
        aborts(args.count or 10000, args.seed, print)
    elif args.what == "pump":
        for options in ["--compression=on"], ["--compression=off"]:
            pump(args.count or 1 << 30, args.seed, options, print)
    elif args.what == "slow":
        assert slow(args.count or 1000, report=print) >= SLOW_SHARE
    else:
        bulk(args.count or 2 << 30, args.seed, print)
    print(f"{now() - start:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
