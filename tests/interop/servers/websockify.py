"""websockify in front of a TCP server that echoes: bytes, and no messages.

It refuses clients that offer subprotocols, and none that it knows.

cannot: empty text orders compress
"""

import shutil
import socketserver
import threading

from manners import a_port, missing, run

WEBSOCKIFY = shutil.which("websockify") or missing("no websockify")


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(1 << 16):
            self.request.sendall(data)


socketserver.ThreadingTCPServer.daemon_threads = True
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as echo:
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    port = a_port()
    run([WEBSOCKIFY, f"127.0.0.1:{port}",
         f"127.0.0.1:{echo.server_address[1]}"], port)
