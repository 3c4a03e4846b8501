"""How the client gets a connection: URLs, names, addresses, sockets."""

import pytest

from standpipe import Daemon, standpipe


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
