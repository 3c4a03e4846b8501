"""standpipe.v1, spoken to the daemon byte by byte (standpipe-protocol(7))."""

import struct

import pytest

from daemon import Daemon, run
from wire import BINARY, CONTINUATION, TEXT, Closed

(HELLO, BYTES, V1_TEXT, V1_BINARY, STDERR, END, WINDOW, SIGNAL, EXIT,
 ACK) = range(1, 11)
OFFER = [("Standpipe-Protocol", "v1")]
PAGES_OFFER = [("Sec-WebSocket-Protocol", "standpipe.v1")]


class Speaker:
    """One session in standpipe.v1; HELLO has been read."""

    def __init__(self, d, offer=OFFER, **kw):
        self.c = d.client(**kw)
        self.answer = self.c.handshake(headers=offer)
        assert self.answer.status == 101
        assert self.answer.get("Standpipe-Protocol") == "v1-agreed"
        kind, text = self.recv()
        assert kind == HELLO
        self.hello = [tuple(line.split(" ", 1))
                      for line in text.decode().splitlines()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.c.close()

    def send(self, kind, data=b""):
        self.c.send_binary(bytes([kind]) + data)

    def recv(self):
        opcode, message = self.c.recv_message()
        assert opcode == BINARY and message
        return message[0], message[1:]

    def until_close(self):
        """All messages up to the Close, and the Close; answers it."""
        got = []
        try:
            while True:
                got.append(self.recv())
        except Closed as e:
            close = e.code, e.reason
        self.c.send_close(close[0])
        return got, close


def stream(got, kind=BYTES):
    return b"".join(data for k, data in got if k == kind)


def status(got):
    return [data for kind, data in got if kind == EXIT]


def speak(d, *messages, **kw):
    with Speaker(d, **kw) as s:
        for kind, data in messages:
            s.send(kind, data)
        return s.until_close()


# ----------------------------------------------------------------- data


@pytest.mark.parametrize("framing", ["lines", "binary", "text", "nul"])
def test_bytes_pass_as_they_are(framing):
    data = b"a\r\n\0b\n\xff\xfe last"
    with Daemon(f"--framing={framing}") as d:
        got, close = speak(d, (BYTES, data[:3]), (BYTES, b""),
                           (BYTES, data[3:]), (END, b""))
    assert stream(got) == data
    assert {kind for kind, _ in got} <= {BYTES, EXIT}
    assert status(got) == [b"\0"] and close[0] == 1000


@pytest.mark.parametrize("framing, data", [("lines", "bytes"),
                                           ("frames", "messages")])
def test_hello_says_what_data_is(framing, data):
    with Daemon(f"--framing={framing}") as d, Speaker(d) as s:
        assert ("data", data) in s.hello
        s.send(END)
        s.until_close()


def test_end_of_input_is_no_end_of_the_session():
    with Daemon(command=["sh", "-c", "sort; sleep 0.2; echo late"]) as d:
        got, close = speak(d, (BYTES, b"b\na\n"), (END, b""))
    assert stream(got) == b"a\nb\nlate\n" and close[0] == 1000


def test_the_end_of_output_is_no_end_of_the_session():
    with Daemon(command=["sh", "-c", "echo said; exec >&-; read x"]) as d, \
            Speaker(d) as s:
        assert s.recv() == (BYTES, b"said\n")
        assert s.recv() == (END, b"")
        s.send(BYTES, b"heard\n")
        got, close = s.until_close()
    assert got == [(EXIT, b"\0")] and close[0] == 1000


def test_messages_are_framed_as_the_route_says():
    with Daemon() as d:
        got, _ = speak(d, (V1_TEXT, b"a"), (V1_BINARY, b"b\nc"), (BYTES, b"d"),
                       (END, b""))
    assert stream(got) == b"a\nb\nc\nd"


def test_messages_come_back_as_messages_under_frames():
    with Daemon("--framing=frames") as d:
        got, close = speak(d, (V1_TEXT, "ü".encode()), (V1_BINARY, b"\xff"),
                           (BYTES, b"x"), (V1_TEXT, b""), (END, b""))
    assert got == [(V1_TEXT, "ü".encode()), (V1_BINARY, b"\xff"),
                   (V1_BINARY, b"x"), (V1_TEXT, b""), (EXIT, b"\0")]
    assert close[0] == 1000


def test_a_message_may_come_in_fragments():
    with Daemon() as d, Speaker(d) as s:
        s.c.send_frame(b"", BINARY, fin=False)
        s.c.send_frame(bytes([BYTES]), CONTINUATION, fin=False)
        s.c.send_frame(b"ab", CONTINUATION, fin=False)
        s.c.send_frame(b"c\n", CONTINUATION)
        s.c.send_frame(bytes([END]), BINARY)
        assert stream(s.until_close()[0]) == b"abc\n"


# ------------------------------------------------------------ the program


@pytest.mark.parametrize("how, said, code", [
    ("exit 0", b"\0", 1000), ("exit 3", b"\3", 4003),
    ("kill -SEGV $$", b"\x8bSEGV", 4139)])
def test_exit_status(how, said, code):
    with Daemon(command=["sh", "-c", how]) as d:
        got, close = speak(d)
    assert got == [(EXIT, said)] and close[0] == code


@pytest.mark.parametrize("option", ["client", "both", "json"])
def test_standard_error_apart(option):
    with Daemon(f"--stderr={option}",
                command=["sh", "-c", r"echo out; printf 'e\377\nf' >&2"]) as d:
        with Speaker(d) as s:
            assert ("stderr", "yes") in s.hello
            got, _ = s.until_close()
    assert stream(got) == b"out\n"
    assert stream(got, STDERR) == b"e\xff\nf\n"


@pytest.mark.parametrize("framing", ["binary", "frames"])
def test_standard_error_where_others_have_no_place_for_it(framing):
    with Daemon(f"--framing={framing}", "--stderr=client",
                command=["sh", "-c", "echo err >&2"]) as d:
        assert stream(speak(d)[0], STDERR) == b"err\n"
        assert not d.logged("text=err")
        with d.session() as c:
            c.bye()
        d.wait_log("stderr .*text=err")


def test_a_long_line_of_standard_error():
    with Daemon("--stderr=client", command=[
            "sh", "-c", "printf '%4000d\\n' 1 >&2"]) as d:
        assert stream(speak(d)[0], STDERR) == b" " * 3999 + b"1\n"
        with d.session() as c:
            assert c.recv_text() == " " * 3999 + "1"
            c.bye()


def test_standard_error_is_the_logs_by_default():
    with Daemon(command=["sh", "-c", "echo err >&2"]) as d:
        with Speaker(d) as s:
            assert "stderr" not in dict(s.hello)
            assert [kind for kind, _ in s.until_close()[0]] == [EXIT]


# --------------------------------------------------------------- signals

TRAPS = ["sh", "-c", "trap 'echo int; exit 7' INT; trap 'echo usr1' USR1; "
         "echo ready; while :; do sleep 0.05; done"]


def test_signals_reach_the_program():
    with Daemon(command=TRAPS) as d, Speaker(d) as s:
        assert [v for n, v in s.hello if n == "signal"] == ["INT", "TERM"]
        assert s.recv() == (BYTES, b"ready\n")
        s.send(SIGNAL, b"INT")
        got, close = s.until_close()
        assert stream(got) == b"int\n" and close[0] == 4007


def test_a_signal_that_is_not_allowed_does_nothing():
    with Daemon(command=TRAPS) as d, Speaker(d) as s:
        assert s.recv() == (BYTES, b"ready\n")
        for name in b"USR1", b"KILL", b"NONE":
            s.send(SIGNAL, name)
        s.send(SIGNAL, b"INT")
        assert stream(s.until_close()[0]) == b"int\n"


def test_client_signals_names_others():
    with Daemon("--client-signals=USR1", command=TRAPS) as d, Speaker(d) as s:
        assert [v for n, v in s.hello if n == "signal"] == ["USR1"]
        assert s.recv() == (BYTES, b"ready\n")
        s.send(SIGNAL, b"INT")
        s.send(SIGNAL, b"USR1")
        assert s.recv() == (BYTES, b"usr1\n")
        s.c.send_close(1000)


def test_client_signals_none():
    with Daemon("--client-signals=none", command=["cat"]) as d:
        with Speaker(d) as s:
            assert "signal" not in dict(s.hello)
            s.send(SIGNAL, b"TERM")
            s.send(BYTES, b"alive")
            assert s.recv() == (BYTES, b"alive")
            s.c.send_close(1000)


def test_client_signals_none_is_alone():
    done = run("--client-signals=none,INT", "cat")
    assert done.returncode == 2
    assert b"exclude each other" in done.stderr
    done = run("--client-signals=NOSUCH", "cat")
    assert done.returncode == 2
    assert b"neither names of signals nor none" in done.stderr


# ---------------------------------------------------------------- the rest


def test_what_nobody_knows_is_skipped():
    with Daemon() as d:
        got, close = speak(d, (99, b"x" * 100000), (200, b""),
                           (WINDOW, struct.pack(">HH", 80, 24)),
                           (ACK, struct.pack(">Q", 0)), (HELLO, b"hi"),
                           (BYTES, b"x"), (END, b""))
    assert stream(got) == b"x" and close[0] == 1000


@pytest.mark.parametrize("message, code", [
    (b"", 1002), (b"\0", 1002), (bytes([WINDOW, 0]), 1002),
    (bytes([SIGNAL]), 1002), (bytes([SIGNAL]) + b"int", 1002),
    (bytes([SIGNAL]) + b"X" * 17, 1002), (bytes([ACK, 1]), 1002),
    (bytes([HELLO]) + b"x" * 4097, 1002)],
    ids=["empty", "type-0", "window", "signal", "small", "long", "ack",
         "hello"])
def test_malformed_messages_end_the_session(message, code):
    with Daemon() as d, Speaker(d) as s:
        s.c.send_binary(message)
        assert s.until_close()[1][0] == code


def test_text_messages_end_the_session():
    with Daemon() as d, Speaker(d) as s:
        s.c.send_text("hello")
        assert s.until_close()[1][0] == 1003


def test_data_behind_the_end_ends_the_session():
    with Daemon(command=["sleep", "10"]) as d, Speaker(d) as s:
        s.send(END)
        s.send(BYTES, b"x")
        assert s.until_close()[1][0] == 1002


FIELD, PROTOCOL = "Standpipe-Protocol", "Sec-WebSocket-Protocol"


@pytest.mark.parametrize("offer, answered, inside", [
    ([(FIELD, "v1")], None, ""),
    ([(FIELD, "V1")], None, ""),
    ([(FIELD, "v2, v1")], None, ""),
    ([(FIELD, "v2"), (FIELD, "v1")], None, ""),
    ([(FIELD, "v1"), (PROTOCOL, "other")], None, ""),
    ([(FIELD, "v1"), (PROTOCOL, "other, chat")], "chat", "chat"),
    ([(PROTOCOL, "standpipe.v1")], "standpipe.v1", ""),
    ([(PROTOCOL, "other, standpipe.v1, chat")], "standpipe.v1", "chat"),
    ([(FIELD, "v1"), (PROTOCOL, "standpipe.v1")], "standpipe.v1", ""),
    ([(FIELD, "v2"), (PROTOCOL, "standpipe.v1")], "standpipe.v1", ""),
    ([(FIELD, "v1"), (PROTOCOL, "chat, standpipe.v1")], "standpipe.v1",
     "chat")])
def test_fault_F1_both_offers_are_answered(offer, answered, inside):
    with Daemon("--subprotocol=chat", command=[
            "sh", "-c", "echo $STANDPIPE_PROTOCOL"]) as d:
        with Speaker(d, offer=offer) as s:
            assert s.answer.get(PROTOCOL) == answered
            assert dict(s.hello).get("subprotocol", "") == inside
            assert stream(s.until_close()[0]) == inside.encode() + b"\n"


@pytest.mark.parametrize("value", ["v2", "v1-agreed", "v1 v1", "v", ""])
def test_fault_F1_another_field_is_no_offer(value):
    with Daemon() as d, d.client() as c:
        answer = c.handshake(headers=[(FIELD, value)])
        assert answer.status == 101 and answer.get(FIELD) is None
        c.send_text("x")
        assert c.recv_message() == (TEXT, b"x")
        c.bye()


def test_a_required_subprotocol_is_still_required():
    with Daemon("--subprotocol=chat", "--subprotocol-required") as d:
        with d.client() as c:
            assert c.handshake(headers=PAGES_OFFER).status == 400
        with d.client() as c:
            assert c.handshake(headers=OFFER).status == 400


def test_it_is_spoken_only_when_offered():
    with Daemon() as d, d.session() as c:
        c.send_text("x")
        assert c.recv_message() == (TEXT, b"x")
        c.bye()


@pytest.mark.parametrize("offer", [OFFER, PAGES_OFFER])
def test_it_can_be_turned_off(offer):
    with Daemon("--no-standpipe-protocol") as d, d.client() as c:
        answer = c.handshake(headers=offer)
        assert answer.status == 101
        assert answer.get("Sec-WebSocket-Protocol") is None
        assert answer.get("Standpipe-Protocol") is None
        c.send_text("x")
        assert c.recv_message() == (TEXT, b"x")
        c.bye()
