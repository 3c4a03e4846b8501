#!/usr/bin/python3
"""How long others wait for an engine that some keep busy, by hand.

    fairness.py [--seconds=N] [--judge] [FLOOD...]

For each flood a daemon with one engine is started, the crowd does what it can,
and one quiet client after the other opens a session, has one message echoed and
goes. Prints a table of the milliseconds that took, of the log's growth and of
the lines it says were dropped. "nobody" is the same without a crowd: what the
machine itself takes, which all of the crowd's work shares.

With --judge the exit status is 1 if the 99th percentile of a flood is above 20 ms
or the log grows by more than 4 MB in a second. STANDPIPE_BUILD names the folder
of the programs.
"""

import argparse
import multiprocessing
import select
import socket
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

from daemon import Daemon, fields
from proc import adopt_orphans, now, pause
from wire import PING, TEXT, Client, frame, request_head

P99 = 0.020       # seconds
LOG = 4000000     # bytes of a second
NAMES = 6000      # in the folder that is listed
UNSENT = 1 << 18  # bytes that one of the crowd gives the system at once

# who: so many of them; each says `opening`, and then `again` for ever
Flood = namedtuple("Flood", "title who opening again complaint",
                   defaults=[0, b"", b"", "err"])


def to_file(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines,
                        "", ""]).encode()


FLOODS = {
    "nobody": Flood("nobody"),
    "stderr": Flood("20 programs that write lines to standard error", 20,
                    request_head("/?flood")),
    "stderr-empty": Flood("20 programs that write empty ones", 20,
                          request_head("/?flood"), complaint=""),
    "messages": Flood("10 clients that send empty messages", 10,
                      request_head("/"), frame(b"", TEXT) * 10000),
    "chunks": Flood("10 bodies for CGI in chunks of one byte", 10,
                    to_file("POST", "/sink", "Transfer-Encoding: chunked"),
                    b"1\r\nx\r\n" * 10000),
    "listings": Flood("10 clients that pipeline listings", 10,
                      b"", to_file("GET", "/many/") * 100),
    "pings": Flood("10 clients that send pings", 10,
                   request_head("/"), frame(b"p", PING) * 10000),
}


# ------------------------------------------------------------------- the crowd


def crowd(port, flood, stop):
    """One process for all of them: it writes and reads whatever can be."""
    poller = select.epoll()
    members = {}
    for _ in range(flood.who):
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(flood.opening)
        s.setblocking(False)
        members[s.fileno()] = [s, 0]
        poller.register(s, select.EPOLLIN |
                        (select.EPOLLOUT if flood.again else 0))
    data = memoryview(flood.again)
    while not stop.is_set():
        for fd, events in poller.poll(0.1):
            member = members[fd]
            s, at = member
            if events & select.EPOLLIN and not s.recv(UNSENT):
                raise AssertionError(f"{flood.title}: one was sent away")
            if events & select.EPOLLOUT:
                at += s.send(data[at:at + UNSENT])
                member[1] = at % len(data)


def quiet(port, seconds, pipe):
    """Sessions one after the other; the seconds that each of them took."""
    took = []
    end = now() + seconds
    while (start := now()) < end:
        with Client(("127.0.0.1", port)) as c:
            assert c.handshake("/").status == 101
            c.send_text("x")
            assert c.recv_text(timeout=60) == "x"
            took.append(now() - start)
    pipe.send(sorted(took))


# ------------------------------------------------------------------- one flood


def dropped(lines):
    return sum(int(fields(line)["lines"]) for line in lines
               if "standard error dropped" in line)


def size(lines):
    return sum(len(line) + 1 for line in lines)


def most(seconds):
    """The most that the log grew from one second to the next."""
    return max((b - a for a, b in zip(seconds, seconds[1:])), default=0)


def watch(d, probe, taken):
    """The log's size, second by second, until the quiet clients are done."""
    sizes = [size(d.lines)]
    while not taken.poll(1):
        if not probe.is_alive() and not taken.poll(0):
            raise AssertionError("a quiet client failed")
        sizes.append(size(d.lines))
    return sizes


def run(d, flood, seconds):
    """What the quiet took, and what the log had each second."""
    context = multiprocessing.get_context("fork")
    stop, (taken, pipe) = context.Event(), context.Pipe(duplex=False)
    busy = context.Process(target=crowd, args=(d.port, flood, stop))
    probe = context.Process(target=quiet, args=(d.port, seconds, pipe))
    busy.start()
    try:
        pause(1)  # the crowd is at work
        probe.start()
        sizes = watch(d, probe, taken)
        assert busy.is_alive(), "the crowd has gone"
        return taken.recv(), sizes
    finally:
        stop.set()
        for process in busy, probe:
            process.join(60)


def folder(top):
    """A CGI program, and something to be listed."""
    programs, files = Path(top, "programs"), Path(top, "files")
    many = files / "many"
    for one in programs, many:
        one.mkdir(parents=True)
    sink = programs / "sink"
    sink.write_text("#!/bin/sh\ncat >/dev/null\nprintf 'Status: 204\\n\\n'\n")
    sink.chmod(0o755)
    for n in range(NAMES):
        (many / f"name-{n}").touch()
    for one in top, programs, files, many:
        Path(one).chmod(0o755)
    return programs, files


def measure(name, seconds):
    flood = FLOODS[name]
    script = (f"case $QUERY_STRING in flood) exec yes '{flood.complaint}' >&2;;"
              " *) exec cat;; esac")
    with tempfile.TemporaryDirectory() as top:
        programs, files = folder(top)
        serve = [f"--staticdir={files}", "--list-directories"] if (
            name == "listings") else [f"--cgidir={programs}"]
        with Daemon("--engines=1", *serve, "--kill=EOF:50ms,TERM:50ms,KILL",
                    command=["sh", "-c", script]) as d:
            took, sizes = run(d, flood, seconds)
            d.no_commands(60)
            return took, most([0] + sizes), dropped(d.lines)


# ------------------------------------------------------------------- the table


def report(name, seconds):
    """A line of the table; whether it is good."""
    took, log, lines = measure(name, seconds)
    p50, p99 = (took[len(took) * part // 100] for part in (50, 99))
    print(f"{name:14}{len(took):6}" +
          "".join(f"{t * 1000:9.1f}" for t in (p50, p99, took[-1])) +
          f"{log / 1e6:9.2f}{lines:11}", flush=True)
    return name == "nobody" or p99 <= P99 and log <= LOG


def main():
    parser = argparse.ArgumentParser(
        description="What floods do to others on the same engine.")
    parser.add_argument("flood", nargs="*", metavar="FLOOD",
                        help=", ".join(FLOODS))
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--judge", action="store_true")
    args = parser.parse_args()
    if unknown := set(args.flood) - set(FLOODS):
        parser.error(f"no such flood: {', '.join(sorted(unknown))}")
    adopt_orphans()
    print("flood        sessions   p50 ms   p99 ms   max ms  MB/s max    dropped")
    good = [report(name, args.seconds) for name in args.flood or FLOODS]
    return 0 if all(good) or not args.judge else 1


if __name__ == "__main__":
    sys.exit(main())
