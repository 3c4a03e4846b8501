"""--listen: each local connection is a WebSocket of its own."""

import contextlib
import os
import re
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess

import pytest

from daemon import Daemon
from proc import (PATIENCE, STANDPIPE, Process, environment, now, pause,
                  standpipe, until)

LINE = b"standpipe: listening on "


class Relay:
    """A running standpipe --listen, in a `with` statement."""

    def __init__(self, url, *args, listen=("127.0.0.1:0",), announced=None,
                 **popen):
        self.listen = list(listen)
        self.announced = len(listen) if announced is None else announced
        self.args = [str(STANDPIPE), *(f"--listen={w}" for w in listen),
                     *map(str, args), url]
        self.popen = popen
        self.status = None

    def __enter__(self):
        self.process = subprocess.Popen(
            self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(), bufsize=0, **self.popen)
        self.where = []
        self.err = b""
        for _ in range(self.announced):
            line = self.line()
            assert line.startswith(LINE), line
            self.where.append(line[len(LINE):].decode())
        return self

    def line(self):
        """The next line of its standard error, without its end."""
        while b"\n" not in self.err:
            ready = select.select([self.process.stderr], [], [], PATIENCE)[0]
            assert ready, f"no line came, after {self.err!r}"
            more = os.read(self.process.stderr.fileno(), 65536)
            assert more, f"it ended, after {self.err!r}"
            self.err += more
        line, self.err = self.err.split(b"\n", 1)
        return line

    def connect(self, which=0):
        where = self.where[which]
        if where.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE)
            sock.connect(where[len("unix:"):])
            return sock
        host, port = where.rsplit(":", 1)
        return socket.create_connection((host.strip("[]"), int(port)),
                                        timeout=PATIENCE)

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        self.status = self.process.wait(PATIENCE)
        self.err += self.process.stderr.read()

    def __exit__(self, kind, *_):
        try:
            if self.status is None:
                self.stop()
            if kind is None:
                assert (self.status, self.err) == (0, b"")
                assert self.process.stdout.read() == b""
            else:
                print(self.err.decode())
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process.stderr.close()


def receive(sock, size):
    got = b""
    while len(got) < size:
        more = sock.recv(65536)
        assert more, f"it ended behind {got[-80:]!r}"
        got += more
    return got


def receive_all(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def assert_broken(sock):
    """An orderly end would say that nothing is missing."""
    with pytest.raises(ConnectionResetError):
        receive_all(sock)


# ------------------------------------------------- relaying

def test_bytes_pass_as_they_are():
    data = bytes(range(256)) * 4096
    with Daemon("--binary", command=["cat"]) as d, Relay(d.url) as r:
        with r.connect() as s:
            s.sendall(data[:1])
            assert receive(s, 1) == data[:1]
            s.setblocking(False)
            got, rest = b"", memoryview(data)
            while len(got) < len(data):
                can = select.select([s], [s] if rest else [], [], PATIENCE)
                assert can[0] or can[1]
                if can[1]:
                    rest = rest[s.send(rest[:65536]):]
                if can[0]:
                    got += s.recv(65536)
        assert got == data


def test_each_connection_is_a_call_of_its_own():
    with Daemon("--binary", command=["sh", "-c", "echo $$; exec cat"]) as d, \
            Relay(d.url) as r, contextlib.ExitStack() as stack:
        socks = [stack.enter_context(r.connect()) for _ in range(20)]
        pids = {s.recv(100) for s in socks}
        assert len(pids) == len(socks)
        for i, s in enumerate(socks):
            s.sendall(b"%d" % i)
        for i, s in enumerate(socks):
            assert s.recv(100) == b"%d" % i


def test_several_listeners(tmp_path):
    where = ["127.0.0.1:0", f"unix:{tmp_path}/a", "[::1]:0",
             f"unix:{tmp_path}/b"]
    with Daemon("--binary", command=["cat"]) as d, \
            Relay(d.url, listen=where) as r:
        for i in range(len(where)):
            with r.connect(i) as s:
                s.sendall(b"x")
                assert s.recv(1) == b"x"


def test_nothing_is_said_where_nobody_has_to_be_told(tmp_path):
    with Daemon("--binary", command=["cat"]) as d, \
            Relay(d.url, listen=[f"unix:{tmp_path}/s"], announced=0) as r:
        until((tmp_path / "s").exists, "the socket")
        r.where = [f"unix:{tmp_path}/s"]
        with r.connect() as s:
            s.sendall(b"x")
            assert s.recv(1) == b"x"


@pytest.mark.parametrize("options", [[], ["--no-standpipe-protocol"]])
def test_redis_over_a_websocket(options, tmp_path):
    """A real client, a real server, and nc behind standpiped."""
    for tool in ("redis-server", "redis-cli", "nc"):
        if not shutil.which(tool):
            assert not os.environ.get("STANDPIPE_STRICT"), f"no {tool}"
            pytest.skip(f"no {tool}")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    redis = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind",
         "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL)

    def cli(*words, port=port, **run):
        return subprocess.run(["redis-cli", "-p", str(port), *words],
                              capture_output=True, timeout=PATIENCE, **run)

    try:
        until(lambda: cli("ping").stdout == b"PONG\n", "redis")
        command = ["nc", "127.0.0.1", str(port)]
        with Daemon("--binary", *options, command=command) as d, \
                Relay(d.url) as r:
            near = int(r.where[0].rsplit(":", 1)[1])
            value = b"\r\n".join(bytes([i]) for i in range(256)) * 1000
            r1 = cli("-x", "set", "key", port=near, input=value)
            assert r1.stdout == b"OK\n"
            r2 = cli("--raw", "get", "key", port=near)
            assert r2.stdout == value + b"\n"
            many = b"".join(b"SET k%d %d\r\n" % (i, i) for i in range(20000))
            r3 = cli("--pipe", port=near, input=many)
            assert b"errors: 0, replies: 20000" in r3.stdout
            assert cli("dbsize", port=near).stdout == b"20001\n"
            session = b"INCR n\nINCR n\nLRANGE nolist 0 -1\nGET n\n"
            r4 = cli(port=near, input=session)
            assert r4.stdout == b'1\n2\n\n2\n'
    finally:
        redis.terminate()
        redis.wait(PATIENCE)


# ------------------------------------------------- the sockets

def test_S2_only_we_may_connect(tmp_path):
    with Daemon(command=["cat"]) as d, \
            Relay(d.url, "-v", listen=[f"unix:{tmp_path}/s"]) as r:
        assert stat.S_IMODE(os.stat(tmp_path / "s").st_mode) == 0o600
        r.stop()
        r.err = b""
    assert os.listdir(tmp_path) == []


def test_S1_a_socket_that_somebody_serves_is_left_alone(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        r = standpipe(f"--listen=unix:{path}", "ws://127.0.0.1:1/")
        assert r.returncode == 74
        assert r.stderr == (b"standpipe: cannot listen on unix:%s: another "
                            b"server listens there\n" % bytes(path))
    with Daemon("--binary", command=["cat"]) as d, \
            Relay(d.url, "-v", listen=[f"unix:{path}"]) as relay:
        with relay.connect() as s:  # the file that was left was replaced
            s.sendall(b"x")
            assert s.recv(1) == b"x"
        relay.stop()
        relay.err = b""
    assert not path.exists()


def test_S1_a_file_is_left_alone(tmp_path):
    (tmp_path / "s").write_bytes(b"precious")
    r = standpipe(f"--listen=unix:{tmp_path}/s", "ws://127.0.0.1:1/")
    assert r.returncode == 74
    assert (tmp_path / "s").read_bytes() == b"precious"


def test_S3_what_took_our_place_is_left_alone(tmp_path):
    path = tmp_path / "s"
    with Daemon(command=["cat"]) as d, \
            Relay(d.url, "-v", listen=[f"unix:{path}"]) as r:
        path.unlink()
        path.write_bytes(b"other")
        r.stop()
        r.err = b""
    assert path.read_bytes() == b"other"


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        r = standpipe(f"--listen=127.0.0.1:{port}", "ws://127.0.0.1:1/")
    assert r.returncode == 74
    assert b"Address already in use" in r.stderr


def activate(names, sockets, *args):
    """Started as a service manager does: LISTEN_FDS from descriptor 3 up."""
    code = ("import os, sys; os.environ['LISTEN_PID'] = str(os.getpid());"
            "os.execv(sys.argv[1], sys.argv[1:])")

    def place():
        for i, fd in enumerate([os.dup(s.fileno()) for s in sockets]):
            os.dup2(fd, 3 + i)

    return subprocess.Popen(
        ["/usr/bin/python3", "-c", code, str(STANDPIPE), *args],
        env=environment(LISTEN_FDS=str(len(sockets)),
                        LISTEN_FDNAMES=":".join(names)),
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=place,
        close_fds=False)


@pytest.mark.parametrize("where", ["fd:db", "fd:4"])
def test_socket_activation(where):
    with Daemon("--binary", command=["cat"]) as d, \
            socket.create_server(("127.0.0.1", 0)) as other, \
            socket.create_server(("127.0.0.1", 0)) as ours:
        p = activate(["web", "db"], [other, ours], f"--listen={where}", d.url)
        with socket.create_connection(ours.getsockname(), PATIENCE) as s:
            s.sendall(b"x")
            assert s.recv(1) == b"x"
        p.terminate()
        err = p.stderr.read()
        assert p.wait(PATIENCE) == 0
        p.stderr.close()
    assert b"nobody listens on descriptor 3" in err


def test_fault_A5_a_socket_that_its_owner_has_shut():
    """What is under way comes to its end, and the client to its own."""
    with Daemon("--binary", command=["cat"]) as d, \
            socket.create_server(("127.0.0.1", 0)) as ours:
        p = activate(["db"], [ours], "--listen=fd:db", d.url)
        with socket.create_connection(ours.getsockname(), PATIENCE) as s:
            s.sendall(b"x")
            assert s.recv(1) == b"x"
            ours.shutdown(socket.SHUT_RDWR)
            s.sendall(b"y")
            assert s.recv(1) == b"y"
        err = p.stderr.read()
        assert p.wait(PATIENCE) == 74
        p.stderr.close()
    assert b"standpipe: somebody who shares the listening socket" in err


# ------------------------------------------------- S4: half-closed

def test_S4_the_answer_comes_behind_our_end():
    """Without a protocol that could tell it: for as long as --wait says."""
    command = ["sh", "-c", "read x; sleep 0.3; echo $x; exec cat"]
    with Daemon("--no-standpipe-protocol", command=command) as d, \
            Relay(d.url, "--wait=1s") as r:
        with r.connect() as s:
            s.sendall(b"answer")
            s.shutdown(socket.SHUT_WR)
            assert receive_all(s) == b"answer"
        d.wait_log("close=1000")


def test_S4_the_servers_end_is_passed_on():
    with Daemon("--binary", command=["echo", "bye"]) as d, Relay(d.url) as r:
        with r.connect() as s:
            assert receive_all(s) == b"bye\n"
            s.sendall(b"nobody reads it")  # and no reset for it
            s.shutdown(socket.SHUT_WR)


def test_S4_the_servers_half_may_end_alone(mailbox):
    """Its program has closed its output, and goes on to read."""
    command = ["sh", "-c", "echo bye; exec >&-; read x; "
                           f"echo $x >{mailbox.path}"]
    with Daemon("--binary", command=command) as d, Relay(d.url) as r:
        with r.connect() as s:
            assert receive_all(s) == b"bye\n"
            s.sendall(b"still heard\n")
            assert mailbox.line() == "still heard"


def test_S4_our_half_may_end_alone():
    """For as long as it takes: the program knows that no more will come."""
    with Daemon("--binary", command=["sh", "-c", "wc -c; sleep 0.3; echo end"],
                ) as d, Relay(d.url, "--wait=10ms") as r:
        with r.connect() as s:
            s.sendall(b"x" * 100000)
            s.shutdown(socket.SHUT_WR)
            assert receive_all(s) == b"100000\nend\n"


def test_S4_who_does_not_end_is_not_waited_for():
    with Daemon("--binary", command=["echo", "bye"]) as d, Relay(d.url) as r:
        with r.connect() as s:
            assert receive_all(s) == b"bye\n"
            fds = f"/proc/{r.process.pid}/fd"
            most = len(os.listdir(fds))
            until(lambda: len(os.listdir(fds)) < most, "our close")


# ------------------------------------------------- S5: somebody goes

QUIET = ["sh", "-c", "exec cat >&2"]


@pytest.mark.parametrize("protocol", [[], ["--no-standpipe-protocol"]])
def test_S5_a_reset_while_idle(protocol):
    with Daemon("--binary", *protocol, command=QUIET) as d, Relay(d.url) as r:
        s = r.connect()
        s.sendall(b"x\n")
        d.wait_log("stderr")
        reset(s)
        d.wait_log("session ends")


def test_S5_a_unix_socket_that_is_closed_while_idle(tmp_path):
    """Its end alone would leave it open to answers; but nobody reads them."""
    with Daemon("--binary", "--no-standpipe-protocol", command=QUIET) as d, \
            Relay(d.url, "-v", "--wait=1h",
                  listen=[f"unix:{tmp_path}/s"]) as r:
        with r.connect() as s:
            s.sendall(b"x\n")
            d.wait_log("stderr")
        d.wait_log("close=1001")
        r.stop()
        r.err = b""


def test_S5_a_reset_while_it_does_not_read():
    with Daemon("--binary", command=["cat", "/dev/zero"]) as d, \
            Relay(d.url) as r:
        s = r.connect()
        assert s.recv(1) == b"\0"
        pause(0.3)  # everything between is full
        reset(s)
        d.wait_log("session ends")


def test_S5_the_server_is_lost_while_idle():
    with Daemon("--binary", command=["cat"], status=-9, leftovers=True) as d, \
            Relay(d.url) as r:
        with r.connect() as s:
            s.sendall(b"x")
            assert s.recv(1) == b"x"
            for pid in d.engines():
                Process(pid).kill()
            assert_broken(s)
        assert b"lost" in r.line()
        d.process.kill()


def test_S5_the_server_is_lost_while_it_does_not_read():
    with Daemon("--binary", command=["sleep", "60"], status=-9,
                leftovers=True) as d, Relay(d.url) as r:
        with r.connect() as s:
            s.setblocking(False)
            full = now() + 1
            while now() < full:
                with contextlib.suppress(BlockingIOError):
                    s.send(bytes(65536))
            s.settimeout(PATIENCE)
            for pid in d.engines():
                Process(pid).kill()
            assert_broken(s)
        assert b"lost" in r.line()
        d.process.kill()


# ------------------------------------------------- S7: many of them

def test_S7_no_more_than_so_many_at_a_time():
    with Daemon("--binary", command=["cat"]) as d, \
            Relay(d.url, "--max-connections=2") as r, r.connect() as a, \
            r.connect() as b, r.connect() as c:
        for s in (a, b, c):
            s.sendall(b"x")
        assert (a.recv(1), b.recv(1)) == (b"x", b"x")
        c.settimeout(0.3)
        with pytest.raises(TimeoutError):
            c.recv(1)
        c.settimeout(PATIENCE)
        reset(a)
        assert c.recv(1) == b"x"


def test_S7_no_more_than_there_are_descriptors_for():
    """Who comes when they are used up waits, and we do not spin."""
    few = 72

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))

    with Daemon("--binary", command=["cat"]) as d, \
            Relay(d.url, preexec_fn=limit) as r, \
            contextlib.ExitStack() as stack:
        socks = [stack.enter_context(r.connect()) for _ in range(50)]
        for s in socks:
            s.sendall(b"x")
        pause(0.5)
        used = sum(map(int, open(f"/proc/{r.process.pid}/stat").read()
                       .rsplit(")", 1)[1].split()[11:13]))
        assert used < 0.3 * os.sysconf("SC_CLK_TCK")
        served = 0
        while socks:
            ready = select.select(socks, [], [], PATIENCE)[0]
            assert ready
            for s in ready:
                assert s.recv(1) == b"x"
                socks.remove(s)
                reset(s)
                served += 1
        assert served == 50


# ------------------------------------------------- calls that fail

def test_a_failed_call_is_told_and_the_others_go_on():
    with Daemon() as d:
        url = d.url
    with Relay(url) as r:
        for _ in range(3):
            with pytest.raises(ConnectionResetError), r.connect() as s:
                receive_all(s)
            assert re.search(rb": 127.0.0.1:\d+: .*refused", r.line())


def test_a_refused_call_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server, \
            Relay("ws://127.0.0.1:%d/" % server.getsockname()[1]) as r:
        with r.connect() as s:
            conn = server.accept()[0]
            assert b"\r\n\r\n" in conn.recv(65536)
            conn.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
                         b"Connection: close\r\n\r\n")
            conn.close()
            assert_broken(s)
            us = b"127.0.0.1:%d: " % s.getsockname()[1]
        line = r.line()
        assert us in line and b"403" in line
        r.stop()
        r.err = b""


# ------------------------------------------------- the end

@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT,
                                 signal.SIGHUP])
def test_a_signal_ends_all(sig):
    with Daemon("--binary", command=["cat"]) as d, Relay(d.url) as r:
        with r.connect() as a, r.connect() as b:
            for s in (a, b):
                s.sendall(b"x")
                assert s.recv(1) == b"x"
            r.process.send_signal(sig)
            for s in (a, b):
                assert receive_all(s) == b""
        r.stop(0)
        d.wait_logs("close=1001", 2)


def test_a_second_signal_waits_for_nobody(tmp_path):
    """The local side does not answer our end."""
    where = f"unix:{tmp_path}/s"
    with Daemon("--binary", command=["cat"]) as d, \
            Relay(d.url, "-v", listen=[where]) as r, r.connect() as s:
        s.sendall(b"x")
        assert s.recv(1) == b"x"
        r.process.send_signal(signal.SIGTERM)
        assert s.recv(1) == b""
        r.stop()
        r.err = b""
