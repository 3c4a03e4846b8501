"""Folders of programs: what is found in them, and what never is."""

import contextlib
import errno
import os
import tempfile
from pathlib import Path

import pytest

from test_command_line import wrong
from test_engines import lying_engine

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
        program(top / "sock/secret")
        (d / "same").symlink_to("run")
        (d / "down").symlink_to("sub")
        (d / "out").symlink_to("../sock")
        (d / "stolen").symlink_to("../sock/secret")
        (d / "shell").symlink_to("/bin/sh")
        (d / "self").symlink_to("/proc/self/root")
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
