"""What the peers in Python have in common; see README."""

import asyncio
import base64
import json
import random
import select
import socket
import ssl
import subprocess
import sys
import time


class Refused(Exception):
    """The connection never opened."""


class Ended(Exception):
    """The connection ended where a message or a pong was awaited."""


def missing(reason):
    """This peer is not here."""
    print(reason)
    sys.exit(77)


def trust(task):
    """The TLS context that trusts the task's authority, or None."""
    if not task.get("ca"):
        return None
    return ssl.create_default_context(cafile=task["ca"])


def shown(message):
    if isinstance(message, str):
        return {"text": message}
    return {"binary": base64.b64encode(message).decode()}


async def steps(todo, peer, result):
    for step in todo:
        (what, value), = step.items()
        if what in ("text", "say"):
            await peer.text(value)
        elif what == "binary":
            await peer.binary(base64.b64decode(value))
        elif what == "fragments":
            await peer.fragments(value)
        elif what == "ping":
            result["pongs"].append(await peer.ping(value))
        elif what == "close":
            await peer.close(*value)
        elif what == "vanish":
            await peer.vanish()
        if what in ("text", "binary", "fragments", "receive"):
            result["messages"].append(shown(await peer.receive()))
        elif what == "end":
            await peer.end()


async def carry_out(task, connect):
    try:
        peer = await connect(task)
    except Refused as refused:
        return {"refused": str(refused)}
    result = {"pongs": [], "messages": [], "protocol": peer.protocol,
              "extensions": peer.extensions}
    try:
        await steps(task["do"], peer, result)
    except Ended:
        pass
    code, reason = peer.ending()
    if code is not None:
        result |= {"code": code, "reason": reason, "clean": code != 1006}
    return result


def serve(connect):
    """A task a line; `connect` is a coroutine that gives a connection.

    It has the attributes protocol and extensions, the coroutines text, binary,
    fragments, ping, close, vanish, receive and end, as far as the peer can do
    that, and ending(): the Close's code and reason, (None, "") before it.
    """
    print("ready", flush=True)
    for line in sys.stdin:
        result = asyncio.run(carry_out(json.loads(line), connect))
        print(json.dumps(result), flush=True)


# ---- servers

last = "nobody"  # how the guest before this one has left


def left(code, reason=""):
    global last
    last = f"{code} {reason}"


def order(message):
    """The words of a text that is an order, or None: then it is echoed."""
    if isinstance(message, str) and message.startswith("/"):
        return message[1:].split(" ")
    return None


async def obey(words, peer):
    """Carry out an order; peer has coroutines as a client's connection has."""
    what, *words = words
    if what == "last":
        await peer.text(last)
    elif what == "close":
        await peer.close(int(words[0]), " ".join(words[1:]))
    elif what == "fragments":
        await peer.fragments(words)
    elif what == "ping":
        await peer.text(f"pong {await peer.ping(words[0])}")
    elif what == "vanish":
        await peer.vanish()


def ready(port, path="/"):
    print(f"ws://127.0.0.1:{port}{path}", flush=True)


async def stay():
    """Until the standard input ends."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def a_port():
    """A port that nobody gets by chance: those are 32768 and above."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def run(words, port, path="/", **popen):
    """A server that is a program; until the standard input ends."""
    process = subprocess.Popen([str(word) for word in words],
                               stdin=subprocess.DEVNULL, stdout=sys.stderr,
                               **popen)
    try:
        deadline = time.monotonic() + 20
        while not listens(port):
            assert process.poll() is None and time.monotonic() < deadline
            select.select([], [], [], 0.01)
        ready(port, path)
        sys.stdin.read()
    finally:
        process.terminate()
        process.wait()
