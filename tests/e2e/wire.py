"""What goes over a connection, right or wrong.

Client   a WebSocket client for testing: it sends whatever bytes it is told to,
         and reads strictly

and the frames, heads and records that it, and servers of ours, are made of.
"""

import base64
import collections
import hashlib
import os
import re
import select
import socket
import ssl
import struct

from deflate import EXTENSION, Deflate, fragments
from proc import PATIENCE, Timeout, now

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Gone(AssertionError):
    """The connection ended: `how` is "eof" or "reset"."""

    def __init__(self, how):
        super().__init__(f"the connection ended ({how})")
        self.how = how


class Broken(AssertionError):
    """The server broke RFC 6455."""


class Closed(AssertionError):
    """A Close arrived where a message was awaited."""

    def __init__(self, code, reason):
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


class Refused(AssertionError):
    """The answer to an upgrade was not 101."""

    def __init__(self, response):
        super().__init__(f"answered {response.status} {response.body!r}")
        self.response = response


# --------------------------------------------------------------- frames

Frame = collections.namedtuple("Frame", "fin rsv opcode payload")


def masked(data, key):
    size = len(data)
    stream = (bytes(key) * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^
            int.from_bytes(stream, "little")).to_bytes(size, "little")


def frame(payload=b"", opcode=TEXT, fin=True, rsv=0, mask=True, form=None,
          length=None):
    """The bytes of a frame, right or wrong.

    mask    True: a random key; bytes: that key; None: bare
    form    7, 16 or 64: the length's form, whether it is the shortest or not
    length  what the head says the length is
    """
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload) if length is None else length
    if form is None:
        form = 7 if size < 126 else 16 if size < 65536 else 64
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask is not None else 0
    if form == 7:
        head += bytes([bit | size])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    if mask is None:
        return head + payload
    key = os.urandom(4) if mask is True else mask
    return head + key + masked(payload, key)


def close_payload(code=None, reason=b""):
    if code is None:
        return b""
    if isinstance(reason, str):
        reason = reason.encode()
    return struct.pack(">H", code) + reason


def may_be_sent(code):
    """Whether a Close may carry that code (RFC 6455, section 7.4)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006) or
            3000 <= code <= 4999)


def parse_close(payload):
    if not payload:
        return None, ""
    if len(payload) == 1:
        raise Broken("a Close of one byte")
    code = struct.unpack(">H", payload[:2])[0]
    if not may_be_sent(code):
        raise Broken(f"a Close with code {code}")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise Broken("a reason that is not UTF-8") from None


# ----------------------------------------------------------------- HTTP


class Response:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 (\d{3}) ([^\r\n]*)", lines[0])
        if not found:
            raise Broken(f"status line {lines[0]!r}")
        self.status = int(found[1])
        self.reason = found[2]
        self.fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+",
                                             name):
                raise Broken(f"header field {line!r}")
            self.fields.append((name, value.strip(" \t")))
        self.body = b""

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name):
        """The one value of a field, or None."""
        values = self.all(name)
        if len(values) > 1:
            raise Broken(f"{name} is there {len(values)} times")
        return values[0] if values else None


def request_head(path="/", method="GET", version="HTTP/1.1", headers=(),
                 host="127.0.0.1", key="dGhlIHNhbXBsZSBub25jZQ==", drop=()):
    """An upgrade request; headers are added, those named in drop left out."""
    if isinstance(path, str):
        path = path.encode("latin-1")
    drop = {name.lower() for name in drop}
    if isinstance(headers, dict):
        headers = list(headers.items())
    lines = [f"{method} ".encode() + path + f" {version}".encode()]
    for name, value in [("Host", host), ("Upgrade", "websocket"),
                        ("Connection", "Upgrade"), ("Sec-WebSocket-Key", key),
                        ("Sec-WebSocket-Version", "13")]:
        if name.lower() not in drop:
            lines.append(f"{name}: {value}".encode("latin-1"))
    for name, value in headers:
        if isinstance(value, str):
            value = value.encode("latin-1")
        lines.append(name.encode() + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"


# -------------------------------------------------------- a connection


def tls_context(ca=None, pair=None, version=None):
    """A client's context.

    ca       the file to check the server with; None: it is not checked
    pair     (certificate, key) of the client
    version  the one version of TLS to speak
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(ca)
    if pair is not None:
        context.load_cert_chain(*pair)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def under_tls(sock, tls, name, session):
    """The socket under TLS, after the handshake; closed if that fails."""
    context = tls_context() if tls is True else tls
    try:
        return context.wrap_socket(sock, server_hostname=name, session=session,
                                   suppress_ragged_eofs=False)
    except BaseException:
        sock.close()
        raise


class Client:
    """A connection to the daemon; in a `with` statement.

    buffer    bytes that arrived and were not taken yet
    rest      what came until the end, after ending()
    how       "eof", "reset" or (TLS, without a word) "cut" once the connection
              has ended
    tls       speak TLS: True, or an ssl.SSLContext
    name      the server's name, for TLS
    session   an ssl.SSLSession to resume
    """

    peer_masks = False

    def __init__(self, target, receive_buffer=None, source=None, tls=None,
                 name=None, session=None):
        if isinstance(target, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
            self.sock = socket.socket(family)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 receive_buffer)
        if source and self.sock.family != socket.AF_UNIX:
            self.sock.bind((source, 0))
        self.sock.settimeout(PATIENCE)
        self.sock.connect(target)
        if tls is not None:
            self.sock = under_tls(self.sock, tls, name, session)
        self.begin()

    def begin(self):
        """The socket is there; nothing was said yet."""
        self.sock.setblocking(False)
        if self.sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.taken = 0
        self.how = None
        self.open = None
        self.deflate = None  # deflate.Deflate, if that was agreed on
        self.inflating = False
        self.wire = 0        # bytes of messages as they came
        self.deflated = 0    # messages that came compressed
        self.pings = []
        self.pongs = []
        self.answer_pings = True
        self.frames = 0
        self.largest = 0
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Vanish with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    def shut(self):
        """A FIN, and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    # ---- bytes

    def _wait(self, events, deadline):
        poller = select.poll()
        poller.register(self.sock, events)
        left = max(0.0, deadline - now())
        ready = poller.poll(int(left * 1000) + (1 if left else 0))
        if not ready and now() >= deadline:
            raise Timeout("nothing came in time")
        return ready[0][1] if ready else 0

    def _receive(self):
        """Take what is there; False if nothing is."""
        try:
            data = self.sock.recv(1 << 18)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except ssl.SSLEOFError:
            self.how = "cut"
            return True
        except (ConnectionResetError, BrokenPipeError):
            self.how = "reset"
            return True
        if not data:
            self.how = "eof"
        self.buffer += data
        return True

    def send(self, data, timeout=None, read=True):
        """Send all of it; meanwhile what arrives is kept, unless read=False."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        view = memoryview(data)
        while view:
            try:
                view = view[self.sock.send(view[:1 << 18]):]
                continue
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            except (ConnectionResetError, BrokenPipeError):
                if self.how is None:
                    while self.how is None and self._receive():
                        pass
                self.how = self.how or "reset"
                raise Gone(self.how) from None
            want = select.POLLOUT
            if read and self.how is None:
                want |= select.POLLIN
            if self._wait(want, deadline) & select.POLLIN and read:
                self._receive()

    def send_some(self, data):
        """Send what the kernel takes at once; how many bytes."""
        try:
            return self.sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            return 0

    def fill(self, timeout=1.0, quiet=0.15, chunk=bytes(65536)):
        """Send until nothing has gone out for `quiet` seconds; how much did."""
        sent = 0
        deadline = now() + timeout
        while now() < deadline:
            try:
                self._wait(select.POLLOUT, now() + quiet)
            except Timeout:
                break
            sent += self.send_some(chunk)
        return sent

    def _more(self, deadline):
        while True:
            if self.how is not None:
                raise Gone(self.how)
            if self._receive():
                return
            self._wait(select.POLLIN, deadline)

    def _need(self, size, deadline):
        while len(self.buffer) - self.taken < size:
            self._more(deadline)

    def _take(self, size):
        data = bytes(memoryview(self.buffer)[self.taken:self.taken + size])
        self.taken += size
        if self.taken > 1 << 20 or self.taken == len(self.buffer):
            del self.buffer[:self.taken]
            self.taken = 0
        return data

    def recv_some(self, timeout=None):
        """Any bytes, at least one."""
        self._need(1, now() + (PATIENCE if timeout is None else timeout))
        return self._take(len(self.buffer) - self.taken)

    def recv_exactly(self, size, timeout=None):
        self._need(size, now() + (PATIENCE if timeout is None else timeout))
        return self._take(size)

    def silent(self, seconds):
        """Assert that nothing arrives, not even the end, for that long."""
        assert len(self.buffer) == self.taken, bytes(self.buffer[self.taken:])
        assert self.how is None
        if select.select([self.sock], [], [], seconds)[0]:
            self._receive()
            raise AssertionError(f"something came: {bytes(self.buffer)!r} "
                                 f"{self.how}")

    def ending(self, timeout=None):
        """Read to the end: "eof" or "reset". The bytes are in rest."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        while self.how is None:
            if not self._receive():
                self._wait(select.POLLIN, deadline)
        self.rest = self._take(len(self.buffer) - self.taken)
        return self.how

    # ---- HTTP

    def response(self, timeout=None, body=True):
        """Read one response, with its body unless its status has none."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        while (end := self.buffer.find(b"\r\n\r\n", self.taken)) < 0:
            self._more(deadline)
        head = self._take(end + 4 - self.taken)[:-4]
        response = Response(head)
        if response.status in (101, 204, 304):
            return response
        length = response.get("Content-Length")
        coding = response.get("Transfer-Encoding")
        if coding is not None:
            if (coding, length) != ("chunked", None):
                raise Broken(f"{coding!r} and Content-Length {length!r}")
            if body:
                response.body = b"".join(self.chunks(deadline - now()))
        elif length is None or not length.isdigit():
            raise Broken(f"Content-Length {length!r}")
        elif body:
            response.body = self.recv_exactly(int(length), deadline - now())
        return response

    def chunks(self, timeout=None):
        """The chunks of a body, one after the other, to the last."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        while True:
            while (end := self.buffer.find(b"\r\n", self.taken)) < 0:
                self._more(deadline)
            line = self._take(end + 2 - self.taken)[:-2]
            if not re.fullmatch(rb"[0-9a-f]+", line):
                raise Broken(f"chunk size {line!r}")
            data = self.recv_exactly(int(line, 16) + 2, deadline - now())
            if not data.endswith(b"\r\n"):
                raise Broken(f"chunk ends in {data[-2:]!r}")
            if len(data) == 2:
                return
            yield data[:-2]

    def handshake(self, path="/", behind=b"", timeout=None, **kw):
        """Ask for the upgrade; `behind` goes out in the same write."""
        key = base64.b64encode(os.urandom(16)).decode()
        kw.setdefault("key", key)
        if self.sock.family != socket.AF_UNIX:
            host, port = self.sock.getpeername()[:2]
            host = f"[{host}]" if ":" in host else host
            kw.setdefault("host", f"{host}:{port}")
        self.send(request_head(path, **kw) + behind, timeout)
        response = self.response(timeout)
        if response.status == 101:
            self.check_101(response, kw["key"])
            if answer := response.get(EXTENSION):
                self.deflate = Deflate(answer)
        return response

    @staticmethod
    def check_101(response, key):
        digest = hashlib.sha1(key.encode() + GUID).digest()
        accept = base64.b64encode(digest).decode()
        if response.get("Sec-WebSocket-Accept") != accept:
            raise Broken("wrong Sec-WebSocket-Accept")
        if (response.get("Upgrade") or "").lower() != "websocket":
            raise Broken("no Upgrade: websocket")
        if (response.get("Connection") or "").lower() != "upgrade":
            raise Broken("no Connection: Upgrade")
        for name in "Content-Length", "Transfer-Encoding":
            if response.all(name):
                raise Broken(f"{name} in a 101")

    # ---- frames

    def send_frame(self, payload=b"", opcode=TEXT, **kw):
        self.send(frame(payload, opcode, **kw))

    def send_text(self, text, **kw):
        self.send_frame(text, TEXT, **kw)

    def send_binary(self, data, **kw):
        self.send_frame(data, BINARY, **kw)

    def send_deflated(self, data, opcode=TEXT, size=None):
        """A compressed message, in frames of that size."""
        data = data.encode() if isinstance(data, str) else data
        parts = fragments(self.deflate.deflate(data), size)
        for i, part in enumerate(parts):
            self.send_frame(part, CONTINUATION if i else opcode,
                            rsv=0 if i else 4, fin=i == len(parts) - 1)

    def send_ping(self, payload=b""):
        self.send_frame(payload, PING)

    def send_close(self, code=None, reason=b""):
        self.send_frame(close_payload(code, reason), CLOSE)

    def recv_frame(self, timeout=None):
        """The next frame, checked against RFC 6455, section 5.2."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        self._need(2, deadline)
        first, second = self.buffer[self.taken], self.buffer[self.taken + 1]
        fin, rsv, opcode = bool(first & 0x80), first >> 4 & 7, first & 15
        size, skip = second & 0x7F, 2
        if bool(second & 0x80) != self.peer_masks:
            raise Broken("masked or bare, whichever the peer must not be")
        begins = opcode in (TEXT, BINARY)
        if rsv and not (rsv == 4 and self.deflate and begins):
            raise Broken(f"reserved bits {rsv}")
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Broken(f"opcode {opcode}")
        if size >= 126:
            wide, low = (2, 126) if size == 126 else (8, 65536)
            self._need(2 + wide, deadline)
            size = int.from_bytes(
                self.buffer[self.taken + 2:self.taken + 2 + wide], "big")
            skip += wide
            if size < low or size >> 63:
                raise Broken(f"length {size} in {wide} bytes")
        if opcode >= 8 and (size > 125 or not fin):
            raise Broken("a long or fragmented control frame")
        skip += 4 * self.peer_masks
        self._need(skip + size, deadline)
        head = self._take(skip)
        self.frames += 1
        self.largest = max(self.largest, size)
        payload = self._take(size)
        if self.peer_masks:
            payload = masked(payload, head[-4:])
        if opcode < 8:
            payload = self._inflate(payload, fin, rsv, begins)
        return Frame(fin, rsv, opcode, payload)

    def _inflate(self, payload, fin, rsv, begins):
        self.wire += len(payload)
        if begins:
            self.inflating = rsv == 4
            self.deflated += self.inflating
        return self.deflate.inflate(payload, fin) if self.inflating else payload

    def _control(self, got):
        if got.opcode == PING:
            self.pings.append(got.payload)
            if self.answer_pings:
                self.send_frame(got.payload, PONG)
        elif got.opcode == PONG:
            self.pongs.append(got.payload)
        else:
            raise Closed(*parse_close(got.payload))

    def recv_fragment(self, timeout=None):
        """(opcode of the message, payload, last) of the next data frame."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        while True:
            got = self.recv_frame(deadline - now())
            if got.opcode >= 8:
                self._control(got)
                continue
            if got.opcode == CONTINUATION:
                if self.open is None:
                    raise Broken("a continuation of nothing")
            elif self.open is not None:
                raise Broken("a new message inside another")
            else:
                self.open = got.opcode
            opcode = self.open
            if got.fin:
                self.open = None
            return opcode, got.payload, got.fin

    def recv_message(self, timeout=None):
        """(opcode, payload) of the next message, whole."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        parts = []
        while True:
            opcode, payload, last = self.recv_fragment(deadline - now())
            parts.append(payload)
            if last:
                whole = b"".join(parts)
                if opcode == TEXT:
                    try:
                        whole.decode()
                    except UnicodeDecodeError as e:
                        raise Broken(f"text that is not UTF-8: {e}") from None
                return opcode, whole

    def recv_text(self, timeout=None):
        opcode, payload = self.recv_message(timeout)
        assert opcode == TEXT, f"binary: {payload[:80]!r}"
        return payload.decode()

    def recv_binary(self, timeout=None):
        opcode, payload = self.recv_message(timeout)
        assert opcode == BINARY, f"text: {payload[:80]!r}"
        return payload

    def recv_pong(self, timeout=None):
        """The payload of the next frame, which is a pong."""
        got = self.recv_frame(timeout)
        assert got.opcode == PONG, got
        return got.payload

    def recv_close(self, timeout=None):
        """(code, reason); the next thing must be the Close."""
        try:
            message = self.recv_message(timeout)
        except Closed as closed:
            return closed.code, closed.reason
        raise AssertionError(f"a message and no Close: {message!r:.200}")

    def messages(self, timeout=None):
        """([(opcode, payload)], code, reason): everything until the Close."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        got = []
        while True:
            try:
                got.append(self.recv_message(deadline - now()))
            except Closed as closed:
                return got, closed.code, closed.reason

    def texts(self, timeout=None):
        """([text], code, reason): everything until the Close."""
        got, code, reason = self.messages(timeout)
        assert all(opcode == TEXT for opcode, _ in got)
        return [payload.decode() for _, payload in got], code, reason

    def variables(self):
        """What a command that is `env` printed."""
        return dict(text.split("=", 1) for text in self.texts()[0])

    def stream(self, timeout=None):
        """(bytes, code, reason): all payloads joined until the Close."""
        deadline = now() + (PATIENCE if timeout is None else timeout)
        got = bytearray()
        while True:
            try:
                got += self.recv_fragment(deadline - now())[1]
            except Closed as closed:
                return bytes(got), closed.code, closed.reason

    def finish(self, code=None, timeout=None):
        """Answer the Close that was read; the connection must end cleanly."""
        self.send_close(code)
        how = self.ending(timeout)
        assert how == "eof" and self.rest == b"", (how, self.rest[:100])

    def bye(self, code=1000, reason=b"", timeout=None):
        """Close from our side; (messages, code, reason) until their Close."""
        self.send_close(code, reason)
        got = self.messages(timeout)
        how = self.ending(timeout)
        assert how == "eof" and self.rest == b"", (how, self.rest[:100])
        return got


# -------------------------------------------- records of --framing=frames


def record(kind, payload=b""):
    if isinstance(payload, str):
        payload = payload.encode()
    return kind.encode() + struct.pack(">I", len(payload)) + payload


def records(data):
    """[(type, payload)] of a byte string that holds whole records."""
    found = []
    while data:
        assert len(data) >= 5, f"a cut record: {data!r}"
        size = struct.unpack(">I", data[1:5])[0]
        assert len(data) >= 5 + size, f"a cut record: {data[:80]!r}"
        found.append((chr(data[0]), data[5:5 + size]))
        data = data[5 + size:]
    return found


def joined(recs):
    """The same with parts (t, b) put together: [(T or B, payload)]."""
    whole, parts = [], b""
    for kind, payload in recs:
        if kind in "tb":
            parts += payload
        elif kind in "TB":
            whole.append((kind, parts + payload))
            parts = b""
        else:
            whole.append((kind, payload))
    return whole
