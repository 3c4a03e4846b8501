"""The other role: the client under test calls us, and we are its server.

The cases are written as a client sends them. Bare takes the masks off on the
way, so that they need not be written twice.
"""

import base64
import hashlib
import re
import socket
import subprocess
import tempfile

from daemon import REPORT
from deflate import EXTENSION, Deflate, parameters
from proc import PATIENCE, STANDPIPE
from wire import GUID, Client, masked

HEAD = re.compile(rb"GET (\S+) HTTP/1\.1\r\n(.*)", re.S)


class Bare:
    """Masked frames, cut anywhere, without their masks."""

    def __init__(self):
        self.head = b""
        self.left = 0  # bytes of the payload that are to come
        self.key = b""

    def __call__(self, data):
        data, out = memoryview(data), bytearray()
        while data:
            if self.left == 0:
                data = self.begin(data, out)
            part, data = data[:self.left], data[self.left:]
            out += masked(part, self.key)
            turn = len(part) % 4
            self.key = self.key[turn:] + self.key[:turn]
            self.left -= len(part)
        return out

    def begin(self, data, out):
        """Take what there is of a head; what is behind it."""
        while data:
            self.head += data[:1]
            data = data[1:]
            if len(self.head) < 2:
                continue
            short = self.head[1] & 0x7F
            wide = {126: 2, 127: 8}.get(short, 0)
            if len(self.head) == 2 + wide + 4:
                out += bytes([self.head[0], short]) + self.head[2:2 + wide]
                self.left = (int.from_bytes(self.head[2:2 + wide], "big")
                             if wide else short)
                self.key, self.head = self.head[-4:], b""
                break
        return data


class Guest(Client):
    """A connection that a client has made to us; in a `with` statement."""

    peer_masks = True

    def __init__(self, sock):
        self.sock = sock
        self.begin()
        self.bare = None

    def send(self, data, timeout=None, read=True):
        super().send(data if self.bare is None else self.bare(data), timeout,
                     read)

    def ending(self, timeout=None):
        """A server is the first to end the connection."""
        try:
            self.shut()
        except OSError:
            pass
        return super().ending(timeout)

    def request(self):
        """{name: value} of the opening handshake."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += self.recv_some()
        found = HEAD.fullmatch(data[:-4])
        return {name.strip().lower(): value.strip() for name, value in (
            line.split(":", 1) for line in found[2].decode().splitlines())}

    def welcome(self, answers=()):
        """Answer with the first of these extensions that was offered."""
        asked = self.request()
        offered = asked.get(EXTENSION.lower(), "")
        accept = hashlib.sha1(asked["sec-websocket-key"].encode() + GUID)
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Accept: " +
                 base64.b64encode(accept.digest()).decode()]
        for answer in answers:
            if may_answer(answer, offered):
                lines.append(f"{EXTENSION}: {answer}")
                self.deflate = Deflate(answer, role="server")
                break
        self.send("\r\n".join([*lines, "", ""]).encode())
        self.bare = Bare()


def may_answer(answer, offered):
    """A client's window may be limited only if it said that it can do that."""
    if not offered:
        return False
    return ("client_max_window_bits" not in parameters(answer) or
            "client_max_window_bits" in parameters(offered))


class Call:
    """One run of the client: it echoes to us what we say."""

    def __init__(self, options, answers=()):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [STANDPIPE, "--framing=frames", "--close-timeout=2s", *options,
             "ws://127.0.0.1:%d/" % self.listener.getsockname()[1],
             "--", "cat"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.said)
        self.answers = answers

    def __enter__(self):
        self.guest = Guest(self.listener.accept()[0])
        self.guest.welcome(self.answers)
        return self.guest

    def __exit__(self, kind, *_):
        self.guest.close()
        self.listener.close()
        try:
            if kind is None:
                self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
        self.said.seek(0)
        said = self.said.read().decode("utf-8", "replace")
        self.said.close()
        assert not REPORT.search(said), said
