"""What the client says at its end: exit statuses, sentences, facts."""

import json
import os
import pty
import socket
import subprocess

import pytest

from answers import CLOSE_1000, Answers, agree
from certificates import Authority
from daemon import Daemon
from proc import PATIENCE, STANDPIPE, standpipe


def refusal(status, *fields, body=b""):
    lines = [b"HTTP/1.1 " + status, *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def close(code, reason=b""):
    payload = code.to_bytes(2, "big") + reason
    return lambda head: agree(
        head, more=bytes([0x88, len(payload)]) + payload)


def test_C1_all_went_well_and_nothing_is_said():
    with Daemon(command=["echo", "hello"]) as d:
        r = standpipe(d.url)
    assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)


@pytest.mark.parametrize("code, status", [
    (1000, 0), (1001, 76), (1008, 76), (1011, 76), (3000, 76), (4256, 76)])
def test_C1_a_close_is_an_exit_status(code, status):
    with Answers(close(code)) as a:
        r = standpipe("-n", a.url)
    assert r.returncode == status
    assert bool(r.stderr) == (status == 76)


V1_AGREED = b"Standpipe-Protocol: v1-agreed"


@pytest.mark.parametrize("code, reason, fields, status", [
    (4007, b"exit status 7", [], 7),
    (4255, b"exit status 255", [], 255),
    (4139, b"killed by SIGSEGV", [], 139),
    (4163, b"killed by signal 35", [], 163),
    (4003, b"", [V1_AGREED], 3),
    (4003, b"ciao", [V1_AGREED], 3),
    (4000, b"", [], 76),
    (4000, b"unknown error", [], 76),
    (4000, b"exit status 0", [], 76),
    (4000, b"exit status 0", [V1_AGREED], 76),
    (4002, b"ciao", [], 76),
    (4004, b"Authentication failed.", [], 76),
    (4007, b"", [], 76),
    (4007, b"exit status 8", [], 76),
    (4007, b"exit status 7?", [], 76),
    (4007, b"exit status 07", [], 76),
    (4007, b"killed by SIGINT", [], 76),
    (4128, b"killed by SIGINT", [], 76),
    (4256, b"exit status 256", [V1_AGREED], 76),
    (3007, b"exit status 7", [V1_AGREED], 76)])
@pytest.mark.parametrize("options", [[], ["--reconnect"]])
def test_fault_F2_only_our_own_daemon_tells_an_exit_status(
        code, reason, fields, status, options):
    payload = code.to_bytes(2, "big") + reason
    with Answers(lambda head: agree(
            head, *fields, more=bytes([0x88, len(payload)]) + payload)) as a:
        r = standpipe("-n", *options, a.url)
    said = f"closed by the server: {code} {reason.decode()}".rstrip()
    assert r.returncode == status
    assert r.stderr.decode() == (
        f"standpipe: 127.0.0.1: {said}\n" if status == 76 else "")


def test_C1_interim_answers_without_end():
    with Answers(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100) as server:
        r = standpipe("-n", server.url)
    assert r.returncode == 76
    assert b"too many interim answers" in r.stderr



def test_C3_a_close_at_once_is_shown_with_its_reason():
    with Answers(close(1008, b"not today")) as a:
        r = standpipe(a.url, input=b"hi\n")
    assert r.returncode == 76
    assert r.stderr == (b"standpipe: 127.0.0.1: closed by the server: 1008"
                        b" not today\n")


def test_C3_nothing_from_outside_moves_the_cursor():
    with Answers(close(1008, "\x1b[2J\u202etxt".encode())) as a:
        r = standpipe("-n", a.url)
    assert b"\\x1b[2J\\u202etxt" in r.stderr and b"\x1b" not in r.stderr


def test_C1_a_connection_without_a_close_is_lost():
    with Answers(agree) as a:
        r = standpipe("-n", a.url)
    assert r.returncode == 76
    assert b"lost" in r.stderr


HELPFUL = [b"Location: https://elsewhere.test/ws",
           b'WWW-Authenticate: Basic realm="x"',
           b"Retry-After: 120", b"Server: test/1.0",
           b"Content-Type: text/plain"]


def test_C4_a_refusal_is_shown_with_its_fields_and_body():
    body = b"Sorry.\r\nCome back later.\n"
    answer = refusal(b"503 Not Now", *HELPFUL, b"X-Secret: no",
                     b"Content-Length: %d" % len(body), body=body)
    with Answers(answer) as a:
        r = standpipe("-n", a.url)
    assert r.returncode == 77
    assert r.stderr.decode().splitlines() == [
        "standpipe: 127.0.0.1: refused: 503 Not Now",
        *("  " + field.decode() for field in HELPFUL),
        "  ", "  Sorry.", "  Come back later."]


def test_C4_of_our_own_daemon():
    with Daemon("--origin=https://good.test", command=["cat"]) as d:
        r = standpipe("-n", "-o", "https://bad.test", d.url)
    assert r.returncode == 77
    assert r.stderr.startswith(b"standpipe: 127.0.0.1: refused: 403 ")


@pytest.mark.parametrize("answer", [
    refusal(b"403 No", b"Transfer-Encoding: chunked",
            body=b"5\r\nabcde\r\n0\r\n\r\n"),
    refusal(b"403 No", b"Content-Type: application/json", body=b"abcde")],
    ids=["chunks", "no length"])
def test_C4_a_body_of_any_form(answer):
    with Answers(answer) as a:
        r = standpipe("-n", a.url)
    assert b"\n  abcde\n" in r.stderr
    assert r.returncode == 77


def test_C4_a_body_that_is_no_text_is_left_out():
    answer = refusal(b"403 No", b"Content-Type: image/png", body=b"abcde")
    with Answers(answer) as a:
        r = standpipe("-n", a.url)
    assert b"abcde" not in r.stderr and b"image/png" in r.stderr


def test_C4_a_body_without_end_is_cut():
    with Answers(refusal(b"403 No", body=b"\x1bx" * 100000), hold=True) as a:
        r = standpipe("-n", a.url)
    assert r.returncode == 77
    assert 3000 < len(r.stderr) < 8000 and b"\x1b" not in r.stderr


def test_C4_a_body_that_never_comes_is_not_waited_for():
    answer = refusal(b"403 No", b"Content-Length: 100", body=b"some")
    with Answers(answer, hold=True) as a:
        r = standpipe("-n", a.url)
    assert b"\n  some\n" in r.stderr


@pytest.mark.parametrize("answer, says", [
    (b"SSH-2.0-OpenSSH_9\r\n", b"it is no HTTP"),
    (b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
     b""),
    (lambda head: agree(head).replace(b"websocket", b"h2c"), b""),
    (lambda head: agree(head, b"Sec-WebSocket-Protocol: surprise"), b""),
    (lambda head: agree(head, b"X: " + b"y" * 20000), b"too long"),
    (b"", b"closed the connection")])
def test_C1_an_answer_that_is_none(answer, says):
    with Answers(answer) as a:
        r = standpipe("-n", a.url)
    assert r.returncode == 76
    assert says in r.stderr and r.stderr.count(b"\n") == 1


def test_interim_answers_come_before_the_answer():
    with Answers(lambda head: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                 + agree(head, more=CLOSE_1000)) as a:
        r = standpipe("-n", a.url)
    assert (r.stderr, r.returncode) == (b"", 0)


def test_no_answer_is_not_waited_for_for_ever():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        r = standpipe("-n", "--handshake-timeout=100ms", url)
    assert r.returncode == 75
    assert b"no answer" in r.stderr


def test_quiet_says_nothing():
    with Answers(refusal(b"403 No", body=b"why")) as a:
        r = standpipe("-nq", a.url)
    assert (r.stdout, r.stderr, r.returncode) == (b"", b"", 77)


def test_verbose_tells_what_happens():
    with Daemon("--subprotocol=chat", command=["head", "-n1"]) as d:
        r = standpipe("-v", "--subprotocol=chat", "--no-standpipe-protocol",
                      d.url, input=b"one\n")
        port = d.url.split(":")[2].strip("/")
    said = r.stderr.decode()
    assert f"standpipe: connected to 127.0.0.1:{port} in " in said
    assert "standpipe: subprotocol chat\n" in said
    assert "standpipe: closed by the server with 1000" in said
    assert ("sent 3 bytes in 1 message, received 3 bytes in 1 message, in "
            in said)
    assert r.stdout == b"one\n" and r.returncode == 0


def test_json_tells_everything_in_one_line():
    with Daemon("--subprotocol=chat", command=["head", "-n1"]) as d:
        r = standpipe("--json", "--subprotocol=chat",
                      "--no-standpipe-protocol", d.url, input=b"one\n")
    assert r.stderr.count(b"\n") == 1
    facts = json.loads(r.stderr)
    assert {name: facts[name] for name in facts
            if not name.endswith("_ms")} == {
        "exit": 0, "url": d.url,
        "peer": d.url.removeprefix("ws://").strip("/"),
        "status": 101, "subprotocol": "chat", "close_code": 1000,
        "closed_by": "server",
        "sent_messages": 1, "sent_bytes": 3,
        "received_messages": 1, "received_bytes": 3}
    assert facts["total_ms"] >= facts["connect_ms"] + facts["handshake_ms"]


def test_json_of_a_refusal():
    answer = refusal(b"302 Found", b'Location: /"\xff"', body=b"there")
    with Answers(answer) as a:
        r = standpipe("-n", "--json", a.url)
    facts = json.loads(r.stderr)
    assert facts["exit"] == r.returncode == 77
    assert facts["status"] == 302
    assert facts["location"] == '/"\ufffd"'
    assert facts["error"] == "refused: 302 Found"
    assert facts["answer"].endswith("\n\nthere")


def test_json_may_have_a_descriptor_of_its_own(tmp_path):
    with open(tmp_path / "facts", "wb") as out, \
            Daemon(command=["echo", "x"]) as d:
        r = standpipe(f"--json={out.fileno()}", d.url,
                      pass_fds=[out.fileno()])
    assert (r.stdout, r.stderr) == (b"x\n", b"")
    assert json.loads((tmp_path / "facts").read_text())["exit"] == 0


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    ca = Authority(tmp_path_factory.mktemp("ca"), "our authority")
    return ca, ca.issue("server", "localhost")


def test_TLS_is_told_of(pair):
    ca, server = pair
    with Daemon("--ssl", *server.options(), command=["true"]) as d:
        url = f"wss://localhost:{d.port}/"
        r = standpipe("-n", "--json", f"--ca={ca.cert}", url)
        facts = json.loads(r.stderr)
        assert facts["exit"] == 0 and facts["tls"].startswith("TLSv1.3, ")
        assert "server" in facts["certificate"]
        assert "our authority" in facts["certificate_issuer"]
        pin = facts["certificate_sha256"]
        r = standpipe("-nv", f"--pin={pin}", url)
    assert r.returncode == 0
    said = r.stderr.decode()
    assert "standpipe: TLSv1.3, " in said and pin in said
    assert facts["certificate_expires"] in said


def test_the_certificate_of_a_refusal_is_told_of(pair):
    ca, server = pair
    with Daemon("--ssl", *server.options(), command=["true"]) as d:
        r = standpipe("-n", "--json", f"--ca={ca.cert}", "-o", "null",
                      f"wss://localhost:{d.port}/")
    facts = json.loads(r.stderr)
    assert facts["status"] == 403 and "tls" in facts


def frames(said):
    """The frames of a client, as (opcode, key, payload)."""
    while said:
        length = said[1] & 0x7f
        assert said[1] & 0x80 and length < 126, "masked, and short"
        key, body = said[2:6], said[6:6 + length]
        yield (said[0] & 15, key,
               bytes(b ^ key[i % 4] for i, b in enumerate(body)))
        said = said[6 + length:]


def test_F31_our_frames_are_masked_with_keys_of_their_own():
    with Answers(agree, hold=True) as a:
        standpipe("-w0", "--close-timeout=100ms", a.url,
                  input=b"".join(b"%d\n" % i for i in range(50)))
    got = list(frames(a.said))
    assert [body for _, _, body in got[:-1]] == [
        b"%d" % i for i in range(50)]
    assert len({key for _, key, _ in got}) > 45
    assert got[-1][0] == 8 and got[-1][2] == b"\x03\xe8"


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4007])
def test_F30_the_servers_code_is_echoed(code):
    with Answers(close(code, b"why"), hold=True) as a:
        standpipe("-n", "--close-timeout=100ms", a.url)
    assert [f[2] for f in frames(a.said)] == [code.to_bytes(2, "big")]


@pytest.mark.parametrize("protocol", [[], ["--no-standpipe-protocol"]])
def test_C1_who_has_all_that_was_asked_for_did_well(protocol):
    """Whether the program's own end comes first is a matter of chance."""
    with Daemon(command=["sh", "-c", "echo x; exit 3"]) as d:
        for _ in range(5):
            r = standpipe("-n", "-c1", *protocol, d.url)
            assert (r.stdout, r.stderr, r.returncode) == (b"x\n", b"", 0)


@pytest.mark.parametrize("to", ["pipe", "file", "socket", "terminal"])
@pytest.mark.parametrize("fd", [1, 2])
def test_fault_F14_json_goes_behind_the_data(fd, to, tmp_path):
    """To standard output as to any other descriptor."""
    if to == "file":
        ours = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
        theirs = os.open(tmp_path / "out", os.O_RDONLY)
    elif to == "pipe":
        theirs, ours = os.pipe()
    elif to == "terminal":
        theirs, ours = pty.openpty()
    else:
        theirs, ours = (s.detach() for s in socket.socketpair())
    with Daemon(command=["sh", "-c", "echo out; exit 3"]) as d:
        r = subprocess.run(
            [STANDPIPE, "-n", f"--json={fd}", d.url], check=False,
            timeout=PATIENCE, **{"stdout" if fd == 1 else "stderr": ours},
            **{"stderr" if fd == 1 else "stdout": subprocess.DEVNULL})
    said = os.read(theirs, 65536).decode().splitlines()
    os.close(ours)
    os.close(theirs)
    assert said[:-1] == ["out"] * (fd == 1)
    assert json.loads(said[-1])["exit"] == r.returncode == 3


def test_fault_F14_json_when_nothing_was_received():
    r = standpipe("-n", "--json=1", "ws://127.0.0.1:9")
    assert json.loads(r.stdout)["exit"] == r.returncode == 69
    assert r.stderr == b""


def test_json_of_a_program_behind_standpipe_v1():
    with Daemon("--subprotocol=chat", command=["sh", "-c", "exit 3"]) as d:
        r = standpipe("-n", "--json", "-s", "chat", d.url)
    facts = json.loads(r.stderr)
    assert facts["exit"] == r.returncode == 3
    assert facts["standpipe_protocol"] == "standpipe.v1"
    assert facts["subprotocol"] == "chat"


def test_json_is_ascii_and_moves_no_cursor():
    answer = refusal(b"403 No", body="\x1b[2J \u009b2J \u202e ä 😀".encode())
    with Answers(answer) as a:
        r = standpipe("-n", "--json", a.url)
    assert all(32 <= byte < 127 for byte in r.stderr.rstrip(b"\n"))
    assert json.loads(r.stderr)["answer"].endswith(
        "\x1b[2J \u009b2J \u202e ä 😀")


def test_json_needs_an_open_descriptor():
    r = standpipe("-n", "--json=77", "ws://127.0.0.1:9/")
    assert r.returncode == 2
    assert r.stderr == b"standpipe: --json=77: not an open descriptor\n"
