"""What the cases of groups 12 and 13 send, whoever is tested.

Each of the five files of the suite has a stand-in here that is made, always the
same: of its kind, its size and, nearly, its compressibility. Messages are
consecutive slices of it, with wrap-around. How many there are is cut down to
what half a MiB holds, with at least eight and at most 512; --full sends the 1000
of the suite.
"""

import collections
import functools
import json
import random
import zlib

from wire import BINARY, TEXT

# 512 messages of 64 bytes fill a window of 32 KiB, larger ones do so many times.
FULL, COUNT, LEAST, BUDGET = 1000, 512, 8, 1 << 19

WORDS = ("der die und in den von zu das mit sich des auf für ist im dem nicht "
         "ein Die eine als auch es an werden aus er hat daß sie nach wird bei "
         "einer um am sind noch wie einem über einen so Sie zum war haben nur "
         "oder aber vor zur bis mehr durch man sein wurde sei Prozeß hatte kann "
         "gegen vom können schon wenn habe seine Mark ihre dann unter wir soll "
         "ich eines Jahr zwei Jahren diese dieser wieder keine Straße Übung "
         "Männer Frühstück größer hören Gefühl zurück natürlich".split())


def as_json(dice, size):
    records = []
    while sum(map(len, records)) < size:
        records.append(json.dumps({
            "id": dice.randrange(1 << 32), "user": dice.choice(WORDS[:20]),
            "created_at": f"2026-11-{dice.randrange(1, 30):02}",
            "text": " ".join(dice.choices(WORDS, k=12)), "retweeted": False,
            "coordinates": [dice.random(), dice.random()], "lang": "de"}))
    return "\n".join(records).encode()


def as_bitmap(dice, size):
    """A grey sky with some noise in it, 512 pixels wide."""
    pixels = bytearray(b"BM" + size.to_bytes(4, "little") + bytes(1072))
    for y in range(size // 512 + 1):
        pixels += bytes((x * y // 700 + dice.randrange(7)) & 255
                        for x in range(512))
    return bytes(pixels)


def as_prose(dice, size):
    text = []
    while sum(map(len, text)) < size:
        sentence = " ".join(dice.choices(WORDS, k=dice.randrange(5, 25)))
        text.append(sentence.capitalize() + dice.choice(".,;:!?") +
                    dice.choice("    \n"))
    return " ".join(text).encode()


def as_html(dice, size):
    text = ["<!DOCTYPE html><html lang=\"de\"><body>\n"]
    while sum(map(len, text)) < size:
        words = " ".join(dice.choices(WORDS, k=6))
        text.append(f'<div class="row-{dice.randrange(9)}"><a href="/wiki/'
                    f'{dice.randrange(99999)}" title="{words}">{words}</a>'
                    "</div>\n")
    return "".join(text).encode()


def as_pdf(dice, size):
    """Compressed streams between a few words."""
    parts = [b"%PDF-1.5\n"]
    while sum(map(len, parts)) < size:
        n = len(parts)
        stream = zlib.compress(dice.randbytes(9000), 1)
        parts.append(b"%d 0 obj << /Length %d /Filter /FlateDecode >>\nstream\n"
                     % (n, len(stream)) + stream + b"\nendstream\nendobj\n")
    return b"".join(parts)


Kind = collections.namedtuple("Kind", "make opcode size")
KINDS = {
    1: Kind(as_json, TEXT, 194056),
    2: Kind(as_bitmap, BINARY, 263222),
    3: Kind(as_prose, BINARY, 222218),
    4: Kind(as_html, TEXT, 263647),
    5: Kind(as_pdf, BINARY, 1042328),
}

# Bytes of a message, and of a frame once it is compressed.
SHAPES = [
    *((size, None) for size in (16, 64, 256, 1024, 4096, 8192, 16384, 32768,
                                65536, 131072)),
    *((size, 256) for size in (8192, 16384, 32768, 65536, 131072)),
    (131072, 1024), (131072, 4096), (131072, 32768)]

# What each group of 13 asks of the other side, as parameters without the
# prefix; 13.7 has several offers, the best first.
NOTHING = {}
PARAMETERS = {
    1: [NOTHING],
    2: [{"no_context_takeover": True}],
    3: [{"max_window_bits": 9}],
    4: [{"max_window_bits": 15}],
    5: [{"no_context_takeover": True, "max_window_bits": 9}],
    6: [{"no_context_takeover": True, "max_window_bits": 15}],
    7: [{"no_context_takeover": True, "max_window_bits": 9},
        {"no_context_takeover": True}, NOTHING],
}


@functools.cache
def content(kind):
    """The stand-in: bytes, or text where slices are counted in characters."""
    k = KINDS[kind]
    data = k.make(random.Random(kind), k.size)
    if k.opcode == TEXT:
        data = data[:k.size].decode("utf-8", "ignore")
    return data[:k.size]


def count(size, full):
    return FULL if full else min(COUNT, max(LEAST, BUDGET // size))


def messages(kind, size, full=False):
    """The payloads of a case, one after the other."""
    data = content(kind)
    at = 0
    for _ in range(count(size, full)):
        part = data[at:at + size]
        if len(part) < size:
            part += data[:size - len(part)]
        at = (at + size) % len(data)
        yield part.encode() if isinstance(part, str) else part


def parameter_text(prefix, wanted):
    return "".join(f"; {prefix}_{name}" + ("" if value is True else f"={value}")
                   for name, value in wanted.items())


def offers(wanted):
    """The field of the suite as client, for what it asks of the server."""
    return ", ".join("permessage-deflate; client_no_context_takeover; "
                     "client_max_window_bits" + parameter_text("server", one)
                     for one in wanted)


def answers(wanted):
    """And as server: what it would have of the client, the best first."""
    return ["permessage-deflate" + parameter_text("client", one)
            for one in wanted]
