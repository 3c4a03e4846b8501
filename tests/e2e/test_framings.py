"""Messages <-> a program's bytes: every framing in both directions."""

import pytest

from daemon import Daemon
from proc import Mailbox, handler
from wire import (BINARY, CONTINUATION, PING, TEXT, close_payload, frame,
                  joined, record, records)


def received(d, mailbox, *frames, close=(1000,)):
    """What the command (tell-end) read, for these frames."""
    with d.session(behind=b"".join(frames)) as c:
        c.send_close(*close)
        data = bytes.fromhex(mailbox.line())
        assert c.recv_close()[0] == (close[0] if close else None) or not close
    return data


# ----------------------------------------------------- client to program

LONG = "ü" * 100000


@pytest.mark.parametrize("framing, want", [
    ("lines", [b"text\n", b"bin\xff\n", b"\n", b"a\nb\n", b" x \t\r\n",
               LONG.encode() + b"\n", b"abc\n"]),
    ("binary", [b"text", b"bin\xff", b"", b"a\nb", b" x \t\r",
                LONG.encode(), b"abc"]),
    ("text", [b"text", b"bin\xff", b"", b"a\nb", b" x \t\r",
              LONG.encode(), b"abc"]),
    ("nul", [b"text\0", b"bin\xff\0", b"\0", b"a\nb\0", b" x \t\r\0",
             LONG.encode() + b"\0", b"abc\0"]),
])
def test_F10_F12_F13_F16_F17_messages_of_either_type_arrive_unaltered(
        framing, want, mailbox):
    frames = [
        frame("text"), frame(b"bin\xff", BINARY), frame(""), frame("a\nb"),
        frame(" x \t\r"), frame(LONG),
        frame("", TEXT, fin=False) + frame("abc", CONTINUATION)]
    with Daemon(f"--framing={framing}",
                command=[handler("tell-end"), mailbox.path]) as d:
        assert received(d, mailbox, *frames) == b"".join(want)


def test_F16_empty_messages_are_messages():
    with Daemon() as d:
        with d.session() as c:
            for opcode in TEXT, BINARY, TEXT:
                c.send_frame(b"", opcode)
                assert c.recv_message() == (TEXT, b"")
            c.send_frame(b"", TEXT, fin=False)
            c.send_frame(b"", CONTINUATION, fin=False)
            c.send_frame(b"", CONTINUATION)
            assert c.recv_message() == (TEXT, b"")
            c.bye()


def test_F16_an_empty_message_under_binary_is_no_end(mailbox):
    with Daemon("--framing=binary") as d:
        with d.session() as c:
            c.send_binary(b"")
            c.send_text("")
            c.send_binary(b"x")
            assert c.recv_binary() == b"x"
            c.bye()


def test_F17_empty_first_fragment():
    with Daemon() as d:
        with d.session() as c:
            c.send_frame(b"", TEXT, fin=False)
            c.send_frame(b"abc", CONTINUATION)
            assert c.recv_text() == "abc"
            c.bye()


def test_F11_newline_passes_by_default_and_is_refused_on_request(mailbox):
    with Daemon() as d:
        with d.session() as c:
            c.send_text("one\ntwo")
            assert [c.recv_text(), c.recv_text()] == ["one", "two"]
            c.bye()
    with Daemon("--multiline=refuse",
                command=[handler("tell-end"), mailbox.path]) as d:
        with d.session() as c:
            c.send_text("fine")
            c.send_text("one\ntwo")
            assert c.recv_close()[0] == 1003
            c.finish(1003)
        assert bytes.fromhex(mailbox.line()).startswith(b"fine\n")


def test_rule2_unfinished_message_is_never_completed(tmp_path):
    for framing, delimiter in ("lines", b"\n"), ("nul", b"\0"):
        with Mailbox(tmp_path, framing) as box:
            with Daemon(f"--framing={framing}",
                        command=[handler("tell-end"), box.path]) as d:
                data = received(d, box, frame("whole"),
                                frame("part", TEXT, fin=False))
        assert data in (b"whole" + delimiter, b"whole" + delimiter + b"part")


def test_rule6_a_message_streams_through_before_it_is_whole():
    with Daemon("--framing=binary") as d:
        with d.session() as c:
            head = frame(b"", BINARY, length=1 << 20, mask=b"\0\0\0\0")
            c.send(head + b"first")
            assert c.recv_binary() == b"first"
            c.send(b"second")
            assert c.recv_binary() == b"second"
            c.reset()


def test_F23_message_limit_counts_all_fragments():
    with Daemon("--framing=binary", "--max-message=1000") as d:
        with d.session() as c:
            c.send_binary(bytes(1000))
            c.send(b"".join([frame(bytes(500), BINARY, fin=False),
                             frame(bytes(500), CONTINUATION)]))
            got = b""
            while len(got) < 2000:
                got += c.recv_binary()
            c.send_binary(bytes(500), fin=False)
            c.send_frame(bytes(501), CONTINUATION)
            got, code, reason = c.messages()
            assert code == 1009 and reason
            assert sum(len(payload) for _, payload in got) <= 1000
            c.finish(1009)
        assert d.session_end()["close"] == "1009"


@pytest.mark.parametrize("option, size", [
    ("--max-message=1K", 1024), ("--maxframesize=2048", 2048)])
def test_message_too_big_is_noticed_from_the_head(option, size):
    with Daemon("--framing=lines", option) as d:
        with d.session() as c:
            c.send_text("x" * size)
            assert c.recv_text() == "x" * size
            c.send(frame(b"", TEXT, length=size + 1))
            assert c.recv_close()[0] == 1009
            c.finish(1009)


def test_no_message_limit():
    with Daemon("--framing=binary", "--max-message=0",
                command=["sh", "-c", "wc -c"]) as d:
        with d.session() as c:
            for _ in range(3):
                c.send_binary(bytes(9 << 20))
            c.send_close(1000)
            assert c.recv_binary().strip() == b"%d" % (27 << 20)


def test_default_message_limit_is_16_mib():
    with Daemon("--framing=binary", command=["sh", "-c", "wc -c"]) as d:
        with d.session() as c:
            c.send(frame(b"", BINARY, length=(16 << 20) + 1))
            got, code, _ = c.messages()
            assert code == 1009


# ----------------------------------------------------- program to client


@pytest.mark.parametrize("text, want", [
    ("a\\nb\\r\\nc\\n", ["a", "b", "c"]),
    ("\\n\\r\\n\\n", ["", "", ""]),
    ("  a \\t\\n", ["  a \t"]),
    ("a\\rb\\n", ["a\rb"]),
    ("a\\r\\r\\n", ["a\r"]),
    ("a\\0b\\n", ["a\0b"]),
])
def test_F13_lines_lose_their_terminator_and_nothing_else(text, want):
    with Daemon(command=["printf", text]) as d:
        with d.session() as c:
            assert c.texts() == (want, 1000, "")


def test_F14_long_line_is_one_message_in_fragments():
    line = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo short"
    with Daemon(command=["sh", "-c", line]) as d:
        with d.session() as c:
            assert c.texts() == (["x" * 300000, "short"], 1000, "")
            assert c.frames > 3


def test_F15_line_without_end_leaves_as_it_comes():
    line = "head -c 300000 /dev/zero | tr '\\0' x; read -r x; echo end"
    with Daemon(command=["sh", "-c", line]) as d:
        with d.session() as c:
            got = 0
            while got < 200000:  # the rest may be held: 64 KiB
                opcode, payload, last = c.recv_fragment()
                assert opcode == TEXT and not last
                got += len(payload)
            c.send_text("")
            while not last:
                _, payload, last = c.recv_fragment()
                got += len(payload)
            assert got == 300003
            assert payload.endswith(b"end")


def test_F8_lines_are_whole_characters_in_every_fragment():
    line = "i=0; while [ $i -lt 6000 ]; do printf %s aäöüß漢字𝄞xyz; " \
           "i=$((i+1)); done"
    with Daemon(command=["sh", "-c", line]) as d:
        with d.session() as c:
            assert c.texts()[0] == ["aäöüß漢字𝄞xyz" * 6000]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_F8_text_is_cut_only_between_characters(size):
    octets = "€".encode()
    words = ["".join("\\%03o" % b for b in part)
             for part in (octets[:size], octets[size:]) if part]
    words = words or [""]
    with Daemon("--framing=text", command=[
            handler("in-pieces"), "ab" + words[0], *words[1:], "end"]) as d:
        with d.session() as c:
            if size < 3:
                assert c.recv_text() == "ab"
                c.silent(0.1)  # neither half a character nor an empty message
                c.send_text("\n")
                assert c.recv_text() == "€"
            else:
                assert c.recv_text() == "ab€"
            c.send_text("\n")
            assert c.recv_text() == "end"
            c.bye()


def test_F8_no_message_for_the_beginning_of_a_character():
    with Daemon("--framing=text", command=[
            handler("in-pieces"), "\\360", "\\237\\230", "\\200"]) as d:
        with d.session() as c:
            c.silent(0.1)
            c.send_text("\n")
            c.silent(0.1)
            c.send_text("\n")
            assert c.recv_text() == "😀"
            c.bye()


@pytest.mark.parametrize("framing", ["lines", "text", "nul"])
def test_F8_F9_incomplete_character_at_the_end_is_replaced(framing):
    with Daemon(f"--framing={framing}", command=["printf", "a\\303"]) as d:
        with d.session() as c:
            texts, code, _ = c.texts()
            assert ("".join(texts), code) == ("a\ufffd", 1000)


@pytest.mark.parametrize("framing, end", [
    ("lines", "\\n"), ("text", ""), ("nul", "\\0")])
def test_F9_rule7_invalid_output_is_replaced_and_logged_once(framing, end):
    text = f"a\\377b{end}c\\300\\257d{end}\\355\\240\\200{end}"
    with Daemon(f"--framing={framing}", command=["printf", text]) as d:
        with d.session() as c:
            texts, code, _ = c.texts()
            assert code == 1000
            joint = "".join(texts)
            assert joint.startswith("a\ufffdbc\ufffd") and "d\ufffd" in joint
            assert set(joint) == set("abcd\ufffd")
            c.finish(1000)
        d.session_end()
        assert len(d.logged(r"(?i)utf-?8")) == 1


@pytest.mark.parametrize("framing, end", [
    ("lines", "\\n"), ("text", ""), ("nul", "\\0"), ("frames", None)])
def test_F9_invalid_output_closes_on_request(framing, end):
    text = f"ok{end}a\\377b{end}" if end is not None else "T\\0\\0\\0\\1\\377"
    with Daemon(f"--framing={framing}", "--invalid-utf8=close",
                command=["printf", text]) as d:
        with d.session() as c:
            texts, code, reason = c.texts()
            assert code == 1011 and reason
            assert not any("\ufffd" in text for text in texts)
            c.finish(1011)


def test_F9_binary_is_not_looked_at():
    with Daemon("--binary", "--invalid-utf8=close", command=[
            "printf", "\\377\\300"]) as d:
        with d.session() as c:
            assert c.stream() == (b"\xff\xc0", 1000, "")


def test_F9_invalid_text_from_the_client_is_1007():
    with Daemon() as d:
        with d.session() as c:
            c.send_text(b"a\xff")
            assert c.recv_close()[0] == 1007
            c.finish(1007)
        with d.session() as c:  # but binary messages are bytes
            c.send_binary(b"\xc3\xa4")
            assert c.recv_text() == "ä"


def test_F24_outgoing_frames_are_bounded():
    with Daemon("--framing=binary", "--max-pipe=1M", command=[
            "head", "-c", "8388608", "/dev/zero"]) as d:
        with d.session() as c:
            assert len(c.stream()[0]) == 8 << 20
            assert c.largest <= 1 << 20


@pytest.mark.parametrize("framing, type_", [
    ("lines", TEXT), ("binary", BINARY), ("text", TEXT), ("nul", TEXT)])
def test_P16_rule6_two_mebibytes_come_back(framing, type_):
    data = bytes(range(32, 127)) * 22077
    with Daemon(f"--framing={framing}") as d:
        with d.session() as c:
            c.send_frame(data, type_)
            got = b""
            while len(got) < len(data):
                opcode, payload = c.recv_message()
                assert opcode == type_
                got += payload
            assert got == data
            c.bye()


def test_stdio_programs_print_and_answer():
    with Daemon(command=["sort"]) as d:
        with d.session() as c:
            for word in "c", "a", "b":
                c.send_text(word)
            assert c.bye() == ([(TEXT, b"a"), (TEXT, b"b"), (TEXT, b"c")],
                               1000, "")


# ---------------------------------------------------------- whole messages


READS = """
import os, sys
with open(sys.argv[1], "w", buffering=1) as out:
    while data := os.read(0, 1 << 20):
        print(len(data), file=out)
"""


def cut(payload, size):
    """A message in fragments of that size, each in two frames' halves."""
    parts = [payload[at:at + size] for at in range(0, len(payload), size)]
    for i, part in enumerate(parts):
        data = frame(part, CONTINUATION if i else BINARY,
                     fin=i == len(parts) - 1)
        yield from (data[:len(data) // 2], data[len(data) // 2:])


@pytest.mark.parametrize("args, around", [
    (["--framing=binary", "--whole-messages"], 0),
    (["--framing=text", "--whole-messages"], 0),
    (["--framing=lines", "--whole-messages"], 1),
    (["--framing=nul", "--whole-messages"], 1),
    (["--framing=frames", "--whole-messages"], 5),
    (["--compat=websocketd", "--binary"], 0),
    (["--compat=websocketd"], 1),
])
def test_fault_G2_a_message_is_one_write(args, around, mailbox, tmp_path):
    with Daemon(*args, unixsocket=tmp_path / "socket",
                command=["python3", "-c", READS, mailbox.path]) as d:
        with d.session() as c:
            for size in 0, 1, 5000, 20000:
                if size + around == 0:
                    continue
                for data in cut(bytes(size), 4096) if size else [frame(b"")]:
                    c.send(data)
                assert mailbox.line() == str(size + around)
            c.bye()


@pytest.mark.parametrize("whole", [False, True])
def test_fault_G2_fragments_wait_for_the_last(whole, mailbox):
    with Daemon("--framing=binary", *["--whole-messages"][:whole],
                command=["python3", "-c", READS, mailbox.path]) as d:
        with d.session() as c:
            c.send(frame(b"one ", TEXT, fin=False))
            c.send_ping()
            c.recv_pong()
            if not whole:
                assert mailbox.line() == "4"
            c.send(frame(b"two", CONTINUATION))
            assert mailbox.line() == ("7" if whole else "3")
            c.bye()


@pytest.mark.parametrize("size", [65535, 65536, 65537, 1 << 20])
def test_fault_G2_what_is_too_long_goes_on_as_it_comes(size):
    sent = bytes(range(256)) * (size // 256) + bytes(size % 256)
    with Daemon("--framing=frames", "--whole-messages") as d:
        with d.session() as c:
            for _ in range(2):
                for data in cut(sent, 30000):
                    c.send(data)
                assert c.recv_message() == (BINARY, sent)
                c.send_text("short")
                assert c.recv_message() == (TEXT, b"short")
            c.bye()


def test_fault_G2_what_is_never_completed_does_not_come(mailbox):
    with Daemon("--framing=frames", "--whole-messages",
                command=[handler("tell-end"), mailbox.path]) as d:
        data = received(d, mailbox, frame("a", TEXT, fin=False))
    assert records(data) == [("C", close_payload(1000))]


# ----------------------------------------------------------------- frames


def test_frames_records_to_the_program(tmp_path):
    with Mailbox(tmp_path) as box:
        with Daemon("--framing=frames",
                    command=[handler("tell-end"), box.path]) as d:
            data = received(
                d, box, frame("text"), frame(b"\xff\0", BINARY), frame(""),
                frame("a", TEXT, fin=False) + frame(b"ping", PING) +
                frame("", CONTINUATION, fin=False) + frame("b", CONTINUATION),
                frame(bytes(70000), BINARY), close=(4321, "why"))
    assert joined(records(data)) == [
        ("T", b"text"), ("B", b"\xff\0"), ("T", b""), ("T", b"ab"),
        ("B", bytes(70000)), ("C", close_payload(4321, "why"))]


@pytest.mark.parametrize("close, want", [
    ((), b""), ((1000,), close_payload(1000)),
    ((3000, "ä"), close_payload(3000, "ä"))])
def test_frames_close_record(close, want, mailbox):
    with Daemon("--framing=frames",
                command=[handler("tell-end"), mailbox.path]) as d:
        with d.session() as c:
            c.send_close(*close)
            assert records(bytes.fromhex(mailbox.line())) == [("C", want)]


@pytest.mark.parametrize("answer, want", [
    (record("C", close_payload(4321, "so long")), (4321, "so long")),
    (record("T", "x") + record("C", close_payload(3000)), (3000, "")),
    (record("C"), (None, "")),
    (record("T", "x"), (4000, "")),            # no C: the client's code
    (record("C", close_payload(1005)), (4000, "")),  # none that may be sent
], ids=repr)
def test_fault_G4_the_program_answers_a_close(answer, want, tmp_path):
    path = tmp_path / "answer"
    path.write_bytes(answer)
    with Daemon("--framing=frames", "--close-drain=1m", command=[
            "sh", "-c", 'cat >/dev/null; cat "$0"', path]) as d:
        with d.session() as c:
            c.send_close(4000, "bye")
            got, *close = c.messages()
            assert tuple(close) == want
            assert got == ([(TEXT, b"x")] if b"x" in answer else [])
            assert c.ending() == "eof"
        d.wait_log("session ends .* close=4000 reason=bye ")


def test_fault_G4_cat_echoes_a_reason():
    with Daemon("--framing=frames") as d:
        with d.session() as c:
            assert c.bye(4000, "why") == ([], 4000, "why")


def test_fault_G4_a_fault_has_its_own_code():
    with Daemon("--framing=frames", "--close-drain=1m", command=[
            "sh", "-c", "cat >/dev/null; "
            r"printf 'C\0\0\0\2\017\240'"]) as d:
        with d.session() as c:
            c.send(frame("x", 3))
            assert c.recv_close()[0] == 1002
            c.reset()


def test_frames_lost_client_gives_no_close_record(mailbox):
    with Daemon("--framing=frames",
                command=[handler("tell-end"), mailbox.path]) as d:
        with d.session() as c:
            c.send_text("x")
            c.send_ping()
            c.recv_pong()
            c.reset()
            assert records(bytes.fromhex(mailbox.line())) == [("T", b"x")]


def test_frames_unfinished_message_stays_unfinished(mailbox):
    with Daemon("--framing=frames",
                command=[handler("tell-end"), mailbox.path]) as d:
        data = received(d, mailbox, frame("a", TEXT, fin=False))
    kinds = [kind for kind, _ in records(data)]
    assert "T" not in kinds and kinds[-1] == "C"


@pytest.fixture
def says(tmp_path):
    """A daemon whose command prints these bytes, and waits if told to."""

    def make(data, then="", *args):
        path = tmp_path / "data"
        path.write_bytes(data)
        return Daemon("--framing=frames", *args, command=[
            "sh", "-c", f'cat "$0"; {then}', path])

    return make


def test_frames_records_from_the_program(says):
    data = (record("T", "text") + record("B", b"\xff") + record("T") +
            record("t", "a") + record("P", "hello") + record("t", "ä") +
            record("T", "c") + record("b", b"\0") + record("B", b"\1") +
            record("B", bytes(200000)))
    with says(data) as d:
        with d.session() as c:
            assert c.messages() == (
                [(TEXT, b"text"), (BINARY, b"\xff"), (TEXT, b""),
                 (TEXT, "aäc".encode()), (BINARY, b"\0\1"),
                 (BINARY, bytes(200000))], 1000, "")
            assert c.pings == [b"hello"]
            c.finish(1000)


def test_frames_a_part_is_sent_before_the_message_is_whole(says):
    with says(record("t", "part"), "read -r x") as d:
        with d.session() as c:
            assert c.recv_fragment() == (TEXT, b"part", False)
            c.reset()


def test_frames_program_closes_with_a_code(says):
    with says(record("T", "x") + record("C", close_payload(4000, "bye")),
              "exit 3") as d:
        with d.session() as c:
            assert c.texts() == (["x"], 4000, "bye")
            c.finish(4000)


def test_frames_program_closes_and_stays(says):
    with says(record("C", close_payload(1000)), "exec sleep 1000",
              "--kill=EOF:50ms,TERM:50ms,KILL") as d:
        with d.session() as c:
            assert c.recv_close() == (1000, "")
            c.finish(1000)
        d.no_commands(5)


@pytest.mark.parametrize("data", [
    record("X", "what"), record("\0"), record("t", "open"),
    record("T", "cut")[:-1], record("T", "cut")[:3], b"T",
    record("t", "a") + record("b", "b"), record("t", "a") + record("B", "b"),
    record("P", bytes(126)), record("C", close_payload(1000, "x" * 124)),
    record("C", close_payload(1005)), record("C", close_payload(1006)),
    record("C", close_payload(1015)), record("C", close_payload(999)),
    record("C", close_payload(5000)), record("C", b"\3"),
    record("C", close_payload(4000, b"\xff")),
    b"\n", b"hello\n",
], ids=repr)
def test_rule4_malformed_records_are_1011(says, data):
    with says(record("T", "fine") + data) as d:
        with d.session() as c:
            got, code, reason = c.messages()
            assert got[:1] == [(TEXT, b"fine")]
            assert code == 1011 and reason
            c.finish(1011)


def test_F1_program_closes_without_a_code(says):
    with says(record("C"), "cat >/dev/null") as d:
        with d.session() as c:
            assert c.recv_close()[0] in (None, 1000)


def test_frames_echo_is_faithful():
    with Daemon("--framing=frames") as d:
        with d.session() as c:
            sent = [(TEXT, "äöü".encode()), (BINARY, b"\xff"), (TEXT, b""),
                    (BINARY, b""), (TEXT, b"line\n\r\n\0"),
                    (BINARY, bytes(range(256)) * 1000)]
            for opcode, payload in sent:
                c.send_frame(payload, opcode)
            assert [c.recv_message() for _ in sent] == sent
            assert c.bye(4100, "reason")[:2] == ([], 4100)
