"""make install and make uninstall: what a stranger finds, and what is left."""

import os
import re
import subprocess

import pytest

from proc import BUILD, HERE

pytestmark = pytest.mark.once("files are installed, no program of ours runs")

TOP = HERE.parent.parent
DOC = "share/doc/standpipe/"


def make(*words):
    done = subprocess.run(["make", "-s", "-C", BUILD, *words], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env={**os.environ, "MAKEFLAGS": ""})
    assert done.returncode == 0, done.stdout


def files(top):
    return {str(p.relative_to(top)): p for p in top.rglob("*") if p.is_file()}


def source(folder):
    return {path.name for path in (TOP / folder).iterdir()}


@pytest.fixture(name="installed", scope="module")
def _installed(tmp_path_factory):
    dest = tmp_path_factory.mktemp("dest")
    make("install", f"DESTDIR={dest}")
    (program,) = dest.rglob("bin/standpiped")
    prefix = program.parent.parent
    yield prefix
    make("uninstall", f"DESTDIR={dest}")
    assert not files(dest)
    assert not (prefix / DOC).exists()


@pytest.mark.xdist_group("install")
@pytest.mark.parametrize("name", ["standpiped", "standpipe"])
def test_fault_I1_programs_are_in_bin(installed, name):
    done = subprocess.run([installed / "bin" / name, "--version"], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(name)
    assert not (installed / "sbin").exists()


@pytest.mark.xdist_group("install")
def test_fault_I2_what_the_manuals_speak_of_is_installed(installed):
    have = files(installed)
    want = {"libexec/standpiped-engine", "libexec/standpipe-full",
            "share/man/man1/standpipe.1", "share/man/man7/standpipe-handler.7",
            "share/man/man7/standpipe-protocol.7",
            "share/man/man8/standpiped.8", "lib/sysusers.d/standpipe.conf"}
    want |= {DOC + name for name in ("README", "NEWS", "COPYING",
                                     "websocketd", "inetd/inetd.conf")}
    want |= {DOC + f"examples/{name}" for name in source("contrib/examples")}
    want |= {DOC + f"proxy/{name}" for name in source("contrib/proxy")}
    want |= {"lib/systemd/system/" + name.removesuffix(".in")
             for name in source("contrib/systemd")}
    want |= {"bin/standpiped", "bin/standpipe"}
    assert set(have) == want
    for name in have:
        if name.endswith((".sh", ".py", ".pl")) or name == DOC + "websocketd":
            assert os.access(have[name], os.X_OK), name


@pytest.mark.xdist_group("install")
def test_fault_I2_files_name_the_programs_where_they_are(installed):
    program = re.search(r"/dest\d*(/.*)", str(installed))[1] + "/bin/standpiped"
    paths = [*(installed / "lib/systemd/system").glob("*.service"),
             installed / DOC / "inetd/inetd.conf"]
    for path in paths:
        text = path.read_text()
        assert "@" not in text, path
        assert re.findall(r"[^\s=]*/standpiped\b", text) == [program], path


@pytest.mark.xdist_group("install")
def test_fault_I2_the_wrapper_is_found_to_work_from_its_folder(installed):
    path = f"{installed / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run([installed / DOC / "websocketd", "--version"],
                          check=False, capture_output=True, text=True,
                          env={**os.environ, "PATH": path})
    assert done.returncode == 0 and done.stdout.startswith("standpiped")
