"""Observed claims, each in a process of its own, a few at a time.

One that dies, hangs or answers nothing isn't testable here, and says why; the others go on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ipcbench.bench.claim import UNTESTABLE, Claim, Finding, Observed
from ipcbench.bench.orderly import uninterrupted
from ipcbench.bench.processes import session
from ipcbench.bench.schedule import Progress

__all__ = ["observe"]

AT_ONCE = 4
"""More than the cores of most machines: claims spend much of their time waiting."""
POLL = 0.01


class _Observer:
    """One claim's process."""

    def __init__(self, claim: Claim, folder: Path) -> None:
        assert isinstance(claim.check, Observed)
        self.claim, self.seconds = claim, claim.check.seconds
        self.answer, self.errors = folder / f"{claim.id}.json", folder / f"{claim.id}.err"
        self.stack = ExitStack()
        stderr = self.stack.enter_context(self.errors.open("wb")).fileno()
        command = [sys.executable, "-m", "ipcbench.bench.observing", claim.check.file, claim.id, str(self.answer)]
        self.process = self.stack.enter_context(session(command, folder, stderr=stderr))
        self.deadline = time.monotonic() + self.seconds

    def over(self) -> bool:
        """It has ended, or had its time."""
        return self.process.poll() is not None or time.monotonic() > self.deadline

    def finding(self) -> Finding:
        """What it answered; it and all that it started are ended first."""
        code = self.process.poll()
        self.stack.close()
        if code is None:
            return Finding(UNTESTABLE, f"the check gave no answer within {self.seconds:g} s")
        try:
            found = json.loads(self.answer.read_bytes())
            return Finding(found["verdict"], found["evidence"])
        except (OSError, ValueError, KeyError):
            last = self.errors.read_text(errors="replace").strip().splitlines()[-1:]
            return Finding(
                UNTESTABLE, f"the check ended with {code}, without an answer: {' '.join(last) or 'no reason given'}"
            )


def observe(claims: Sequence[Claim], folder: Path, found: dict[str, Finding], show: Callable[[Progress], None]) -> None:
    """Look at all of them, and put what is found into `found`, by id, as it comes. Their temporary files are in `folder`."""
    waiting, running, begun = list(claims), list[_Observer](), time.monotonic()
    with ExitStack() as unwinding:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                with uninterrupted():
                    running.append(_Observer(waiting.pop(0), folder))
                    unwinding.callback(running[-1].stack.close)
            for each in [each for each in running if each.over()]:
                running.remove(each)
                found[each.claim.id] = each.finding()
                show(
                    _progress(
                        each.claim, len(claims) - len(waiting) - len(running), len(claims), time.monotonic() - begun
                    )
                )
            time.sleep(POLL)


def _progress(claim: Claim, done: int, planned: int, elapsed: float) -> Progress:
    return Progress(claim.id, "observing", done, planned, elapsed, elapsed / done * (planned - done))
