"""A command in place of standard input and output: --exec and -- COMMAND."""

import os
import signal
import subprocess

import pytest

from daemon import Daemon
from proc import PATIENCE, STANDPIPE, Process, environment, now, standpipe

QUIET = "exec cat >&2"  # a server that ends when its client does


def start(*args):
    return subprocess.Popen([str(STANDPIPE), *map(str, args)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment())


def finish(p):
    out, err = p.communicate(timeout=PATIENCE)
    return p.returncode, out, err


def ended(r):
    return r.returncode, r.stdout, r.stderr


# ------------------------------------------------- what is joined

def test_its_input_is_what_the_server_says(tmp_path):
    with Daemon(command=["seq", "3"]) as d:
        r = standpipe("--exec", f"cat >{tmp_path}/got", d.url)
    assert ended(r) == (0, b"", b"")
    assert (tmp_path / "got").read_bytes() == b"1\n2\n3\n"


def test_its_output_is_what_the_server_hears(mailbox):
    with Daemon(command=["sh", "-c", f"exec cat >{mailbox.path}"]) as d:
        r = standpipe(d.url, "--", "printf", "%s\n", "a  b", "$HOME")
        assert ended(r) == (0, b"", b"")
        assert mailbox.line() == "a  b"
        assert mailbox.line() == "$HOME"  # no shell


def test_full_pipes_hold_nobody_up(tmp_path):
    """Both ways at once, more than pipes hold."""
    lines = 200000
    with Daemon(command=["cat"]) as d:
        r = standpipe("--exec", f"seq {lines} & head -n {lines} >got; wait",
                      d.url, cwd=tmp_path)
    assert ended(r) == (0, b"", b"")
    assert (tmp_path / "got").read_bytes() == \
        b"".join(b"%d\n" % n for n in range(1, lines + 1))


def test_who_takes_no_input_may_go_on():
    with Daemon(command=["seq", "200000"]) as d:
        r = standpipe("-e", "exec <&-; sleep 0.3; echo late >&2", d.url)
    assert ended(r) == (0, b"", b"late\n")


def test_standard_error_and_nothing_else_is_inherited():
    extra = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(extra, True)
    with Daemon(command=["sh", "-c", QUIET]) as d:
        r = standpipe(d.url, "--", "sh", "-c", "ls /proc/self/fd >&2",
                      pass_fds=[extra])
    os.close(extra)
    assert r.stderr.split() == [b"0", b"1", b"2", b"3"]  # 3: the folder


def test_signals_are_as_somebody_left_them():
    """nohup is for the command as well; what we need is not for it."""
    show = "grep -E 'Sig(Ign|Blk)' /proc/self/status >&2"
    with Daemon(command=["sh", "-c", QUIET]) as d:
        r = subprocess.run(["sh", "-c", 'trap "" HUP; exec "$@"', "sh",
                            str(STANDPIPE), d.url, "--", "sh", "-c", show],
                           capture_output=True, env=environment())
    blocked, ignored = (int(word, 16) & 0x7FFFFFFF  # 32 is the library's
                        for word in r.stderr.split()[1::2])
    assert (blocked, ignored) == (0, 1 << signal.SIGHUP - 1)


# ------------------------------------------------- when it starts

def test_it_starts_when_the_connection_is_open(tmp_path):
    with Daemon(command=["cat"]) as d:
        url = d.url
    r = standpipe("-e", f"touch {tmp_path}/ran", url)
    assert r.returncode == 69
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("command, status, why", [
    ("no-such-program", 127, b"no-such-program: command not found"),
    ("/no/such/program", 127, b"/no/such/program: command not found"),
    ("/etc/passwd", 126, b"/etc/passwd: Permission denied"),
])
def test_what_cannot_be_run_calls_nobody(command, status, why):
    r = standpipe("ws://127.0.0.1:1/", "--", command)
    assert r.returncode == status
    assert why in r.stderr


def test_what_cannot_be_executed_closes_with_1011(script):
    broken = script("#!/no/such/interpreter\n")
    with Daemon(command=["sh", "-c", QUIET]) as d:
        r = standpipe(d.url, "--", broken)
        d.wait_log("close=1011")
    assert r.returncode == 126
    assert b"No such file" in r.stderr


# ------------------------------------------------- how it ends

@pytest.mark.parametrize("how, status, code, reason", [
    ("exit 0", 0, 1000, ""),
    ("exit 3", 3, 4003, "exit status 3"),
    ("kill -9 $$", 137, 4137, "killed by SIGKILL"),
])
def test_its_status_is_ours_and_the_server_is_told(how, status, code, reason):
    with Daemon(command=["sleep", "60"]) as d:
        r = standpipe("--exec", how, d.url)
        d.wait_log(f'close={code} reason="{reason}"')
    assert ended(r) == (status, b"", b"")


def test_the_status_of_the_server_comes_first():
    with Daemon(command=["sh", "-c", "exit 3"]) as d:
        r = standpipe("-e", "cat; exit 4", d.url)
    assert ended(r) == (3, b"", b"")


def test_P3_who_closes_its_output_is_left_to_work():
    """The server's answer may come long behind our end of input."""
    with Daemon(command=["sh", "-c", "read x; sleep 0.3; echo late"]) as d:
        r = standpipe("-e", "echo now; exec >&-; read x; echo $x >&2; exit 4",
                      d.url)
    assert ended(r) == (4, b"", b"late\n")


def test_P4_somebody_else_holds_its_output():
    with Daemon(command=["sh", "-c", QUIET]) as d:
        r = standpipe("-e", "sleep 60 & echo said", d.url)
    assert ended(r) == (0, b"", b"")


def test_P5_its_last_output_is_sent(mailbox):
    with Daemon("--binary",
                command=["sh", "-c", f"wc -c >{mailbox.path}"]) as d:
        r = standpipe("-e", "head -c 1000000 /dev/zero | tr '\\0' x; exit 0",
                      "--binary", d.url)
        assert mailbox.line() == "1000000"
    assert r.returncode == 0


# ------------------------------------------------- the ladder

def test_when_the_server_goes_it_gets_end_of_input():
    with Daemon(command=["sh", "-c", "exit 0"]) as d:
        r = standpipe("-e", "cat; echo ended >&2; exit 7", d.url)
    assert ended(r) == (7, b"", b"ended\n")


def test_its_last_words_do_not_kill_it():
    with Daemon(command=["sh", "-c", "exit 0"]) as d:
        r = standpipe("-e", "cat; seq 100000; exit 7", d.url)
    assert ended(r) == (7, b"", b"")


def test_who_ignores_that_gets_TERM():
    with Daemon(command=["sh", "-c", "exit 0"]) as d:
        began = now()
        r = standpipe("-e", "trap 'exit 9' TERM; sleep 60 & wait",
                      d.url)
        assert 1.5 < now() - began
    assert ended(r) == (9, b"", b"")


def test_and_then_KILL(mailbox):
    with Daemon(command=["sh", "-c", "exit 0"]) as d:
        p = start("-e", "trap '' TERM; sleep 60 & "
                        f"echo $! >{mailbox.path}; wait; wait", d.url)
        with Process(mailbox.line()) as grandchild:
            assert finish(p) == (137, b"", b"")
            grandchild.wait()


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM,
                                 signal.SIGHUP])
def test_a_signal_leaves_nobody_behind(sig, mailbox):
    with Daemon(command=["sh", "-c", QUIET]) as d:
        p = start("-e", f"echo $$ >{mailbox.path}; exec cat", d.url)
        with Process(mailbox.line()) as command:
            p.send_signal(sig)
            assert finish(p) == (-sig, b"", b"")
            command.wait()
        d.wait_log("close=1001")


def test_a_second_signal_is_not_patient(mailbox):
    with Daemon(command=["sh", "-c", QUIET]) as d:
        p = start("-e", "trap '' TERM; echo $$ >" + mailbox.path +
                  "; while :; do sleep 0.05; done", d.url)
        with Process(mailbox.line()) as command:
            p.send_signal(signal.SIGTERM)
            d.wait_log("close=1001")
            p.send_signal(signal.SIGTERM)
            assert finish(p) == (-signal.SIGTERM, b"", b"")
            command.wait()
