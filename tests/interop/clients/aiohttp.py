"""The Python package aiohttp.

cannot: fragments
"""

from manners import Ended, Refused, missing, serve, trust

try:
    import aiohttp
except ImportError:
    missing("no package aiohttp for Python")


class Connection:
    def __init__(self, http, ws):
        self.http = http
        self.ws = ws
        self.protocol = ws.protocol or ""
        self.extensions = "permessage-deflate" if ws.compress else ""
        self.code, self.reason = None, ""

    async def text(self, message):
        await self.ws.send_str(message)

    async def binary(self, message):
        await self.ws.send_bytes(message)

    async def ping(self, payload):
        await self.ws.ping(payload.encode())
        got = await self.next()
        while got.type != aiohttp.WSMsgType.PONG:
            got = await self.next()
        return got.data.decode()

    async def close(self, code, reason):
        await self.ws.close(code=code, message=reason.encode())
        await self.over(self.ws.close_code, "")

    async def vanish(self):
        self.ws.get_extra_info("socket").shutdown(2)
        await self.over(1006, "")

    async def next(self):
        """A message or a pong."""
        got = await self.ws.receive()
        if got.type == aiohttp.WSMsgType.PING:
            await self.ws.pong(got.data)
            return await self.next()
        if got.type == aiohttp.WSMsgType.CLOSE:
            await self.over(got.data, got.extra)
            raise Ended
        if got.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            await self.over(1006, "")
            raise Ended
        return got

    async def receive(self):
        got = await self.next()
        assert got.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
        return got.data

    async def end(self):
        while True:
            await self.next()

    async def over(self, code, reason):
        self.code, self.reason = code, reason
        await self.http.close()

    def ending(self):
        return self.code, self.reason


async def connect(task):
    http = aiohttp.ClientSession()
    try:
        return Connection(http, await http.ws_connect(
            task["url"], protocols=task["protocols"], ssl=trust(task),
            compress=15 if task["compress"] else 0, max_msg_size=0,
            autoping=False))
    except aiohttp.ClientError as e:
        await http.close()
        raise Refused(str(e)) from None


serve(connect)
