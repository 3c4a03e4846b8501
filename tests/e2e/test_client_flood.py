"""The client and a server that reads little, or sends too much."""

import subprocess
import threading

import pytest

from proc import PATIENCE, SANITIZED, STANDPIPE, now, pause, memory, standpipe
from server import Server
from wire import BINARY, PING, PONG, frame

MEBIBYTE = 1 << 20


def test_F24_outgoing_frames_are_bounded(tmp_path):
    sizes = []

    def serve(s):
        while sum(sizes) < 8 * MEBIBYTE:
            sizes.append(len(s.recv()[1]))
        s.close()

    path = tmp_path / "file"
    path.write_bytes(bytes(8 * MEBIBYTE))
    with Server(serve) as server:
        r = standpipe("--binary", server.url, path)
    assert (r.stderr, r.returncode) == (b"", 0)
    assert max(sizes) <= MEBIBYTE


def sending(server, *options):
    """A client that has more to say than anybody takes."""
    with open("/dev/zero", "rb") as zeros:
        return subprocess.Popen(
            [STANDPIPE, "--binary", *options, server.url], stdin=zeros,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ended(process):
    with process:
        return process.stderr.read(), process.wait(60)


def test_F26_a_pong_overtakes_data():
    def serve(s):
        pause(0.2)  # everything on the way is full
        s.send(b"now", PING)
        got = 0
        while (frame := s.recv())[0] != PONG:
            got += len(frame[1])
            assert got < 16 * MEBIBYTE, "the pong waits behind the data"
        assert frame[1] == b"now"
        s.close()

    with Server(serve) as server:
        assert ended(sending(server)) == (b"", 0)


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep what was freed")
def test_F26_a_flood_of_pings_is_bounded():
    def serve(s):
        assert s.recv()[0] == BINARY and started.wait(PATIENCE)
        before = memory(process.pid)
        s.sock.settimeout(0.2)
        deadline = now() + 2
        try:
            while now() < deadline:
                s.sock.sendall(frame(bytes(125), PING, mask=None) * 500)
        except TimeoutError:
            pass  # it does not read either, while nothing goes out
        grown.append(memory(process.pid) - before)
        process.kill()

    grown, started = [], threading.Event()
    with Server(serve) as server:
        process = sending(server)
        started.set()
        ended(process)
    assert grown[0] < 2 * MEBIBYTE


def test_F27_the_deadline_starts_when_the_ping_is_written():
    def serve(s):
        pause(1)  # its pings cannot be written
        while (frame := s.recv())[0] != PING:
            pass
        s.pong(frame[1])
        s.close()

    with Server(serve) as server:
        assert ended(sending(server, "--keepalive=50ms",
                             "--keepalive-timeout=300ms")) == (b"", 0)
