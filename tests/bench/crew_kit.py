"""What the tests of workloads with crews share: cases, runs of one, and what must be left of them: nothing."""

import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from ipcbench.bench import processes, workload
from ipcbench.bench import task as tasks
from ipcbench.bench.case import Case


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


def measured_while_one_dies(chosen, victim, loops):
    """Measure the case, and kill the process with that place in the order of their starts meanwhile."""
    with workload.load(chosen.workload).session([chosen]) as timed:
        timer = threading.Timer(0.1, lambda: os.kill(pids()[victim], signal.SIGKILL))
        timer.start()
        begun = time.monotonic()
        try:
            timed[chosen](loops)
        finally:
            timer.join()
            assert time.monotonic() - begun < 10


def pids():
    """Of what this process started, in that order."""
    return sorted(each.pid for each in children(psutil.Process()))


def refusal(chosen):
    return workload.load(chosen.workload).refuse(chosen).reason


@contextmanager
def nothing_left():
    """No process but what multiprocessing keeps for the next one, no semaphore or segment, no folder; its cores given back."""
    before = names()
    with no_process_left():
        yield
    wait_until(lambda: names() <= before)


@contextmanager
def no_process_left():
    """The same for what makes neither semaphores nor segments, and so needn't care who else does."""
    own = psutil.Process()
    cores = own.cpu_affinity() if psutil.LINUX else None
    yield
    wait_until(lambda: not children(own))
    if cores:
        own.cpu_affinity(cores)


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


def names():
    """Of semaphores, segments and folders: those that this process maps or made, and those that nobody uses."""
    folders = {entry.name for entry in Path(tempfile.gettempdir()).glob(f"ipcbench-*{os.getpid()}*")}
    shm = Path("/dev/shm")
    found = {entry.name for entry in shm.iterdir()} if shm.is_dir() else set()
    for maps in Path("/proc").glob("[0-9]*/maps") if found else ():
        if maps.parent.name != str(os.getpid()):
            with suppress(OSError):
                text = maps.read_text()
                found = {name for name in found if f"/dev/shm/{name}" not in text}
    return found | folders


def kill_halfway(chosen, folder, running):
    """Kill a worker while it measures that case, as soon as it has so many children; what it started must end by itself."""
    task = tasks.Task([chosen.id], str(folder / "answer.json"), 500, 0.02)
    tasks.write(folder / "task.json", task)
    command = [sys.executable, "-m", "ipcbench.bench.worker", str(folder / "task.json")]
    with (
        (folder / "errors").open("wb") as errors,
        processes.session(command, folder, stderr=errors.fileno()) as process,
    ):
        worker = psutil.Process(process.pid)
        wait_until(lambda: len(children(worker)) >= running or process.poll() is not None)
        assert process.poll() is None, (folder / "errors").read_text()
        family = worker.children(recursive=True)
        worker.kill()
        _, alive = psutil.wait_procs(family, 10)
        assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []


def wait_until(condition, seconds=15):
    """Wait for the thing, with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the thing waited for didn't happen"
        time.sleep(0.01)
