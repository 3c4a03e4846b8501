"""Files of --staticdir: what is sent, what never is, and how."""

import contextlib
import os
import re
import select
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from daemon import Daemon
from proc import PATIENCE, descriptors, libc, now, memory, until
from test_command_line import wrong
from wire import Gone, request_head

THEN = 784111777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
BIG = 3 << 20


def write(path, data, at=THEN):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    os.utime(path, (at, at))
    return path


@contextlib.contextmanager
def tree():
    """A folder of files with its traps, in a folder with others."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        d = top / "so"
        write(d / "a.txt", "0123456789")
        write(d / "empty", "")
        write(d / "page/index.html", "<p>page")
        write(d / "page/a b", "blank")
        write(d / "page/odd%name?.txt", "odd")
        write(d / "list/<b>&\"'.txt", "evil")
        write(d / "list/sub/x.css", "x {}")
        write(d / "list/.hidden", "secret")
        write(d / ".git/config", "secret")
        write(d / ".well-known/acme/token", "token")
        write(d / ".well-known/.hidden", "secret")
        write(d / "index.d/index.html/x", "x")
        write(d / "app.js", "alert(1)" * 100)
        write(d / "app.js.gz", "as gzip")
        write(d / "app.js.br", "as brotli")
        write(d / "old.js", "new", THEN + 1)
        write(d / "old.js.gz", "stale")
        write(d / "link.js", "plain")
        write(d / "closed", "secret").chmod(0)
        write(d / "big", os.urandom(1 << 16) * (BIG >> 16))
        write(top / "sock/secret", "secret")
        (d / "link.js.gz").symlink_to("../sock/secret")
        (d / "same").symlink_to("a.txt")
        (d / "down").symlink_to("page")
        (d / "out").symlink_to("../sock")
        (d / "stolen").symlink_to("../sock/secret")
        (d / "passwd").symlink_to("/etc/passwd")
        (d / "self").symlink_to("/proc/self/root")
        (d / "dead").symlink_to("nowhere")
        (d / "whole").symlink_to(f"{d.resolve()}/a.txt")
        (d / "back").symlink_to("../so/page")
        os.mkfifo(d / "fifo")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(d / "socket"))
        yield top


@pytest.fixture(scope="module")
def top():
    with tree() as folder:
        yield folder


@pytest.fixture(scope="module", params=["files", "calls"])
def files(top, request):
    with Daemon(f"--staticdir={top}/so", f"--sandbox={request.param}",
                "--list-directories") as d:
        yield d


def head(target, *lines, method="GET", version="1.1"):
    if isinstance(target, str):
        target = target.encode("latin-1")
    return b"\r\n".join([method.encode() + b" " + target +
                         f" HTTP/{version}".encode(), b"Host: 127.0.0.1",
                         *(line.encode() for line in lines)]) + b"\r\n\r\n"


def get(d, target, *lines, method="GET"):
    """The one answer to one request."""
    with d.client() as c:
        c.send(head(target, "Connection: close", *lines, method=method))
        response = c.response(body=method != "HEAD")
        assert c.ending() == "eof" and c.rest == b"", c.rest[:100]
        assert response.get("X-Content-Type-Options") == "nosniff"
        return response


def missing(d, target, *lines):
    response = get(d, target, *lines)
    assert response.status == 404, (target, response.status)
    assert b"secret" not in response.body and b"root:" not in response.body


# ------------------------------------------------- what is sent


@pytest.mark.parametrize("target, body, kind", [
    ("/a.txt", b"0123456789", "text/plain; charset=utf-8"),
    ("/a.txt?query", b"0123456789", "text/plain; charset=utf-8"),
    ("/%61%2etxt", b"0123456789", "text/plain; charset=utf-8"),
    ("/empty", b"", "application/octet-stream"),
    ("/page/", b"<p>page", "text/html; charset=utf-8"),
    ("/page/index.html", b"<p>page", "text/html; charset=utf-8"),
    ("/page/a%20b", b"blank", "application/octet-stream"),
    ("/page/odd%25name%3F.txt", b"odd", "text/plain; charset=utf-8"),
    ("/list%2Fsub/x.css", b"x {}", "text/css; charset=utf-8"),
    ("/same", b"0123456789", "application/octet-stream"),
    ("/down/a%20b", b"blank", "application/octet-stream"),
    ("/.well-known/acme/token", b"token", "application/octet-stream"),
    ("http://127.0.0.1/a.txt", b"0123456789", "text/plain; charset=utf-8"),
])
def test_files_are_sent_as_they_are(files, target, body, kind):
    response = get(files, target)
    assert (response.status, response.body) == (200, body)
    assert response.get("Content-Type") == kind
    assert response.get("Content-Length") == str(len(body))
    assert response.get("Last-Modified") == DATE
    assert re.fullmatch(r'"[!-~]+"', response.get("ETag"))
    assert response.get("Accept-Ranges") == "bytes"


def test_HEAD_says_the_same_without_a_body(files):
    whole = get(files, "/big")
    assert whole.body and len(whole.body) == BIG
    without = get(files, "/big", method="HEAD")
    for response in whole, without:
        response.fields = [f for f in response.fields if f[0] != "Date"]
    assert sorted(without.fields) == sorted(whole.fields)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_405(files, method):
    response = get(files, "/a.txt", method=method)
    assert response.status == 405
    assert response.get("Allow") == "GET, HEAD"


def test_many_files_on_one_connection(files):
    with files.client() as c:
        for name in "/a.txt", "/nowhere", "/empty", "/page", "/big", "/page/":
            c.send(head(name))
        got = [c.response() for _ in range(6)]
        assert [r.status for r in got] == [200, 404, 200, 301, 200, 200]
        assert len(got[4].body) == BIG and got[5].body == b"<p>page"


def test_a_command_serves_the_websockets(files):
    with files.session("/a.txt") as c:
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()
    assert get(files, "/a.txt").status == 200


def test_without_a_command_there_are_files_only(top):
    with Daemon(f"--staticdir={top}/so", command=()) as d:
        assert get(d, "/a.txt").status == 200
        assert d.request(request_head("/a.txt")).status == 404


# ------------------------------------------------- what never is


@pytest.mark.parametrize("target", [
    "/../sock/secret", "/..", "/../", "/page/../../sock/secret",
    "/%2e%2e/sock/secret", "/%2E./sock/secret", "/..%2fsock/secret",
    "/page/%2e%2e/%2e%2e/sock/secret", "/page/..%2f..%2fsock%2fsecret",
    "//../sock/secret", "/./../sock/secret", "/....//sock/secret",
    "/..\\sock\\secret", "/%5c../sock/secret", "/../so/a.txt",
    "/../../../../../../../../etc/passwd", "//etc/passwd",
    "/%2fetc/passwd", "/file:///etc/passwd", "/page/../a.txt", "/./a.txt",
    "//a.txt", "/page//a%20b", "/a.txt/", "/a.txt/x", "/a.txt/../a.txt",
])
def test_H17_nothing_leads_out_of_the_folder(files, target):
    missing(files, target)


@pytest.mark.parametrize("target", [
    "/out/secret", "/out/", "/stolen", "/passwd", "/self/etc/passwd", "/self/",
    "/dead"])
def test_H16_no_link_leads_out_of_the_folder(files, target):
    missing(files, target)


@pytest.mark.parametrize("target", [
    "/.git/config", "/.git/", "/.git", "/list/.hidden", "/%2egit/config",
    "/.well-known/.hidden", "/page/.well-known/x"])
def test_hidden_names_do_not_exist(files, target):
    missing(files, target)


@pytest.mark.parametrize("target", ["/fifo", "/socket", "/nowhere",
                                    "/nowhere/", "/" + "a" * 300,
                                    "/" + "a/" * 2500, "/index.d/index.html"
                                    "/index.html"])
def test_what_is_no_file_is_not_there(files, target):
    missing(files, target)


@pytest.mark.parametrize("target", ["/%00", "/a.txt%00.html", "/%", "/%4",
                                    "/%gg"])
def test_malformed_paths_are_400(files, target):
    assert get(files, target).status == 400


def test_file_that_we_may_not_read_is_404_and_logged(files):
    if os.geteuid() != 0:
        pytest.skip("the owner of a file may be asked, too")
    start = files.mark()
    missing(files, "/closed")
    files.wait_log('refused .*rule="file permissions"', start=start)


def test_H18_programs_in_the_folder_are_refused(top):
    for option in "--dir", "--cgidir":
        for name in "so", "so/page", "so/../so/page", "so/down":
            wrong(f"--staticdir={top}/so", f"{option}={top}/{name}",
                  says="--staticdir", status=1)
    for name in "nowhere", "so/a.txt":
        wrong(f"--staticdir={top}/{name}", "cat", says="--staticdir", status=1)


def test_meaningless_combinations():
    wrong("--console", "--staticdir=/tmp", "cat", says="exclude")
    wrong("--list-directories", "cat", says="--staticdir")


# ------------------------------------------------- folders


@pytest.mark.parametrize("target, location", [
    ("/page", "/page/"), ("/page?a=b?c", "/page/?a=b?c"),
    ("/%70age", "/page/"), ("/list/sub", "/list/sub/"),
    ("/down", "/down/"), ("/.well-known", "/.well-known/")])
def test_folder_without_slash_is_sent_to_the_one_with_it(files, target,
                                                         location):
    response = get(files, target)
    assert response.status == 301
    assert response.get("Location") == location


def test_list_of_a_folder_is_quiet(files):
    response = get(files, "/list/")
    assert response.status == 200
    assert response.get("Content-Type") == "text/html; charset=utf-8"
    policy = response.get("Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    text = response.body.decode()
    assert "<b>" not in text and "<script" not in text and "style" not in text
    assert re.findall(r'<a href="([^"]*)">([^<]*)</a>', text) == [
        ("../", "../"),
        ("./%3Cb%3E%26%22%27.txt", "&lt;b&gt;&amp;&quot;&#39;.txt"),
        ("./sub/", "sub/")]
    assert get(files, "/list/%3Cb%3E%26%22%27.txt").body == b"evil"


def test_list_shows_what_would_be_served(files):
    names = re.findall(r'href="./([^"]*)"', get(files, "/").body.decode())
    assert names == sorted(names)
    assert {"a.txt", "same", "down/", "page/", ".well-known/"} <= set(names)
    for name in ("out", "out/", "stolen", "passwd", "dead", "fifo", "socket",
                 "self/", ".git/"):
        assert name not in names
    for name in set(names) - {"closed"}:  # its mode is nobody's business here
        assert get(files, "/" + name).status == 200


def test_folder_whose_index_is_none_is_listed(files):
    assert b"index.html/" in get(files, "/index.d/").body


@pytest.fixture(scope="module")
def long_folder():
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        for i in range(5000):
            Path(name, f"file-{i:04}").touch()
        yield name


def test_long_list_is_cut_and_says_so(long_folder):
    with Daemon(f"--staticdir={long_folder}", "--list-directories") as d:
        page = get(d, "/").body
        assert page.count(b"<li>") == 4094  # and . and ..
        assert b"There is more" in page


def test_fault_A9_many_lists_at_once(long_folder):
    with Daemon("--engines=1", f"--staticdir={long_folder}",
                "--list-directories") as d:
        with d.client() as c:
            c.send(head("/") * 20)
            pages = [c.response(timeout=60).body for _ in range(20)]
        assert len(set(pages)) == 1 and pages[0].count(b"<li>") == 4094


def test_fault_A9_who_leaves_ends_his_list(long_folder):
    with Daemon("--engines=1", f"--staticdir={long_folder}",
                "--list-directories") as d:
        engine, = d.engines()
        get(d, "/missing")
        before = len(descriptors(engine))
        for end in "reset", "close":
            for _ in range(20):
                c = d.client()
                c.send(head("/") * 20)
                getattr(c, end)()
        until(lambda: len(descriptors(engine)) <= before, "all are closed")
        assert get(d, "/").status == 200


def test_websocketd_lists_folders(top):
    with Daemon("--compat=websocketd", "--server-name=*",
                f"--staticdir={top}/so") as d:
        assert get(d, "/list/").status == 200
    with Daemon("--compat=websocketd", f"--staticdir={top}/so",
                "--list-directories=false") as d:
        missing(d, "/list/")


def test_no_list_unless_asked_for(top):
    with Daemon(f"--staticdir={top}/so") as d:
        missing(d, "/list/")
        d.wait_log("refused .*option=--list-directories")
        assert get(d, "/page/").status == 200


# ------------------------------------------------- conditions and ranges


def test_conditional_requests(files):
    tag = get(files, "/a.txt").get("ETag")
    for line, status in [
            (f"If-None-Match: {tag}", 304), (f"If-None-Match: W/{tag}", 304),
            ('If-None-Match: "x"', 200), ("If-None-Match: *", 304),
            (f"If-Modified-Since: {DATE}", 304),
            ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 304),
            ("If-Modified-Since: Sun Nov  6 08:49:36 1994", 200),
            (f"If-Match: {tag}", 200), (f"If-Match: W/{tag}", 412),
            ('If-Match: "x"', 412), (f"If-Unmodified-Since: {DATE}", 200),
            ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 412)]:
        response = get(files, "/a.txt", line)
        assert response.status == status, line
        if status == 304:
            assert response.body == b"" and response.get("ETag") == tag
            assert response.get("Content-Type") is None
    assert get(files, "/nowhere", "If-None-Match: *").status == 404


def test_304_keeps_the_connection(files):
    with files.client() as c:
        c.send(head("/a.txt", "If-None-Match: *") * 2 + head("/a.txt"))
        assert [c.response().status for _ in range(3)] == [304, 304, 200]


@pytest.mark.parametrize("value, status, body, range_", [
    ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
    ("bytes=7-", 206, b"789", "bytes 7-9/10"),
    ("bytes=-2", 206, b"89", "bytes 8-9/10"),
    ("bytes=0-99", 206, b"0123456789", "bytes 0-9/10"),
    ("bytes=0-0,5-6", 200, b"0123456789", None),
    ("bytes=4-2", 200, b"0123456789", None),
    ("lines=1-2", 200, b"0123456789", None),
    ("bytes=10-", 416, None, "bytes */10"),
    ("bytes=-0", 416, None, "bytes */10"),
])
def test_ranges(files, value, status, body, range_):
    response = get(files, "/a.txt", f"Range: {value}")
    assert response.status == status
    assert response.get("Content-Range") == range_
    assert body is None or response.body == body


def test_range_of_what_has_changed_is_the_whole(files):
    tag = get(files, "/a.txt").get("ETag")
    for line, status in [(f"If-Range: {tag}", 206), ('If-Range: "x"', 200),
                         (f"If-Range: W/{tag}", 200),
                         (f"If-Range: {DATE}", 206),
                         ("If-Range: Sun, 06 Nov 1994 08:49:38 GMT", 200)]:
        assert get(files, "/a.txt", "Range: bytes=0-1",
                   line).status == status, line


def test_fresh_file_has_a_weak_tag(top):
    with Daemon(f"--staticdir={top}/so") as d:
        path = top / "so/fresh"
        path.write_text("one")
        tag = get(d, "/fresh").get("ETag")
        assert tag.startswith("W/") and get(
            d, "/fresh", f"If-None-Match: {tag}").status == 304
        write(path, "two", THEN)
        assert get(d, "/fresh", f"If-None-Match: {tag}").body == b"two"
        path.unlink()


# ------------------------------------------------- precompressed neighbours


@pytest.mark.parametrize("accept, coding, body", [
    ("gzip, deflate, br", "br", b"as brotli"),
    ("gzip", "gzip", b"as gzip"),
    ("br;q=0.5, gzip", "gzip", b"as gzip"),
    ("br;q=0, gzip;q=0", None, b"alert(1)" * 100),
    ("identity", None, b"alert(1)" * 100),
    ("zstd", None, b"alert(1)" * 100),
    ("*", "br", b"as brotli"),
])
def test_precompressed_neighbours(files, accept, coding, body):
    response = get(files, "/app.js", f"Accept-Encoding: {accept}")
    assert (response.status, response.body) == (200, body)
    assert response.get("Content-Encoding") == coding
    assert response.get("Vary") == "Accept-Encoding"
    assert response.get("Content-Type") == "text/javascript; charset=utf-8"
    other = get(files, "/app.js", "Accept-Encoding: identity")
    assert (other.get("ETag") == response.get("ETag")) == (coding is None)


def test_neighbour_that_is_older_or_a_link_outside_is_none(files):
    for name, body in ("/old.js", b"new"), ("/link.js", b"plain"):
        response = get(files, name, "Accept-Encoding: gzip, br")
        assert response.body == body
        assert response.get("Content-Encoding") is None


def test_neighbour_by_its_own_name_is_a_file(files):
    response = get(files, "/app.js.gz")
    assert response.get("Content-Type") == "application/gzip"
    assert response.get("Content-Encoding") is None


# ------------------------------------------------- while it is sent


def test_slow_client_costs_no_memory(top):
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        with open(Path(name, "huge"), "wb") as f:
            f.truncate(1 << 30)
        with Daemon(f"--staticdir={name}", "--engines=1") as d:
            with contextlib.ExitStack() as stack:
                before = memory(d.engines()[0])
                for _ in range(20):
                    c = stack.enter_context(d.client(receive_buffer=4096))
                    c.send(head("/huge"))
                    c._wait(select.POLLIN, now() + PATIENCE)
                for _ in range(10):
                    assert get(d, "/nowhere").status == 404
                assert memory(d.engines()[0]) < before + (8 << 20)


def test_file_that_shrinks_breaks_the_connection(top):
    path = write(top / "so/shrinks", bytes(64 << 20))
    with Daemon(f"--staticdir={top}/so") as d:
        with d.client(receive_buffer=4096) as c:
            c.send(head("/shrinks") + head("/a.txt"))
            until(lambda: c._receive(), "it begins")
            os.truncate(path, 1 << 10)
            with pytest.raises(Gone):
                c.response()
            assert b"0123456789" not in bytes(c.buffer)
        d.wait_log("file cut short.*became shorter")
    path.unlink()


def test_file_that_grows_is_sent_as_it_was(top):
    path = write(top / "so/grows", bytes(16 << 20))
    with Daemon(f"--staticdir={top}/so") as d:
        with d.client(receive_buffer=4096) as c:
            c.send(head("/grows") + head("/a.txt"))
            until(lambda: c._receive(), "it begins")
            with path.open("ab") as f:
                f.write(b"x" * (1 << 20))
            assert c.response().body == bytes(16 << 20)
            assert c.response().body == b"0123456789"
    path.unlink()


def test_clients_that_leave_leave_no_file_open(top):
    with Daemon(f"--staticdir={top}/so", "--engines=1") as d:
        engine = d.engines()[0]
        before = len(descriptors(engine))
        for _ in range(50):
            with d.client() as c:
                c.send(head("/big"))
        until(lambda: len(descriptors(engine)) == before, "all are closed")


def test_folder_is_served_although_its_parent_is_closed():
    if os.geteuid() != 0:
        pytest.skip("engines are no other user")
    with tempfile.TemporaryDirectory() as name:  # 0700, and not theirs
        write(Path(name, "in/a.txt"), "reached")
        with Daemon(f"--staticdir={name}/in") as d:
            assert get(d, "/a.txt").body == b"reached"


def test_files_answer_where_no_cgi_program_does(top):
    program = write(top / "cgi/hello", "#!/bin/sh\nprintf 'A: b\\n\\nhello'\n")
    program.chmod(0o755)
    (top / "cgi/a.txt").mkdir()
    with Daemon(f"--staticdir={top}/so", f"--cgidir={top}/cgi",
                command=()) as d:
        for target, body in ("/a.txt", b"0123456789"), ("/page/", b"<p>page"):
            assert get(d, target).body == body
        with d.client() as c:
            c.send(head("/hello", version="1.0"))
            assert c.ending() == "eof" and c.rest.endswith(b"\r\n\r\nhello")
        assert get(d, "/a.txt", method="POST").status == 405
        missing(d, "/nowhere")


def test_page_of_a_name_that_is_not_ours_reads_nothing():
    """A name that somebody else made lead here (DNS rebinding)."""
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        Path(top, "index.html").write_text("mine")
        check_names(top)


def check_names(top):
    for more, host, status in [
            ((), "127.0.0.1", 200), ((), "localhost:8080", 200),
            ((), "evil.example", 403), ((), "evil.example:8080", 403),
            (("--server-name=evil.example",), "evil.example", 200),
            (("--server-name=*",), "any.example", 200)]:
        with Daemon(f"--staticdir={top}", *more) as d, d.client() as c:
            c.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert c.response().status == status, (more, host)


# ------------------------------------------------- links by way of folders above


def test_fault_G3_links_that_come_back(files):
    assert get(files, "/whole").body == b"0123456789"
    assert get(files, "/back/").body == b"<p>page"
    assert get(files, "/back/a%20b").body == b"blank"
    names = re.findall(r'href="./([^"]*)"', get(files, "/").body.decode())
    assert {"whole", "back/"} <= set(names)


def test_fault_G3_the_log_says_why(files):
    missing(files, "/stolen")
    files.wait_log('refused .*status=404.* rule="link out of the folder"')


def test_fault_G3_no_way_out_while_links_are_swapped(tmp_path):
    top = tmp_path.resolve()
    top.chmod(0o755)
    write(top / "so/page/file", "inside")
    write(top / "sock/file", "secret")
    names = [str(top / name).encode() for name in ("so/one", "so/other")]
    os.symlink(top / "so/page", names[0])
    os.symlink(top / "sock", names[1])
    done = threading.Event()

    def swap():
        while not done.is_set():
            assert libc.renameat2(-100, names[0], -100, names[1], 2) == 0

    with Daemon(f"--staticdir={top}/so") as d, d.client() as c:
        thread = threading.Thread(target=swap)
        thread.start()
        try:
            seen = {}
            for _ in range(2000):
                c.send(head("/one/file"))
                body = c.response().body
                assert b"secret" not in body
                seen[body == b"inside"] = True
        finally:
            done.set()
            thread.join()
        assert seen == {True: True, False: True}


@pytest.mark.parametrize("field", ["Expect", "If-Match", "If-None-Match",
                                   "Accept-Encoding", "Range"])
@pytest.mark.parametrize("value", ["", " ", ",", " , ,"])
def test_fault_F6_a_list_of_nothing_asks_for_nothing(files, field, value):
    assert get(files, "/a.txt", f"{field}:{value}").status == 200
    date = get(files, "/a.txt", f"{field}:{value}",
               f"If-Modified-Since: {DATE}")
    assert date.status == 304
