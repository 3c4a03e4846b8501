"""libwebsockets' test client.

It makes two connections, and shows what it receives on one of them; on the
other it draws circles. There it stops for good, busy with itself, if something
compressed or not arrives once compression was agreed on.

options: --origin=* --compression=off --subprotocol=dumb-increment-protocol,lws-mirror-protocol
cannot: send binary big ping close code abrupt vanish fragments compress tls status
"""

import re
import shutil
import subprocess
from urllib.parse import urlsplit

from manners import Ended, Refused, missing, serve

CLIENT = "libwebsockets-test-client"
INFO = "15"

if not shutil.which(CLIENT):
    missing(f"no {CLIENT}")


class Connection:
    protocol = extensions = None  # it does not tell

    def __init__(self, url):
        self.process = subprocess.Popen(
            [CLIENT, "-d", INFO, f"--port={urlsplit(url).port}", "localhost"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def until(self, *patterns):
        for line in self.process.stderr:
            for pattern in patterns:
                found = re.search(pattern, line.decode())
                if found:
                    return found
        raise Refused("it ended")

    async def receive(self):
        found = self.until(r": rx \d+ '(.*)'$", "LWS_CALLBACK_CLIENT_CLOSED$")
        if not found.re.groups:
            raise Ended
        return found[1]

    async def end(self):
        while True:
            await self.receive()

    def ending(self):
        self.process.kill()
        self.process.communicate()
        return None, ""


async def connect(task):
    connection = Connection(task["url"])
    found = connection.until("dumb: LWS_CALLBACK_CLIENT_ESTABLISHED",
                             "CLIENT_CONNECTION_ERROR: dumb: (.*)")
    if found.re.groups:
        connection.ending()
        raise Refused(found[1])
    return connection


serve(connect)
