"""A worker that is killed halfway, as the runner would find it: what it started ends, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from ipcbench.bench import processes, task
from tests.kit import wait_until

FOREVER = 1_000_000
SEVERAL = 6
"""Processes that must have been seen: by then it measures."""


def kill(case: str, folder: Path, number: int = signal.SIGKILL) -> None:
    """Have a worker measure that case for ever, and kill it in the midst. Fails where it left anything."""
    job = folder / "task.json"
    task.write(job, task.Task([case], str(folder / "answer.json"), 3, 0.02, {case: FOREVER}))
    command = [sys.executable, "-m", "ipcbench.bench.worker", str(job)]
    with (folder / "errors").open("wb") as errors, processes.session(command, folder, stderr=errors.fileno()) as worker:
        seen: set[int] = set()
        segments: set[Path] = set()

        def busy() -> bool:
            now = of_session(worker.pid)
            seen.update(now)
            segments.update(*map(mapped, now))
            return worker.poll() is not None or len(seen) >= SEVERAL

        wait_until(busy)
        assert worker.poll() is None, (folder / "errors").read_text()
        os.kill(worker.pid, number)
        worker.wait(20)
    assert worker.returncode in (-number, 128 + number), (worker.returncode, (folder / "errors").read_text())
    wait_until(lambda: not of_session(worker.pid))
    wait_until(lambda: not any(path.exists() for path in segments))


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


def mapped(pid: int) -> set[Path]:
    """Semaphores and segments of shared memory that a process uses."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/maps").read_text().split()
        return {Path(word) for word in words if word.startswith("/dev/shm/")}
    return set()
