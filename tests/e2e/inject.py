"""System calls put into a process that runs: what it could do if it were taken
over.

Injected  a process, held by ptrace while the block lasts; its call() gives what
          the kernel answered, or Killed

Linux on x86-64 alone, where ptrace(2) is allowed; elsewhere AVAILABLE is false.
"""

import ctypes
import os
import platform
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

PTRACE_PEEKDATA, PTRACE_POKEDATA = 2, 5
PTRACE_CONT, PTRACE_SINGLESTEP = 7, 9
PTRACE_GETREGS, PTRACE_SETREGS = 12, 13
PTRACE_DETACH, PTRACE_SETOPTIONS = 17, 0x4200
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
PTRACE_GETEVENTMSG = 0x4201
TRACE_CHILDREN = 0x2 | 0x4 | 0x8  # of fork, vfork and clone
EXIT_KILLS = 0x100000
WALL = 0x40000000

SYSCALL = b"\x0f\x05"
SCRATCH = 1 << 16

REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi "
             "orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")

NUMBERS = dict(
    read=0, write=1, open=2, close=3, stat=4, fstat=5, lseek=8, mmap=9,
    mprotect=10, ioctl=16, pwrite64=18, access=21, shmget=29, dup=32, dup2=33,
    getpid=39, sendfile=40, socket=41, connect=42, accept=43, sendto=44, recvfrom=45,
    sendmsg=46, shutdown=48, bind=49, listen=50, socketpair=53, setsockopt=54,
    getsockopt=55, clone=56, fork=57, vfork=58, execve=59, kill=62, semget=64,
    semop=65, msgget=68, fcntl=72, ftruncate=77, chdir=80, readlink=89, chmod=90,
    fchmod=91, chown=92, ptrace=101, setuid=105, rt_sigqueueinfo=129,
    personality=135, statfs=137, setpriority=141, prctl=157, setrlimit=160,
    setxattr=188, tkill=200, sched_setaffinity=203, io_setup=206, semtimedop=220,
    tgkill=234,
    mq_open=240, add_key=248, keyctl=250, ioprio_set=251, inotify_init=253,
    openat=257, newfstatat=262, fchmodat=268, unshare=272, splice=275, tee=276,
    vmsplice=278, utimensat=280,
    fallocate=285, dup3=292, inotify_init1=294, rt_tgsigqueueinfo=297,
    perf_event_open=298, prlimit64=302, sendmmsg=307, setns=308,
    process_vm_readv=310, kcmp=312, seccomp=317, memfd_create=319, bpf=321, pwritev2=328,
    execveat=322, userfaultfd=323, copy_file_range=326, statx=332, pidfd_send_signal=424,
    io_uring_setup=425, pidfd_open=434, clone3=435, pidfd_getfd=438,
    faccessat2=439, memfd_secret=447, fchmodat2=452, setxattrat=463)

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] + [ctypes.c_ulong] * 3
libc.ptrace.restype = ctypes.c_long


class Killed(Exception):
    """The call cost the process its life."""


def ptrace(request, pid, addr=0, data=0):
    ctypes.set_errno(0)
    found = libc.ptrace(request, pid, addr, data)
    if found == -1 and ctypes.get_errno() != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return found & (1 << 64) - 1


def may_trace():
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            ptrace(PTRACE_SEIZE, child.pid)
            ptrace(PTRACE_INTERRUPT, child.pid)
            os.waitpid(child.pid, WALL)
            ptrace(PTRACE_DETACH, child.pid)
            return True
        except OSError:
            return False
        finally:
            child.kill()


AVAILABLE = (sys.platform == "linux" and platform.machine() == "x86_64" and
             may_trace())


def find_call(pid):
    """Where the process has a system call instruction that we may use."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    for begin, end in re.findall(r"^(\w+)-(\w+) r-xp .*libc", maps, re.M):
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            memory.seek(int(begin, 16))
            at = memory.read(int(end, 16) - int(begin, 16)).find(SYSCALL)
        if at != -1:
            return int(begin, 16) + at
    raise LookupError("no system call in libc")


class Injected:
    """A process that makes our calls, in a `with` statement.

    A text argument is put into its memory, and its address passed; `out` is
    where the kernel may leave something, for read().
    """

    def __init__(self, pid):
        self.pid = pid
        self.alive = True

    def __enter__(self):
        ptrace(PTRACE_SEIZE, self.pid, 0, TRACE_CHILDREN | EXIT_KILLS)
        ptrace(PTRACE_INTERRUPT, self.pid)
        self._wait()
        self.saved = self._registers()
        self.at = find_call(self.pid)
        self.scratch = self.used = 0
        RW, PRIVATE_ANONYMOUS = 3, 0x22
        self.scratch = self.call("mmap", 0, SCRATCH, RW, PRIVATE_ANONYMOUS,
                                 -1, 0)
        assert self.scratch > 0, "no memory to work with"
        return self

    def __exit__(self, *_):
        if not self.alive:
            return
        try:
            self._set(self.saved)
            ptrace(PTRACE_SETOPTIONS, self.pid)
            ptrace(PTRACE_DETACH, self.pid)
        except ProcessLookupError:  # killed meanwhile: it is ours to reap first
            os.waitpid(self.pid, WALL)

    def _wait(self):
        while True:
            _, status = os.waitpid(self.pid, WALL)
            if not os.WIFSTOPPED(status):
                self.alive = False
                raise Killed(status)
            event = status >> 16
            if event in (1, 2, 3):
                self._end_child()
                ptrace(PTRACE_SINGLESTEP, self.pid)
                continue
            if event == 0 and os.WSTOPSIG(status) == signal.SIGSYS:
                ptrace(PTRACE_CONT, self.pid, 0, signal.SIGSYS)
                continue
            return

    def _end_child(self):
        message = ctypes.c_ulong()
        ptrace(PTRACE_GETEVENTMSG, self.pid, 0, ctypes.addressof(message))
        os.kill(message.value, signal.SIGKILL)
        os.waitpid(message.value, WALL)

    def _registers(self):
        block = (ctypes.c_ulong * len(REGISTERS))()
        ptrace(PTRACE_GETREGS, self.pid, 0, ctypes.addressof(block))
        return dict(zip(REGISTERS, block))

    def _set(self, registers):
        block = (ctypes.c_ulong * len(REGISTERS))(
            *(registers[name] for name in REGISTERS))
        ptrace(PTRACE_SETREGS, self.pid, 0, ctypes.addressof(block))

    def put(self, data):
        """The address of these bytes, and room behind them."""
        at = self.scratch + self.used
        self.used += len(data) + 64 & ~15
        assert self.used < SCRATCH
        with open(f"/proc/{self.pid}/mem", "r+b", 0) as memory:
            memory.seek(at)
            memory.write(data)
        return at

    def read(self, at, size):
        with open(f"/proc/{self.pid}/mem", "rb", 0) as memory:
            memory.seek(at)
            return memory.read(size)

    def call(self, name, *args):
        """What the call gives: negative errnos, as the kernel does."""
        values = [self.put(arg) if isinstance(arg, bytes) else arg
                  for arg in args]
        registers = dict(self.saved, rax=NUMBERS[name], orig_rax=2 ** 64 - 1,
                         rip=self.at)
        for where, value in zip(ARGUMENTS, values):
            registers[where] = value & 2 ** 64 - 1
        self._set(registers)
        ptrace(PTRACE_SINGLESTEP, self.pid)
        self._wait()
        return ctypes.c_long(self._registers()["rax"]).value


def inet(port, address="127.0.0.1"):
    """A struct sockaddr_in."""
    return struct.pack("=H", 2) + struct.pack(">H", port) + bytes(
        map(int, address.split("."))) + bytes(8)


def unix(path):
    """A struct sockaddr_un; an abstract name begins with NUL."""
    return struct.pack("=H", 1) + path + b"\0" * (108 - len(path))
