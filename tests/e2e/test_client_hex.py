"""--hex: lines of hexadecimal digits are binary messages."""

import pytest

from daemon import Daemon
from proc import standpipe
from terminal import Terminal


@pytest.fixture(scope="module")
def echo():
    with Daemon("--framing=frames", command=["cat"]) as d:
        yield d.url


@pytest.mark.parametrize("typed, answer", [
    (b"48 65 6C6c 0x6f\n", b"48656c6c6f\n"),
    (b"00\n\n0xff0XFE\r\n", b"00\n\nfffe\n"),
    (b"61\n62", b"61\n62\n"),
])
def test_a_line_is_a_message(echo, typed, answer):
    count = answer.count(b"\n")
    r = standpipe("--hex", f"--count={count}", echo, input=typed)
    assert (r.stdout, r.stderr, r.returncode) == (answer, b"", 0)


def test_a_line_of_any_length(echo):
    line = bytes(range(256)).hex().encode() * 2000 + b"\n"
    r = standpipe("--hex", "--count=1", echo, input=line)
    assert (r.stdout, r.stderr, r.returncode) == (line, b"", 0)


def test_text_is_shown_as_its_bytes():
    with Daemon(command=["echo", "ä"]) as d:
        r = standpipe("--hex", d.url, input=b"")
    assert (r.stdout, r.returncode) == (b"c3a4\n", 0)


@pytest.mark.parametrize("typed, why", [
    (b"61\n\n6g\n", b"line 3 of the input: something that is no hex"),
    (b"61\n6\n", b"line 2 of the input: an odd number of hex"),
    (b"616", b"line 1 of the input: an odd number of hex"),
])
def test_what_is_no_hex_is_said_with_its_line(echo, typed, why):
    r = standpipe("--hex", echo, input=typed)
    assert why in r.stderr
    assert r.returncode == 2


def test_C9_a_terminal_is_shown_digits():
    with Daemon("--binary", command=["printf", r"\033[2J"]) as d, \
            Terminal("--hex", d.url) as t:
        t.shows("1b5b324a")
        t.ends()
