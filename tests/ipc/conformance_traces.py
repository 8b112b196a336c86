"""What a channel could leave behind, counted before and after."""

import gc
import os
import tempfile
from pathlib import Path

import psutil

DEADLINE = 10.0


class Traces:
    """Descriptors, entries of /dev/shm, child processes and temporary files of this process.

    Left out: the shared heap of multiprocessing (files called pym-*) and its own temporary folder (pymp-*), which it
    keeps until the process ends, whatever was freed.
    """

    def __init__(self):
        gc.collect()
        self.descriptors = _descriptors()
        self.shared = _shared()
        self.files = {str(path) for path in Path(tempfile.gettempdir()).iterdir() if not path.name.startswith("pymp-")}
        self.children = set(psutil.Process().children(recursive=True))

    def assert_nothing_left(self):
        new = set(psutil.Process().children(recursive=True)) - self.children
        _, alive = psutil.wait_procs([child for child in new if _runs(child)], DEADLINE)
        assert not [child for child in alive if _runs(child)], f"processes are left: {alive}"
        now = Traces()
        assert now.shared <= self.shared, "/dev/shm"
        assert now.files <= self.files, "temporary files"
        assert len(now.descriptors) <= len(self.descriptors), (self.descriptors, now.descriptors)


def _runs(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _descriptors():
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the numbers are enough
        try:
            target = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 - some targets are no paths
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
        if "pym-" not in target:
            found.append((name, target))
    return found


def _shared():
    """Segments and semaphores carry this process's number (the latter by the prefix set in conftest)."""
    return {path.name for path in Path("/dev/shm").iterdir() if f"-{os.getpid()}-" in path.name}
