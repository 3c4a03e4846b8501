"""The client with standpipe.v1: a program behind it is as if it ran here."""

import array
import fcntl
import os
import signal
import subprocess
import termios

import pytest

import soak
from answers import CLOSE_1000, Answers, agree
from daemon import Daemon
from proc import PATIENCE, STANDPIPE, pause, standpipe, until


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


@pytest.mark.parametrize("options", [
    ["-b"], ["--binary"], ["--framing=binary"],
    ["-b", "--standpipe-protocol=subprotocol"]])
def test_fault_F13_binary_means_the_bytes_as_they_are(framing, options):
    with Daemon(f"--framing={framing}") as d:
        for data in (b"abc", b"", bytes(range(256)) * 4000 + b"\r\n\0no end"):
            r = standpipe(*options, d.url, input=data)
            assert (r.returncode, r.stderr) == (0, b"")
            assert r.stdout == data


def test_fault_F13_so_it_does_for_files(framing, tmp_path):
    files = [tmp_path / "one", tmp_path / "two"]
    for path, data in zip(files, (bytes(range(256)) * 1000, b"abc")):
        path.write_bytes(data)
    with Daemon(f"--framing={framing}") as d:
        r = standpipe("-b", d.url, *files)
    assert (r.returncode, r.stderr) == (0, b"")
    assert r.stdout == b"".join(path.read_bytes() for path in files)


def test_fault_F13_and_for_commands(framing):
    with Daemon(f"--framing={framing}") as d:
        r = standpipe("-b", d.url, "--", "sh", "-c",
                      "printf abc; exec >&-; cat >&2")
    assert (r.returncode, r.stderr) == (0, b"abc")


def test_fault_F13_where_there_are_messages_there_still_are():
    with Daemon("--framing=frames") as d:
        r = standpipe("-b", d.url, input=b"abc")
    assert (r.returncode, r.stdout, r.stderr) == (0, b"abc", b"")


def test_fault_F13_nobody_can_promise_it_for_another_server():
    with Daemon("--no-standpipe-protocol") as d:
        r = standpipe("-v", "-b", "-c1", d.url, input=b"abc")
    assert b"what becomes of bytes is up to the server" in r.stderr


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
            "sh", "-c", "echo $HTTP_STANDPIPE_PROTOCOL; read x; exit 5"
            ]) as d:
        r = standpipe(*(off if where == "client" else []), d.url, input=b"x\n")
    assert r.returncode == 5
    assert r.stdout == (b"v1\n" if where == "daemon" else b"\n")


# --------------------------------------------------------------- the offer

FIELD = b"Standpipe-Protocol: v1"
PROTOCOL = b"Sec-WebSocket-Protocol"
CHOSEN = PROTOCOL + b": chat"
REFUSALS = [b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % line for line in (
    b"400 Bad Request", b"401 Unauthorized", b"403 Forbidden",
    b"426 No Sec-WebSocket-Protocols requested supported",
    b"500 Internal Server Error", b"501 Not Implemented")]


def for_nobody_but_chat(otherwise):
    """A server that knows one subprotocol; to another offer it says that."""
    def answer(head):
        if PROTOCOL not in head:
            return agree(head, more=b"\x81\x01x" + CLOSE_1000)
        if CHOSEN + b"\r\n" in head:
            return agree(head, CHOSEN, more=b"\x81\x01x" + CLOSE_1000)
        return agree(head, CHOSEN) if otherwise is None else otherwise
    return answer


@pytest.mark.parametrize("otherwise", [
    *REFUSALS, b"", None], ids=lambda o: str(o and o[9:12]))
@pytest.mark.parametrize("options", [
    [], ["--subprotocol=chat"], ["--reconnect", "--reconnect-tries=1"]])
def test_fault_F1_servers_that_fail_at_an_unknown_offer(otherwise, options):
    with Answers(for_nobody_but_chat(otherwise)) as server:
        r = standpipe(*options, server.url)
    assert (r.stdout, r.stderr, r.returncode) == (b"x\n", b"", 0)
    assert FIELD.decode() in server.head


@pytest.mark.parametrize("otherwise", REFUSALS, ids=lambda o: str(o[9:12]))
def test_fault_F1_nobody_is_asked_twice(otherwise):
    with Answers(otherwise) as server:
        r = standpipe(server.url)
    assert r.returncode == 77 and len(server.heads) == 1


@pytest.mark.parametrize("options", [[], ["--subprotocol=chat"]])
@pytest.mark.parametrize("way", ["field", "subprotocol", "off"])
def test_fault_F1_how_it_is_offered(way, options):
    with Answers(lambda head: agree(head, more=CLOSE_1000)) as server:
        r = standpipe(f"--standpipe-protocol={way}", *options, server.url)
    assert r.returncode == 0
    offered = ["standpipe.v1"] * (way == "subprotocol") + ["chat"] * len(
        options)
    assert (FIELD.decode() in server.head) == (way == "field")
    assert (PROTOCOL.decode() in server.head) == bool(offered)
    assert ", ".join(offered) in server.head


@pytest.mark.parametrize("way", ["field", "subprotocol"])
@pytest.mark.parametrize("join", ["stdin", "exec", "reconnect"])
def test_fault_F1_both_ways_lead_there(way, join):
    how = f"--standpipe-protocol={way}"
    with Daemon("--subprotocol=chat", command=[
            "sh", "-c", "cat; echo $STANDPIPE_PROTOCOL; exit 5"]) as d:
        if join == "exec":
            r = standpipe(how, "-schat", d.url, "--", "sh", "-c",
                          "echo a; exec >&-; cat >&2")
            assert r.stderr == b"a\nchat\n"
        else:
            more = ["--reconnect"] if join == "reconnect" else []
            r = standpipe(how, "-schat", *more, d.url, input=b"a\n")
            assert (r.stdout, r.stderr) == (b"a\nchat\n", b"")
        assert r.returncode == 5


@pytest.mark.parametrize("fields", [
    [], [FIELD], [b"Standpipe-Protocol: v1, v1"], [b"standpipe-protocol: V1"],
    [FIELD, FIELD], [b"Standpipe-Protocol:"], [b"Standpipe-Protocol: v2"]])
def test_fault_F1_a_server_that_repeats_fields_does_not_mean_it(fields):
    def echo(head):
        return agree(head, *fields, more=b"\x81\x01x" + CLOSE_1000)

    with Answers(echo) as server:
        r = standpipe("-v", server.url)
    assert (r.stdout, r.returncode) == (b"x\n", 0)
    assert b"standpipe.v1 was offered and not answered" in r.stderr


@pytest.mark.parametrize("options", [
    ["--no-standpipe-protocol"], ["--standpipe-protocol=off"],
    ["--framing=hex"]])
def test_fault_F1_an_answer_to_no_offer_is_none(options):
    def agreed(head):
        return agree(head, b"Standpipe-Protocol: v1-agreed",
                     more=b"\x82\x01x" + CLOSE_1000)

    with Answers(agreed) as server:
        r = standpipe("-v", *options, server.url)
    assert r.stdout in (b"x\n", b"78\n") and r.returncode == 0
    assert b"was offered" not in r.stderr


def test_fault_F1_a_server_that_repeats_subprotocols_does_not_mean_it():
    with Daemon("--no-standpipe-protocol", "--subprotocol=standpipe.v1",
                command=["sh", "-c", "read x; echo got $x; exit 5"]) as d:
        r = standpipe("--standpipe-protocol=subprotocol", d.url, input=b"x\n")
    assert (r.stdout, r.returncode) == (b"got x\n", 5)


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


def test_fault_A8_a_second_signal_is_for_us_however_late(tmp_path):
    """Nobody takes the output, and the program does not mind the signal."""
    told = tmp_path / "told"
    with Daemon(command=["sh", "-c", f"trap 'echo >{told}' TERM; "
                         "head -c 3000000 /dev/zero & "
                         "while :; do sleep 0.05; done"]) as d:
        with subprocess.Popen([STANDPIPE, "-b", d.url], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as p:
            until(lambda: waiting_in(p.stdout) > 60000, "full pipe")
            p.send_signal(signal.SIGTERM)
            until(told.exists, "signal that was passed on")
            p.send_signal(signal.SIGTERM)
            assert p.wait(PATIENCE) == -signal.SIGTERM


@pytest.mark.parametrize("agreed", [True, False])
def test_fault_A8_one_TERM_is_enough_where_nobody_takes_the_output(agreed):
    how = [] if agreed else ["--standpipe-protocol=off"]
    with Daemon("--binary", command=["cat", "/dev/zero"]) as d:
        with subprocess.Popen([STANDPIPE, "-n", "--close-timeout=300ms", *how,
                               d.url], stdout=subprocess.PIPE) as p:
            until(lambda: waiting_in(p.stdout) > 60000, "full pipe")
            p.send_signal(signal.SIGTERM)
            assert p.wait(PATIENCE) == -signal.SIGTERM


def test_fault_A8_output_that_is_taken_slowly_is_waited_for():
    """For several times --close-timeout, and to the program's own end."""
    say = "trap 'seq 1 60000; exit 3' HUP; echo; while :; do sleep 0.05; done"
    want = b"\n" + b"".join(b"%d\n" % n for n in range(1, 60001))
    with Daemon("--client-signals=HUP", command=["sh", "-c", say]) as d:
        with subprocess.Popen([STANDPIPE, "-n", "--close-timeout=500ms", d.url],
                              stdout=subprocess.PIPE) as p:
            got = os.read(p.stdout.fileno(), 1)
            p.send_signal(signal.SIGHUP)
            while more := os.read(p.stdout.fileno(), 4096):
                got += more
                pause(0.025)
            assert p.wait(PATIENCE) == 3 and got == want


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP])
def test_fault_A8_it_ends_by_the_signal_that_it_got(sig):
    with Daemon("--binary", "--client-signals=TERM,HUP",
                command=["sh", "-c", "trap '' TERM HUP; cat /dev/zero"]) as d:
        with subprocess.Popen([STANDPIPE, "-n", "--close-timeout=300ms", d.url],
                              stdout=subprocess.PIPE) as p:
            until(lambda: waiting_in(p.stdout) > 60000, "full pipe")
            p.send_signal(sig)
            assert p.wait(PATIENCE) == -sig


def waiting_in(pipe):
    """Bytes that nobody has read yet."""
    size = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return size[0]


def test_a_signal_that_may_not_be_passed_on_is_for_us(running):
    running.send_signal(signal.SIGHUP)
    assert running.wait(PATIENCE) == -signal.SIGHUP


# ----------------------------------------------------------------- much


@pytest.mark.parametrize("word", ["off", "on"])
def test_much_there_and_back(word):
    soak.pump(24 << 20, 1, [f"--compression={word}"])
