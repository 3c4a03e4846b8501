"""Small proxies that lead to wherever they are asked for.

    with ConnectProxy() as proxy:
        r = standpipe(f"--proxy={proxy.url}", d.url)
    assert proxy.asked == [("127.0.0.1", d.port)]
"""

import base64
import socket
import struct
import threading

from proc import PATIENCE


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Proxy:
    """asked  hosts and ports, as they were asked for
    users  whoever said who they are, as USER:PASSWORD
    """

    scheme = None

    def __init__(self, user=None, lead_to="127.0.0.1"):
        self.user = user
        self.lead_to = lead_to
        self.asked = []
        self.users = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.settimeout(PATIENCE)
            threading.Thread(target=self._lead, args=(client,),
                             daemon=True).start()

    def _lead(self, client):
        with client, client.makefile("rb", buffering=0) as file:
            self.client, self.file = client, file
            where = self.greet(client, file)
            if where is None:
                return
            self.asked.append(where)
            try:
                server = socket.create_connection((self.lead_to, where[1]))
            except OSError:
                self.refuse(client)
                return
            with server:
                self.agree(client)
                back = threading.Thread(target=pump, args=(server, client))
                back.start()
                pump(client, server)
                back.join()


class ConnectProxy(Proxy):
    """HTTP's CONNECT. answer: what it says instead of being of use."""

    scheme = "http"

    def __init__(self, answer=None, interim=b"", **kw):
        super().__init__(**kw)
        self.answer = answer
        self.interim = interim

    def greet(self, client, file):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = file.read(1)
            if not byte:
                return None
            head += byte
        lines = head.decode().split("\r\n")
        method, target, _ = lines[0].split()
        fields = dict(line.split(": ", 1) for line in lines[1:] if line)
        assert method == "CONNECT" and fields["Host"] == target
        user = fields.get("Proxy-Authorization")
        if user is not None:
            self.users.append(base64.b64decode(user.split()[1]).decode())
        if self.answer is None and self.user not in (None, *self.users):
            self.answer = (b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                           b"Content-Length: 0\r\n\r\n")
        if self.answer is not None:
            client.sendall(self.answer)
            return None
        host, _, port = target.rpartition(":")
        return host, int(port)

    def agree(self, client):
        client.sendall(self.interim + b"HTTP/1.1 200 Go on\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n")

    def refuse(self, client):
        client.sendall(b"HTTP/1.1 502 Nobody There\r\n\r\n")


class SocksProxy(Proxy):
    """SOCKS5."""

    scheme = "socks5"

    def greet(self, client, file):
        def take(n):
            return file.read(n)

        version, n = take(2)
        methods = take(n)
        assert version == 5 and 0 in methods
        client.sendall(b"\5\2" if self.user else b"\5\0")
        if self.user:
            if 2 not in methods:
                return None
            _, n = take(2)
            user = take(n)
            n, = take(1)
            self.users.append((user + b":" + take(n)).decode())
            ok = self.users[-1] == self.user
            client.sendall(b"\1\0" if ok else b"\1\1")
            if not ok:
                return None
        version, command, _, kind = take(4)
        assert (version, command) == (5, 1)
        if kind == 3:
            n, = take(1)
            host = take(n).decode()
        else:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            host = socket.inet_ntop(family, take(4 if kind == 1 else 16))
        return host, struct.unpack(">H", take(2))[0]

    def agree(self, client):
        client.sendall(b"\5\0\0\1" + bytes(6))

    def refuse(self, client):
        client.sendall(b"\5\5\0\1" + bytes(6))
