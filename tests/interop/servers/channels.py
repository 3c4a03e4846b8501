"""Django Channels, served by daphne.

cannot: empty fragments ping reason vanish compress
"""

import sys
import threading

from manners import left, missing, order, ready

try:
    from channels.generic.websocket import WebsocketConsumer
    from daphne.server import Server
    from django.conf import settings
except ImportError as e:
    missing(f"for Python, {e}")

settings.configure(ALLOWED_HOSTS=["*"])


class Guest(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        words = order(text_data)
        if words is None:
            self.send(text_data=text_data, bytes_data=bytes_data)
        elif words[0] == "close":
            self.close(int(words[1]))
        elif words[0] == "last":
            import manners
            self.send(text_data=manners.last)

    def disconnect(self, code):
        left(code)


server = Server(Guest.as_asgi(), endpoints=["tcp:port=0:interface=127.0.0.1"],
                signal_handlers=False, verbosity=0,
                ready_callable=lambda: ready(
                    server.listening_addresses[0][1]))


def end():
    from twisted.internet import reactor
    sys.stdin.read()
    reactor.callFromThread(reactor.stop)


threading.Thread(target=end, daemon=True).start()
server.run()
