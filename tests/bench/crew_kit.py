"""What the tests of workloads with crews share: cases, runs of one, and what must be left of them: nothing."""

import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from multiprocessing.synchronize import SemLock
from pathlib import Path

import psutil

from ipcbench.bench import processes, workload
from ipcbench.bench import task as tasks
from ipcbench.bench.case import Case
from tests.kit import wait_until

AT_WORK = 0.2
"""CPU seconds of all children; some of them go into their start."""


def case(name, subject, processes=1, start="fork", place=None, **options):
    made = Case(name, subject, "none", 0, processes, start, place or "free", tuple(sorted(options.items())))
    if place is None:
        made = Case.parse(made.id.replace("/free", f"/{workload.load(name).placement(made)}"))
    return made


def measured(*cases, loops=8):
    """What a session measures of each case, in turn."""
    found = workload.load(cases[0].workload)
    assert [found.refuse(each) for each in cases] == [None] * len(cases)
    with found.session(cases) as timed:
        return [timed[each](loops) for each in cases]


def measured_while_one_dies(chosen, victim, loops, within):
    """Measure the case, and kill the process with that place in the order of their starts meanwhile; it ends soon, with its servers."""
    with workload.load(chosen.workload).session([chosen]) as timed:
        timer = threading.Timer(0.1, lambda: os.kill(pids()[victim], signal.SIGKILL))
        timer.start()
        begun = time.monotonic()
        try:
            timed[chosen](loops)
        finally:
            timer.join()
            assert time.monotonic() - begun < within(3)


def pids():
    """Of what this process started, in that order."""
    return sorted(each.pid for each in children(psutil.Process()))


def refusal(chosen):
    return workload.load(chosen.workload).refuse(chosen).reason


@contextmanager
def nothing_left():
    """No process but what multiprocessing keeps for the next one, no semaphore, segment or folder; its cores given back."""
    own, make, made = psutil.Process(), SemLock._make_name, []
    cores = own.cpu_affinity() if psutil.LINUX else None
    SemLock._make_name = staticmethod(lambda: made.append(make()) or made[-1])
    try:
        yield
        wait_until(lambda: not children(own) and not left(own.pid, made))
    finally:
        SemLock._make_name = staticmethod(make)
        if cores:
            own.cpu_affinity(cores)


def left(pid, semaphores):
    """Files of these semaphores, and those that bear the process's number."""
    places = (Path("/dev/shm"), Path(tempfile.gettempdir()))
    files = [file for place in places for file in place.glob(f"ipcbench-*{pid}*")]
    return files + [file for name in semaphores if (file := Path(f"/dev/shm/sem.{name[1:]}")).exists()]


def children(parent):
    """Its living descendants and zombies, without resource trackers and fork servers."""
    found = []
    for each in parent.children(recursive=True):
        try:
            command, above = " ".join(each.cmdline()), each.ppid()
        except psutil.Error:
            continue
        server = "multiprocessing.forkserver" in command and above == parent.pid  # what it forks has its command line
        if not server and "resource_tracker" not in command:
            found.append(each)
    return found


def spent(family):
    """CPU seconds of these processes so far."""
    return sum(sum(each.cpu_times()[:2]) for each in family if alive(each))


def alive(process):
    """It runs, or is stopped; what is a zombie is left to whoever adopted it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def shared_files(pid):
    """Those in /dev/shm that the process has mapped, as long as they have a name there: a semaphore is mapped by another one."""
    lines = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    mapped = {int(line[4]) for line in lines if len(line) > 5 and line[5].startswith("/dev/shm/")}
    return [Path(entry.path) for entry in os.scandir("/dev/shm") if entry.inode() in mapped]


def kill_halfway(chosen, folder, running, number=signal.SIGKILL):
    """Kill a worker while it measures that case, once so many children of it are at work; what it started must end by itself.

    Told to end (SIGTERM), it also takes its files away, which are else those of the run.
    """
    task = tasks.Task([chosen.id], str(folder / "answer.json"), 500, 1.0)
    tasks.write(folder / "task.json", task)
    command = [sys.executable, "-m", "ipcbench.bench.worker", str(folder / "task.json")]
    with (
        (folder / "errors").open("wb") as errors,
        processes.session(command, folder, stderr=errors.fileno()) as process,
    ):
        worker = psutil.Process(process.pid)
        wait_until(lambda: len(children(worker)) >= running or process.poll() is not None)
        wait_until(lambda: spent(children(worker)) > AT_WORK or process.poll() is not None)
        assert process.poll() is None, (folder / "errors").read_text()
        family, shared = worker.children(recursive=True), shared_files(worker.pid)
        worker.send_signal(number)
        wait_until(lambda: not any(map(alive, family)))
    assert [file for file in shared if file.exists()] == []
    assert number == signal.SIGKILL or list(folder.glob("ipcbench-*")) == []
