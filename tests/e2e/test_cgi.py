"""CGI over HTTP: bodies both ways, answers of every kind, and the end."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from daemon import Daemon, fields
from proc import SANITIZED, Mailbox, Process, pause, memory, until
from wire import Gone

FLAT = (64 if SANITIZED else 2) << 20  # bytes that an engine may grow by

TYPE = "echo Content-Type: text/plain; echo; "
PROGRAMS = {
    "env": TYPE + "env; echo cwd=$(pwd); echo self=$0 args=$#",
    "echo": TYPE + "exec cat",
    "sum": "s=$(sha256sum); " + TYPE + "echo $s",
    "say": "printf '%b' \"$QUERY_STRING\" | tr _ ' '",
    "exact": "printf 'Content-Length: 5\\n\\nhello, and more'; echo done >&2",
    "short": "printf 'Content-Length: 9\\n\\nhello'",
    "garbage": "printf 'this is\\nno head\\n\\n'",
    "part": "printf 'Content-Type: text/plain\\n'",
    "empty": "exit 3",
    "die": "kill -9 $$",
    "silent": "echo $$ >../mailbox; exec sleep 1000",
    "stuck": "echo $$ >../mailbox; " + TYPE + "exec sleep 1000",
    "stubborn": "trap '' TERM; echo $$ >../mailbox; " + TYPE +
                "while :; do sleep 1; done",
    "flood": "echo $$ >../mailbox; " + TYPE + "exec cat /dev/zero",
    "more": "echo $$ >../mailbox; printf 'Content-Length: 5\\n\\nhello';"
            "exec cat /dev/zero",
    "deaf": "exec <&-; read -r x <../mailbox; " + TYPE + "echo deaf",
    "early": "printf 'Content-Length: 6\\n\\nearly\\n'; wc -c >../mailbox",
    "ticks": TYPE + "while read -r line; do echo $line; done <../mailbox",
    "family": TYPE + "echo x; sleep 1000 & echo $! >../mailbox",
    "noise": "echo one line >&2; " + TYPE + "echo x",
    "git": "exec git http-backend",
    "sub/prog": TYPE + "echo $SCRIPT_NAME $PATH_INFO in $(pwd)",
}


@contextlib.contextmanager
def folder():
    """A folder of CGI programs."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        for program, text in PROGRAMS.items():
            path = top / "cgi" / program
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\n" + text + "\n")
            path.chmod(0o755)
        (top / "cgi/text").write_text("no program")
        (top / "cgi/broken").write_text("#!/no/such/interpreter\n")
        (top / "cgi/broken").chmod(0o755)
        (top / "files").mkdir()
        (top / "files/a.txt").write_text("a file")
        yield top


@pytest.fixture(scope="module")
def top():
    with folder() as one:
        yield one


@contextlib.contextmanager
def mailbox_of(top):
    with Mailbox(top) as mailbox:
        try:
            yield mailbox
        finally:
            os.unlink(mailbox.path)


def cgi(top, *args, **kw):
    return Daemon(f"--cgidir={top}/cgi", *args, **kw)


@pytest.fixture(scope="module")
def d(top):
    with cgi(top, f"--staticdir={top}/files", "--sandbox=calls") as one:
        yield one


def head(target, *lines, method="GET", version="1.1"):
    return "\r\n".join([f"{method} {target} HTTP/{version}", "Host: 127.0.0.1",
                        *lines]).encode("latin-1") + b"\r\n\r\n"


def post(target, body, *lines):
    return head(target, f"Content-Length: {len(body)}", *lines,
                method="POST") + body


def chunked(target, *pieces):
    return head(target, "Transfer-Encoding: chunked", method="POST") + b"".join(
        b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def ask(d, data, body=True):
    with d.client() as c:
        c.send(data)
        return c.response(body=body)


def environment(d, data):
    text = ask(d, data).body.decode("latin-1")
    return dict(line.split("=", 1) for line in text.splitlines())


# ------------------------------------------------- what the program gets


def test_program_and_path(d, top):
    env = environment(d, head("/env/a%20b/%C3%A4?q=%20&x", "Proxy: evil",
                              "X-One: 1", "Cookie: a=b"))
    assert env["SCRIPT_NAME"] == "/env"
    assert env["PATH_INFO"] == "/a b/\xc3\xa4"
    assert env["PATH_TRANSLATED"] == f"{top}/files/a b/\xc3\xa4"
    assert env["REQUEST_URI"] == "/env/a%20b/%C3%A4?q=%20&x"
    assert env["QUERY_STRING"] == "q=%20&x"
    assert env["GATEWAY_INTERFACE"] == "CGI/1.1"
    assert env["REQUEST_METHOD"] == "GET"
    assert env["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert env["REMOTE_ADDR"] == "127.0.0.1"
    assert env["HTTP_X_ONE"] == "1" and env["HTTP_COOKIE"] == "a=b"
    assert env["cwd"] == f"{top}/cgi"
    assert env["self"] == f"{top}/cgi/env args=0"
    assert env["SCRIPT_FILENAME"] == f"{top}/cgi/env"
    assert not env.keys() & {"HTTP_PROXY", "STANDPIPE_FRAMING",
                             "CONTENT_LENGTH", "CONTENT_TYPE"}
    env = environment(d, head("/env/"))
    assert env["PATH_INFO"] == "/"
    env = environment(d, head("/env"))
    assert env["PATH_INFO"] == "" and "PATH_TRANSLATED" not in env


def test_program_of_a_folder_in_the_folder(d, top):
    got = ask(d, head("/sub/prog/x/y"))
    assert got.body.decode() == f"/sub/prog /x/y in {top}/cgi/sub\n"


def test_no_root_nothing_translated(top):
    with cgi(top) as d:
        assert "PATH_TRANSLATED" not in environment(d, head("/env/x"))


def test_setenv_and_user_are_those_of_commands(top):
    with cgi(top, "--setenv=MINE=1", "--setenv=PATH_INFO=mine") as d:
        env = environment(d, head("/env/x"))
        assert env["MINE"] == "1" and env["PATH_INFO"] == "mine"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS",
                                    "PROPFIND"])
def test_methods_are_the_programs_business(d, method):
    env = environment(d, head("/env", method=method))
    assert env["REQUEST_METHOD"] == method


def test_body_with_a_length(d):
    env = environment(d, post("/env", b"hello", "Content-Type: text/x; y=z"))
    assert env["CONTENT_LENGTH"] == "5"
    assert env["CONTENT_TYPE"] == "text/x; y=z"
    assert not env.keys() & {"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"}
    assert environment(d, post("/env", b""))["CONTENT_LENGTH"] == "0"
    assert ask(d, post("/echo", b"hello")).body == b"hello"
    assert ask(d, post("/echo", b"")).body == b""


def test_body_in_chunks_ends_with_the_input(d):
    assert "CONTENT_LENGTH" not in environment(d, chunked("/env", b"x"))
    assert ask(d, chunked("/echo", b"he", b"l" * 300, b"o")).body == \
        b"he" + b"l" * 300 + b"o"
    assert ask(d, chunked("/echo")).body == b""


def test_body_arrives_byte_by_byte(d):
    with d.client() as c:
        for byte in chunked("/echo", b"hel", b"lo"):
            c.send(bytes([byte]))
        assert c.response().body == b"hello"


def test_client_that_waits_for_100(d):
    with d.client() as c:
        c.send(head("/sum", "Content-Length: 5", "Expect: 100-continue",
                    method="POST"))
        go = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert c.recv_exactly(len(go)) == go
        c.send(b"hello")
        assert c.response().body.split()[0].decode() == \
            hashlib.sha256(b"hello").hexdigest()
        c.send(head("/nothing", "Content-Length: 5", "Expect: 100-continue",
                    method="PUT"))
        assert c.response().status == 405  # and nobody wants the body


# ------------------------------------------------- what the client gets


@pytest.mark.parametrize("say, status, reply", [
    ("Status:_404_Nope\\n\\nx", 404, {}),
    ("Content-Type:_a/b\\n\\nx", 200, {"Content-Type": "a/b"}),
    ("Content-Type:_a/b\\r\\n\\r\\nx", 200, {"Content-Type": "a/b"}),
    ("X-A:_1\\nSet-Cookie:_b\\n\\n", 200, {"X-A": "1", "Set-Cookie": "b"}),
    ("Location:_http://a/b\\n\\n", 302, {"Location": "http://a/b"}),
    ("Location:_/env?x\\n\\n", 302, {"Location": "/env?x"}),
    ("Status:_303\\nLocation:_/x\\n\\n", 303, {"Location": "/x"}),
    ("Status:_204\\n\\n", 204, {}),
    ("Status:_304\\n\\n", 304, {}),
    ("Transfer-Encoding:_gzip\\nConnection:_close\\nX:_1\\n\\nx", 200,
     {"Transfer-Encoding": "chunked", "Connection": None, "X": "1"}),
    ("Content-Length:_1\\n\\nx", 200, {"Content-Length": "1"}),
    ("Content-Length:_0\\n\\n", 200, {"Content-Length": "0"}),
    ("Content-Length:_x\\nA:_b\\n\\nx", 200, {"Content-Length": None}),
])
def test_answers(d, say, status, reply):
    with d.client() as c:
        for _ in range(2):  # the connection goes on
            c.send(head(f"/say?{say}"))
            got = c.response()
            assert got.status == status
            assert got.body == (b"x" if say.endswith("\\nx") else b"")
            for name, value in reply.items():
                assert got.get(name) == value


@pytest.mark.parametrize("target", [
    "/garbage", "/part", "/empty", "/die", "/broken", "/say?\\nx",
    "/say?Status:_999\\n\\n", "/say?A:_b\\n_c\\n\\n", "/say?A_b\\n\\n",
    "/say?Status:_101\\n\\n", "/say?A:_\\rb\\n\\n", "/say?\\n\\nx"])
def test_what_is_no_answer_is_502(d, target):
    got = ask(d, head(target))
    assert got.status == 502
    assert got.get("Content-Type") == "text/plain; charset=utf-8"


def test_fault_F11_the_reason_is_the_programs(d):
    assert ask(d, head("/say?Status:_418_Teapot\\n\\nx")).reason == "Teapot"
    assert ask(d, head("/say?Status:_404_No_such_tea\\n\\nx")).reason == \
        "No such tea"
    assert ask(d, head("/say?Status:_404\\n\\nx")).reason == "Not Found"


def test_fault_F10_the_line_that_spoils_an_answer_is_in_the_log(d):
    mark = d.mark()
    assert ask(d, head("/say?A:_b\\nSecurity_Alert!\\n\\n")).status == 502
    line = d.wait_log("not a CGI answer", start=mark).string
    assert 'line="Security Alert!"' in line and "NAME: VALUE" in line
    mark = d.mark()
    ask(d, head("/say?" + "x" * 1000 + "\\n\\n"))
    assert f'line={"x" * 200}\n' in d.wait_log(
        "not a CGI answer", start=mark).string + "\n"


PHP = """#!{php}
<?php
if (isset($_FILES["f"]))
    echo "file ", file_get_contents($_FILES["f"]["tmp_name"]);
else
    echo $_SERVER["PATH_INFO"] ?? "", " ", $_GET["q"] ?? "", " ",
        $_POST["p"] ?? "";
"""


@pytest.mark.skipif(not shutil.which("php-cgi"), reason="no php-cgi here")
def test_fault_F10_php(tmp_path):
    (tmp_path / "cgi").mkdir()
    tmp_path.chmod(0o755)
    script = tmp_path / "cgi/page.php"
    script.write_text(PHP.format(php=shutil.which("php-cgi")))
    script.chmod(0o755)
    form = "Content-Type: application/x-www-form-urlencoded"
    parts = "Content-Type: multipart/form-data; boundary=b"
    upload = (b"--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n"
              b"Content-Type: text/plain\r\n\r\nuploaded\r\n--b--\r\n")
    with cgi(tmp_path) as d:
        for data, said in [
                (head("/page.php?q=1"), b" 1 "),
                (head("/page.php/more?q=1"), b"/more 1 "),
                (post("/page.php?q=1", b"p=2", form), b" 1 2"),
                (post("/page.php", upload, parts), b"file uploaded")]:
            answer = ask(d, data)
            assert (answer.status, answer.body) == (200, said)


def test_head_has_no_body(d):
    with d.client() as c:
        for target in "/echo", "/exact", "/say?A:_b\\n\\nxyz", "/echo":
            c.send(head(target, method="HEAD"))
            assert c.response(body=False).status == 200
        c.send(head("/empty", "Connection: close", method="HEAD"))
        assert c.response(body=False).status == 502
        assert c.ending() == "eof" and c.rest == b""


def test_length_is_kept_to(d):
    with d.client() as c:
        for _ in range(3):
            c.send(head("/exact"))
            got = c.response()
            assert got.get("Content-Length") == "5" and got.body == b"hello"
    with d.client() as c:
        c.send(head("/short"))
        with pytest.raises(Gone):
            c.response()
        assert c.rest == b"" and bytes(c.buffer).endswith(b"hello")


@pytest.mark.parametrize("method, target", [("GET", "/more"),
                                            ("HEAD", "/more"),
                                            ("HEAD", "/flood")])
def test_who_prints_on_and_on_is_ended(d, top, method, target):
    start = d.mark()
    with mailbox_of(top), d.client() as c:
        c.send(head(target, method=method))
        assert c.response(body=method == "GET").status == 200
        line = d.wait_log(f" cgi ends .*path={target}", start=start).string
        assert fields(line)["exit"] == "SIGPIPE"
        c.send(head("/exact"))
        assert c.response().body == b"hello"


def test_old_clients_get_no_chunks(d):
    with d.client() as c:
        c.send(head("/echo", "Content-Length: 5", method="POST",
                    version="1.0") + b"hello")
        assert c.ending() == "eof"
        top, _, body = c.rest.partition(b"\r\n\r\n")
        assert b"Connection: close" in top and b"chunked" not in top
        assert body == b"hello"


def test_output_streams(d, top):
    with mailbox_of(top) as mailbox, d.client() as c:
        c.send(head("/ticks"))
        assert c.response(body=False).status == 200
        chunks = c.chunks()
        for word in "one", "two", "three":
            mailbox.put(word)
            assert next(chunks) == word.encode() + b"\n"


def test_requests_in_a_row_are_answered_in_order(d):
    with d.client() as c:
        c.send(head("/sub/prog/1") + post("/sum", b"abc") + head("/a.txt") +
               chunked("/echo", b"x", b"y") + head("/nothing") + head("/exact") +
               head("/env", "Connection: close"))
        assert c.response().body.startswith(b"/sub/prog /1 in ")
        assert c.response().body.split()[0].decode() == \
            hashlib.sha256(b"abc").hexdigest()
        assert c.response().body == b"a file"
        assert c.response().body == b"xy"
        assert c.response().status == 404
        assert c.ending() == "eof"


def test_no_program_falls_to_files(d):
    assert ask(d, head("/a.txt")).body == b"a file"
    for target in "/nothing", "/text", "/sub", "/sub/", "/sub/none", "/":
        assert ask(d, head(target)).status == 404, target


def test_client_that_ends_its_half_is_answered(d):
    with d.client() as c:
        c.send(post("/sum", b"abc"))
        c.shut()
        assert c.response().body.split()[0].decode() == \
            hashlib.sha256(b"abc").hexdigest()
        assert c.ending() == "eof" and c.rest == b""


def test_log_has_one_line(d):
    start = d.mark()
    ask(d, post("/sum", b"abc"))
    line = fields(d.wait_log(" cgi ends ", start=start).string)
    assert line["method"] == "POST" and line["path"] == "/sum"
    assert line["status"] == "200" and line["exit"] == "0"
    assert line["in_bytes"] == "3" and int(line["out_bytes"]) > 64
    ask(d, head("/empty"))
    line = fields(d.wait_log(" cgi ends .*path=/empty", start=start).string)
    assert line["status"] == "502" and line["exit"] == "3"
    assert not d.logged(" request .*path=/(sum|empty)", start=start)


def test_fault_A2_a_long_method_is_cut_in_the_log(d):
    start = d.mark()
    ask(d, head("/env/=" + 600 * "a", method=3000 * "M"))
    line = fields(d.wait_log(' cgi ends .*path="/env/=a', start=start).string)
    assert line["method"] == 512 * "M"
    assert line["path"] == "/env/=" + 506 * "a"


def test_stderr_goes_to_the_log(d):
    start = d.mark()
    assert ask(d, head("/noise")).body == b"x\n"
    d.wait_log('stderr .*text="one line"', start=start)


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
def test_git_is_served(top, tmp_path):
    """Somebody else's CGI program and client: chunks, gzip, keep-alive."""

    def git(*args):
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b",
             "-c", "http.postBuffer=70000", *map(str, args)],
            capture_output=True, text=True, timeout=60,
            env={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode == 0, done.stderr

    git("init", "-q", "--bare", top / "repo.git")
    git("-C", top / "repo.git", "config", "http.receivepack", "true")
    with cgi(top, "--setenv=GIT_HTTP_EXPORT_ALL=1",
             f"--setenv=GIT_PROJECT_ROOT={top}",
             "--setenv=GIT_CONFIG_COUNT=1",
             "--setenv=GIT_CONFIG_KEY_0=safe.directory",
             "--setenv=GIT_CONFIG_VALUE_0=*") as d:
        url = f"http://127.0.0.1:{d.port}/git/repo.git"
        git("clone", "-q", url, tmp_path / "one")
        (tmp_path / "one/file").write_bytes(os.urandom(1 << 20))
        git("-C", tmp_path / "one", "add", "file")
        git("-C", tmp_path / "one", "commit", "-q", "-m", "x")
        git("-C", tmp_path / "one", "push", "-q", "origin", "HEAD:master")
        git("clone", "-q", "-b", "master", url, tmp_path / "two")
    assert (tmp_path / "two/file").read_bytes() == \
        (tmp_path / "one/file").read_bytes()


# ------------------------------------------------- large and slow


def test_large_bodies_are_exact_and_take_no_memory(top):
    size, block = 64 << 20, os.urandom(1 << 16)
    want, got = hashlib.sha256(), hashlib.sha256()
    with cgi(top, "--engines=1") as d:
        ask(d, post("/echo", b"x"))
        engine = d.engines()[0]
        before = memory(engine)
        with d.client() as c:
            c.send(head("/echo", f"Content-Length: {size}", method="PUT"))
            sent = answered = 0
            seen = None
            while answered < size:
                if sent < size:
                    c.send(block)
                    want.update(block)
                    sent += len(block)
                if seen is None and b"\r\n\r\n" in c.buffer:
                    seen = c.response(body=False).status
                    chunks = c.chunks()
                while seen and (sent - answered > 1 << 20 or
                                sent == size > answered):
                    piece = next(chunks)
                    got.update(piece)
                    answered += len(piece)
            assert list(chunks) == []
        assert want.digest() == got.digest()
        assert memory(engine) < before + FLAT


def test_program_that_does_not_read_holds_the_client(top):
    with mailbox_of(top) as mailbox, cgi(top, "--engines=1") as d:
        engine = d.engines()[0]
        before = memory(engine)
        with d.client() as c:
            c.send(head("/stuck", f"Content-Length: {1 << 30}", method="POST"))
            mailbox.line()
            assert c.fill() < 32 << 20
            assert memory(engine) < before + FLAT


def test_client_that_does_not_read_holds_the_program(top):
    with mailbox_of(top) as mailbox, cgi(top, "--engines=1") as d:
        engine = d.engines()[0]
        before = memory(engine)
        with d.client(receive_buffer=4096) as c:
            c.send(head("/flood"))
            with Process(mailbox.line()) as flood:
                pause(0.3)
                assert flood.alive()
                assert memory(engine) < before + FLAT


def test_program_that_reads_nothing_still_answers(d, top):
    with mailbox_of(top) as mailbox, d.client() as c:
        c.send(head("/deaf", "Content-Length: 200000", method="POST"))
        for _ in range(4):
            c.send(bytes(50000))
            pause(0.02)
        mailbox.put("all of it is out")
        assert c.response().body == b"deaf\n"


def test_program_that_answers_first_gets_all_of_the_body(d, top):
    with mailbox_of(top) as mailbox, d.client() as c:
        c.send(head("/early", "Content-Length: 6", method="POST") + b"abc")
        assert c.response().body == b"early\n"
        c.send(b"def")
        assert mailbox.line() == "6"


# ------------------------------------------------- the end


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("target", ["/flood", "/stubborn"])
def test_client_that_goes_takes_the_program_along(top, target, how):
    with mailbox_of(top) as mailbox, \
            cgi(top, "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        with d.client() as c:
            c.send(post(target, b"x"))
            with Process(mailbox.line()) as program:
                c.recv_some()
                if target == "/stubborn" and how == "close":
                    c.reset()  # a FIN alone may be half of a conversation
                else:
                    getattr(c, how)()
                program.wait()
        d.no_commands()
        line = fields(d.wait_log(" cgi ends ").string)
        assert line["exit"] in ("SIGPIPE", "SIGTERM", "SIGKILL")


def test_client_that_ends_its_half_waits_no_longer_than_others(top):
    with mailbox_of(top) as mailbox, cgi(
            top, "--stall-timeout=300ms", "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        with d.client() as c:
            c.send(post("/stuck", b"x"))
            with Process(mailbox.line()) as program:
                c.close()  # all that is seen of it is a FIN
                program.wait()


def test_early_answer_reaches_a_client_that_still_sends(top):
    with cgi(top) as d, d.client() as c:
        c.send(head("/garbage", "Content-Length: 4000000", method="POST"))
        c.send(bytes(4000000))
        assert c.response().status == 502


@pytest.mark.parametrize("chunk", [b"x\r\n", b"-1\r\n", b"1\r\nab\r\n",
                                   b"1\n", b"10000000000000000\r\n"])
def test_malformed_chunk_is_400_and_ends_the_program(top, chunk):
    with cgi(top) as d, d.client() as c:
        c.send(head("/sum", "Transfer-Encoding: chunked", method="POST") +
               b"2\r\nok\r\n" + chunk)
        response = c.response()
        assert response.status == 400
        assert response.get("Connection") == "close"
        assert c.ending() == "eof" and c.rest == b""
        d.wait_log('refused .*rule="request body"')
        d.no_commands()


def test_client_that_goes_while_it_sends(top):
    with mailbox_of(top) as mailbox, cgi(top, "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        with d.client() as c:
            c.send(head("/stuck", "Content-Length: 100", method="POST") + b"x")
            with Process(mailbox.line()) as program:
                c.close()
                program.wait()
        d.no_commands()


def test_program_that_takes_too_long(top):
    with mailbox_of(top) as mailbox, cgi(top, "--cgi-timeout=200ms",
                                      "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        with d.client() as c:
            c.send(head("/silent"))
            with Process(mailbox.line()) as program:
                assert c.response().status == 504
                program.wait()
        d.wait_log("refused .*status=504 .*option=--cgi-timeout")
        assert fields(d.wait_log(" cgi ends ").string)["status"] == "504"
        with d.client() as c:  # who does not read does not wait either
            c.send(head("/silent", f"Content-Length: {1 << 20}", method="PUT"))
            mailbox.line()
            c.fill(quiet=0.05)
            assert c.response().status == 504
        with d.client() as c:  # who reads, waits for the client
            c.send(head("/sum", "Content-Length: 6", method="POST") + b"abc")
            pause(0.4)
            c.send(b"def")
            assert c.response().status == 200
        with d.client() as c:  # once it has begun it has all the time
            c.send(head("/stuck"))
            mailbox.line()
            assert c.recv_some().startswith(b"HTTP/1.1 200")
            pause(0.4)
            assert c.how is None


def test_children_that_hold_the_output_do_not_hold_the_client(top):
    with mailbox_of(top) as mailbox, cgi(top, "--linger=100ms") as d:
        with d.client() as c:
            c.send(head("/family"))
            with Process(mailbox.line()) as child:
                assert c.response().body == b"x\n"
                child.wait()  # what is left of the group is ended


def test_forks_are_counted_together(top):
    with mailbox_of(top) as mailbox, \
            cgi(top, "--maxforks=1", f"--staticdir={top}/files") as d:
        with d.session() as s:
            got = ask(d, head("/env"))
            assert got.status == 503 and got.get("Retry-After") == "5"
            assert ask(d, head("/a.txt")).body == b"a file"
            assert ask(d, head("/nothing")).status == 404
            s.bye()
        d.no_commands()
        with d.client() as c:
            c.send(head("/stuck"))
            mailbox.line()
            with d.client() as other:
                assert other.handshake().status == 503
        d.wait_log("refused .*rule=programs option=--maxforks")


def test_websocketd_says_429(top):
    with cgi(top, "--maxforks=1", "--compat=websocketd") as d:
        with d.session() as s:
            assert ask(d, head("/env")).status == 429
            with d.client() as other:
                assert other.handshake().status == 429
            s.bye()


def test_daemon_stops_while_programs_answer(top):
    with mailbox_of(top) as mailbox, cgi(top, "--close-timeout=100ms",
                                      "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        with d.client() as a, d.client() as b, d.client() as c:
            a.send(head("/flood"))
            b.send(head("/silent"))
            c.send(head("/stuck", "Content-Length: 9", method="PUT") + b"x")
            for _ in range(3):
                mailbox.line()
            d.stop()


def test_once_waits_for_a_session(top):
    with cgi(top, "--once", command=["sh", "-c", "exit 4"], status=4) as d:
        assert ask(d, head("/exact")).body == b"hello"
        with d.session() as s:
            assert s.recv_close()[0] == 4004


def test_many_at_a_time(top):
    with cgi(top) as d, contextlib.ExitStack() as stack:
        before = d.descriptor_counts()
        clients = [stack.enter_context(d.client()) for _ in range(30)]
        for i, c in enumerate(clients):
            c.send(post("/sum", b"%d" % i) + head(f"/sub/prog/{i}"))
        for i, c in enumerate(clients):
            assert c.response().body.split()[0].decode() == \
                hashlib.sha256(b"%d" % i).hexdigest()
            assert f"/sub/prog /{i} in".encode() in c.response().body
        d.no_commands()
        for c in clients:
            c.close()
        until(lambda: d.descriptor_counts() == before, "descriptors go")


# ------------------------------------------------- a client that sends and ends


TEXT, FILE = head("/say?Content-Type:_a/b\\n\\nx"), head("/a.txt")


@pytest.mark.parametrize("data, bodies", [
    (TEXT, [b"x"]),
    (TEXT * 3, [b"x"] * 3),
    (FILE * 3, [b"a file"] * 3),
    (TEXT + FILE + TEXT, [b"x", b"a file", b"x"]),
    (post("/echo", b"one") + post("/echo", b"two"), [b"one", b"two"]),
    (chunked("/echo", b"one") + TEXT, [b"one", b"x"]),
    (TEXT + FILE[:-2], [b"x"]),
    (TEXT + post("/echo", b"cut")[:-1], [b"x"]),
    (TEXT + FILE * 2000, [b"x"] + [b"a file"] * 2000),  # more than one read
    (head("/big") * 3, [bytes(1 << 20)] * 3),           # more than a socket has
    (TEXT + head("/a.txt", "Connection: close") + FILE, [b"x", b"a file"]),
], ids=lambda v: len(v) if isinstance(v, bytes) else "")
def test_fault_G6_requests_before_a_fin(data, bodies, d, top):
    (top / "files/big").write_bytes(bytes(1 << 20))
    with d.client() as c:
        c.send(data)
        c.shut()
        for body in bodies:
            assert c.response().body == body
        assert c.ending() == "eof" and c.rest == b""


def test_fault_G6_a_fin_before_an_answer_that_takes_time(d, top):
    with mailbox_of(top) as mailbox, d.client() as c:
        c.send(head("/deaf") + TEXT + FILE)
        c.shut()
        mailbox.put("go on")
        for body in b"deaf\n", b"x", b"a file":
            assert c.response().body == body
        assert c.ending() == "eof" and c.rest == b""
