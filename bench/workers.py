"""Workers that start and end side by side, and measure one after the other.

A worker's interpreter, imports, channels and peers take longer than what it times, and another core could do the same for the next
worker meanwhile. So several are started at once. Each says when it has set up, and sleeps; when all have, each gets its turn to
measure, and sleeps again; when all had theirs, they are told to close. While one measures, nobody else does anything.

A worker says over a socket that it is ready, and waits to be told to go on, twice (`turn`). One that fails says nothing more: it ends.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

from ipcbench.bench import task as tasks
from ipcbench.bench.case import Case
from ipcbench.bench.floor import named
from ipcbench.bench.orderly import uninterrupted
from ipcbench.bench.processes import POLITE, WorkerFailed, is_stopped, session, stirs
from ipcbench.bench.turn import GO, READY
from ipcbench.bench.workload import SLOWEST

__all__ = ["Sampler", "sampler"]

Sampler = Callable[[Sequence[tasks.Task]], list["tasks.Answer | WorkerFailed"]]
"""From what several workers are to measure, alive at the same time, to what became of each."""

REST = 0.03
"""Seconds without anything before a turn across cores: on a virtual machine processes that wake after others were busy are faster for
their first 15 ms than ever after, by up to a third; on one core they aren't (docs/design.md)."""
PATIENCE = 90.0
"""Seconds that a worker gets to set up, to measure beyond what its timed calls should take, and to close."""
STOPPED = 3
"""Looks, a second apart, at which a worker is found stopped before it is given up."""
GOING = 2.0
"""Seconds that a worker gets to end which closed its socket."""


def sampler(folder: Path) -> Sampler:
    """Samples by real worker processes, whose files lie in that folder."""

    def sample(together: Sequence[tasks.Task]) -> list[tasks.Answer | WorkerFailed]:
        workers: list[_Worker] = []
        with ExitStack() as stack:
            try:
                for index, task in enumerate(together):
                    workers.append(stack.enter_context(_Worker(task, folder, index)))
                _take_turns(workers)
            finally:
                _end_at_once([worker for worker in workers if not worker.over])
        return [worker.answer() for worker in workers]

    return sample


def _take_turns(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.hear(PATIENCE)
    for worker in workers:
        if not _on_one_core(worker.told):
            sleep(REST)
        worker.go()
        worker.hear(_patience(worker.told))
    for worker in workers:
        worker.go()
    for worker in workers:
        worker.finish(PATIENCE)


def _on_one_core(told: tasks.Task) -> bool:
    """Whether all of it is measured on a single core."""
    return all(Case.parse(each).placement == "same-core" for each in told.cases)


def _patience(told: tasks.Task) -> float:
    """Seconds for a turn: each case is checked, calibrated and timed."""
    return PATIENCE + sum(30 * told.seconds + 8 * Case.parse(each).size / SLOWEST for each in told.cases)


def _end_at_once(workers: Sequence[_Worker]) -> None:
    """Where the run is broken off they unwind side by side: each would take its time else before the next is told."""
    deadline = monotonic() + POLITE
    with uninterrupted():
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            if not stirs(worker.process, max(0.0, deadline - monotonic())):
                worker.process.kill()


class _Worker:
    """One of them, as the runner sees it: a context manager. It runs in the folder, where its files are too.

    Being there, it never meets a module of the user's by accident (`python -m` puts the working folder first on the path).
    """

    def __init__(self, told: tasks.Task, folder: Path, index: int) -> None:
        self.told, self.folder = told, folder
        self.task, self.file, self.errors = (folder / f"{name}-{index}" for name in ("task", "answer", "errors"))
        self.failure = ""
        self.over = False

    def __enter__(self) -> _Worker:
        with ExitStack() as stack:
            self.socket, its = (stack.enter_context(each) for each in socket.socketpair())
            self.file.unlink(missing_ok=True)
            tasks.write(self.task, replace(self.told, answer=str(self.file), turn=its.fileno()))
            command = [sys.executable, "-m", "ipcbench.bench.worker", str(self.task)]
            with self.errors.open("wb") as errors:
                self.process = stack.enter_context(
                    session(command, self.folder, stderr=errors.fileno(), pass_fds=[its.fileno()])
                )
            its.close()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def go(self) -> None:
        """Let it go on, if it is still there."""
        if not self.over:
            with suppress(OSError):
                self.socket.send(GO)

    def hear(self, seconds: float) -> None:
        """Wait until it is ready for what comes next; one that isn't, in that time, is ended."""
        if not self.over and not (self._stirs(seconds) and self._is_ready()):
            self.finish(GOING)

    def _stirs(self, seconds: float) -> bool:
        """As `stirs`, but a worker that somebody has stopped isn't waited for."""
        deadline, stopped = monotonic() + seconds, 0
        while stopped < STOPPED and (left := deadline - monotonic()) > 0:
            if stirs(self.process, min(1.0, left), self.socket):
                return True
            stopped = stopped + 1 if is_stopped(self.process.pid) else 0
        return False

    def _is_ready(self) -> bool:
        with suppress(OSError):
            return self.socket.recv(1, socket.MSG_DONTWAIT) == READY
        return False

    def finish(self, seconds: float) -> None:
        """Wait until it has ended; then nothing of what it started is left."""
        if self.over:
            return
        self.over = True
        stirs(self.process, seconds)
        code = self.process.poll()
        if code is None:
            why = "was stopped" if is_stopped(self.process.pid) else "didn't get on in time"
            self.failure = f"the worker {why}"
        elif code < 0:
            self.failure = f"the worker was killed by {named(-code)}"
        elif code:
            last = self.errors.read_text(errors="replace").strip().splitlines()[-1:]
            self.failure = f"the worker ended with {code}: {' '.join(last) or 'no reason given'}"
        self.stack.close()

    def answer(self) -> tasks.Answer | WorkerFailed:
        """What it measured, or why it didn't."""
        if self.failure:
            return WorkerFailed(self.failure)
        try:
            return tasks.read(self.file, tasks.Answer)
        except (OSError, ValueError):
            return WorkerFailed("the worker ended without an answer")
