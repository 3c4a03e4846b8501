"""The client with standpipe.v1: a program behind it is as if it ran here."""

import signal
import subprocess

import pytest

import soak
from answers import CLOSE_1000, Answers, agree
from standpipe import PATIENCE, STANDPIPE, Daemon, standpipe


@pytest.fixture(params=["lines", "binary", "nul", "text"])
def framing(request):
    return request.param


def test_C2_the_end_of_input_reaches_the_program():
    with Daemon(command=["sort"]) as d:
        r = standpipe(d.url, input=b"b\na\n")
    assert (r.stdout, r.stderr, r.returncode) == (b"a\nb\n", b"", 0)


def test_bytes_come_back_as_they_went(framing):
    data = bytes(range(256)) * 4000 + b"\r\n\n\0no end"
    with Daemon(f"--framing={framing}") as d:
        r = standpipe(d.url, input=data)
    assert r.returncode == 0 and r.stderr == b"" and r.stdout == data


def test_exit_status_and_standard_error():
    with Daemon("--stderr=both", command=[
            "sh", "-c", "echo out; echo err >&2; exit 42"]) as d:
        r = standpipe(d.url)
    assert (r.stdout, r.stderr, r.returncode) == (b"out\n", b"err\n", 42)


def test_a_large_standard_error_is_whole():
    with Daemon("--stderr=both", command=[
            "sh", "-c", "seq 100000 >&2; echo done"]) as d:
        r = standpipe(d.url)
    want = b"".join(b"%d\n" % n for n in range(1, 100001))
    assert r.stdout == b"done\n" and r.stderr == want


def test_messages_when_a_framing_is_asked_for():
    with Daemon("--framing=frames", command=["cat"]) as d:
        r = standpipe("--framing=lines", d.url, input=b"a\nb\n")
    assert r.stdout == b"a\nb\n"


def test_count_is_of_lines():
    with Daemon(command=["sh", "-c", "seq 1000; sleep 1000"]) as d:
        r = standpipe("-n", "--count=3", d.url)
        assert (r.stdout, r.returncode) == (b"1\n2\n3\n", 0)
        d.no_commands()


def test_count_counts_a_line_that_has_no_end():
    with Daemon(command=["printf", "a\\nb"]) as d:
        r = standpipe("-n", "--count=2", d.url)
    assert r.stdout == b"a\nb\n"


def test_the_programs_subprotocol_is_inside():
    with Daemon("--subprotocol=chat", command=[
            "sh", "-c", "echo $STANDPIPE_PROTOCOL"]) as d:
        r = standpipe("--subprotocol=other", "--subprotocol=chat", d.url)
        assert r.stdout == b"chat\n"
        r = standpipe(d.url)
        assert r.stdout == b"\n"


@pytest.mark.parametrize("where", ["daemon", "client"])
def test_it_can_be_turned_off(where):
    off = ["--no-standpipe-protocol"]
    with Daemon(*(off if where == "daemon" else []), command=[
            "sh", "-c", "echo $HTTP_SEC_WEBSOCKET_PROTOCOL; read x; exit 5"
            ]) as d:
        r = standpipe(*(off if where == "client" else []), d.url, input=b"x\n")
    assert r.returncode == 5
    assert r.stdout == (b"standpipe.v1\n" if where == "daemon" else b"\n")


def test_a_server_that_repeats_what_it_is_offered_does_not_mean_it():
    with Daemon("--no-standpipe-protocol", "--subprotocol=standpipe.v1",
                command=["sh", "-c", "read x; echo got $x; exit 5"]) as d:
        r = standpipe(d.url, input=b"x\n")
    assert (r.stdout, r.returncode) == (b"got x\n", 5)


def test_a_server_that_wants_none_of_it_is_asked_again():
    no = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

    def yes(head):
        return agree(head, more=b"\x81\x01x" + CLOSE_1000)

    with Answers(no, yes) as server:
        r = standpipe(server.url)
    assert [b"standpipe.v1" in head for head in server.heads] == [True, False]
    assert (r.stdout, r.stderr, r.returncode) == (b"x\n", b"", 0)
    with Answers(no, no) as server:
        r = standpipe(server.url)
    assert b"refused: 400" in r.stderr and r.returncode == 77


def test_much_input_for_a_program_that_reads_late():
    with Daemon("--binary", command=["sh", "-c", "read go; wc -c"]) as d:
        r = standpipe(d.url, input=b"\n" + bytes(8 << 20))
    assert r.stdout.strip() == str(8 << 20).encode()


# --------------------------------------------------------------- signals

TRAPS = ["sh", "-c", "trap 'echo int; exit 7' INT; trap 'echo term' TERM; "
         "echo ready; while :; do sleep 0.05; done"]


@pytest.fixture
def running():
    """A client of a program with traps, which is ready."""
    with Daemon(command=TRAPS) as d:
        with subprocess.Popen([STANDPIPE, d.url], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as p:
            assert p.stdout.readline() == b"ready\n"
            yield p
        d.no_commands()


def test_an_interrupt_is_for_the_program(running):
    running.send_signal(signal.SIGINT)
    assert running.stdout.readline() == b"int\n"
    assert running.wait(PATIENCE) == 7


def test_a_second_signal_soon_after_is_for_us(running):
    running.send_signal(signal.SIGTERM)
    assert running.stdout.readline() == b"term\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE) == -signal.SIGTERM


def test_a_signal_that_may_not_be_passed_on_is_for_us(running):
    running.send_signal(signal.SIGHUP)
    assert running.wait(PATIENCE) == -signal.SIGHUP


# ----------------------------------------------------------------- much


@pytest.mark.parametrize("word", ["off", "on"])
def test_much_there_and_back(word):
    soak.pump(24 << 20, 1, [f"--compression={word}"])
