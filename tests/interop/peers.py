"""The programs in clients/ and servers/: how they are found, started and told."""

import json
import os
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon import Daemon, started
from proc import PATIENCE, STANDPIPE, Timeout, environment, now, standpipe
from wire import record, records

HERE = Path(__file__).resolve().parent
MISSING = 77  # the exit status of a peer that is not here

# Where Debian's packages for Go are.
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}


class Peer:
    """A file of clients/ or servers/, and what its head says about it."""

    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.id = f"{path.parent.name}/{path.name}"
        self.cannot = set(self.head("cannot"))

    def head(self, word):
        """The words behind "word:" on a line of its file."""
        found = re.search(rf"^\W*{word}: (.*)$", self.path.read_text(), re.M)
        return found[1].split() if found else []

    def absent(self, reason):
        pytest.skip(f"{ABSENT}{self.id}: {reason}")

    def words(self, folder):
        """The command that starts it; what must be compiled first is."""
        if self.path.suffix == ".js":
            return [shutil.which("node") or self.absent("no node"), self.path]
        if self.path.suffix == ".escript":
            return [shutil.which("escript") or self.absent("no Erlang"),
                    self.path]
        if self.path.suffix == ".tcl":
            return [shutil.which("tclsh") or self.absent("no Tcl"), self.path]
        if self.path.suffix == ".go":
            return [self.built(folder)]
        if self.path.suffix == ".c":
            return [self.compiled(folder)]
        return [sys.executable, "-P", self.path]

    def built(self, folder):
        go = shutil.which("go") or self.absent("no go")
        program = folder / self.name
        done = subprocess.run(
            [go, "build", "-o", program, self.path], cwd=folder, check=False,
            capture_output=True, text=True,
            env=environment(**GO, GOCACHE=str(folder / "cache")))
        if "cannot find package" in done.stderr:
            self.absent(done.stderr.splitlines()[0])
        assert done.returncode == 0, done.stderr
        return program

    def compiled(self, folder):
        """In C, with what pkg-config says of the packages that it names."""
        said = subprocess.run(
            ["pkg-config", "--cflags", "--libs", *self.head("packages")],
            check=False, capture_output=True, text=True)
        if said.returncode != 0:
            self.absent(said.stderr.splitlines()[0])
        program = folder / self.name
        subprocess.run([shutil.which("cc") or self.absent("no C compiler"),
                        "-o", program, self.path, *said.stdout.split()],
                       check=True)
        return program


ABSENT = "no peer "


def peers(kind):
    return [Peer(path) for path in sorted((HERE / kind).iterdir())
            if path.is_file()]


class Running:
    """A peer that was started; it ends when its standard input does.

    Its first line says that it is ready, and for a server where; a peer that
    is not here says why, and ends with the status MISSING.
    """

    def __init__(self, peer, folder, *args):
        self.peer = peer
        self.buffer = b""
        self.process = subprocess.Popen(
            [*peer.words(folder), *args], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, cwd=folder, env=environment(
                PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1"))
        started.add(self.process.pid)
        self.first = self.line()
        if not re.match(r"ready$|wss?://", self.first):
            status = self.end()
            if status == MISSING:
                peer.absent(self.first)
            raise AssertionError(f"{peer.id}: {self.first}, status {status}")

    def line(self):
        """The next line that it prints."""
        deadline = now() + PATIENCE
        out = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            if not select.select([out], [], [], max(0, deadline - now()))[0]:
                self.process.kill()
                raise Timeout(f"{self.peer.id} says nothing")
            data = os.read(out, 1 << 20)
            if not data:
                raise AssertionError(f"{self.peer.id} ended with "
                                     f"{self.process.wait(PATIENCE)}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        """Its exit status; it has the time to clean up."""
        self.process.stdin.close()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process.stdout.close()


class Server:
    """A server that runs, for our client: what it is told, and how it is heard.

    A talk is a standpipe --framing=frames, in a `with` statement.
    """

    def __init__(self, program, behind=None):
        self.url = program.first
        self.options = program.peer.head("options")
        self.cannot = program.peer.cannot | (behind.cannot if behind else set())

    def standpipe(self, *options, **kw):
        """Run the client to its end."""
        return standpipe(*self.options, *options, self.url, **kw)

    def talk(self, *options):
        return Talk([STANDPIPE, "--framing=frames", *self.options, *options,
                     self.url])


class Talk:
    def __init__(self, words):
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout,
                     self.process.stderr):
            pipe.close()

    def say(self, kind, payload=b""):
        data = memoryview(record(kind, payload))
        while data:
            data = data[self.process.stdin.write(data):]

    def more(self, size):
        deadline = now() + PATIENCE
        out = self.process.stdout
        while len(self.buffer) < size:
            if not select.select([out], [], [], max(0, deadline - now()))[0]:
                raise Timeout("standpipe says nothing")
            data = os.read(out.fileno(), 1 << 20)
            assert data, f"it ended: {self.process.stderr.read()!r}"
            self.buffer += data

    def piece(self):
        self.more(5)
        size = 5 + int.from_bytes(self.buffer[1:5], "big")
        self.more(size)
        (got,), self.buffer = records(self.buffer[:size]), self.buffer[size:]
        return got

    def hear(self):
        """The next message, or the Close, whole: its type and payload."""
        parts = []
        while True:
            kind, payload = self.piece()
            parts.append(payload)
            if kind not in "tb":
                return kind, b"".join(parts)

    def end(self):
        """The exit status, and what was complained about."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        return status, self.process.stderr.read().decode()


class Caller:
    """A client that calls the daemons that it gives: caller(d, *do)."""

    def __init__(self, program, ca):
        self.program = program
        self.cannot = program.peer.cannot
        self.options = program.peer.head("options")
        self.ca = ca

    def daemon(self, *options, **kw):
        options += *self.options,
        if self.ca is None:
            return Daemon(*options, **kw)
        return Daemon("--ssl", *self.ca.server.options(), *options, tls=True,
                      **kw)

    def __call__(self, d, *do, protocols=(), compress=False):
        """A call to what this gives waits, and gives what happened."""
        task = {"do": do, "protocols": protocols, "compress": compress}
        if self.ca is None:
            task["url"] = f"ws://localhost:{d.port}/chat?x=1"
        else:
            task["url"] = f"wss://localhost:{d.port}/chat?x=1"
            task["ca"] = str(self.ca.cert)
        self.program.say(json.dumps(task))
        return lambda: json.loads(self.program.line())
