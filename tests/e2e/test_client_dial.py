"""How the client gets a connection: URLs, names, addresses, sockets."""

import contextlib
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from daemon import Daemon
from network import Network
from proc import STANDPIPE, standpipe

ECHO = ["head", "-n", "1"]  # and it ends


@pytest.mark.parametrize("url, said", [
    ("localhost:8080/a", "did you mean ws://localhost:8080/a?"),
    ("/run/a.sock", "did you mean ws+unix:/run/a.sock?"),
    ("ftp://a", "not a URL of a WebSocket"),
    ("ws:/a", "two slashes belong behind the colon"),
    ("ws://a/#b", "a fragment"),
    ("ws://\u00e9.org/", "xn--"),
    ("ws://[::1", "no IPv6 address"),
    ("ws://::1/", "[::1]:80"),
    ("ws://a:0/", "1 to 65535"),
])
def test_C1_what_is_wrong_with_a_url(url, said):
    r = standpipe(url)
    assert r.returncode == 2
    assert r.stderr.decode().startswith(f"standpipe: {url}: ")
    assert said in r.stderr.decode()


def test_a_password_in_a_url_is_not_repeated():
    r = standpipe("ws://me:secret@a:0/")
    assert r.returncode == 2
    assert b"secret" not in r.stderr


def test_the_url_says_path_and_query():
    with Daemon(command=["sh", "-c", 'echo "$REQUEST_URI"']) as d:
        r = standpipe(f"HTTP://127.0.0.1:{d.port}?a=%62", input=b"")
    assert (r.stdout, r.stderr, r.returncode) == (b"/?a=%62\n", b"", 0)


# ------------------------------------------------- addresses


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "my.localhost",
                                  "127.0.0.1"])
def test_S8_loopback_has_names(host):
    with Daemon(command=ECHO) as d:
        r = standpipe(f"ws://{host}:{d.port}/", input=b"hello\n")
    assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)


def test_an_ipv6_address():
    with Daemon(address="::1", command=ECHO) as d:
        r = standpipe(f"ws://[::1]:{d.port}/", input=b"hello\n")
    assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)


@pytest.mark.parametrize("scheme, rest", [("ws+unix:", ":/there?x"),
                                          ("ws+unix://", "")])
def test_a_unix_socket(tmp_path, scheme, rest):
    path = tmp_path / "a:b.sock"
    with Daemon(address=None, unixsocket=path,
                command=["sh", "-c", 'echo "$REQUEST_URI"; head -n 1']):
        r = standpipe(f"{scheme}{tmp_path}/a%3ab.sock{rest}", input=b"x\n")
    target = rest[1:].encode() or b"/"
    assert (r.stdout, r.stderr, r.returncode) == (target + b"\nx\n", b"", 0)


def test_nobody_at_a_unix_socket(tmp_path):
    r = standpipe(f"ws+unix:{tmp_path}/none")
    assert r.returncode == 69
    assert b"/none: No such file" in r.stderr


def test_C1_a_name_that_cannot_exist():
    r = standpipe("ws://some.invalid/")
    assert r.returncode == 68
    assert r.stderr.startswith(b"standpipe: some.invalid: its name was not")


@contextlib.contextmanager
def silent(host, port, family=socket.AF_INET6):
    """An address that takes no more connections, and does not say so."""
    with socket.socket(family) as full, contextlib.ExitStack() as stack:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((host, port))
        full.listen(0)
        while True:
            c = stack.enter_context(socket.socket(family))
            c.settimeout(0.2)
            try:
                c.connect((host, port))
            except TimeoutError:
                break
        yield


def test_S8_an_address_that_is_silent_holds_nobody_up():
    with Daemon(command=ECHO) as d, silent("::1", d.port):
        r = standpipe(f"ws://localhost:{d.port}/", input=b"hello\n")
    assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)


def test_S8_one_family_alone():
    with Daemon(command=ECHO) as d, silent("::1", d.port):
        url = f"ws://localhost:{d.port}/"
        r = standpipe("-4", url, input=b"hello\n")
        assert (r.stdout, r.returncode) == (b"hello\n", 0)
        r = standpipe("-6", "--connect-timeout=100ms", url)
        assert (r.stdout, r.returncode) == (b"", 75)
        assert b"no connection within --connect-timeout=100ms" in r.stderr


def test_S8_every_address_is_tried():
    with Daemon() as d:
        url = f"ws://localhost:{d.port}/"
    r = standpipe(url)
    assert r.returncode == 69
    assert b"cannot connect to any of its 2 addresses" in r.stderr
    assert b"refused" in r.stderr


# ------------------------------------------------- names


def named(hosts, resolv, *args, **kw):
    """The client, where these are what the system knows of names."""
    script = ('for i in hosts resolv.conf nsswitch.conf; do'
              ' mount --bind "$0/$i" "/etc/$i" || exit; done; exec "$@"')
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("hosts", hosts), ("resolv.conf", resolv),
                           ("nsswitch.conf", "hosts: files dns\n")):
            Path(folder, name).write_text(text)
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", script, folder, str(STANDPIPE),
             *map(str, args)], capture_output=True, timeout=30, **kw)


def test_S8_the_third_address_of_a_name():
    with Daemon(command=ECHO) as d:
        r = named("127.0.0.2 three.test\n127.0.0.3 three.test\n"
                  "127.0.0.1 three.test\n", "",
                  f"ws://three.test:{d.port}/", input=b"hello\n")
    assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)


@contextlib.contextmanager
def names(answer=None):
    """A server of names on a network of its own; None: it never answers."""
    with Network(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 53))

        def serve():
            while True:
                query, peer = s.recvfrom(512)
                if not query:
                    return
                s.sendto(query[:2] + answer + query[4:], peer)

        if answer is None:
            yield
            return
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        s.sendto(b"", s.getsockname())
        thread.join()


def test_C1_a_name_that_does_not_exist():
    with names(b"\x81\x83"):
        r = named("", "nameserver 127.0.0.1\n", "ws://nobody.test/")
    assert r.returncode == 68
    assert b"nobody.test: its name was not found: " in r.stderr


def test_S8_nobody_knows_the_name_in_time():
    with names():
        r = named("", "nameserver 127.0.0.1\n", "--connect-timeout=100ms",
                  "ws://slow.test/")
    assert r.returncode == 75
    assert b"not found within --connect-timeout=100ms" in r.stderr
