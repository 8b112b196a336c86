"""What must be left of a session, and of a worker that was ended halfway: nothing."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import SemLock
from pathlib import Path

import psutil

from ipcbench.bench import processes, task
from ipcbench.bench.case import Case
from ipcbench.ipc.marks import mark
from tests.kit import wait_until

AT_WORK = 0.2
"""CPU seconds of all children; some of them go into their start."""
KEPT = 4
"""Descriptors of a fork server and a resource tracker, which stay for the next one where they were started inside."""


@contextmanager
def nothing_left() -> Iterator[None]:
    """No process but what multiprocessing keeps for the next one, no thread, descriptor, semaphore, segment or folder; cores given back."""
    own, make, made = psutil.Process(), SemLock._make_name, []
    cores = own.cpu_affinity() if psutil.LINUX else None
    threads, descriptors = threading.active_count(), own.num_fds()
    SemLock._make_name = staticmethod(lambda: made.append(make()) or made[-1])
    try:
        yield
        wait_until(lambda: not children(own) and not files(own.pid, made), otherwise="a process or a file is left")
        assert threading.active_count() <= threads
        assert own.num_fds() <= descriptors + KEPT
    finally:
        SemLock._make_name = staticmethod(make)
        if cores:
            own.cpu_affinity(cores)


def files(pid: int, semaphores: Iterable[str]) -> list[Path]:
    """Files of these semaphores, and those that bear the process's number."""
    places = (Path("/dev/shm"), Path(tempfile.gettempdir()))
    found = [file for place in places for file in place.glob(f"ipcbench-*{pid}*")]
    return found + [file for name in semaphores if (file := Path(f"/dev/shm/sem.{name[1:]}")).exists()]


def children(parent: psutil.Process) -> list[psutil.Process]:
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


def spent(family: Iterable[psutil.Process]) -> float:
    """CPU seconds so far of these processes, as far as they are still there."""
    found = 0.0
    for each in family:
        with suppress(psutil.Error):
            found += sum(each.cpu_times()[:2])
    return found


def kill_halfway(
    case: Case | str, folder: Path, seen: int, work: float = AT_WORK, number: int = signal.SIGKILL
) -> None:
    """End a worker by the signal while it measures that case: what it started must end by itself, and none of its files stay.

    It is halfway once so many children of it were seen, and those that are there have used so many seconds of CPU time.
    """
    job, answer = folder / "task.json", folder / "answer.json"
    task.write(job, task.Task([str(getattr(case, "id", case))], str(answer), 500, 1.0))
    command = [sys.executable, "-m", "ipcbench.bench.worker", str(job)]
    with (
        (folder / "errors").open("wb") as errors,
        processes.session(command, folder, stderr=errors.fileno()) as process,
    ):
        worker, found, shared = psutil.Process(process.pid), set(), set()

        def halfway() -> bool:
            now = children(worker)
            found.update(each.pid for each in now)
            shared.update(file for pid in of_session(process.pid) for file in shared_files(pid))
            return process.poll() is not None or (len(found) >= seen and spent(now) >= work)

        wait_until(halfway)
        assert process.poll() is None, (folder / "errors").read_text()
        worker.send_signal(number)
        process.wait(20)
        wait_until(lambda: not of_session(process.pid), otherwise="processes of it live on")
    assert process.returncode in (-number, 128 + number), (process.returncode, (folder / "errors").read_text())
    assert not [file for file in shared if file.exists()]
    assert not [file for file in Path("/dev/shm").iterdir() if mark(process.pid) in file.name]
    assert not answer.exists()
    assert number == signal.SIGKILL or not list(folder.glob("ipcbench-*"))  # after SIGKILL they are the run's to remove


def of_session(session: int) -> set[int]:
    """Every process of that session, stopped ones and zombies among them, but for those that process 1 adopted and reaps when it likes."""
    found = set()
    for pid in psutil.pids():
        with suppress(ProcessLookupError, psutil.Error):
            if os.getsid(pid) == session:
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE or process.ppid() != 1:
                    found.add(pid)
    return found


def shared_files(pid: int) -> list[Path]:
    """Those in /dev/shm that the process has mapped, as long as they have a name there: a semaphore is mapped by another one."""
    with suppress(OSError):
        lines = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
        mapped = {int(line[4]) for line in lines if len(line) > 5 and line[5].startswith("/dev/shm/")}
        return [Path(entry.path) for entry in os.scandir("/dev/shm") if entry.inode() in mapped]
    return []
