"""What the clients of one address may have, in all engines together."""

import base64
import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import socket
import struct
import subprocess

import pytest

from certificates import Authority
from daemon import Daemon
from network import Network
from proc import STANDPIPED, now, until
from test_limits import FAST, rush
from wire import Client, request_head

PROXY = "127.0.0.9"
BEHIND = f"--trusted-proxy={PROXY}"
XFF = "X-Forwarded-For"
PAGE = ["Upgrade", "Connection"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca")).issue("server")


def check_refusals(refused, count):
    assert [r.status for r in refused] == [429] * count
    assert all(int(r.get("Retry-After")) > 0 for r in refused)


def status(d, source="127.0.0.1", headers=()):
    with d.client(source=source) as c:
        return c.handshake(headers=headers).status


# ------------------------------------------------------------- connections


@pytest.mark.parametrize("engines", [1, 4])
def test_connections_of_an_address_are_exact(engines):
    for _ in range(3):
        with Daemon("--max-per-address=7", f"--engines={engines}", *FAST) as d:
            inside, refused = rush(d, 40, source="127.0.0.2")
            assert len(inside) == 7
            check_refusals(refused, 33)
            assert status(d, "127.0.0.3") == 101
            d.wait_log('refused.*peer=127.0.0.2:.*option=--max-per-address')
            for c in inside[:3]:
                c.bye()
                c.close()
            until(lambda: d.logged("session ends"), "they have left")
            again = []
            until(lambda: again.append(d.client(source="127.0.0.2")) or
                  again[-1].handshake().status == 101, "there is room again")


def test_connections_behind_a_proxy_are_its_clients():
    with Daemon("--max-per-address=4", "--engines=4", BEHIND, *FAST) as d:
        kept = []
        for address in "192.0.2.7", "192.0.2.8", "2001:db8:0:1::1":
            inside, refused = rush(d, 20, [(XFF, address)],
                                   source=PROXY)
            assert len(inside) == 4
            check_refusals(refused, 16)
            kept += inside
        # the same customer, and another
        for address, wanted in [("2001:db8:0:1:5::1", 429),
                                ("2001:db8:0:2::1", 101)]:
            assert status(d, PROXY, [(XFF, address)]) == wanted
        with contextlib.ExitStack() as stack:
            for c in kept[4:]:
                stack.enter_context(c)
            for c in kept[:4]:
                c.bye()
                c.close()
            until(lambda: status(d, PROXY, [(XFF, "192.0.2.7")]) == 101,
                  "there is room again")
            assert status(d, PROXY, [(XFF, "192.0.2.8")]) == 429


@pytest.mark.parametrize("option, refused", [
    ("--max-per-address=3", 429), ("--max-connections=3", 503)])
def test_sessions_count_as_long_as_they_last(option, refused):
    with Daemon(option, "--engines=2", *FAST) as d:
        inside = [d.session() for _ in range(3)]
        for c in inside:
            c.send_text("here")
            assert c.recv_text() == "here"
        for _ in range(5):
            assert status(d) == refused
        inside.pop().bye()
        until(lambda: status(d) == 101, "there is room again")


def test_connections_without_a_request_count():
    with Daemon("--max-per-address=2") as d:
        with d.client() as a, d.client() as b:
            with d.client() as c:
                assert c.response().status == 429
                assert c.ending() in ("eof", "reset")
        del a, b
        until(lambda: status(d) == 101, "there is room again")


def test_killed_engine_gives_back_what_it_had():
    with Daemon("--max-per-address=2", "--engines=1") as d:
        old = d.engines()[0]
        inside = [d.session() for _ in range(2)]
        assert status(d) == 429
        os.kill(old, signal.SIGKILL)
        d.wait_log("engine lost")
        until(lambda: set(d.engines()) - {old},
              "there is another")

        def may_come():
            try:
                return status(d) == 101
            except AssertionError:
                return False

        until(may_come, "there is room again")
        del inside


def test_local_clients_are_limited_only_if_asked_for(tmp_path):
    with Daemon("--max-connections=0", "--console") as d:
        for _ in range(300):
            with d.client() as c:
                c.send(request_head(drop=PAGE))
                assert c.response().status == 200
    with Daemon("--max-per-address=1", unixsocket=tmp_path / "socket") as d:
        with d.session():
            assert Client(str(d.unixsocket)).handshake().status == 429


SIOCSIFADDR = 0x8916


@pytest.mark.skipif(os.geteuid() != 0, reason="a network is root's to make")
def test_others_are_limited_by_default():
    with Network():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFADDR, struct.pack(
                "16sHH4s8x", b"lo:1", socket.AF_INET, 0,
                socket.inet_aton("192.0.2.1")))
        for options, limit in [((), 200), (["--rate=0"], 256)]:
            with Daemon("--engines=4", *options, address="192.0.2.1") as d, \
                    contextlib.ExitStack() as stack:
                start = now()
                clients = [stack.enter_context(d.client(host="192.0.2.1"))
                           for _ in range(300)]
                for c in clients:
                    c.send(request_head())
                passed = [c.response().status for c in clients].count(101)
                spare = 100 * (now() - start) + 1 if limit == 200 else 0
                assert limit <= passed <= limit + spare


def test_inetd_ends_though_its_client_is_denied():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        inside, _ = server.accept()
        with client, inside:
            result = subprocess.run(
                [str(STANDPIPED), "--inetd", "--deny=127.0.0.1", "cat"],
                stdin=inside, capture_output=True, timeout=60)
            inside.close()
            assert result.returncode == 0, result.stderr
            assert client.recv(100).startswith(b"HTTP/1.1 403 ")


def test_connections_that_say_nothing_count_where_both_are_spoken(pair):
    with Daemon("--ssl=auto", *pair.options(), "--max-per-address=2") as d:
        with d.client() as a, d.client() as b, d.client() as c:
            assert c.response().status == 429
            a.close()
            b.close()
        until(lambda: status(d) == 101, "there is room again")


@pytest.mark.parametrize("option", [
    "--deny=127.0.0.2", "--max-per-address=1", "--rate=1"])
def test_tls_is_not_spoken_with_who_is_turned_away(pair, option):
    with Daemon("--ssl", *pair.options(), option, tls=True) as d:
        with contextlib.ExitStack() as stack:
            for _ in range(2 if "rate" in option else 1):
                if "deny" not in option:
                    c = stack.enter_context(d.client(source="127.0.0.2"))
                    assert c.handshake().status == 101
            with pytest.raises((OSError, AssertionError)):
                d.client(source="127.0.0.2")
        d.wait_log(f"refused.*peer=127.0.0.2 .*option={option.split('=')[0]}")


def test_refusals_may_be_closes():
    with Daemon("--refuse=close", "--deny=127.0.0.8", "--max-per-address=1",
                "--engines=1", "--console") as d:
        with d.session():
            for source, code in [("127.0.0.1", 4429), ("127.0.0.8", 4403)]:
                with d.client(source=source) as c:
                    assert c.handshake().status == 101
                    assert c.recv_close()[0] == code
                with d.client(source=source) as c:
                    c.send(request_head(drop=PAGE))
                    assert c.response().status == code - 4000
            # who does not say what he wanted is not heard for ever
            with contextlib.ExitStack() as stack:
                silent = [stack.enter_context(d.client()) for _ in range(70)]
                assert silent[-1].response().status == 429
                with d.client() as c:
                    assert c.response().status == 429
            until(lambda: status(d) == 101, "they have gone")


def test_refusals_behind_a_proxy_may_be_closes():
    with Daemon("--refuse=close", "--deny=192.0.2.8", "--max-per-address=1",
                BEHIND) as d:
        for address, code in [("192.0.2.7", 4429), ("192.0.2.8", 4403)]:
            with contextlib.ExitStack() as stack:
                if code == 4429:
                    first = stack.enter_context(d.client(source=PROXY))
                    assert first.handshake(
                        headers=[(XFF, address)]).status == 101
                c = stack.enter_context(d.client(source=PROXY))
                assert c.handshake(headers=[(XFF, address)]).status == 101
                assert c.recv_close()[0] == code


# ------------------------------------------------------------------- rates


@pytest.mark.parametrize("engines", [1, 4])
def test_rate_is_exact(engines):
    with Daemon("--rate=5", f"--engines={engines}", *FAST) as d:
        start = now()
        inside, refused = rush(d, 40, source="127.0.0.2")
        earned = 5 * (now() - start)
        assert 10 <= len(inside) <= 10 + earned + 1
        check_refusals(refused, 40 - len(inside))
        assert refused[0].get("Retry-After") == "1"
        d.wait_log('refused.*peer=127.0.0.2:.*option=--rate')
        assert status(d, "127.0.0.3") == 101
        until(lambda: status(d, "127.0.0.2") == 101, "time has passed")


@pytest.fixture
def scripts(tmp_path):
    """An option by which every request may be for a program."""
    (tmp_path / "cgi").mkdir()
    script = tmp_path / "cgi" / "nothing"
    script.write_text("#!/bin/sh\nprintf 'Content-Length: 0\\r\\n\\r\\n'\n")
    script.chmod(0o755)
    return f"--cgidir={tmp_path / 'cgi'}"


def ask(c, headers=()):
    """The status of a request that is no upgrade."""
    c.send(request_head("/nothing", drop=PAGE, headers=headers))
    return c.response().status


def test_rate_counts_requests_of_a_kept_connection(scripts):
    with Daemon("--rate=2", scripts) as d:
        with d.client(source="127.0.0.2") as c:
            seen = []
            while len(seen) < 6 and 429 not in seen:
                seen.append(ask(c))
            assert seen[:4] == [200] * 4 and seen[-1] == 429


@pytest.mark.parametrize("path", ["/many/", "/many%2F", "/many%2f?x"])
def test_fault_A9_rate_counts_lists_of_folders(tmp_path, path):
    many = tmp_path / "many"
    many.mkdir()
    (many / "file").write_text("x")
    for one in tmp_path, many:
        one.chmod(0o755)
    with Daemon("--rate=2", f"--staticdir={tmp_path}",
                "--list-directories") as d:
        with d.client(source="127.0.0.2") as c:
            for _ in range(50):
                c.send(request_head("/many/file", drop=PAGE))
                assert c.response().body == b"x"
        with d.client(source="127.0.0.3") as c:
            seen = []
            while len(seen) < 6 and 429 not in seen:
                c.send(request_head(path, drop=PAGE))
                seen.append(c.response().status)
            assert seen[:4] == [200] * 4 and seen[-1] == 429


def test_rate_is_not_about_pages():
    with Daemon("--rate=1", "--console", BEHIND) as d:
        for source, headers in [("127.0.0.2", []),
                                (PROXY, [(XFF, "192.0.2.7")])]:
            with d.client(source=source) as c:
                assert [ask(c, headers) for _ in range(50)] == [200] * 50


def test_rate_behind_a_proxy_is_its_clients_by_default(scripts):
    with Daemon(scripts, "--engines=4", BEHIND) as d:
        with d.client(source=PROXY) as c, d.client(source=PROXY) as other:
            passed, start = 0, now()
            while ask(c, [(XFF, "192.0.2.7")]) != 429:
                passed += 1
            assert 200 <= passed <= 201 + 100 * (now() - start)
            for headers in [(XFF, "192.0.2.8")], []:
                assert ask(other, headers) == 200
    with Daemon(scripts, "--rate=0", BEHIND) as d:
        with d.client(source=PROXY) as c:
            for _ in range(300):
                assert ask(c, [(XFF, "192.0.2.7")]) == 200


def test_client_that_leaves_while_asking_is_let_go():
    with Daemon("--max-per-address=3", "--engines=2", *FAST) as d:
        for _ in range(50):
            c = d.client(source="127.0.0.2")
            c.send(request_head())
            c.reset()
        until(lambda: status(d, "127.0.0.2") == 101, "all have left")
        inside, _ = [], None
        until(lambda: len(rush(d, 3, source="127.0.0.2")[0]) == 3, "three find room")
        del inside


# ----------------------------------------------------------- failed logins


TOKEN = "0123456789abcdef"


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"robot:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    return f"--token-file={path}"


@pytest.mark.parametrize("engines", [1, 4])
def test_failed_logins_block_an_address(tokens, engines):
    with Daemon(tokens, "--max-failed-logins=3", f"--engines={engines}",
                *FAST) as d:
        seen = [status(d, "127.0.0.2", bearer("wrong")) for _ in range(20)]
        # the others hear of it a moment after the last one has failed
        assert seen[:3] == [401] * 3 and seen.count(401) <= 4
        assert set(seen[seen.index(429):]) == {429}
        with d.client(source="127.0.0.2") as c:
            response = c.handshake(headers=bearer(TOKEN))
            assert response.status == 429
            assert 15 <= int(response.get("Retry-After")) <= 20
        d.wait_log('refused.*peer=127.0.0.2:.*option=--max-failed-logins')
        assert status(d, "127.0.0.2") == 401
        assert status(d, "127.0.0.3", bearer(TOKEN)) == 101


def test_failed_logins_in_one_segment_count_one_by_one(tokens):
    with Daemon(tokens, "--max-failed-logins=100", "--rate=0", *FAST) as d:
        with d.client(source="127.0.0.2") as c:
            c.send(request_head(drop=PAGE, headers=bearer("wrong")) * 101)
            seen = [c.response().status for _ in range(101)]
            assert seen[:100] == [401] * 100 and seen[100] == 429
        until(lambda: status(d, "127.0.0.2", bearer(TOKEN)) == 101,
              "half a second has passed")


def test_failed_logins_of_many_at_once(tmp_path):
    libcrypt = ctypes.CDLL("libcrypt.so.1")
    libcrypt.crypt.restype = ctypes.c_char_p
    users = tmp_path / "users"
    users.write_bytes(b"a:" + libcrypt.crypt(b"right", b"$2b$08$" + b"a" * 22))
    with Daemon(f"--auth-file={users}", "--max-failed-logins=3",
                "--engines=4", *FAST) as d:
        clients = [d.client(source="127.0.0.2") for _ in range(30)]
        for i, c in enumerate(clients):
            pair = base64.b64encode(b"a:wrong%d" % i if i < 29 else b"a:right")
            c.send(request_head(headers=[
                ("Authorization", "Basic " + pair.decode())]))
        seen = [c.response().status for c in clients]
        # what was asked before the third had failed is not told afterwards
        assert 3 <= seen.count(401) <= 6, seen
        assert set(seen) <= {401, 429, 503} and seen[-1] in (429, 503)


def test_failed_logins_behind_a_proxy_by_default(tokens):
    with Daemon(tokens, BEHIND, *FAST) as d:
        for address, token, wanted in [
                ("192.0.2.7", "wrong", 401), ("192.0.2.7", TOKEN, 429),
                ("192.0.2.8", TOKEN, 101)]:
            for _ in range(10 if wanted == 401 else 1):
                assert status(d, PROXY, [(XFF, address)] + bearer(token)
                              ) == wanted
        for _ in range(30):
            assert status(d, "127.0.0.1", bearer("wrong")) == 401


def test_new_engine_knows_who_is_blocked(tokens):
    with Daemon(tokens, "--max-failed-logins=1", "--engines=1", *FAST) as d:
        assert status(d, "127.0.0.2", bearer("wrong")) == 401
        until(lambda: status(d, "127.0.0.2", bearer(TOKEN)) == 429, "blocked")
        old = d.engines()[0]
        os.kill(old, signal.SIGKILL)
        d.wait_log("engine lost")
        until(lambda: set(d.engines()) - {old}, "there is another")

        def answer():
            try:
                return status(d, "127.0.0.2", bearer(TOKEN))
            except AssertionError:
                return None

        seen = []
        until(lambda: seen.append(answer()) or seen[-1], "it answers")
        assert seen[-1] == 429
