"""--ping: round-trip times as ping(8) prints them."""

import re
import signal
import subprocess

import pytest

from daemon import Daemon
from proc import PATIENCE, STANDPIPE, environment, standpipe
from server import Server

PONG = r"pong from 127\.0\.0\.1:\d+: seq={} time=\d+\.\d{{3}} ms"
RTT = r"rtt min/avg/max/mdev = (?:\d+\.\d{3}/){3}\d+\.\d{3} ms"


def ping(url, *args):
    r = standpipe("--ping", "--interval=10ms", *args, url)
    return r.stdout.decode().splitlines(), r.stderr.decode(), r.returncode


def test_as_many_as_asked_for():
    with Daemon() as d:
        lines, err, status = ping(d.url, "--count=3")
    assert re.fullmatch(r"PING 127\.0\.0\.1 \(127\.0\.0\.1:\d+\)", lines[0])
    for seq in 1, 2, 3:
        assert re.fullmatch(PONG.format(seq), lines[seq])
    assert lines[4:6] == ["", "--- 127.0.0.1 ping statistics ---"]
    assert re.fullmatch("3 pings sent, 3 pongs received, 0% loss, "
                        r"time \d+ms", lines[6])
    assert re.fullmatch(RTT, lines[7])
    assert (len(lines), err, status) == (8, "", 0)


def test_quiet_prints_statistics_alone():
    with Daemon() as d:
        lines, err, status = ping(d.url, "--count=2", "--quiet")
    assert [line.split()[0] for line in lines if line] == [
        "PING", "---", "2", "rtt"]
    assert (err, status) == ("", 0)


def test_SIGINT_ends_it_with_statistics():
    with Daemon() as d:
        p = subprocess.Popen([str(STANDPIPE), "--ping", d.url],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env=environment())
        while "pong" not in p.stdout.readline():
            pass
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=PATIENCE)
        assert "pings sent" in out and re.search(RTT, out)
        assert (err, p.returncode) == ("", 0)
        d.wait_log("session ends.* close=1000 ")


def deaf(session):
    while session.peer_close is None:
        session.recv()


def test_no_pong_is_a_timeout():
    with Server(deaf) as server:
        lines, err, status = ping(server.url, "--count=2", "--wait=50ms")
    assert lines[-1].startswith("2 pings sent, 0 pongs received, 100% loss")
    assert "no pong came" in err
    assert status == 75


def second_alone(session):
    session.recv_ping()
    session.pong(session.recv_ping())
    deaf(session)


def test_a_pong_that_is_missed_is_a_loss():
    with Server(second_alone) as server:
        lines, err, status = ping(server.url, "--count=3", "--wait=50ms")
    assert re.fullmatch(PONG.format(2), lines[1])
    assert "3 pings sent, 1 pongs received, 66% loss" in "\n".join(lines)
    assert (err, status) == ("", 0)


def talkative(session):
    session.pong(b"1")
    session.send_text("\x1b[2J")
    session.send_binary(b"data")
    payload = session.recv_ping()
    session.pong(b"what nobody asked")
    session.pong(payload)
    session.pong(payload)
    deaf(session)


def test_what_nobody_asked_for_counts_nothing():
    with Server(talkative) as server:
        lines, err, status = ping(server.url, "--count=1")
    assert [line.split()[0] for line in lines if line] == [
        "PING", "pong", "---", "1", "rtt"]
    assert (err, status) == ("", 0)


@pytest.mark.parametrize("code, status, why", [
    (1000, 75, "no pong came"), (1011, 76, "1011 broken")])
def test_the_server_closes(code, status, why):
    with Server(lambda s: s.close(code, "broken")) as server:
        lines, err, got = ping(server.url)
    assert lines[-1].startswith(("0 pings sent", "1 pings sent"))
    assert why in err
    assert got == status


def test_nobody_listens():
    with Daemon() as d:
        url = d.url
    lines, err, status = ping(url)
    assert (lines, status) == ([], 69)
    assert "refused" in err
