"""Engines and the parent, killed while they are at work."""

import base64
import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

from daemon import Daemon
from proc import (ENGINE, PATIENCE, SANITIZED, STANDPIPED, Process,
                  descriptors, handler, pause, memory, until)
from wire import Gone, request_head

FAST = "--kill=TERM:50ms,KILL", "--close-timeout=100ms"  # engines that lie end


def settled(d, count):
    """Wait until that many engines are there and accept."""
    until(lambda: len(d.engines()) == count, f"{count} engines")


def replaced(d, old):
    """Wait until the engines are others than these, and as many."""
    def done():
        new = d.engines()
        return len(new) == len(old) and new != old

    until(done, "a new engine")


def busiest(d):
    return max(d.engines(), key=lambda pid: len(descriptors(pid)))


@pytest.mark.parametrize("sig", [
    signal.SIGKILL,
    pytest.param(signal.SIGSEGV, marks=pytest.mark.skipif(
        SANITIZED, reason="a sanitizer reports the signal"))])
def test_engine_killed_under_load(sig):
    count = 40
    with Daemon("--engines=4", "--kill=EOF:100ms,TERM:100ms,KILL",
                "--linger=50ms") as d:
        engines = d.engines()
        clients = [d.session() for _ in range(count)]
        for c in clients:
            for i in range(100):
                c.send_text(f"{i}")
        victim = busiest(d)
        os.kill(victim, sig)
        for _ in range(12):  # new ones are served meanwhile
            with d.session() as c:
                c.send_text("new")
                assert c.recv_text() == "new"
                c.reset()
        unharmed, lost = [], 0
        for c in clients:
            try:
                assert [c.recv_text() for _ in range(100)] == [
                    str(i) for i in range(100)]
                c.send_text("after")
                assert c.recv_text() == "after"
                unharmed.append(c)
            except Gone:
                lost += 1
                c.close()
        assert 0 < lost < count
        settled(d, 4)
        assert len(set(d.engines()) & set(engines)) == 3
        until(lambda: len(d.commands()) == len(unharmed),
              "the commands of the dead engine are gone")
        for c in unharmed:
            c.bye()
        d.no_commands()
        d.wait_log("(warn|error) .*engine")


def test_engine_killed_its_stubborn_commands_get_the_ladder():
    with Daemon("--engines=1", "--kill=EOF:100ms,TERM:100ms,KILL",
                command=[handler("ignore-term")]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            os.kill(d.engines()[0], signal.SIGKILL)
            assert c.ending() in ("eof", "reset")
            assert command.alive()
            command.wait(3)
        d.no_commands()
        with d.session() as c:
            c.recv_text()
            c.reset()


def test_engine_killed_frees_its_slots():
    with Daemon("--engines=1", "--maxforks=3", "--max-connections=3",
                "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        for _ in range(2):
            clients = [d.session() for _ in range(3)]
            with d.client() as c:
                assert c.handshake().status == 503
            old = d.engines()
            os.kill(old[0], signal.SIGKILL)
            replaced(d, old)
            d.no_commands()
            for c in clients:
                c.close()
        for _ in range(3):
            clients.append(d.session())
        with d.client() as c:
            assert c.handshake().status == 503


def test_engine_killed_again_and_again_comes_back():
    with Daemon("--engines=1") as d:
        for _ in range(3):
            old = d.engines()
            os.kill(old[0], signal.SIGKILL)
            replaced(d, old)
            with d.session() as c:
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()
        assert len(d.logged("^standpiped: listening")) == 1


def test_engine_killed_is_always_logged_with_its_signal():
    with Daemon("--engines=10") as d:
        for pid in d.engines():
            os.kill(pid, signal.SIGKILL)
            d.wait_log(rf"error engine killed .*pid={pid} signal=9")


def test_engine_killed_leaves_no_descriptor_behind():
    with Daemon("--engines=2") as d:
        def kill():
            old = d.engines()
            victim = Process(old[0])
            victim.kill()
            replaced(d, old)
            with d.session() as c:
                c.bye()
            d.no_commands()
            os.close(victim.fd)

        kill()
        before = len(descriptors(d.pid))
        kill()
        kill()
        until(lambda: len(descriptors(d.pid)) == before,
              "the parent's descriptors as before")


def test_once_with_an_engine_killed_ends():
    with Daemon("--once", "--engines=1",
                "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        with d.session():
            os.kill(d.engines()[0], signal.SIGKILL)
            d.status = d.wait()
            assert d.status >= 0


# They get TERM, too: those that ignore it, or are not to get it, read on.
@pytest.mark.parametrize("kill, trap", [
    ("--kill=none", "TERM"), ("--kill=EOF:1s,TERM:1s,KILL", "'' TERM")])
def test_parent_killed_engines_end_and_commands_get_end_of_input(
        mailbox, kill, trap):
    with Daemon(kill, "--engines=4", command=[
            "sh", "-c", f'trap {trap}; exec "$@"', "sh", handler("tell-end"),
            mailbox.path], status=-signal.SIGKILL, leftovers=True) as d:
        engines = [Process(pid) for pid in d.engines()]
        clients = [d.session() for _ in range(8)]
        for c in clients:
            c.send_text("last words")
            c.send_ping()
            c.recv_pong()
        commands = [Process(pid) for pid in d.commands()]
        assert len(commands) == 8
        d.signal(signal.SIGKILL)
        for engine in engines:
            engine.wait()
        for _ in clients:
            assert bytes.fromhex(mailbox.line()) == b"last words\n"
        for command in commands:
            command.wait(3)
        for c in clients:
            assert c.ending() in ("eof", "reset")
        with pytest.raises(ConnectionRefusedError):
            d.client()


def test_sigterm_to_an_engine_alone_harms_the_daemon_not():
    with Daemon("--engines=2") as d:
        for pid in d.engines():
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGHUP)
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()


def test_fault_A5_nobody_waits_for_an_engine_that_is_stopped():
    with Daemon("--engines=4") as d:
        stopped = d.engines()[:3]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for c in [d.session() for _ in range(20)]:
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_engine_accepts_nobody_before_it_knows_everything():
    IPC_LISTEN = 2
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with socket.create_server(("127.0.0.1", 0)) as listener, ours:
        listener.setblocking(False)
        with theirs:
            engine = subprocess.Popen([ENGINE], stdin=theirs,
                                      stdout=subprocess.DEVNULL)
        with socket.create_connection(listener.getsockname()):
            socket.send_fds(ours, [struct.pack("=IIB", IPC_LISTEN, 0, 0)],
                            [listener.fileno()])
            name = f"socket:[{os.fstat(listener.fileno()).st_ino}]"
            until(lambda: name in descriptors(engine.pid).values() or
                  engine.poll() is not None, "it has the socket")
            pause(0.1)
            ours.close()  # it must be in its loop to see that
            try:
                assert engine.wait(PATIENCE / 4) == 1
            finally:
                engine.kill()
                engine.wait()


@contextlib.contextmanager
def lying_engine(lie, *args, **kw):
    """A daemon whose only engine is not ours."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(STANDPIPED, folder)
        shutil.copy(handler("lying-engine"), f"{folder}/standpiped-engine")
        Path(folder, "lie").write_text(lie)
        if any(arg.startswith(("--auth-file", "--reverselookup"))
               for arg in args):
            shutil.copy(ENGINE, f"{folder}/real")
        d = Daemon("--engines=1", *FAST, *args, **kw)
        d.args[0] = f"{folder}/standpiped"
        with d:
            yield d


def open_request(part, path=b"", variables=b"", route=0):
    return (struct.pack("=IIIII", 10, 0, route, part, len(path)) + path +
            variables).hex()


@pytest.mark.parametrize("lie", [
    "descriptors", "00", "63000000" + "00000000",  # no such type
    "09000000" + "00000000",  # ready once more
    "0e000000" + "00000000" + "00000000",  # leaves no seat
    "0e000000" + "00000000" + "01000000",  # one that it has not got
    "0d000000" + "00000000" + "08" + "00" * 16,  # no such kind of arrival
    "1d000000" + "40000000",  # a listener that it has not got
    "1d000000" + "00000000" + "00",  # and too much about one
    "1a000000" + "00000000" + "00" * 15,  # a failed login of half an address
    "0a000000" + "00000000" + "00000000",  # half a request
    "13000000" + "01000000" + "00" * 8,  # what certificates are worth: none
    "13000000" + "01000000" + "00" * 7,  # and half of that
    open_request(4),  # no such part
    open_request(0, route=1),  # no such route
    open_request(0, b"a"),  # the command has no path
    open_request(0, variables=b"PATH=/x\0"),
    open_request(0, variables=b"LD_PRELOAD=/x\0"),
    open_request(0, variables=b"HTTP_PROXY=x\0"),
    open_request(0, variables=b"HTTP_A=x"),
    open_request(1, b""), open_request(2, b"/bin/sh"),
    open_request(1, b"../../bin/sh"), open_request(1, b"a/../b"),
    open_request(1, b"a//b"), open_request(1, b"a/./b"),
    open_request(1, b".a"), open_request(1, b"a\0b"),
    open_request(1, b"a" * 4097),
])
def test_nonsense_costs_an_engine_its_life(lie):
    with lying_engine(lie) as d:
        d.wait_logs("error engine lost", 2)
        assert not d.ended()


@pytest.mark.parametrize("lie", [
    "00", "09000000" + "00000000", open_request(0),
    "0d000000" + "00000000" + "00" * 17,
])
def test_nonsense_costs_the_auth_worker_its_life(lie, tmp_path):
    (tmp_path / "users").write_text("")
    with lying_engine(lie, f"--auth-file={tmp_path / 'users'}") as d:
        with d.client() as c:
            who = base64.b64encode(b"ada:x").decode()
            answer = c.handshake(headers=[("Authorization", "Basic " + who)])
            assert answer.status == 503
        d.wait_log("error auth worker lost")
        with d.client() as c:
            assert c.handshake().status == 401
        assert not d.ended()
    assert not d.logged("engine lost")


@pytest.mark.parametrize("lie", ["00", "09000000" + "00000000",
                                 open_request(0)])
def test_nonsense_costs_the_names_worker_its_life(lie):
    with lying_engine(lie, "--reverselookup",
                      "--trusted-proxy=127.0.0.1") as d:
        with d.client() as c:
            head = [("X-Forwarded-For", "192.0.2.7")]
            assert c.handshake(headers=head).status == 101
        d.wait_log("error names worker lost")
        assert not d.ended()
    assert not d.logged("engine lost")


def test_engine_that_disowns_a_living_command_takes_it_along():
    with lying_engine("done", command=["sleep", "1000"]) as d:
        d.wait_logs("error engine lost", 2)
        until(lambda: len(d.commands()) < 2, "the first command has ended")


def test_engine_that_asks_for_another_signal_is_lost():
    with lying_engine("signal", command=["sleep", "1000"]) as d:
        d.wait_logs("error engine lost .*reason=signal", 2)


def test_engine_signals_no_strangers():
    with lying_engine("strangers", status=1) as d:
        d.signal(signal.SIGTERM)  # the engine does not listen


def test_engine_that_reads_no_answers_costs_the_parent_nothing():
    with lying_engine("flood", command=["true"], status=1) as d:
        before = memory(d.pid), len(descriptors(d.pid))
        pause(2)
        assert memory(d.pid) < before[0] + ((16 if SANITIZED else 2) << 20)
        assert len(descriptors(d.pid)) < before[1] + 16


@contextlib.contextmanager
def one_of_two_lies(lie, *args):
    """A daemon with two engines, of which the first that is started lies: the
    other one, and each that follows, is ours."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(STANDPIPED, folder)
        shutil.copy(ENGINE, f"{folder}/ours")
        shutil.copy(handler("lying-engine"), f"{folder}/liar")
        Path(folder, "lie").write_text(lie)
        marks = Path(folder, "marks")
        marks.mkdir()
        marks.chmod(0o777)
        start = Path(folder, "standpiped-engine")
        start.write_text("#!/bin/sh\n"
                         f"if mkdir {marks}/first 2>/dev/null\n"
                         f"then exec {folder}/liar; fi\n"
                         f"exec {folder}/ours\n")
        start.chmod(0o755)
        d = Daemon("--engines=2", *FAST, *args)
        d.args[0] = f"{folder}/standpiped"
        with d:
            yield d
            d.signal(signal.SIGTERM)  # a liar that lives does not listen
            d.status = d.wait()
            assert d.status in (0, 1)


def served(d):
    """Whether one of some clients is: the liar keeps those that it is given."""
    clients = [d.client() for _ in range(8)]
    try:
        for c in clients:
            c.send(request_head())
        ready = select.select([c.sock for c in clients], [], [], PATIENCE)[0]
        for c in clients:
            if c.sock in ready:
                assert c.response().status == 101
                c.send_text("x")
                assert c.recv_text() == "x"
        return bool(ready)
    finally:
        for c in clients:
            c.reset()


@pytest.mark.parametrize("what", ["admit", "login", "kill"])
def test_fault_T7_engine_that_floods_starves_nobody(what):
    with one_of_two_lies(f"flood {what}", "--max-per-address=0",
                         "--rate=0") as d:
        assert served(d)
        before = memory(d.pid), len(descriptors(d.pid))
        for _ in range(10):
            assert served(d)
        assert SANITIZED or memory(d.pid) < before[0] + (8 << 20)
        assert len(descriptors(d.pid)) < before[1] + 32
