"""Engine.IO, the transport of Flask-SocketIO, on aiohttp.

It speaks a language of its own, see test_engineio.py.

cannot: echo
"""

import asyncio

from manners import missing, ready, stay

try:
    import engineio
    from aiohttp import web
except ImportError as e:
    missing(f"for Python, {e}")


async def main():
    server = engineio.AsyncServer(async_mode="aiohttp", ping_interval=0.2)
    app = web.Application()
    server.attach(app)
    server.on("message", server.send)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ready(runner.addresses[0][1], "/engine.io/?EIO=4&transport=websocket")
    await stay()


asyncio.run(main())
