"""Redirects: followed when asked for, and with nothing that is not theirs."""

import pytest

from answers import CLOSE_1000, Answers, agree
from proc import standpipe


def polite(head):
    return agree(head, more=CLOSE_1000)


def sent_to(location, status=b"302 Found"):
    return (b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nLocation: "
            + location.encode() + b"\r\n\r\n")


def test_C4_a_redirect_is_shown_and_not_followed():
    with Answers(sent_to("ws://elsewhere.invalid/")) as a:
        r = standpipe("-n", a.url)
    assert r.returncode == 77
    assert r.stderr == (b"standpipe: 127.0.0.1: refused: 302 Found\n"
                        b"  Location: ws://elsewhere.invalid/\n")


@pytest.mark.parametrize("status", [
    b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary",
    b"308 Permanent"])
def test_it_is_followed_with_location(status):
    with Answers(polite) as b, Answers(
            sent_to(b.url.replace("ws:", "http:") + "x?y", status)) as a:
        r = standpipe("-nL", a.url)
        assert b.head.startswith("GET /x?y HTTP/1.1\r\n")
        assert b.fields("host") == [f"127.0.0.1:{b.port}"]
    assert (r.stderr, r.returncode) == (b"", 0)


def test_it_may_be_relative_and_repeated():
    with Answers(sent_to("../one"), sent_to("?two"), polite) as a:
        r = standpipe("-nLv", a.url + "deep/er")
    targets = [head.split(b" ")[1] for head in a.heads]
    assert targets == [b"/deep/er", b"/one", b"/one?two"]
    assert r.returncode == 0
    assert b"standpipe: sent on with 302 to ?two\n" in r.stderr


def test_credentials_stay_with_whom_they_are_for(tmp_path):
    secret = tmp_path / "user"
    secret.write_text("me:hush")
    secret.chmod(0o600)
    mine = ["-u", secret, "--cookie=a=b", "-H", "X-Key: 1", "-H", "Host: h"]
    with Answers(sent_to("/again"), polite) as a:
        assert standpipe("-nL", *mine, a.url).returncode == 0
    for head in a.heads:
        assert b"Authorization: Basic bWU6aHVzaA==\r\n" in head
        assert b"Cookie: a=b\r\n" in head and b"Host: h\r\n" in head
    with Answers(polite) as b, Answers(sent_to(b.url)) as a:
        assert standpipe("-nL", *mine, a.url).returncode == 0
        assert b.fields("host") == [f"127.0.0.1:{b.port}"]
        for name in "authorization", "cookie", "x-key":
            assert b.fields(name) == [] and a.fields(name) != []


@pytest.mark.parametrize("location, why", [
    ("ftp://x/", "not a URL of a WebSocket"),
    ("ws+unix:/run/x.sock", "not a URL of a WebSocket"),
    ("ws://a b/", "")])
def test_what_cannot_be_followed_is_said(location, why):
    with Answers(sent_to(location)) as a:
        r = standpipe("-nL", a.url)
    assert r.returncode == 77
    assert r.stderr.startswith(
        f"standpipe: 127.0.0.1: sent on to {location}: {why}".encode())


def test_it_does_not_go_round_for_ever():
    with Answers(*[sent_to("/again")] * 4) as a:
        r = standpipe("-nL", "--max-redirects=3", a.url)
    assert r.returncode == 77
    assert b"sent on more than 3 times" in r.stderr
    assert len(a.heads) == 4
