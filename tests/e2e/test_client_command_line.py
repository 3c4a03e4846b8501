"""The client's command line: options, a URL, files or a command."""

import subprocess

import pytest

from answers import CLOSE_1000, Answers, agree
from daemon import Daemon
from proc import STANDPIPE, standpipe


@pytest.fixture(scope="module")
def echo():
    with Daemon(command=["cat"]) as d:
        yield d.url


def test_help_version_and_license():
    r = standpipe("--help")
    assert r.returncode == 0 and r.stderr == b""
    assert r.stdout.startswith(b"Usage: standpipe [options] URL")
    assert standpipe("-h").stdout == r.stdout
    assert standpipe("-V").stdout.startswith(b"standpipe ")
    assert standpipe("--license").stdout.count(b"\n") > 5


@pytest.mark.parametrize("args, why", [
    ([], b"no URL given"),
    (["-n"], b"no URL given"),
    (["--nope", "ws://a/"], b"--nope: unknown option"),
    (["-y", "ws://a/"], b"-y: unknown option"),
    (["--cont=3", "ws://a/"], b"did you mean --count?"),
    (["ws://a/", "-c"], b"--count: needs a value"),
    (["-c", "x", "ws://a/"], b"--count=x: not a whole number"),
    (["--ping", "ws://a/", "--", "cat"], b"exclude each other")])
def test_what_is_wrong_is_said_in_a_sentence(args, why):
    r = standpipe(*args)
    assert r.returncode == 2 and r.stdout == b""
    assert why in r.stderr and r.stderr.count(b"\n") == 1
    assert r.stderr.startswith(b"standpipe: ")


@pytest.mark.parametrize("args", [
    ["-c1", "URL"], ["-c", "1", "URL"], ["URL", "-c1"], ["URL", "--count=1"],
    ["--count", "1", "--", "URL"], ["-tc1", "URL"]])
def test_C5_an_option_has_one_value_wherever_it_stands(echo, args):
    args = [echo if word == "URL" else word for word in args]
    r = standpipe(*args, input=b"hello")
    assert (r.stdout.strip(), r.stderr, r.returncode) == (b"hello", b"", 0)


def test_C5_a_header_does_not_eat_the_url():
    with Answers(lambda head: agree(head, more=CLOSE_1000)) as a:
        r = standpipe("-n", "-H", "A: 1", "-H", "B: 2", a.url)
        assert a.fields("a") == ["1"] and a.fields("b") == ["2"]
    assert r.returncode == 0


@pytest.mark.parametrize("more", [[], ["-q"], ["-q", "-w5"]])
def test_C6_defaults_do_not_depend_on_other_words(echo, more):
    r = standpipe("-c2", *more, echo, input=b"one\ntwo\n")
    assert (r.stdout, r.returncode) == (b"one\ntwo\n", 0)


def test_C8_without_input_nothing_is_read():
    """From cron standard input may be closed, or never end."""
    with Daemon(command=["echo", "hello"]) as d:
        r = subprocess.run([STANDPIPE, "-n", d.url], capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=60)
        assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)
        r = subprocess.run(["sh", "-c", '"$0" -n "$1" <&-', STANDPIPE, d.url],
                           capture_output=True, timeout=60)
        assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)
        r = subprocess.run(["sh", "-c", '"$0" "$1" <&-', STANDPIPE, d.url],
                           capture_output=True, timeout=60)
        assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)
        with subprocess.Popen([STANDPIPE, "-n", d.url],
                              stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as p:
            assert p.stdout.read() == b"hello\n"
            assert p.wait(60) == 0


def test_C10_words_of_the_command_are_its_own(echo):
    """Of all that looks like an option, nothing behind -- is one of ours."""
    with Daemon(command=["sh", "-c", "cat >&2"]) as d:
        r = standpipe(d.url, "-v", "--", "printf", "%s\\n", "-q", "--",
                      "--help", "--", d.url)
        d.wait_log("session ends")
        said = "\n".join(d.lines)
    assert r.returncode == 0 and b"connected to" in r.stderr
    for word in "-q", "--", "--help", d.url:
        assert f'"{word}"' in said or f"={word}" in said


def test_C10_a_file_may_look_like_an_option(echo, tmp_path):
    (tmp_path / "-v").write_text("hello\n")
    r = standpipe("-c1", "--", echo, "-v", cwd=tmp_path)
    assert r.stdout.strip() == b"hello" and b"connected" not in r.stderr
    r = standpipe("-c1", echo, "./-v", cwd=tmp_path)
    assert r.stdout.strip() == b"hello"
