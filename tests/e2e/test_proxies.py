"""nginx, Caddy and HAProxy in front, each with its file of contrib/proxy.

Each test has a network of its own, where the ports of those files are free, and
the proxies run as nobody. The client comes from another address of loopback.
"""

import asyncio
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest

from daemon import Daemon
from network import Network
from proc import HERE, PATIENCE, Timeout, environment, now, pause
from wire import Client

websockets = pytest.importorskip("websockets")

pytestmark = pytest.mark.once(
    "what proxies send is sent by the tests of HTTP, TLS and names, too")

SNIPPETS = HERE.parents[1] / "contrib" / "proxy"
SITE = "www.example.org"
CLIENT = "127.0.0.5"
PLAIN, TLS = 8000, 8443
NOBODY = 65534

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr;
events {{ }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{plain};
		listen 127.0.0.1:{tls} ssl;
		server_name {site};
		ssl_certificate {folder}/pem;
		ssl_certificate_key {folder}/pem;
		include {snippets}/nginx.conf;
	}}
}}
"""

CADDY = """
{{
	admin off
	auto_https off
}}
import {snippets}/Caddyfile
http://{site}:{plain} {{
	bind 127.0.0.1
	import standpipe
}}
https://{site}:{tls} {{
	bind 127.0.0.1
	tls {folder}/pem {folder}/pem
	import standpipe
}}
"""

HAPROXY = """
global
	maxconn 100
defaults
	timeout client 90s
	mode {mode}
frontend plain
	bind 127.0.0.1:{plain}
	default_backend {backend}
frontend tls
	bind 127.0.0.1:{tls} ssl crt {folder}/pem
	default_backend {backend}
"""


class Proxy:
    """A proxy with a configuration of ours that includes the one to test."""

    def __init__(self, name, backend=None, changes=None):
        self.program = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
        if self.program is None:
            if os.environ.get("STANDPIPE_STRICT"):
                pytest.fail(f"{name} is missing")
            pytest.skip(f"{name} is missing")
        self.name = name
        self.backend = backend
        self.changes = changes or {}

    def words(self, folder):
        conf = folder / "conf"
        values = {"folder": folder, "snippets": folder, "site": SITE,
                  "plain": PLAIN, "tls": TLS, "backend": self.backend,
                  "mode": "http" if self.backend == "standpipe" else "tcp"}
        if self.name == "nginx":
            conf.write_text(NGINX.format(**values))
            return ["-p", folder, "-e", "stderr", "-c", conf]
        if self.name == "caddy":
            conf.write_text(CADDY.format(**values))
            return ["run", "--config", conf, "--adapter", "caddyfile"]
        conf.write_text(HAPROXY.format(**values))
        return ["-db", "-f", conf, "-f", folder / "haproxy.cfg"]

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp())
        make_certificate(self.folder)
        for file in SNIPPETS.iterdir():
            text = file.read_text()
            for old, new in self.changes.items():
                text = text.replace(old, new)
            (self.folder / file.name).write_text(text)
        words = self.words(self.folder)
        for path in self.folder, *self.folder.iterdir():
            os.chown(path, NOBODY, NOBODY)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [self.program, *map(str, words)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, user=NOBODY, group=NOBODY,
                extra_groups=[], cwd=self.folder,
                env=environment(HOME=str(self.folder), XDG_DATA_HOME=None,
                                XDG_CONFIG_HOME=None))
        try:
            for port in PLAIN, TLS:
                self.wait_for(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_for(self, port):
        deadline = now() + PATIENCE
        while True:
            try:
                Client(("127.0.0.1", port)).close()
                return
            except ConnectionRefusedError:
                pass
            if self.process.poll() is not None or now() > deadline:
                raise Timeout((self.folder / "log").read_text())
            pause(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        print((self.folder / "log").read_text())
        shutil.rmtree(self.folder)


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder / "key",
         "-out", folder / "crt", "-days", "2", "-subj", f"/CN={SITE}",
         "-addext", f"subjectAltName=DNS:{SITE}"],
        check=True, capture_output=True)
    (folder / "pem").write_bytes((folder / "crt").read_bytes() +
                                 (folder / "key").read_bytes())


PROXY_PROTOCOL = "standpipe-proxy-protocol"
PROXIES = {"nginx": ("nginx", None), "caddy": ("caddy", None),
           "haproxy": ("haproxy", "standpipe"),
           "haproxy-proxy": ("haproxy", PROXY_PROTOCOL)}


@pytest.fixture(params=PROXIES)
def proxy(request):
    if os.geteuid() != 0:
        pytest.skip("not root")
    with Network(), Proxy(*PROXIES[request.param]) as p:
        yield p


def daemon(proxy, *options, command=("cat",)):
    """The standpiped that the file of the proxy asks for."""
    options = ["--trusted-proxy=127.0.0.1", f"--server-name={SITE}", *options]
    if proxy.backend != PROXY_PROTOCOL:
        return Daemon(*options, port=8080, command=command)
    d = Daemon(listeners=1)
    d.args[1:] = ["--listen=proxy:127.0.0.1:8081", *options, "--", *command]
    return d


class Visit:
    """A WebSocket through the proxy, from CLIENT."""

    def __init__(self, proxy, tls, headers=(), origin=None, path="/"):
        self.scheme = "wss" if tls else "ws"
        self.port = TLS if tls else PLAIN
        self.headers = list(headers)
        self.origin = origin
        self.path = path
        self.more = {}
        if tls:
            self.more["ssl"] = ssl.create_default_context(
                cafile=proxy.folder / "crt")
            self.more["server_hostname"] = SITE

    def run(self, script):
        async def main():
            async with websockets.connect(
                    f"{self.scheme}://{SITE}:{self.port}{self.path}",
                    host="127.0.0.1", port=self.port,
                    local_addr=(CLIENT, 0), origin=self.origin,
                    extra_headers=self.headers, open_timeout=PATIENCE,
                    max_size=None, **self.more) as ws:
                return await asyncio.wait_for(script(ws), PATIENCE)

        return asyncio.run(main())

    def refused(self):
        """The status of the answer."""
        async def nothing(_):
            pass

        with pytest.raises(websockets.InvalidStatusCode) as e:
            self.run(nothing)
        return e.value.status_code


async def variables(ws):
    return dict([line.split("=", 1) async for line in ws])


TLS_OR_NOT = pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])

LIES = [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "for=192.0.2.1;proto=https;host=evil.example"),
        ("X-Real-IP", "192.0.2.1")]


@TLS_OR_NOT
@pytest.mark.parametrize("headers", [[], LIES], ids=["honest", "lying"])
def test_H25_the_client_is_the_client(proxy, tls, headers):
    if proxy.backend == PROXY_PROTOCOL and headers:
        # Nobody takes them out; what disagrees is refused.
        headers = []
    with daemon(proxy, command=["env"]) as d:
        got = Visit(proxy, tls, headers, path="/a?b=c").run(variables)
        assert got["REMOTE_ADDR"] == got["REMOTE_HOST"] == CLIENT
        assert got["SERVER_NAME"] == SITE
        assert got["REQUEST_URI"] == "/a?b=c"
        if proxy.backend != PROXY_PROTOCOL:
            assert got.get("HTTPS") == ("on" if tls else None)
        assert d.session_end()["peer"].startswith(CLIENT)


@TLS_OR_NOT
def test_H11_pages_of_the_site_may_connect(proxy, tls):
    async def echo(ws):
        await ws.send("x")
        return await ws.recv()

    scheme, port = ("https", TLS) if tls else ("http", PLAIN)
    with daemon(proxy):
        assert Visit(proxy, tls, origin=f"{scheme}://{SITE}:{port}").run(
            echo) == "x"
        assert Visit(proxy, tls).run(echo) == "x"
        for origin in ("https://evil.example", f"{scheme}://{SITE}:1",
                       f"{scheme}://evil.{SITE}:{port}", "null"):
            assert Visit(proxy, tls, origin=origin).refused() == 403
        if tls and proxy.backend != PROXY_PROTOCOL:
            # That page came without TLS.
            assert Visit(proxy, tls,
                         origin=f"http://{SITE}:{TLS}").refused() == 403


@TLS_OR_NOT
def test_H11_lies_open_no_door(proxy, tls):
    lies = [("X-Forwarded-Host", "evil.example"),
            ("Forwarded", "host=evil.example")]
    with daemon(proxy):
        status = Visit(proxy, tls, lies,
                       origin="https://evil.example").refused()
        assert status in (400, 403)


@TLS_OR_NOT
def test_messages_pass(proxy, tls):
    async def script(ws):
        for message in ("text", "äöü€😀", b"\xff\0", "", b"", "x" * (1 << 20),
                        bytes(1 << 20)):
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(iter(["one ", "two ", "three"]))
        assert await ws.recv() == "one two three"
        await (await ws.ping(b"hello"))

    with daemon(proxy, "--framing=frames", "--max-message=4M"):
        Visit(proxy, tls).run(script)


@TLS_OR_NOT
def test_close_codes_pass(proxy, tls):
    async def ended(ws):
        await ws.wait_closed()
        return ws.close_code, ws.close_reason

    async def closing(ws):
        await ws.send("x")
        await ws.recv()
        await ws.close(4321, "bye")
        return ws.close_code

    with daemon(proxy, command=["sh", "-c", "exit 3"]):
        assert Visit(proxy, tls).run(ended) == (4003, "exit status 3")
    with daemon(proxy) as d:
        assert Visit(proxy, tls).run(closing) == 4321
        end = d.session_end()
        assert (end["close"], end["reason"]) == ("4321", "bye")


def test_output_comes_when_it_is_printed(proxy):
    async def script(ws):
        for i in range(5):
            await ws.send(str(i))
            assert await ws.recv() == str(i)

    with daemon(proxy):
        Visit(proxy, True).run(script)


@TLS_OR_NOT
def test_a_page_passes(proxy, tls):
    with daemon(proxy, "--console"):
        c = http.client.HTTPConnection(SITE, TLS if tls else PLAIN)
        c.sock = socket.create_connection(
            ("127.0.0.1", c.port), PATIENCE, source_address=(CLIENT, 0))
        if tls:
            context = ssl.create_default_context(cafile=proxy.folder / "crt")
            c.sock = context.wrap_socket(c.sock, server_hostname=SITE)
        for _ in range(2):  # both on one connection
            c.request("GET", "/")
            answer = c.getresponse()
            assert answer.status == 200 and b"<script" in answer.read()
        c.close()


@pytest.mark.parametrize("name, old, new", [
    ("nginx", "http://127.0.0.1:8080", "http://unix:{}"),
    ("caddy", "127.0.0.1:8080", "unix/{}"),
    ("haproxy", "127.0.0.1:8080", "{}")])
def test_over_a_unix_socket(name, old, new):
    if os.geteuid() != 0:
        pytest.skip("not root")
    path = tempfile.mktemp()
    with Network(), Proxy(name, "standpipe", {old: new.format(path)}) as p, \
            Daemon("--unixsocket-owner=:nogroup", "--unixsocket-mode=0660",
                   "--trusted-proxy=unix", f"--server-name={SITE}",
                   unixsocket=path, command=["env"]):
        got = Visit(p, True, LIES, origin=f"https://{SITE}:{TLS}").run(
            variables)
        assert (got["REMOTE_ADDR"], got["HTTPS"]) == (CLIENT, "on")
        assert Visit(p, True, origin="https://evil.example").refused() == 403
