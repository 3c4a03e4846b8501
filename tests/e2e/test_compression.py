"""Compressed messages: permessage-deflate (RFC 7692)."""

import json
import os
import random
import zlib
from pathlib import Path

import pytest

from certificates import Authority
from daemon import Daemon
from deflate import BROWSER, EXTENSION, PLAIN, Deflate, offer
from proc import SANITIZED, Mailbox, handler, memory, status_field
from wire import (BINARY, CLOSE, CONTINUATION, PING, TEXT, Closed,
                  close_payload, frame, request_head)

MIB = 1 << 20
FLAT = (64 if SANITIZED else 4) * MIB

# What a client that bears everything is answered by default.
FRUGAL = "permessage-deflate; server_no_context_takeover; " \
    "client_no_context_takeover"


@pytest.fixture(scope="module")
def echo():
    with Daemon("--framing=frames", "--engines=1",
                "--close-timeout=300ms") as d:
        yield d


@pytest.fixture(scope="module")
def remembering():
    with Daemon("--framing=frames", "--compression-takeover=both",
                "--compression-min=0") as d:
        yield d


def session(d, asked=BROWSER, **kw):
    c = d.session(headers=offer(asked), **kw)
    assert c.deflate is not None
    return c


def fails(d, data, code):
    with session(d) as c:
        c.send(data)
        got = c.recv_close()
        assert got[0] == code, got
        c.finish(code)


def log_lines(count, seed=1):
    """JSON lines as programs log them."""
    dice = random.Random(seed)
    for i in range(count):
        yield json.dumps({
            "time": f"2026-11-22T{i // 3600 % 24:02}:{i // 60 % 60:02}:"
                    f"{i % 60:02}Z",
            "level": dice.choice(["info", "info", "info", "warn", "error"]),
            "session": dice.randrange(100000),
            "path": dice.choice(["/", "/api/users", "/api/orders", "/login"]),
            "duration_ms": dice.randrange(2000), "bytes": dice.randrange(1 << 20)})


def peak(pid):
    """The most memory that a process has ever had, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(status_field(text, "VmHWM").split()[0]) * 1024


# ------------------------------------------------------------ agreeing on it


@pytest.mark.parametrize("asked, answer", [
    (PLAIN, FRUGAL), (BROWSER, FRUGAL),
    ("x-webkit-deflate-frame, " + BROWSER, FRUGAL),
    (PLAIN + "; server_max_window_bits=9", FRUGAL + "; server_max_window_bits=9"),
    (PLAIN + "; nonsense, " + PLAIN, FRUGAL),
    (PLAIN + "; client_max_window_bits=7", None),
    (PLAIN + "; server_no_context_takeover; server_no_context_takeover", None),
    ("permessage-bzip2", None)])
def test_offers(echo, asked, answer):
    with echo.session(headers=offer(asked)) as c:
        assert (c.deflate is None) == (answer is None)
        assert answer is None or c.deflate.terms == Deflate(answer).terms
        c.bye()


def test_nothing_is_said_about_it_to_those_who_do_not_offer(echo):
    with echo.client() as c:
        assert c.handshake().get(EXTENSION) is None
        c.send_text("x" * 1000)
        assert c.recv_text() == "x" * 1000
        c.bye()


@pytest.mark.parametrize("asked", [
    PLAIN + ";", PLAIN + "; server_max_window_bits=", ";", PLAIN + " x"])
def test_what_is_no_offer_is_400(echo, asked):
    assert echo.request(request_head(headers=offer(asked))).status == 400


def test_settings_limit_what_is_agreed_on():
    with Daemon("--compression-takeover=client",
                "--compression-window=10") as d:
        with session(d) as c:
            assert c.deflate.terms == {
                "server_no_context_takeover": True,
                "server_max_window_bits": "10", "client_max_window_bits": "10"}
            c.bye()


@pytest.mark.parametrize("window, asked, told", [
    (8, "", "9"), (9, "", "9"), (8, "=15", "9"), (8, "=9", "9"),
    (8, "=8", None), (15, "=8", None), (12, "=8", None), (15, "=9", "9"),
    (15, "", None)])
def test_fault_G1_no_client_is_asked_for_less_than_zlib_can(window, asked,
                                                            told):
    with Daemon(f"--compression-window={window}") as d:
        with session(d, f"{PLAIN}; client_max_window_bits{asked}") as c:
            assert c.deflate.terms.get("client_max_window_bits") == told
            c.send_deflated("x" * 1000)
            assert c.recv_text() == "x" * 1000
            c.bye()


def test_F25_off_is_off():
    for args in ["--compression=off"], ["--compat=websocketd"]:
        with Daemon(*args) as d:
            with d.session(headers=offer()) as c:
                assert c.deflate is None
                c.send_frame("x", TEXT, rsv=4)
                assert c.recv_close()[0] == 1002


# ------------------------------------------------------------- both ways


SIZES = 0, 1, 255, 256, 4096, 65535, 65536, 65537, 300000, 3 * MIB


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("piece", [None, 100])
def test_messages_come_back(echo, opcode, size, piece):
    lines = "\n".join(log_lines(size // 100 + 1)).encode()
    data = (lines * (size // len(lines) + 1))[:size]
    with session(echo) as c:
        c.send_deflated(data, opcode, piece)
        assert c.recv_message() == (opcode, data)
        if size >= 256:
            assert c.deflated == 1 and c.wire < size
        c.bye()


def test_messages_that_refer_to_earlier_ones(remembering):
    lines = list(log_lines(500))
    with session(remembering, PLAIN) as c:
        for line in lines:
            c.send_deflated(line)
            assert c.recv_text() == line
        assert c.deflated == len(lines)
        assert c.wire * 2 < sum(map(len, lines))
        c.bye()
        end = remembering.session_end()
        assert int(end["in_wire"]) * 2 < int(end["in_bytes"])
        assert int(end["out_wire"]) == c.wire


@pytest.mark.parametrize("bits", range(8, 16))
def test_every_window(remembering, bits):
    asked = f"{PLAIN}; server_max_window_bits={bits}; " \
        f"client_max_window_bits={bits}"
    data = "".join(log_lines(2000))
    with session(remembering, asked) as c:
        assert c.deflate.bits("server") == bits
        assert c.deflate.bits("client") == (bits if bits > 8 else 15)
        for part in data[:100], data, data[:1000]:
            c.send_deflated(part)
            assert c.recv_text() == part
        c.bye()


def test_compressed_and_plain_messages_in_turn(echo):
    with session(echo) as c:
        for i in range(20):
            data = f"{i} " * 500
            if i % 2:
                c.send_deflated(data)
            else:
                c.send_text(data)
            assert c.recv_text() == data
        c.bye()


def test_lines_and_their_framing():
    lines = list(log_lines(300))
    long = "x" * 200000
    with Daemon("--compression-min=0") as d:
        with session(d) as c:
            for line in [*lines, long]:
                c.send_deflated(line)
            assert [c.recv_text() for _ in lines] == lines
            assert c.recv_text() == long
            c.bye()


def test_F18_pings_between_fragments(echo):
    data = "".join(log_lines(100))
    with session(echo) as c:
        payload = c.deflate.deflate(data.encode())
        pings = [b"%d" % at for at in range(0, len(payload), 500)]
        for at in map(int, pings):
            c.send(frame(payload[at:at + 500], CONTINUATION if at else TEXT,
                         rsv=0 if at else 4, fin=False))
            c.send_ping(b"%d" % at)
        c.send(frame(b"", CONTINUATION))
        assert c.recv_text() == data
        assert c.pongs == pings
        c.bye()


def test_one_frame_that_is_large_and_does_not_shrink(echo):
    data = os.urandom(12 * MIB)
    with session(echo) as c:
        c.send_deflated(data, BINARY)
        assert c.recv_binary() == data
        c.bye()


def test_stderr_goes_out_compressed_too():
    with Daemon("--stderr=json", "--compression-min=0", command=[
            "sh", "-c", "printf %0500d 1; printf %0500d 2 >&2"]) as d:
        with session(d) as c:
            got = sorted(json.loads(text)["data"] for text in c.texts()[0])
            assert got == ["0" * 499 + "1", "0" * 499 + "2"]


@pytest.mark.parametrize("tail", [b"", b"\0"], ids=["bare", "with a byte"])
def test_a_last_block_is_no_end(echo, tail):
    """BFINAL (RFC 7692, section 7.2.3.4), with what must follow and without."""
    out = zlib.compressobj(6, zlib.DEFLATED, -15)
    payload = out.compress(b"Hello" * 20) + out.flush() + tail
    with session(echo) as c:
        for _ in range(2):
            c.send_frame(payload, TEXT, rsv=4)
            assert c.recv_text() == "Hello" * 20
        c.bye()


# ------------------------------------------------------- what is not worth it


def test_short_messages_are_left_alone():
    with Daemon("--compression-min=100") as d:
        with session(d) as c:
            c.send_text("x" * 99)
            assert c.recv_text() == "x" * 99
            assert c.deflated == 0 and c.wire == 99
            c.send_text("x" * 100)
            assert c.recv_text() == "x" * 100
            assert c.deflated == 1
            c.bye()


def test_what_becomes_no_smaller_is_left_alone(remembering):
    data = os.urandom(5000)
    text = "".join(log_lines(50))
    with session(remembering, PLAIN) as c:
        for _ in range(200):
            c.send_binary(data[:2500])
            assert c.recv_binary() == data[:2500]
            data = os.urandom(5000)
        assert c.deflated == 0
        for _ in range(100):  # and what does is noticed
            c.send_text(text)
            assert c.recv_text() == text
        assert c.deflated > 30
        c.bye()


# --------------------------------------------------------------- broken ones


@pytest.mark.parametrize("data, code", [
    (frame(b"\xff\xff\xff", rsv=4), 1007),
    (frame(b"\xf2\x48\xcd", rsv=4), 1007),
    (frame(b"\xf2\x48\xcd", rsv=4, fin=False) +
     frame(b"\xff\xff\xff", CONTINUATION), 1007),
    (frame(b"\xf2\x48\xcd", rsv=4, fin=False) +
     frame(b"\xc9\xc9\x07\x00", CONTINUATION, rsv=4), 1002),
    (frame(b"", PING, rsv=4), 1002),
    (frame(b"x", rsv=6), 1002),
    (frame(b"x", rsv=2), 1002)],
    ids=["no deflate", "cut off", "cut in a fragment", "RSV1 again",
         "RSV1 on a ping", "RSV1 and RSV2", "RSV2"])
def test_F19_F25_broken_messages(echo, data, code):
    fails(echo, data, code)


def test_F4_text_is_judged_as_it_is_inflated(echo):
    """The message is not over when its text is found to be none."""
    with session(echo) as c:
        payload = c.deflate.deflate(b"good \xed\xa0\x80 " + os.urandom(9000))
        c.send(frame(payload[:2000], TEXT, rsv=4, fin=False))
        assert c.recv_close()[0] == 1007
        c.finish(1007)


def test_F25_the_limit_is_for_what_was_inflated():
    with Daemon("--max-message=1000", "--framing=frames",
                "--close-timeout=300ms") as d:
        with session(d) as c:
            c.send_deflated("x" * 1000)
            assert c.recv_text() == "x" * 1000
            c.send_deflated("x" * 1001)
            assert c.recv_close()[0] == 1009
            c.finish(1009)


# -------------------------------------------------------------------- bombs


def bomb(size):
    """The payload of a message that many zeros long: of parts that know
    nothing of each other, and so are all the same."""
    out = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    part = out.compress(bytes(16 * MIB)) + out.flush(zlib.Z_FULL_FLUSH)
    return (part * (size // (16 * MIB)))[:-4]


def test_F25_rule6_bomb_is_1009_and_takes_no_memory(echo):
    payload = bomb(1 << 30)
    assert len(payload) < 1.05 * MIB
    engine = echo.engines()[0]
    with session(echo) as c:
        c.send_deflated(b"x" * 65536)
        c.recv_message()
        before = peak(engine)
        c.send(frame(payload, TEXT, rsv=4))
        with pytest.raises(Closed) as caught:
            while True:
                c.recv_fragment()
        assert caught.value.code == 1009
    assert peak(engine) - before < FLAT


def test_F25_rule6_without_a_limit_it_is_streamed():
    size = (64 if SANITIZED else 256) * MIB
    payload = bomb(size)
    with Daemon("--framing=binary", "--max-message=0", "--engines=1",
                "--close-drain=60s", command=["wc", "-c"]) as d:
        engine = d.engines()[0]
        with session(d) as c:
            c.send(frame(bytes(1), BINARY))
            before = peak(engine)
            c.send(frame(payload, BINARY, rsv=4))
            got, code, _ = c.bye()
            assert (int(got[0][1]), code) == (size + 1, 1000)
        assert peak(engine) - before < FLAT


def test_F25_program_that_does_not_read_holds_the_bomb(tmp_path):
    """What came behind it waits too, and nobody else does."""
    payload = bomb(256 * MIB)
    with Mailbox(tmp_path) as box, Daemon(
            "--framing=binary", "--max-message=0", "--engines=1",
            "--close-drain=60s",
            command=["sh", "-c", f"read x <{box.path}; wc -c"]) as d:
        engine = d.engines()[0]
        with session(d) as c:
            before = peak(engine)
            c.send(frame(payload, BINARY, rsv=4) + frame(b"abc", BINARY) +
                   frame(close_payload(1000), CLOSE))
            with session(d) as other:
                other.send_ping(b"x")
                assert other.recv_pong() == b"x"
                c.silent(0.2)
                assert peak(engine) - before < FLAT
                box.put("go")
                box.put("go")
                got, code, _ = c.messages()
                assert (int(got[0][1]), code) == (256 * MIB + 3, 1000)
                other.bye()


@pytest.mark.parametrize("size", [
    131071, 131072, 131073, 262144, 262145, 1000000])
@pytest.mark.parametrize("behind", [[], ["behind it", "and more"]],
                         ids=["alone", "with more"])
def test_a_program_that_takes_its_time_gets_every_byte(tmp_path, size, behind):
    """Wherever the message is when its program has enough for now."""
    data = "\n".join(log_lines(size // 150))[:size - 9].ljust(size)
    with Mailbox(tmp_path) as box, Daemon("--framing=frames", command=[
            "sh", "-c", f"read x <{box.path}; cat"]) as d:
        with session(d) as c:
            for text in [data, *behind]:
                c.send_deflated(text)
            c.silent(0.1)
            box.put("go")
            for text in [data, *behind]:
                assert c.recv_text() == text
            c.send_deflated(data)
            assert c.recv_text() == data
            c.bye()


def test_F25_client_that_goes_away_with_a_bomb_waiting():
    with Daemon("--framing=binary", "--kill=KILL",
                command=["sleep", "1000"]) as d:
        with session(d) as c:
            c.send(frame(bomb(16 * MIB), BINARY, rsv=4))
            c.send_ping()
            c.silent(0.1)
            c.reset()
        assert d.session_end()["close"] == "1006"


def test_rule4_our_close_does_not_wait_for_the_rest_of_a_bomb():
    with Daemon("--framing=binary", "--max-session=300ms", "--kill=KILL",
                command=["sleep", "1000"]) as d:
        with session(d) as c:
            c.send(frame(bomb(16 * MIB), BINARY, rsv=4))
            assert c.recv_close()[0] == 1008
            c.finish(1008)
        assert d.session_end()["close"] == "1008"


def test_F25_rule6_under_TLS(tmp_path):
    pair = Authority(tmp_path).issue("server")
    data = "".join(log_lines(9000))
    with Daemon("--framing=frames", "--engines=1", "--ssl",
                f"--sslcert={pair.cert}", f"--sslkey={pair.key}",
                "--close-timeout=300ms", tls=True) as d:
        with session(d) as c:
            for _ in range(3):
                c.send_deflated(data, size=5000)
                assert c.recv_text() == data
            before = peak(d.engines()[0])
            c.send(frame(bomb(256 * MIB), TEXT, rsv=4))
            with pytest.raises(Closed) as caught:
                while True:
                    c.recv_fragment()
            assert caught.value.code == 1009
        assert peak(d.engines()[0]) - before < FLAT


# ------------------------------------------------------------------- memory


def sessions_memory(d, count, asked):
    """Bytes of the engine for each of many idle sessions, all of which spoke."""
    engine = d.engines()[0]
    text = "".join(log_lines(20))

    def speak():
        c = d.session(headers=offer(asked) if asked else {})
        if asked:
            c.send_deflated(text)
        else:
            c.send_text(text)
        assert c.recv_text() == text
        return c

    all_of_them = [speak() for _ in range(10)]
    before = memory(engine)
    try:
        all_of_them += [speak() for _ in range(count)]
        return (memory(engine) - before) / count
    finally:
        for c in all_of_them:
            c.close()


@pytest.mark.skipif(SANITIZED, reason="the sanitizers' memory is their own")
def test_rule6_idle_sessions_have_nothing_of_zlib():
    with Daemon("--framing=frames", "--engines=1", "--kill=KILL",
                "--max-per-address=0", "--rate=0") as d:
        plain = sessions_memory(d, 150, None)
    with Daemon("--framing=frames", "--engines=1", "--kill=KILL",
                "--max-per-address=0", "--rate=0") as d:
        assert sessions_memory(d, 150, BROWSER) - plain < 2048


def test_rule6_memory_has_a_ceiling():
    """Ours is forgotten first; then clients are asked to do without theirs."""
    with Daemon("--framing=frames", "--engines=1", "--rate=0",
                "--compression-takeover=both", "--compression-min=0",
                "--compression-memory=1M") as d:
        text = "".join(log_lines(20))
        clients = [session(d, PLAIN)]
        try:
            before = peak(d.engines()[0])
            for _ in range(60):
                clients[-1].send_deflated(text)
                assert clients[-1].recv_text() == text
                clients.append(session(d, PLAIN))
            for c in clients * 2:
                c.send_deflated(text)
                assert c.recv_text() == text
            assert peak(d.engines()[0]) - before < FLAT
            asked = ["client_no_context_takeover" in c.deflate.terms
                     for c in clients]
            assert not asked[0] and asked[-1]
        finally:
            for c in clients:
                c.close()


def test_where_there_is_no_memory_nothing_is_compressed():
    """A window of each size has a stream of its own: these fill a MiB."""
    with Daemon("--framing=frames", "--engines=1",
                "--compression-memory=1M") as d:
        agreed = []
        for bits in range(15, 8, -1):
            asked = f"{PLAIN}; server_max_window_bits={bits}"
            with d.session(headers=offer(asked)) as c:
                agreed.append(c.deflate is not None)
                c.send_text("x" * 1000)
                assert c.recv_text() == "x" * 1000
                c.bye()
        assert agreed[0] and not agreed[-1]


def test_under_floods_both_ways():
    with Daemon("--framing=lines", "--close-drain=0", command=[
            handler("flood-stdout")]) as d:
        with session(d) as c:
            for _ in range(1000):
                assert c.recv_text() == "x"
            c.send_close(1000)
            assert c.messages()[1] == 1000
