"""A server that says what a test tells it to, and remembers what it was asked."""

import base64
import hashlib
import socket
import threading

from proc import PATIENCE

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(head):
    """What Sec-WebSocket-Accept has to be for that request."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"sec-websocket-key":
            digest = hashlib.sha1(value.strip() + GUID).digest()
            return base64.b64encode(digest)
    return b""


def agree(head, *fields, more=b""):
    """A 101 with those fields, and bytes right behind it."""
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket",
             b"Connection: Upgrade",
             b"Sec-WebSocket-Accept: " + accept_of(head), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + more


CLOSE_1000 = b"\x88\x02\x03\xe8"


class Answers:
    """answers: bytes, or a function from the request's head to bytes; one for
    each connection that comes. What the client says then is read to its end;
    with hold=True the connection stays open until then."""

    def __init__(self, *answers, hold=False):
        self.answers = answers
        self.hold = hold
        self.heads = []
        self.said = b""     # by the last client, behind its request
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    @property
    def head(self):
        """The only request, as text."""
        self.thread.join(PATIENCE)
        assert len(self.heads) == 1
        return self.heads[0].decode("latin-1")

    def fields(self, name):
        """Values of the fields of that name in the only request."""
        pairs = (line.split(":", 1) for line in self.head.split("\r\n")[1:]
                 if line)
        return [value.strip() for key, value in pairs
                if key.lower() == name.lower()]

    def _serve(self):
        for answer in self.answers:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                sock.settimeout(PATIENCE)
                try:
                    self._one(sock, answer)
                except OSError:
                    pass

    def _one(self, sock, answer):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return
            data += piece
        end = data.index(b"\r\n\r\n") + 4
        self.heads.append(data[:end])
        self.said = data[end:]
        sock.sendall(answer(data[:end]) if callable(answer) else answer)
        if not self.hold:
            sock.shutdown(socket.SHUT_WR)
        while piece := sock.recv(65536):
            self.said += piece
