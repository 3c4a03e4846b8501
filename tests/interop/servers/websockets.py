"""The Python package websockets, with a subprotocol."""

import asyncio

from manners import left, missing, obey, order, ready, stay

try:
    import websockets
except ImportError:
    missing("no package websockets for Python")


class Guest:
    def __init__(self, ws):
        self.ws = ws

    async def text(self, message):
        await self.ws.send(message)

    async def fragments(self, parts):
        await self.ws.send(parts)

    async def ping(self, payload):
        await (await self.ws.ping(payload))
        return payload

    async def close(self, code, reason):
        await self.ws.close(code, reason)

    async def vanish(self):
        self.ws.transport.abort()


async def welcome(ws):
    guest = Guest(ws)
    try:
        async for message in ws:
            words = order(message)
            if words is None:
                await ws.send(message)
            else:
                await obey(words, guest)
    except websockets.ConnectionClosed:
        pass
    left(ws.close_code, ws.close_reason)


async def main():
    async with websockets.serve(welcome, "127.0.0.1", 0, max_size=None,
                                subprotocols=["chat"]) as server:
        ready(server.sockets[0].getsockname()[1])
        await stay()


asyncio.run(main())
