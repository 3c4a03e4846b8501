"""An engine by itself: whoever holds this is its parent, its programs and its
clients, and meets it at its descriptors alone.

Engine    the process, its messages, its listening socket and its log
Program   what the engine takes for a program: three pipes and an end
"""

import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from daemon import REPORT, Daemon, started
from proc import (ENGINE, HERE, PATIENCE, STANDPIPED, descriptors, environment,
                  handler)


def numbers():
    """{name: number} of the messages, from the header that defines them."""
    text = (HERE.parent.parent / "src/ipc/ipc.h").read_text()
    body = re.search(r"enum ipc_type \{(.*?)\n\};", text, re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    names = [word.split("=")[0].strip() for word in body.split(",")]
    return {name.removeprefix("IPC_"): n
            for n, name in enumerate(filter(None, names), 1)}


IPC = numbers()
NAMES = {n: name for name, n in IPC.items()}
PARTS = ["command", "dir", "cgi", "gate"]
ADMIT_YES, REFUSED_EXEC, REFUSED_MISSING = 1, 1, 4


def settings(*options):
    """What the real parent tells an engine that is to serve these options."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(STANDPIPED, folder)
        shutil.copy(handler("recorder"), f"{folder}/standpiped-engine")
        said = Path(folder, "said")
        said.touch()
        said.chmod(0o666)  # the engine may be nobody
        d = Daemon("--engines=1", *options, leftovers=True)
        d.args[0] = f"{folder}/standpiped"
        with d:
            said = said.read_bytes()
    found = []
    while said:
        size, = struct.unpack("=I", said[:4])
        found.append(said[4:4 + size])
        said = said[4 + size:]
    return found


class Program:
    """A program that the engine asked for, as its parent and it see it.

    got      what it has read
    written  what it has written
    """

    last_pid = 1 << 21  # nobody's

    def __init__(self, number, part, path, variables):
        self.number = number
        self.part = part
        self.path = path
        self.variables = variables
        self.pid = 0
        self.stdin = self.stdout = None
        self.got = bytearray()
        self.written = bytearray()
        self.pending = []  # pieces to be written
        self.eof = False
        self.reads = True
        self.killed = False
        self.exited = False
        self.wants_done = False
        self.done = False

    def start(self):
        """Our ends are ours now; the engine's."""
        Program.last_pid += 1
        self.pid = Program.last_pid
        self.stdin, theirs_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        theirs_out, self.stdout = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        return [theirs_in, theirs_out]

    def read(self):
        """Take what is there; whether something was."""
        if self.stdin is None or self.eof or not self.reads:
            return False
        try:
            data = os.read(self.stdin, 1 << 16)
        except BlockingIOError:
            return False
        self.eof = not data
        self.got += data
        return True

    def write(self):
        """Give the next piece as far as the pipe takes it; whether it did."""
        if self.stdout is None or not self.pending:
            return False
        try:
            n = os.write(self.stdout, self.pending[0])
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self.pending.clear()
            self.close_output()
            return True
        self.written += self.pending[0][:n]
        self.pending[0] = self.pending[0][n:]
        if not self.pending[0]:
            del self.pending[0]
        return True

    def close_output(self):
        if self.stdout is not None:
            os.close(self.stdout)
            self.stdout = None

    def close_input(self):
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    def close(self):
        self.close_input()
        self.close_output()


class Engine:
    """The process; in a `with` statement.

    said      what settings() gave
    programs  {number: Program} that were asked for
    asked     those among them that wait for an answer
    said_last the whole log, after the end
    """

    def __init__(self, said, env=None):
        self.said = said
        self.env = environment(**(env or {}))
        self.programs = {}
        self.asked = []
        self.seats = set()
        self.last_seat = 0

    def __enter__(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.parent = ours
        self.log = tempfile.TemporaryFile()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.listener.setblocking(False)
        self.address = self.listener.getsockname()
        with theirs:
            theirs.setblocking(False)
            self.process = subprocess.Popen(
                [ENGINE], stdin=theirs, stdout=subprocess.DEVNULL,
                stderr=self.log, env=self.env)
        self.pid = self.process.pid
        started.add(self.pid)
        try:
            self.begin()
        except (OSError, AssertionError):
            self.__exit__()
            raise
        return self

    def begin(self):
        for packet in self.said:
            kind, = struct.unpack("=I", packet[:4])
            fds = [self.listener.fileno()] if kind == IPC["LISTEN"] else []
            socket.send_fds(self.parent, [packet], fds)
        self.parent.settimeout(PATIENCE)
        try:
            got = self.parent.recv(70000)
        except ConnectionResetError:
            got = b""
        if not got:
            self.has_gone("it does not begin")
        assert got[:4] == struct.pack("=I", IPC["READY"]), "it does not begin"
        self.parent.setblocking(False)

    def __exit__(self, *_):
        for program in self.programs.values():
            program.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.said_last = self.lines()
        self.parent.close()
        self.listener.close()
        self.log.close()

    def has_gone(self, what):
        """It has closed its end: how it ends is its own."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        raise AssertionError(what) from None

    def tell(self, name, number=0, body=b"", fds=()):
        packet = struct.pack("=II", IPC[name], number) + body
        try:
            socket.send_fds(self.parent, [packet], list(fds))
        except (BrokenPipeError, ConnectionResetError):
            self.has_gone("the engine has gone")
        for fd in fds:
            os.close(fd)

    def hear(self):
        """Take one message, if there is one; whether there was."""
        try:
            packet = self.parent.recv(70000)
        except BlockingIOError:
            return False
        if not packet:
            self.has_gone("the engine has gone")
        kind, number = struct.unpack("=II", packet[:8])
        getattr(self, "on_" + NAMES[kind].lower())(number, packet[8:])
        return True

    # ---- what it says

    def on_open(self, number, body):
        route, part, size = struct.unpack("=III", body[:12])
        assert route == 0, "a route that there is not"
        words = body[12 + size:].decode("latin-1").split("\0")[:-1]
        assert number not in self.programs or self.programs[number].done
        program = Program(number, PARTS[part], body[12:12 + size],
                          dict(word.split("=", 1) for word in words))
        self.programs[number] = program
        self.asked.append(program)

    def on_kill(self, number, body):
        program = self.programs[number]
        assert struct.unpack("=II", body)[0] == program.pid
        assert not program.killed, "killed twice"
        program.killed = True

    def on_signal(self, number, body):
        pid, sig = struct.unpack("=II", body)
        assert pid == self.programs[number].pid and sig in (2, 15)

    def on_done(self, number, body):
        program = self.programs[number]
        assert struct.unpack("=I", body)[0] == program.pid
        assert program.wants_done and not program.done, "done unasked"
        program.done = True

    def on_admit(self, number, body):
        seat = 0
        if body[0] & 4 or body[0] & 1:
            self.last_seat += 1
            seat = self.last_seat
            self.seats.add(seat)
        self.tell("ADMITTED", number, struct.pack("=III", ADMIT_YES, 0, seat))

    def on_leave(self, _, body):
        seat, = struct.unpack("=I", body)
        assert seat in self.seats, "a seat that nobody has"
        self.seats.remove(seat)

    # ---- what it is told of its programs

    def start(self, program):
        self.asked.remove(program)
        fds = program.start()
        self.tell("OPENED", program.number, struct.pack("=I", program.pid),
                  fds)

    def refuse(self, program, error, missing=False):
        self.asked.remove(program)
        del self.programs[program.number]
        why = REFUSED_MISSING if missing else REFUSED_EXEC
        self.tell("REFUSED", program.number, struct.pack("=II", why, error))

    def exit(self, program, status=0, sig=0, wants_done=False):
        """It ends: its descriptors, and what its parent says of it."""
        program.exited = True
        program.wants_done = wants_done
        self.tell("EXITED", program.number,
                  bytes([sig, status, wants_done]))

    # ---- the end of all

    def lines(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "backslashreplace").splitlines()

    def held(self):
        """How many descriptors it has."""
        return len(descriptors(self.pid))

    def stop(self):
        """Tell it to end; it must, and find nothing to complain about."""
        self.tell("STOP")
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("the engine does not stop") from None
        for line in self.lines():
            assert not REPORT.search(line), line
        assert status == 0, f"the engine ended with {status}"
