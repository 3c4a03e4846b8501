"""The Python package websockets."""

from manners import Ended, Refused, missing, serve, trust

try:
    import websockets
except ImportError:
    missing("no package websockets for Python")


class Connection:
    def __init__(self, ws):
        self.ws = ws
        self.protocol = ws.subprotocol or ""
        self.extensions = ",".join(e.name for e in ws.extensions)

    async def text(self, message):
        try:
            await self.ws.send(message)
        except websockets.ConnectionClosed:
            raise Ended from None

    binary = text

    async def fragments(self, parts):
        await self.text(iter(parts))

    async def ping(self, payload):
        try:
            await (await self.ws.ping(payload))
        except websockets.ConnectionClosed:
            raise Ended from None
        return payload

    async def close(self, code, reason):
        await self.ws.close(code, reason)

    async def vanish(self):
        self.ws.transport.abort()
        await self.ws.wait_closed()

    async def receive(self):
        try:
            return await self.ws.recv()
        except websockets.ConnectionClosed:
            raise Ended from None

    async def end(self):
        await self.ws.wait_closed()

    def ending(self):
        if not self.ws.closed:
            return None, ""
        return self.ws.close_code, self.ws.close_reason or ""


async def connect(task):
    try:
        return Connection(await websockets.connect(
            task["url"], subprotocols=task["protocols"],  # or an empty list
            compression="deflate" if task["compress"] else None,
            max_size=None, ping_interval=None, ssl=trust(task)))
    except (OSError, websockets.WebSocketException) as e:
        raise Refused(str(e)) from None


serve(connect)
