"""Fixtures of the tests with websocketd's command lines."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import network  # noqa: E402


@pytest.fixture
def own_network():
    """Loopback alone, and every port of it free; for root."""
    if os.geteuid() != 0:
        pytest.skip("not root")
    with network.Network():
        yield
