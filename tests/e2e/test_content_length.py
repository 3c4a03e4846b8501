"""--framing=content-length: messages as language servers speak them."""

import pytest

from daemon import Daemon
from proc import SANITIZED, handler, standpipe
from test_framings import received
from wire import BINARY, CONTINUATION, TEXT, frame

MIB = 1 << 20


def message(payload, *fields):
    head = [f"Content-Length: {len(payload)}", *fields]
    return "".join(line + "\r\n" for line in [*head, ""]).encode() + payload


@pytest.fixture
def says(tmp_path):
    """A daemon whose command prints these bytes."""

    def make(data, *args):
        path = tmp_path / "data"
        path.write_bytes(data)
        return Daemon("--framing=content-length", *args, command=["cat", path])

    return make


@pytest.fixture
def daemon(mailbox):
    """One whose command tells what it has read."""
    def make(*args):
        return Daemon("--framing=content-length", "--kill=EOF:1m,KILL", *args,
                      command=[handler("tell-end"), mailbox.path])
    return make


def test_messages_of_either_type_arrive_behind_their_length(daemon, mailbox):
    long = "ü" * 100000
    with daemon() as d:
        data = received(d, mailbox, frame("{}"), frame(b"\xff", BINARY),
                        frame(""), frame(long))
    assert data == (message(b"{}") + message(b"\xff") + message(b"") +
                    message(long.encode()))


def test_fragments_are_gathered_first(daemon, mailbox):
    with daemon() as d:
        data = received(d, mailbox, frame("a", TEXT, fin=False),
                        frame("", CONTINUATION, fin=False),
                        frame("x" * 70000, CONTINUATION, fin=False),
                        frame("b", CONTINUATION), frame("next"))
    assert data == message(b"a" + b"x" * 70000 + b"b") + message(b"next")


def test_rule2_unfinished_message_is_never_completed(daemon, mailbox):
    with daemon() as d:
        data = received(d, mailbox, frame("whole"),
                        frame("part", TEXT, fin=False))
    assert data == message(b"whole")


def test_a_message_over_the_limit_reaches_the_program_not_at_all(
        daemon, mailbox):
    with daemon("--max-message=100000") as d:
        with d.session() as c:
            c.send_frame(b"x" * 90000, TEXT, fin=False)
            c.send_frame(b"x" * 10001, CONTINUATION)
            assert c.recv_close()[0] == 1009
            c.finish(1009)
        assert mailbox.line() == ""


def test_the_largest_message_passes_in_pieces(daemon, mailbox):
    with daemon("--max-message=1M") as d:
        parts = [frame(b"x" * (MIB // 16), TEXT if i == 0 else CONTINUATION,
                       fin=i == 15) for i in range(16)]
        assert received(d, mailbox, *parts) == message(b"x" * MIB)


def test_output_is_text_without_headers(says):
    data = (message(b"{}") + message(b"") +
            message("ü".encode(), "Content-Type: application/vscode-jsonrpc") +
            b"x-first: 1\r\ncontent-LENGTH:3\r\n\r\na\r\n" +
            message(b"y" * 300000))
    with says(data) as d:
        with d.session() as c:
            got = ["{}", "", "ü", "a\r\n", "y" * 300000]
            assert c.texts() == (got, 1000, "")
            c.finish(1000)


@pytest.mark.parametrize("data, reason", [
    (b"Hello\n", 'malformed header: "Hello\\n"'),
    (b"> ", 'malformed header: "> "'),
    (b"\n", 'malformed header: "\\n"'),
    (b"\xff\r\n", 'malformed header: "\\xff\\r\\n"'),
    (b"Content-Length: 1\n\na", 'malformed header: "Content-Length: 1\\n"'),
    (b"Content-Length: x\r\n\r\n",
     'malformed header: "Content-Length: x\\r\\n"'),
    (b"Content-Length: 9999999999\r\n\r\n",
     'header or message too long: "Content-Length: 9999"'),
    (b"A: " + b"x" * 5000, 'header or message too long: "A: ' + "x" * 17 + '"'),
    (b"A: b\r\n\r\n", "header without Content-Length"),
    (b"Content-Length: 2\r\n\r\nx", "output ended inside a record"),
    (b"Content-Le", "output ended inside a record"),
])
def test_rule4_what_is_no_header_is_1011_and_shown(says, data, reason):
    with says(message(b"fine") + data) as d:
        with d.session() as c:
            got, code, said = c.messages()
            assert (got[:1], code, said) == ([(TEXT, b"fine")], 1011, reason)
            c.finish(1011)


@pytest.mark.skipif(SANITIZED, reason="the sanitizers' memory is their own")
def test_a_message_that_memory_is_refused_for_ends_its_session_alone():
    part = frame(bytes(MIB), CONTINUATION, fin=False)
    with Daemon("--framing=content-length", "--max-message=1G", "--engines=1",
                wrap=["sh", "-c", 'ulimit -v 160000; exec "$0" "$@"']) as d:
        with d.session() as other, d.session() as c:
            c.send_frame(b"", BINARY, fin=False)
            for _ in range(150):
                c.send(part)
            assert c.recv_close() == (1011, "out of memory")
            c.finish(1011)
            other.send_frame("still here")
            assert other.bye() == ([(TEXT, b"still here")], 1000, "")


@pytest.mark.skipif(SANITIZED, reason="the sanitizers' memory is their own")
def test_a_message_that_waits_for_the_program_is_not_in_memory_twice(mailbox):
    part = frame(bytes(MIB), CONTINUATION, fin=False)
    with Daemon("--framing=content-length", "--max-message=96M", "--engines=1",
                wrap=["sh", "-c", 'ulimit -v 160000; exec "$0" "$@"'],
                command=["sh", "-c", 'wc -c >"$0"', mailbox.path]) as d:
        with d.session() as c:
            c.send_frame(b"", BINARY, fin=False)
            for _ in range(95):
                c.send(part)
            c.send_frame(bytes(MIB), CONTINUATION)
            assert c.bye() == ([], 1000, "")
        assert int(mailbox.line()) == len(message(bytes(96 * MIB)))


# ------------------------------------------------------------- the client


def test_the_client_prints_whole_messages_behind_their_length():
    """A line of that length comes in fragments."""
    with Daemon("--no-standpipe-protocol",
                command=["sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x; "
                         "echo; echo; echo ü"]) as d:
        r = standpipe("--framing=content-length", d.url)
    assert (r.stdout, r.returncode) == (
        message(b"x" * 200000) + message(b"") + message("ü".encode()), 0)


def octal(size):
    return "".join(f"\\{byte:03o}" for byte in size.to_bytes(4, "big"))


@pytest.mark.parametrize("args, size, status", [
    ([], 1 << 24, 0), ([], (1 << 24) + 1, 76),
    (["--max-message=10"], 11, 76)])
def test_the_client_gathers_up_to_a_limit(args, size, status):
    with Daemon("--no-standpipe-protocol", "--framing=frames", command=[
            "sh", "-c", f"printf 'T{octal(size)}'; head -c {size} /dev/zero"
    ]) as d:
        r = standpipe("--framing=content-length", *args, d.url)
    assert r.returncode == status
    assert r.stdout == (message(bytes(size)) if status == 0 else b"")


def test_the_client_reads_messages_and_names_what_is_none():
    with Daemon("--no-standpipe-protocol") as d:
        r = standpipe("--framing=content-length", d.url,
                      input=message(b"a") + b"Hello\n")
    assert b'the input: malformed header: "Hello\\n"' in r.stderr
    assert r.returncode == 2
