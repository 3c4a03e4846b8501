"""Standard input and output of the client: whatever they are, they work, and
stay as they were for those who have them too."""

import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import tty

import pytest

from daemon import Daemon
from proc import PATIENCE, STANDPIPE, environment, standpipe
from wire import joined, records

BIG = b"".join(b"%07d\n" % n for n in range(262144))  # no pipe holds it
COUNTED = ["head", "-c", str(len(BIG))]


def start(url, *args, files=(), **popen):
    return subprocess.Popen([str(STANDPIPE), *args, url, *files],
                            stderr=subprocess.PIPE, env=environment(), **popen)


def finish(p):
    """Its status and its standard error."""
    err = p.stderr.read()
    return p.wait(PATIENCE), err


def is_blocking(fd):
    return not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK


def read_until(fd, what):
    got = b""
    while what not in got:
        assert select.select([fd], [], [], PATIENCE)[0], got
        got += os.read(fd, 65536)
    return got


@pytest.fixture
def silent():
    """Says a line, and then nothing until it is told to end."""
    with Daemon(command=["sh", "-c", "echo here; exec cat >&2"]) as d:
        yield d.url


# ------------------------------------------------- what they may be

def test_a_file_to_a_file(tmp_path):
    (tmp_path / "in").write_bytes(BIG)
    (tmp_path / "out").write_bytes(b"before\n")
    with Daemon(command=COUNTED) as d, \
            open(tmp_path / "in", "rb") as i, \
            open(tmp_path / "out", "ab") as o:
        p = start(d.url, stdin=i, stdout=o)
        assert finish(p) == (0, b"")
        assert os.lseek(i.fileno(), 0, os.SEEK_CUR) == len(BIG)
    assert (tmp_path / "out").read_bytes() == b"before\n" + BIG


def test_files_share_their_offset_with_what_runs_behind(tmp_path):
    with Daemon(command=["echo", "said"]) as d:
        subprocess.run(["sh", "-c", '(echo one; "$@"; echo two) >out', "sh",
                        str(STANDPIPE), d.url], cwd=tmp_path, check=True,
                       stdin=subprocess.DEVNULL)
    assert (tmp_path / "out").read_bytes() == b"one\nsaid\ntwo\n"


@pytest.mark.parametrize("redirect", ["</dev/null", "<&-"])
def test_C8_there_is_no_input(redirect):
    with Daemon(command=["echo", "said"]) as d:
        r = subprocess.run(["sh", "-c", f'"$@" {redirect}', "sh",
                            str(STANDPIPE), d.url], capture_output=True)
    assert (r.returncode, r.stdout, r.stderr) == (0, b"said\n", b"")


def redirected(redirect, *words):
    return subprocess.run(["sh", "-c", f'"$@" {redirect}', "sh",
                           str(STANDPIPE), *words], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)


def test_there_is_no_output():
    with Daemon(command=["echo", "said"]) as d:
        r = redirected(">/dev/null", d.url)
    assert (r.returncode, r.stdout, r.stderr) == (0, b"", b"")


@pytest.mark.parametrize("redirect", [">&-", "<&- >&-", "1</dev/null"])
@pytest.mark.parametrize("words", [
    ["-n", "URL"], ["-b", "URL"], ["--ping", "-c1", "URL"], ["--help"],
    ["--version"]])
def test_fault_W12_output_that_is_closed_is_no_success(redirect, words):
    with Daemon(command=["echo", "said"]) as d:
        r = redirected(redirect, *(d.url if w == "URL" else w for w in words))
    assert (r.returncode, r.stdout) == (74, b"")
    assert r.stderr == b"standpipe: standard output: Bad file descriptor\n"


@pytest.mark.parametrize("redirect", [">&-", "1</dev/null"])
def test_fault_W12_who_needs_no_output_does_without(redirect):
    with Daemon(command=["echo", "said"]) as d:
        r = redirected(redirect, d.url, "--", "true")
    assert (r.returncode, r.stderr) == (0, b"")


@pytest.mark.parametrize("words, why", [
    (["--json"], ""), (["--json=1"], "--json=1: not open for writing"),
    (["--json=7"], "--json=7: not an open descriptor")])
def test_fault_W12_json_goes_nowhere(words, why):
    with Daemon(command=["true"]) as d:
        r = redirected("2>&-" if words == ["--json"] else "1</dev/null",
                       "-n", *words, d.url)
    assert r.returncode == 2 and why in r.stderr.decode()


def exchange(sock, data, size):
    """Send all of it while reading so much."""
    got, rest = b"", memoryview(data)
    while len(got) < size:
        r, w, _ = select.select([sock], [sock] if rest else [], [], PATIENCE)
        assert r or w
        if w:
            rest = rest[sock.send(rest[:65536], socket.MSG_DONTWAIT):]
        if r:
            got += sock.recv(65536)
    return got


def test_sockets():
    ours, theirs = socket.socketpair()
    with Daemon(command=["cat"]) as d, ours, theirs:
        p = start(d.url, stdin=theirs, stdout=theirs)
        assert exchange(ours, BIG, len(BIG)) == BIG
        assert is_blocking(theirs.fileno())
        theirs.close()
        ours.close()  # nobody reads any more
        assert finish(p) == (-signal.SIGPIPE, b"")


def test_a_folder_cannot_be_read():
    fd = os.open("/", os.O_RDONLY)
    with Daemon(command=["cat"]) as d:
        r = subprocess.run([str(STANDPIPE), d.url], stdin=fd,
                           capture_output=True)
    os.close(fd)
    assert r.returncode == 74
    assert b"standard input: Is a directory" in r.stderr


def test_a_full_disk_is_reported():
    with Daemon(command=["echo", "said"]) as d, \
            open("/dev/full", "wb") as full:
        p = start(d.url, stdin=subprocess.DEVNULL, stdout=full)
        status, err = finish(p)
    assert status == 74
    assert b"standard output: No space left on device" in err


def test_output_ends_when_that_of_the_program_does():
    """As in a pipeline here: who reads us need not wait for its exit."""
    with Daemon(command=["sh", "-c", "echo said; exec >&-; read x"]) as d:
        p = start(d.url, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert p.stdout.read() == b"said\n"
        p.stdin.write(b"end\n")
        p.stdin.close()
        assert finish(p) == (0, b"")
        p.stdout.close()


# ------------------------------------------------- S6

def test_S6_nobody_reads_while_nothing_is_written(silent):
    p = start(silent, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert p.stdout.readline() == b"here\n"
    p.stdout.close()
    assert finish(p) == (-signal.SIGPIPE, b"")
    p.stdin.close()


def test_S6_nobody_reads_while_output_waits():
    """Paused by back-pressure: the pipe is full, and so is the server."""
    with Daemon("--binary", command=["cat", "/dev/zero"]) as d:
        p = start(d.url, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert p.stdout.read(1) == b"\0"
        p.stdout.close()
        assert finish(p) == (-signal.SIGPIPE, b"")
        p.stdin.close()


def test_S6_a_pipeline_ends_quietly():
    with Daemon(command=["yes"]) as d:
        r = subprocess.run(["bash", "-c",
                            '"$@" </dev/null | head -n 1; '
                            'echo "${PIPESTATUS[0]}"', "bash",
                            str(STANDPIPE), d.url], capture_output=True)
    assert (r.stdout, r.stderr) == (b"y\n141\n", b"")


def test_who_writes_to_us_learns_that_we_have_ended():
    with Daemon(command=["head", "-n", "1"]) as d:
        r = subprocess.run(["bash", "-c",
                            'yes | "$@"; echo "${PIPESTATUS[*]}"', "bash",
                            str(STANDPIPE), d.url], capture_output=True)
    assert r.stdout == b"y\n141 0\n"


# ------------------------------------------------- C7

@pytest.mark.parametrize("sig", [None, signal.SIGINT, signal.SIGTERM,
                                 signal.SIGHUP, signal.SIGKILL])
def test_C7_a_terminal_is_left_as_it_was(sig):
    """In every way to end: blocking, and with its modes. It is input alone;
    test_client_terminal.py is about those who read there, too."""
    master, slave = pty.openpty()
    before = tty.tcgetattr(slave)
    with Daemon(command=["sh", "-c", "echo here; head -n 1; read end"]) as d:
        p = start(d.url, stdin=slave, stdout=subprocess.PIPE)
        read_until(p.stdout.fileno(), b"here")
        assert is_blocking(slave)
        os.write(master, b"typed\n")
        read_until(p.stdout.fileno(), b"typed")
        if sig is None:
            os.write(master, b"end\n")
        else:
            p.send_signal(sig)
        finish(p)
    assert is_blocking(slave)
    assert tty.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("sig", [None, signal.SIGTERM, signal.SIGKILL])
def test_C7_pipes_stay_blocking(sig):
    i, to = os.pipe()
    from_, o = os.pipe()
    with Daemon(command=["sh", "-c", "echo here; read end"]) as d:
        p = start(d.url, stdin=i, stdout=o)
        read_until(from_, b"here")
        assert is_blocking(i) and is_blocking(o)
        if sig is None:
            os.write(to, b"end\n")
        else:
            p.send_signal(sig)
        finish(p)
    assert is_blocking(i) and is_blocking(o)
    for fd in (i, to, from_, o):
        os.close(fd)


def test_a_pipe_that_is_full_loses_nothing(tmp_path):
    (tmp_path / "in").write_bytes(BIG)
    with Daemon(command=COUNTED) as d, open(tmp_path / "in", "rb") as i:
        p = start(d.url, stdin=i, stdout=subprocess.PIPE)
        assert p.stdout.read() == BIG
        assert finish(p) == (0, b"")
        p.stdout.close()


# ------------------------------------------------- files as messages

def sent(*args, files, cwd):
    """The messages that a server receives when it is given these files."""
    with Daemon("--framing=frames", command=["sh", "-c", "exec cat >got"],
                cwd=cwd) as d:
        r = standpipe("--wait=0", *args, d.url, *files, cwd=cwd)
        assert (r.returncode, r.stdout, r.stderr) == (0, b"", b"")
        d.wait_log("session ends")
    found = records((cwd / "got").read_bytes())
    return [m for m in joined(found) if m[0] in "TB"]


@pytest.mark.parametrize("option, kind", [("--text", "T"), ("--binary", "B"),
                                          ("--framing=lines", "T")])
def test_each_file_is_one_message(option, kind, tmp_path):
    contents = {"a": b"one\ntwo", "empty": b"", "big": BIG}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert sent(option, files=contents, cwd=tmp_path) == [
        (kind, content) for content in contents.values()]


def test_binary_files_are_sent_as_they_are(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(256)) * 1000)
    assert sent("--binary", files=["a"], cwd=tmp_path) == [
        ("B", bytes(range(256)) * 1000)]


def test_a_file_may_be_a_pipe(tmp_path):
    """With nobody at its other end yet, who then comes and goes."""
    os.mkfifo(tmp_path / "pipe")
    with Daemon(command=["head", "-n", "1"]) as d:
        p = start(d.url, cwd=tmp_path, stdin=subprocess.DEVNULL,
                  stdout=subprocess.PIPE, files=["pipe"])
        (tmp_path / "pipe").write_bytes(b"late")  # waits for a reader
        assert p.stdout.read() == b"late\n"
        assert finish(p) == (0, b"")
        p.stdout.close()


def test_a_file_that_is_not_there_calls_nobody(tmp_path):
    r = standpipe("ws://127.0.0.1:1/", tmp_path / "missing")
    assert r.returncode == 74
    assert b"missing: No such file or directory" in r.stderr


def test_a_file_that_is_not_there_ends_the_rest(tmp_path):
    (tmp_path / "a").write_bytes(b"here")
    with Daemon(command=["cat"]) as d:
        r = standpipe("--wait=0", d.url, "a", "missing", cwd=tmp_path)
    assert r.returncode == 74
    assert b"missing: No such file or directory" in r.stderr
