"""When a session with a command ends, and with what code (rules 3 and 4)."""

import os
import signal
from pathlib import Path

import pytest

from daemon import Daemon
from proc import Process, handler, pause, until
from wire import BINARY, TEXT, frame

def cpu_seconds(pid):
    """What a process has used so far."""
    text = Path(f"/proc/{pid}/stat").read_text()
    user, system = text[text.rindex(")") + 2:].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


FAST = "--kill=EOF:50ms,TERM:50ms,KILL", "--linger=50ms"


# ------------------------------------------------ the last output arrives


@pytest.mark.parametrize("framing, text, want", [
    ("lines", "first\\nlast line", [(TEXT, b"first"), (TEXT, b"last line")]),
    ("lines", "only", [(TEXT, b"only")]),
    ("lines", "\\n", [(TEXT, b"")]),
    ("lines", "a\\n\\n", [(TEXT, b"a"), (TEXT, b"")]),
    ("lines", "a\\r", [(TEXT, b"a\r")]),
    ("nul", "a\\0b", [(TEXT, b"a"), (TEXT, b"b")]),
    ("nul", "a\\0\\0", [(TEXT, b"a"), (TEXT, b"")]),
    ("binary", "tail", [(BINARY, b"tail")]),
    ("text", "tail", [(TEXT, b"tail")]),
    ("lines", "", []),
    ("binary", "", []),
    ("text", "", []),
    ("nul", "", []),
])
def test_P1_rule7_unterminated_last_record_is_delivered(framing, text, want):
    with Daemon(f"--framing={framing}", command=["printf", text]) as d:
        with d.session() as c:
            assert c.messages() == (want, 1000, "")
            c.finish(1000)


def test_P1_unterminated_last_line_of_stderr_is_logged():
    with Daemon(command=["sh", "-c", "printf 'one\\ntwo' >&2"]) as d:
        with d.session() as c:
            assert c.recv_close() == (1000, "")
            c.finish(1000)
        d.wait_log(r"stderr .*text=one$")
        d.wait_log(r"stderr .*text=two$")


def test_P5_rule3_output_before_the_exit_is_drained():
    with Daemon("--framing=binary", command=[
            "sh", "-c", "seq 1 200000; exit 3"]) as d:
        for _ in range(3):
            with d.session() as c:
                data, code, reason = c.stream()
                assert (code, reason) == (4003, "exit status 3")
                assert data == b"".join(b"%d\n" % i for i in range(1, 200001))
                c.finish(code)


def test_P5_a_slow_reader_gets_all_output_of_a_dead_command():
    size = 1 << 20
    with Daemon("--framing=binary", "--linger=50ms", command=[
            "head", "-c", size, "/dev/zero"]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            pause(0.3)  # nobody reads; the linger must not cut it short
            data, code, _ = c.stream()
            assert (len(data), code) == (size, 1000)
            c.finish(code)


def test_rule7_without_a_linger_nothing_is_lost_either():
    size = 1 << 20
    with Daemon("--framing=binary", "--linger=0", command=[
            "head", "-c", size, "/dev/zero"]) as d:
        for _ in range(20):
            with d.client(receive_buffer=4096) as c:
                assert c.handshake().status == 101
                data, code, _ = c.stream()
                assert (len(data), code) == (size, 1000)
                c.finish(code)


def test_without_a_linger_a_stalled_client_costs_nothing():
    fill = ("import os, select\n"
            "os.set_blocking(1, False)\n"
            "while select.select([], [1], [], 0.2)[1]:\n"
            "    os.write(1, bytes(4096))\n")
    with Daemon("--framing=binary", "--linger=0", "--engines=1", command=[
            "python3", "-c", fill]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            (engine,) = d.engines()
            d.no_commands()
            before = cpu_seconds(engine)
            pause(1)
            assert cpu_seconds(engine) - before < 0.2


# ------------------------------------------------- both are needed to end


def test_rule3_input_keeps_its_framing_when_stdout_has_closed(mailbox):
    line = ("printf last; exec >&-; "
            f"while read -r x; do echo \"got $x\" >{mailbox.path}; done")
    with Daemon(*FAST, command=["sh", "-c", line]) as d:
        with d.session() as c:
            assert c.recv_text() == "last"  # without an end of line
            for text in "one", "two":
                c.send_text(text)
                assert mailbox.line() == f"got {text}"
            c.bye()


def test_P3_rule3_closed_stdout_is_not_the_end(mailbox):
    with Daemon(*FAST, command=[handler("close-stdout"), mailbox.path]) as d:
        with d.session() as c:
            assert c.recv_text() == "ready"
            assert mailbox.line() == "closed"
            c.silent(0.4)  # no signal, no Close: it is left to work
            c.send_text("more")
            assert mailbox.line() == "got more"
            assert c.recv_close() == (4007, "exit status 7")
            c.finish(4007)


def test_rule3_closed_stdin_is_not_the_end(mailbox):
    with Daemon(*FAST, command=[handler("close-stdin"), mailbox.path]) as d:
        with d.session() as c:
            assert c.recv_text() == "closed"
            c.send_text("nobody reads this")
            c.silent(0.3)
            mailbox.put("done")
            assert c.recv_text() == "done"
            assert c.recv_close() == (1000, "")
            c.finish(1000)


def test_P4_rule3_grandchild_that_holds_the_pipe_is_waited_for_shortly():
    with Daemon("--linger=200ms", command=[handler("grandchild"), "5"]) as d:
        with d.session() as c, Process(c.recv_text()) as grandchild:
            c.silent(0.1)  # the linger
            assert c.recv_close() == (4005, "exit status 5")
            c.finish(4005)
            grandchild.wait()
        d.no_commands()


def test_rule3_linger_counts_from_the_last_byte():
    loop = "(for i in 1 2 3 4 5 6; do sleep 0.1; echo $i; done) & exit 0"
    with Daemon("--linger=400ms", command=["sh", "-c", loop]) as d:
        with d.session() as c:
            texts, code, _ = c.texts()
            assert texts == ["1", "2", "3", "4", "5", "6"]
            assert code == 1000
            c.finish(1000)


def test_rule3_default_linger_is_a_second():
    with Daemon(command=[handler("grandchild")]) as d:
        with d.session() as c, Process(c.recv_text()) as grandchild:
            c.silent(0.6)
            assert c.recv_close()[0] == 1000
            c.finish(1000)
            grandchild.wait()


def test_rule5_what_is_left_of_a_group_gets_term_then_kill():
    # TERM is ignored by the grandchild: 1 s later comes KILL.
    line = "trap '' TERM; sleep 1000 & echo $!; exit 0"
    with Daemon("--linger=50ms", command=["sh", "-c", line]) as d:
        with d.session() as c, Process(c.recv_text()) as grandchild:
            assert c.recv_close()[0] == 1000
            c.finish(1000)
            assert grandchild.lives_for(0.5)
            grandchild.wait()
        d.no_commands()


def test_rule5_who_calls_setsid_survives(mailbox):
    with Daemon(*FAST, command=[
            handler("orphan"), mailbox.path], leftovers=True) as d:
        with d.session() as c:
            orphan = Process(c.recv_text())
            c.reset()
        with orphan:
            d.session_end()
            assert orphan.lives_for(0.3)
            mailbox.put("end")
            orphan.wait()


def test_P11_orphans_that_fall_to_us_are_reaped(mailbox):
    with Daemon(*FAST, command=[
            handler("orphan"), mailbox.path], leftovers=True) as d:
        with d.session() as c:
            orphan = Process(c.recv_text())
            c.reset()
        with orphan:
            d.session_end()
            mailbox.put("end")
            orphan.wait()
            until(lambda: not os.path.exists(f"/proc/{orphan.pid}"),
                  "the orphan's zombie is reaped")


def test_P23_end_of_input_reaches_a_command_while_others_live(mailbox):
    with Daemon(command=[handler("tell-end"), mailbox.path]) as d:
        with d.session() as first, d.session() as second, d.session():
            first.send_text("1")
            first.send_close(1000)
            assert mailbox.line() == b"1\n".hex()
            assert first.recv_close() == (1000, "")
            second.send_text("2")
            second.send_close(1000)
            assert mailbox.line() == b"2\n".hex()


def test_exit_before_reading_anything():
    with Daemon(command=["true"]) as d:
        for _ in range(20):
            with d.session(behind=b"") as c:
                assert c.recv_close() == (1000, "")
                c.finish(1000)


def test_exit_while_input_is_under_way():
    with Daemon("--framing=binary", command=["head", "-c", "10"]) as d:
        with d.session() as c:
            for _ in range(40):
                c.send_binary(bytes(8192))
            assert c.recv_binary() == bytes(10)
            assert c.recv_close() == (1000, "")
            c.finish(1000)


# -------------------------------------------------------------- the code


@pytest.mark.parametrize("line, code, reason", [
    ("exit 0", 1000, ""),
    ("exit 1", 4001, "exit status 1"),
    ("exit 3", 4003, "exit status 3"),
    ("exit 127", 4127, "exit status 127"),
    ("exit 255", 4255, "exit status 255"),
    ("kill -SEGV $$", 4139, "killed by SIGSEGV"),
    ("kill -KILL $$", 4137, "killed by SIGKILL"),
    ("kill -TERM $$", 4143, "killed by SIGTERM"),
    ("kill -PIPE $$", 4141, "killed by SIGPIPE"),
    ("exit 139", 4139, "exit status 139"),
])
def test_rule4_exit_status_becomes_the_close_code(line, code, reason):
    with Daemon(command=["sh", "-c", f"echo x; {line}"]) as d:
        with d.session() as c:
            assert c.recv_text() == "x"
            assert c.recv_close() == (code, reason)
            c.finish(code)
        assert d.session_end()["exit"] == (
            reason.split()[-1] if reason else "0")


def test_F2_rule4_close_then_the_peers_close_then_tcp():
    with Daemon("--close-timeout=10s", command=["true"]) as d:
        with d.session() as c:
            assert c.recv_close() == (1000, "")
            c.silent(0.3)  # TCP stays until our Close is there
            c.finish(1000)


def test_F2_rule4_close_timeout_counts_from_the_last_byte_taken():
    with Daemon("--binary", "--close-timeout=300ms", command=[
            "head", "-c", "1000000", "/dev/zero"]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            d.no_commands()  # the end was said, the client has taken little
            got = 0
            while got < 1000000:
                got += len(c.recv_message()[1])
            assert c.recv_close()[0] == 1000
            d.session_end()  # it is not answered


def test_F2_rule4_close_timeout_when_the_peer_does_not_answer():
    with Daemon("--close-timeout=300ms", command=["true"]) as d:
        with d.session() as c:
            assert c.recv_close() == (1000, "")
            c.silent(0.15)
            assert c.ending(2) == "eof"


def test_F6_rule4_last_data_survives_unread_input():
    # The command never reads what the client sent; closing a socket with
    # unread input would send a reset that destroys the answer.
    size = 1 << 20
    with Daemon("--framing=binary", command=[
            "head", "-c", size, "/dev/zero"]) as d:
        for _ in range(5):
            with d.session() as c:
                c.send(frame(bytes(1000), BINARY) * 300)
                data, code, _ = c.stream()
                assert (len(data), code) == (size, 1000)
                c.finish(1000)


def test_F6_data_that_keeps_coming_after_our_close():
    with Daemon("--framing=binary", "--close-timeout=500ms", command=[
            "printf", "bye"]) as d:
        with d.session() as c:
            for _ in range(20):
                c.send_binary(bytes(20000))
            assert c.recv_binary() == b"bye"
            assert c.recv_close()[0] == 1000
            for _ in range(20):
                c.send_binary(bytes(20000))
            c.send_close(1000)
            assert c.ending() == "eof"


# ------------------------------------------------- a client that vanishes


@pytest.mark.parametrize("how", ["reset", "close", "shut"])
def test_rule5_lost_client_means_end_of_input(how, mailbox):
    with Daemon("--kill=EOF:1m,KILL", command=[handler("tell-end"),
                                               mailbox.path]) as d:
        with d.session() as c:
            c.send_text("ä")
            c.send_ping()  # so that the text has been read before the reset
            c.recv_pong()
            getattr(c, how)()
            assert mailbox.line() == "ä\n".encode().hex()
        end = d.session_end()
        assert end["close"] == "1006", end


def test_fin_is_noted_and_what_came_before_it_is_delivered(mailbox):
    with Daemon(command=[handler("tell-end"), mailbox.path]) as d:
        with d.session() as c:
            for i in range(1000):
                c.send_text(f"{i}")
            c.shut()
            want = b"".join(b"%d\n" % i for i in range(1000))
            assert mailbox.line() == want.hex()


def test_session_line_tells_everything():
    with Daemon(command=["sh", "-c", "read a; read b; echo abc; exit 3"]) as d:
        with d.session("/some/path?secret=1") as c:
            host, port = c.sock.getsockname()
            c.send_text("one")
            c.send_binary("three")
            assert c.recv_text() == "abc"
            assert c.recv_close()[0] == 4003
            c.finish(4003)
        end = d.session_end()
    assert end["peer"] == f"{host}:{port}"
    assert end["path"] == "/some/path"
    assert (end["in_messages"], end["in_bytes"]) == ("2", "8")
    assert (end["out_messages"], end["out_bytes"]) == ("1", "3")
    assert (end["close"], end["exit"]) == ("4003", "3")
    assert end["reason"] == "exit status 3"
    assert int(end["pid"]) > 1 and int(end["session"]) >= 1
    whole, _, part = end["duration"].partition(".")
    assert whole.isdigit() and len(part) == 3
    assert "secret" not in "\n".join(d.lines)


def test_signal_is_named_in_the_session_line():
    with Daemon(command=["sh", "-c", "kill -TERM $$"]) as d:
        with d.session() as c:
            assert c.recv_close()[0] == 4143
            c.finish()
        assert d.session_end()["exit"] == "SIGTERM"


def test_S5_hangup_seen_before_reading_was_paused():
    data = frame(bytes(1000), BINARY) * 100
    with Daemon("--engines=1", "--ping=0", "--kill=TERM:50ms,KILL",
                command=["sleep", "1000"]) as d:
        engine, = d.engines()
        with d.session() as c:
            os.kill(engine, signal.SIGSTOP)
            assert c.send_some(data) == len(data)
            c.shut()
            os.kill(engine, signal.SIGCONT)
            assert c.ending(30) in ("eof", "reset")
        d.no_commands()


def test_S5_reset_that_comes_together_with_data():
    with Daemon("--engines=1", "--ping=0", "--kill=TERM:50ms,KILL",
                command=["sleep", "1000"]) as d:
        engine, = d.engines()
        with d.session() as c:
            os.kill(engine, signal.SIGSTOP)
            c.send_text("x")
            c.reset()
            os.kill(engine, signal.SIGCONT)
            d.no_commands(3)
