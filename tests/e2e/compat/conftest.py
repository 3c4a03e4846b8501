"""Fixtures of the tests with websocketd's command lines."""

import os

import network
import pytest


@pytest.fixture
def own_network():
    """Loopback alone, and every port of it free; for root."""
    if os.geteuid() != 0:
        pytest.skip("not root")
    with network.Network():
        yield
