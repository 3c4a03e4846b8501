"""The command line: every option, wrong values, and websocketd's words."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from daemon import Daemon, run
from proc import ENGINE, HERE, PATIENCE, STANDPIPED, handler, now
from wire import BINARY, TEXT, Client, request_head


def wrong(*args, says, status=2):
    """standpiped refuses these words with one sentence that names `says`."""
    done = run(*args)
    text = "".join(  # root is warned first
        line for line in done.stderr.decode().splitlines(True)
        if " warn commands run as root" not in line)
    assert done.returncode == status, (done.returncode, text)
    assert done.stdout == b""
    assert text.endswith("\n") and text.count("\n") == 1, text
    assert len(text) < 400 and says in text, text


BAD = {
    "--port": ["-1", "65536", "x", "", "80x", "0x50", "8080 ", "99999999999"],
    "--address": ["", "no where", "1.2.3", "[::1", "127.0.0.1:80"],
    "--unixsocket": ["", "/run/" + "x" * 200],
    "--unixsocket-mode": ["", "8", "99", "rw", "01777777", "-1"],
    "--unixsocket-owner": ["", "me:", "a:b:c"],
    "--listen": ["", "80", ":80", "*", "127.0.0.1", "1.2.3:80", "::1:80",
                 "[::1]", "*:65536", "*:x", "unix:", "fd:", "fd:a b",
                 "tls:", "tls:auto:*:443", "proxy:proxy:*:80",
                 "unix:/" + "x" * 200],
    "--inetd": ["maybe"],
    "--redirect-plain": ["maybe"],
    "--redirport": ["", "x", "-1", "65536"],
    "--engines": ["0", "-1", "x", "", "100000", "1.5"],
    "--framing": ["", "line", "LINES", "x"],
    "--max-message": ["", "-1", "x", "1X", "1.5.5M", "99999999999G"],
    "--max-pipe": ["", "-1", "x", "1Q"],
    "--invalid-utf8": ["", "drop", "x"],
    "--multiline": ["", "yes", "x"],
    "--kill": ["", "EOF", "EOF:", "EOF:2s", "NOSUCH:2s,KILL", "TERM:x,KILL",
               "EOF:1s,,KILL", "KILL:1s,TERM", "none,KILL", "EOF:1s;KILL"],
    "--linger": ["", "x", "-1s", "1q", "s"],
    "--close-drain": ["", "x", "-1"],
    "--close-timeout": ["", "x", "-1", "1d2"],
    "--stderr": ["", "file", "x"],
    "--ping": ["", "x", "-1"],
    "--ping-timeout": ["", "x", "-1"],
    "--idle-timeout": ["", "x", "-1"],
    "--max-session": ["", "x", "-1"],
    "--handshake-timeout": ["", "x", "-1"],
    "--cgi-timeout": ["", "x", "-1"],
    "--dir": [""],
    "--cgidir": [""],
    "--maxforks": ["", "x", "1.5"],
    "--max-connections": ["", "x", "-1"],
    "--user": [""],
    "--group": [""],
    "--setenv": ["", "NOVALUE", "=x", "A B=c"],
    "--passenv": ["A=B", "A B"],
    "--stderr-level": ["", "none", "loud"],
    "--compat": ["", "websocket", "yes"],
    "--passstderr": ["maybe"],
    "--chdir": [""],
    "--subprotocol": ["", "a b", "ä", "x" * 256],
    "--origin": ["", "http://", "http://a/", "a:b", "a:99999", "*.*.a", "a b"],
    "--server-name": ["", "http://a", "a/b", "a b"],
    "--loglevel": ["", "loud", "x"],
    "--log-format": ["", "xml", "x"],
    "--ready-fd": ["", "x", "-1", "99999999999"],
    "--binary": ["maybe", ""],
    "--once": ["maybe"],
    "--console": ["maybe"],
    "--staticdir": [""],
    "--errordir": [""],
    "--header": ["", "A", "A:", ": b", "A : b", "A B: c", "ä: b", "A: b\rc",
                 "A: \x7f", "Connection: close", "date: now",
                 "Content-Length: 0", "transfer-encoding: chunked",
                 "Upgrade: x", "Sec-WebSocket-Accept: x"],
    "--header-ws": ["Sec-WebSocket-Protocol: x", "Sec-WebSocket-Version: 13"],
    "--header-http": ["Trailer: x", "Content-Encoding: br"],
    "--list-directories": ["maybe"],
    "--sameorigin": ["2"],
    "--syslog": ["maybe"],
    "--sandbox": ["", "on", "all"],
    "--subprotocol-required": ["maybe"],
}


@pytest.mark.parametrize("option, value", [
    (option, value) for option, values in BAD.items() for value in values],
    ids=lambda v: v[:24] or "empty")
def test_wrong_value_is_one_sentence_and_exit_2(option, value):
    wrong("--port=0", f"{option}={value}", "--", "true", says=option)


@pytest.mark.parametrize("args, says", [
    (["--nonsense"], "nonsense"), (["--nonsense=1", "true"], "nonsense"),
    (["-x"], "x"), (["--port"], "--port"), (["--engines"], "--engines"),
    (["--por=0", "true"], "por"), (["--frame=lines", "true"], "frame"),
    (["--max=1", "true"], "max"), (["-p", "0", "true"], "p"),
    (["--PORT=0", "true"], "PORT"), (["--port=0=1", "true"], "port"),
    (["--no-once", "true"], "no-once"), (["---port=0", "true"], "port"),
])
def test_unknown_or_abbreviated_options_are_exit_2(args, says):
    wrong(*args, says=says)


@pytest.mark.parametrize("args, says", [
    ([], "ommand"), (["--port=0"], "ommand"), (["--"], "ommand"),
    (["--stderr=client", "--framing=binary", "--no-standpipe-protocol",
      "true"], "--stderr"),
    (["--stderr=both", "--framing=frames", "--no-standpipe-protocol",
      "true"], "--stderr"),
    (["--passstderr", "--binary", "true"], "--passstderr"),
    (["--passstderr", "--binary", "true"], "--binary"),  # fault_G8
    (["--stderr=json", "--framing=frames", "true"], "--stderr"),
    (["--ping=0", "--ping-timeout=5s", "true"], "--ping-timeout"),
    (["--subprotocol-required", "true"], "--subprotocol-required"),
    (["--compression=off", "--compression-level=1", "true"], "--compression"),
    (["--compression-window=9", "--compression=off", "true"], "--compression"),
    (["--inetd", "--port=80", "true"], "--inetd"),
    (["--inetd", "--listen=*:80", "true"], "--inetd"),
    (["--inetd", "--unixsocket=/x", "true"], "--inetd"),
    (["--redirect-plain", "true"], "--redirect-plain"),
    (["--inetd", "--redirport=80", "true"], "--inetd"),
    (["--unixsocket-mode=0600", "true"], "--unixsocket-mode"),
    (["--unixsocket-owner=me", "--port=0", "true"], "--unixsocket-owner"),
])
def test_F28_H21_meaningless_combinations_are_exit_2(args, says):
    wrong(*args, says=says)


def test_port_is_needed_once():
    with Daemon("--port=1") as d:  # the later one wins
        assert d.port != 1


@pytest.mark.parametrize("command", [
    "no-such-command-here", "/no/such/command", "/etc/passwd", "/usr", "",
    "./nothing"])
def test_P15_command_that_is_not_there_is_exit_1(command):
    wrong("--port=0", "--", command, says=command, status=1)


def test_command_is_found_on_the_path(tmp_path):
    tool = tmp_path / "tool-of-ours"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    with Daemon(command=["tool-of-ours"], env={"PATH": path}) as d:
        with d.session() as c:
            assert c.recv_text() == "found"


@pytest.mark.parametrize("options", [
    ["--address=127.0.0.1", "--port=0"],
    ["--address", "127.0.0.1", "--port", "0"],
    ["-address=127.0.0.1", "-port=0"], ["-address", "127.0.0.1", "-port", "0"]])
def test_options_may_be_written_in_three_ways(options):
    d = Daemon(listeners=1)
    d.args = [str(STANDPIPED), *options, "cat", "-n"]
    with d:
        assert d.port
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text().split() == ["1", "x"]
            c.bye()


def test_C10_options_end_at_the_first_word(tmp_path):
    d = Daemon(listeners=1)
    d.args = [str(STANDPIPED), "--port=0", "--address=127.0.0.1",
              "echo", "--port=1", "-x", "--", "--binary"]
    with d:
        with d.session() as c:
            assert c.recv_text() == "--port=1 -x -- --binary"


def test_double_dash_ends_options():
    with Daemon(command=["echo", "--", "-x"]) as d:
        with d.session() as c:
            assert c.recv_text() == "-- -x"


@pytest.mark.parametrize("option, opcode", [
    ("--binary", BINARY), ("-binary", BINARY), ("--binary=true", BINARY),
    ("--binary=false", TEXT), ("-binary=true", BINARY), ("--binary=1", BINARY),
    ("--framing=binary", BINARY), ("--framing=lines", TEXT)])
def test_websocketd_booleans(option, opcode):
    with Daemon(option, command=["echo", "x"]) as d:
        with d.session() as c:
            assert c.recv_message()[0] == opcode


def test_a_boolean_takes_no_word():
    with Daemon("--binary", command=["echo", "x"]) as d:
        assert d.args[-3:] == ["--", "echo", "x"]
        with d.session() as c:
            assert c.recv_binary() == b"x\n"


def test_websocketd_closems(mailbox):
    # 100 + 200, 250 + 200, 500 + 200 ms, as websocketd counts
    with Daemon("--closems=200", command=[
            handler("tell-signals"), mailbox.path]) as d:
        with d.session() as c:
            c.recv_text()
            c.close()
            seen = [mailbox.line().split() for _ in range(3)]
        assert [what for what, _ in seen] == ["EOF", "INT", "TERM"]
        first, second, third = [float(when) for _, when in seen]
        assert second - first > 0.25 and third - second > 0.4
        assert d.session_end()["exit"] == "SIGKILL"


@pytest.mark.parametrize("level", [
    "debug", "trace", "access", "info", "error", "fatal", "none", "warn"])
def test_websocketd_loglevels(level):
    with Daemon(f"--loglevel={level}") as d:
        with d.session() as c:
            c.bye()
        d.no_commands()
    info = bool(d.logged("session ends"))
    assert info == (level in ("debug", "trace", "access", "info"))
    assert not d.logged(" debug ") or level in ("debug", "trace")
    assert d.logged("^standpiped: listening")


def test_websocketd_devconsole():
    with Daemon("--devconsole") as d:
        got = d.request(request_head(drop=["Upgrade", "Connection"]))
        assert got.status == 200


@pytest.mark.parametrize("option", ["--help", "-help", "--version", "-version"])
def test_help_and_version(option):
    done = run(option)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.strip()
    if "version" in option:
        assert re.match(rb"standpiped \d+\.\d+", done.stdout)


def test_license():
    done = run("--license")
    version, text = done.stdout.split(b"\n", 1)
    assert done.returncode == 0 and version.startswith(b"standpiped ")
    assert text == (HERE.parents[1] / "COPYING").read_bytes()


def options_of_help():
    return set(re.findall(r"--[a-z][a-z0-9-]+", run("--help").stdout.decode()))


def test_help_names_every_option():
    named = options_of_help()
    listed = set(BAD) | {"--version", "--license", "--help"}
    assert listed <= named, listed - named


def test_every_option_has_a_test():
    text = "".join(path.read_text() for path in HERE.rglob("test_*.py"))
    for option in options_of_help():
        assert option in text, option


@pytest.mark.parametrize("value, seconds", [
    ("300ms", 0.3), ("0.3s", 0.3), ("0.3", 0.3), ("0.005m", 0.3)])
def test_durations(value, seconds):
    with Daemon(f"--idle-timeout={value}") as d:
        start = now()
        with d.session() as c:
            assert c.recv_close()[0] == 1008
            assert now() - start > seconds - 0.01


def test_large_durations_and_sizes_are_taken():
    with Daemon("--idle-timeout=1h", "--max-session=1000h", "--max-message=2G",
                "--linger=0", "--close-timeout=5m", "--max-pipe=0") as d:
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()


def test_cannot_listen_is_exit_1():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        wrong(f"--port={port}", "--address=127.0.0.1", "true",
              says=str(port), status=1)
    wrong("--port=0", "--address=192.0.2.1", "true", says="192.0.2.1",
          status=1)


@pytest.mark.root
@pytest.mark.parametrize("option", ["--user", "--group"])
def test_nobody_of_that_name_is_refused(option):
    done = run("--port=0", f"{option}=no-such-name", "true")
    assert done.returncode in (1, 2) and b"no-such-name" in done.stderr


@pytest.mark.root
@pytest.mark.parametrize("option", ["--user=daemon", "--group=daemon"])
def test_another_user_or_group_needs_root(option):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(STANDPIPED, folder)
        shutil.copy(ENGINE, folder)
        done = subprocess.run([f"{folder}/standpiped", "--port=0", option,
                               "true"], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE / 4,
                              user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1
    assert option.encode() in done.stderr and b"only root" in done.stderr


def test_more_addresses_than_an_engine_takes_is_exit_1():
    many = ",".join(f"127.0.1.{i}" for i in range(1, 66))
    wrong("--port=0", f"--address={many}", "true", says="64", status=1)


def test_missing_engine_is_exit_1(tmp_path):
    alone = tmp_path / "standpiped"
    shutil.copy(STANDPIPED, alone)
    done = subprocess.run([alone, "--port=0", "true"], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)
    assert done.returncode == 1
    assert b"standpiped-engine" in done.stderr


def test_bad_ready_fd_is_refused():
    done = run("--port=0", "--ready-fd=987", "true")
    assert done.returncode in (1, 2) and b"ready-fd" in done.stderr


def test_chdir_to_nowhere_is_refused():
    done = run("--port=0", "--chdir=/no/such/folder", "true")
    assert done.returncode in (1, 2) and b"/no/such/folder" in done.stderr


def test_started_without_standard_descriptors():
    # Who starts us without 0, 1 and 2 must not make a socket one of them.
    def close_all():
        for fd in 0, 1, 2:
            os.close(fd)

    read, write = os.pipe()
    me = subprocess.Popen(
        [STANDPIPED, "--port=0", "--address=127.0.0.1",
         f"--ready-fd={write}", "--", "ls", "/proc/self/fd"],
        pass_fds=[write], preexec_fn=close_all)
    os.close(write)
    try:
        with os.fdopen(read) as stream:
            port = int(re.search(r":(\d+)/", stream.readline())[1])
        with Client(("127.0.0.1", port)) as c:
            assert c.handshake().status == 101
            texts, code, _ = c.texts()
            assert (texts, code) == (["0", "1", "2", "3"], 1000)
            c.finish(1000)
    finally:
        me.send_signal(signal.SIGTERM)
        assert me.wait(PATIENCE) == 0
