"""What the peers in Python have in common; see README."""

import asyncio
import base64
import json
import ssl
import sys


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
