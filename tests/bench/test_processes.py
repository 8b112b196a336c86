"""What ends with the process that the runner had started: also what nobody was told of."""

import os
import signal
import sys
from pathlib import Path

import pytest

from ipcbench.bench.processes import session
from ipcbench.ipc.marks import mark

SHM = Path("/dev/shm")
KILLED_BEFORE_IT_IS_REGISTERED = """
import multiprocessing, os, signal
from multiprocessing import resource_tracker
from ipcbench.ipc.marks import mark_semaphores
from ipcbench.ipc.memory import create
from ipcbench.ipc.owner import Owner

mark_semaphores()
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
context = multiprocessing.get_context("spawn")
resource_tracker.register = die
"""
MAKE = {
    "semaphore": "context.Lock()",
    "segment": "create(4096, Owner('a segment'))",
    "semaphore of a child": """
process = multiprocessing.get_context("fork").Process(target=context.Lock)
process.start()
process.join()
die()
""",
}


@pytest.mark.parametrize("what", MAKE)
def test_what_was_made_in_the_moment_of_a_kill_is_removed(what, tmp_path):
    """Its resource tracker doesn't know of it: before the end of its session it is there."""
    command = [sys.executable, "-c", f"{KILLED_BEFORE_IT_IS_REGISTERED}\n{MAKE[what]}"]
    with (tmp_path / "errors").open("wb") as errors, session(command, tmp_path, stderr=errors.fileno()) as process:
        assert process.wait(20) == -signal.SIGKILL, (tmp_path / "errors").read_text()
        assert named_after(process.pid)
    assert not named_after(process.pid)


def test_what_others_have_is_left_alone(tmp_path):
    theirs = [SHM / f"{mark(os.getpid())}-deadbeef", SHM / f"sem.{mark(os.getpid())}-deadbeef"]
    for each in theirs:
        each.touch()
    try:
        with session([sys.executable, "-c", ""], tmp_path, stderr=2) as process:
            process.wait(20)
        assert all(each.exists() for each in theirs)
    finally:
        for each in theirs:
            each.unlink()


def named_after(pid):
    return [each.name for each in SHM.iterdir() if f"{mark(pid)}-" in each.name]
