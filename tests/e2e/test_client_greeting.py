"""--send-first: the greeting of every connection."""

import pytest

from daemon import Daemon
from proc import standpipe


@pytest.mark.parametrize("protocol", [[], ["--no-standpipe-protocol"]])
@pytest.mark.parametrize("no_input", [[], ["-n"]])
def test_the_greeting_comes_first(tmp_path, protocol, no_input):
    path = tmp_path / "greeting"
    path.write_text("from a file\n")
    with Daemon(command=["cat"]) as d:
        r = standpipe("--send-first=hello", f"--send-first=@{path}",
                      *protocol, *no_input, "-c2" if no_input else "-c3",
                      d.url, input=b"input\n")
    said = b"hello\nfrom a file\n" + (b"" if no_input else b"input\n")
    assert (r.stdout, r.stderr, r.returncode) == (said, b"", 0)


def test_a_greeting_that_cannot_be_read():
    r = standpipe("--send-first=@/nonexistent", "ws://127.0.0.1:9/")
    assert r.returncode == 2 and b"/nonexistent: No such file" in r.stderr
