"""A WebSocket server for the client to meet, which says what it is told to.

    with Server(lambda s: s.send_text("hello")) as server:
        r = standpipe(server.url)
"""

import base64
import hashlib
import re
import socket
import threading

from proc import PATIENCE
from wire import (BINARY, CLOSE, GUID, PING, PONG, TEXT, close_payload, frame,
                  masked)

V1 = b"Standpipe-Protocol: v1-agreed\r\n"


class Session:
    """One connection, behind its handshake; frames go and come as they are.

    peer_close  the payload of the client's Close, once it has come
    """

    def __init__(self, sock, fields=b""):
        self.sock = sock
        self.file = sock.makefile("rb")
        self.head = b""
        self.closing = False
        self.peer_close = None
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self.file.readline() or b"\r\n\r\n"
        key = re.search(rb"(?im)^sec-websocket-key: *(\S+)", self.head)[1]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\n"
                     b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n" +
                     fields + b"\r\n")

    def send(self, payload=b"", opcode=TEXT, **kw):
        self.sock.sendall(frame(payload, opcode, mask=None, **kw))

    def send_text(self, text, **kw):
        self.send(text.encode(), TEXT, **kw)

    def send_binary(self, data, **kw):
        self.send(data, BINARY, **kw)

    def pong(self, payload=b""):
        self.send(payload, PONG)

    def close(self, code=1000, reason=""):
        """The whole closing handshake."""
        self.closing = True
        self.send(close_payload(code, reason), CLOSE)
        while self.peer_close is None:
            self.recv()

    def recv(self):
        """The next frame: opcode and payload. A Close is answered."""
        head = self.file.read(2)
        if len(head) < 2:
            raise EOFError
        opcode, size = head[0] & 15, head[1] & 127
        assert head[1] & 128, "a client masks"
        if size > 125:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8),
                                  "big")
        key = self.file.read(4)
        data = masked(self.file.read(size), key)
        if opcode == CLOSE:
            self.peer_close = data
            if not self.closing:
                self.send(data, CLOSE)
        return opcode, data

    def recv_ping(self):
        opcode, data = self.recv()
        assert opcode == PING, (opcode, data)
        return data


class Server:
    """Listens on loopback; each connection is given to `serve` in a thread.

    fields  that the 101 has besides; V1: standpipe.v1 is spoken
    """

    def __init__(self, serve, fields=b""):
        self.serve = serve
        self.fields = fields
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/"
        self.failures = []
        self.threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, kind, *_):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for thread in self.threads:
            thread.join(PATIENCE)
        if kind is None and self.failures:
            raise self.failures[0]

    def _accept(self):
        while True:
            try:
                sock = self.sock.accept()[0]
            except OSError:
                return
            sock.settimeout(PATIENCE)
            thread = threading.Thread(target=self._serve, args=[sock])
            self.threads.append(thread)
            thread.start()

    def _serve(self, sock):
        """Until the client has closed; what it says before that is dropped."""
        try:
            with sock:
                session = Session(sock, self.fields)
                with session.file:
                    self.serve(session)
                    while session.peer_close is None:
                        session.recv()
        except (EOFError, ConnectionError):
            pass
        except Exception as failure:
            self.failures.append(failure)
