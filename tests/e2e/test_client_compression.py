"""The client: --compression (permessage-deflate, RFC 7692)."""

import json
import subprocess
import zlib

import pytest

from answers import CLOSE_1000, Answers, agree
from daemon import Daemon
from deflate import EXTENSION
from proc import SANITIZED, STANDPIPE, environment, standpipe
from test_compression import FLAT, MIB, bomb, log_lines, peak
from wire import BINARY, TEXT, frame

HELLO = b"\xf2\x48\xcd\xc9\xc9\x07\x00"


def extension(*values, more=b""):
    """A server that answers the offer with these, and sends more."""
    return lambda head: agree(
        head, *(f"{EXTENSION}: {value}".encode() for value in values),
        more=more)


def bare(payload, opcode=TEXT):
    """A compressed message of a server."""
    return frame(payload, opcode, rsv=4, mask=None)


def test_nothing_is_offered_unless_asked():
    with Answers(lambda head: agree(head, more=CLOSE_1000)) as a:
        standpipe("-n", a.url)
        assert a.fields(EXTENSION) == []


@pytest.mark.parametrize("options, offer", [
    (["-z"], "permessage-deflate; client_max_window_bits"),
    (["--compression", "--compression-takeover=none"],
     "permessage-deflate; server_no_context_takeover; "
     "client_no_context_takeover; client_max_window_bits"),
    (["-z", "--compression-takeover=client"],
     "permessage-deflate; server_no_context_takeover; client_max_window_bits")])
def test_what_is_offered(options, offer):
    with Answers(lambda head: agree(head, more=CLOSE_1000)) as a:
        assert standpipe("-n", *options, a.url).returncode == 0
        assert a.fields(EXTENSION) == [offer]


@pytest.mark.parametrize("answers, says", [
    (["permessage-deflate; foo"], b"does not fit"),
    (["permessage-deflate; server_max_window_bits=16"], b"does not fit"),
    (["permessage-deflate; client_max_window_bits"], b"does not fit"),
    (["permessage-deflate;"], b"malformed"),
    (["permessage-deflate", "permessage-deflate"], b"not offered"),
    (["permessage-bzip2"], b"not offered")])
def test_an_answer_that_is_none(answers, says):
    with Answers(extension(*answers)) as a:
        r = standpipe("-n", "-z", a.url)
    assert (r.returncode, r.stdout) == (76, b"")
    assert says in r.stderr


def test_an_answer_without_an_offer():
    with Answers(extension("permessage-deflate")) as a:
        r = standpipe("-n", a.url)
    assert r.returncode == 76
    assert b"not offered" in r.stderr


def test_a_server_that_does_not_compress_is_as_good():
    with Daemon("--compression=off", command=["echo", "hello"]) as d:
        r = standpipe("-z", d.url)
    assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)


def test_messages_that_refer_to_earlier_ones():
    again = b"\xf2\x00\x11\x00\x00"
    with Answers(extension("permessage-deflate", more=bare(HELLO) +
                           bare(again) + CLOSE_1000)) as a:
        r = standpipe("-n", "-z", a.url)
    assert (r.stdout, r.returncode) == (b"Hello\nHello\n", 0)


def test_messages_that_may_not():
    again = b"\xf2\x00\x11\x00\x00"
    with Answers(extension("permessage-deflate; server_no_context_takeover",
                           more=bare(HELLO) + bare(again) + CLOSE_1000)) as a:
        r = standpipe("-n", "-z", a.url)
    assert (r.stdout, r.returncode) == (b"Hello\n", 76)
    assert b"bad compressed data" in r.stderr


def test_F25_compressed_though_nobody_asked():
    with Answers(lambda head: agree(head, more=bare(HELLO))) as a:
        r = standpipe("-n", a.url)
    assert (r.stdout, r.returncode) == (b"", 76)
    assert b"reserved bit" in r.stderr


@pytest.mark.parametrize("framing", ["lines", "text", "binary"])
def test_bytes_come_back(framing):
    data = "\n".join(log_lines(3000)).encode() + b"\n"
    with Daemon(f"--framing={framing}") as d:
        r = standpipe("-z", "--json=2", d.url, input=data)
    assert (r.stdout == data, r.returncode) == (True, 0)
    facts = json.loads(r.stderr)
    assert facts["sent_wire_bytes"] * 3 < facts["sent_bytes"]
    assert facts["received_wire_bytes"] * 3 < facts["received_bytes"]


@pytest.mark.parametrize("takeover", ["none", "both"])
def test_messages_come_back_without_our_protocol(takeover):
    lines = "".join(line + "\n" for line in log_lines(2000)).encode()
    with Daemon(f"--compression-takeover={takeover}", "--framing=frames",
                "--compression-min=0") as d:
        r = standpipe("-z", "--no-standpipe-protocol", "--count=2000",
                      "--json=2", d.url, input=lines)
    assert r.stdout == lines
    facts = json.loads(r.stderr)
    ratio = facts["received_bytes"] / facts["received_wire_bytes"]
    assert ratio > (1.1 if takeover == "none" else 3)


def test_verbose_tells_of_it():
    with Daemon() as d:
        r = standpipe("-zv", d.url, input=b"x" * 10000)
    assert b"extensions permessage-deflate" in r.stderr
    assert b"on their way" in r.stderr


def receive_bomb(size, *options):
    """(bytes printed, growth of the client's memory, standard error, status)."""
    more = bare(bomb(size), BINARY) + CLOSE_1000
    with Answers(extension("permessage-deflate", more=more)) as a:
        with subprocess.Popen(
                [STANDPIPE, "-n", "-z", "--framing=binary", *options, a.url],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=environment()) as p:
            got = len(p.stdout.read(1))
            before = seen = peak(p.pid)
            while data := p.stdout.read(1 << 16):
                got += len(data)
                if 2 * got < size and not options:  # it must be there still
                    seen = peak(p.pid)
            said = p.stderr.read()
    return got, seen - before, said, p.returncode


def test_F25_rule6_a_bomb_is_streamed():
    size = (32 if SANITIZED else 256) * MIB
    got, grown, said, status = receive_bomb(size)
    assert (got, said, status) == (size, b"", 0)
    assert grown < FLAT


def test_F25_the_limit_is_for_what_was_inflated():
    got, _, said, status = receive_bomb(64 * MIB, "--max-message=1M")
    assert status == 76 and got <= MIB
    assert b"too big" in said


def test_what_our_bytes_look_like():
    """A frame that is masked, with RSV1, of the payload that RFC 7692 has."""
    with Answers(extension("permessage-deflate; client_no_context_takeover"),
                 hold=True) as a:
        standpipe("-z", "--no-standpipe-protocol", "--wait=0", "--text", a.url,
                  input=b"Hello" * 20)
        a.head  # until it has ended
    said = a.said
    assert said[0] == 0xC1 and said[1] & 0x80
    size = said[1] & 0x7F
    payload = bytes(b ^ said[2 + i % 4] for i, b in enumerate(said[6:6 + size]))
    assert zlib.decompressobj(-15).decompress(
        payload + b"\0\0\xff\xff") == b"Hello" * 20
