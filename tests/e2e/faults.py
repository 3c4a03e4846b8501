#!/usr/bin/python3
"""Small sessions in which one call of the system fails, by hand; the suite tries
some of them.

    faults.py [--every=N] [ROLE...]     engine, parent, auth, names, client, full

For each role and class of calls the first one fails, then in another run the
second, and so on, until there are no more of them (nth.c). What a run may come
to: all is well; or the session fails in a way that its client can see, and the
next one is well; or the program ends by itself with a status and a sentence,
which the parent survives. Prints a table of how many points were tried, and
what they came to.
"""

import argparse
import base64
import collections
import concurrent.futures
import functools
import os
import select
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from daemon import Daemon
from lone_engine import Engine, settings
from proc import (BUILD, ENGINE, PATIENCE, STANDPIPE, STANDPIPED, Timeout,
                  adopt_orphans, environment, now, until)
from wire import Client, Closed, Gone, Refused

CLASSES = ["memory", "descriptor", "process", "watch", "again", "short",
           "write", "interrupt", "read"]
NTH = BUILD / "tests/e2e/nth.so"
POINTS = 3000  # more than there are
FAILED = "nth: "


class Bad(AssertionError):
    """A run that came to nothing that is allowed."""


def which(lines):
    """The call that failed, for whoever reads of it."""
    return next((line.removeprefix(FAILED) for line in lines
                 if line.startswith(FAILED)), "nothing failed")


def preload(program, kind, n):
    return {"LD_PRELOAD": str(NTH), "NTH_PROGRAM": program, "NTH_CLASS": kind,
            "NTH_N": str(n)}


def sentence(lines):
    """Whether there is a word about it, beside that of nth.c."""
    return any(line and not line.startswith(FAILED) and
               (" error " in line or " warn " in line or
                line.startswith("standpipe"))
               for line in lines)


def judge_end(status, lines):
    """It has ended: with a status of its own, and a sentence."""
    if status < 0:
        raise Bad(f"killed by signal {-status}, {which(lines)}")
    if status == 0 or not sentence(lines):
        raise Bad(f"ended with {status} without a sentence, {which(lines)}")
    return "ended"


def some_go_well(session):
    """Three of them: the one that meets the failure need not."""
    went = [session() for _ in range(3)]
    if went.count(False) > 1:
        raise Bad("the next session is not well")
    return "well" if all(went) else "session"


# ----------------------------------------------------------------- engine


def pump(engine, client, deadline):
    """One turn of everything that we are to that engine."""
    while engine.hear():
        pass
    for p in list(engine.asked):
        engine.start(p)
    for p in engine.programs.values():
        while p.read():
            p.pending.append(bytes(p.got))
            p.got.clear()
        p.pending = [piece for piece in p.pending if piece]
        while p.write():
            pass
        if (p.eof or p.killed) and not p.exited:
            p.close()
            engine.exit(p)
    if now() > deadline:
        raise Bad("it hangs")
    fds = [p.stdin for p in engine.programs.values() if p.stdin is not None]
    select.select([engine.parent, client.sock, *fds], [], [], 0.02)


def talk(engine):
    """A session: whether all of it was well."""
    deadline = now() + PATIENCE / 2
    with Client(engine.address) as c:
        def until_there(read):
            while True:
                try:
                    return read()
                except Timeout:
                    pump(engine, c, deadline)

        try:
            c.send(HEAD)
            if until_there(lambda: c.response(0)).status != 101:
                return False
            c.send_text("x")
            if until_there(lambda: c.recv_text(0)) != "x":
                raise Bad("other bytes")
            c.send_close(1000)
            until_there(lambda: c.recv_message(0))
        except Closed as e:
            until_there(lambda: c.ending(0))
            return e.code == 1000
        except Gone:
            return False


HEAD = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")


@functools.cache
def told():
    """Without a sandbox: libseccomp itself does not survive a lack of memory."""
    return settings("--framing=text", "--loglevel=info", "--sandbox=off")


def try_engine(kind, n):
    engine = Engine(told(), preload("standpiped-engine", kind, n))
    try:
        with engine:
            came = some_go_well(lambda: talk(engine))
            engine.stop()
    except Bad:
        if engine.process.returncode == -9:  # by us
            raise Bad(f"it hangs, {which(engine.said_last)}") from None
        came = judge_end(engine.process.returncode, engine.said_last)
    except (AssertionError, OSError) as e:
        if engine.process.returncode in (0, -9):
            raise Bad(f"{e!r}, {which(engine.said_last)}") from e
        came = judge_end(engine.process.returncode, engine.said_last)
    return came, engine.said_last


# ----------------------------------------------------------------- parent


def call(d, headers=()):
    """A session with the daemon: whether all of it was well."""
    try:
        with d.client() as c:
            if c.handshake(headers=headers).status != 101:
                return False
            c.send_text("x")
            if c.recv_text() != "x":
                raise Bad("other bytes")
            return c.bye()[1] == 1000
    except (Gone, Closed, Refused, ConnectionRefusedError):
        return False


def fares(d, headers):
    """Whether a session is well, or has met a daemon that comes to its end."""
    if call(d, headers):
        return True
    try:
        until(d.ended, "its end", PATIENCE / 10)
        return True
    except Timeout:
        return False


def hold(d, headers=()):
    """The first session may fail, the next one may not; what it came to."""
    try:
        d.start()
    except (AssertionError, OSError):
        return judge_end(d.ended_with, d.lines)
    came = some_go_well(lambda: fares(d, headers))
    if d.ended():
        return judge_end(d.wait(), d.lines)
    d.signal(15)
    if d.wait() not in (0, 1):
        raise Bad(f"stopped with {d.wait()}")
    return came


class Watched(Daemon):
    """One whose status is known even where it does not start."""

    ended_with = None

    def abandon(self):
        if self.process is not None:
            try:
                self.ended_with = self.process.wait(PATIENCE / 2)
            except subprocess.TimeoutExpired:
                self.ended_with = -9
        super().abandon()


def try_parent(kind, n):
    d = Watched("--engines=1", "--kill=EOF:100ms,KILL",
                env=preload("standpiped", kind, n))
    try:
        came = hold(d)
    finally:
        if d.process is not None and not d.ended():
            d.process.kill()
        d.abandon()
    return came, d.lines


def hire(folder, word, kind, n):
    """A folder with a daemon whose worker of that word is the one that fails."""
    os.chmod(folder, 0o755)
    shutil.copy(STANDPIPED, folder)
    shutil.copy(ENGINE, f"{folder}/real")
    shutil.copy(NTH, folder)
    env = preload("standpiped-engine", kind, n)
    env["LD_PRELOAD"] = f"{folder}/{NTH.name}"
    words = " ".join(f"{name}={value}" for name, value in env.items())
    start = Path(folder, "standpiped-engine")
    start.write_text(f'#!/bin/bash\n[ "$1" != {word} ] || export {words}\n'
                     f'exec -a standpiped-engine {folder}/real "$@"\n')
    start.chmod(0o755)


def try_worker(word, options, holds, kind, n):
    """A process that answers engines: the parent starts another one."""
    with tempfile.TemporaryDirectory() as folder:
        hire(folder, word, kind, n)
        Path(folder, "users").write_text(USERS)
        d = Watched("--engines=1", "--sandbox=off", *options,
                    cwd=folder)
        d.args[0] = f"{folder}/standpiped"
        try:
            came = hold_worker(d, holds)
        finally:
            if d.process is not None and not d.ended():
                d.process.kill()
            d.abandon()
        return came, d.lines


USERS = ("eve:$6$abcdefgh$D7W7qyozKBT.t6FD3DVYHvADbIO0eSyI4.p20LaEUjro8PqTGYYo"
         "/EQcuNjhFbzo9Yg5ir1KIEqFY/yJpgFph0\n")  # x


def hold_worker(d, holds):
    """It may be lost again and again: nobody waits for it, or is let in."""
    try:
        d.start()
    except (AssertionError, OSError):
        return judge_end(d.ended_with, d.lines)
    came = {holds(d) for _ in range(3)}
    if d.ended():
        raise Bad("the daemon has ended")
    d.signal(15)
    if d.wait() != 0:
        raise Bad(f"stopped with {d.wait()}")
    return "well" if came == {True} else "session"


def log_in(d):
    """With the right password, and a wrong one: whether both were answered."""
    was = []
    for password, right in ("x", 101), ("y", 401):
        word = base64.b64encode(f"eve:{password}".encode()).decode()
        with d.client() as c:
            was.append(c.handshake(
                headers=[("Authorization", f"Basic {word}")]).status)
        if was[-1] not in (right, 503):
            raise Bad(f"{was[-1]} for {password}")
    return was == [101, 401]


def try_auth(kind, n):
    return try_worker("auth", ["--auth-file=users"], log_in, kind, n)


def try_names(kind, n):
    """Whose name server answers nothing: everybody comes in without one."""
    return try_worker("names", ["--reverselookup", "--resolver=127.0.0.1:9"],
                      call, kind, n)


# ----------------------------------------------------------------- client


@functools.cache
def server():
    d = Daemon("--engines=1", "--loglevel=error")
    d.start()
    return d


def stop_server():
    if server.cache_info().currsize:
        server().stop()
        server().abandon()
        server.cache_clear()


def try_client(kind, n, program=STANDPIPE):
    env = environment(**preload(program.name, kind, n))
    try:
        done = subprocess.run([program, server().url], input=b"hello\n",
                              capture_output=True, timeout=PATIENCE, env=env)
    except subprocess.TimeoutExpired:
        raise Bad("it hangs") from None
    lines = done.stderr.decode().splitlines()
    if done.returncode == 0 and done.stdout != b"hello\n":
        raise Bad(f"success, and {done.stdout!r}")
    if done.returncode == 0:
        return "well", lines
    return judge_end(done.returncode, lines), lines


def try_full(kind, n):
    return try_client(kind, n, STANDPIPE.with_name("standpipe-full"))


ROLES = {"engine": try_engine, "parent": try_parent, "auth": try_auth,
         "names": try_names, "client": try_client, "full": try_full}


# ----------------------------------------------------------------- all


def attempt(role, kind, n):
    """(what it came to or Bad, whether there was an N-th call)"""
    try:
        came, lines = ROLES[role](kind, n)
    except Bad as e:
        return f"{role} {kind} {n}: {e}", True
    return came, any(FAILED in line for line in lines)


def sweep(role, kind, every=1, first=1):
    """All points of a class, or every so many; (Counter, [what is bad])."""
    came, bad = collections.Counter(), []
    if attempt(role, kind, 0) != ("well", False):
        return came, [f"{role}: it is not well when nothing fails"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for n in range(first, POINTS, every * 16):
            points = range(n, n + every * 16, every)
            for found, there in pool.map(
                    functools.partial(attempt, role, kind), points):
                if ":" in found:
                    bad.append(found)
                elif there:
                    came[found] += 1
                else:
                    return came, bad
    return came, bad


def main():
    parser = argparse.ArgumentParser(
        description="Sessions in which one call of the system fails.")
    parser.add_argument("roles", nargs="*", default=list(ROLES))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", choices=CLASSES)
    args = parser.parse_args()
    adopt_orphans()
    failed = False
    print(f"{'':20}   tried    well session   ended     bad")
    for role in args.roles:
        for kind in [args.only] if args.only else CLASSES:
            with open(os.devnull, "w") as quiet, redirect_stdout(quiet):
                came, bad = sweep(role, kind, args.every)
            print(f"{role:8}{kind:12}"
                  f"{came.total() + len(bad):8}{came['well']:8}"
                  f"{came['session']:8}{came['ended']:8}{len(bad):8}",
                  *bad, sep="\n    ", flush=True)
            failed = failed or bad
    stop_server()
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
