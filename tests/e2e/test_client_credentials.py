"""What the client's requests hold, and what it keeps to itself."""

import base64
import os
import signal

import pytest

from answers import CLOSE_1000, Answers, agree
from proc import standpipe
from terminal import Terminal


def polite(head):
    return agree(head, more=CLOSE_1000)


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


def ask(*args, env=None, **popen):
    """The request of a client with those options."""
    with Answers(polite) as a:
        r = standpipe("-n", *args, a.url, env=env, **popen)
        assert (r.stderr, r.returncode) == (b"", 0)
        a.head
        return a


def refused(*args, env=None):
    """What is said of options that cannot be used; nobody is connected to."""
    r = standpipe("-n", *args, "ws://127.0.0.1:9/", env=env)
    assert r.returncode == 2 and r.stdout == b""
    return r.stderr.decode()


@pytest.fixture
def secret(tmp_path):
    """A file that only we may read, with that text."""
    def write(text, name="secret", mode=0o600):
        path = tmp_path / name
        path.write_bytes(text.encode("latin-1"))
        path.chmod(mode)
        return path
    return write


def test_nothing_is_said_that_nobody_asked_for():
    head = ask("--no-standpipe-protocol").head
    names = [line.split(":")[0] for line in head.strip().split("\r\n")[1:]]
    assert sorted(names) == [
        "Connection", "Host", "Sec-WebSocket-Extensions", "Sec-WebSocket-Key",
        "Sec-WebSocket-Version", "Upgrade"] or \
        sorted(names) == ["Connection", "Host", "Sec-WebSocket-Key",
                          "Sec-WebSocket-Version", "Upgrade"]


MARK = "\xef\xbb\xbf"  # as bytes: what some editors put in front of UTF-8


def test_fault_W11_a_mark_of_utf8_is_no_part_of_a_file(secret):
    for option, text, field, value in [
            ("-H@", "X-A: b\n", "x-a", "b"),
            ("--cookie-file=", "a=b\n", "cookie", "a=b"),
            ("--bearer-file=", "abc\n", "authorization", "Bearer abc"),
            ("--user-file=", "a:b\n", "authorization", basic("a:b"))]:
        a = ask(f"{option}{secret(MARK + text)}")
        assert a.fields(field) == [value], option
    netrc = secret(f"{MARK}machine 127.0.0.1 login a password b\n")
    assert ask(f"--netrc-file={netrc}").fields("authorization") == [
        basic("a:b")]


def test_fields_of_the_command_line_and_of_a_file(secret):
    path = secret("# ours\nX-Two: 2\r\n\nX-Three:  3 \n")
    a = ask("-H", "X-One: 1", "--header=X-One: again", f"-H@{path}")
    assert a.fields("x-one") == ["1", "again"]
    assert a.fields("x-two") == ["2"] and a.fields("x-three") == ["3"]


def test_host_may_be_another():
    a = ask("-H", "Host: example.org:81")
    assert a.fields("host") == ["example.org:81"]


@pytest.mark.parametrize("text", [
    "X: a\r\nY: b", "X: a\nY: b", "Upgrade: x", "connection: close",
    "Sec-WebSocket-Key: x", "Sec-WebSocket-Protocol: x", "no colon",
    "Content-Length: 1"])
def test_fields_cannot_be_smuggled(text, secret):
    assert "--header=" in refused("-H", text)
    if "\n" not in text:
        assert "secret:2: not NAME: VALUE" in refused(
            f"-H@{secret('X: y' + chr(10) + text)}")


@pytest.mark.parametrize("args, why", [
    (["-H", "Host: a", "-H", "Host: b"], "it is there twice"),
    (["-H", "Host: a/b"], "not a host"),
    (["-H", "Origin: http://a", "--origin=http://a"], "Origin is asked for"),
    (["-H", "Cookie: a=b", "--cookie=a=b"], "Cookie is asked for twice"),
    (["-H@/nonexistent"], "/nonexistent: No such file"),
    ([f"-HX: {n}" for n in range(65)], "more than 64 header fields")])
def test_what_excludes_itself_is_said(args, why):
    assert why in refused(*args)


def test_origin_subprotocols_and_cookies(secret):
    path = secret("c=d\n# no\ne=f\n")
    a = ask("-o", "https://example.org", "--cookie=a=b",
            f"--cookie-file={path}")
    assert a.fields("origin") == ["https://example.org"]
    assert a.fields("cookie") == ["a=b; c=d; e=f"]
    with Answers(polite) as a:
        r = standpipe("-n", "-sone,two", "--no-standpipe-protocol", a.url)
        assert a.fields("sec-websocket-protocol") == ["one, two"]
    assert r.returncode == 0


# ------------------------------------------------------------ who we are


def test_a_user_from_a_file(secret):
    path = secret("me:pass:word \n")
    assert ask("-u", path).fields("authorization") == [basic("me:pass:word ")]


def test_a_token_from_a_descriptor():
    r, w = os.pipe()
    os.write(w, b"abc.def==\n")
    os.close(w)
    try:
        a = ask(f"--bearer-file=fd:{r}", pass_fds=[r])
    finally:
        os.close(r)
    assert a.fields("authorization") == ["Bearer abc.def=="]


@pytest.mark.parametrize("option, text, why", [
    ("user-file", "nobody", "not one line USER:PASSWORD"),
    ("user-file", "me:pass\nyou:word\n", "not one line USER:PASSWORD"),
    ("user-file", "", "not one line"),
    ("user-file", "me:\x01", "not one line"),
    ("user-file", "me:a\0b", "Invalid"),
    ("bearer-file", "a b", "not one line with a token"),
    ("bearer-file", "x" * 70000, "too large")])
def test_a_secret_that_is_none_is_not_repeated(option, text, why, secret):
    said = refused(f"--{option}={secret(text)}")
    assert why in said
    assert not text or text[:5] not in said.replace("nobody'", "")


def test_a_file_that_everybody_may_read_is_told_of(secret):
    path = secret("me:pass", mode=0o644)
    with Answers(polite) as a:
        r = standpipe("-n", "-u", path, a.url)
        assert a.fields("authorization") == [basic("me:pass")]
    assert b"everybody may read it" in r.stderr and b"pass" not in r.stderr
    with Answers(polite) as a:
        assert standpipe("-nq", "-u", path, a.url).stderr == b""


NETRC = """# hosts
machine example.org login you password other
machine 127.0.0.1
    login me password "pass \\"word"
machine 127.0.0.1 login second password 2
default login any password one
"""


def test_netrc_knows_who_we_are(secret, tmp_path):
    path = secret(NETRC, ".netrc")
    want = [basic('me:pass "word')]
    assert ask(f"--netrc-file={path}").fields("authorization") == want
    env = dict(os.environ, HOME=str(tmp_path))
    env.pop("NETRC", None)
    assert ask("-N", env=env).fields("authorization") == want
    env = dict(os.environ, NETRC=str(path))
    assert ask("--netrc", env=env).fields("authorization") == want
    assert ask().fields("authorization") == []


def test_a_netrc_without_that_host_is_no_fault(secret):
    path = secret("machine example.org login a password b")
    assert ask(f"--netrc-file={path}").fields("authorization") == []


def test_a_netrc_that_is_none(secret):
    path = secret("machine example.org\nlogin a\npassword", "rc")
    assert "rc:3: a word is missing" in refused(f"--netrc-file={path}")


def test_a_user_in_the_url(secret):
    path = secret(NETRC)
    with Answers(polite) as a:
        url = a.url.replace("ws://", "ws://second@")
        r = standpipe("-n", f"--netrc-file={path}", url)
        assert a.fields("authorization") == [basic("second:2")]
    assert (r.stderr, r.returncode) == (b"", 0)


def test_a_password_in_the_url_is_refused():
    r = standpipe("-n", "ws://me:hush@127.0.0.1:9/")
    assert r.returncode == 2
    assert b"the URL holds a password" in r.stderr
    assert b"hush" not in r.stderr


def test_a_password_is_asked_for_at_the_terminal():
    with Answers(polite) as a:
        with Terminal("-n", a.url.replace("ws://", "ws://me@")) as t:
            t.shows("Password of me at 127.0.0.1:")
            t.type("se cret\r")
            assert t.ends() == 0
            assert b"cret" not in t.raw
        assert a.fields("authorization") == [basic("me:se cret")]


def test_C7_an_interrupted_question_leaves_the_terminal_as_it_was():
    with Terminal("-n", "ws://me@127.0.0.1:9/") as t:
        t.shows("Password of me at 127.0.0.1:")
        t.type("half\x03")
        assert t.ends() == -signal.SIGINT


def test_without_a_terminal_nobody_can_be_asked():
    r = standpipe("-n", "ws://me@127.0.0.1:9/", start_new_session=True)
    assert r.returncode == 2
    assert b"the URL names me, whose password is nowhere" in r.stderr


def test_secrets_are_in_no_word_of_ours(secret):
    """What ps shows: /proc/PID/cmdline is what we were started with."""
    path = secret("me:hush-hush")
    with Answers(polite) as a:
        r = standpipe("-v", "-n", "-u", path, a.url)
    assert b"hush" not in r.stderr and basic("me:hush-hush").encode() \
        not in r.stderr
