"""permessage-deflate (RFC 7692), from the other side of whatever is tested.

offer()   what a client asks for
Deflate   both ways of a session, after the server's answer
"""

import zlib

TAIL = b"\x00\x00\xff\xff"
EXTENSION = "Sec-WebSocket-Extensions"

# As browsers ask, and with nothing said at all.
BROWSER = "permessage-deflate; client_max_window_bits"
PLAIN = "permessage-deflate"


def offer(value=BROWSER):
    """The field of a request."""
    return {EXTENSION: value}


def parameters(value):
    """{name: value or True} of an answer that holds this one extension."""
    name, *rest = [part.strip() for part in value.split(";")]
    assert name == "permessage-deflate", value
    found = {}
    for part in rest:
        key, _, bits = part.partition("=")
        assert key not in found, value
        found[key] = bits or True
    return found


class Deflate:
    """What was agreed on, and a stream for each way.

    role   whose side we are: "client" or "server"
    """

    def __init__(self, answer, role="client", level=6, memory=8):
        self.terms = parameters(answer)
        self.ours = role
        self.theirs = "server" if role == "client" else "client"
        self.level, self.memory = level, memory
        self.out = self.new_out()
        self.back = self.new_back()

    def bits(self, side):
        return int(self.terms.get(f"{side}_max_window_bits", 15))

    def takes_over(self, side):
        return f"{side}_no_context_takeover" not in self.terms

    def new_out(self):
        # zlib itself has no window of 8 bits, and never uses all of 9
        return zlib.compressobj(self.level, zlib.DEFLATED,
                                -max(9, self.bits(self.ours)), self.memory)

    def new_back(self):
        return zlib.decompressobj(-self.bits(self.theirs))

    def deflate(self, data):
        """The payload of a message, all of it."""
        if not self.takes_over(self.ours):
            self.out = self.new_out()
        data = self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH)
        assert data.endswith(TAIL)
        return data[:-4] or b"\0"

    def inflate(self, payload, last):
        """A piece of one; it must be complete where the message is."""
        data = self.back.decompress(payload + (TAIL if last else b""))
        assert not self.back.unused_data and not self.back.eof
        if last and not self.takes_over(self.theirs):
            self.back = self.new_back()
        return data


def fragments(payload, size):
    """The payload cut into pieces of that size; one piece without."""
    if not size:
        return [payload]
    return [payload[at:at + size] for at in range(0, len(payload), size)]
