"""Starting, stopping, listening and logging."""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess

import pytest

from daemon import Daemon, fields, run
from proc import (PATIENCE, STANDPIPED, Process, Timeout, children,
                  descriptors, handler, libc, now, until)
from wire import TEXT, Client, request_head

# ------------------------------------------------------------------- ready


def test_S21_ready_line_names_the_port():
    with Daemon(address=["127.0.0.1", "::1"], listeners=2) as d:
        assert sorted(d.urls) == sorted([f"http://127.0.0.1:{d.port}/",
                                         f"http://[::1]:{d.port}/"])
        for host in "127.0.0.1", "::1":
            with d.client(host=host) as c:
                assert c.handshake().status == 101
                c.bye()


def test_port_0_gives_all_addresses_the_same_number():
    for _ in range(3):
        with Daemon(address=["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"],
                    listeners=4) as d:
            assert len({url.rsplit(":", 1)[1] for url in d.urls}) == 1
            for host in "127.0.0.1", "127.0.0.2", "127.0.0.3", "::1":
                with d.client(host=host) as c:
                    assert c.handshake().status == 101


@pytest.mark.parametrize("count, least", [(1, 32), (12, 32), (13, 33)])
def test_every_listener_takes_a_descriptor(count, least):
    """With less than that an engine would never have room for a client."""
    hosts = [f"127.0.0.{i + 1}" for i in range(count)]

    def limit(n):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))

    r = run("--port=0", *(f"--address={host}" for host in hosts), "cat",
            preexec_fn=limit(least - 1))
    assert r.returncode == 1
    assert f"the limit of {least - 1} open descriptors".encode() in r.stderr
    assert f"{least} are the least".encode() in r.stderr
    with Daemon("--engines=1", address=hosts, listeners=count,
                preexec_fn=limit(least)) as d:
        for host in hosts[0], hosts[-1]:
            with d.session(host=host) as c:
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()


def test_default_addresses_are_the_loopback_ones():
    with Daemon(address=None, listeners=2) as d:
        assert sorted(d.urls) == sorted([f"http://127.0.0.1:{d.port}/",
                                         f"http://[::1]:{d.port}/"])


def namespace_without_ipv6():
    CLONE_NEWNET = 0x40000000
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w") as f:
        f.write("1")
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


@pytest.mark.root
def test_machine_without_ipv6_loopback_is_no_error():
    with Daemon(address=None, listeners=1,
                preexec_fn=namespace_without_ipv6) as d:
        assert d.urls == [f"http://127.0.0.1:{d.port}/"]
        d.stop()
        assert len(d.logged("^standpiped: listening")) == 1


@pytest.mark.parametrize("level", ["error", "info", "debug"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_ready_lines_at_any_level_and_on_ready_fd(level, form):
    read, write = os.pipe()
    with Daemon(f"--loglevel={level}", f"--log-format={form}",
                f"--ready-fd={write}", address=["127.0.0.1", "::1"],
                listeners=2, pass_fds=[write]) as d:
        os.close(write)
        with os.fdopen(read) as stream:  # and it is closed then
            assert stream.read().splitlines() == [
                f"standpiped: listening on {url}" for url in d.urls]


@pytest.mark.parametrize("fd", [1, 2])
def test_ready_fd_may_be_a_standard_one(fd):
    with Daemon("--engines=1", f"--ready-fd={fd}") as d:
        assert descriptors(d.pid).keys() >= {0, 1, 2}
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()
        assert d.session_end()["close"] == "1000"
        old = d.engines()
        os.kill(old[0], signal.SIGKILL)
        d.wait_log("error engine killed")  # the log is where it was
        d.stdout.truncate(0)  # where nothing but these lines may stand


def test_ready_means_every_engine_accepts():
    for _ in range(3):
        with Daemon("--engines=4") as d:
            assert len(d.engines()) == 4
            with d.client() as c:
                assert c.handshake().status == 101


def test_engines_auto_is_one_for_each_usable_cpu():
    with Daemon("--engines=auto") as d:
        assert len(d.engines()) == len(os.sched_getaffinity(0))
    one = {min(os.sched_getaffinity(0))}
    with Daemon(preexec_fn=lambda: os.sched_setaffinity(0, one)) as d:
        assert len(d.engines()) == 1


# -------------------------------------------------------------------- stop


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_P9_rule4_stop_says_1001_and_runs_the_ladder(sig, mailbox):
    with Daemon("--engines=2", "--kill=EOF:100ms,TERM:5s,KILL", command=[
            handler("tell-signals"), mailbox.path, "TERM"]) as d:
        clients = [d.session() for _ in range(4)]
        commands = [Process(c.recv_text()) for c in clients]
        d.signal(sig)
        for c in clients:
            assert c.recv_close()[0] == 1001
            c.finish(1001)
        for command in commands:
            command.wait()
        assert d.wait() == 0
        told = [mailbox.line().split()[0] for _ in range(8)]
        assert sorted(told) == ["EOF"] * 4 + ["TERM"] * 4
    ends = [fields(line) for line in d.logged("session ends")]
    assert [end["close"] for end in ends] == ["1001"] * 4


def test_rule2_a_stop_does_not_change_the_clients_code():
    with Daemon("--close-drain=1m", "--kill=EOF:1s,KILL", command=[
            "sh", "-c", "cat; echo drained; exec sleep 1000"]) as d:
        with d.session() as c:
            c.send_close(3001)
            assert c.recv_text() == "drained"
            d.signal(signal.SIGTERM)
            assert c.recv_close()[0] == 3001
        assert d.wait() == 0


def test_P9_stop_ends_listening_at_once():
    with Daemon("--kill=EOF:300ms,TERM:300ms,KILL",
                command=[handler("ignore-term")]) as d:
        with d.session() as c:
            c.recv_text()
            d.signal(signal.SIGTERM)
            assert c.recv_close()[0] == 1001
            try:
                with d.client() as late:
                    try:
                        assert late.handshake().status == 503
                    except AssertionError as e:
                        assert "ended" in str(e)
            except OSError:
                pass  # refused, or reset while the socket was closed
            c.finish(1001)
        d.wait()


def test_P9_ladder_and_close_timeout_run_side_by_side():
    with Daemon("--kill=EOF:300ms,TERM:300ms,KILL", "--close-timeout=600ms",
                command=[handler("ignore-term")]) as d:
        clients = [d.session() for _ in range(5)]
        for c in clients:
            c.recv_text()
        start = now()
        d.signal(signal.SIGTERM)
        assert d.wait() == 0  # nobody answers the Close
        assert now() - start > 0.59
        for c in clients:
            assert c.recv_close()[0] == 1001
            c.ending()


def test_P9_second_signal_forces():
    with Daemon("--kill=EOF:60s,TERM:60s,KILL", "--close-timeout=60s",
                command=[handler("ignore-term")]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            d.signal(signal.SIGTERM)
            assert c.recv_close()[0] == 1001
            with pytest.raises(Timeout):
                d.wait(0.3)
            d.signal(signal.SIGTERM)
            d.status = d.wait()
            assert d.status >= 0
            command.wait()


def test_stop_without_sessions_is_quick():
    with Daemon("--engines=4", "--close-timeout=1h") as d:
        d.stop()


def test_stop_with_handshakes_under_way():
    with Daemon() as d:
        with d.client() as c:
            c.send(b"GET / HTTP/1.1\r\n")
            d.stop(5)
            assert c.ending() in ("eof", "reset")


# -------------------------------------------------------------------- once


@pytest.mark.parametrize("line, status", [
    ("exit 0", 0), ("exit 3", 3), ("kill -SEGV $$", 139), ("kill -TERM $$", 143)])
def test_once_exits_with_the_commands_status(line, status):
    with Daemon("--once", command=["sh", "-c", f"read -r x; {line}"],
                status=status) as d:
        with d.session() as c:
            c.send_text("go")
            assert c.recv_close()[0] in (1000, 4000 + status)
            c.finish()
        assert d.wait() == status


def test_once_is_exact_with_four_engines():
    for _ in range(3):
        with Daemon("--once", "--engines=4") as d:
            clients = [d.client() for _ in range(24)]
            for c in clients:
                c.send(request_head())
            statuses, first = [], None
            for c in clients:
                response = c.response()
                statuses.append(response.status)
                if response.status == 101:
                    first = c
            assert sorted(statuses) == [101] + [503] * 23
            first.send_text("x")
            assert first.recv_text() == "x"
            first.bye()
            for c in clients:
                c.close()
            assert d.wait() == 0


def test_once_is_not_used_up_by_a_refusal():
    with Daemon("--once") as d:
        with d.client() as c:
            assert c.handshake(key="bad").status == 400
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()
        assert d.wait() == 0


@pytest.mark.parametrize("how", ["reset", "send_close"])
def test_P22_once_exits_after_the_ladder(how):
    with Daemon("--once", "--kill=EOF:200ms,TERM:200ms,KILL", "--linger=50ms",
                command=[handler("ignore-term")], status=137) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            getattr(c, how)()
            assert not d.ended()
            assert d.wait() == 137
            assert not command.alive()


# ------------------------------------------------------------- unix socket


def test_S2_unix_socket_and_its_mode(tmp_path):
    path = tmp_path / "sock"
    old = os.umask(0)
    try:
        with Daemon(unixsocket=path) as d:
            assert d.urls == [f"unix:{path}"]
            assert path.stat().st_mode & 0o7777 == 0o600
            with d.session() as c:
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()
            assert d.session_end()["peer"]
        assert not path.exists()
    finally:
        os.umask(old)


def test_S2_unix_socket_mode(tmp_path):
    for mode in "0666", "660":
        with Daemon(f"--unixsocket-mode={mode}",
                    unixsocket=tmp_path / "sock") as d:
            assert d.unixsocket.stat().st_mode & 0o7777 == int(mode, 8)


def test_unix_socket_alone_means_no_tcp(tmp_path):
    with Daemon(unixsocket=tmp_path / "sock") as d:
        assert d.port is None
        inodes = {re.search(r"\d+", what)[0]
                  for pid in [d.pid, *d.engines()]
                  for what in descriptors(pid).values()
                  if what.startswith("socket:")}
        for table in "/proc/net/tcp", "/proc/net/tcp6":
            with open(table) as f:
                rows = [line.split() for line in f][1:]
            assert not [row for row in rows if row[9] in inodes]


def test_unix_socket_and_port(tmp_path):
    with Daemon(f"--unixsocket={tmp_path}/sock", listeners=2) as d:
        assert sorted(d.urls) == [f"http://127.0.0.1:{d.port}/",
                                  f"unix:{tmp_path}/sock"]
        with d.session() as c:
            c.bye()


def test_S1_stale_unix_socket_is_replaced(tmp_path):
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
    with Daemon(unixsocket=path) as d:
        with d.session() as c:
            c.bye()


def test_S1_live_unix_socket_is_left_alone(tmp_path):
    path = tmp_path / "sock"
    with Daemon(unixsocket=path) as d:
        done = run(f"--unixsocket={path}", "true")
        assert done.returncode == 1 and str(path).encode() in done.stderr
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()


def test_S1_busy_unix_socket_is_left_alone_at_once(tmp_path):
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as server, contextlib.ExitStack() as all:
        server.bind(path)
        server.listen(0)
        with pytest.raises(BlockingIOError):  # until its backlog is full
            for _ in range(64):
                c = all.enter_context(socket.socket(socket.AF_UNIX))
                c.setblocking(False)
                c.connect(path)
        done = run(f"--unixsocket={path}", "true", timeout=PATIENCE / 4)
        assert done.returncode == 1 and path.encode() in done.stderr


def test_S1_what_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "file"
    path.write_text("precious")
    done = run(f"--unixsocket={path}", "true")
    assert done.returncode == 1 and str(path).encode() in done.stderr
    assert path.read_text() == "precious"


def test_S3_only_our_own_unix_socket_is_removed(tmp_path):
    path = tmp_path / "sock"
    with Daemon(unixsocket=path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()


# --------------------------------------------------------------------- log

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) "
    r"[\x21-\x7e][\x20-\x7e]*")

ODD = "tab\\there \"quote\" back\\\\slash \\033[31mred \\1 \\303\\244 \\377 a=b"


def provoke(d):
    """A bit of everything that is logged, with bytes from outside."""
    with d.session("/p%C3%A4th/\"x=y?z") as c:
        c.bye(4000, "wh\u00e4t \x1b[31m \"quoted\"")
    with d.client() as c:
        c.handshake(headers=[("Origin", "http://evil.test")])
    with d.client() as c:
        c.send(b"\x1b[31m / HTTP/1.1\r\n\r\n")
        c.ending()
    with d.session() as c:
        c.send_text(b"\xff")
        c.recv_close()
    with d.session() as c:
        c.reset()
    d.no_commands()


@pytest.mark.parametrize("level", ["info", "debug"])
def test_log_text(level):
    with Daemon(f"--loglevel={level}", "--kill=EOF:50ms,TERM:50ms,KILL",
                command=["sh", "-c", f"printf '{ODD}\\n' >&2; cat"]) as d:
        provoke(d)
    lines = [line for line in d.lines
             if not line.startswith("standpiped: listening on ")]
    assert len(lines) >= 8
    for line in lines:
        assert LINE.fullmatch(line), ascii(line)
    line = d.logged(" stderr .*text=")[0]
    assert r"\x1b[31mred \x01 \xc3\xa4 \xff a=b" in line
    assert r"tab\x09here \"quote\" back\\slash" in line


def pairs_once(pairs):
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


@pytest.mark.parametrize("level", ["info", "debug"])
def test_log_json_every_line_parses(level):
    with Daemon("--log-format=json", f"--loglevel={level}",
                "--kill=EOF:50ms,TERM:50ms,KILL",
                command=["sh", "-c", f"printf '{ODD}\\n' >&2; cat"]) as d:
        provoke(d)
    seen = []
    for line in d.lines:
        if line.startswith("standpiped: listening on "):
            continue
        assert re.fullmatch(r"[\x20-\x7e]*", line), ascii(line)
        one = json.loads(line, object_pairs_hook=pairs_once)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            one["time"])
        assert one["level"] in ("error", "warn", "info", "debug")
        assert isinstance(one["process"], int) and one["msg"]
        seen.append(one)
    ends = [one for one in seen if one["msg"] == "session ends"]
    assert len(ends) == 3
    first = ends[0]
    assert isinstance(first["session"], int)
    assert isinstance(first["duration"], float)
    assert first["in_messages"] == 0 and first["close"] == 4000
    refused = [one for one in seen if one["msg"] == "refused"]
    assert {one["status"] for one in refused} >= {400, 403}
    assert all(one.get("option") != "" for one in refused)
    text = [one for one in seen if one["msg"] == "stderr"][0]["text"]
    assert r"\x1b[31mred \x01 \xc3\xa4 \xff a=b" in text


def test_loglevel_error_is_quiet():
    with Daemon("--loglevel=error") as d:
        with d.session() as c:
            c.bye()
        d.no_commands()
    assert d.lines == [f"standpiped: listening on {d.urls[0]}"]


def test_syslog_leaves_standard_error_to_the_ready_lines():
    with Daemon("--syslog") as d:
        with d.session() as c:
            c.bye()
        d.no_commands()
    assert not d.logged("session ends")


def test_log_that_nobody_reads_blocks_nobody():
    # The log is a pipe that is full: sessions go on.
    read, write = os.pipe()
    fcntl.fcntl(write, 1031, 4096)  # F_SETPIPE_SZ
    ready, far = os.pipe()
    me = subprocess.Popen([str(STANDPIPED), "--port=0", "--address=127.0.0.1",
                           "--loglevel=debug", f"--ready-fd={far}", "cat"],
                          stderr=write, stdin=subprocess.DEVNULL,
                          pass_fds=[far])
    os.close(far)
    try:
        with os.fdopen(ready) as stream:
            port = int(re.search(r":(\d+)/", stream.readline())[1])
        for _ in range(50):
            with Client(("127.0.0.1", port)) as c:
                assert c.handshake().status == 101
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()
    finally:
        me.send_signal(signal.SIGTERM)
        assert me.wait(PATIENCE) == 0
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_fault_A2_long_lines_for_a_log_that_nobody_reads(kind):
    # What is escaped to four times its length does not fit into one page.
    if kind == "pipe":
        ends = [os.fdopen(fd, mode, 0)
                for fd, mode in zip(os.pipe(), ("rb", "wb"))]
    else:
        ends = socket.socketpair()
    ready, far = os.pipe()
    me = subprocess.Popen([str(STANDPIPED), "--port=0", "--address=127.0.0.1",
                           "--engines=1", f"--ready-fd={far}", "sh", "-c",
                           "tee /dev/stderr"],
                          stderr=ends[1].fileno(), stdin=subprocess.DEVNULL,
                          pass_fds=[far])
    os.close(far)
    long = b"\1" * 4000
    try:
        with os.fdopen(ready) as stream:
            port = int(re.search(r":(\d+)/", stream.readline())[1])
        with Client(("127.0.0.1", port)) as c:
            assert c.handshake().status == 101
            for _ in range(100):
                c.send_text(long)
                assert c.recv_text() == long.decode()
            c.bye()
        log = os.read(ends[0].fileno(), 1 << 20)
        assert all(len(line) < 4096 for line in log.split(b"\n"))
        with Client(("127.0.0.1", port)) as c:
            assert c.handshake().status == 101
            c.bye()
    finally:
        me.send_signal(signal.SIGTERM)
        assert me.wait(PATIENCE) == 0
        ends[1].close()
        rest = os.read(ends[0].fileno(), 1 << 20)
        ends[0].close()
    assert re.search(rb"warn log was not read lines=\d+\n", log + rest)


def test_fault_A2_the_parents_log_that_nobody_reads():
    # Each reload and each session that is listed is a line of it.
    ends = [os.fdopen(fd, mode, 0)
            for fd, mode in zip(os.pipe(), ("rb", "wb"))]
    fcntl.fcntl(ends[1], 1031, 4096)  # F_SETPIPE_SZ
    ready, far = os.pipe()
    me = subprocess.Popen([str(STANDPIPED), "--port=0", "--address=127.0.0.1",
                           "--engines=1", f"--ready-fd={far}", "cat"],
                          stderr=ends[1].fileno(), stdin=subprocess.DEVNULL,
                          pass_fds=[far])
    os.close(far)
    try:
        with os.fdopen(ready) as stream:
            port = int(re.search(r":(\d+)/", stream.readline())[1])
        for _ in range(50):
            me.send_signal(signal.SIGUSR1)
            with Client(("127.0.0.1", port)) as c:  # the parent starts cat
                assert c.handshake().status == 101
                me.send_signal(signal.SIGUSR1)
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()
    finally:
        me.send_signal(signal.SIGTERM)
        assert me.wait(PATIENCE) == 0
        for end in ends:
            end.close()


@pytest.mark.parametrize("text", [150, 2000, 4090])
def test_fault_A2_a_terminal_that_nobody_reads(text):
    master, slave = os.openpty()
    ready, far = os.pipe()
    flood = f"x=$(head -c {text} /dev/zero | tr '\\0' x); " \
        "for i in $(seq 500); do echo $x >&2; done; echo done; exec cat"
    before = fcntl.fcntl(slave, fcntl.F_GETFL)
    me = subprocess.Popen([str(STANDPIPED), "--port=0", "--address=127.0.0.1",
                           "--engines=1", f"--ready-fd={far}", "sh", "-c",
                           flood], stderr=slave, stdin=subprocess.DEVNULL,
                          pass_fds=[far])
    os.close(far)
    try:
        with os.fdopen(ready) as stream:
            port = int(re.search(r":(\d+)/", stream.readline())[1])
        for _ in range(3):
            with Client(("127.0.0.1", port)) as c:
                assert c.handshake().status == 101
                assert c.recv_text() == "done"
                me.send_signal(signal.SIGUSR1)
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()
        assert fcntl.fcntl(slave, fcntl.F_GETFL) == before
    finally:
        me.send_signal(signal.SIGTERM)
        assert me.wait(PATIENCE) == 0
        os.close(master)
        os.close(slave)


# ------------------------------------------------------------------ stderr


def test_P2_rule9_long_stderr_line_never_blocks_the_command():
    size = 300000
    with Daemon(command=[handler("flood-stderr"), size]) as d:
        with d.session() as c:
            assert c.recv_text() == "written"
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()
        d.session_end()
    pieces = [fields(line)["text"] for line in d.logged(" stderr ")]
    assert set("".join(pieces)) == {"e"}
    assert all(len(piece) <= 4096 for piece in pieces)
    # what is more than the log takes of one program is counted
    dropped = sum(int(fields(line)["bytes"]) - int(fields(line)["lines"])
                  for line in d.logged("standard error dropped"))
    missed = sum(int(fields(line)["lines"])
                 for line in d.logged("log was not read"))
    assert size - 4096 * missed <= len("".join(pieces)) + dropped <= size


def test_P2_stderr_flood_behind_a_client_that_never_reads():
    with Daemon(command=["sh", "-c", "head -c 3000000 /dev/zero >&2; "
                         "echo done"]) as d:
        with d.session() as c:
            assert c.recv_text() == "done"


def test_rule9_stderr_lines_carry_session_and_pid():
    with Daemon(command=["sh", "-c", "echo $$; echo problem >&2; read -r x"]
                ) as d:
        with d.session() as c:
            pid = c.recv_text()
            line = d.wait_log(" info stderr ").string
            c.bye()
        end = d.session_end()
    got = fields(line)
    assert got == {"session": end["session"], "pid": pid, "text": "problem"}


@pytest.mark.parametrize("framing", ["lines", "text", "nul"])
@pytest.mark.parametrize("to", ["client", "both"])
def test_rule9_stderr_to_the_client(framing, to):
    line = "echo err >&2; read -r x; printf tail >&2"
    with Daemon(f"--stderr={to}", f"--framing={framing}",
                command=["sh", "-c", line]) as d:
        with d.session() as c:
            assert c.recv_message() == (TEXT, b"err")
            c.send_text("\n")
            texts, code, _ = c.texts()
            assert (texts, code) == (["tail"], 1000)
            c.finish(1000)
        d.session_end()
        assert bool(d.logged(" stderr ")) == (to == "both")


def test_rule9_stderr_to_the_client_is_valid_text():
    with Daemon("--stderr=client", command=[
            "sh", "-c", "printf 'a\\377b\\n' >&2; sleep 0.05"]) as d:
        with d.session() as c:
            assert c.texts()[0] == ["a\ufffdb"]


def test_rule9_stderr_does_not_break_an_open_line():
    # A line on its way in fragments is one message; stderr waits its turn.
    line = "head -c 200000 /dev/zero | tr '\\0' x; echo err >&2; " \
           "read -r x; echo end"
    with Daemon("--stderr=client", command=["sh", "-c", line]) as d:
        with d.session() as c:
            c.recv_fragment()
            c.send_text("")
            texts = []
            while len(texts) < 2:
                _, payload, last = c.recv_fragment()
                while not last:
                    _, payload, last = c.recv_fragment()
                texts.append(payload)
            assert {texts[0][-3:], texts[1][-3:]} == {b"end", b"err"}
            assert b"err" in texts


def test_rule9_stderr_that_waited_for_a_line_waits_for_nothing_else():
    line = "head -c 200000 /dev/zero | tr '\\0' x; read -r x; " \
           "echo err >&2; read -r x; echo; read -r x"
    with Daemon("--stderr=both", command=["sh", "-c", line]) as d:
        with d.session() as c:
            c.recv_fragment()
            c.send_text("")
            d.wait_log("text=err")
            c.send_text("")
            assert c.recv_message()[1].endswith(b"x")
            assert c.recv_text() == "err"


# -------------------------------------------------------------- keep alive


def test_keepalive_is_on_for_every_accepted_socket():
    with Daemon() as d:
        with d.session() as c:
            c.send_text("x")
            c.recv_text()
            mine = "%04X" % c.sock.getsockname()[1]
            theirs = "%04X" % d.port

            def timer():
                with open("/proc/net/tcp") as f:
                    for row in (line.split() for line in f):
                        if (row[1].endswith(":" + theirs) and
                                row[2].endswith(":" + mine)):
                            return row[5].split(":")[0]

            until(lambda: timer() == "02", "the keepalive timer runs")
            c.bye()


def test_fault_T3_a_session_that_begins_is_in_the_log():
    with Daemon() as d:
        with d.session("/x?secret", headers=[("User-Agent", 400 * "a")]):
            line = d.wait_log("session begins").string
        told = fields(line)
        assert told["path"] == "/x" and told["agent"] == 256 * "a"
        assert told["peer"].startswith("127.0.0.1:") and int(told["pid"]) > 1
        assert d.session_end()["session"] == told["session"]


def test_fault_T3_sigusr1_lists_the_sessions():
    with Daemon("--engines=2") as d, contextlib.ExitStack() as stack:
        for i in range(150):
            stack.enter_context(d.session(f"/{i}"))
        d.signal(signal.SIGUSR1)
        counts = [int(fields(found.string)["sessions"])
                  for found in d.wait_logs("sessions of an engine", 2)]
        assert sum(counts) == 150
        paths = {fields(found.string)["path"]
                 for found in d.wait_logs(r" session session=\d+ .*pid=", 150)}
        assert paths == {f"/{i}" for i in range(150)}


SIGNALS = pytest.mark.parametrize("name", [
    "USR1", "USR2", "QUIT", "HUP", "PIPE", "ALRM", "VTALRM", "PROF", "IO", "PWR",
    "XCPU", "XFSZ", "STKFLT", "RTMIN", "RTMAX", "WINCH", "URG"])


@SIGNALS
def test_fault_T3_no_signal_ends_the_group(name, tmp_path):
    """The workers are of the group, too; as from a terminal or kill -- -PGID."""
    users = tmp_path / "users"
    users.write_text("a:$6$x$" + 86 * "a" + "\n")
    sig = getattr(signal, "SIG" + name)
    with Daemon(f"--auth-file={users}", "--reverselookup", "--engines=2",
                start_new_session=True) as d:
        ours = children(d.pid)
        assert len(ours) == 4
        os.killpg(d.pid, sig)
        with d.client() as c:
            c.send(request_head(headers=[("Authorization",
                                          "Basic YTpi")]))
            assert c.response().status == 401
        assert children(d.pid) == ours
        assert d.process.poll() is None


@SIGNALS
def test_fault_T3_no_signal_ends_the_daemon_in_silence(name, tmp_path):
    users = tmp_path / "users"
    users.write_text("a:$6$x$" + 86 * "a" + "\n")
    sig = getattr(signal, "SIG" + name)
    with Daemon(f"--auth-file={users}", "--engines=1") as d:
        engines = d.engines()
        d.signal(sig)
        for pid in engines:
            os.kill(pid, sig)
        if name not in ("USR1", "HUP", "PIPE", "WINCH", "URG"):
            d.wait_log("signal ignored")
        with d.client() as c:
            assert c.handshake().status == 401
        assert d.engines() == engines
