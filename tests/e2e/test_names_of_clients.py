"""REMOTE_HOST, from a name server that does as it likes."""

import ipaddress
import os
import signal
import socket
import struct
import threading
from pathlib import Path

import pytest

from daemon import Daemon, run
from proc import descriptors, until
from wire import request_head

PROXY = "127.0.0.9"
PTR, A, AAAA = 12, 1, 28


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label
                    for label in name.split(b".")) + b"\0"


def question(packet):
    """The name and the type that a packet asks for, and where it ends."""
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]])
        at += 1 + packet[at]
    return (b".".join(labels).lower(),
            struct.unpack(">H", packet[at + 1:at + 3])[0], at + 5)


class NameServer:
    """Knows some names; in a `with` statement.

    names    {address: name} for questions about addresses
    truth    {name: [address]} for questions about names
    asked    the names it was asked for
    silent   whether it keeps its answers to itself
    """

    def __init__(self, names=(), truth=(), silent=False):
        self.names = {ipaddress.ip_address(address).reverse_pointer.encode():
                      name for address, name in dict(names).items()}
        self.truth = dict(truth)
        self.silent = silent
        self.asked = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.option = "--resolver=127.0.0.1:%d" % self.sock.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", self.sock.getsockname())
        self.thread.join()
        self.sock.close()

    def serve(self):
        while True:
            packet, peer = self.sock.recvfrom(4096)
            if packet == b"end":
                return
            name, kind, end = question(packet)
            self.asked.append(name)
            if not self.silent:
                self.sock.sendto(self.answer(packet, name, kind, end), peer)

    def answer(self, packet, name, kind, end):
        if kind == PTR:
            found = [name_bytes(self.names[name])] if name in self.names else []
        else:
            found = [a.packed for a in map(ipaddress.ip_address,
                                           self.truth.get(name, []))
                     if a.version == (4 if kind == A else 6)]
        head = packet[:2] + struct.pack(">HHHHH", 0x8180 if found else 0x8183,
                                        1, len(found), 0, 0)
        return head + packet[12:end] + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
            for data in found)


def host_of(d, address):
    """REMOTE_HOST of a client with that address."""
    with d.client(source=PROXY) as c:
        assert c.handshake(headers=[("X-Forwarded-For", address)]).status == 101
        env = c.variables()
        c.finish(1000)
    assert env["REMOTE_ADDR"] == address
    return env["REMOTE_HOST"]


def head(address):
    return request_head(headers=[("X-Forwarded-For", address)])


def daemon(server, *args, **kw):
    return Daemon("--reverselookup", server.option, "--framing=nul",
                  f"--trusted-proxy={PROXY}", *args, command=["env", "-0"],
                  **kw)


@pytest.mark.parametrize("sandbox", ["off", "files", "calls"])
def test_name_that_leads_back(sandbox):
    with NameServer({"192.0.2.7": b"a.example.test",
                     "2001:db8::7": b"b.example.test"},
                    {b"a.example.test": ["192.0.2.1", "192.0.2.7"],
                     b"b.example.test": ["2001:db8::7"]}) as server:
        with daemon(server, f"--sandbox={sandbox}") as d:
            assert host_of(d, "192.0.2.7") == "a.example.test"
            assert host_of(d, "2001:db8::7") == "b.example.test"


@pytest.mark.parametrize("name, leads_to", [
    (None, []), (b"a.test", []), (b"a.test", ["192.0.2.8"]),
    (b"a.test", ["2001:db8::7"]),
    (b"192.0.2.7", ["192.0.2.7"]), (b"a b.test", ["192.0.2.7"]),
    (b"a.test\nX=Y", ["192.0.2.7"]), (b"a;b.test", ["192.0.2.7"]),
    (b"a:80", ["192.0.2.7"]), (b"\xffa.test", ["192.0.2.7"])])
def test_name_that_is_none_is_not_told(name, leads_to):
    names = {} if name is None else {"192.0.2.7": name}
    with NameServer(names, {name: leads_to}) as server, daemon(server) as d:
        assert host_of(d, "192.0.2.7") == "192.0.2.7"
        assert server.asked


def test_answers_are_remembered():
    with NameServer({"192.0.2.7": b"a.test"},
                    {b"a.test": ["192.0.2.7"]}) as server:
        with daemon(server, "--engines=1") as d:
            for address in "192.0.2.7", "192.0.2.8":
                first = host_of(d, address)
                asked = len(server.asked)
                assert host_of(d, address) == first
                assert len(server.asked) == asked


def test_loopback_is_asked_nobody_for():
    with NameServer() as server, daemon(server) as d:
        with d.client() as c:
            assert c.handshake().status == 101
            assert "REMOTE_HOST=localhost" in c.texts()[0]
            c.finish(1000)
        assert server.asked == []


def test_P33_slow_name_server_stops_nobody():
    with NameServer(silent=True) as server:
        with daemon(server, "--engines=1", "--rate=0") as d:
            waiting = [d.client(source=PROXY) for _ in range(80)]
            for i, c in enumerate(waiting):
                c.send(head(f"192.0.2.{i}"))
            until(lambda: len(server.asked) >= 20, "it was asked")
            with d.client() as c:
                assert c.handshake().status == 101
                c.texts()
                c.finish(1000)
            for c in waiting:
                assert c.response().status == 101
                c.close()
            # what nobody answered is not asked again at once
            asked = len(server.asked)
            assert host_of(d, "192.0.2.0") == "192.0.2.0"
            assert len(server.asked) == asked


def worker(d):
    """The process that asks, and its number."""
    (pid,) = [pid for pid in d.engines()
              if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(
                  b"\0names\0")]
    return pid


def datagram_sockets(pid):
    """How many UDP sockets a process holds."""
    table = "".join(Path(f"/proc/{pid}/net/{name}").read_text()
                    for name in ("udp", "udp6"))
    inodes = {line.split()[9] for line in table.splitlines()
              if line.split()[9].isdigit()}
    return sum(what.removeprefix("socket:[").rstrip("]") in inodes
               for what in descriptors(pid).values())


def test_fault_A3_no_engine_has_a_socket_to_a_name_server():
    with NameServer() as server, daemon(server, "--engines=2") as d:
        assert host_of(d, "192.0.2.7") == "192.0.2.7" and server.asked
        for pid in d.engines():
            assert datagram_sockets(pid) == (pid == worker(d))


def test_another_names_worker_takes_the_place_of_one_that_is_lost():
    names = {f"192.0.2.{i}": b"a.test" for i in range(1, 40)}
    with NameServer(names, {b"a.test": names}) as server, \
            daemon(server, "--engines=2") as d:
        addresses = iter(names)
        assert host_of(d, next(addresses)) == "a.test"
        for _ in range(2):
            os.kill(worker(d), signal.SIGKILL)
            until(lambda: host_of(d, next(addresses)) == "a.test",
                  "another has taken its place")
        d.wait_logs("error names worker lost", 2)
    assert not d.logged("engine lost")


def test_a_names_worker_that_is_stopped_holds_nobody_up():
    """An engine goes on without a name; what it asked is bounded."""
    with NameServer() as server, daemon(server, "--engines=1") as d:
        pid = worker(d)
        os.kill(pid, signal.SIGSTOP)
        try:
            waiting = [d.client(source=PROXY) for _ in range(100)]
            for i, c in enumerate(waiting):
                c.send(head(f"192.0.2.{i}"))
            for c in waiting:
                assert c.response().status == 101
                c.close()
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: server.asked, "it goes on")


def test_client_that_does_not_wait_and_daemon_that_stops():
    with NameServer(silent=True) as server, daemon(server) as d:
        for i in range(10):
            c = d.client(source=PROXY)
            c.send(head(f"192.0.2.{i}"))
            if i % 2:
                c.reset()
        until(lambda: len(server.asked) >= 5, "it was asked")
        d.stop()


@pytest.mark.parametrize("value", [
    "", "dns.test", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1",
    "[::1", "[127.0.0.1]:53", "127.0.0.1:53:53"])
def test_resolver_is_an_address(value):
    result = run("--port=0", "--reverselookup", f"--resolver={value}", "true")
    assert result.returncode == 2
    assert b"--resolver=" in result.stderr


def test_resolver_without_a_lookup_is_refused():
    result = run("--port=0", "--resolver=127.0.0.1", "true")
    assert result.returncode == 2 and b"--reverselookup" in result.stderr
