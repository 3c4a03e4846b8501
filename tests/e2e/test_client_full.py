"""The client is two programs: one that starts fast, one that has everything."""

import os
import shutil
import subprocess

import pytest

from certificates import Authority
from daemon import Daemon
from proc import STANDPIPE, environment, standpipe

HEAVY = ["libcrypto", "libssl", "libedit", "libtinfo", "libevent-"]
FULL = STANDPIPE.with_name("standpipe-full")
URL = "wss://127.0.0.1:1/"


def libraries(program):
    """All that the loader would load, as it says itself."""
    env = {**environment(), "LD_TRACE_LOADED_OBJECTS": "1"}
    return subprocess.run([program], env=env, capture_output=True,
                          text=True, check=True).stdout


def test_the_plain_one_loads_no_library_that_takes_long():
    names = libraries(STANDPIPE)
    assert "libevent_core" in names
    assert [h for h in HEAVY if h in names] == []


def test_the_full_one_has_tls():
    assert "libssl" in libraries(FULL)


def test_for_tls_the_full_one_takes_over_under_the_same_name():
    r = subprocess.run(["my name", URL], executable=STANDPIPE,
                       stdin=subprocess.DEVNULL, capture_output=True,
                       env=environment())
    assert r.returncode == 69
    assert r.stderr.startswith(b"standpipe: 127.0.0.1: ")


def test_the_mark_of_another_process_means_nothing():
    env = {**environment(), "STANDPIPE_BECAME": "1"}
    assert standpipe(URL, env=env).returncode == 69


def test_what_it_starts_has_no_mark(tmp_path):
    pair = Authority(tmp_path, "ca").issue("server")
    with Daemon("--ssl", *pair.options(), command=["cat"]) as d:
        r = standpipe("-k", f"wss://localhost:{d.port}/", "--", "sh", "-c",
                      f"env >{tmp_path}/env")
    assert r.returncode == 0
    text = (tmp_path / "env").read_text()
    assert "PATH=" in text and "BECAME" not in text


@pytest.fixture
def alone(tmp_path):
    """The plain one in a folder of its own."""
    return shutil.copy(STANDPIPE, tmp_path / "standpipe")


def run(program):
    r = subprocess.run([program, URL], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, env=environment())
    return r.returncode, r.stderr


def test_alone_it_says_what_is_missing(alone):
    status, said = run(alone)
    assert status == 78
    assert said.startswith("standpipe: standpipe-full is neither beside this "
                           "program nor in /")


def test_alone_it_needs_nobody_for_the_rest(alone):
    with Daemon(command=["echo", "said"]) as d:
        r = subprocess.run([alone, d.url], stdin=subprocess.DEVNULL,
                           capture_output=True, env=environment())
    assert (r.returncode, r.stdout, r.stderr) == (0, b"said\n", b"")


@pytest.mark.parametrize("place", [shutil.copy, os.symlink, os.link],
                         ids=["copy", "symbolic link", "link"])
def test_it_does_not_become_itself_for_ever(alone, place):
    place(alone, alone.with_name("standpipe-full"))
    status, said = run(alone)
    assert (status, said) == (
        78, "standpipe: standpipe-full is not what it should be\n")
