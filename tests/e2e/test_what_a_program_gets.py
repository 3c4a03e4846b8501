"""Environment, descriptors, signals, groups: what a command may rely on."""

import hashlib
import os
import re
import resource
import select
import signal
import socket

import pytest

from daemon import Daemon
from proc import (SANITIZED, Process, anonymous, descriptors, handler, memory,
                  status_field, until)
from wire import Gone, request_head


def env_of(d, path="/", **kw):
    """The environment that a session's command got (--framing=nul, env -0)."""
    with d.session(path, **kw) as c:
        texts, code, _ = c.texts()
        assert code == 1000
        c.finish(1000)
    names = [text.split("=", 1)[0] for text in texts]
    assert len(names) == len(set(names)), f"a name twice: {sorted(names)}"
    return dict(text.split("=", 1) for text in texts)


NO_LOCALE = {name: None for name in os.environ
             if name == "LANG" or name.startswith("LC_")}


@pytest.fixture(scope="module")
def envd():
    with Daemon("--framing=nul", command=["env", "-0"],
                env={"SECRET": "1", "LD_LIBRARY_PATH": "/nowhere",
                     "HTTP_LEAK": "1", **NO_LOCALE}) as d:
        yield d


def test_P25_environment_is_cgi_and_path_and_nothing_else(envd):
    env = env_of(envd, "/a/b?x=1&y=%20")
    assert set(env) == {
        "PATH", "LANG", "SERVER_SOFTWARE", "SERVER_NAME", "SERVER_PORT",
        "SERVER_PROTOCOL", "GATEWAY_INTERFACE", "REQUEST_METHOD",
        "REQUEST_URI", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING",
        "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT", "UNIQUE_ID",
        "STANDPIPE_FRAMING", "HTTP_HOST", "HTTP_UPGRADE", "HTTP_CONNECTION",
        "HTTP_SEC_WEBSOCKET_KEY", "HTTP_SEC_WEBSOCKET_VERSION"}
    assert env["PATH"] == os.environ["PATH"]


def test_P25_passenv_and_setenv():
    with Daemon("--framing=nul", "--passenv=KEEP,ALSO", "--passenv=THIRD",
                "--passenv=ABSENT", "--setenv=NEW=a=b c", "--setenv=EMPTY=",
                "--setenv=KEEP2=v", command=["env", "-0"],
                env={"KEEP": "k\tk", "ALSO": "", "THIRD": "3", "NOT": "n",
                     "ABSENT": None}) as d:
        env = env_of(d)
    assert env["KEEP"] == "k\tk"
    assert env["THIRD"] == "3"
    assert env["NEW"] == "a=b c"
    assert env["EMPTY"] == ""
    assert env["KEEP2"] == "v"
    assert "NOT" not in env and "ABSENT" not in env


def test_P29_cgi_variables_mean_what_rfc_3875_says(envd):
    with envd.client() as c:
        address, port = c.sock.getsockname()
        assert c.handshake("/some/path%20here?q=%41&b",
                           host=f"localhost:{envd.port}",
                           headers=[("User-Agent", " agent \t")]).status == 101
        env = c.variables()
        c.finish(1000)
    assert env["GATEWAY_INTERFACE"] == "CGI/1.1"
    assert re.fullmatch(r"standpipe/\S+", env["SERVER_SOFTWARE"])
    assert env["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert env["SERVER_NAME"] == "localhost"
    assert env["SERVER_PORT"] == str(envd.port)
    assert env["REQUEST_METHOD"] == "GET"
    assert env["REQUEST_URI"] == "/some/path%20here?q=%41&b"
    assert env["SCRIPT_NAME"] == ""
    assert env["PATH_INFO"] == "/some/path here"
    assert env["QUERY_STRING"] == "q=%41&b"
    assert env["REMOTE_ADDR"] == env["REMOTE_HOST"] == address
    assert env["REMOTE_PORT"] == str(port)
    assert env["HTTP_USER_AGENT"] == "agent"
    assert env["STANDPIPE_FRAMING"] == "nul"
    assert "PATH_TRANSLATED" not in env and "HTTPS" not in env
    assert "STANDPIPE_PROTOCOL" not in env and "REMOTE_USER" not in env


@pytest.mark.parametrize("host, name", [
    ("example.test", "example.test"), ("example.test:9", "example.test"),
    ("[::1]:80", "[::1]"), ("LOCALHOST", "LOCALHOST")])
def test_P29_server_port_is_ours_whatever_host_says(envd, host, name):
    env = env_of(envd, host=host)
    assert env["SERVER_PORT"] == str(envd.port)
    assert env["SERVER_NAME"].lower() == name.lower()
    assert env["HTTP_HOST"] == host


def test_unique_id_is_unique_and_not_a_clock(envd):
    seen = {env_of(envd)["UNIQUE_ID"] for _ in range(10)}
    assert len(seen) == 10
    assert not any(one.isdigit() and len(one) < 22 for one in seen), seen


def test_remote_of_a_unix_socket_client(tmp_path):
    with Daemon("--framing=nul", command=["env", "-0"],
                unixsocket=tmp_path / "sock") as d:
        env = env_of(d)
    assert env["REMOTE_PORT"] in ("", "0") and "REMOTE_ADDR" in env


def test_remote_of_an_ipv6_client():
    with Daemon("--framing=nul", command=["env", "-0"], address="::1") as d:
        with d.client(host="::1") as c:
            assert c.handshake().status == 101
            env = c.variables()
    assert env["REMOTE_ADDR"] == "::1"


def test_P26_proxy_header_is_never_exported(envd):
    env = env_of(envd, headers=[("Proxy", "http://evil/"),
                                ("pRoXy", "http://evil/")])
    assert not any("evil" in value for value in env.values())
    assert "HTTP_PROXY" not in env


def test_P27_header_names_with_underscore_are_not_exported(envd):
    env = env_of(envd, headers=[("X-Foo", "good"), ("X_Foo", "bad"),
                                ("X_Bar", "bad"), ("x-foo", "more")])
    assert env["HTTP_X_FOO"] == "good, more"
    assert "HTTP_X_BAR" not in env


def test_P28_repeated_headers_are_joined_cookies_with_semicolons(envd):
    env = env_of(envd, headers=[("Cookie", "a=1"), ("Accept", "x"),
                                ("Cookie", "b=2; c=3"), ("Accept", "y, z"),
                                ("X-Empty", "")])
    assert env["HTTP_COOKIE"] == "a=1; b=2; c=3"
    assert env["HTTP_ACCEPT"] == "x, y, z"
    assert env["HTTP_X_EMPTY"] == ""


@pytest.mark.parametrize("value", [
    b"a\x1b[31mred", b"a\x00b", b"a\rb", b"a\nb", b"a\x7fb", b"\x01"])
def test_P30_control_bytes_in_headers_are_refused(envd, value):
    with envd.client() as c:
        assert c.handshake(headers=[("X-Evil", value)]).status == 400


@pytest.mark.parametrize("path", [b"/\x1b[31m", b"/a\x7f", b"/\x00", b"/\xff"])
def test_P30_control_bytes_in_the_target_are_refused(envd, path):
    with envd.client() as c:
        assert c.handshake(path.decode("latin-1")).status == 400


def test_P30_nothing_raw_reaches_the_log():
    raw = b"/%1b%5b31m%0d%0a%00" + b"%9b" + b"x"
    with Daemon("--loglevel=debug", command=[
            "printf", "\\033[31m\\n"]) as d:
        with d.client() as c:
            c.handshake(raw.decode(), headers=[
                ("User-Agent", b"\x9b31m\xff"), ("Origin", b"\x9bhttp://x")])
            c.ending(5)
        with d.session("/%1b%5b31m", headers=[("X-A", b"\x9b")]) as c:
            assert c.recv_text() == "\x1b[31m"
    for line in d.lines:
        assert re.fullmatch(r"[\x20-\x7e]*", line), ascii(line)


def test_P31_large_headers_are_exported_or_refused_before_the_fork(envd):
    env = env_of(envd, headers=[("X-Big", "v" * 15000)])
    assert env["HTTP_X_BIG"] == "v" * 15000
    with Daemon() as d:
        with d.client() as c:
            assert c.handshake(headers=[("X-Big", "v" * 17000)]).status == 431
        assert d.wait_log("refused").string.count("status=431") == 1
    assert not d.logged("session ends")


# ------------------------------------------------------------ descriptors


def test_P13_command_has_0_1_2_and_no_other(tmp_path):
    stray = os.open("/dev/null", os.O_RDONLY)
    os.dup2(stray, 77, inheritable=True)
    ready, far = socket.socketpair()
    try:
        with Daemon(f"--ready-fd={far.fileno()}", "--engines=3",
                    command=["sh", "-c", 'ls -l /proc/self/fd; read -r x'],
                    pass_fds=(77, far.fileno())) as d:
            others = [d.session() for _ in range(5)]
            with d.session() as c:
                listing = []
                while True:
                    line = c.recv_text()
                    found = re.search(r" (\d+) -> (.*)$", line)
                    if found:
                        listing.append((int(found[1]), found[2]))
                    if len(listing) == 4:
                        break
                c.send_text("end")
                assert c.recv_close()[0] == 1000  # nothing more was listed
            for one in others:
                one.close()
    finally:
        os.close(77)
        os.close(stray)
        ready.close()
        far.close()
    numbers = [number for number, _ in listing]
    assert numbers == [0, 1, 2, 3]  # 3 is the folder that ls reads
    assert listing[3][1].startswith("/proc/")
    assert all(name.startswith("pipe:") for _, name in listing[:3]), listing


def test_P13_descriptors_of_the_command_block():
    with Daemon(command=["sh", "-c", "cat /proc/self/fdinfo/0 "
                         "/proc/self/fdinfo/1 /proc/self/fdinfo/2"]) as d:
        with d.session() as c:
            texts = c.texts()[0]
    flags = [int(t.split()[1], 8) for t in texts if t.startswith("flags:")]
    assert len(flags) == 3
    assert all(flag & os.O_NONBLOCK == 0 for flag in flags)
    assert flags[0] & os.O_ACCMODE == os.O_RDONLY
    assert flags[1] & os.O_ACCMODE == flags[2] & os.O_ACCMODE == os.O_WRONLY


def test_P13_port_is_free_although_a_command_lives(mailbox):
    with Daemon("--kill=EOF:50ms,TERM:50ms,KILL", "--linger=50ms", command=[
            handler("orphan"), mailbox.path], leftovers=True) as d:
        with d.session() as c:
            orphan = Process(c.recv_text())
            c.reset()
        port = d.port
        with orphan:
            d.stop()
            assert orphan.alive()
            with Daemon(port=port) as again:
                assert again.port == port


def test_P13_parent_and_engines_hold_no_stray_descriptor():
    stray = os.open("/dev/null", os.O_RDONLY)
    os.dup2(stray, 77, inheritable=True)
    try:
        with Daemon("--engines=2", pass_fds=(77,)) as d:
            engine = descriptors(d.engines()[0])
            assert 77 not in engine
            assert engine[1] == "/dev/null"
            assert engine[0].startswith("socket:")
    finally:
        os.close(77)
        os.close(stray)


# ---------------------------------------------------------------- signals


def spoil_signals():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK,
                           [signal.SIGUSR1, signal.SIGCHLD, signal.SIGTERM])


def test_P14_signals_are_as_after_login():
    with Daemon(command=["cat", "/proc/self/status"],
                preexec_fn=spoil_signals, restore_signals=False) as d:
        with d.session() as c:
            status = "\n".join(c.texts()[0])
        # a daemon that was started with SIGTERM blocked must still stop
    for name in "SigBlk", "SigIgn", "SigCgt":
        assert int(status_field(status, name), 16) == 0, name


def test_P14_rule5_every_command_has_a_group_of_its_own():
    with Daemon(command=["cat", "/proc/self/stat"]) as d:
        groups = set()
        for _ in range(3):
            with d.session() as c:
                fields = c.recv_text().rpartition(")")[2].split()
                group, session = int(fields[2]), int(fields[3])
                groups.add(group)
                assert session == os.getsid(d.pid)
        assert len(groups) == 3 and os.getpgid(d.pid) not in groups


def test_engines_have_a_group_of_their_own():
    # ^C in a terminal reaches the parent alone, which then stops in order.
    with Daemon("--engines=2") as d:
        for pid in d.engines():
            assert os.getpgid(pid) not in (os.getpgid(d.pid), os.getpgid(0))


def test_chdir(tmp_path):
    with Daemon(f"--chdir={tmp_path}", command=["pwd"]) as d:
        with d.session() as c:
            assert c.recv_text() == str(tmp_path)


def test_resource_limits_are_those_of_the_caller():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 400))

    with Daemon(command=["sh", "-c", "ulimit -Sn; ulimit -Hn"],
                preexec_fn=limit) as d:
        with d.session() as c:
            assert c.texts()[0] == ["300", "400"]


# ------------------------------------------------------------- exec fails


def test_H7_P15_rule1_exec_failure_is_502_and_no_101(script):
    bad = script("#!/bin/sh\n")
    with Daemon(command=[bad]) as d:
        script("#!/nonexistent/interpreter\n")
        for _ in range(3):
            with d.client() as c:
                response = c.handshake()
                assert response.status == 502
                assert response.get("Connection") == "close"
                assert c.ending() == "eof" and c.rest == b""
        d.wait_logs(r"(?i)(ENOENT|no such file)", 3)
        assert not d.commands()


@pytest.mark.parametrize("spoil", ["unlink", "chmod", "empty", "folder"])
def test_H7_P15_command_that_is_spoilt_after_the_start(script, spoil):
    path = script("#!/bin/sh\necho fine\n")
    with Daemon(command=[path]) as d:
        with d.session() as c:
            assert c.recv_text() == "fine"
        if spoil == "unlink":
            os.unlink(path)
        elif spoil == "chmod":
            os.chmod(path, 0o644)
        elif spoil == "empty":
            with open(path, "wb") as f:
                f.write(b"\x7fELF\x00")
        else:
            os.unlink(path)
            os.mkdir(path)
        with d.client() as c:
            assert c.handshake().status == 502
        d.no_commands()


def test_P19_slots_after_every_kind_of_failure(script):
    path = script("#!/bin/sh\nexec cat\n")
    with Daemon("--maxforks=3", "--kill=EOF:50ms,TERM:50ms,KILL",
                "--engines=2", command=[path]) as d:
        os.rename(path, path + "-")
        for _ in range(10):  # cannot be started
            with d.client() as c:
                assert c.handshake().status == 502
        os.rename(path + "-", path)
        for _ in range(10):  # refused
            with d.client() as c:
                assert c.handshake(key="short").status == 400
        for _ in range(10):  # never finished
            with d.client() as c:
                c.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
                c.reset()
        mark = d.mark()
        for _ in range(3):  # vanished at once
            d.session().reset()
        d.wait_logs("session ends", 3, start=mark)
        d.no_commands()
        sessions = [d.session() for _ in range(3)]
        assert len(d.commands()) == 3
        for _ in range(5):
            with d.client() as c:
                assert c.handshake().status == 503
        for c in sessions:
            c.close()
        d.no_commands()
        with d.session() as c:
            c.send_text("again")
            assert c.recv_text() == "again"


def test_P18_running_out_of_descriptors_leaks_none():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    with Daemon("--engines=1", "--kill=EOF:50ms,TERM:50ms,KILL",
                preexec_fn=limit) as d:
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()
        d.no_commands()
        before = d.descriptor_counts()
        opened = [d.client() for _ in range(60)]
        for c in opened:
            c.send(request_head())
        statuses, asked = [], {c.sock: c for c in opened}
        while ready := select.select(asked, [], [], 0.5)[0]:
            for sock in ready:
                try:
                    statuses.append(asked.pop(sock).response().status)
                except Gone:
                    statuses.append(None)
        statuses += [None] * len(asked)  # not accepted yet
        assert 101 in statuses
        assert any(status != 101 for status in statuses)
        assert set(statuses) <= {101, 502, 503, None}, statuses
        for c in opened:
            c.close()

        def served():
            with d.client() as c:
                return c.handshake().status == 101

        until(served, "there is room again")
        with d.session() as c:
            c.send_text("y")
            assert c.recv_text() == "y"
            c.bye()
        d.no_commands()
        until(lambda: d.descriptor_counts() == before,
              f"descriptors as before, {before} and {d.descriptor_counts()}")


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep what was freed")
def test_P20_parent_stays_tiny():
    with Daemon("--engines=1") as d:
        assert memory(d.pid) < 2 << 20
        for _ in range(20):
            d.session().reset()
        d.no_commands()
        before = anonymous(d.pid)
        for _ in range(200):
            d.session().reset()
        d.no_commands()
        assert anonymous(d.pid) < before + (64 << 10)


def test_P33_silent_connections_do_not_hold_up_others():
    with Daemon("--engines=1", "--handshake-timeout=30s") as d:
        silent = [d.client() for _ in range(30)]
        for c in silent[::2]:
            c.send(b"GET / HT")
        for _ in range(5):
            with d.session() as c:
                c.send_text("x")
                assert c.recv_text() == "x"
        for c in silent:
            c.close()


# -------------------------------------------------------------- privileges


def run_id(d):
    with d.session() as c:
        return c.recv_text()


@pytest.mark.root
def test_user_and_group():
    with Daemon("--user=nobody", command=["sh", "-c",
                                          "echo $(id -un) $(id -G)"]) as d:
        assert run_id(d) == "nobody 65534"
    with Daemon("--user=nobody", "--group=daemon", command=[
            "sh", "-c", "echo $(id -un) $(id -gn) $(id -Gn)"]) as d:
        user, group, *rest = run_id(d).split()
        assert (user, group) == ("nobody", "daemon") and set(rest) == {"daemon"}


@pytest.mark.root
def test_root_without_user_warns_and_engines_are_nobody():
    with Daemon("--engines=2", command=["id", "-u"]) as d:
        assert run_id(d) == "0"
        assert any("root" in line and " warn " in line for line in d.lines)
        for pid in d.engines():
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            uids = status_field(status, "Uid").split()
            assert "0" not in uids, uids
            assert "0" not in status_field(status, "Gid").split()
            assert int(status_field(status, "CapEff"), 16) == 0
            assert int(status_field(status, "CapPrm"), 16) == 0
            assert "0" not in status_field(status, "Groups").split()


@pytest.mark.parametrize("how", ["off", "files", "calls"])
def test_sandbox_holds_the_engines_and_not_the_commands(how):
    with Daemon(f"--sandbox={how}", "--engines=1", "--console", command=[
            "sh", "-c", "cat /proc/self/status; cat"]) as d:
        with open(f"/proc/{d.engines()[0]}/status") as f:
            engine = f.read()
        with d.session() as c:
            command = []
            while not command or "ctxt_switches" not in command[-1]:
                command.append(c.recv_text())
            c.recv_text()
            c.send_text("x" * 100000)
            assert c.recv_text() == "x" * 100000
            c.bye()
        assert d.request(request_head(drop=["Upgrade"])).status == 200
    command = "\n".join(command)
    if how != "off" and not SANITIZED:  # which make calls of their own
        assert status_field(engine, "NoNewPrivs") == "1"
    filtered = not d.logged("without a system call filter")
    if how != "off" and not SANITIZED and filtered:
        assert status_field(engine, "Seccomp") == "2"
    assert status_field(command, "Seccomp") == "0"
    assert status_field(command, "NoNewPrivs") == "0"


@pytest.mark.parametrize("options, where", [
    (["--loglevel=info"], "pipe:"),
    (["--loglevel=warn"], "/dev/null"),
    (["--loglevel=error", "--stderr=both"], "pipe:"),
])
def test_rule9_stderr_that_nobody_wants_is_dev_null(options, where):
    command = ["sh", "-c", "readlink /proc/self/fd/2; head -c 300000 "
               "/dev/zero >&2; echo done"]
    with Daemon(*options, command=command) as d, d.session() as c:
        assert c.recv_text().startswith(where)
        while c.recv_text() != "done":
            pass  # with --stderr=both the zeros are there too


def test_H28_a_query_never_becomes_an_argument(tmp_path):
    # RFC 3875, section 4.4, would have it split at each "+".
    text = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s' \"$#\"\n"
    (tmp_path / "count").write_text(text)
    (tmp_path / "count").chmod(0o755)
    for path in "/count?-x", "/count?a+b", "/count?--%20rm", "/count/-x?-x+y":
        with Daemon(f"--cgidir={tmp_path}", f"--dir={tmp_path}",
                    command=[]) as d:
            got = d.request(request_head(
                path, drop=["Upgrade", "Connection"],
                headers={"Connection": "close"}))
            assert (got.status, got.body) == (200, b"0")
            with d.session(path) as c:
                assert c.texts()[0][-1] == "0"
    with Daemon(command=["sh", "-c", "echo $#", "sh"]) as d:
        with d.session("/-x?-x+y") as c:
            assert c.recv_text() == "0"


def test_P32_a_long_name_is_handed_on_whole(tmp_path):
    name = "n" * 200 + " of Löwenstein"
    (tmp_path / "tokens").write_text(
        f"{name}:{hashlib.sha256(b'token').hexdigest()}\n")
    with Daemon(f"--token-file={tmp_path}/tokens", command=[
            "sh", "-c", "echo $REMOTE_USER"]) as d:
        with d.session(headers=[("Authorization", "Bearer token")]) as c:
            assert c.recv_text() == name
