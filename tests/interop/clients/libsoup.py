"""libsoup 3, which offers an empty list of subprotocols.

options: --origin=*
cannot: fragments ping compress tls abrupt vanish status
"""

import asyncio
import threading

from manners import Ended, Refused, missing, serve

try:
    import gi
    gi.require_version("Soup", "3.0")
    from gi.repository import GLib, Soup
except (ImportError, ValueError) as e:
    missing(f"libsoup for Python: {e}")

loop = GLib.MainLoop()
session = Soup.Session()


def in_loop(what):
    """Call it in the thread of GLib's loop."""
    GLib.idle_add(lambda: what() and False)


class Connection:
    extensions = ""

    def __init__(self, ws, here):
        """In the thread of GLib's loop, so that nothing is missed."""
        self.ws = ws
        self.protocol = ws.get_protocol() or ""
        self.heard = asyncio.Queue()
        self.over = asyncio.Event()
        ws.set_max_incoming_payload_size(64 << 20)
        ws.connect("message", lambda _, kind, data: here.call_soon_threadsafe(
            self.heard.put_nowait, self.message(kind, data.get_data())))
        ws.connect("closed", lambda _: here.call_soon_threadsafe(self.closed))

    @staticmethod
    def message(kind, data):
        data = data or b""
        return data.decode() if kind == Soup.WebsocketDataType.TEXT else data

    def closed(self):
        self.over.set()
        self.heard.put_nowait(None)

    async def text(self, message):
        in_loop(lambda: self.ws.send_text(message))

    async def binary(self, message):
        in_loop(lambda: self.ws.send_binary(message))

    async def close(self, code, reason):
        in_loop(lambda: self.ws.close(code, reason))
        await self.over.wait()

    async def receive(self):
        message = await self.heard.get()
        if message is None:
            raise Ended
        return message

    async def end(self):
        await self.over.wait()

    def ending(self):
        if not self.over.is_set():
            return None, ""
        return self.ws.get_close_code(), self.ws.get_close_data() or ""


async def connect(task):
    here = asyncio.get_running_loop()
    opened = here.create_future()

    def done(_, result):
        try:
            ws = Connection(session.websocket_connect_finish(result), here)
            here.call_soon_threadsafe(opened.set_result, ws)
        except GLib.Error as e:
            here.call_soon_threadsafe(opened.set_exception, Refused(e.message))

    message = Soup.Message.new("GET", task["url"])
    in_loop(lambda: session.websocket_connect_async(
        message, None, task["protocols"], 0, None, done))
    return await opened


threading.Thread(target=loop.run, daemon=True).start()
serve(connect)
