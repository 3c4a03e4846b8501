"""A network of one's own, and websocketd in it.

Network     a namespace in which the thread that enters it, and what it starts
            there, have a loopback interface and nothing else
Websocketd  contrib/websocketd with exactly these words
"""

import ctypes
import fcntl
import os
import socket
import struct

from daemon import Daemon
from proc import BUILD, HERE, libc

WRAPPER = HERE.parents[1] / "contrib" / "websocketd"

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Network:
    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        check(libc.unshare(CLONE_NEWNET))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFFLAGS,
                        struct.pack("16sh22x", b"lo", IFF_UP))

    def __exit__(self, *_):
        check(libc.setns(self.home, CLONE_NEWNET))
        os.close(self.home)


class Websocketd(Daemon):
    """A Daemon whose whole command line is `words`.

    listeners  how many addresses it will listen on: IPv4 and IPv6
    """

    def __init__(self, *words, listeners=2, env=None, **kw):
        path = f"{BUILD}:{os.environ['PATH']}"
        super().__init__(listeners=listeners,
                         env={"PATH": path, **(env or {})}, **kw)
        self.args = [str(WRAPPER), *map(str, words)]


def free_port():
    """A port that nobody has; in a Network nobody will take it."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]
