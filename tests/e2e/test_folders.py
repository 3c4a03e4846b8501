"""Folders of programs: what is found in them, and what never is."""

import contextlib
import errno
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from daemon import Daemon
from proc import STANDPIPED
from test_command_line import wrong
from test_engines import lying_engine
from wire import request_head

MISSING, EXEC = 4, 1


def program(path, text="#!/bin/sh\nexec cat\n", mode=0o755):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@contextlib.contextmanager
def tree():
    """A folder of programs with its traps, in a folder with others."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        d = top / "so"
        program(d / "run")
        program(d / "sub/run")
        program(d / ".hidden")
        program(d / ".git/run")
        program(d / "text", "no program", 0o644)
        program(d / "broken", "#!/no/such/interpreter\n")
        program(d / "env", "#!/bin/sh\nenv; pwd; echo $0 $#\n")
        program(d / "sub/a b")
        program(top / "sock/secret")
        (d / "same").symlink_to("run")
        (d / "down").symlink_to("sub")
        (d / "out").symlink_to("../sock")
        (d / "stolen").symlink_to("../sock/secret")
        (d / "shell").symlink_to("/bin/sh")
        (d / "self").symlink_to("/proc/self/root")
        (d / "whole").symlink_to(f"{d.resolve()}/sub")
        (d / "back").symlink_to("../so/run")
        os.mkfifo(d / "fifo")
        yield top


# ------------------------------------------------- the command line


def test_folders_are_looked_at_at_start():
    with tree() as top:
        for option in "--dir", "--cgidir":
            wrong(f"{option}={top}/nowhere", says="No such file", status=1)
            wrong(f"{option}={top}/so/run", says="Not a directory", status=1)


def test_command_or_folder():
    wrong("--dir=/tmp", "cat", says="exclude")
    wrong("--console", "--cgidir=/tmp", "cat", says="exclude")
    wrong("--once", "--cgidir=/tmp", says="--once")
    wrong("--cgi-timeout=30s", says="no command")


@pytest.mark.parametrize("gate, says", [
    ("nosuchprogram", "--gate: nosuchprogram: command not found"),
    ("/no/such", "--gate: /no/such: command not found"),
    ("/etc/passwd -x", "--gate: /etc/passwd: Permission denied"),
])
def test_gate_is_looked_for_at_start(gate, says):
    wrong(f"--gate={gate}", "cat", says=says, status=1)


@pytest.mark.parametrize("gate", ["", " ", "'", "a 'b", 'a "b', "a\\", "''"])
def test_gate_must_be_words(gate):
    wrong(f"--gate={gate}", "cat", says="--gate")


def test_gate_may_not_set_everything():
    for name in "PATH", "LD_PRELOAD", "LD_*", "HTTP_PROXY", "BASH_ENV", "IFS":
        wrong("--gate=true", f"--gate-vars=A,{name}", "cat",
              says=f"--gate-vars={name}", status=1)
    for name in "", "*", "A*", "1A", "A B", "A=B":
        wrong("--gate=true", f"--gate-vars={name}", "cat", says="--gate-vars")
    wrong("--gate-vars=A", "cat", says="--gate=COMMAND")


# ------------------------------------------------- what the parent starts


def answers(d, n):
    found = d.wait_logs(r"^answer (\d) b'(.*)' (?:(runs)|why (\d+) errno (\d+))$",
                        n)
    return {(int(m[1]), m[2]): m[3] or (int(m[4]), int(m[5])) for m in found}


def asked(paths, *args, **kw):
    """What a parent with a lying engine makes of (kind, path)."""
    lie = "ask " + " ".join(f"{kind}{path.encode().hex()}"
                            for kind, path in paths)
    with lying_engine(lie, *args, **kw) as d:
        found = answers(d, len(paths))
        assert not d.logged("engine lost")
        return found


def test_H15_H16_H17_parent_leads_nowhere_else():
    want = {
        "run": "runs", "run/": "runs", "run/a/b": "runs", "sub/run": "runs",
        "same": "runs", "down/run/x": "runs",
        "whole/run/x": "runs", "back/x": "runs",  # fault G3
        "nowhere": errno.ENOENT, "nowhere/run": errno.ENOENT,
        "sub": errno.EISDIR, "sub/": errno.EISDIR, "fifo": errno.EISDIR,
        "text": errno.EACCES, "text/run": errno.EACCES,
        "out": errno.EXDEV, "out/secret": errno.EXDEV,
        "stolen": errno.EXDEV, "shell": errno.EXDEV,
        "self/bin/sh": errno.EXDEV,
        "sock": errno.ENOENT,
    }
    with tree() as top:
        for kind, option in (1, "--dir"), (2, "--cgidir"):
            found = asked([(kind, path) for path in want],
                          f"{option}={top}/so", command=())
            for path, result in want.items():
                assert found[kind, path] == (
                    result if result == "runs" else (MISSING, result)), path


def test_what_is_there_but_cannot_run_is_no_missing_program():
    with tree() as top:
        found = asked([(1, "broken")], f"--dir={top}/so", command=())
        assert found[1, "broken"] == (EXEC, errno.ENOENT)


def test_what_is_not_configured_is_missing():
    with tree() as top:
        found = asked([(1, "run"), (0, ""), (2, "run"), (3, "")],
                      f"--dir={top}/so", command=())
        assert found == {(1, "run"): "runs", (0, ""): (MISSING, errno.ENOENT),
                         (2, "run"): (MISSING, errno.ENOENT),
                         (3, ""): (MISSING, errno.ENOENT)}


# ------------------------------------------------- what clients reach


@pytest.fixture(scope="module")
def top():
    with tree() as folder:
        yield folder


@pytest.fixture(scope="module")
def services(top):
    with Daemon(f"--dir={top}/so", command=()) as d:
        yield d


def answer(d, target, upgrade=True):
    if upgrade:
        return d.request(request_head(target)).status
    return d.request(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                     b"Connection: close\r\n\r\n" % target).status


@pytest.mark.parametrize("target", [
    "/run", "/run/", "/run/a/b", "/%72un", "/sub/run", "/sub%2frun", "/run?x",
    "/same", "/down/run", "/sub/a%20b", "http://127.0.0.1/run"])
def test_H14_programs_are_found(services, target):
    with services.session(target) as c:
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


NOWHERE = [
    b"/", b"//", b"/runs", b"/ru", b"/RUN", b"/sub", b"/sub/", b"/sub/none",
    b"/none/run", b"/text", b"/text/x", b"/fifo",
    b"/..", b"/../so/run", b"/../sock/secret", b"/sub/../run", b"/sub/..",
    b"/%2e%2e/sock/secret", b"/%2e%2e%2fsock%2fsecret", b"/..%2fsock/secret",
    b"/sub/%2e%2e/%2e%2e/sock/secret", b"/%2E%2E/%2E%2E/bin/sh",
    b"/./run", b"/%2e/run", b"/run/.", b"/run/..", b"/run/../../x",
    b"//run", b"/%2frun", b"/sub//run", b"/run//x", b"/run/%2fx",
    b"//bin/sh", b"/%2fbin%2fsh", b"/bin/sh",
    b"/.hidden", b"/%2ehidden", b"/.git/run", b"/run/.x",
    b"/out/secret", b"/stolen", b"/shell", b"/self/bin/sh",
    b"/..\\sock\\secret", b"/..;/sock/secret", b"/%252e%252e/sock/secret",
    b"/..%c0%af../bin/sh", b"/%u002e%u002e/run",
    b"/run%00", b"/run%00/x", b"/%00", b"/run%", b"/run%2", b"/run%zz",
    b"/" + b"x/" * 2040 + b"x", b"/run/" + b"x" * 4096, b"*", b"/" + b"x" * 300,
]


@pytest.mark.parametrize("target", NOWHERE)
def test_H14_H15_H16_H17_nothing_else_is_found(services, target):
    assert answer(services, target) in (400, 404)


@pytest.mark.parametrize("target", NOWHERE)
def test_H15_H16_H17_nothing_else_is_found_by_cgi(cgi, target):
    assert answer(cgi, target, upgrade=False) in (400, 404, 405)


@pytest.fixture(scope="module")
def cgi(top):
    with Daemon(f"--cgidir={top}/so", command=()) as d:
        yield d


def test_what_a_service_gets(services, top):
    with services.session("/env/a%20b/?q=%20") as c:
        *lines, here, me = c.texts()[0]
        env = dict(line.split("=", 1) for line in lines)
    assert env["SCRIPT_NAME"] == "/env" and env["PATH_INFO"] == "/a b/"
    assert env["QUERY_STRING"] == "q=%20" and env["REQUEST_METHOD"] == "GET"
    assert "PATH_TRANSLATED" not in env
    assert env["STANDPIPE_FRAMING"] == "lines"
    assert here == os.getcwd() and me == f"{top}/so/env 0"


def test_websocketd_translates_the_path_into_itself(top):
    with Daemon(f"--dir={top}/so", "--compat=websocketd", command=()) as d:
        with d.session("/env/x") as c:
            lines = c.texts()[0]
    for line in "SCRIPT_NAME=/env", "PATH_INFO=/x", "PATH_TRANSLATED=/env/x":
        assert line in lines


def test_chdir_is_for_services_too(top):
    with Daemon(f"--dir={top}/so", "--chdir=/", command=()) as d:
        with d.session("/env") as c:
            assert c.texts()[0][-2] == "/"


def test_service_that_cannot_start_is_502(services):
    assert answer(services, b"/broken") == 502
    services.wait_log("cannot start the program .*path=/broken .*No such file")


def test_why_a_program_is_none_is_in_the_log(services):
    start = services.mark()
    assert answer(services, b"/out/secret") == 404
    services.wait_log('no program .*error="it lies outside the folder"',
                      start=start)
    assert answer(services, b"/text") == 404
    services.wait_log('no program .*error="Permission denied"', start=start)


def test_program_that_its_user_may_not_run_is_none(top):
    if os.geteuid() != 0:
        pytest.skip("only root has users")
    path = program(top / "so/mine", mode=0o700)
    try:
        with Daemon(f"--dir={top}/so", "--user=nobody", command=()) as d:
            assert answer(d, b"/mine") == 404
            with d.session("/run") as c:
                c.bye()
    finally:
        path.unlink()


def test_plain_requests_beside_services(top):
    with Daemon(f"--dir={top}/so", command=()) as d:
        assert answer(d, b"/run", upgrade=False) == 426
    with tree() as other:
        (other / "so/page.txt").write_text("a page")
        with Daemon(f"--dir={top}/so", f"--cgidir={other}/so",
                    command=()) as d:
            assert answer(d, b"/env", upgrade=False) == 502  # found, but no CGI
            assert answer(d, b"/page.txt", upgrade=False) == 404
            with d.session("/run") as c:
                c.bye()


def test_no_command_no_websocket(cgi):
    assert answer(cgi, b"/run") == 404


def test_command_beside_cgi(top):
    with Daemon(f"--cgidir={top}/so") as d:
        assert answer(d, b"/env", upgrade=False) == 502
        for target in "/", "/env", "/../x":
            with d.session(target) as c:
                c.send_text("x")
                assert c.recv_text() == "x"
                c.bye()


def test_once_with_services(top):
    with Daemon(f"--dir={top}/so", "--once", command=()) as d:
        assert answer(d, b"/none") == 404
        with d.session("/run") as c:
            c.bye()
        assert d.wait() == 0


def test_maxforks_with_services(top):
    with Daemon(f"--dir={top}/so", "--maxforks=2", command=()) as d:
        with d.session("/run") as a, d.session("/sub/run") as b:
            assert answer(d, b"/run") == 503
            assert answer(d, b"/none") == 404
            a.bye()
            b.bye()
        d.no_commands()
        with d.session("/run") as c:
            c.bye()


def test_replaced_folder_is_served_from_nowhere(top):
    with tree() as mine:
        with Daemon(f"--dir={mine}/so", command=()) as d:
            (mine / "so").rename(mine / "old")
            program(mine / "so/run")
            assert answer(d, b"/run") == 502
            d.wait_log("cannot start the program .*Stale")


# ------------------------------------------------- folders in each other


def test_H18_folders_of_files_and_programs_lie_apart():
    with tree() as top:
        (top / "so/sub/files").mkdir()
        (top / "sock/files").mkdir()
        (top / "link").symlink_to("so/sub")
        for option in "--dir", "--cgidir":
            for files, programs in [
                    ("so", "so"), ("so", "so/sub"), (".", "so"),
                    ("so", "so/../so/./sub"), ("so/sub/files", "so"),
                    ("so", "link"), ("link", "so"), ("/", "so")]:
                wrong(f"--staticdir={top / files}", f"{option}={top}/{programs}",
                      says="lie in each other", status=1)
            for files in "sock", "sock/files":
                with Daemon(f"--staticdir={top}/{files}",
                            f"{option}={top}/so", command=()):
                    pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_H18_mounts_are_seen_through():
    with tree() as top:
        (top / "mount").mkdir()
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c",
             'mount --bind "$1/so" "$1/mount" || exit 77; exec "$2" --port=0 '
             '"--staticdir=$1/mount" "--cgidir=$1/so/sub"',
             "sh", top, STANDPIPED], capture_output=True, text=True, timeout=20)
        if done.returncode == 77:
            pytest.skip("no mounts here")
        assert done.returncode == 1 and "lie in each other" in done.stderr
