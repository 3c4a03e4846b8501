"""A client that is not ours gets along with the daemon."""

import asyncio

import pytest

from standpipe import Daemon

websockets = pytest.importorskip("websockets")


def talk(d, script, **kw):
    async def main():
        async with websockets.connect(f"ws://127.0.0.1:{d.port}/chat?x=1",
                                      open_timeout=10, **kw) as ws:
            return await asyncio.wait_for(script(ws), 20)

    return asyncio.run(main())


def test_echo_of_every_kind():
    async def script(ws):
        for message in "text", "äöü€😀", b"\xff\0", "", b"", "x" * 300000:
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(iter(["one ", "two ", "three"]))
        assert await ws.recv() == "one two three"
        await (await ws.ping(b"hello"))
        await ws.close(4000, "bye")
        return ws.close_code, ws.close_reason

    with Daemon("--framing=frames") as d:
        assert talk(d, script)[0] == 4000


def test_exit_status_is_what_the_client_sees():
    async def script(ws):
        assert [line async for line in ws] == ["one", "two"]

    async def failing(ws):
        assert await ws.recv() == "one"
        with pytest.raises(websockets.ConnectionClosedError):
            assert await ws.recv() == "two"
            await ws.recv()
        return ws.close_code, ws.close_reason

    with Daemon(command=["printf", "one\\ntwo\\n"]) as d:
        talk(d, script)
    with Daemon(command=["sh", "-c", "echo one; echo two; exit 3"]) as d:
        assert talk(d, failing) == (4003, "exit status 3")


def test_offers_of_compression_and_subprotocols():
    async def script(ws):
        await ws.send("x" * 1000)
        assert await ws.recv() == "x" * 1000
        return ws.subprotocol, ws.extensions

    with Daemon("--subprotocol=chat") as d:
        assert talk(d, script, subprotocols=["other", "chat"],
                    compression="deflate") == ("chat", [])


def test_keepalive_of_both_sides():
    async def script(ws):
        for _ in range(5):
            await ws.send("x")
            assert await ws.recv() == "x"
            await (await ws.ping())

    with Daemon("--ping=50ms", "--ping-timeout=5s") as d:
        talk(d, script, ping_interval=0.05)
