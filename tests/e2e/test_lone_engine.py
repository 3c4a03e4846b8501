"""One engine by itself, and what its parent may say to it."""

import os
import select
import signal

import pytest
from lone_engine import Engine, settings
from proc import PATIENCE, until
from wire import Client, request_head


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
