#!/usr/bin/env python3
# For --framing=frames: send every message back with its type, pieces as pieces.
# At the message "bye" close with a code and a reason of our own.
import struct
import sys

def put(kind, payload):
    sys.stdout.buffer.write(struct.pack(">cI", kind, len(payload)) + payload)
    sys.stdout.buffer.flush()

while head := sys.stdin.buffer.read(5):
    kind, length = struct.unpack(">cI", head)
    payload = sys.stdin.buffer.read(length)
    if payload == b"bye":
        put(b"C", struct.pack(">H", 4000) + b"until tomorrow")
        break
    if kind in b"TtBb":
        put(kind, payload)
