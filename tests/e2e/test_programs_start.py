"""As whom, with what and by which name a program starts; why it does not."""

import contextlib
import fcntl
import os
import pty
import signal
import tempfile
import termios
from pathlib import Path

import pytest

from daemon import Daemon, fields, run
from proc import stat, status_field, until
from wire import request_head


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
def test_fault_F3_root_that_may_give_nothing_away():
    with Daemon("--user=nobody", command=["id", "-un"],
                wrap=("setpriv", "--bounding-set=-chown")) as d:
        for _ in range(2):
            with d.session() as c:
                assert c.texts() == (["nobody"], 1000, "")
        d.stop()
        assert len(d.logged("warn pipes cannot be given")) == 1


@pytest.mark.root
def test_fault_F3_the_null_device_stays_whose_it_was():
    before = os.stat("/dev/null")
    with Daemon("--user=daemon", "--loglevel=warn", "--stderr-level=debug",
                command=["stat", "-Lc", "%U %F", "/dev/stderr"]) as d:
        with d.session() as c:
            assert c.recv_text() == "root character special file"
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


# ------------------------------------------------- its locale

NO_LOCALE = {name: None for name in os.environ
             if name == "LANG" or name.startswith("LC_")}
U8, L1 = "de_DE.UTF-8", "de_DE.ISO-8859-1"
LOCALES = {
    "none": ({}, [], {"LANG": "C.UTF-8"}),
    "C": ({"LANG": "C"}, [], {"LANG": "C.UTF-8"}),
    "POSIX": ({"LANG": "POSIX"}, [], {"LANG": "C.UTF-8"}),
    "empty": ({"LANG": "", "LC_ALL": ""}, [], {"LANG": "C.UTF-8"}),
    "no charset": ({"LANG": "de_DE"}, [], {"LANG": "C.UTF-8"}),
    "another charset": ({"LANG": L1}, [], {"LANG": "C.UTF-8"}),
    "almost": ({"LANG": "C.UTF-88"}, [], {"LANG": "C.UTF-8"}),
    "UTF-8": ({"LANG": U8}, [], {"LANG": U8}),
    "utf8": ({"LANG": "C.utf8"}, [], {"LANG": "C.utf8"}),
    "variant": ({"LANG": "de_DE.utf8@euro"}, [], {"LANG": "de_DE.utf8@euro"}),
    "all": ({"LANG": "C", "LC_ALL": U8}, [],
            {"LANG": "C.UTF-8", "LC_ALL": U8}),
    "all is C": ({"LANG": U8, "LC_ALL": "C"}, [], {"LANG": U8}),
    "characters are C": ({"LANG": U8, "LC_CTYPE": "C"}, [], {"LANG": U8}),
    "order": ({"LANG": U8, "LC_COLLATE": "C"}, [],
              {"LANG": U8, "LC_COLLATE": "C"}),
    "dates": ({"LC_TIME": U8, "LC_NUMERIC": L1}, [],
              {"LANG": "C.UTF-8", "LC_TIME": U8}),
    "another variable": ({"LC_EVIL": U8, "LANGUAGE": "de"}, [],
                         {"LANG": "C.UTF-8"}),
    "set": ({"LANG": U8, "LC_ALL": U8}, ["--setenv=LANG=C"], {"LANG": "C"}),
    "all set": ({"LANG": U8}, ["--setenv=LC_ALL=C"], {"LC_ALL": "C"}),
    "passed": ({"LANG": U8, "LC_ALL": "C"}, ["--passenv=LC_ALL"],
               {"LANG": U8, "LC_ALL": "C"}),
}


@pytest.mark.parametrize("name", LOCALES)
def test_fault_W2_locale(name):
    ours, args, expected = LOCALES[name]
    with Daemon(*args, command=["env"], env={**NO_LOCALE, **ours}) as d:
        with d.session() as c:
            env = c.variables()
    assert {name: value for name, value in env.items()
            if name.startswith(("LANG", "LC_"))} == expected


def test_fault_W2_programs_know_characters():
    with Daemon(command=["python3", "-c", "import locale; print(locale."
                         "nl_langinfo(locale.CODESET) if locale.setlocale("
                         "locale.LC_ALL, '') else 0)"],
                env=NO_LOCALE) as d:
        with d.session() as c:
            assert c.recv_text() == "UTF-8"


# ------------------------------------------------- what it may not have

@pytest.mark.root
@pytest.mark.parametrize("args", [(), ("--kill=none",)])
def test_fault_A10_no_capability_is_handed_on(args):
    wrap = ("setpriv", "--reuid=4242", "--regid=4242", "--clear-groups",
            "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service")
    with Daemon(*args, command=["cat", "/proc/self/status"], wrap=wrap) as d:
        ours = Path(f"/proc/{d.pid}/status").read_text()
        if not int(status_field(ours, "CapEff"), 16):
            pytest.skip("no ambient capabilities here")
        with d.session() as c:
            programs = "\n".join(c.texts()[0])
        engine = Path(f"/proc/{d.engines()[0]}/status").read_text()
        for name in "CapPrm", "CapEff", "CapAmb":
            assert int(status_field(programs, name), 16) == 0, name
            assert int(status_field(engine, name), 16) == 0, name


@contextlib.contextmanager
def at_a_terminal(*args, **kw):
    """A daemon that was started by hand: it has a controlling terminal."""
    ours, theirs = pty.openpty()

    def take():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    try:
        with Daemon(*args, preexec_fn=take, pass_fds=(theirs,), **kw) as d:
            yield d, ours
    finally:
        os.close(ours)
        os.close(theirs)


WHOSE = "(: </dev/tty) 2>/dev/null && echo terminal || echo none"


@pytest.mark.parametrize("who", [(), pytest.param(
    ("--user=daemon",), marks=pytest.mark.root)], ids=" ".join)
def test_fault_A17_a_program_has_no_terminal(who):
    with at_a_terminal(*who, command=["sh", "-c", WHOSE]) as (d, _):
        with d.session() as c:
            assert c.recv_text() == "none"
        engine = Path(f"/proc/{d.engines()[0]}/stat").read_text()
        assert engine.rpartition(")")[2].split()[4] == "0"  # tty_nr


def test_fault_A17_a_program_can_still_be_stopped():
    # the leader of a session would ignore SIGTSTP
    with at_a_terminal(command=["sh", "-c", "echo $$; exec cat"]) as (d, _):
        with d.session() as c:
            pid = int(c.recv_text())
            os.kill(pid, signal.SIGTSTP)
            until(lambda: stat(pid)[2] == "T", "it is stopped")
            os.kill(pid, signal.SIGCONT)
            c.send_text("on")
            assert c.recv_text() == "on"


def test_fault_A17_the_daemon_keeps_its_terminal():
    with at_a_terminal(command=["cat"]) as (d, ours):
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            os.write(ours, b"\x03")
            d.wait_log("stopping")
            assert c.recv_close()[0] == 1001
            c.finish(1001)
            assert d.wait() == 0


# ------------------------------------------------- as whom


@pytest.mark.root
@pytest.mark.parametrize("who", [(), ("--user=daemon",), ("--group=users",),
                                 ("--user=daemon", "--group=users")],
                         ids=" ".join)
def test_fault_A15_engines_never_run_as_the_user_of_programs(who):
    with Daemon(*who, command=["cat", "/proc/self/status"]) as d:
        engine = Path(f"/proc/{d.engines()[0]}")
        with d.session() as c:
            program = "\n".join(c.texts()[0])
        assert engine.owner() in ("_standpipe", "nobody")
        assert engine.stat().st_uid != int(
            status_field(program, "Uid").split()[0])
        assert engine.stat().st_gid != int(
            status_field(program, "Gid").split()[0])


def test_fault_A15_help_says_so():
    said = run("--help").stdout.decode()
    assert "user that programs run as" in said
    assert "group that programs run as" in said


# ------------------------------------------------- why it does not


WRONG = {
    "interpreter": (b"#!/usr/bin/pyton3\n", "its interpreter /usr/bin/pyton3: "
                    "No such file or directory"),
    "words": (b"#! /no/such -x\n", "its interpreter /no/such: No such file"),
    "CR LF": (b"#!/bin/sh\r\nls\r\n",
              'ends in CR LF, and there is no interpreter "/bin/sh\\r"'),
    "nothing": (b"", "no program of this system, and no #! line"),
    "text": (b"echo hello\n", "no program of this system, and no #! line"),
}


@pytest.mark.parametrize("name", WRONG)
def test_fault_T5_a_failed_start_names_the_file(name):
    text, why = WRONG[name]
    with programs(prog="cat") as top:
        with Daemon(command=[top / "prog"]) as d:
            (top / "prog").write_bytes(text)
            with d.client() as c:
                assert c.handshake().status == 502
            said = fields(d.wait_log("warn program did not start").string)
            assert str(top / "prog") in said["error"]
            assert why.replace("\\\\", "\\") in said["error"]


@pytest.mark.parametrize("name", ["interpreter", "words", "CR LF"])
def test_fault_T5_an_interpreter_is_missed_at_the_start(name):
    text, why = WRONG[name]
    with programs(prog="cat") as top:
        (top / "prog").write_bytes(text)
        got = run("--port=0", "--", top / "prog")
        assert got.returncode == 1 and why in got.stderr.decode()
        got = run("--port=0", f"--gate={top}/prog", "--", "cat")
        assert got.returncode == 1 and why in got.stderr.decode()


@pytest.mark.root
def test_fault_T5_a_folder_is_named_with_the_user():
    with tempfile.TemporaryDirectory() as closed:
        with Daemon("--user=daemon", f"--chdir={closed}", command=["cat"]) as d:
            with d.client() as c:
                assert c.handshake().status == 502
            assert d.wait_log(f"cannot enter {closed} as daemon: Permission")
