"""What the tests of the pool workloads share: a worker to be killed, and that nothing is left."""

import multiprocessing
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from ipcbench.bench import processes, task
from ipcbench.bench.case import Case
from ipcbench.ipc.marks import mark
from tests.kit import wait_until

METHODS = ("fork", "forkserver", "spawn")


def pool_case(workload, subject, start="fork", count=2, payload="none", size=0, **variant):
    return Case(workload, subject, payload, size, count, start, "free", tuple(sorted(variant.items())))


@contextmanager
def no_child_left():
    """Threads and descriptors of a pool whose process was killed or stopped may be: it can't end by itself."""
    children = multiprocessing.active_children()
    yield
    assert multiprocessing.active_children() == children


@contextmanager
def nothing_left():
    """No child, thread or descriptor; a fork server and a resource tracker stay as long as Python does."""
    children, threads, fds = multiprocessing.active_children(), threading.active_count(), descriptors()
    yield
    assert multiprocessing.active_children() == children
    assert threading.active_count() == threads
    assert descriptors() <= fds + 4  # pipes of a fork server and a tracker that were started inside


def descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def ended_halfway(case, number, folder):
    """Measure it in a worker, end that by the signal as soon as it has children: all of them end by themselves.

    Nothing is left then, nor of what the worker had no time to tell its resource tracker of.
    """
    assignment = task.Task([case.id], str(folder / "answer.json"), 50, 0.02)
    task.write(folder / "task.json", assignment)
    command = [sys.executable, "-m", "ipcbench.bench.worker", str(folder / "task.json")]
    with (folder / "errors").open("wb") as errors, processes.session(command, folder, stderr=errors.fileno()) as worker:
        others = []
        wait_until(
            lambda: others.extend(set(members(worker.pid)) - {worker.pid}) or others, otherwise="it never had a child"
        )
        semaphores = {path for pid in members(worker.pid) for path in mapped_semaphores(pid)}
        worker.send_signal(number)
        worker.wait(10)
        wait_until(lambda: not members(worker.pid), otherwise="processes of it live on")
    assert not [path for path in semaphores if Path(path).exists()]
    assert not [path for path in Path("/dev/shm").iterdir() if mark(worker.pid) in path.name]
    assert not (folder / "answer.json").exists()
    return worker.returncode


def members(session):
    return [process.pid for process in processes._members(session)]


def mapped_semaphores(pid):
    try:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    except OSError:
        return []
    return [line.split()[-1] for line in lines if "/sem." in line and "(deleted)" not in line]
