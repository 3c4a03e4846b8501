"""--stderr=json and its other name, --passstderr: both streams as objects."""

import json

import pytest

from daemon import Daemon
from proc import handler
from wire import TEXT


def objects(client):
    """([(stream, data)], code) until the Close; every message is one object."""
    texts, code, _ = client.texts()
    found = []
    for text in texts:
        one = json.loads(text)
        assert list(one) == ["stream", "data"], text
        found.append((one["stream"], one["data"]))
    return found, code


def joined(found, stream):
    return "".join(data for name, data in found if name == stream)


@pytest.mark.parametrize("option", [
    "--stderr=json", "--passstderr", "-passstderr=true"])
def test_each_line_is_one_object(option):
    with Daemon(option, command=[
            "sh", "-c", "echo one; echo two >&2; echo; exit 3"]) as d:
        with d.session() as c:
            found, code = objects(c)
            c.finish(code)
        assert sorted(found) == [
            ("stderr", "two"), ("stdout", ""), ("stdout", "one")]
        assert code == 4003
        assert d.wait_log("info stderr .*text=two")


def test_the_text_is_exactly_this():
    with Daemon("--passstderr", command=[
            "printf", r'a"b\\c\td/e\033\n']) as d:
        with d.session() as c:
            assert c.recv_text() == \
                '{"stream":"stdout","data":"a\\"b\\\\c\\td/e\\u001b"}'


@pytest.mark.parametrize("framing, separator", [
    ("lines", "\n"), ("nul", "\0"), ("text", "")])
def test_every_character_arrives(framing, separator):
    text = "".join(chr(i) for i in range(1, 256) if chr(i) != separator) + \
        "\u2028€😀"
    with Daemon("--passstderr", f"--framing={framing}") as d:
        with d.session() as c:
            c.send_text(text)
            _, payload = c.recv_message()
            assert json.loads(payload)["data"] == text


def test_F9_bytes_that_are_no_text_are_repaired():
    with Daemon("--passstderr", command=[
            "sh", "-c", r"printf 'a\377b\n'; printf 'c\377d\n' >&2"]) as d:
        with d.session() as c:
            found, _ = objects(c)
        assert sorted(found) == [("stderr", "c\ufffdd"), ("stdout", "a\ufffdb")]


def test_F14_a_long_line_is_one_object_in_fragments():
    # Each byte becomes six; nothing of it is gathered.
    with Daemon("--passstderr", command=[
            "sh", "-c", r"head -c 3000000 /dev/zero | tr '\0' '\1'"]) as d:
        with d.session() as c:
            opcode, payload = c.recv_message()
            assert opcode == TEXT and c.frames > 40
            assert json.loads(payload) == {
                "stream": "stdout", "data": "\1" * 3000000}
            assert objects(c) == ([], 1000)


def test_P2_a_long_line_of_stderr_is_several_objects():
    with Daemon("--passstderr", "--loglevel=warn", command=[
            "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x >&2"]) as d:
        with d.session() as c:
            found, code = objects(c)
        assert joined(found, "stderr") == "x" * 300000 and code == 1000
        assert max(len(data) for _, data in found) == 4096


def test_P1_last_lines_without_an_end():
    with Daemon("--passstderr", command=[
            "sh", "-c", "printf out; printf err >&2"]) as d:
        with d.session() as c:
            found, _ = objects(c)
        assert sorted(found) == [("stderr", "err"), ("stdout", "out")]


def test_a_complaint_waits_behind_an_open_message():
    line = "printf '%070000d' 0; echo hey >&2; sleep 0.3; echo 1"
    with Daemon("--passstderr", command=["sh", "-c", line]) as d:
        with d.session() as c:
            found, _ = objects(c)
        assert [stream for stream, _ in found] == ["stdout", "stderr"]
        assert found[0][1] == "0" * 70000 + "1" and found[1][1] == "hey"


def test_a_slow_reader_makes_the_program_wait():
    with Daemon("--passstderr", command=[handler("flood-stdout")]) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            for _ in range(1000):
                assert json.loads(c.recv_text())["stream"] == "stdout"
            c.reset()
        d.session_end()


@pytest.mark.parametrize("level", ["error", "warn", "info", "debug"])
def test_stderr_level(level):
    with Daemon(f"--stderr-level={level}", "--loglevel=debug", command=[
            "sh", "-c", "echo oops >&2"]) as d:
        with d.session() as c:
            assert c.recv_close()[0] == 1000
        assert d.wait_log(f" {level} stderr .*text=oops")


def test_stderr_level_decides_what_the_log_leaves_out():
    for level, there in ("error", True), ("info", False):
        with Daemon(f"--stderr-level={level}", "--loglevel=error", command=[
                "sh", "-c", "echo oops >&2; readlink /proc/self/fd/2"]) as d:
            with d.session() as c:
                assert (c.recv_text() == "/dev/null") != there
                c.recv_close()
        assert bool(d.logged("text=oops")) == there
