"""Fixtures of the end-to-end tests."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

pytest.register_assert_rewrite("daemon", "proc", "wire", "autobahn", "soak")

from proc import SANITIZED, Mailbox, adopt_orphans  # noqa: E402


def pytest_configure(config):
    adopt_orphans()
    # Tests in the background of a shell would hand on what it ignores there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    config.addinivalue_line("markers", "root: needs to be started as root")
    config.addinivalue_line("markers", "once(why): in the plain build alone")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="not root"))
        once = item.get_closest_marker("once")
        if once and SANITIZED:
            item.add_marker(pytest.mark.skip(reason=once.args[0]))


@pytest.fixture
def mailbox(tmp_path):
    with Mailbox(tmp_path) as box:
        yield box


@pytest.fixture
def script(tmp_path):
    """Writes an executable script and gives its path."""

    def write(text, name="script"):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    return write
