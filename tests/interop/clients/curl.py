"""curl, where it was built with ws; it prints what it receives.

cannot: send binary big ping close code abrupt vanish fragments compress tls status
"""

import re
import shutil
import subprocess

from manners import Ended, missing, serve

CURL = shutil.which("curl") or missing("no curl")
VERSION = subprocess.run([CURL, "--version"], capture_output=True, text=True,
                         check=True).stdout
if not re.search(r"^Protocols:.* ws\b", VERSION, re.M):
    missing(f"curl {VERSION.split()[1]} has no ws among its protocols")


class Connection:
    protocol = extensions = None  # it does not tell

    def __init__(self, url):
        self.process = subprocess.Popen(
            [CURL, "--silent", "--no-buffer", url], stdout=subprocess.PIPE)

    async def receive(self):
        """All of it is one message: nothing tells where they end."""
        text = self.process.stdout.read().decode()
        if not text:
            raise Ended
        return text

    def ending(self):
        self.process.kill()
        self.process.wait()
        return None, ""


async def connect(task):
    return Connection(task["url"])


serve(connect)
