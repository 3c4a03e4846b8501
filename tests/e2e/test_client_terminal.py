"""The client at a terminal."""

import os
import queue
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import threading

import pytest

from daemon import Daemon
from proc import PATIENCE, SANITIZED, STANDPIPE, Mailbox
from server import V1, Server
from terminal import COLUMNS, EDITS, ROWS, Terminal

edits = pytest.mark.skipif(not EDITS, reason="built without libedit")

CTRL_C, CTRL_D, CTRL_R, CTRL_Z = "\x03", "\x04", "\x12", "\x1a"
UP, DOWN, LEFT, ESC = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b"

HOSTILE = (r"\033[2Jcolour \033[31m \033]0;title\007 \302\233 \033c",
           r"\x1b[2Jcolour \x1b[31m \x1b]0;title\x07 \u009b \x1bc")


@pytest.fixture(scope="module")
def echo():
    with Daemon() as d:
        yield d


@pytest.fixture
def box(tmp_path):
    """What is put into it is what the program says."""
    with Mailbox(tmp_path) as box:
        yield box


@pytest.fixture
def speaker(box):
    with Daemon(command=["cat", box.path]) as d:
        yield d


# ------------------------------------------------- what a terminal is shown


@pytest.fixture(params=["lines", "binary"])
def hostile(request):
    """Says what a terminal would obey, and ends."""
    with Daemon(f"--framing={request.param}",
                command=["printf", HOSTILE[0] + r"\n"]) as d:
        yield d


@pytest.mark.parametrize("stdin", [True, False])
def test_C9_what_is_received_moves_no_cursor(hostile, stdin):
    with Terminal(hostile.url, stdin=stdin) as t:
        t.shows_line(HOSTILE[1])
        t.ends()


def test_C9_another_character_set_than_UTF_8():
    """Where xterm takes the second byte of this letter for CSI."""
    with Daemon(command=["printf", r"\333\233\n"]) as d:
        with Terminal(d.url, stdin=False, locale="de_DE") as t:
            t.shows(r"\xdb\x9b")
            t.ends()


def test_C9_it_is_given_raw_to_whatever_is_no_terminal(hostile):
    with Terminal(hostile.url, stdout=subprocess.PIPE) as t:
        raw = t.process.stdout.read()
        assert raw.startswith(b"\x1b[2Jcolour \x1b[31m ")
        t.ends()


def test_C9_text_is_text(tmp_path):
    text = "ä€😀\tb"
    (tmp_path / "text").write_text(text + "\n", encoding="utf-8")
    with Daemon(command=["cat", tmp_path / "text"]) as d:
        with Terminal(d.url) as t:
            t.ends()
            assert text.encode() in t.raw


@edits
def test_C9_a_prompt_of_the_program_moves_no_cursor():
    with Daemon("--framing=text",
                command=["sh", "-c", r"printf '\033[31mname? '; read x"]) as d:
        with Terminal("--text", d.url) as t:
            t.shows(r"\x1b[31mname?")
            t.type("me\r")
            t.ends()


# ------------------------------------------------- typing


@edits
def test_a_line_is_typed_edited_and_sent(echo):
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type("hellö" + LEFT + "l\r")
        t.shows("> helllö", "helllö", ">")
        t.type(CTRL_D)
        assert t.ends() == 0
        assert t.lines() == ["> helllö", "helllö"]


@edits
def test_an_empty_line_is_an_empty_message(echo):
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type("\r")
        t.shows(">", "", ">")
        t.type("end\r")
        t.shows(">", "", "> end", "end", ">")


@edits
def test_keys_come_in_pieces(echo):
    """A begun sequence keeps nobody waiting, and is completed later."""
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type("ac" + ESC)
        t.shows("> ac")
        t.type("[")
        t.type("D")
        t.cursor_at(3, 0)
        t.type("ä".encode()[:1])
        t.type("ä".encode()[1:])
        t.shows("> aäc")


@edits
def test_a_NUL_is_no_key(echo):
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type("a\0b\x16\0c\r")
        t.until(lambda: t.lines()[-1:] == [">"] and len(t.lines()) > 2, "sent")


@edits
def test_an_escape_key_alone_stops_nothing(speaker, box):
    with Terminal(speaker.url) as t:
        t.shows(">")
        t.type("typed" + ESC)
        t.shows("> typed")
        box.put("received")
        t.shows("received", "> typed")


@edits
@pytest.mark.parametrize("typed", ["typed", "x" * 3 * COLUMNS, "中" * 40])
def test_received_lines_do_not_tear_what_is_typed(speaker, box, typed):
    with Terminal(speaker.url) as t:
        t.shows(">")
        t.type(typed)
        t.until(lambda: "".join(t.lines()).replace(" ", "") == ">" + typed,
                "typed")
        before, (x, y) = t.lines(), t.cursor()
        box.put("received")
        t.shows("received", *before)
        t.cursor_at(x, y + 1)
        t.type(LEFT * 12)
        box.put("again")
        t.shows("received", "again", *before)


@edits
def test_neither_do_complaints_of_the_program(box):
    complain = f"while read x; do echo $x >&2; done <{box.path}"
    with Daemon("--stderr=both", command=["sh", "-c", complain]) as d:
        with Terminal(d.url) as t:
            t.shows(">")
            t.type("typed")
            t.shows("> typed")
            box.put("complaint")
            t.shows("complaint", "> typed")


@edits
def test_nor_what_we_have_to_say():
    """The first connection is lost while somebody types."""
    first, lose = threading.Event(), threading.Event()

    def serve(session):
        if first.is_set():
            session.send_text("again")
        else:
            first.set()
            assert lose.wait(PATIENCE)
            session.sock.shutdown(socket.SHUT_RDWR)

    with Server(serve) as server, Terminal(
            "--reconnect", "--reconnect-min=50ms", server.url) as t:
        t.shows(">")
        t.type("typed")
        t.shows("> typed")
        lose.set()
        t.until(lambda: t.lines()[-2:] == ["again", "> typed"], "again")
        assert t.lines()[0].startswith("standpipe: 127.0.0.1: the connection")
        t.type("\r/close\r")
        assert t.ends() == 0


@edits
def test_a_program_asks_for_something():
    """What it says without a newline is the prompt."""
    ask = "printf 'name? '; read x; printf 'and? '; read y; echo $x $y"
    with Daemon(command=["sh", "-c", ask]) as d:
        with Terminal(d.url) as t:
            t.shows("name?")
            t.type("on")
            t.shows("name? on")
            t.type("e\r")
            t.shows("name? one", "and?")
            t.type("two\r")
            t.ends()
            assert t.lines() == ["name? one", "and? two", "one two"]


@edits
def test_typed_ahead(echo):
    with Terminal(echo.url) as t:
        t.type("one\rtwo\r")
        t.until(lambda: t.lines()[-2:] == ["two", ">"], "no answer")
        t.type(CTRL_D)
        assert t.ends() == 0


@edits
def test_pasted_lines(echo):
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type("one\rtwo\r" + CTRL_D)
        assert t.ends() == 0
        assert sorted(t.lines()) == ["> one", "> two", "one", "two"]


@pytest.mark.parametrize("editor", [pytest.param(True, marks=edits), False])
def test_what_has_no_newline_is_shown_at_once(tmp_path, editor):
    """With a prompt, and behind the end of the input."""
    program = STANDPIPE if editor else shutil.copy(STANDPIPE, tmp_path)
    say = f"printf begun; cat; printf {'x' * 2000}; printf more; sleep 1000"
    with Daemon(command=["sh", "-c", say]) as d:
        with Terminal(d.url, program=program) as t:
            t.shows("begun")
            t.type(CTRL_D)
            t.until(lambda: "".join(t.lines()).endswith("xmore"), "not shown")
            assert b"x" * 2000 + b"more" in t.raw


@edits
def test_a_terminal_that_can_do_nothing(echo):
    with Terminal(echo.url, term="dumb") as t:
        t.shows(">")
        t.type("hello\r")
        t.shows_line("hello")
        t.type(CTRL_D)
        assert t.ends() == 0


def test_no_prompt_where_nobody_reads(echo):
    with Terminal(echo.url, stdout=subprocess.PIPE) as t:
        t.type("typed\r")
        assert t.process.stdout.readline() == b"typed\n"
        assert t.modes() == t.before


def test_a_line_typed_without_an_editor(echo, tmp_path):
    alone = shutil.copy(STANDPIPE, tmp_path / "standpipe")
    with Terminal(echo.url, program=alone) as t:
        t.type("\rtyped\r")
        t.until(lambda: sorted(t.lines()) == ["", "", "typed", "typed"],
                "no answer")
        t.type("/close\r")
        assert t.ends() == 0


# ------------------------------------------------- recalling


@edits
def test_lines_are_recalled_in_the_next_session(echo, tmp_path):
    file = tmp_path / "state" / "standpipe" / "history"
    home = {"history": None, "XDG_STATE_HOME": str(tmp_path / "state")}
    for _ in 1, 2:
        with Terminal(echo.url, **home) as t:
            t.shows(">")
            t.type("one\rtwo\r secret\r")
            t.until(lambda: " secret" in t.lines() and t.cursor()[0] == 2,
                    "no answer")
            t.type(UP * 3)
            t.until(lambda: t.lines()[-1] == "> one", "not recalled")
            t.type(DOWN)
            t.until(lambda: t.lines()[-1] == "> two", "not recalled")
            t.type(CTRL_C)
            t.until(lambda: t.lines()[-2:] == ["> two^C", ">"], "not dropped")
            t.type(CTRL_D)
            t.ends()
    assert file.read_text() == "one\ntwo\none\ntwo\n"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    with Terminal(echo.url, **home) as t:
        t.shows(">")
        t.type("on" + CTRL_R)
        t.shows("> one")


@edits
def test_nothing_is_kept_without_a_home(echo):
    with Terminal(echo.url, history=None, HOME=None, XDG_STATE_HOME=None) as t:
        t.shows(">")
        t.type("one\r")
        t.shows("> one", "one", ">")


# ------------------------------------------------- commands


@edits
def test_ping_prints_its_time(echo):
    with Terminal(echo.url) as t:
        t.shows(">")
        for line in "/ping", "/ping text":
            t.type(line + "\r")
            t.until(lambda: re.search(rf"> {line}\|pong: time=\d+\.\d{{3}} ms"
                                      r"\|>$", "|".join(t.lines())), "no pong")


@edits
@pytest.mark.parametrize("typed, code, reason", [
    ("/close", 1000, ""), ("/close 3001 so long", 3001, "so long")])
def test_close(echo, typed, code, reason):
    mark = echo.mark()
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type(typed + "\r")
        assert t.ends() == 0
    echo.wait_log(f'close={code} reason="{reason}"', start=mark)


@edits
@pytest.mark.parametrize("typed, said", [
    ("/foo bar", "no command /foo"), ("/close 1005", "a close code is"),
    ("/help", "/ping [TEXT]")])
def test_what_is_no_command_is_not_sent(echo, typed, said):
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type(typed + "\r")
        t.shows_line(said)
        t.type("//text\r")
        t.shows_line("> //text")
        t.until(lambda: t.lines()[-2:] == ["/text", ">"], "not sent")


def test_commands_are_for_terminals_alone(echo):
    r = subprocess.run([STANDPIPE, "--count=1", echo.url],
                       input=b"/help\n", capture_output=True)
    assert r.stdout == b"/help\n"


@edits
def test_wrong_hex_is_not_sent():
    with Daemon("--framing=frames") as d, Terminal("--hex", d.url) as t:
        t.shows(">")
        t.type("616\r")
        t.shows("> 616", "an odd number of hexadecimal digits", ">")
        t.type("61 62\r")
        t.until(lambda: t.lines()[-3:] == ["> 61 62", "6162", ">"], "sent")


# ------------------------------------------------- signals, and the end


@edits
def test_the_first_CTRL_C_drops_what_is_typed(echo):
    with Terminal(echo.url) as t:
        t.shows(">")
        t.type("typed" + LEFT * 3)
        t.cursor_at(4, 0)
        t.type(CTRL_C)
        t.shows("> typed^C", ">")
        t.type("more\r")
        t.shows("> typed^C", "> more", "more", ">")
        t.type(CTRL_C)  # is for the program
        assert t.ends() == 128 + signal.SIGINT


@edits
def test_C7_stopped_and_continued(echo):
    job = 'set -m; "$@"; echo stopped; read x; fg'
    with Terminal("-c", job, "sh", STANDPIPE, echo.url, program="bash") as t:
        t.shows(">")
        t.type("typed")
        t.shows("> typed")
        theirs = t.modes()
        t.type(CTRL_Z)
        t.until(lambda: t.lines()[-1:] == ["stopped"], "not stopped")
        assert t.modes() == t.before
        t.type("\r")
        t.until(lambda: t.lines()[-1:] == ["> typed"], "not continued")
        assert t.modes() == theirs
        t.type("!\r")
        t.until(lambda: t.lines()[-2:] == ["typed!", ">"], "not sent")
        t.type(CTRL_D)
        assert t.ends() == 0


@edits
@pytest.mark.parametrize("sig", ["HUP", "INT", "QUIT", "TERM", "ABRT", "SEGV"])
def test_C7_a_signal_leaves_the_terminal_as_it_was(echo, sig):
    if SANITIZED and sig in ("ABRT", "SEGV"):
        pytest.skip("the sanitizer has a handler of its own")
    number = getattr(signal, f"SIG{sig}")
    with Terminal(echo.url) as t:
        t.shows(">")
        assert t.modes() != t.before
        t.signal(number)
        assert t.ends() in (-number, 128 + number)


def vanish(session):
    session.sock.shutdown(socket.SHUT_RDWR)


@edits
@pytest.mark.parametrize("serve, status", [
    (lambda s: s.close(1000), 0), (lambda s: s.close(1011, "broken"), 76),
    (vanish, 76)])
def test_C7_the_end_leaves_the_terminal_as_it_was(serve, status):
    def answer(session):
        session.recv()
        session.send_text("here")
        serve(session)

    with Server(answer) as server, Terminal(server.url) as t:
        t.shows(">")
        t.type("typed\r")
        assert t.ends() == status
        assert t.lines()[:2] == ["> typed", "here"]
        assert not any(line == ">" for line in t.lines())


@edits
def test_a_window_of_another_size(speaker, box):
    with Terminal(speaker.url) as t:
        t.shows(">")
        t.type("x" * 50)
        t.shows("> " + "x" * 50)
        t.resize(30, 16)
        t.screen.resize(16, 30)
        t.signal(signal.SIGWINCH)
        t.type(LEFT)
        box.put("received")
        t.shows_line("received")
        t.type("y\r/close\r")
        assert t.ends() == 0


@edits
def test_the_program_is_told_the_size_of_the_window():
    sizes = queue.Queue()

    def listen(session):
        session.send_binary(b"\x01data bytes\n")
        while session.peer_close is None:
            opcode, data = session.recv()
            if data[:1] == b"\x07":
                sizes.put(struct.unpack(">HH", data[1:]))

    with Server(listen, fields=V1) as server, Terminal(server.url) as t:
        t.shows(">")
        assert sizes.get(timeout=PATIENCE) == (COLUMNS, ROWS)
        t.resize(100, 30)
        t.signal(signal.SIGWINCH)
        assert sizes.get(timeout=PATIENCE) == (100, 30)
        t.type("/close\r")
        assert t.ends() == 0
