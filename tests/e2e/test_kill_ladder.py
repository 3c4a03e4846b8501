"""The kill ladder (rule 5): when it starts, whom it reaches, how it ends."""

import os
import signal
from pathlib import Path

import pytest

from daemon import Daemon
from proc import (Process, descriptors, group_members, handler, now, stat,
                  status_field, until)
from wire import request_head


def told(mailbox):
    what, when = mailbox.line().split()
    return what, float(when)


def test_P7_rule5_ladder_is_what_was_asked_for(mailbox):
    ladder = "EOF:300ms,HUP:50ms,INT:300ms,USR1:50ms,TERM:100ms,KILL"
    with Daemon(f"--kill={ladder}", command=[
            handler("tell-signals"), mailbox.path]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            c.send_close(1000)
            seen = [told(mailbox) for _ in range(5)]
            command.wait()
        assert [what for what, _ in seen] == [
            "EOF", "HUP", "INT", "USR1", "TERM"]
        gaps = [b[1] - a[1] for a, b in zip(seen, seen[1:])]
        for gap, least in zip(gaps, [0.3, 0.05, 0.3, 0.05]):
            assert gap > least - 0.03, gaps
        assert d.session_end()["exit"] == "SIGKILL"


def test_P7_default_ladder_leaves_two_seconds(mailbox):
    with Daemon(command=[handler("tell-signals"), mailbox.path, "TERM"]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            c.send_close(1000)
            start = told(mailbox)
            then = told(mailbox)
            assert (start[0], then[0]) == ("EOF", "TERM")
            assert then[1] - start[1] > 1.9
            command.wait()
            assert c.recv_close()[0] == 1000


def test_P7_ladder_stops_where_the_command_obeys(mailbox):
    with Daemon("--kill=EOF:50ms,INT:5s,KILL", command=[
            handler("tell-signals"), mailbox.path, "INT"]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            c.send_close(1000)
            assert [told(mailbox)[0] for _ in range(2)] == ["EOF", "INT"]
            command.wait(3)
        assert d.session_end()["exit"] == "0"


def test_P7_rule5_none_signals_nobody(mailbox):
    with Daemon("--kill=none", "--close-drain=50ms", command=[
            handler("tell-signals"), mailbox.path], leftovers=True) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            c.send_close(1000)
            assert told(mailbox)[0] == "EOF"
            assert c.recv_close()[0] == 1000
            assert c.ending() == "eof"
            mailbox.silent(0.4)
            assert command.alive()


def test_P9_none_lets_commands_outlive_the_daemon():
    with Daemon("--engines=1", "--kill=none", command=[
            handler("ignore-term")], leftovers=True) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            d.signal(signal.SIGTERM)
            assert c.recv_close()[0] == 1001
            c.finish(1001)
            assert d.wait(3) == 0
            assert command.alive()


def test_P9_none_waits_for_no_command_whose_client_left_early():
    with Daemon("--engines=1", "--kill=none", command=["sleep", "1000"],
                leftovers=True) as d:
        engine, = d.engines()
        before = len(descriptors(engine))
        d.signal(signal.SIGSTOP)
        with d.client() as c:
            c.send(request_head())
            assert d.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").status
            c.reset()  # the engine was busy with both, one after the other
            until(lambda: len(descriptors(engine)) == before, "it has left")
        d.signal(signal.SIGCONT)
        until(d.commands, "the command runs")
        d.signal(signal.SIGTERM)
        assert d.wait(3) == 0


def test_P8_leader_that_left_its_group_gets_the_ladder():
    with Daemon("--maxforks=1", "--kill=EOF:50ms,TERM:50ms,KILL",
                command=[handler("leave-group")]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            c.reset()
            command.wait(3)
        d.no_commands()
        with d.session() as c, Process(c.recv_text()) as command:
            d.signal(signal.SIGTERM)
            command.wait(3)
            assert d.wait(3) == 0


def test_rule5_ladder_may_begin_with_a_signal(mailbox):
    with Daemon("--kill=TERM:5s,KILL", command=[
            handler("tell-signals"), mailbox.path, "TERM"]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            c.reset()
            command.wait(3)
            seen = told(mailbox)[0]
            if seen == "EOF":  # which may come before, or too late
                seen = told(mailbox)[0]
            assert seen == "TERM"


def test_rule5_end_of_output_alone_starts_no_ladder(mailbox):
    with Daemon("--kill=EOF:50ms,TERM:50ms,KILL", "--linger=50ms", command=[
            "sh", "-c", 'exec >&-; read -r line <"$0"; exit 9',
            mailbox.path]) as d:
        with d.session() as c:
            c.silent(0.4)
            mailbox.put("go")
            assert c.recv_close() == (4009, "exit status 9")
            c.finish(4009)


@pytest.mark.parametrize("how", ["close", "reset", "send_close"])
def test_P6_rule5_group_is_signalled(how):
    with Daemon("--kill=EOF:50ms,TERM:2s,KILL",
                command=[handler("family")]) as d:
        with d.session() as c:
            family = [Process(c.recv_text()) for _ in range(3)]
            assert len({os.getpgid(one.pid) for one in family}) == 1
            getattr(c, how)()
            for one in family:
                one.wait()
        d.no_commands()


def test_P6_kill_reaches_the_group(script):
    stubborn = script("#!/bin/sh\ntrap '' TERM\n"
                      "sh -c 'echo $$; while :; do sleep 1000; done' &\n"
                      "echo $$\nwhile :; do sleep 1000; done\n")
    with Daemon("--kill=EOF:50ms,TERM:50ms,KILL", command=[stubborn]) as d:
        with d.session() as c:
            both = [Process(c.recv_text()) for _ in range(2)]
            group = os.getpgid(both[0].pid)
            c.close()
            for one in both:
                one.wait()
            until(lambda: not group_members(group), "the group is empty")
        assert d.session_end()["exit"] == "SIGKILL"


def test_P6_leader_that_obeys_does_not_save_its_family(script):
    leader = script("#!/bin/sh\nsh -c 'trap \"\" TERM; echo $$; "
                    "while :; do sleep 1000; done' </dev/null &\n"
                    "cat >/dev/null\n")
    with Daemon("--kill=EOF:50ms,TERM:50ms,KILL", "--linger=50ms",
                command=[leader]) as d:
        with d.session() as c, Process(c.recv_text()) as stubborn:
            c.send_close(1000)
            stubborn.wait()
        d.no_commands()


def doomed(pid):
    """Whether SIGKILL has come, though the process has not got to die yet."""
    PF_EXITING, PF_SIGNALED = 0x4, 0x400
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        flags = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
                    .split()[6])
    except (FileNotFoundError, ProcessLookupError):
        return True
    pending = int(status_field(status, "SigPnd"), 16)
    return bool(pending & 1 << signal.SIGKILL - 1 or
                flags & (PF_EXITING | PF_SIGNALED))


def test_P12_dead_leader_pins_the_number_of_its_group(script):
    # Between the leader's end and the last signal nobody may get its number.
    leader = script("#!/bin/sh\ntrap '' TERM\nsleep 1000 &\n"
                    "echo $$\necho $!\nread -r line\nexit 0\n")
    with Daemon("--kill=EOF:300ms,TERM:300ms,KILL", "--linger=300ms",
                command=[leader]) as d:
        with d.session() as c:
            leader, member = Process(c.recv_text()), Process(c.recv_text())
            c.send_text("end")
            with leader, member:
                leader.wait()
                st = stat(leader.pid)
                while member.lives_for(0.02) and not doomed(member.pid):
                    assert st is not None and st[2] == "Z", st
                    st = stat(leader.pid)
            until(lambda: stat(leader.pid) is None, "the leader is reaped")


def test_P8_slot_is_free_when_the_command_is_reaped_and_not_before():
    with Daemon("--maxforks=1", "--kill=EOF:1h,KILL",
                command=[handler("ignore-term")]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            c.send_close(1000)
            with d.client() as second:
                assert second.handshake().status == 503
            assert command.alive()
            os.killpg(command.pid, signal.SIGKILL)
            command.wait()
        d.session_end()
        d.no_commands()
        with d.session() as third, Process(third.recv_text()) as other:
            assert other.pid != command.pid
            os.killpg(other.pid, signal.SIGKILL)


def test_P8_command_that_ignores_everything_is_killed():
    with Daemon("--kill=EOF:50ms,TERM:50ms,KILL",
                command=[handler("ignore-term")]) as d:
        with d.session() as c, Process(c.recv_text()) as command:
            start = now()
            c.close()
            command.wait()
            assert now() - start > 0.09
        assert d.session_end()["exit"] == "SIGKILL"


def test_P10_five_hundred_commands_that_die_together_leave_no_zombie():
    count = 500
    with Daemon("--maxforks=1000", "--max-connections=2000",
                "--kill=EOF:1s,TERM:2s,KILL", "--engines=2") as d:
        clients = [d.session() for _ in range(count)]
        assert len(d.commands()) == count
        before = d.mark()
        for c in clients:
            c.close()
        d.wait_logs("session ends", count, start=before)
        d.no_commands()
        with d.session() as c:
            c.send_text("still here")
            assert c.recv_text() == "still here"


def test_P21_ends_in_every_order_harm_nobody():
    # The command ends at about the time the client does, one way or another.
    with Daemon("--engines=2", "--kill=EOF:20ms,TERM:20ms,KILL",
                "--linger=20ms", command=["head", "-n", "1"]) as d:
        engines = d.engines()
        for i in range(120):
            c = d.session()
            if i % 3 == 0:
                c.send_text("x" * (i % 7 * 100))
            if i % 5 == 1:
                c.send_close(1000)
            if i % 7 == 2:
                c.shut()
            if i % 2:
                c.reset()
            else:
                c.close()
        d.wait_logs("session ends", 120)
        d.no_commands()
        assert d.engines() == engines


def test_P21_client_leaves_between_request_and_101():
    with Daemon("--kill=EOF:20ms,TERM:20ms,KILL") as d:
        engines = d.engines()
        for i in range(60):
            c = d.client()
            c.send(request_head())
            if i % 2:
                c.reset()
            else:
                c.close()
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
        d.no_commands()
        assert d.engines() == engines
