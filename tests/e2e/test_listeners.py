"""Where clients arrive: every form of --listen, sockets that others opened,
inetd, and Unix sockets that two daemons want."""

import contextlib
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess

import pytest

from certificates import Authority
from daemon import Daemon, run
from proc import (ENGINE, PATIENCE, STANDPIPED, children, descriptors,
                  environment, executable, handler, now, pause)
from wire import Client, request_head, under_tls


class Listening(Daemon):
    """A daemon with these options and no other listener."""

    def __init__(self, *args, command=("cat",), listeners=1, wrap=(), **more):
        super().__init__(listeners=listeners, **more)
        self.args = [*map(str, wrap), str(STANDPIPED), *map(str, args), "--",
                     *map(str, command)]

    def at(self, i=0, **kw):
        """A connection to the i-th listener."""
        url = self.urls[i]
        if url.startswith("unix:"):
            return Client(url.removeprefix("unix:"), **kw)
        found = re.fullmatch(r"https?://\[?([^\]]*?)\]?:(\d+)/", url)
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(found[1], found[1])
        return Client((host, int(found[2])), **kw)


def echoes(client):
    with client as c:
        assert c.handshake().status == 101
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


def environment_of(client):
    with client as c:
        assert c.handshake().status == 101
        return c.variables()


ENV = {"command": ["env", "-0"]}


# ------------------------------------------------------------------- TCP


def test_every_form_in_one_daemon(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as ours:
        with Listening("--port=0", "--address=127.0.0.1", "--address=::1",
                       f"--unixsocket={tmp_path}/a", "--listen=127.0.0.2:0",
                       "--listen=[::1]:0", f"--listen=unix:{tmp_path}/b",
                       f"--listen=fd:{ours.fileno()}", listeners=7,
                       pass_fds=[ours.fileno()]) as d:
            assert len(d.urls) == 7
            assert {url for url in d.urls if url.startswith("unix:")} == {
                f"unix:{tmp_path}/a", f"unix:{tmp_path}/b"}
            for i in range(7):
                echoes(d.at(i))
        assert not os.listdir(tmp_path)


@pytest.mark.parametrize("option", [
    ["--listen=localhost:0"], ["--address=localhost", "--port=0"]])
def test_a_name_stands_for_its_addresses(option):
    with Listening(*option) as d:
        hosts = {url.rsplit(":", 1)[0] for url in d.urls}
        assert hosts <= {"http://127.0.0.1", "http://[::1]"}
        echoes(d.at())


@pytest.mark.parametrize("option", [
    ["--listen=*:0"], ["--address=*", "--port=0"]])
def test_a_star_is_every_address(option):
    with Listening(*option, listeners=2) as d:
        ports = {url.rsplit(":", 1)[1] for url in d.urls}
        assert sorted(url.rsplit(":", 1)[0] for url in d.urls) == [
            "http://0.0.0.0", "http://[::]"]
        assert len(ports) == 1
        echoes(d.at(0))
        echoes(d.at(1))


def test_listen_means_no_default_listener():
    with Listening("--listen=127.0.0.1:0") as d:
        d.stop()
        assert len(d.logged("^standpiped: listening")) == 1


@pytest.mark.parametrize("option", [
    "--listen=no-such-host.invalid:80", "--address=no-such-host.invalid",
    "--listen=192.0.2.1:0"])
def test_what_is_not_here_is_exit_1(option):
    done = run(option, "true")
    host = re.search(r"[=]([a-z0-9.-]+)", option)[1].encode()
    assert done.returncode == 1 and host in done.stderr
    assert b"listening" not in done.stderr


def test_a_busy_port_leaves_nothing_behind(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = run(f"--unixsocket={tmp_path}/sock",
                   f"--listen=127.0.0.1:{port}", "true")
    assert done.returncode == 1 and str(port).encode() in done.stderr
    assert os.listdir(tmp_path) == []


# ----------------------------------------------------------- Unix sockets


def test_S2_listen_unix_has_mode_and_no_default_tcp(tmp_path):
    path = tmp_path / "sock"
    with Listening(f"--listen=unix:{path}", "--unixsocket-mode=0620") as d:
        assert d.urls == [f"unix:{path}"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o620
        assert os.listdir(tmp_path) == ["sock"]  # neither lock nor other name
        echoes(d.at())
    assert os.listdir(tmp_path) == []



@pytest.mark.root
@pytest.mark.parametrize("owner, uid, gid", [
    ("daemon", 1, 0), ("daemon:daemon", 1, 1), (":daemon", 0, 1),
    ("1", 1, 0), ("1:1", 1, 1)])
def test_S2_unix_socket_owner(tmp_path, owner, uid, gid):
    path = tmp_path / "sock"
    with Listening(f"--unixsocket={path}",
                   f"--unixsocket-owner={owner}") as d:
        st = path.stat()
        assert (st.st_uid, st.st_gid) == (uid, gid)
        assert stat.S_IMODE(st.st_mode) == 0o600
        echoes(d.at())


@pytest.mark.parametrize("owner", ["no-such-name", ":no-such-name"])
def test_S2_unix_socket_owner_who_is_nobody(tmp_path, owner):
    done = run(f"--unixsocket={tmp_path}/sock", f"--unixsocket-owner={owner}",
               "true")
    assert done.returncode == 1 and b"no-such-name" in done.stderr
    assert os.listdir(tmp_path) == []


def test_S2_what_lies_in_the_way_of_the_lock_is_left_alone(tmp_path):
    path = tmp_path / "sock"
    other = tmp_path / "precious"
    other.write_text("x")
    lock = tmp_path / "sock.lock"
    lock.symlink_to(other)
    done = run(f"--unixsocket={path}", "true")
    assert done.returncode == 1 and str(lock).encode() in done.stderr
    assert lock.is_symlink() and other.read_text() == "x"
    assert not path.exists()


def test_S2_nobody_waits_for_a_lock(tmp_path):
    path = tmp_path / "sock"
    with open(tmp_path / "sock.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run(f"--unixsocket={path}", "true", timeout=PATIENCE / 4)
    assert done.returncode == 1 and b"another server" in done.stderr
    assert not path.exists()
    with Listening(f"--unixsocket={path}") as d:  # a dead one's is no lock
        echoes(d.at())


@pytest.mark.parametrize("stale", [False, True])
def test_S1_S2_of_daemons_that_start_at_once_one_wins(tmp_path, stale):
    for round in range(5):
        path = tmp_path / f"sock{round}"
        if stale:
            with socket.socket(socket.AF_UNIX) as old:
                old.bind(str(path))
        read, write = os.pipe()
        with contextlib.ExitStack() as stack:
            all = [stack.enter_context(subprocess.Popen(
                [STANDPIPED, f"--unixsocket={path}", f"--ready-fd={write}",
                 "--engines=1", "--", "cat"], pass_fds=[write],
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE))
                for _ in range(6)]
            os.close(write)
            with os.fdopen(read) as ready:
                won = ready.readline()
                assert won == f"standpiped: listening on unix:{path}\n"
                assert ready.readline() == ""  # all others are gone
            over = [p for p in all if wait_for_end(p)]
            assert len(over) == 5
            assert {p.returncode for p in over} == {1}
            assert all_say(over, b"another server")
            echoes(Client(str(path)))
            winner, = set(all) - set(over)
            winner.send_signal(signal.SIGTERM)
            assert winner.wait(PATIENCE) == 0
        assert os.listdir(tmp_path) == []


def wait_for_end(process):
    """Whether it ends; the ready pipe has told that all but one do."""
    fd = os.pidfd_open(process.pid)
    try:
        if not select.select([fd], [], [], 0.3)[0]:
            return False
    finally:
        os.close(fd)
    process.wait()
    return True


def all_say(processes, what):
    return all(what in p.stderr.read() for p in processes)


def test_S3_a_socket_that_took_our_place_stays(tmp_path):
    path = tmp_path / "sock"
    with Listening(f"--listen=unix:{path}"):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()


# ----------------------------------------------------- socket activation


class Activated(Listening):
    """Started with these sockets, as by a service manager."""

    def __init__(self, *args, sockets, names="-", **more):
        fds = [s.fileno() for s in sockets]
        wrap = [handler("activate"), names, ",".join(map(str, fds))]
        super().__init__(*args, wrap=wrap, pass_fds=fds, **more)


def server(family=socket.AF_INET, host="127.0.0.1"):
    s = socket.socket(family)
    s.bind((host, 0))
    s.listen()
    return s


def test_activation_without_a_listener_takes_them_all(tmp_path):
    with server() as a, server(socket.AF_INET6, "::1") as b, \
            socket.socket(socket.AF_UNIX) as c:
        c.bind(str(tmp_path / "sock"))
        c.listen()
        with Activated("--framing=nul", sockets=[a, b, c], listeners=3,
                       env={"SECRET": "x"}, **ENV) as d:
            assert d.urls == [
                f"http://127.0.0.1:{a.getsockname()[1]}/",
                f"http://[::1]:{b.getsockname()[1]}/",
                f"unix:{tmp_path}/sock"]
            for i in range(3):
                env = environment_of(d.at(i))
                assert not [name for name in env if "LISTEN" in name]
            assert len(d.logged("listening on .*\\(fd:[345]\\)$")) == 3
        assert (tmp_path / "sock").exists()  # it is not ours


def test_activation_by_name_and_number():
    with server() as a, server() as b, server() as c:
        with Activated("--listen=fd:web", "--listen=fd:5",
                       sockets=[a, b, c], names="web:web:other",
                       listeners=3) as d:
            ports = [s.getsockname()[1] for s in (a, b, c)]
            assert d.urls == [f"http://127.0.0.1:{p}/" for p in ports]
            for i in range(3):
                echoes(d.at(i))
            assert len(d.logged("listening on .*\\(fd:web\\)$")) == 2


def test_activation_with_a_listener_takes_what_is_named():
    with server() as a, server() as b:
        with Activated("--listen=fd:one", "--listen=127.0.0.1:0",
                       sockets=[a, b], names="one:two", listeners=2) as d:
            d.wait_log("warn .*descriptor 4.*--listen=fd:4")
            assert d.urls[0] == f"http://127.0.0.1:{a.getsockname()[1]}/"
            for pid in [d.pid, *d.engines()]:
                held = set(descriptors(pid).values())
                assert f"socket:[{os.fstat(b.fileno()).st_ino}]" not in held


def test_activation_is_not_inherited_by_commands():
    with server() as a:
        with Activated("--framing=nul", "--passenv=LISTEN_FDS,LISTEN_PID,HOME",
                       sockets=[a], names="x", env={"HOME": "/"}, **ENV) as d:
            env = environment_of(d.at())
            assert "HOME" in env
            assert not [name for name in env if "LISTEN" in name]
        with Activated(sockets=[a], command=["ls", "/proc/self/fd"]) as d:
            with d.at() as c:
                assert c.handshake().status == 101
                assert c.texts()[0] == ["0", "1", "2", "3"]


def test_activation_that_promises_too_much():
    with server() as a:
        d = Activated(sockets=[a])
        d.args[3:3] = ["/usr/bin/env", "LISTEN_FDS=9"]
        with d:
            echoes(d.at())


def test_activation_of_somebody_else_is_not_ours():
    env = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"}
    with Listening("--listen=127.0.0.1:0", env=env) as d:
        echoes(d.at())
    done = run("--listen=fd:web", "true", env=environment(**env))
    assert done.returncode == 1 and b"fd:web" in done.stderr


@pytest.mark.parametrize("listen", ["fd:nobody", "fd:3"])
def test_a_descriptor_that_is_not_there(listen):
    done = run(f"--listen={listen}", "true")
    assert done.returncode == 1 and listen.encode() in done.stderr


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    return s


def not_listening():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    return s


def connected():
    with server() as s:
        return socket.create_connection(s.getsockname())


def no_socket():
    return open("/dev/null")


@pytest.mark.parametrize("make", [udp, not_listening, connected, no_socket])
def test_a_descriptor_of_the_wrong_kind(make):
    with make() as what:
        fd = what.fileno()
        done = run(f"--listen=fd:{fd}", "true", pass_fds=[fd])
    assert done.returncode == 1 and f"fd:{fd}: it is".encode() in done.stderr


def test_a_descriptor_named_twice():
    with server() as s:
        fd = s.fileno()
        done = run(f"--listen=fd:{fd}", f"--listen=fd:{fd}", "true",
                   pass_fds=[fd])
    assert done.returncode == 1 and b"twice" in done.stderr


def test_a_blocking_descriptor_becomes_non_blocking():
    with server() as s:
        s.setblocking(True)
        fd = s.fileno()
        with Listening(f"--listen=fd:{fd}", "--engines=4",
                       pass_fds=[fd]) as d:
            assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
            for _ in range(8):
                echoes(d.at())


def test_activation_on_standard_input():
    with server() as s:
        d = Listening("--listen=fd:0")
        ready, write = os.pipe()
        me = subprocess.Popen([*d.args[:1], f"--ready-fd={write}",
                               *d.args[1:]], stdin=s, pass_fds=[write],
                              stderr=subprocess.DEVNULL)
        os.close(write)
        try:
            with os.fdopen(ready) as stream:
                assert stream.read().endswith(" (fd:0)\n")
            echoes(Client(s.getsockname()))
        finally:
            me.send_signal(signal.SIGTERM)
            assert me.wait(PATIENCE) == 0


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="systemd-socket-activate is not installed")
@pytest.mark.parametrize("how, ours", [
    ([], []), (["--fdname=web"], ["--listen=fd:web"]),
    (["--accept", "--inetd"], ["--inetd"])])
def test_activation_by_systemd(tmp_path, how, ours):
    path = str(tmp_path / "sock")
    me = subprocess.Popen(
        ["systemd-socket-activate", f"--listen={path}", *how, STANDPIPED,
         *ours, "--", "cat"], stderr=subprocess.PIPE)
    try:
        assert b"Listening" in me.stderr.readline()
        for _ in range(2):
            echoes(Client(path))
    finally:
        me.terminate()
        me.communicate(timeout=PATIENCE)


# ------------------------------------------------------------------ inetd


@contextlib.contextmanager
def inetd(*args, command=("cat",), stderr=None, family=socket.AF_INET):
    """One connection as inetd (nowait) serves it: (client, process)."""
    with socket.socket(family) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        client = Client(listening.getsockname())
        conn, _ = listening.accept()
    with client, conn:
        me = subprocess.Popen(
            [STANDPIPED, "--inetd", *args, "--", *command], stdin=conn,
            stdout=conn, stderr=conn if stderr is None else stderr)
        conn.close()
        try:
            yield client, me
        finally:
            if me.poll() is None:
                me.kill()
            me.wait(PATIENCE)


@pytest.mark.parametrize("script, status", [
    ("cat", 0), ("cat; exit 3", 3), ("read x; echo $x; kill -9 $$", 137)])
def test_inetd_serves_one_session_and_ends_with_its_status(script, status):
    with inetd("--loglevel=debug", command=["sh", "-c", script]) as (c, me):
        assert c.handshake().status == 101
        c.send_text("x")
        assert c.recv_text() == "x"
        if status != 137:
            c.send_close(1000)
        assert c.recv_close()[0] in (1000, 4137)
        c.finish(1000)
        c.close()
        assert me.wait(PATIENCE) == status


def test_inetd_answers_a_page_and_ends():
    with inetd("--console") as (c, me):
        c.send(request_head(drop=["Upgrade", "Connection"],
                            headers={"Connection": "close"}))
        assert c.response().status == 200
        c.shut()
        assert c.ending() == "eof"
        assert me.wait(PATIENCE) == 0


def test_inetd_client_that_vanishes():
    with inetd() as (c, me):
        c.close()
        assert me.wait(PATIENCE) == 0


def test_inetd_client_that_says_nothing_is_sent_away():
    start = now()
    with inetd("--handshake-timeout=300ms") as (c, me):
        assert c.ending() == "eof"
        assert me.wait(PATIENCE) == 0
        assert now() - start > 0.29


def test_inetd_tells_the_client_nothing_of_its_own():
    with inetd("--port=80", "--nonsense") as (c, me):
        assert c.ending() == "eof" and c.rest == b""
        assert me.wait(PATIENCE) == 2


def test_inetd_logs_where_standard_error_is_another():
    with inetd("--framing=nul", stderr=subprocess.PIPE, **ENV) as (c, me):
        assert c.handshake().status == 101
        env = c.variables()
        assert env["REMOTE_ADDR"] == "127.0.0.1"
        assert env["REMOTE_PORT"] == str(c.sock.getsockname()[1])
        assert env["SERVER_PORT"] == str(c.sock.getpeername()[1])
        c.finish(1000)
        c.close()
        assert me.wait(PATIENCE) == 0
        log = me.stderr.read().decode()
        assert "session ends" in log and "listening" not in log


def test_inetd_stops_by_a_signal():
    with inetd() as (c, me):
        assert c.handshake().status == 101
        me.send_signal(signal.SIGTERM)
        assert c.recv_close()[0] == 1001
        c.finish(1001)
        c.close()
        assert me.wait(PATIENCE) == 0


def test_inetd_lost_engine_is_a_failure():
    with inetd() as (c, me):
        assert c.handshake().status == 101
        engine, = [pid for pid in children(me.pid)
                   if executable(pid) == ENGINE.name]
        os.kill(engine, signal.SIGKILL)
        assert me.wait(PATIENCE) == 1


def test_inetd_needs_a_connection():
    done = run("--inetd", "true")
    assert done.returncode == 1 and b"--inetd" in done.stderr
    with server() as s:
        done = subprocess.run([STANDPIPED, "--inetd", "true"], stdin=s,
                              capture_output=True, timeout=PATIENCE)
    assert done.returncode == 1 and b"--inetd" in done.stderr


# --------------------------------------------------------------- redirects


def ask(client, data):
    with client as c:
        c.send(data)
        return c.response()


def get(target="/", method="GET", host="a.test", more=""):
    return (f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"
            ).encode("latin-1")


class Redirecting(Listening):
    """A daemon whose last listener is that of --redirport."""

    def __init__(self, *args, **more):
        super().__init__("--redirport=0", *args, **more)

    def ask(self, *args, **kw):
        return ask(self.at(-1), get(*args, **kw))

    def to(self):
        return re.search(r":(\d+)/$", self.urls[-2])[1]


@pytest.fixture(scope="module")
def redirecting():
    with Redirecting("--port=0", "--address=127.0.0.1", listeners=2) as d:
        yield d


@pytest.mark.parametrize("target", [
    "/", "/a/b?c=d&e", "/a?b?c", "//evil.test/", "/%0d%0aSet-Cookie:x", "/?",
    "/a|{}\\^`\"<>"])
def test_H20_redirect_keeps_path_and_query(redirecting, target):
    got = redirecting.ask(target)
    assert got.status == 301
    assert got.get("Location") == (
        f"http://a.test:{redirecting.to()}{target.removesuffix('?')}")


def test_H20_redirect_of_a_whole_url(redirecting):
    got = redirecting.ask("http://b.test:99/x?y", host="b.test:99")
    assert got.get("Location") == f"http://b.test:{redirecting.to()}/x?y"


@pytest.mark.parametrize("host, name", [
    ("a.test:99", "a.test"), ("[::1]:99", "[::1]"), ("127.0.0.1", "127.0.0.1"),
    ("A.Test", "A.Test")])
def test_H20_redirect_leads_to_our_port(redirecting, host, name):
    got = redirecting.ask("/", host=host)
    assert got.get("Location") == f"http://{name}:{redirecting.to()}/"


@pytest.mark.parametrize("method, status", [
    ("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308)])
def test_redirect_keeps_the_method(redirecting, method, status):
    with redirecting.at(-1) as c:
        c.send(get("/x", method=method))
        got = c.response(body=method != "HEAD")
    assert got.status == status
    assert got.get("Location").endswith("/x")


def test_redirect_of_an_upgrade_runs_nothing(redirecting):
    got = ask(redirecting.at(-1), request_head("/chat"))
    assert got.status == 301 and got.get("Location").endswith("/chat")
    assert not redirecting.commands()


def test_redirect_listener_serves_request_after_request(redirecting):
    with redirecting.at(-1) as c:
        for path in "/1", "/2":
            c.send(get(path))
            assert c.response().get("Location").endswith(path)


@pytest.mark.parametrize("host", [
    "a.test\r\nX: y", "a.test/x", "a b", "a\tb", "@evil", "a.test:x", "[::1",
    "\x00", ""])
def test_redirect_of_a_malformed_host_is_400(redirecting, host):
    with redirecting.at(-1) as c:
        c.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n".encode() +
               b"Host: twice\r\n\r\n" if "X: y" in host else
               get("/", host=host))
        got = c.response()
    assert got.status == 400 and got.get("Location") is None


def test_redirect_without_a_host_is_400(redirecting):
    with redirecting.at(-1) as c:
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        assert c.response().status == 400
    redirecting.wait_log("refused .*rule=redirect option=--server-name")


def test_redirect_of_a_foreign_host_leads_to_our_name():
    with Redirecting("--port=0", "--address=127.0.0.1", "--server-name=*.x.test",
                     "--server-name=our.test", listeners=2) as d:
        for host, name in [("our.test:1", "our.test"), ("a.x.test", "a.x.test"),
                           ("evil.test", "our.test"), ("x.test", "our.test")]:
            got = d.ask("/y", host=host)
            assert got.get("Location") == f"http://{name}:{d.to()}/y"
        with d.at(-1) as c:
            c.send(b"GET /y HTTP/1.0\r\n\r\n")
            got = c.response()
            assert got.get("Location") == f"http://our.test:{d.to()}/y"


def test_redirport_is_where_its_target_is():
    with Redirecting("--listen=127.0.0.2:0", listeners=2) as d:
        assert d.urls[-1].startswith("http://127.0.0.2:")
        d.wait_log(r"listening on .* \(--redirport\)$")
        assert d.ask("/x").get("Location") == f"http://a.test:{d.to()}/x"


def test_redirport_beside_a_unix_socket_means_tcp(tmp_path):
    with Redirecting(f"--unixsocket={tmp_path}/sock", "--port=0",
                     "--address=127.0.0.1", listeners=3) as d:
        assert len(d.urls) == 3
        assert d.ask("/x").status == 301


def test_redirport_needs_somewhere_to_lead_to(tmp_path):
    done = run("--redirport=0", f"--listen=unix:{tmp_path}/sock", "true")
    assert done.returncode == 1 and b"--redirport" in done.stderr


# ------------------------------------------------------- the PROXY protocol


def v1(text="PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\n"):
    return text.encode()


V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source="192.0.2.7", target="198.51.100.9", ports=(4711, 443),
       command=0x21, extra=b""):
    kind = socket.AF_INET6 if ":" in source else socket.AF_INET
    body = (socket.inet_pton(kind, source) + socket.inet_pton(kind, target) +
            struct.pack(">HH", *ports) + extra)
    family = 0x21 if ":" in source else 0x11
    return V2 + struct.pack(">BBH", command, family, len(body)) + body


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    path = tmp_path_factory.mktemp("proxied") / "sock"
    with Listening("--listen=proxy:127.0.0.1:0", f"--listen=proxy:unix:{path}",
                   "--listen=127.0.0.1:0", "--framing=nul",
                   "--handshake-timeout=1s", listeners=3, **ENV) as d:
        yield d


def variables(client, before):
    with client as c:
        c.send(before + request_head(host="a.test"))
        assert c.response(body=False).status == 101
        return c.variables()


@pytest.mark.parametrize("listener", [0, 1])
@pytest.mark.parametrize("before, addr, port, https", [
    (v1(), "192.0.2.7", "4711", None),
    (v1("PROXY TCP6 2001:db8::7 2001:db8::9 4711 443\r\n"), "2001:db8::7",
     "4711", None),
    (v2(), "192.0.2.7", "4711", None),
    (v2("2001:db8::7", "2001:db8::9"), "2001:db8::7", "4711", None),
    (v2(extra=b"\x04\0\x03abc"), "192.0.2.7", "4711", None),
    (v2(extra=b"\x20\0\x05\x01\0\0\0\0"), "192.0.2.7", "4711", "on")])
def test_proxy_header_says_who_it_is(proxied, listener, before, addr, port,
                                     https):
    env = variables(proxied.at(listener), before)
    assert (env["REMOTE_ADDR"], env["REMOTE_PORT"]) == (addr, port)
    assert env["SERVER_PORT"] == "443"
    assert env.get("HTTPS") == https


@pytest.mark.parametrize("before", [
    v1("PROXY UNKNOWN\r\n"), v1("PROXY UNKNOWN x y\r\n"),
    v2(command=0x20), V2 + b"\x20\0\0\0"])
def test_proxy_that_speaks_for_itself(proxied, before):
    client = proxied.at(0)
    mine = client.sock.getsockname()
    env = variables(client, before)
    assert env["REMOTE_ADDR"] == "127.0.0.1"
    assert env["REMOTE_PORT"] == str(mine[1])


@pytest.mark.parametrize("header", [v1(), v2()])
def test_proxy_header_in_pieces(proxied, header):
    with proxied.at(0) as c:
        for i in range(len(header)):
            c.send(header[i:i + 1])
            pause(0.001)
        c.send(request_head())
        assert c.response(body=False).status == 101


def test_proxy_header_is_not_read_as_a_request_elsewhere(proxied):
    with proxied.at(2) as c:
        c.send(v1() + get())
        assert c.response().status == 400


@pytest.mark.parametrize("data", [
    get(), b"PROXY ", b"PROXY TCP4 1.2.3.4\r\n",
    v1("PROXY TCP4 192.0.2.7 198.51.100.9 4711 99999\r\n"),
    v1("PROXY TCP4 2001:db8::7 2001:db8::9 1 2\r\n"),
    v1("PROXY UNKNOWN" + "x" * 120), V2[:-1] + b"x", V2 + b"\x31\x11\0\x0c",
    v2(command=0x22), V2 + b"\x21\x11\0\x04abcd", V2 + b"\x21\x11\xff\xff",
    b"\x16\x03\x01\0\xa5", b"\0" * 300, b"SSH-2.0-x\r\n"])
def test_proxy_header_that_is_none_ends_the_connection(proxied, data):
    mark = proxied.mark()
    with proxied.at(0) as c:
        c.send(data)
        if data == b"PROXY ":
            c.shut()
        assert c.ending() in ("eof", "reset") and c.rest == b""
    line = proxied.wait_log("refused .*rule=\"proxy header\"", start=mark)
    assert "peer=127.0.0.1" in line.string and "reason=" in line.string


def test_proxy_header_that_is_late(proxied):
    mark = proxied.mark()
    start = now()
    with proxied.at(0) as c, proxied.at(0) as quiet:
        c.send(b"PROXY TCP4 ")
        assert c.ending() in ("eof", "reset") and c.rest == b""
        assert quiet.ending() == "eof" and quiet.rest == b""
    assert now() - start > 0.99
    proxied.wait_log("refused .*rule=\"handshake time\" .*"
                     "option=--handshake-timeout", start=mark)
    assert len(proxied.logged("refused", start=mark)) == 1


def test_proxy_that_only_knocks_is_not_worth_a_line(proxied):
    mark = proxied.mark()
    proxied.at(0).close()
    with proxied.at(0) as c:
        c.shut()
        assert c.ending() == "eof"
    echo_env = variables(proxied.at(0), v1())
    assert echo_env["REMOTE_ADDR"] == "192.0.2.7"
    assert not proxied.logged("refused", start=mark)


def test_proxy_header_of_those_that_are_trusted():
    with Listening("--listen=proxy:127.0.0.1:0", "--trusted-proxy=127.0.0.2",
                   "--framing=nul", **ENV) as d:
        with d.at() as c:
            assert c.ending() in ("eof", "reset") and c.rest == b""
        d.wait_log("refused .*rule=\"proxy header\" .*"
                   "option=\"--trusted-proxy=127.0.0.1\"")
    with Listening("--listen=proxy:127.0.0.1:0", "--trusted-proxy=127.0.0.1",
                   "--framing=nul", **ENV) as d:
        assert variables(d.at(), v1())["REMOTE_ADDR"] == "192.0.2.7"


def test_the_address_that_a_proxy_names_may_be_denied():
    with Listening("--listen=proxy:127.0.0.1:0", "--deny=192.0.2.0/24") as d:
        with d.at() as c:
            c.send(v1() + get())
            assert c.response().status == 403
        with d.at() as c:
            c.send(v2("192.0.3.7") + request_head())
            assert c.response(body=False).status == 101


def test_proxied_connections_count():
    with Listening("--listen=proxy:127.0.0.1:0", "--max-connections=1") as d:
        with d.at() as c:
            c.send(v1() + request_head())
            assert c.response(body=False).status == 101
            with d.at() as other:
                other.send(v1() + request_head())
                assert other.response().status == 503


def test_stop_ends_who_has_not_arrived():
    with Listening("--listen=proxy:127.0.0.1:0", "--handshake-timeout=0") as d:
        with d.at() as c:
            c.send(b"PROXY")
            d.stop()


# ------------------------------------------------------------ TLS and auto


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca")).issue("server")


@pytest.fixture(scope="module")
def mixed(pair, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    with Listening(
            *pair.options(), "--listen=127.0.0.1:0", "--listen=tls:127.0.0.1:0",
            "--listen=auto:127.0.0.1:0", f"--listen=tls:unix:{folder}/tls",
            f"--listen=auto:unix:{folder}/auto",
            "--listen=proxy:tls:127.0.0.1:0", "--listen=auto:proxy:127.0.0.1:0",
            "--framing=nul", "--handshake-timeout=1s", listeners=7,
            **ENV) as d:
        yield d


def over(client, before=b"", tls=True):
    """The variables of a session on a connection that begins like this."""
    with client as c:
        if before:
            c.send(before)
        if tls:
            c.sock.settimeout(PATIENCE)
            c.sock = under_tls(c.sock, True, None, None)
            c.sock.setblocking(False)
        return variables(c, b"")


@pytest.mark.parametrize("listener, before, tls, addr", [
    (0, b"", False, "127.0.0.1"), (1, b"", True, "127.0.0.1"),
    (2, b"", False, "127.0.0.1"), (2, b"", True, "127.0.0.1"),
    (3, b"", True, "unix-socket"), (4, b"", True, "unix-socket"),
    (4, b"", False, "unix-socket"), (5, v1(), True, "192.0.2.7"),
    (5, v2(), True, "192.0.2.7"), (6, v1(), True, "192.0.2.7"),
    (6, v2(), False, "192.0.2.7")])
def test_any_mix_in_one_daemon(mixed, listener, before, tls, addr):
    env = over(mixed.at(listener), before, tls)
    assert env["REMOTE_ADDR"] == addr
    assert env.get("HTTPS") == ("on" if tls else None)
    assert ("SSL_PROTOCOL" in env) == tls


def test_urls_of_listeners_with_tls(mixed):
    schemes = [url.split("/")[0] for url in mixed.urls]
    assert schemes == ["http:", "https:", "https:", "unix:", "unix:", "https:",
                       "https:"]


def test_auto_waits_for_the_first_byte(mixed):
    start = now()
    with mixed.at(2) as plain, mixed.at(2) as quiet:
        for byte in request_head():
            plain.send(bytes([byte]))
        assert plain.response(body=False).status == 101
        assert quiet.ending() == "eof" and quiet.rest == b""
        assert now() - start > 0.99


def test_auto_by_options(pair):
    with Listening("--ssl=auto", *pair.options(), "--port=0",
                   "--address=127.0.0.1", "--framing=nul", **ENV) as d:
        assert d.urls[0].startswith("https://")
        for tls in False, True:
            assert over(d.at(), tls=tls).get("HTTPS") == ("on" if tls else None)


def test_tls_needs_certificates():
    for option in "--listen=tls:*:0", "--listen=auto:*:0", "--ssl=auto":
        done = run(option, "true")
        assert done.returncode == 2 and b"--sslcert" in done.stderr


def test_inetd_over_tls(pair):
    with inetd("--ssl", *pair.options()) as (c, me):
        c.sock.settimeout(PATIENCE)
        c.sock = under_tls(c.sock, True, None, None)
        c.sock.setblocking(False)
        c.send(get(more="Connection: close\r\n"))
        assert c.response().status == 426
        c.close()
        assert me.wait(PATIENCE) == 0


@pytest.fixture(scope="module")
def redirecting_plain(pair):
    with Listening("--redirect-plain", *pair.options(), "--console",
                   "--listen=auto:127.0.0.1:0", "--listen=127.0.0.1:0",
                   "--listen=auto:proxy:127.0.0.1:0", listeners=3) as d:
        yield d


@pytest.mark.parametrize("host, place", [
    ("a.test:8080", "a.test:8080"), ("a.test", "a.test"),
    ("[::1]:1", "[::1]:1"), ("a.test:443", "a.test")])
def test_redirect_plain_keeps_host_and_port(redirecting_plain, host, place):
    got = ask(redirecting_plain.at(0), get("/x?y=z", host=host))
    assert got.status == 301
    assert got.get("Location") == f"https://{place}/x?y=z"


def test_redirect_plain_of_an_upgrade_runs_nothing(redirecting_plain):
    got = ask(redirecting_plain.at(0), request_head("/x"))
    assert got.status == 301
    assert not redirecting_plain.commands()


def test_redirect_plain_is_not_for_tls_or_elsewhere(redirecting_plain):
    d = redirecting_plain
    assert ask(d.at(0, tls=True), get()).status == 200
    assert ask(d.at(1), get()).status == 200
    sent_on = v2(extra=b"\x20\0\x05\x01\0\0\0\0")  # the proxy did TLS
    assert ask(d.at(2), sent_on + get()).status == 200
    assert ask(d.at(2), v2() + get()).status == 301


def test_redirport_leads_to_tls(pair):
    with Redirecting(*pair.options(), "--listen=127.0.0.1:0",
                     "--listen=tls:127.0.0.2:0", listeners=3) as d:
        assert d.urls[-1].startswith("http://127.0.0.2:")
        got = d.ask("/x?y")
        assert got.get("Location") == f"https://a.test:{d.to()}/x?y"
