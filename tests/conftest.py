"""What all tests share: deadlines that are behaviour."""

import os

import pytest


@pytest.fixture
def within():
    """Seconds a fault may take to show: exact in the nox session `deadlines`, five times as long elsewhere."""
    factor = 1 if os.environ.get("IPCBENCH_EXACT_DEADLINES") else 5
    return lambda seconds: factor * seconds
