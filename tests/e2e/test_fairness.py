"""One session that floods does not keep the others from theirs.

Nothing here looks at a clock: a quiet session is answered before the flood of
another one has been worked off, and what is too much is counted.
"""

import contextlib
import os
import signal
import subprocess

import pytest

from daemon import Daemon, fields
from proc import PATIENCE, STANDPIPED, until
from wire import CLOSE, TEXT, frame, request_head

MANY = 60000  # messages, in less bytes than one turn of the loop may read
EMPTY = frame(b"", TEXT)


@pytest.mark.parametrize("framing", ["lines", "nul", "frames"])
def test_fault_A1_empty_messages_all_arrive(framing):
    with Daemon("--engines=1", f"--framing={framing}", command=["cat"]) as d:
        with d.session() as c:
            c.send(EMPTY * MANY + frame(b"end", TEXT), timeout=60)
            for _ in range(MANY):
                assert c.recv_text() == ""
            assert c.recv_text() == "end"


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def counted(d, start=0):
    """Lines of standard error that the log has, and those it says are missing."""
    missing = [int(fields(line)["lines"])
               for line in d.logged("standard error dropped", start)]
    return len(d.logged(" stderr ", start)), sum(missing)


LINES = 20000


@pytest.mark.parametrize("option", ["log", "client"])
@pytest.mark.parametrize("line", ["", "err", "e" * 300])
def test_fault_A1_each_line_is_logged_or_counted(option, line):
    # The client takes none of them, so that all that overflows is the log's.
    script = f"yes '{line}' | head -n {LINES} >&2; echo done"
    with Daemon("--engines=1", f"--stderr={option}",
                command=["sh", "-c", script]) as d:
        with d.session() as c:
            sent = 0
            while (text := c.recv_text(timeout=60)) != "done":
                assert text == line
                sent += 1
            while c.recv_frame(timeout=60).opcode != CLOSE:
                sent += 1
        d.session_end()
        logged, missing = counted(d)
    assert sent + logged + missing == LINES
    assert logged <= 4000
    if option == "log":
        assert missing > 0


def test_fault_A1_workers_take_no_share_of_the_log():
    """What fits into the log at once does, whoever works beside the engine."""
    script = "yes err | head -n 2000 >&2"
    with Daemon("--engines=1", "--reverselookup",
                command=["sh", "-c", script]) as d:
        with d.session() as c:
            c.recv_frame(timeout=PATIENCE)
        d.session_end()
        assert counted(d) == (2000, 0)


@pytest.mark.parametrize("where", ["cgi", "gate"])
def test_fault_A1_what_cgi_programs_and_gates_complain(tmp_path, where):
    noise = f"#!/bin/sh\nyes err | head -n {LINES} >&2\n"
    program = tmp_path / "noise"
    program.write_text(noise + "printf 'Content-Type: text/plain\\n\\nx'\n")
    program.chmod(0o755)
    gate = tmp_path / "gate"
    gate.write_text(noise)
    gate.chmod(0o755)
    options = {"cgi": [f"--cgidir={tmp_path}"],
               "gate": [f"--gate={gate}"]}[where]
    with Daemon("--engines=1", *options, command=["cat"]) as d:
        with d.client() as c:
            c.send(get("/noise") if where == "cgi" else request_head("/"))
            assert c.response().status == (200 if where == "cgi" else 101)
        until(lambda: sum(counted(d)) >= LINES, "all are logged or counted")
        logged, missing = counted(d)
    assert logged + missing == LINES
    assert missing > 0


def test_fault_A1_what_a_late_gate_complained(tmp_path):
    gate = tmp_path / "gate"
    gate.write_text("#!/bin/sh\nexec yes err >&2\n")
    gate.chmod(0o755)
    with Daemon("--engines=1", f"--gate={gate}", "--gate-timeout=2s",
                command=["cat"]) as d:
        with d.client() as c:
            c.send(request_head("/"))
            assert c.response().status == 503
        d.wait_log("standard error dropped .* lines=")


def chunks(body):
    return b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"


def test_fault_A1_a_body_in_tiny_chunks(tmp_path):
    # Gathered: the program gets some pieces, not one for each chunk.
    program = tmp_path / "echo"
    program.write_text("#!/bin/sh\nprintf 'Content-Type: a/b\\n\\n'\nexec cat\n")
    program.chmod(0o755)
    body = bytes(range(256)) * 400
    with Daemon("--engines=1", f"--cgidir={tmp_path}") as d:
        with d.client() as c:
            c.send(b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   b"Transfer-Encoding: chunked\r\n\r\n" + chunks(body),
                   timeout=60)
            r = c.response(timeout=60)
            assert (r.status, r.body) == (200, body)
        d.no_commands()


def test_fault_A1_many_requests_at_once(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "f").write_text("x")
    with Daemon("--engines=1", f"--staticdir={tmp_path}") as d:
        with d.client() as c:
            c.send(get("/f") * 1000,
                   timeout=60)
            for _ in range(1000):
                assert c.response(timeout=60).body == b"x"


def limited(n, *words):
    return subprocess.run(["sh", "-c", f'ulimit -n {n} && exec "$0" "$@"',
                           str(STANDPIPED), *words], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PATIENCE)


@pytest.mark.parametrize("limit", [12, 20, 31])
def test_fault_A12_too_few_descriptors_are_refused(limit):
    r = limited(limit, "--port=0", "cat")
    assert r.returncode == 1
    assert f"the limit of {limit} open descriptors".encode() in r.stderr


def with_few_descriptors(limit, *options):
    return Daemon("--engines=1", *options, command=["cat"],
                  wrap=["sh", "-c", f'ulimit -n {limit} && exec "$0" "$@"'])


def test_fault_A12_who_only_connects_takes_one_descriptor():
    with with_few_descriptors(128) as d, contextlib.ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(d.client())
        with d.session() as c:
            c.send_text("x")
            assert c.recv_text() == "x"
    assert not d.logged("descriptors are short")


@pytest.mark.parametrize("options", [
    ["--max-per-address=0"], ["--max-per-address=0", "--gate=/bin/true"]])
def test_fault_A12_no_room_for_pipes_is_503(options):
    with with_few_descriptors(128, *options) as d, \
            contextlib.ExitStack() as stack:
        clients = [stack.enter_context(d.client()) for _ in range(90)]
        engine = d.engines()
        got = [c.handshake() for c in clients[:20]]
        assert {r.status for r in got} == {101, 503}
        refused = next(r for r in got if r.status == 503)
        assert refused.get("Retry-After") == "5"
        d.wait_log("rule=descriptors")
        assert d.engines() == engine


def test_fault_A12_files_that_nobody_reads_take_descriptors(tmp_path):
    tmp_path.chmod(0o755)
    big = tmp_path / "big"
    big.write_bytes(bytes(32 << 20))
    with with_few_descriptors(64, "--max-per-address=0",
                              f"--staticdir={tmp_path}") as d, \
            contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(d.session()) for _ in range(2)]
        idle = [stack.enter_context(d.client()) for _ in range(3)]
        engine = d.engines()
        readers = [stack.enter_context(d.client()) for _ in range(26)]
        for c in readers:
            c.send(get("/big"))
        d.wait_log("rule=descriptors|descriptors are short")
        assert {c.handshake().status for c in idle} <= {101, 503}
        for c in sessions:
            c.send_text("x")
            assert c.recv_text() == "x"
        assert d.engines() == engine and not d.logged("engine lost")


def test_others_are_served_between_lines_about_sessions(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "f").write_text("x")
    with Daemon("--engines=1", f"--staticdir={tmp_path}") as d, \
            contextlib.ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(d.session())
        c = stack.enter_context(d.client())
        c.send(get("/f"))
        assert c.response().status == 200
        start = d.mark()
        engine, = d.engines()
        os.kill(engine, signal.SIGSTOP)
        d.signal(signal.SIGUSR1)
        d.signal(signal.SIGUSR2)
        d.wait_log("signal ignored", start=start)  # and the engine told
        c.send(get("/f") * 40)
        os.kill(engine, signal.SIGCONT)
        for _ in range(40):
            assert c.response().status == 200
        d.wait_log("sessions of an engine", start=start)
        about = [line.split(" info ")[1].split()[0] for line in d.lines[start:]
                 if " info " in line]
        first = about.index("session")
        assert "request" in about[first:first + 150]
