"""As whom, with what and by which name a program starts; why it does not."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest

from standpipe import Daemon, request_head


@contextlib.contextmanager
def programs(**texts):
    """A folder that everybody may enter, with these scripts."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        for program, text in texts.items():
            path = top / program
            path.write_text("#!/bin/sh\n" + text + "\n")
            path.chmod(0o755)
        yield top


def page(d, path):
    """The answer to a plain request."""
    with d.client() as c:
        c.send(request_head(path, drop=("Upgrade", "Connection")))
        return c.response()


# ------------------------------------------------- whose pipes they are

REOPEN = ("read -r line </dev/stdin; echo $line >/dev/stdout; "
          "echo trouble >/dev/stderr; stat -Lc %U /dev/stdin")
WHO = [(), pytest.param(("--user=daemon",), marks=pytest.mark.root),
       pytest.param(("--user=nobody",), marks=pytest.mark.root),
       pytest.param(("--user=daemon", "--group=users"), marks=pytest.mark.root),
       pytest.param(("--group=users",), marks=pytest.mark.root)]


def owner(who):
    given = [one[7:] for one in who if one.startswith("--user=")]
    return given[0] if given else Path(f"/proc/{os.getpid()}").owner()


@pytest.mark.parametrize("who", WHO, ids=" ".join)
def test_fault_F3_a_command_opens_its_pipes_again(who):
    with Daemon(*who, command=["sh", "-c", REOPEN]) as d:
        with d.session() as c:
            c.send_text("hello")
            assert c.texts() == (["hello", owner(who)], 1000, "")
        assert d.wait_log("stderr.*trouble")


OWNER = "stat -Lc %U /dev/stdin"


@pytest.mark.parametrize("who", WHO, ids=" ".join)
def test_fault_F3_a_program_of_a_folder_does(who):
    with programs(prog=OWNER + " >/dev/stdout") as top:
        with Daemon(*who, f"--dir={top}", command=()) as d:
            with d.session("/prog") as c:
                assert c.texts()[0] == [owner(who)]


@pytest.mark.parametrize("who", WHO, ids=" ".join)
def test_fault_F3_a_cgi_program_does(who):
    head = "cat </dev/stdin; (printf 'Status: 200\n\n'; "
    with programs(prog=head + OWNER + ") >/dev/stdout") as top:
        with Daemon(*who, f"--cgidir={top}", command=()) as d:
            assert page(d, "/prog").body.decode() == owner(who) + "\n"


@pytest.mark.parametrize("who", WHO, ids=" ".join)
def test_fault_F3_a_gate_does(who):
    with programs(gate=f"echo REMOTE_USER=$({OWNER}) >/dev/stdout") as top:
        with Daemon(*who, f"--gate={top}/gate",
                    command=["sh", "-c", "echo $REMOTE_USER"]) as d:
            with d.session() as c:
                assert c.texts()[0] == [owner(who)]


@pytest.mark.root
def test_fault_F3_the_null_device_stays_whose_it_was():
    before = os.stat("/dev/null")
    with Daemon("--user=daemon", "--loglevel=warn", "--stderr-level=debug",
                command=["stat", "-Lc", "%U %F", "/dev/stderr"]) as d:
        with d.session() as c:
            assert c.recv_text() == "root character special file"
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
