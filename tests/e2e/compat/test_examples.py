"""Command lines of websocketd's manual, README and examples, as they stand there.

Each runs in a network of its own, so that the ports are the ones that are
written. The programs are like those of the examples.
"""

import os
import shutil
import subprocess

import pytest

from network import Websocketd
from proc import PATIENCE, Timeout
from wire import TEXT, Client, frame, request_head

pytestmark = pytest.mark.usefixtures("own_network")

COUNT = """#!/bin/bash
for ((COUNT = 1; COUNT <= 10; COUNT++)); do
  echo $COUNT
done
"""

GREETER = """#!/bin/bash
while read LINE
do
	echo "Hello $LINE!"
done
"""

ECHO = """#!/bin/sh
exec cat
"""

CHAT = """#!/bin/bash
echo "Please enter your name:"; read USER
echo "[$(date)] ${USER} joined the chat" >> chat.log
echo "[$(date)] Welcome to the chat ${USER}!"
tail -n 0 -f chat.log --pid=$$ | grep --line-buffered -v "] ${USER}>" &
while read MSG; do echo "[$(date)] ${USER}> ${MSG}" >> chat.log; done
"""

DUMP = """#!/bin/bash
echo "Content-Type: text/plain"
echo
env
"""

COUNT_JS = """
for (let count = 1; count <= 10; count++)
	console.log(count);
"""

COUNT_PY = """
from sys import stdout
for count in range(0, 10):
  print(count + 1)
  stdout.flush()
"""

PAGE = "<!DOCTYPE html>\n<div id=count></div>\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The examples, in the folder that commands are started in."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)  # the engines are not root
    for name, text in {
            "count.sh": COUNT, "greeter.sh": GREETER, "echo.sh": ECHO,
            "chat.sh": CHAT, "scripts/count.sh": COUNT,
            "scripts/greeter.sh": GREETER, "scripts/tools/echo.sh": ECHO,
            "examples/cgi-bin/dump-env.sh": DUMP, "count.js": COUNT_JS,
            "my-program.py": COUNT_PY, "static/index.html": PAGE,
            "static/count.html": PAGE}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return tmp_path


def words(line):
    """The words of a command line behind the name of the program."""
    name, *rest = line.split()
    assert name == "websocketd"
    return rest


def counts(d, path="/"):
    with d.session(path) as c:
        texts, code, _ = c.texts()
        assert texts == [str(i) for i in range(1, 11)]
        assert code == 1000
        c.finish(code)


def greets(d, path="/"):
    with d.session(path) as c:
        for name in "Joe", "Ann":
            c.send_text(name)
            assert c.recv_text() == f"Hello {name}!"
        c.bye()


def echoes(d, path="/"):
    with d.session(path) as c:
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


def get(d, path="/", **kw):
    return d.request(request_head(
        path, drop=["Upgrade", "Connection"], headers={"Connection": "close"},
        **kw))


def console(d):
    got = get(d)
    assert got.status == 200 and "html" in got.get("Content-Type")
    assert b"<script" in got.body


@pytest.mark.parametrize("line, port, what", [
    ("websocketd --port=8080 ./count.sh", 8080, [counts]),
    ("websocketd --port 8080 ./count.sh", 8080, [counts]),
    ("websocketd -port=8080 ./count.sh", 8080, [counts]),
    ("websocketd -port 8080 ./count.sh", 8080, [counts]),
    ("websocketd ./count.sh", 80, [counts]),
    ("websocketd --port=8080 --devconsole ./greeter.sh", 8080,
     [greets, console]),
    ("websocketd --devconsole --port 8080 ./greeter.sh", 8080,
     [greets, console]),
    ("websocketd --port=8080 --devconsole ./echo.sh", 8080,
     [echoes, console]),
    ("websocketd --port=8080 --devconsole --passenv PATH ./count.sh", 8080,
     [counts, console]),
    ("websocketd --port=8080 --sameorigin ./count.sh", 8080, [counts]),
    ("websocketd --port=8080 python3 my-program.py", 8080, [counts]),
    ("websocketd --port=8080 bash count.sh", 8080, [counts]),
    ("websocketd --port=8080 --loglevel=fatal cat", 8080, [echoes]),
    ("websocketd --port=8080 cat -u", 8080, [echoes]),
])
def test_a_command(folder, line, port, what):
    with Websocketd(*words(line)) as d:
        assert d.port == port
        for one in what:
            one(d)


def test_node(folder):
    if shutil.which("node") is None:
        pytest.skip("no node")
    with Websocketd(*words("websocketd --port=8080 node count.js")) as d:
        counts(d)


def test_chat(folder):
    line = "websocketd --devconsole --port 8080 ./chat.sh"
    with Websocketd(*words(line)) as d, d.session() as ann, d.session() as joe:
        for c, name in (ann, "Ann"), (joe, "Joe"):
            assert c.recv_text() == "Please enter your name:"
            c.send_text(name)
            assert c.recv_text().endswith(f"Welcome to the chat {name}!")
        # Her tail has begun when the first of his lines is there.
        for _ in range(100):
            joe.send_text("hi")
            try:
                assert "Joe" in ann.recv_text(timeout=0.2)
                break
            except Timeout:
                continue
        ann.send_close(1000)
        joe.send_close(1000)
        assert ann.messages()[1] == joe.messages()[1] == 1000
        d.no_commands()


def test_the_console_answers_every_path(folder):
    line = "websocketd --port=8080 --devconsole ./count.sh"
    with Websocketd(*words(line)) as d:
        for path in "/", "/foo", "/foo/bar?x":
            assert get(d, path).status == 200
        counts(d, "/foo")


@pytest.mark.parametrize("line", [
    "websocketd --port=8080 --dir=scripts",
    "websocketd --port=8080 --dir=scripts/",
    "websocketd --port=8080 --dir ./scripts",
    "websocketd --port=8080 --dir=scripts --devconsole"])
def test_a_folder_of_programs(folder, line):
    with Websocketd(*words(line)) as d:
        counts(d, "/count.sh")
        greets(d, "/greeter.sh")
        greets(d, "/greeter.sh/more/path?x=1")
        echoes(d, "/tools/echo.sh")
        for path in "/", "/tools", "/nonexistent.sh", "/tools/count.sh":
            with d.client() as c:
                assert c.handshake(path).status == 404


@pytest.mark.parametrize("line", [
    "websocketd --port=1234 --cgidir=examples/cgi-bin",
    "websocketd --port=1234 --cgidir=examples/cgi-bin cat"])
def test_a_folder_of_cgi_programs(folder, line):
    with Websocketd(*words(line)) as d:
        got = get(d, "/dump-env.sh?x=1")
        assert got.status == 200 and got.get("Content-Type") == "text/plain"
        assert b"\nQUERY_STRING=x=1\n" in got.body
        assert get(d, "/nothing").status == 404
        if line.endswith("cat"):
            echoes(d)


@pytest.mark.parametrize("line, listing", [
    ("websocketd --port=8080 --staticdir=static", False),
    ("websocketd --port=8080 --staticdir=./static cat", False),
    ("websocketd --port=8080 --staticdir=. python3 my-program.py", True),
    ("websocketd --port=8080 --staticdir=./static --sameorigin=true cat",
     False)])
def test_a_folder_of_files(folder, line, listing):
    with Websocketd(*words(line)) as d:
        page = "/static/count.html" if listing else "/count.html"
        assert get(d, page).body.decode() == PAGE
        assert get(d, "/static/" if listing else "/").body.decode() == PAGE
        assert get(d, "/nothing").status == 404
        if line.endswith("cat"):
            echoes(d)
        elif line.endswith(".py"):
            counts(d)


@pytest.fixture
def pem(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem",
         "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True)


def over_tls(d, line):
    """What openssl's client gets for a request."""
    done = subprocess.run(
        ["openssl", "s_client", "-quiet", "-verify_return_error",
         "-CAfile", "cert.pem", "-servername", "localhost",
         "-connect", f"localhost:{d.port}"],
        input=line, capture_output=True, timeout=PATIENCE)
    return done.stdout


@pytest.mark.parametrize("line, port", [
    ("websocketd --ssl --sslcert=cert.pem --sslkey=key.pem ./count.sh", 443),
    ("websocketd --port=8443 --ssl --sslcert=cert.pem --sslkey=key.pem cat",
     8443)])
def test_tls(folder, pem, line, port):
    with Websocketd(*words(line)) as d:
        assert d.port == port and d.urls[0].startswith("https://")
        answer = over_tls(d, request_head(host="localhost") +
                          frame("x") +
                          frame(b"\x03\xe8", 8))
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert (b"\x81\x0210" in answer) == (port == 443)
        assert (b"\x81\x01x" in answer) == (port == 8443)


def test_redirport(folder, pem):
    line = "websocketd --port=8443 --ssl --sslcert=cert.pem " \
        "--sslkey=key.pem --redirport=8080 cat"
    with Websocketd(*words(line), listeners=4):
        with Client(("127.0.0.1", 8080)) as c:
            c.send(request_head(
                "/a?b=c", host="localhost:8080",
                drop=["Upgrade", "Connection"]))
            got = c.response()
        assert got.status == 301
        assert got.get("Location") == "https://localhost:8443/a?b=c"


@pytest.mark.parametrize("line, addresses", [
    ("websocketd --port=8080 --address=127.0.0.1 cat", ["127.0.0.1"]),
    ("websocketd --port=8080 --address=0.0.0.0 cat", ["0.0.0.0"]),
    ("websocketd --port=8080 --address=[::1] cat", ["::1"]),
    ("websocketd --port=8080 --address=[::1] --address=127.0.0.1 cat",
     ["::1", "127.0.0.1"]),
    ("websocketd --port=8080 cat", ["0.0.0.0", "::"])])
def test_addresses(line, addresses):
    with Websocketd(*words(line), listeners=len(addresses)) as d:
        assert [url.replace("[", "").replace("]", "") for url in d.urls] == [
            f"http://{address}:8080/" for address in addresses]
        for address in addresses:
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
            with d.client(host=host) as c:
                assert c.handshake().status == 101
                c.bye()


@pytest.mark.parametrize("line, tcp", [
    ("websocketd --unixsocket=websocketd.sock cat", 0),
    ("websocketd --port=8080 --unixsocket=websocketd.sock cat", 2)])
def test_a_unix_socket(folder, line, tcp):
    with Websocketd(*words(line), listeners=1 + tcp) as d:
        with Client("websocketd.sock") as c:
            assert c.handshake().status == 101
            c.send_text("x")
            assert c.recv_message() == (TEXT, b"x")
            c.bye()
        if tcp:
            echoes(d)
        second = subprocess.run(d.args, capture_output=True,
                                env=d.env, timeout=PATIENCE)
        assert second.returncode == 1
        assert b"another server listens" in second.stderr
    assert not os.path.exists("websocketd.sock")
