"""npm's wscat, which is made for a terminal and gets one.

cannot: binary big fragments compress
"""

import os
import pty
import re
import shutil
import subprocess
import tty
from pathlib import Path

from manners import Ended, Refused, missing, serve

WSCAT = Path(__file__).parents[2] / "node_modules" / "wscat" / "bin" / "wscat"
OPEN = r"Connected \(press CTRL\+C to quit\)"
MESSAGE = r"\x1b\[3D< (?!Received p[io]ng )(.*?)\x1b\[39m\n"
PONG = r'\x1b\[3D< Received pong \(data: "(.*?)"\)\x1b\[39m\n'
CLOSED = r'Disconnected \(code: (\d+), reason: "(.*?)"\)\x1b\[39m\n'
ERROR = r"error: (.*?)\x1b\[39m\n"

if not shutil.which("node") or not WSCAT.exists():
    missing("no node, or no wscat of npm's")


class Connection:
    protocol = extensions = None  # it does not tell

    def __init__(self, task):
        options = [f"--subprotocol={name}" for name in task["protocols"]]
        if task.get("ca"):
            options.append(f"--ca={task['ca']}")
        self.terminal, inner = pty.openpty()
        tty.setraw(inner)
        self.process = subprocess.Popen(
            ["node", WSCAT, "--no-color", "--slash", "--show-ping-pong",
             *options, f"--connect={task['url']}"],
            stdin=inner, stdout=inner, stderr=inner,
            env={**os.environ, "TERM": "dumb"})
        os.close(inner)
        self.shown = ""
        self.over = None, ""

    def until(self, *patterns):
        """The first match of one of the patterns; what came before is gone."""
        raw = b""
        while True:
            found = [match for pattern in patterns
                     if (match := re.search(pattern, self.shown, re.S))]
            if found:
                first = min(found, key=re.Match.start)
                self.shown = self.shown[first.end():]
                return first
            try:
                raw += os.read(self.terminal, 1 << 20)
                self.shown += raw.decode()
                raw = b""
            except UnicodeDecodeError:  # not all of a character yet
                pass
            except OSError:  # it hung up
                raise Ended from None

    def awaited(self, wanted):
        found = self.until(CLOSED, wanted)
        if found.re.pattern == CLOSED:
            self.over = int(found[1]), found[2]
            raise Ended
        return found[1]

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    async def text(self, message):
        self.type(message)

    async def ping(self, payload):
        self.type(f"/ping {payload}")
        return self.awaited(PONG)

    async def close(self, code, reason):
        self.type(f"/close {code} {reason}".rstrip())
        await self.end()

    async def vanish(self):
        self.process.kill()
        self.over = 1006, ""
        raise Ended

    async def receive(self):
        return self.awaited(MESSAGE)

    async def end(self):
        while True:
            self.awaited(MESSAGE)

    def ending(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        return self.over


async def connect(task):
    connection = Connection(task)
    found = connection.until(OPEN, ERROR)
    if found.re.pattern == ERROR:
        connection.ending()
        raise Refused(found[1])
    return connection


serve(connect)
