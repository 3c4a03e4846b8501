"""One engine by itself, and what its parent may say to it."""

import contextlib
import errno
import os
import resource
import select
import struct

import pytest
from lone_engine import Engine, settings
from proc import PATIENCE, until
from wire import Client, request_head

ROLE_AUTH, ROLE_NAMES = 1, 2


@pytest.fixture(scope="module")
def said():
    return settings("--kill=none")


def heard(engine, done):
    """Take what it says until that is so."""
    def step():
        while engine.hear():
            pass
        return done()

    until(step, "the engine says something", PATIENCE)


def session(engine):
    """A client with a program: both ends of a session."""
    client = Client(engine.address)
    client.send(request_head())
    heard(engine, lambda: engine.asked)
    program = engine.asked[0]
    engine.start(program)
    assert client.response().status == 101
    return client, program


def echo(client, program, text):
    client.send_text(text)
    until(program.read, "the message has arrived")
    program.pending.append(program.got[:])
    program.got.clear()
    program.write()
    assert client.recv_text() == text


def accepts(engine):
    """Whether it takes a connection that waits."""
    with Client(engine.address) as c:
        c.send(request_head("/", drop=["Upgrade", "Connection"]))
        return bool(select.select([c.sock], [], [], 0.3)[0])


def test_a_retired_engine_accepts_nobody_and_ends_with_its_last_session(said):
    with Engine(said) as engine:
        client, program = session(engine)
        other, first = session(engine)
        engine.tell("RETIRE")
        echo(client, program, "before")
        assert not accepts(engine)
        echo(client, program, "after")
        for c, p in (other, first), (client, program):
            assert engine.process.poll() is None
            c.send_close(1000)
            until(lambda p=p: p.read() or p.eof, "end of input")
            p.close()
            heard(engine, lambda p=p: p.killed)
            engine.exit(p)
            c.ending()
        assert engine.process.wait(PATIENCE) == 0
    assert not [line for line in engine.said_last if " error " in line]


def test_a_retired_engine_without_sessions_ends_at_once(said):
    with Engine(said) as engine:
        engine.tell("RETIRE")
        assert engine.process.wait(PATIENCE) == 0


def test_a_retired_engine_can_still_be_stopped(said):
    with Engine(said) as engine:
        client, program = session(engine)
        engine.tell("RETIRE")
        engine.tell("STOP")
        assert client.recv_close()[0] == 1001
        program.close()
        client.close()
        assert engine.process.wait(PATIENCE) == 0


@contextlib.contextmanager
def room_for(engine, n):
    """It may open so many descriptors more, until the end of the block."""
    highest = max(map(int, os.listdir(f"/proc/{engine.pid}/fd")))
    _, hard = before = resource.prlimit(engine.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(engine.pid, resource.RLIMIT_NOFILE,
                     (highest + 1 + n, hard))
    yield
    if engine.process.poll() is None:
        resource.prlimit(engine.pid, resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("room", [0, 1])
@pytest.mark.parametrize("leaves", [False, True])
def test_fault_A12_a_program_whose_pipes_have_no_room(said, room, leaves):
    with Engine(said) as engine:
        client, program = session(engine)
        held = engine.held()
        with Client(engine.address) as other:
            other.send(request_head())
            heard(engine, lambda: engine.asked)
            lost = engine.asked[0]
            if leaves:
                other.reset()
                until(lambda: engine.held() == held, "it has gone")
            with room_for(engine, room):
                engine.start(lost)
                heard(engine, lambda: lost.killed)
            if not leaves:
                assert other.response().status == 502
        until(lambda: lost.read() or lost.eof, "nobody writes to it")
        engine.exit(lost, wants_done=True)
        heard(engine, lambda: lost.done)
        until(lambda: engine.held() == held, "nothing is left of it")
        echo(client, program, "the other session lives")
        client.close()
        third, again = session(engine)
        echo(third, again, "and so do new ones")


def answered(clients):
    poll = select.poll()
    for c in clients:
        poll.register(c.sock, select.POLLIN)
    return {fd for fd, _ in poll.poll(0)}


def test_fault_A12_a_parent_that_is_behind_is_asked_for_no_more(said):
    """What clients make an engine say to it waits there, up to a limit."""
    large = request_head(headers=[(f"X-{i}", "x" * 7000) for i in (1, 2)])
    with Engine(said) as engine:
        client, program = session(engine)
        others = [Client(engine.address) for _ in range(500)]
        for other in others:
            other.send(large)
        until(lambda: answered(others), "there is too much of it")
        echo(client, program, "it serves on")
        heard(engine, lambda: len(engine.asked) + len(answered(others)) == 500)
        refused = answered(others)
        assert 100 < len(refused) < 400
        for other in others:
            if other.sock.fileno() in refused:
                assert other.response().status == 503
        for one in list(engine.asked):
            engine.refuse(one, errno.ENOENT)
        until(lambda: len(answered(others)) == 500, "all are answered")
        for other in others:
            other.close()
        client.close()
        again, program = session(engine)
        echo(again, program, "and starts programs again")
    assert any('rule="programs to be started"' in line
               for line in engine.said_last)


@pytest.mark.parametrize("name, body", [
    ("LISTEN", bytes(7)),
    ("FOLDER", bytes(8)),
    ("LINK", struct.pack("=II", ROLE_AUTH, 0)),
])
def test_fault_A12_an_engine_that_would_lack_something_ends(said, name, body):
    with Engine(said) as engine:
        with room_for(engine, 0):
            engine.tell(name, 0, body, [os.open("/dev/null", os.O_RDWR)])
            assert engine.process.wait(PATIENCE) == 1
    assert any(f"bad message from the parent: {name.lower()}" in line
               for line in engine.said_last)


def test_fault_A12_an_engine_without_names_serves(said):
    with Engine(said) as engine:
        client, program = session(engine)
        with room_for(engine, 0):
            engine.tell("LINK", 0, struct.pack("=II", ROLE_NAMES, 0),
                        [os.open("/dev/null", os.O_RDWR)])
            echo(client, program, "nobody has a name")
    assert any("clients have no names: descriptors are short" in line
               for line in engine.said_last)


@pytest.mark.parametrize("pid, descriptors", [(0, 2), (0, 1), (4711, 1)])
def test_an_engine_of_today_opens_nothing_but_programs(said, pid, descriptors):
    with Engine(said) as engine:
        with Client(engine.address) as client:
            client.send(request_head())
            heard(engine, lambda: engine.asked)
            fds = [os.open("/dev/null", os.O_RDWR) for _ in range(descriptors)]
            engine.tell("OPENED", engine.asked[0].number,
                        pid.to_bytes(4, "little"), fds)
            assert engine.process.wait(PATIENCE) == 1
    assert any("bad message from the parent: opened" in line
               for line in engine.said_last)
