"""What websocketd's programs rely on, and what was wrong for them there."""

import re

import pytest

from network import Websocketd
from proc import SANITIZED, handler, memory, stat, until
from wire import frame

pytestmark = pytest.mark.usefixtures("own_network")

PORT = "--port=8080"


def variables(d, path="/", **kw):
    with d.session(path, **kw) as c:
        return c.variables()


def test_variables():
    with Websocketd(PORT, "env", env={"LD_LIBRARY_PATH": None}) as d:
        got = variables(d, "/a%20b/c?x=1&y=%20", host="host.example:99",
                        headers=[("X-Foo", "1"), ("X-Foo", "2"),
                                 ("User-Agent", "t")])
    for name in "UNIQUE_ID", "REMOTE_PORT", "PATH":
        assert got.pop(name)
    software = got.pop("SERVER_SOFTWARE")  # fault_G5
    assert re.fullmatch(r"websocketd/[\d.]+ standpipe/[\d.]+", software)
    for name in "PWD", "SHLVL", "_", "LC_CTYPE":
        got.pop(name, None)  # the shell's own
    for name in [name for name in got if name.startswith(("LANG", "LC_"))]:
        del got[name]  # UTF-8, which websocketd leaves to chance
    for name in [name for name in got if name.startswith("HTTP_SEC_")]:
        del got[name]
    assert got == {
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_HOST": "127.0.0.1",
        "SERVER_NAME": "host.example", "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1", "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/", "PATH_INFO": "/a b/c",
        "PATH_TRANSLATED": "/a b/c", "QUERY_STRING": "x=1&y=%20",
        "REQUEST_URI": "/a%20b/c?x=1&y=%20",
        "AUTH_TYPE": "", "CONTENT_LENGTH": "", "CONTENT_TYPE": "",
        "REMOTE_IDENT": "", "REMOTE_USER": "",
        "HTTP_HOST": "host.example:99", "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade", "HTTP_X_FOO": "1, 2",
        "HTTP_USER_AGENT": "t", "STANDPIPE_FRAMING": "lines"}


def test_variables_of_a_unix_socket(tmp_path):
    path = f"{tmp_path}/s"
    with Websocketd(f"--unixsocket={path}", "env", listeners=1,
                    unixsocket=path) as d:
        got = variables(d)
    assert (got["REMOTE_ADDR"], got["REMOTE_HOST"], got["REMOTE_PORT"]) == (
        "unix-socket", "unix-socket", "")


def test_variables_under_dir(tmp_path, script):
    (tmp_path / "scripts").mkdir()
    script("#!/bin/sh\nenv\n", "scripts/env.sh")
    with Websocketd(PORT, f"--dir={tmp_path}/scripts") as d:
        got = variables(d, "/env.sh/more%20path?q")
    assert got["SCRIPT_NAME"] == "/env.sh"
    assert got["PATH_INFO"] == "/more path"
    assert got["PATH_TRANSLATED"] == "/env.sh/more path"
    assert got["QUERY_STRING"] == "q" and got["REMOTE_USER"] == ""


def test_P26_P27_no_proxy_and_no_underscores():
    with Websocketd(PORT, "env") as d:
        got = variables(d, headers=[("Proxy", "evil"), ("X_Foo", "evil"),
                                    ("X-Foo", "1")])
    assert "HTTP_PROXY" not in got and got["HTTP_X_FOO"] == "1"


def test_P28_cookies_are_joined_as_cookies():
    with Websocketd(PORT, "env") as d:
        got = variables(d, headers=[("Cookie", "a=1"), ("Cookie", "b=2")])
    assert got["HTTP_COOKIE"] == "a=1; b=2"


def test_P1_the_last_line_without_a_newline():
    with Websocketd(PORT, "printf", "one\\r\\n\\ntwo") as d:
        with d.session() as c:
            texts, code, _ = c.texts()
            assert (texts, code) == (["one", "", "two"], 1000)
            c.finish(code)


def test_P2_a_long_line_of_stderr_stops_nothing():
    line = "head -c 300000 /dev/zero | tr '\\0' x >&2; echo done"
    with Websocketd(PORT, "sh", "-c", line) as d, d.session() as c:
        assert c.recv_text() == "done"
        assert c.recv_close()[0] == 1000


def test_P3_who_closes_its_output_may_go_on(mailbox):
    with Websocketd(PORT, handler("close-stdout"), mailbox.path) as d:
        with d.session() as c:
            mailbox.line()
            c.send_text("")
            c.messages()


def test_P6_the_whole_group_is_ended(mailbox):
    with Websocketd(PORT, "sh", "-c", "sleep 1000 & echo $!; wait") as d:
        with d.session() as c:
            child = int(c.recv_text())
            c.reset()
        d.session_end()
        d.no_commands()
        until(lambda: (stat(child) or "  X")[2] in "ZX", "the child has gone")


def test_P15_a_program_that_cannot_be_started_is_no_101(script):
    path = script("#!/bin/sh\n")
    with Websocketd(PORT, path) as d, d.client() as c:
        script("#!/no/such/interpreter\n")
        assert c.handshake().status == 502
        assert c.ending() == "eof" and c.rest == b""


def test_F2_every_end_has_a_code():
    with Websocketd(PORT, "sh", "-c", "echo x; exit 7") as d:
        with d.session() as c:
            assert c.texts() == (["x"], 4007, "exit status 7")
            c.finish(4007)


def test_F9_text_is_valid():
    with Websocketd(PORT, "printf", "a\\377b\\n") as d, d.session() as c:
        assert c.recv_text() == "a\ufffdb"


def test_F7_bytes_behind_the_handshake_count():
    with Websocketd(PORT, "cat") as d, d.client() as c:
        assert c.handshake(behind=frame("early")).status == 101
        assert c.recv_text() == "early"
        c.bye()


@pytest.mark.parametrize("key", ["", "x", "dGhlIHNhbXBsZSBub25jZQ="])
def test_H2_a_bad_key_is_refused(key):
    with Websocketd(PORT, "cat") as d, d.client() as c:
        assert c.handshake(key=key).status == 400
        assert c.ending() == "eof" and c.rest == b""


def test_one_message_may_be_several_lines():
    with Websocketd(PORT, "cat") as d, d.session() as c:
        c.send_text("a\nb")
        assert [c.recv_text(), c.recv_text()] == ["a", "b"]
        c.bye()


def test_S17_an_idle_binary_session_is_cheap():
    # Ten megabytes each there.
    with Websocketd(PORT, "--engines=1", "--binary", "cat") as d:
        first = d.session()
        before = memory(d.engines()[0])
        more = [d.session() for _ in range(50)]
        for c in more:
            c.send_binary(b"x")
            assert c.recv_binary() == b"x"
        assert SANITIZED or memory(d.engines()[0]) - before < 50 * 64 * 1024
        for c in first, *more:
            c.close()
