"""What may not be signalled, or does not end, holds nobody up and is logged."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from daemon import Daemon, fields
from proc import PATIENCE, STANDPIPE, Process, children, executable, until
from wire import request_head

SOURCE = r"""
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	if (setuid(0) == -1)
		return 9;
	printf("Status: 200\n\n%d\n", (int)getpid());
	fflush(stdout);
	for (;;)
		pause();
}
"""
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
             "--clear-groups")
FAST = "--kill=EOF:50ms,TERM:50ms,KILL", "--close-timeout=100ms"


@pytest.fixture(scope="module")
def folder():
    """A folder with a program that becomes root and ignores everything."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or not shutil.which("setpriv"):
        pytest.skip("no compiler, or no setpriv")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        source, program = top / "root.c", top / "rootsleep"
        source.write_text(SOURCE)
        subprocess.run([compiler, "-o", program, source], check=True)
        program.chmod(0o4755)
        yield top


@contextlib.contextmanager
def as_nobody(folder, *args, **kw):
    """A daemon of nobody's, whose programs of root's we end."""
    with Daemon(*FAST, *args, wrap=AS_NOBODY, leftovers=True, **kw) as d:
        yield d
    for pid in children(os.getpid()):
        if executable(pid) == "rootsleep":
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def pid_of(c):
    texts = [c.recv_text() for _ in range(3)]
    if texts[0] != "Status: 200":
        pytest.skip("setuid programs do not work here")
    return int(texts[2])


def warning(d, pid):
    return fields(d.wait_log(rf"warn program cannot be ended .*pid={pid} ")
                  .string)


@pytest.mark.root
def test_fault_F4_a_program_of_roots_is_told_of_and_counts(folder):
    with as_nobody(folder, "--maxforks=2", command=[folder / "rootsleep"],
                   status=1) as d:
        pids = []
        for _ in range(2):
            with d.session() as c:
                pids.append(pid_of(c))
        for pid in pids:
            got = warning(d, pid)
            assert got["command"] == "rootsleep"
            assert got["reason"] == "it may not be signalled"
        ends = [fields(m.string) for m in d.wait_logs("session ends", 2)]
        assert {int(end["pid"]) for end in ends} == set(pids)
        assert all(end["exit"] == "lives on" for end in ends)
        with d.client() as c:
            assert c.handshake().status == 503
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            d.wait_log(rf"program has ended after all .*pid={pid}")
        with d.session() as c:  # one that is there when the daemon stops
            pid = pid_of(c)
            d.stop()
            assert warning(d, pid)


@pytest.mark.root
def test_fault_F4_a_second_signal_ends_the_daemon(folder):
    with as_nobody(folder, "--kill=EOF:1h,TERM:1h,KILL", status=1,
                   command=[folder / "rootsleep"]) as d:
        with d.session() as c:
            pid_of(c)
            d.signal(signal.SIGTERM)
            d.wait_log("stopping")
            d.signal(signal.SIGTERM)
            assert d.wait() == 1


@pytest.mark.root
def test_fault_F4_further_signals_do_not_put_the_end_off(folder):
    def is_nagged_to_death():
        if not d.ended():
            d.signal(signal.SIGTERM)
        return d.ended()

    with as_nobody(folder, "--kill=EOF:1h,TERM:1h,KILL", status=1,
                   command=[folder / "rootsleep"]) as d:
        with d.session() as c:
            pid_of(c)
            until(is_nagged_to_death, "the end of the daemon")


@pytest.mark.root
def test_fault_F4_one_that_an_ordinary_program_leaves_behind(folder):
    with as_nobody(folder, "--linger=0", "--maxforks=1", status=1, command=[
            "sh", "-c", f"{folder}/rootsleep & exec cat"]) as d:
        with d.session() as c:
            pid = pid_of(c)
        assert warning(d, pid)["command"] == "rootsleep"
        assert d.session_end()["exit"] == "0"
        with d.client() as c:
            assert c.handshake().status == 503
        os.kill(pid, signal.SIGKILL)
        d.no_commands()
        with d.session() as c:
            pid_of(c)
        assert d.wait_log("info program has ended after all")


@pytest.mark.root
def test_fault_F4_a_cgi_program(folder):
    with as_nobody(folder, f"--cgidir={folder}", command=(), status=1) as d:
        with d.client() as c:
            c.send(request_head("/rootsleep", drop=("Upgrade", "Connection")))
            assert c.response(body=False).status == 200
            pid = int(next(c.chunks()))
            c.reset()
        assert warning(d, pid)
        assert fields(d.wait_log("cgi ends").string)["exit"] == "lives on"


@pytest.mark.root
def test_fault_F4_a_gate(folder):
    with as_nobody(folder, f"--gate={folder}/rootsleep", status=1,
                   command=["cat"]) as d:
        with d.client() as c:
            c.send(request_head("/"))
            until(lambda: [pid for pid in d.commands()
                           if executable(pid) == "rootsleep"], "the gate runs")
            pid = d.commands()[0]
        assert warning(d, pid)


@pytest.mark.root
def test_fault_F4_a_command_of_the_client(folder, tmp_path):
    said = tmp_path / "stderr"
    with Daemon(command=["sh", "-c", "exit 3"]) as d, said.open("wb") as f:
        run = subprocess.run(
            [*AS_NOBODY, STANDPIPE, d.url, "--", folder / "rootsleep"],
            stdin=subprocess.DEVNULL, stderr=f, timeout=PATIENCE)
        left = [pid for pid in children(os.getpid())
                if executable(pid) == "rootsleep"]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        assert len(left) == 1
        assert run.returncode == 3
        assert f"rootsleep (pid {left[0]}) cannot be ended" in said.read_text()


HARD = {
    "stopped": ["sh", "-c", "trap '' TERM; echo $$; kill -STOP $$; sleep 1000"],
    "first of a pid namespace": ["sh", "-c", "echo $$; exec unshare -pf "
                                 "--kill-child=WINCH sleep 1000"],
    "deaf to all but KILL": ["sh", "-c", "trap '' HUP INT TERM; echo $$; "
                             "while :; do sleep 1000; done"],
}


@pytest.mark.parametrize("how", HARD)
def test_fault_F4_what_is_hard_to_end_and_still_ends(how):
    if "namespace" in how and os.geteuid() != 0:
        pytest.skip("not root")
    with Daemon(*FAST, command=HARD[how]) as d:
        with d.session() as c:
            program = Process(c.recv_text())
        with program:
            program.wait()
        assert d.session_end()["exit"] in ("SIGKILL", "SIGTERM", "1")
        d.no_commands()
    assert not d.logged("cannot be ended")


def test_fault_F4_who_outlives_a_ladder_without_kill():
    with Daemon("--kill=EOF:10ms,TERM:10ms", command=[
            "sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1000; done"],
            status=1) as d:
        with d.session() as c:
            program = Process(c.recv_text())
        with program:
            got = warning(d, program.pid)
            assert got["reason"] == "it outlives what --kill sends"
            assert d.session_end()["exit"] == "lives on"
            assert program.alive()
            d.stop()
            program.wait()


# ------------------------------------------------- the daemon is killed

DEAF = ["sh", "-c", "echo $$; while :; do sleep 1000; done"]  # to its input
AS_DAEMON = pytest.param("--user=daemon", marks=pytest.mark.root)


@pytest.mark.parametrize("option", ["--maxforks=9", AS_DAEMON])
def test_fault_F12_programs_end_with_a_daemon_that_is_killed(option):
    with Daemon(option, command=DEAF, status=-signal.SIGKILL,
                leftovers=True) as d:
        with d.session() as c, Process(c.recv_text()) as program:
            d.signal(signal.SIGKILL)
            program.wait()


def test_fault_F12_so_does_a_cgi_program():
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "deaf"
        program.write_text("#!/bin/sh\nprintf 'A: b\\n\\n'; " + DEAF[2] + "\n")
        program.chmod(0o755)
        with Daemon(f"--cgidir={name}", command=(), status=-signal.SIGKILL,
                    leftovers=True) as d, d.client() as c:
            c.send(request_head("/deaf", drop=("Upgrade", "Connection")))
            assert c.response(body=False).status == 200
            with Process(next(c.chunks())) as program:
                d.signal(signal.SIGKILL)
                program.wait()


def test_fault_F12_not_with_a_ladder_of_none():
    with Daemon("--kill=none", command=DEAF, status=-signal.SIGKILL,
                leftovers=True) as d:
        with d.session() as c, Process(c.recv_text()) as program:
            d.signal(signal.SIGKILL)
            d.wait()
            assert program.lives_for(0.3)


def test_fault_F12_the_end_of_input_comes_first():
    tells = "trap 'echo term; exit' TERM; echo $$; read -r x; echo eof >&2"
    with Daemon(*FAST, command=["sh", "-c", tells]) as d:
        with d.session() as c:
            c.recv_text()
        assert d.wait_log("text=eof")


def test_fault_F12_a_command_of_the_client(mailbox):
    with Daemon(command=["cat"]) as d:
        client = subprocess.Popen(
            [STANDPIPE, d.url, "--", "sh", "-c",
             f"echo $$ >{mailbox.path}; exec sleep 1000"],
            stdin=subprocess.DEVNULL)
        with Process(mailbox.line()) as program:
            client.kill()
            client.wait()
            program.wait()
            os.waitpid(program.pid, 0)
