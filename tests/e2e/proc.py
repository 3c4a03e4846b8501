"""Where the programs are, and what can be seen of a process.

Process  somebody else's process, watched through a pidfd
Mailbox  where a command reports what happened to it

and helpers that read /proc. Nothing here sleeps: everything waits for an event
with a deadline. The one exception is until(), for facts of /proc that have no
event.
"""

import collections
import ctypes
import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

CHILDREN = Path("/proc/thread-self/children")  # not of every kernel

HERE = Path(__file__).resolve().parent
HANDLERS = HERE / "handlers"
BUILD = Path(os.environ.get("STANDPIPE_BUILD") or HERE.parent.parent / "build")
BUILD = BUILD.resolve()
STANDPIPED = BUILD / "standpiped"
ENGINE = BUILD / "standpiped-engine"
STANDPIPE = BUILD / "standpipe"

# Sanitizers make everything slower and larger; nobody should wait longer than
# this for anything.
SANITIZED = ENGINE.exists() and b"__asan_" in ENGINE.read_bytes()
PATIENCE = 40.0 if SANITIZED else 20.0

libc = ctypes.CDLL(None, use_errno=True)


def handler(name):
    """The path of one of our tiny programs."""
    return str(HANDLERS / name)


def adopt_orphans():
    """Become the parent of what a daemon leaves behind, so that we see it."""
    PR_SET_CHILD_SUBREAPER = 36
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def now():
    return time.monotonic()


class Timeout(AssertionError):
    """What was waited for did not happen."""


# ---------------------------------------------------------------- /proc


def stat(pid):
    """(ppid, pgrp, state, start time) of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as f:
            text = f.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(b")") + 2:].split(b" ", 20)
    return int(fields[1]), int(fields[2]), fields[0].decode(), int(fields[19])


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid):
    """The pids whose parent it is, zombies included."""
    if pid == os.getpid() and CHILDREN.exists():
        return own_children()
    found = []
    for other in pids():
        st = stat(other)
        if st is not None and st[0] == pid:
            found.append(other)
    return found


def own_children():
    """The kernel's list, which is quick and leaves out a child if another one
    is reaped meanwhile: nobody reaps ours but ourselves. A thread that ends
    leaves its own to the first."""
    found = set()
    for task in sorted(os.listdir("/proc/self/task"), key=int, reverse=True):
        try:
            found |= {*Path(f"/proc/self/task/{task}/children").read_text()
                      .split()}
        except (FileNotFoundError, ProcessLookupError):
            pass
    return [int(pid) for pid in found]


def descendants(pid):
    table = collections.defaultdict(list)
    for other in pids():
        st = stat(other)
        if st is not None:
            table[st[0]].append(other)
    found, todo = [], [pid]
    while todo:
        kids = table[todo.pop()]
        found += kids
        todo += kids
    return found


def group_members(pgrp):
    """The living members of a process group (zombies are not)."""
    found = []
    for pid in pids():
        st = stat(pid)
        if st is not None and st[1] == pgrp and st[2] not in "ZX":
            found.append(pid)
    return found


def comm(pid):
    """The name and state of a process, a zombie too."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().split(" ", 1)[1].rsplit(" ", 49)[0]
    except OSError:
        return "gone"


def descriptors(pid):
    """{number: what it is} of a process."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass
    return found


def fdinfo(pid, fd):
    """{key: value} of /proc/PID/fdinfo/FD."""
    text = Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines()
                if ":\t" in line)


def status_field(text, name):
    """One field of a /proc/PID/status text."""
    found = re.search(rf"^{name}:\s*(.*)$", text, re.M)
    assert found, f"no {name} in {text!r}"
    return found[1].strip()


def memory(pid):
    """Bytes of memory that a process has to itself; those that it shares count
    for more as soon as another one ends."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(status_field(text, "Anonymous").split()[0]) * 1024


def seconds_of(pid):
    """The processor's time that a process has used, which a busy machine does
    not stretch as it does the clock's."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2:].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def anonymous(pid):
    """Bytes of memory of its own: what neighbours share does not count."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(status_field(text, "Anonymous").split()[0]) * 1024


def executable(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def until(condition, what, timeout=None):
    """Wait for a fact of /proc, where the kernel offers no event."""
    deadline = now() + (PATIENCE if timeout is None else timeout)
    while not condition():
        if now() > deadline:
            raise Timeout(f"not within the time: {what}")
        select.select([], [], [], 0.005)


def pause(seconds):
    """Let a bounded time pass in which something must not happen."""
    select.select([], [], [], seconds)


class Process:
    """A process that is not ours, held by a pidfd."""

    def __init__(self, pid):
        self.pid = int(pid)
        self.fd = os.pidfd_open(self.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.fd is not None:
            if self.alive():
                self.kill()
            os.close(self.fd)
            self.fd = None

    def alive(self):
        return not select.select([self.fd], [], [], 0)[0]

    def wait(self, timeout=None):
        """Wait for its end (its zombie counts as ended)."""
        timeout = PATIENCE if timeout is None else timeout
        if not select.select([self.fd], [], [], timeout)[0]:
            raise Timeout(f"process {self.pid} lives after {timeout} s")

    def lives_for(self, seconds):
        """True if it is still alive after that time."""
        return not select.select([self.fd], [], [], seconds)[0]

    def kill(self, sig=signal.SIGKILL):
        try:
            signal.pidfd_send_signal(self.fd, sig)
        except ProcessLookupError:
            pass


class Mailbox:
    """A FIFO that a command writes lines to, so that we have an event."""

    def __init__(self, folder, name="mailbox"):
        self.path = str(Path(folder) / name)
        os.mkfifo(self.path, 0o666)
        os.chmod(self.path, 0o666)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def line(self, timeout=None):
        """The next line, without its newline."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        while b"\n" not in self.buffer:
            left = max(0, deadline - now())
            if not select.select([self.fd], [], [], left)[0]:
                raise Timeout(f"nothing came, after {self.buffer!r}")
            self.buffer += os.read(self.fd, 65536)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def silent(self, seconds):
        """Assert that nothing is written within that time."""
        if self.buffer or select.select([self.fd], [], [], seconds)[0]:
            raise AssertionError(f"the command reported {self.line(0.1)!r}")

    def put(self, line):
        """Give a waiting command its line."""
        os.write(self.fd, line.encode() + b"\n")


# --------------------------------------------------- programs of ours


def environment(**changes):
    env = {name: value for name, value in os.environ.items()
           if not name.lower().endswith("_proxy")}
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def standpipe(*args, input=b"", timeout=None, env=None, **popen):
    """Run the client to its end; bytes in, bytes out."""
    return subprocess.run([str(STANDPIPE), *map(str, args)], input=input,
                          capture_output=True, timeout=timeout or PATIENCE,
                          env=env or environment(), **popen)
