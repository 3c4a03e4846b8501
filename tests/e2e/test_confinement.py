"""What a taken-over engine may do: calls are put into one that runs (inject.py), and
each that works without the sandbox must be refused with it.
"""

import contextlib
import errno
import os
import shutil
import signal
import socket
import struct
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from daemon import Daemon
from inject import AVAILABLE, NUMBERS, Injected, Killed, inet, libc, unix
from proc import ENGINE, STANDPIPED, descriptors, status_field, until

FILTERS = ENGINE.exists() and b"system call filter: %s" in ENGINE.read_bytes()

pytestmark = [
    pytest.mark.skipif(not AVAILABLE, reason="not on this kind of machine"),
    pytest.mark.skipif(not FILTERS, reason="built without the sandbox")]

SOMEBODY = 1  # the user of a user's daemon, where we are root
AT_FDCWD = -100
MSG_FASTOPEN = 0x20000000
NEW_USER = 0x10000000
SIGCHLD = int(signal.SIGCHLD)

ROWS = {}    # name: (call, errnos that come of a call that was let through)
ANYWAY = {}  # the kernel refuses these to anybody with no privileges


def row(*through):
    def add(function):
        ROWS[function.__name__] = function, through
        return function

    return add


def simple(name, call, *args, through=(), table=ROWS):
    """A row that is one call."""
    table[name] = (lambda p, c: p.call(call, *args)), through


# ---------------------------------------------------------------- sockets

for family, kind in [
        ("inet", socket.SOCK_STREAM), ("inet", socket.SOCK_DGRAM),
        ("inet6", socket.SOCK_STREAM), ("unix", socket.SOCK_STREAM),
        ("unix", socket.SOCK_DGRAM), ("netlink", socket.SOCK_RAW),
        ("vsock", socket.SOCK_STREAM), ("alg", socket.SOCK_SEQPACKET)]:
    simple(f"socket_{family}_{kind.name}", "socket",
           getattr(socket, f"AF_{family.upper()}"), int(kind), 0)
simple("socket_packet", "socket", socket.AF_PACKET, 3, 0, table=ANYWAY)


def a_socket(p, c, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    """One of these, or whatever there is if it cannot be had."""
    fd = p.call("socket", int(family), int(kind), 0)
    return fd if fd >= 0 else c.listener


@row()
def connect_tcp(p, c):
    return p.call("connect", a_socket(p, c), inet(c.port), 16)


@row()
def connect_unix_path(p, c):
    return p.call("connect", a_socket(p, c, socket.AF_UNIX), unix(c.path), 110)


@row()
def connect_unix_abstract(p, c):
    return p.call("connect", a_socket(p, c, socket.AF_UNIX),
                  unix(b"\0" + c.name), 3 + len(c.name))


@row()
def send_udp(p, c):
    fd = a_socket(p, c, kind=socket.SOCK_DGRAM)
    return p.call("sendto", fd, b"x", 1, 0, inet(c.port), 16)


@row()
def bind_tcp(p, c):
    return p.call("bind", a_socket(p, c), inet(0), 16)


@row()
def listen_tcp(p, c):
    return p.call("listen", a_socket(p, c), 1)


@row()
def socketpair(p, c):
    return p.call("socketpair", 1, 2, 0, bytes(8))


@row()
def send_many(p, c):
    return p.call("sendmmsg", a_socket(p, c, kind=socket.SOCK_DGRAM), 0, 0, 0)


# ---------------------------------------------------------------- listeners


@row()
def listener_shut_to_read(p, c):
    return p.call("shutdown", c.listener, socket.SHUT_RD)


@row()
def listener_shut(p, c):
    return p.call("shutdown", c.listener, socket.SHUT_RDWR)


@row()
def listener_shut_with_a_long_number(p, c):
    return p.call("shutdown", c.listener + (1 << 32), socket.SHUT_RD + (1 << 32))


@row(errno.EINPROGRESS)
def listener_becomes_a_connection(p, c):
    p.call("shutdown", c.listener, socket.SHUT_RD)
    return p.call("sendto", c.listener, b"SECRET", 6, MSG_FASTOPEN,
                  inet(c.port), 16)


def message(p, address):
    """A struct msghdr of one byte to an address."""
    vector = p.put(struct.pack("=QQ", p.put(b"x"), 1))
    return struct.pack("=QQQQQQQ", p.put(address), len(address), vector, 1,
                       0, 0, 0)


@row(errno.EINPROGRESS)
def listener_becomes_a_connection_by_sendmsg(p, c):
    p.call("shutdown", c.listener, socket.SHUT_RD)
    return p.call("sendmsg", c.listener, message(p, inet(c.port)),
                  MSG_FASTOPEN)


@row()
def listener_takes_fewer(p, c):
    return p.call("listen", c.listener, 0)


@row()
def listener_blocks(p, c):
    return p.call("fcntl", c.listener, 4, 0)


@row()
def listener_blocks_with_a_long_number(p, c):
    return p.call("fcntl", c.listener + (1 << 32), 4 + (1 << 32), 0)


@row()
def listener_signals(p, c):
    return p.call("fcntl", c.listener, 10, int(signal.SIGKILL))


@row()
def listener_signals_others(p, c):
    return p.call("fcntl", c.listener, 8, c.other)


@row()
def listener_signals_others_by_struct(p, c):
    return p.call("fcntl", c.listener, 15, struct.pack("=ii", 1, c.other))


@row()
def listener_is_doubled(p, c):
    return p.call("fcntl", c.listener, 1030, 3)


@row()
def listener_has_a_filter(p, c):
    program = p.put(struct.pack("=HBBI", 6, 0, 0, 0xffffffff))
    return p.call("setsockopt", c.listener, socket.SOL_SOCKET, 26,
                  struct.pack("=HxxxxxxQ", 1, program), 16)


@row()
def listener_keeps_its_filter(p, c):
    return p.call("setsockopt", c.listener, socket.SOL_SOCKET, 44,
                  struct.pack("=i", 1), 4)


@row()
def listener_resets_what_it_accepts(p, c):
    return p.call("setsockopt", c.listener, socket.SOL_SOCKET,
                  socket.SO_LINGER, struct.pack("=ii", 1, 0), 8)


@row()
def listener_has_small_buffers(p, c):
    return p.call("setsockopt", c.listener, socket.SOL_SOCKET,
                  socket.SO_RCVBUF, struct.pack("=i", 1), 4)


# ---------------------------------------------------------------- processes


@row()
def kill_other_engine(p, c):
    return p.call("kill", c.other, 0)


@row()
def kill_everybody(p, c):
    return p.call("kill", -1, 0)


@row()
def kill_thread(p, c):
    return p.call("tgkill", c.other, c.other, 0)


@row()
def kill_thread_alone(p, c):
    return p.call("tkill", c.other, 0)


@row()
def kill_with_a_value(p, c):
    return p.call("rt_sigqueueinfo", c.other, 0,
                  struct.pack("=iii", 0, 0, -1) + bytes(120))


@row()
def kill_thread_with_a_value(p, c):
    return p.call("rt_tgsigqueueinfo", c.other, c.other, 0,
                  struct.pack("=iii", 0, 0, -1) + bytes(120))


@row()
def pidfd(p, c):
    return p.call("pidfd_open", c.other, 0)


@row()
def kill_by_pidfd(p, c):
    fd = p.call("pidfd_open", c.other, 0)
    return p.call("pidfd_send_signal", max(fd, 0), 0, 0, 0)


@row()
def take_a_descriptor(p, c):
    fd = p.call("pidfd_open", c.other, 0)
    return p.call("pidfd_getfd", max(fd, 0), 0, 0)


@row()
def limit_others(p, c):
    return p.call("prlimit64", c.other, 7, 0, bytes(16))


@row()
def limit_oneself(p, c):
    return p.call("prlimit64", 0, 7, struct.pack("=QQ", 64, 64), 0)


@row()
def priority_of_others(p, c):
    return p.call("setpriority", 0, c.other, 19)


@row()
def io_priority_of_others(p, c):
    return p.call("ioprio_set", 1, c.other, 3 << 13)


@row()
def processor_of_others(p, c):
    return p.call("sched_setaffinity", c.other, 8, b"\xff" * 8)


@row()
def trace_others(p, c):
    return p.call("ptrace", 0x4206, c.other, 0, 0)


@row(errno.EFAULT)
def read_memory_of_others(p, c):
    vector = p.put(struct.pack("=QQ", p.put(bytes(8)), 8))
    return p.call("process_vm_readv", c.other, vector, 1,
                  struct.pack("=QQ", p.at, 8), 1, 0)


simple("fork", "fork")
simple("vfork", "vfork")
simple("clone", "clone", SIGCHLD, 0, 0, 0, 0)
simple("clone_into_a_new_user", "clone", SIGCHLD | NEW_USER, 0, 0, 0, 0)
simple("clone3", "clone3", struct.pack("=8Q", 0, 0, 0, 0, SIGCHLD, 0, 0, 0),
       64)
simple("unshare", "unshare", NEW_USER)
simple("setns", "setns", -1, 0, through=[errno.EBADF])
simple("execve", "execve", b"/bin/true\0", 0, 0)
simple("execveat", "execveat", AT_FDCWD, b"/bin/true\0", 0, 0, 0)
simple("setuid", "setuid", 0, table=ANYWAY)


@row()
def kill_parent(p, c):
    return p.call("kill", c.parent, 0)


@row()
def kill_thread_of_parent(p, c):
    return p.call("tgkill", c.parent, c.parent, 0)


# ---------------------------------------------------------------- files

simple("open_a_file", "openat", AT_FDCWD, b"/etc/passwd\0", 0)
simple("open_as_of_old", "open", b"/etc/passwd\0", 0)
simple("open_its_memory", "openat", AT_FDCWD, b"/proc/self/maps\0", 0)
simple("open_a_name", "openat", AT_FDCWD, b"/etc/passwd\0", os.O_PATH)
simple("stat_by_name", "newfstatat", AT_FDCWD, b"/etc/passwd\0", bytes(256), 0)
simple("stat_by_name_said_to_be_empty", "newfstatat", AT_FDCWD,
       b"/etc/passwd\0", bytes(256), 0x1000)
simple("stat_as_of_old", "stat", b"/etc/passwd\0", bytes(256))
simple("statx", "statx", AT_FDCWD, b"/etc/passwd\0", 0, 0xfff, bytes(256))
simple("statfs", "statfs", b"/\0", bytes(256))
simple("access", "access", b"/etc/passwd\0", 4)
simple("faccessat2", "faccessat2", AT_FDCWD, b"/etc/passwd\0", 4, 0)
simple("readlink", "readlink", b"/proc/self/cwd\0", bytes(256), 256)
simple("chdir", "chdir", b"/\0")
simple("inotify", "inotify_init1", 0)


@row()
def open_parents_secrets(p, c):
    return p.call("openat", AT_FDCWD, f"/proc/{c.parent}/stat\0".encode(), 0)


@row()
def chmod(p, c):
    return p.call("chmod", c.file, 0o644)


@row()
def fchmodat(p, c):
    return p.call("fchmodat", AT_FDCWD, c.file, 0o644)


@row()
def fchmodat2(p, c):
    return p.call("fchmodat2", AT_FDCWD, c.file, 0o644, 0)


@row()
def chown(p, c):
    return p.call("chown", c.file, -1, -1)


@row()
def utimes(p, c):
    return p.call("utimensat", AT_FDCWD, c.file, 0, 0)


@row(errno.EOPNOTSUPP)
def setxattr(p, c):
    return p.call("setxattr", c.file, b"user.x\0", b"1", 1, 0)


simple("log_from_the_start", "lseek", 2, 0, 0, through=[errno.ESPIPE])
simple("log_overwritten", "pwrite64", 2, b"x", 1, 0, through=[errno.ESPIPE])
simple("log_overwritten_in_pieces", "pwritev2", 2, bytes(16), 1, 0, 0, 8,
       through=[errno.ESPIPE])
simple("log_not_appended_to", "pwritev2", 2, bytes(16), 1, 2 ** 64 - 1, 0, 0x28,
       through=[errno.EOPNOTSUPP])
simple("log_cut", "ftruncate", 2, 0, through=[errno.EINVAL])
simple("log_emptied", "fallocate", 2, 3, 0, 1,
       through=[errno.ESPIPE, errno.EBADF])
simple("log_spliced_over", "splice", 2, 0, 2, bytes(8), 1, 0,
       through=[errno.EBADF, errno.EINVAL, errno.ESPIPE])
simple("log_copied_over", "copy_file_range", 2, 0, 2, bytes(8), 1, 0,
       through=[errno.EBADF, errno.EINVAL])
simple("log_teed", "tee", 2, 2, 1, 0, through=[errno.EBADF, errno.EINVAL])
simple("log_of_memory", "vmsplice", 2, 0, 0, 0,
       through=[errno.EBADF, errno.EINVAL])
simple("log_of_a_file", "sendfile", 2, 2, 0, 1,
       through=[errno.EBADF, errno.EINVAL])
simple("log_does_not_block", "fcntl", 2, 4, os.O_NONBLOCK)
simple("log_is_smaller", "fcntl", 2, 1031, 4096, through=[errno.EBUSY])
simple("log_is_doubled", "dup", 2)
simple("log_types", "ioctl", 2, 0x5412, b"x", through=[errno.ENOTTY])

# ---------------------------------------------------------------- memory

simple("memory_to_write_and_execute", "mmap", 0, 4096, 7, 0x22, -1, 0)
simple("memory_to_execute", "mmap", 0, 4096, 5, 0x22, -1, 0)
simple("memory_with_a_name", "memfd_create", b"x\0", 0)
simple("memory_that_is_secret", "memfd_secret", 0)
simple("semaphores_used", "semop", -1, bytes(6), 1, through=[errno.EINVAL])
simple("semaphores_used_for_a_time", "semtimedop", -1, bytes(6), 1, 0,
       through=[errno.EINVAL])
simple("faults_handled", "userfaultfd", 1)
simple("personality", "personality", 0x0400000)


@row()
def memory_made_executable(p, c):
    return p.call("mprotect", p.scratch, 4096, 5)


@row()
def shared_memory(p, c):
    got = p.call("shmget", 0, 4096, 0o600)
    libc.shmctl(got, 0, None)
    return got


@row()
def semaphores(p, c):
    got = p.call("semget", 0, 1, 0o600)
    libc.semctl(got, 0, 0, None)
    return got


@row()
def messages(p, c):
    got = p.call("msgget", 0, 0o600)
    libc.msgctl(got, 0, None)
    return got


simple("queue", "mq_open", b"none\0", 0, 0, 0, through=[errno.ENOENT])
simple("ring", "io_uring_setup", 1, bytes(120))
simple("old_ring", "io_setup", 1, bytes(8))
simple("key", "add_key", b"user\0", b"name\0", b"v", 1, -2)
simple("keyring", "keyctl", 0, -2, 1)
simple("looked_into", "prctl", 4, 1, 0, 0, 0)
simple("bpf", "bpf", 0, struct.pack("=IIII", 2, 4, 4, 1) + bytes(112), 128,
       table=ANYWAY)
simple("perf", "perf_event_open", bytes(128), 1, -1, -1, 0, table=ANYWAY)

# ---------------------------------------------------------------- the test


class Household:
    """A daemon with what its engines could reach; in a `with` statement."""

    def __init__(self, who, how, *args, **kw):
        self.who = who
        self.kw = kw
        self.stack = contextlib.ExitStack()
        self.args = [f"--sandbox={how}", "--engines=2", *args]

    def __enter__(self):
        with self.stack:
            self.start()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)

    def start(self):
        enter = self.stack.enter_context
        folder = enter(tempfile.TemporaryDirectory(dir="/tmp"))
        os.chmod(folder, 0o755)
        shutil.copy(STANDPIPED, folder)
        shutil.copy(ENGINE, folder)
        if self.who == "user" and os.geteuid() == 0:
            self.kw |= {"user": SOMEBODY, "group": SOMEBODY,
                        "extra_groups": []}
        self.daemon = Daemon(*self.args, **self.kw)
        self.daemon.args[0] = f"{folder}/standpiped"
        enter(self.daemon)
        self.place(Path(folder))

    def place(self, folder):
        enter = self.stack.enter_context
        tcp = enter(socket.create_server(("127.0.0.1", 0)))
        path = enter(socket.socket(socket.AF_UNIX))
        path.bind(str(folder / "socket"))
        path.listen()
        os.chmod(folder / "socket", 0o666)
        abstract = enter(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0standpipe-{os.getpid()}-{self.daemon.pid}")
        abstract.listen()
        self.victim, self.other, *worker = self.daemon.engines()
        self.worker = worker[0] if worker else None
        own = folder / "own"
        own.write_text("")
        text = Path(f"/proc/{self.victim}/status").read_text()
        owner = int(status_field(text, "Uid").split()[0])
        if os.geteuid() == 0:
            os.chown(own, owner, -1)
        self.context = SimpleNamespace(
            port=tcp.getsockname()[1], path=bytes(folder / "socket"),
            name=abstract.getsockname()[1:], file=bytes(own) + b"\0",
            other=self.other, parent=self.daemon.pid,
            listener=self.listener(self.victim))

    def listener(self, pid):
        """The number of the engine's listening socket, which the parent has,
        too: /proc/net is long where many connections have ended."""
        parents = set(descriptors(self.daemon.pid).values())
        return next(fd for fd, what in descriptors(pid).items()
                    if what.startswith("socket:") and what in parents)

    def attempt(self, call):
        """What the kernel answers to it in the victim, or None if it kills."""
        try:
            with Injected(self.victim) as p:
                return call(p, self.context)
        except Killed:
            return None


WHO = [pytest.param("root", marks=pytest.mark.root), "user"]


def refused(answer):
    return answer is None or answer in (-errno.EPERM, -errno.EACCES)


def shown(answer):
    return "killed" if answer is None else answer


def unconfined(who, call):
    """What the kernel answers where there is no sandbox."""
    with Household(who, "off") as h:
        answer = h.attempt(call)
        h.daemon.status, h.daemon.leftovers = -signal.SIGKILL, True
        h.daemon.signal(signal.SIGKILL)  # it may have lost everything
    return answer


class Confined:
    """Households with a sandbox, in which row after row is attempted: a call that
    is refused changes nothing. After any other the next row has a new one."""

    def __init__(self):
        self.there = {}

    def attempt(self, call, *which):
        h = self.there.get(which) or Household(*which).__enter__()
        self.there[which] = h
        answer = h.attempt(call)
        if answer is None or not refused(answer):
            self.leave(which)
        return answer

    def leave(self, which):
        self.there.pop(which).__exit__(None, None, None)


@pytest.fixture(scope="module")
def confined():
    households = Confined()
    yield households
    for which in list(households.there):
        households.leave(which)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", ROWS)
def test_fault_A3_A4_what_a_taken_over_engine_may_not(name, who, confined):
    call, through = ROWS[name]
    if who == "root" and "parent" in name:
        pytest.skip("root's parent is not the engines' user's")
    free = unconfined(who, call)
    for how in "files", "calls":
        answer = confined.attempt(call, who, how)
        assert refused(answer), f"{how}: {shown(answer)}"
    if free in (-errno.ENOSYS, -errno.EAFNOSUPPORT, -errno.EPERM):
        pytest.skip("this kernel has it not, or not for everybody")
    assert free is not None and (free >= 0 or -free in through), shown(free)


@pytest.mark.parametrize("how", ["files", "calls"])
@pytest.mark.parametrize("name", ANYWAY)
def test_fault_A3_T6_what_nobody_may(name, how, confined):
    assert refused(confined.attempt(ANYWAY[name][0], "user", how))


@pytest.mark.parametrize("how", ["files", "calls"])
@pytest.mark.parametrize("option", ["--auth-file={}", "--reverselookup"])
@pytest.mark.parametrize("name", [
    "socket_inet_SOCK_STREAM", "socket_unix_SOCK_DGRAM", "kill_other_engine",
    "kill_thread", "fork", "chmod", "stat_by_name", "memory_made_executable"])
def test_fault_A3_workers_are_confined(name, option, how, tmp_path):
    (tmp_path / "users").write_text("")
    with Household("root" if os.geteuid() == 0 else "user", how,
                   option.format(tmp_path / "users")) as h:
        h.victim = h.worker
        assert refused(h.attempt(ROWS[name][0]))


@pytest.mark.parametrize("how", ["files", "calls"])
def test_fault_A3_a_folder_of_files_is_read_and_nothing_else(how):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        Path(folder, "file").write_text("x")
        os.chmod(Path(folder, "file"), 0o666)
        file, new = bytes(Path(folder, "file")), bytes(Path(folder, "new"))
        with Household("user", how, f"--staticdir={folder}") as h:
            with Injected(h.victim) as p:
                def opened(path, flags):
                    return p.call("openat", AT_FDCWD, path + b"\0", flags,
                                  0o666)

                assert opened(file, os.O_RDONLY) >= 0
                for flags in os.O_WRONLY, os.O_RDWR, os.O_TRUNC | os.O_RDWR:
                    assert refused(opened(file, flags))
                assert refused(opened(new, os.O_CREAT | os.O_WRONLY))
                assert refused(opened(b"/etc/passwd", os.O_RDONLY))
                assert refused(p.call("chmod", file + b"\0", 0o600))


# ---------------------------------------------------------------- listeners
# Where there is no filter one engine can still spoil what all share.

SPOILT_AND_NOTICED = ["listener_shut_to_read", "listener_shut"]
# Others see a connection only if they wake up before it is one.
SPOILT_AND_SILENT = ["listener_blocks", "listener_has_a_filter",
                     "listener_becomes_a_connection"]


def serves(h):
    """Every engine does, and the daemon ends as it should."""
    for c in [h.daemon.session() for _ in range(8)]:
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("name", SPOILT_AND_NOTICED + SPOILT_AND_SILENT)
@pytest.mark.parametrize("who", WHO)
def test_fault_A5_a_spoilt_listener_is_made_anew(who, name, unix):
    if unix and name == "listener_becomes_a_connection":
        pytest.skip("Unix sockets do not")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        kw = {"unixsocket": f"{folder}/socket"} if unix else {}
        with Household(who, "off", **kw) as h:
            before = h.daemon.session()
            answer = h.attempt(ROWS[name][0])
            if answer == -errno.EPERM:
                pytest.skip("not for everybody")
            if name in SPOILT_AND_SILENT:  # seen when the engine is lost
                os.kill(h.victim, signal.SIGKILL)
            h.daemon.wait_log("error listener was spoilt and is made anew")
            serves(h)
            if name in SPOILT_AND_NOTICED:  # nobody else was disturbed
                before.send_text("x")
                assert before.recv_text() == "x"
                before.bye()
            before.close()
            h.daemon.no_commands()
            assert len(h.daemon.logged("listener was spoilt")) == 1


def listens_again(h):
    """Its number there now; one that is shut does not listen."""
    def found():
        with contextlib.suppress(StopIteration):
            h.context.listener = h.listener(h.victim)
            return True

    until(found, "the engine has another listener")


def test_engines_that_spoil_a_listener_again_are_replaced():
    """And have no way to the next one; who is served there is served on."""
    with Household("user", "off") as h:
        before = [h.daemon.session() for _ in range(8)]
        old = set(h.daemon.engines())
        for count in 1, 2:
            listens_again(h)
            assert h.attempt(listener_shut) == 0
            h.daemon.wait_logs("error listener was spoilt and is made anew",
                               count)
        h.daemon.wait_log("info engines are replaced")
        serves(h)
        for c in before:
            c.send_text("x")
            assert c.recv_text() == "x"
        assert old <= set(h.daemon.engines())
        with pytest.raises(StopIteration):  # to nothing that listens
            h.listener(h.victim)
        for c in before:
            c.bye()
        until(lambda: not old & set(h.daemon.engines()), "they have ended")
        assert len(h.daemon.engines()) == len(old)
        serves(h)
        assert len(h.daemon.logged("listener was spoilt")) == 2


def test_engines_that_cannot_be_replaced_get_the_listener_after_all():
    with Household("user", "off") as h:
        for count in 1, 2:
            listens_again(h)
            if count == 2:
                (Path(h.daemon.args[0]).parent / ENGINE.name).unlink()
            assert h.attempt(listener_shut) == 0
            h.daemon.wait_logs("error listener was spoilt and is made anew",
                               count)
        h.daemon.wait_log("error engines cannot be replaced")
        listens_again(h)
        serves(h)
        assert h.daemon.logged("engine lost") == []


def shared(pid, sock):
    """The number that a socket of ours has there."""
    what = f"socket:[{os.fstat(sock.fileno()).st_ino}]"
    return next(fd for fd, there in descriptors(pid).items() if there == what)


def test_the_number_of_a_spoilt_listener_is_nobody_elses():
    """The filter forbids to shut it: a client that had it would wait for its end."""
    with Daemon("--engines=1") as d:
        engine, = d.engines()
        parents = {what: fd for fd, what in descriptors(d.pid).items()}
        number, what = next(
            (fd, what) for fd, what in descriptors(engine).items()
            if what.startswith("socket:") and what in parents)
        fd = libc.syscall(NUMBERS["pidfd_getfd"], d.pidfd, parents[what], 0)
        with socket.socket(fileno=fd) as listener:
            listener.shutdown(socket.SHUT_RDWR)
        d.wait_log("listener was spoilt and is made anew")
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            assert descriptors(engine)[number] == what


@pytest.mark.parametrize("name", ["listener_shut", "listener_blocks"])
def test_fault_A5_an_inherited_listener_is_lost_if_it_must_be(name):
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        with Household("user", "off", f"--listen=fd:{inherited.fileno()}",
                       listeners=2, pass_fds=[inherited.fileno()]) as h:
            h.context.listener = shared(h.victim, inherited)
            assert h.attempt(ROWS[name][0]) == 0
            os.kill(h.victim, signal.SIGKILL)
            if name == "listener_shut":
                h.daemon.wait_log("error listener was spoilt and is lost")
            else:
                until(lambda: not os.get_blocking(inherited.fileno()),
                      "it does not block again")
            serves(h)
            assert len(h.daemon.logged("spoilt")) == (name == "listener_shut")
