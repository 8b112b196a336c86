"""Fixtures that all tests share: deadlines that are behaviour, a temporary folder of one's own, cores given back."""

import gc
import os

import psutil
import pytest

from ipcbench.bench import placement


@pytest.fixture(autouse=True, scope="module")
def _light_collections():
    """What is there before a module's tests stays: collections, by which many tests see what is left, needn't go through it each time.

    Of the suite's eight minutes that was more than one and a half.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def within():
    """Seconds a fault may take to show: exact in the nox session `deadlines`, five times as long elsewhere."""
    factor = 1 if os.environ.get("IPCBENCH_EXACT_DEADLINES") else 5
    return lambda seconds: factor * seconds


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    """Whatever asks how long a fault may take to show is a test of deadlines."""
    for item in items:
        if "within" in getattr(item, "fixturenames", ()):
            item.add_marker("deadline")


@pytest.fixture
def temporary(tmp_path_factory, monkeypatch):
    """Where this process and those it starts have their temporary files: no folder of a run outlives the test."""
    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    assert not list(folder.glob("ipcbench-*"))


@pytest.fixture
def unpinned():
    """A session pins this process: give it back its cores."""
    own = psutil.Process()
    before = own.cpu_affinity() if psutil.LINUX else None
    yield
    if before:
        own.cpu_affinity(before)


@pytest.fixture
def two_cores(monkeypatch):
    """What is planned as on a machine with two cores, whatever this one has."""
    monkeypatch.setattr(placement, "_ALLOWED", (0, 1))
