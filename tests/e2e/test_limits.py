"""Limits that are exact, and memory that is bounded (rule 6)."""

import pytest

import soak
from daemon import Daemon
from proc import SANITIZED, Process, pause, memory
from wire import BINARY, CONTINUATION, TEXT, frame, request_head

MEMORY = pytest.mark.skipif(SANITIZED,
                            reason="sanitizers keep what was freed")
ABOVE = 2 << 20
FAST = "--kill=EOF:50ms,TERM:50ms,KILL", "--linger=50ms"


def rush(d, count, headers=(), **kw):
    """So many upgrades at once: the clients that got in, and the refusals."""
    clients = [d.client(**kw) for _ in range(count)]
    for c in clients:
        c.send(request_head(headers=headers))
    inside, refused = [], []
    for c in clients:
        response = c.response()
        if response.status == 101:
            inside.append(c)
        else:
            refused.append(response)
            c.close()
    return inside, refused


@pytest.mark.parametrize("engines", [1, 4])
@pytest.mark.parametrize("option", ["--maxforks=7", "--max-connections=7"])
def test_limits_are_exact(option, engines):
    for _ in range(3):
        with Daemon(option, f"--engines={engines}", *FAST) as d:
            inside, refused = rush(d, 40)
            assert len(inside) == 7
            assert [r.status for r in refused] == [503] * 33
            assert all(int(r.get("Retry-After")) > 0 for r in refused)
            assert len(d.commands()) == 7
            for c in inside:
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()
                c.close()
            d.wait_logs("session ends", 7)
            d.no_commands()
            with d.session() as c:  # the slots are free again
                c.bye()


def test_limits_refusals_are_logged():
    with Daemon("--maxforks=1") as d:
        with d.session(), d.client() as c:
            assert c.handshake().status == 503
            line = d.wait_log("refused").string
            assert "status=503" in line and "--maxforks" in line


def test_P19_rule5_slots_equal_living_children():
    with Daemon("--maxforks=4", "--engines=2", *FAST) as d:
        for _ in range(5):
            inside, _ = rush(d, 10)
            assert len(inside) == len(d.commands()) == 4
            for i, c in enumerate(inside):
                c.reset() if i % 2 else c.close()
            d.no_commands()


def test_no_limit_of_forks():
    with Daemon("--maxforks=0") as d:
        inside, refused = rush(d, 60)
        assert (len(inside), refused) == (60, [])
        for c in inside:
            c.close()


# ------------------------------------------------------------------ memory


def engine_of(d):
    (engine,) = d.engines()
    return engine


@MEMORY
@pytest.mark.parametrize("framing, command", [
    ("lines", ["sh", "-c", "while :; do echo x; done"]),
    ("lines", ["yes"]),
    ("lines", ["sh", "-c", "exec tr '\\0' x </dev/zero"]),
    ("binary", ["cat", "/dev/zero"]),
    ("text", ["sh", "-c", "exec tr '\\0' x </dev/zero"]),
    ("nul", ["cat", "/dev/zero"]),
], ids=["loop", "yes", "endless line", "binary", "text", "nul"])
def test_F15_S15_rule6_client_that_never_reads(framing, command):
    with Daemon("--engines=1", f"--framing={framing}", "--max-pipe=256K",
                *FAST, command=command) as d:
        engine = engine_of(d)
        with d.session() as c:
            c.reset()
        d.no_commands()
        idle = memory(engine)
        with d.client() as c:
            assert c.handshake().status == 101
            for _ in range(8):
                pause(0.15)
                assert memory(engine) < idle + ABOVE
            assert memory(d.pid) < ABOVE
            c.recv_fragment()  # and it still is a session
            c.reset()
        d.no_commands()


@MEMORY
@pytest.mark.parametrize("framing", ["lines", "binary", "frames"])
@pytest.mark.parametrize("data", [
    frame(bytes(65536), BINARY) * 4, frame(b"x" * 10, TEXT) * 5000,
    frame(b"", BINARY, length=1 << 40), frame(b"x", BINARY, fin=False)
], ids=["large", "small", "endless frame", "endless message"])
def test_S15_rule6_program_that_never_reads(framing, data):
    with Daemon("--engines=1", f"--framing={framing}", "--max-message=0",
                *FAST, command=["sleep", "1000"]) as d:
        engine = engine_of(d)
        with d.session() as c:
            c.reset()
        d.no_commands()
        idle = memory(engine)
        with d.session() as c:
            chunk = data
            if len(data) < 100:
                c.send(data)
                chunk = (bytes(1 << 16) if len(data) > 10 else
                         frame(b"x" * 30000, CONTINUATION, fin=False))
            sent = c.fill(timeout=1.5, quiet=0.3, chunk=chunk)
            assert sent > 100000
            assert memory(engine) < idle + ABOVE
            c.reset()
        d.no_commands()


@MEMORY
@pytest.mark.parametrize("to", ["client", "both"])
def test_S15_rule9_stderr_for_a_client_that_never_reads(to, mailbox):
    with Daemon("--engines=1", f"--stderr={to}", *FAST, command=[
            "sh", "-c", "head -c 50000000 /dev/zero >&2; "
            f"echo done >{mailbox.path}; sleep 1000"]) as d:
        engine = engine_of(d)
        idle = memory(engine)
        with d.session() as c:
            assert mailbox.line() == "done"
            assert memory(engine) < idle + 2 * ABOVE
            c.reset()


@MEMORY
def test_rule6_head_that_never_ends():
    with Daemon("--engines=1", "--handshake-timeout=60s") as d:
        engine = engine_of(d)
        idle = memory(engine)
        clients = [d.client() for _ in range(50)]
        for c in clients:
            c.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 12000)
        with d.session() as c:
            c.bye()
        assert memory(engine) < idle + ABOVE
        for c in clients:
            c.close()


@MEMORY
def test_S17_idle_sessions_are_cheap():
    count = 200
    with Daemon("--engines=1") as d:
        engine = engine_of(d)
        with d.session() as c:
            c.send_text("x" * 100000)
            c.recv_text()
            c.bye()
        d.no_commands()
        idle = memory(engine) + memory(d.pid)
        clients = [d.session() for _ in range(count)]
        for c in clients:
            c.send_text("x" * 5000)
            assert c.recv_text() == "x" * 5000
        each = (memory(engine) + memory(d.pid) - idle) / count
        assert each < 4096, each
        for c in clients:
            c.close()


def test_P16_S13_stalled_client_gets_everything_in_the_end():
    line = "seq 1 300000"
    with Daemon("--ping=0", command=["sh", "-c", line]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            pause(0.5)
            texts, code, _ = c.texts()
            assert code == 1000
            assert texts == [str(i) for i in range(1, 300001)]
            c.finish(1000)


@pytest.mark.parametrize("how", ["reset", "close"])
def test_S5_rule6_hang_up_is_noticed_while_nobody_reads(how):
    # The output is stalled and the command does not read either.
    with Daemon("--ping=0", "--kill=EOF:50ms,TERM:50ms,KILL",
                "--framing=binary", command=[
            "sh", "-c", "echo $$; exec cat /dev/zero"]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            pid = int(c.recv_binary().split(b"\n")[0])
            with Process(pid) as command:
                c.fill(timeout=0.5, quiet=0.1, chunk=frame(bytes(60000), BINARY))
                getattr(c, how)()
                command.wait()
        assert d.session_end()["close"] == "1006"


def test_P17_P19_five_hundred_aborted_sessions_leave_nothing():
    soak.aborts(500, 1)


def test_P16_bulk_with_stalls_is_exact_and_flat():
    soak.bulk(48 << 20, 1)


def test_H9_a_crowd_that_dribbles_disturbs_nobody():
    # How much is for soak.py to say; here, that everybody gets his answer.
    assert soak.slow(100, seconds=3, limit=1, every=0.3) > 0.2


def test_handshake_timeout_0_waits_for_ever():
    with Daemon("--handshake-timeout=0") as d:
        with d.client() as c:
            head = request_head()
            c.send(head[:1])
            c.silent(0.2)
            c.send(head[1:])
            assert c.response(body=False).status == 101
