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

from standpipe import PATIENCE, STANDPIPE, Daemon, environment, standpipe

BIG = b"".join(b"%07d\n" % n for n in range(262144))  # no pipe holds it
COUNTED = ["head", "-c", str(len(BIG))]


def start(url, *args, **popen):
    return subprocess.Popen([str(STANDPIPE), *args, url],
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


@pytest.mark.parametrize("redirect", [">/dev/null", ">&-", "<&- >&-"])
def test_there_is_no_output(redirect):
    with Daemon(command=["echo", "said"]) as d:
        r = subprocess.run(["sh", "-c", f'"$@" {redirect}', "sh",
                            str(STANDPIPE), d.url], capture_output=True,
                           stdin=subprocess.DEVNULL)
    assert (r.returncode, r.stdout, r.stderr) == (0, b"", b"")


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
    """In every way to end: blocking, and with its modes."""
    master, slave = pty.openpty()
    before = tty.tcgetattr(slave)
    with Daemon(command=["sh", "-c", "echo here; head -n 1; read end"]) as d:
        p = start(d.url, stdin=slave, stdout=slave)
        read_until(master, b"here")
        assert is_blocking(slave)
        os.write(master, b"typed\n")
        read_until(master, b"typed\r\ntyped")
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
