"""Each option of websocketd: what it does there, and what is better here."""

import json
import os
import re
import signal
import subprocess

import pytest

from network import WRAPPER, Websocketd, free_port
from proc import BUILD, HERE, PATIENCE, environment, handler, now, stat
from wire import BINARY, TEXT, Refused, request_head

pytestmark = pytest.mark.usefixtures("own_network")

PORT = "--port=8080"


def run(*words, env=None):
    path = f"{BUILD}:{os.environ['PATH']}"
    return subprocess.run(
        [WRAPPER, *words], stdin=subprocess.DEVNULL, capture_output=True,
        env=environment(PATH=path, **(env or {})), timeout=PATIENCE)


def wrong(*words, says):
    """Refused at the start, in a sentence that names what is wrong."""
    done = run(*words)
    text = done.stderr.decode()
    assert done.returncode in (1, 2) and done.stdout == b"", text
    assert says in text, text


def variables(d, path="/", **kw):
    with d.session(path, **kw) as c:
        return c.variables()


def get(d, path="/", **kw):
    return d.request(request_head(
        path, drop=["Upgrade", "Connection"], headers={"Connection": "close"},
        **kw))


def refusal(d, path="/", **kw):
    with d.client() as c:
        got = c.handshake(path, **kw)
        assert got.status != 101
        return got.status


# ---------------------------------------------------------------- listeners


def test_port_is_80():
    with Websocketd("cat") as d:
        assert d.port == 80


def test_port_0_is_unset(tmp_path):
    with Websocketd("--port=0", "cat") as d:
        assert d.port == 80
    with Websocketd("--port=0", f"--unixsocket={tmp_path}/s", "cat",
                    listeners=1) as d:
        assert d.port is None


@pytest.mark.parametrize("value", ["-1", "65536", "abc", ""])
def test_wrong_ports(value):
    wrong(f"--port={value}", "cat", says="--port")


def test_a_port_in_use():
    with Websocketd(PORT, "cat"):
        wrong(PORT, "cat", says="8080")


def test_address_may_be_a_name():
    with Websocketd(PORT, "--address=localhost", "cat", listeners=1) as d:
        for url in d.urls:
            assert url in ("http://127.0.0.1:8080/", "http://[::1]:8080/")
    wrong(PORT, "--address=no-such-host.invalid", "cat",
          says="no-such-host.invalid")


def test_address_empty_is_all():
    with Websocketd(PORT, "--address=", "cat") as d:
        assert d.urls == ["http://0.0.0.0:8080/", "http://[::]:8080/"]


def test_unixsocket_that_was_left_is_replaced(tmp_path):
    path = f"{tmp_path}/s"
    with Websocketd(f"--unixsocket={path}", "cat", listeners=1,
                    unixsocket=path, status=-9, leftovers=True) as d:
        d.process.kill()
        d.wait()
    with Websocketd(f"--unixsocket={path}", "cat", listeners=1,
                    unixsocket=path) as d, d.session() as c:
        c.bye()


@pytest.mark.parametrize("words, says", [
    (["--ssl"], "--sslcert"), (["--ssl", "--sslcert=x"], "--sslkey"),
    (["--sslcert=x", "--sslkey=y"], "--ssl"), (["--sslcert=x"], "--ssl"),
    (["--sslca=x"], "--ssl"),
    (["--ssl", "--sslcert=/nothing", "--sslkey=/nothing"], "/nothing")])
def test_ssl_needs_its_files_and_they_need_it(words, says):
    wrong(PORT, *words, "cat", says=says)


# -------------------------------------------------------------- environment


def test_passenv_default():
    env = {"LD_LIBRARY_PATH": "/nowhere", "SECRET": "x"}
    with Websocketd(PORT, "env", env=env) as d:
        got = variables(d)
        assert got["LD_LIBRARY_PATH"] == "/nowhere"
        assert str(BUILD) in got["PATH"] and "SECRET" not in got


def test_passenv_replaces_the_default():
    env = {"LD_LIBRARY_PATH": "/nowhere", "A": "1", "B": "2", "EMPTY": None}
    with Websocketd(PORT, "--passenv", "A,B,EMPTY", "env", env=env) as d:
        got = variables(d)
        assert (got["A"], got["B"]) == ("1", "2") and "PATH" in got
        assert "LD_LIBRARY_PATH" not in got and "EMPTY" not in got


def test_passenv_of_nothing():
    with Websocketd(PORT, "--passenv=", "env",
                    env={"LD_LIBRARY_PATH": "/x"}) as d:
        assert "LD_LIBRARY_PATH" not in variables(d)


# ----------------------------------------------------------------- messages


@pytest.mark.parametrize("words, opcode", [
    ([], TEXT), (["--binary"], BINARY), (["--binary=true"], BINARY),
    (["--binary=false"], TEXT), (["-binary=t"], BINARY)])
def test_binary(words, opcode):
    with Websocketd(PORT, *words, "cat") as d, d.session() as c:
        c.send_text("x")
        assert c.recv_message() == (opcode, b"x")
        c.bye()


def test_F10_a_text_in_binary_mode_gets_no_newline():
    with Websocketd(PORT, "--binary", "cat") as d, d.session() as c:
        c.send_text("a")
        assert c.recv_binary() == b"a"
        c.send_binary(b"\0\n\xff")
        assert c.recv_binary() == b"\0\n\xff"
        c.bye()


def test_F10_a_binary_message_in_text_mode_is_a_line():
    with Websocketd(PORT, "cat") as d, d.session() as c:
        c.send_binary(b"a")
        c.send_text("b")
        assert [c.recv_text(), c.recv_text()] == ["a", "b"]
        c.bye()


@pytest.mark.parametrize("option", ["--passstderr", "--passstderr=true"])
def test_passstderr(option):
    with Websocketd(PORT, option, "sh", "-c", "echo o; echo 'e\"' >&2") as d:
        with d.session() as c:
            texts = c.texts()[0]
        assert sorted(texts) == ['{"stream":"stderr","data":"e\\""}',
                                 '{"stream":"stdout","data":"o"}']
        assert all(json.loads(text) for text in texts)
        assert d.wait_log("stderr .*text=")


def test_passstderr_excludes_binary():
    wrong(PORT, "--passstderr", "--binary", "cat", says="--passstderr")


def test_maxframesize_is_a_mebibyte():
    with Websocketd(PORT, "cat") as d:
        with d.session() as c:
            c.send_text("x" * (1 << 20))
            assert len(c.recv_text()) == 1 << 20
            c.send_text("x" * ((1 << 20) + 1))
            assert c.messages()[1] == 1009


@pytest.mark.parametrize("value", ["0", "-1"])
def test_maxframesize_none(value):
    with Websocketd(PORT, f"--maxframesize={value}", "wc", "-c") as d:
        with d.session() as c:
            c.send_text("x" * (3 << 20))
            c.send_close(1000)
            assert c.messages()[0] == [(TEXT, b"%d" % ((3 << 20) + 1))]


def test_maxframesize_counts_the_whole_message():
    with Websocketd(PORT, "--maxframesize=10", "cat") as d, d.session() as c:
        c.send_frame("x" * 6, fin=False)
        c.send_frame("x" * 6, 0)
        assert c.messages()[1] == 1009


# ---------------------------------------------------------------- limits


def test_maxforks_is_429():
    with Websocketd(PORT, "--maxforks=1", "cat") as d, d.session() as c:
        with d.client() as late:
            got = late.handshake()
            assert got.status == 429 and got.get("Retry-After")
        assert d.wait_log("refused .*status=429 .*option=--maxforks")
        c.bye()
        d.no_commands()
        with d.session() as c:
            c.bye()


@pytest.mark.parametrize("value", ["0", "-1", "-100"])
def test_maxforks_unlimited(value):
    with Websocketd(PORT, f"--maxforks={value}", "cat") as d:
        clients = [d.session() for _ in range(20)]
        for c in clients:
            c.bye()
            c.close()


def ladder(d, mailbox):
    """When INT and TERM came, seconds after the client went."""
    with d.session() as c:
        c.recv_text()
        began = now()
        c.close()
        seen = [mailbox.line().split() for _ in range(3)]
    assert [what for what, _ in seen] == ["EOF", "INT", "TERM"]
    assert d.session_end()["exit"] == "SIGKILL"
    return [float(when) - began for _, when in seen[1:]]


@pytest.mark.parametrize("words, more", [
    ([], 0), (["--closems=0"], 0), (["--closems=300"], 0.3),
    (["--closems", "-1"], 0)])
def test_closems(mailbox, words, more):
    with Websocketd(PORT, *words, handler("tell-signals"),
                    mailbox.path) as d:
        interrupt, terminate = ladder(d, mailbox)
    assert interrupt > 0.09 + more
    assert terminate > 0.34 + 2 * more


def test_pingms_off():
    with Websocketd(PORT, "cat") as d, d.session() as c:
        c.silent(0.3)
        c.bye()


def test_pingms():
    start = now()
    with Websocketd(PORT, "--pingms=100", "cat") as d, d.session() as c:
        c.answer_pings = False
        code, reason = c.recv_close()
        assert (code, reason) == (1011, "ping timeout")
        assert now() - start > 0.19 and c.pings


# ------------------------------------------------------------- who may come


ANY = ["http://evil.example", "https://a.example:1", "null", "file://",
       "chrome-extension://abc"]


@pytest.mark.parametrize("origin", [None, *ANY])
@pytest.mark.parametrize("words", [[], ["--origin="], ["--sameorigin=false"]])
def test_any_origin(words, origin):
    headers = {"Origin": origin} if origin else {}
    with Websocketd(PORT, *words, "cat") as d:
        with d.session(headers=headers) as c:
            c.bye()
        with d.session(headers=headers, host="rebound.example:8080") as c:
            c.bye()


@pytest.mark.parametrize("origin, host, ok", [
    ("http://a.example:8080", "a.example:8080", True),
    ("http://A.EXAMPLE:8080", "a.example:8080", True),
    ("http://a.example", "a.example", True),
    ("http://a.example", "a.example:80", True),
    ("http://a.example", "a.example:8080", False),
    ("http://b.example:8080", "a.example:8080", False),
    ("null", "a.example:8080", False), (None, "a.example:8080", True)])
def test_sameorigin(origin, host, ok):
    headers = {"Origin": origin} if origin else {}
    with Websocketd(PORT, "--sameorigin", "cat") as d:
        if ok:
            with d.session(headers=headers, host=host) as c:
                c.bye()
        else:
            with pytest.raises(Refused) as e:
                d.session(headers=headers, host=host)
            assert e.value.response.status == 403


LISTED = "a.example:8080,b.example,https://c.example"


@pytest.mark.parametrize("origin, ok", [
    ("http://a.example:8080", True), ("https://a.example:8080", True),
    ("http://a.example", False), ("http://b.example", True),
    ("https://b.example:99", True), ("https://c.example", True),
    ("http://c.example", False), ("http://evil-b.example", False),
    ("http://b.example.evil.example", False), ("null", False)])
def test_H12_origin(origin, ok):
    with Websocketd(PORT, f"--origin={LISTED}", "cat") as d:
        with d.client() as c:
            got = c.handshake(headers={"Origin": origin})
            assert got.status == (101 if ok else 403)
            if ok:
                c.bye()
            else:
                assert c.ending() == "eof" and c.rest == b""  # H1


def test_origin_the_last_one_counts():
    with Websocketd(PORT, "--origin=a.example", "--origin=b.example",
                    "cat") as d:
        assert refusal(d, headers={"Origin": "http://a.example"}) == 403
        with d.session(headers={"Origin": "http://b.example"}) as c:
            c.bye()


def test_origin_and_sameorigin_must_both_hold():
    with Websocketd(PORT, "--sameorigin", "--origin=a.example", "cat") as d:
        for origin, host, status in [
                ("http://a.example", "a.example", 101),
                ("http://a.example", "b.example", 403),
                ("http://b.example", "b.example", 403)]:
            with d.client() as c:
                assert c.handshake(headers={"Origin": origin},
                                   host=host).status == status


def test_reverselookup(tmp_path):
    for words, host in ([], "127.0.0.1"), (["--reverselookup=false"],
                                           "127.0.0.1"):
        with Websocketd(PORT, *words, "env") as d:
            got = variables(d)
            assert (got["REMOTE_ADDR"], got["REMOTE_HOST"]) == (
                "127.0.0.1", host)
    with Websocketd(PORT, "--reverselookup", "env") as d:
        got = variables(d)
        assert got["REMOTE_ADDR"] == "127.0.0.1"
        assert got["REMOTE_HOST"] in ("127.0.0.1", "localhost")


# -------------------------------------------------------------- HTTP


def test_header_header_ws_header_http(tmp_path):
    with Websocketd(PORT, "--header=Server: someserver/0.0.1",
                    "--header=X-Two: a, b", "--header-ws=X-Ws: 1",
                    "--header-http=X-Http: 1", "--devconsole", "cat") as d:
        page = get(d)
        with d.client() as c:
            ws = c.handshake()
            c.bye()
        for got in page, ws:
            assert got.get("Server") == "someserver/0.0.1"
            assert got.get("X-Two") == "a, b"
        assert (page.get("X-Http"), page.get("X-Ws")) == ("1", None)
        assert (ws.get("X-Http"), ws.get("X-Ws")) == (None, "1")


def test_header_ws_chooses_a_subprotocol():
    # The only way to answer one there.
    with Websocketd(PORT, "--header-ws=Sec-WebSocket-Protocol: chat",
                    "cat") as d:
        for offer, answer in ("x, chat", "chat"), ("x", None):
            with d.client() as c:
                got = c.handshake(headers={"Sec-WebSocket-Protocol": offer})
                assert got.get("Sec-WebSocket-Protocol") == answer
                c.bye()


@pytest.mark.parametrize("words", [
    ["--staticdir=."], ["--cgidir=."]])
def test_devconsole_excludes_files(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong(PORT, "--devconsole", *words, "cat", says="console")


def test_nothing_to_serve():
    wrong(PORT, says="ommand")
    wrong(says="ommand")
    wrong(PORT, "no-such-command-here", says="no-such-command-here")
    wrong("--nonsense", "cat", says="nonsense")


def test_empty_texts_are_as_if_not_given():
    with Websocketd(PORT, "--dir=", "--staticdir=", "--cgidir=",
                    "--unixsocket=", "--redirport=0", "cat") as d:
        with d.session() as c:
            c.bye()
        assert get(d).status == 426


def test_dir_and_a_command(tmp_path):
    wrong(PORT, f"--dir={tmp_path}", "cat", says="--dir")


@pytest.mark.parametrize("option", ["--dir", "--staticdir", "--cgidir"])
def test_folders_that_are_none(option, tmp_path):
    wrong(PORT, f"{option}={tmp_path}/nothing", says="nothing")


def test_H18_cgidir_inside_staticdir(tmp_path):
    (tmp_path / "cgi-bin").mkdir()
    wrong(PORT, f"--staticdir={tmp_path}", f"--cgidir={tmp_path}/cgi-bin",
          says="--cgidir")


# ------------------------------------------------------------ the daemon


@pytest.mark.parametrize("level", [
    "debug", "trace", "access", "info", "error", "fatal", "none"])
def test_loglevel(level):
    with Websocketd(PORT, f"--loglevel={level}", "sh", "-c",
                    "echo oops >&2") as d:
        with d.session() as c:
            assert c.recv_close()[0] == 1000
            c.finish(1000)
        d.no_commands()
    assert bool(d.logged("session ends")) == (
        level in ("debug", "trace", "access", "info"))
    assert bool(d.logged("text=oops")) == (level != "none")
    assert len(d.logged("^standpiped: listening")) == 2
    if level == "none":
        assert len(d.lines) == 2


def test_wrong_loglevel():
    wrong(PORT, "--loglevel=loud", "cat", says="--loglevel")


@pytest.mark.parametrize("option", ["--version", "--help", "--license"])
def test_words_that_print(option):
    done = run(option)
    assert done.returncode == 0 and done.stdout and not done.stderr
    assert option != "--license" or b"Redistribution" in done.stdout


def test_a_later_compat_none_undoes_it():
    with Websocketd("--compat=none", f"--port={free_port()}", "cat") as d:
        assert not any("0.0.0.0" in url or "[::]" in url for url in d.urls)
        with pytest.raises(Refused):
            d.session(headers={"Origin": "http://evil.example"})


def test_the_wrapper_finds_the_program_beside_itself(tmp_path):
    for place in "bin", "path":
        (tmp_path / place).mkdir()
    (tmp_path / "bin/websocketd").write_bytes(WRAPPER.read_bytes())
    (tmp_path / "bin/websocketd").chmod(0o755)
    fake = "#!/bin/sh\nprintf '%s\\n' " + '"$0" "$@"\n'

    def said(*words):
        done = subprocess.run([tmp_path / "bin/websocketd", *words],
                              capture_output=True, text=True, check=False,
                              env={"PATH": f"{tmp_path}/path:/usr/bin:/bin"})
        return done.returncode, done.stdout.splitlines(), done.stderr

    status, _, err = said("cat")
    assert status == 127 and "standpiped" in err and err.count("\n") == 1
    for place in "path/standpiped", "bin/standpiped":  # the nearer one wins
        (tmp_path / place).write_text(fake)
        (tmp_path / place).chmod(0o755)
        status, out, _ = said("--port=1", "echo", "a b", "")
        assert status == 0 and os.path.samefile(out[0], tmp_path / place)
        assert out[1:] == ["--compat=websocketd", "--port=1", "echo", "a b",
                           ""]


def test_P9_a_stop_is_orderly():
    with Websocketd(PORT, "cat") as d, d.session() as c:
        pid = d.commands()[0]
        d.signal(signal.SIGTERM)
        assert c.recv_close() == (1001, "daemon stopping")
        c.finish(1001)
        assert d.wait() == 0
        assert stat(pid) is None


def test_every_option_of_websocketd_has_a_test():
    text = "".join(path.read_text() for path in
                   HERE.glob("compat/test_*.py"))
    for name in re.findall(r"[a-z-]+", """
            port address unixsocket ssl sslcert sslkey sslca redirport passenv
            binary passstderr reverselookup dir staticdir cgidir maxforks
            maxframesize closems pingms header header-ws header-http origin
            sameorigin devconsole loglevel help version license"""):
        assert re.search(rf"--{name}(?![a-z-])", text), name
