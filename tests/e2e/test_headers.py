"""--header and its like, --errordir, and what every answer has."""

import email.utils
import os
import tempfile
import time
from pathlib import Path

import pytest

from daemon import Daemon, run
from test_command_line import wrong
from test_static import get, head
from wire import request_head


@pytest.fixture(scope="module")
def d():
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        Path(name, "a.txt").write_text("a")
        Path(name, "b.js").write_text("b")
        Path(name, "b.js.gz").write_text("c")
        with Daemon(f"--staticdir={name}", "--header=Server: mine",
                    "--header", "X-Both:\t both ways ",
                    "--header-ws=X-Ws: only", "--header-http=X-Http: only",
                    "--header-http=Vary: Origin",
                    "--header-http=Set-Cookie: a=b",
                    "--header-http=Set-Cookie: c=d",
                    "--header-http=Content-Type: text/evil",
                    "--header-http=x-content-type-options: nosniff") as daemon:
            yield daemon


def test_fields_of_the_101_and_of_the_others(d):
    with d.client() as c:
        c.send(request_head())
        response = c.response()
        assert response.status == 101
        assert response.get("Server") == "mine"
        assert response.get("X-Both") == "both ways"
        assert response.get("X-Ws") == "only"
        assert response.get("X-Http") is None
    for target, status in ("/a.txt", 200), ("/nowhere", 404):
        response = get(d, target)
        assert response.status == status
        assert response.get("Server") == "mine"
        assert response.get("X-Both") == "both ways"
        assert response.get("X-Ws") is None
        assert response.get("X-Http") == "only"
        assert response.all("Set-Cookie") == ["a=b", "c=d"]


def test_fields_of_answers_that_are_no_answers_to_a_request(d):
    response = d.request(b"nonsense\r\n\r\n")
    assert (response.status, response.get("Server")) == (400, "mine")
    response = d.request(request_head(key="short"))
    assert (response.status, response.get("X-Ws")) == (400, None)


def test_answer_keeps_its_own_fields(d):
    response = get(d, "/b.js")
    assert response.get("Content-Type") == "text/javascript; charset=utf-8"
    assert response.all("Vary") == ["Accept-Encoding", "Origin"]
    assert response.get("x-content-type-options") == "nosniff"


def test_every_answer_has_a_date(d):
    for data in (head("/a.txt", "Connection: close"), b"x\r\n\r\n",
                 head("/nowhere", "Connection: close")):
        then = email.utils.parsedate_to_datetime(d.request(data).get("Date"))
        assert abs(then.timestamp() - time.time()) < 5


def test_H5_subprotocol_is_no_field_to_add():
    wrong("--header-ws=Sec-WebSocket-Protocol: chat", "cat",
          says="--subprotocol=NAME")


@pytest.mark.parametrize("value", ["A: b\r\nC: d", "A: b\nC: d",
                                   "A: " + "b" * 5000],
                         ids=["CRLF", "LF", "long"])
def test_field_is_one_line_and_no_long_one(value):
    for kind in "", "-ws", "-http":
        assert run(f"--header{kind}={value}", "cat").returncode == 2


def test_fields_are_bounded():
    args = [f"--header{kind}=X-{n}: y" for n in range(16)
            for kind in ("", "-ws", "-http")]
    with Daemon(*args) as d:
        with d.session() as c:
            c.bye()
    wrong(*args, "--header=X: y", "cat", says="48")


# ------------------------------------------------- pages for errors


@pytest.fixture(scope="module")
def pages():
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        top = Path(name)
        for folder in "files", "errors":
            (top / folder).mkdir()
        (top / "secret").write_text("secret")
        (top / "files/a.txt").write_text("a")
        errors = top / "errors"
        (errors / "404.html").write_text("<h1>Nothing")
        (errors / "400.html").write_text("<h1>What?")
        (errors / "405.html").write_bytes(b"x" * 65536)
        (errors / "416.html").write_bytes(b"x" * 65537)
        (errors / "412.html").symlink_to("../secret")
        (errors / "500.html").write_text("")
        os.mkfifo(errors / "501.html")
        with Daemon(f"--staticdir={top}/files", "--engines=1",
                    f"--errordir={errors}") as d:
            yield d


def test_error_pages(pages):
    response = get(pages, "/nowhere")
    assert response.status == 404 and response.body == b"<h1>Nothing"
    assert response.get("Content-Type") == "text/html; charset=utf-8"
    assert response.get("Cache-Control") == "no-store"
    assert get(pages, "/nowhere", method="HEAD").status == 404
    response = get(pages, "/a.txt", method="POST")
    assert response.get("Allow") == "GET, HEAD" and len(response.body) == 65536
    assert pages.request(b"x\r\n\r\n").body == b"<h1>What?"
    assert get(pages, "/a.txt").body == b"a"


@pytest.mark.parametrize("accept, html", [
    ("text/html", True), ("*/*", True), ("text/*;q=0.1", True),
    ("application/json", False), ("text/html;q=0, */*", False)])
def test_error_page_is_for_who_wants_one(pages, accept, html):
    body = get(pages, "/nowhere", f"Accept: {accept}").body
    assert (body == b"<h1>Nothing") == html


def test_error_page_is_not_for_websockets(pages):
    response = pages.request(request_head(key="short"))
    assert response.get("Content-Type") == "text/plain; charset=utf-8"


def test_error_pages_that_cannot_be_used(pages):
    for line, name in ("Range: bytes=9-", "416"), ('If-Match: "x"', "412"):
        response = get(pages, "/a.txt", line)
        assert response.status == int(name)
        assert response.get("Content-Type") == "text/plain; charset=utf-8"
        assert b"secret" not in response.body
        pages.wait_log(f"error page not used name={name}.html")
    pages.wait_log("error page not used name=501.html")


def test_folder_of_error_pages_must_be_one():
    wrong("--errordir=/no/such", "cat", says="--errordir", status=1)
