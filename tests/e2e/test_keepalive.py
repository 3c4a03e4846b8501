"""Many requests on one connection: keep-alive, pipelining, their limits."""

import select
import signal

import pytest

from daemon import Daemon
from proc import PATIENCE, SANITIZED, now, pause, memory
from wire import request_head

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def console():
    with Daemon("--console", "--keepalive-timeout=5s") as d:
        yield d


def page(c):
    response = c.response()
    assert response.status == 200, response.body
    return response


def test_one_connection_serves_request_after_request(console):
    with console.client() as c:
        for _ in range(20):
            c.send(GET)
            response = page(c)
            assert response.get("Connection") is None
            assert b"<html" in response.body
        c.send(LAST)
        assert page(c).get("Connection") == "close"
        assert c.ending() == "eof" and c.rest == b""


def test_pipelined_requests_are_answered_in_order(console):
    with console.client() as c:
        c.send(GET * 10 + LAST)
        for _ in range(11):
            page(c)
        assert c.ending() == "eof" and c.rest == b""


@pytest.mark.parametrize("cut", range(1, len(GET), 7))
def test_pipelined_requests_may_arrive_in_any_pieces(console, cut):
    data = GET + GET + LAST
    with console.client() as c:
        for at in range(0, len(data), cut):
            c.send(data[at:at + cut])
        for _ in range(3):
            page(c)
        assert c.ending() == "eof" and c.rest == b""


def test_head_request_between_others(console):
    with console.client() as c:
        c.send(GET.replace(b"GET", b"HEAD") + LAST)
        length = int(c.response(body=False).get("Content-Length"))
        assert length == len(page(c).body)
        assert c.ending() == "eof" and c.rest == b""


def test_upgrade_after_a_page(console):
    with console.client() as c:
        c.send(GET)
        page(c)
        assert c.handshake().status == 101
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


def test_upgrade_pipelined_behind_a_page(console):
    with console.client() as c:
        c.send(GET + request_head())
        page(c)
        assert c.response(body=False).status == 101
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


def test_http_1_0_is_one_request(console):
    with console.client() as c:
        c.send(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n"
               b"Connection: keep-alive\r\n\r\n" + GET)
        assert page(c).get("Connection") == "close"
        assert c.ending() == "eof" and c.rest == b""


def test_client_that_shuts_its_side_still_gets_its_answers(console):
    with console.client() as c:
        c.send(GET * 5)
        c.shut()
        for _ in range(5):
            page(c)
        assert c.ending() == "eof" and c.rest == b""


def test_unread_body_is_no_second_request(console):
    with console.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
               b"Content-Length: %d\r\n\r\n" % len(GET) + GET)
        assert page(c).get("Connection") == "close"
        assert c.ending() == "eof" and c.rest == b""


def test_expectation_that_nobody_can_meet_is_417(console):
    with console.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: tea\r\n\r\n")
        assert c.response().status == 417


def test_nobody_is_told_to_go_on_without_need(console):
    with console.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
               b"Expect: 100-continue\r\n\r\n")
        assert c.response().status == 405
        assert c.ending() == "eof" and c.rest == b""


@pytest.mark.parametrize("partial", [b"", b"GET / HT"])
def test_keepalive_timeout(partial):
    with Daemon("--console", "--keepalive-timeout=300ms",
                "--handshake-timeout=400ms") as d:
        with d.client() as c:
            start = now()
            c.send(GET)
            page(c)
            c.send(partial)
            if partial:
                assert c.response().status == 408
            assert c.ending() in ("eof", "reset")
            assert now() - start > 0.29


def test_keepalive_timeout_0_is_one_request_each():
    with Daemon("--console", "--keepalive-timeout=0") as d:
        with d.client() as c:
            c.send(GET)
            assert page(c).get("Connection") == "close"
            assert c.ending() == "eof"


def test_S13_stall_timeout_ends_a_client_that_takes_nothing():
    with Daemon("--console", "--stall-timeout=300ms") as d:
        with d.client(receive_buffer=4096) as c:
            start = now()
            c.send(GET * 500, read=False)
            d.wait_log("request")
            poller = select.poll()
            poller.register(c.sock, select.POLLRDHUP)
            assert poller.poll(PATIENCE * 1000)
            assert now() - start > 0.29


@pytest.mark.skipif(SANITIZED, reason="sanitizers take more")
def test_pipelined_answers_wait_for_their_reader():
    with Daemon("--console", "--engines=1") as d:
        with d.client(receive_buffer=4096) as c:
            c.send(GET)
            page(c)
            before = memory(d.engines()[0])
            c.send(GET * 500, read=False)
            pause(0.2)  # what could pile up has piled up
            assert memory(d.engines()[0]) - before < 1 << 20
            for _ in range(500):
                page(c)


def test_stop_does_not_wait_for_idle_connections():
    with Daemon("--console", "--keepalive-timeout=1h") as d:
        with d.client() as c:
            c.send(GET)
            page(c)
            d.signal(signal.SIGTERM)
            assert c.ending() in ("eof", "reset")
            d.wait()


def test_stop_waits_for_an_answer_and_for_nothing_behind_it(tmp_path):
    tmp_path.chmod(0o755)
    size = 32 << 20
    (tmp_path / "large").write_bytes(bytes(size))
    get = b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with Daemon(f"--staticdir={tmp_path}", "--keepalive-timeout=1h",
                "--close-timeout=1h") as d:
        with d.client(receive_buffer=4096) as c:
            c.send(get * 2, read=False)
            c.sock.settimeout(PATIENCE)
            assert c.sock.recv(1)
            d.signal(signal.SIGTERM)
            d.wait_log("stopping")
            got = 0
            while data := c.sock.recv(1 << 20):
                got += len(data)
            assert size < got < 2 * size
            d.wait()


def test_stop_waits_for_the_rest_of_a_whole_answer():
    with Daemon("--console", "--close-timeout=1h") as d:
        with d.client(receive_buffer=4096) as c:
            c.send(GET * 500, read=False)
            c.sock.settimeout(PATIENCE)
            assert c.sock.recv(1)
            pause(0.2)  # what could pile up has piled up
            d.signal(signal.SIGTERM)
            d.wait_log("stopping")
            got = b""
            while data := c.sock.recv(1 << 20):
                got += data
            assert got.endswith(b"</html>\n")
            d.wait()
