"""The protocol on the wire: frames, closes, pings (rules 4 and 8)."""

import itertools
import os

import pytest

from daemon import Daemon
from proc import SANITIZED, handler, now, pause, memory
from wire import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, Gone,
                  close_payload, frame, request_head)


@pytest.fixture(scope="module")
def echo():
    """An echo server; nobody waits long for a Close."""
    with Daemon("--framing=frames", "--close-timeout=300ms") as d:
        yield d


def fails(d, data, code):
    """The bytes make the server close with that code, and hang up."""
    with d.session() as c:
        c.send(data)
        got = c.recv_close()
        assert got[0] == code, got
        c.finish(code)


# ------------------------------------------------------------- close codes


@pytest.mark.parametrize("code", [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
    3000, 3999, 4000, 4999])
def test_F1_F30_rule2_legal_codes_are_echoed(echo, code):
    with echo.session() as c:
        assert c.bye(code, "why")[1] == code


@pytest.mark.parametrize("code", [
    0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_F1_illegal_codes_are_1002(echo, code):
    fails(echo, frame(close_payload(code), CLOSE), 1002)


def test_F1_close_without_a_code_is_answered(echo):
    with echo.session() as c:
        assert c.bye(None)[1] in (None, 1000)


def test_F3_close_of_one_byte_is_1002(echo):
    fails(echo, frame(b"\3", CLOSE), 1002)


@pytest.mark.parametrize("reason", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"a\x80"])
def test_F4_invalid_reason_is_1007(echo, reason):
    fails(echo, frame(close_payload(1000, reason), CLOSE), 1007)


def test_F30_code_is_echoed_by_every_framing():
    for framing in "lines", "binary", "text", "nul":
        with Daemon(f"--framing={framing}") as d:
            with d.session() as c:
                assert c.bye(4007, "x")[1] == 4007


def test_rule2_output_after_the_clients_close_goes_out():
    with Daemon(command=["sort", "-r"]) as d:
        with d.session() as c:
            c.send_text("1")
            c.send_text("2")
            assert c.bye(4001) == ([(TEXT, b"2"), (TEXT, b"1")], 4001, "")
        assert d.session_end()["exit"] == "0"


def test_rule2_close_drain_ends_the_output():
    with Daemon("--close-drain=200ms", "--kill=EOF:1s,KILL",
                command=[handler("flood-stdout")]) as d:
        with d.session() as c:
            c.recv_text()
            start = now()
            c.send_close(4002)
            assert c.stream()[1] == 4002
            assert now() - start > 0.19
            assert c.ending() == "eof"


def test_rule2_silent_command_does_not_hold_the_close_back():
    with Daemon("--close-drain=100ms", "--kill=EOF:300ms,KILL",
                command=[handler("sulk")]) as d:
        with d.session() as c:
            c.recv_text()
            assert c.bye(1000)[1] == 1000
            d.session_end()


def test_rule2_default_close_drain_is_half_a_second():
    with Daemon("--kill=EOF:1s,KILL", command=[handler("sulk")]) as d:
        with d.session() as c:
            c.recv_text()
            start = now()
            assert c.bye(1000)[1] == 1000
            assert now() - start > 0.49


def test_rule2_exit_status_goes_to_the_log_when_the_client_closed():
    with Daemon(command=["sh", "-c", "cat; exit 9"]) as d:
        with d.session() as c:
            assert c.bye(1000)[1] == 1000
        end = d.session_end()
        assert (end["close"], end["exit"]) == ("1000", "9")


def test_frames_after_the_clients_close_are_ignored(echo):
    with echo.session() as c:
        c.send(frame(close_payload(1000), CLOSE) + frame(b"x", PING) +
               frame("late") + frame(close_payload(4000), CLOSE))
        assert c.messages() == ([], 1000, "")
        assert c.pongs == []


# ---------------------------------------------------------- broken frames


@pytest.mark.parametrize("data", [
    frame("x", rsv=1), frame("x", rsv=2), frame("x", rsv=4),
    frame(b"", PING, rsv=4), frame(close_payload(1000), CLOSE, rsv=7),
    frame(b"", CONTINUATION, rsv=4)],
    ids=["text 1", "text 2", "text 4", "ping 4", "close 7", "continuation 4"])
def test_F19_F25_reserved_bits_are_1002(echo, data):
    fails(echo, data, 1002)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_F20_unknown_opcodes_are_1002(echo, opcode):
    fails(echo, frame(b"", opcode), 1002)
    fails(echo, frame(b"abc", opcode), 1002)


def test_F21_bare_frames_are_1002(echo):
    fails(echo, frame("x", mask=None), 1002)
    fails(echo, frame(b"", PING, mask=None), 1002)
    fails(echo, frame(close_payload(1000), CLOSE, mask=None), 1002)


def test_F31_our_frames_are_bare(echo):
    with echo.session() as c:  # recv_frame() insists
        c.send_text("x")
        c.send_ping(b"p")
        c.recv_frame()
        c.recv_frame()
        c.bye()


@pytest.mark.parametrize("form, size", [(16, 0), (16, 125), (64, 0),
                                        (64, 125), (64, 126), (64, 65535)])
def test_F22_longer_forms_of_a_length_are_1002(echo, form, size):
    fails(echo, frame(bytes(size), BINARY, form=form), 1002)


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1, (1 << 63) + 5])
def test_F22_top_bit_of_a_length_is_1002(echo, size):
    fails(echo, frame(b"", BINARY, form=64, length=size), 1002)


@pytest.mark.parametrize("size", [(1 << 63) - 1, 1 << 40, 1 << 32])
def test_F22_huge_lengths_are_1009(echo, size):
    fails(echo, frame(b"", BINARY, form=64, length=size), 1009)


def test_F22_huge_lengths_without_a_limit_stream():
    with Daemon("--framing=binary", "--max-message=0") as d:
        with d.session() as c:
            c.send(frame(b"", BINARY, form=64, length=(1 << 63) - 1,
                         mask=b"\0\0\0\0") + b"abc")
            assert c.recv_binary() == b"abc"
            c.reset()
        with d.session() as c:  # the sum overflows
            c.send(frame(b"a", BINARY, fin=False))
            assert c.recv_binary() == b"a"
            c.send(frame(b"", CONTINUATION, form=64, length=(1 << 63) - 1,
                         mask=b"\0\0\0\0") + b"abc")
            assert c.recv_binary() == b"abc"
            c.reset()


@pytest.mark.parametrize("data", [
    frame(b"", PING, fin=False), frame(b"x", PONG, fin=False),
    frame(close_payload(1000), CLOSE, fin=False),
    frame(bytes(126), PING), frame(bytes(126), PONG),
    frame(close_payload(1000, b"x" * 124), CLOSE),
    frame(bytes(65536), PING)],
    ids=["ping part", "pong part", "close part", "ping 126", "pong 126",
         "close 126", "ping 65536"])
def test_F18_long_or_fragmented_control_frames_are_1002(echo, data):
    fails(echo, data, 1002)


@pytest.mark.parametrize("data", [
    frame("x", CONTINUATION), frame("x", CONTINUATION, fin=False),
    frame("x", fin=False) + frame("y"),
    frame("x", fin=False) + frame("y", BINARY, fin=False),
    frame("x", fin=False) + frame("y", CONTINUATION)
    + frame("z", CONTINUATION)],
    ids=["stray last", "stray part", "text in text", "binary in text",
         "one too many"])
def test_F18_broken_fragmentation_is_1002(echo, data):
    with echo.session() as c:
        c.send(data)
        with pytest.raises(Closed) as closed:
            while True:
                c.recv_fragment()
        assert closed.value.code == 1002
        c.finish(1002)


def test_F18_control_frames_between_fragments(echo):
    with echo.session() as c:
        c.send_text("a", fin=False)
        c.send_ping(b"1")
        c.send_frame(b"", CONTINUATION, fin=False)
        c.send_frame(b"unasked", PONG)
        c.send_ping(b"2")
        c.send_frame("b", CONTINUATION)
        assert c.recv_message() == (TEXT, b"ab")
        assert c.pongs == [b"1", b"2"]
        c.bye()


def test_F5_after_a_protocol_error_the_connection_ends_without_help(echo):
    with echo.session() as c:
        c.send_frame(b"", 3)
        assert c.recv_close()[0] == 1002
        assert c.ending(5) == "eof"


def test_F5_after_a_protocol_error_data_is_not_read_as_frames(echo):
    with echo.session() as c:
        c.send(frame(b"", 3) + frame("x") + frame(b"p", PING))
        assert c.messages()[:2] == ([], 1002)
        assert c.pongs == []
        with pytest.raises(Gone):  # and one that goes on is not waited for
            while True:
                c.send(frame("y" * 1000), timeout=5)
                pause(0.005)


def test_F5_the_command_gets_its_end_of_input(mailbox):
    with Daemon(command=[handler("tell-end"), mailbox.path]) as d:
        with d.session() as c:
            c.send(frame("x") + frame(b"", 3))
            assert c.recv_close()[0] == 1002
            assert bytes.fromhex(mailbox.line()) == b"x\n"


# -------------------------------------------------------- behind the head


@pytest.mark.parametrize("size", [0, 5, 125, 126, 70000, 1 << 20])
def test_F7_frames_in_the_segment_of_the_request(echo, size):
    data = os.urandom(size)
    with echo.session(behind=frame(data, BINARY) + frame("second")) as c:
        assert c.recv_binary() == data
        assert c.recv_text() == "second"
        c.bye()


def test_F7_half_a_frame_behind_the_request(echo):
    data = frame("héllo")
    for cut in range(1, len(data)):
        with echo.session(behind=data[:cut]) as c:
            c.send(data[cut:])
            assert c.recv_text() == "héllo"
            c.bye()


def test_F7_close_behind_the_request(echo):
    with echo.session(behind=frame("x") +
                      frame(close_payload(4000), CLOSE)) as c:
        assert c.messages() == ([(TEXT, b"x")], 4000, "")


def test_F7_client_that_said_everything_and_shut_its_half(mailbox):
    with Daemon(command=[handler("tell-end"), mailbox.path]) as d:
        with d.session(behind=frame("x")) as c:
            c.shut()
            assert bytes.fromhex(mailbox.line()) == b"x\n"


def test_request_byte_by_byte():
    with Daemon() as d:
        with d.client() as c:
            for byte in request_head() + frame("x"):
                c.send(bytes([byte]))
            assert c.response().status == 101
            assert c.recv_text() == "x"
            c.bye()


# ------------------------------------------------------------------- pings


def test_rule8_pings_go_out():
    with Daemon("--ping=50ms", "--ping-timeout=5s", "--kill=KILL",
                command=[handler("sulk")]) as d:
        with d.session() as c:
            c.recv_text()
            for _ in range(3):
                assert c.recv_frame().opcode == PING
                c.send_frame(b"", PONG)
            c.reset()


def test_websocketd_pingms():
    with Daemon("--pingms=50", "--ping-timeout=5s") as d:
        with d.session() as c:
            assert c.recv_frame().opcode == PING
            c.reset()


def test_F28_no_ping_no_timeout():
    with Daemon("--ping=0") as d:
        with d.session() as c:
            c.silent(0.3)
            c.bye()


def test_F29_rule8_silent_client_is_found_out_from_the_start():
    with Daemon("--ping=100ms", "--ping-timeout=200ms",
                "--close-timeout=100ms") as d:
        start = now()
        with d.session() as c:
            assert c.recv_frame().opcode == PING
            c.answer_pings = False
            assert c.recv_close() == (1011, "ping timeout")
            assert now() - start > 0.29
            assert c.ending() == "eof"
        end = d.session_end()
        assert (end["close"], end["reason"]) == ("1011", "ping timeout")


def test_F29_client_that_goes_silent_later():
    with Daemon("--ping=100ms", "--ping-timeout=1s") as d:
        with d.session() as c:
            for _ in range(3):
                assert c.recv_frame().opcode == PING
                c.send_frame(b"", PONG)
            c.answer_pings = False
            assert c.recv_close() == (1011, "ping timeout")


def outlives(c, bits):
    """Say a bit now and then, for longer than a client may be silent; False if
    a busy machine made us silent for half of that, which proves nothing."""
    last, longest, deadline = now(), 0, now() + 2.2
    while now() < deadline and longest < 0.5:
        pause(0.05)
        longest, last = max(longest, now() - last), now()
        if longest < 0.5:
            c.send(next(bits))
    c._receive()
    assert c.how is None or longest >= 0.5
    return longest < 0.5


@pytest.mark.parametrize("life", [
    frame(b"", PONG), frame("x"), frame(b"", TEXT, fin=False),
    frame(b"p", PING)], ids=["pong", "text", "fragment", "ping"])
def test_F27_rule8_any_received_byte_is_life(life):
    def bits():
        yield life
        yield from itertools.repeat(
            life if life[0] != 1 else frame(b"", CONTINUATION, fin=False))

    with Daemon("--ping=100ms", "--ping-timeout=1s", "--kill=KILL",
                command=[handler("sulk")]) as d:
        for _ in range(4):
            with d.session() as c:
                c.recv_text()
                c.answer_pings = False
                if not outlives(c, bits()):
                    continue
                with d.client() as other:  # the daemon is in order
                    assert other.handshake().status == 101
                    other.reset()
                c.send_close(1000)
                assert c.messages()[1] == 1000
                return
        raise AssertionError("the machine let no client talk in time")


def test_F27_single_bytes_of_a_frame_are_life():
    with Daemon("--framing=binary", "--ping=100ms", "--ping-timeout=1s",
                "--kill=KILL", command=[handler("sulk")]) as d:
        for _ in range(4):
            with d.session() as c:
                c.recv_binary()
                c.answer_pings = False
                c.send(frame(b"", BINARY, length=1000, mask=b"\0\0\0\0"))
                if outlives(c, itertools.repeat(b"x")):
                    c.reset()
                    return
        raise AssertionError("the machine let no client talk in time")


def test_F27_rule8_deadline_starts_when_the_ping_is_written():
    # Nobody reads, so the ping stays in the queue: that is no unanswered ping.
    with Daemon("--ping=250ms", "--ping-timeout=1s",
                "--framing=binary", command=["cat", "/dev/zero"]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            pause(1.6)
            assert not d.logged("session ends")
            c.answer_pings = True
            got = 0
            while not c.pings:
                got += len(c.recv_fragment()[1])
            for _ in range(5):
                c.recv_fragment()
            assert not d.logged("session ends")
            c.reset()


def test_F26_pong_overtakes_queued_data():
    with Daemon("--framing=binary", command=["cat", "/dev/zero"]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            pause(0.2)  # everything on the way is full
            c.send_ping(b"now")
            got = 0
            while not c.pongs:
                got += len(c.recv_fragment()[1])
                assert got < 16 << 20, "the pong waits behind the data"
            assert c.pongs == [b"now"]
            c.reset()


def test_F26_pings_in_a_message_flood_are_all_answered(echo):
    with echo.session() as c:
        for i in range(200):
            c.send_text("x" * 500)
            c.send_ping(b"%d" % i)
        for _ in range(200):
            assert c.recv_message() == (TEXT, b"x" * 500)
        c.send_text("end")
        assert c.recv_text() == "end"
        assert c.pongs[-1] == b"199"
        assert c.pongs == sorted(c.pongs, key=int)
        c.bye()


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep what was freed")
def test_F26_rule6_ping_flood_is_bounded():
    with Daemon("--engines=1", "--kill=EOF:50ms,TERM:50ms,KILL",
                command=[handler("sulk")]) as d:
        engine = d.engines()[0]
        with d.session() as c:
            c.recv_text()
            before = memory(engine)
            flood = frame(bytes(125), PING) * 500
            sent = c.fill(timeout=2.0, chunk=flood)
            assert memory(engine) < before + (2 << 20), sent
            with d.session() as other:  # and nobody else suffers
                other.recv_text()
            c.reset()


# ------------------------------------------------------------------ timers


def test_clients_that_do_not_mask_are_let_in_where_they_may_be():
    with Daemon("--accept-unmasked", "--framing=frames") as d:
        d.wait_log("warn --accept-unmasked")
        for mask in None, b"abcd":
            mark = d.mark()
            with d.session() as c:
                c.send(frame("x", mask=mask) + frame(b"y", PING, mask=mask))
                assert c.recv_text() == "x"
                c.send(frame(close_payload(1000), CLOSE, mask=mask))
                assert c.recv_close()[0] == 1000
            end = d.wait_log("session ends", start=mark).string
            assert ("unmasked=yes" in end) == (mask is None)


def test_rule4_idle_timeout():
    with Daemon("--idle-timeout=300ms", "--ping=50ms") as d:
        with d.session() as c:
            for _ in range(4):
                pause(0.1)
                c.send_text("x")
                assert c.recv_text() == "x"
                start = now()
            got = c.recv_close()
            assert got[0] == 1008 and "idle" in got[1]
            assert now() - start > 0.25
            c.finish(1008)


def test_rule4_maximum_session_time():
    with Daemon("--max-session=300ms", command=[handler("flood-stdout")]) as d:
        start = now()
        with d.session() as c:
            _, code, reason = c.stream()
            assert code == 1008 and reason
            assert now() - start > 0.29
            c.finish(1008)


def test_H8_handshake_timeout_ends_with_the_handshake():
    with Daemon("--handshake-timeout=200ms") as d:
        with d.session() as c:
            c.silent(0.6)
            c.send_text("x")
            assert c.recv_text() == "x"
            c.bye()


def test_nodelay_small_messages_do_not_wait(echo):
    with echo.session() as c:
        c.send_text("warm")
        c.recv_text()
        trips = []
        for _ in range(50):
            start = now()
            c.send_text("x")
            c.send_text("y")
            assert c.recv_text() + c.recv_text() == "xy"
            trips.append(now() - start)
        assert min(trips) < 0.03  # Nagle and delayed acks: 40 ms, each of them
        c.bye()
