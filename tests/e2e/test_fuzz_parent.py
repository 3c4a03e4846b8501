"""Engines whose messages look right and come as they like: their parent lives,
and keeps no descriptor and no child."""

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from daemon import Daemon
from proc import (PATIENCE, SANITIZED, STANDPIPED, descriptors, handler, memory,
                  until)

HELD = 64  # programs that live, and their pipes
GROWN = 8 << 20


@pytest.mark.parametrize("command", [["cat"], ["true"], ["sleep", "1000"]])
@pytest.mark.parametrize("options", [
    [], ["--max-connections=5", "--max-per-address=2"], ["--maxforks=3"]])
def test_fault_T5_engines_at_random(command, options):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(STANDPIPED, folder)
        shutil.copy(handler("random-engine"), f"{folder}/standpiped-engine")
        Path(folder, "seed").write_text(str(seed))
        d = Daemon("--engines=2", "--kill=TERM:50ms,KILL", *options,
                   command=command)
        d.args[0] = f"{folder}/standpiped"
        with d:
            before = memory(d.pid), len(descriptors(d.pid))
            Path(folder, "go").touch()
            until(lambda: d.ended() or len(d.logged("said all")) +
                  len(d.logged("engine lost")) >= 4, "enough was said",
                  PATIENCE)
            assert not d.ended()
            assert SANITIZED or memory(d.pid) < before[0] + GROWN
            assert len(descriptors(d.pid)) < before[1] + HELD
            d.signal(15)
            d.status = d.wait()
            assert d.status in (0, 1)
