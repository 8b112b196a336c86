"""Duels: two fresh arms alive side by side, short bursts in turn; the median log-ratio of a duel is one figure for the gate.

An arm is a process with its peers, in a session of its own. Both do the same loops, in random ABBA or BAAB order, each burst after an
untimed tenth of it. What drifts, drifts for both; what a burst loses to a stolen slice, the median of sixteen pairs doesn't see.
"""

from __future__ import annotations

import json
import math
import os
import random
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any, Protocol

from ipcbench.bench.processes import session
from ipcbench.bench.sampling import calibrate
from ipcbench.bench.workload import Measured

__all__ = ["Arm", "ArmFailed", "CaseUnknown", "Duel", "Runs", "bursts", "fight", "loops_for"]

BURST = 0.008
"""Seconds that a burst should take. 2 ms × 64 bursts gave the same spread, 32 ms × 4 a larger one."""
PAIRS = 16
WARM = 10
"""The untimed part before a burst is its loops divided by this."""
SETTING_UP = 90.0
ANSWERING = 75.0
ENDING = 1.0
"""Deadlines in seconds; the arm's own are a little shorter, and say what it waited for."""
LOOK = 0.05
"""Seconds between looks at whether a silent arm still lives."""
MOST = 1 << 20
"""Bytes of an answer."""
TOLD = {"fixed", "multiple"}
"""What the runner needs to know of a case that is set up."""


class ArmFailed(Exception):
    """An arm died, hung or reported an error; the text is one line that names it."""


class CaseUnknown(Exception):
    """An arm's own ipcbench doesn't know the case, or refuses it; `why` by the arm's name."""

    def __init__(self, why: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in why.items()))
        self.why = why


class Runs(Protocol):
    """What bursts need of an arm."""

    def run(self, loops: int) -> float:
        """Seconds that so many operations took."""


@dataclass
class Arm:
    """An arm as the runner sees it."""

    name: str
    process: subprocess.Popen[bytes]
    errors: Path
    facts: dict[str, Any] = field(default_factory=dict)
    _rest: bytes = b""

    def ready(self, seconds: float = SETTING_UP) -> str | None:
        """Wait until it is set up, or gives the reason why it doesn't know the case. Raises `ArmFailed`."""
        answer = self._answer(seconds, doing := "setting up")
        if isinstance(answer, dict) and isinstance(answer.get("unknown"), str):
            return str(answer["unknown"])
        facts = answer.get("ready") if isinstance(answer, dict) else None
        if not isinstance(facts, dict) or not facts.keys() >= TOLD:
            raise ArmFailed(f"{self.name} said something else than what it is ready for while {doing}")
        self.facts = facts
        return None

    def run(self, loops: int) -> float:
        """Seconds that so many operations took. Raises `ArmFailed`."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # its end is noticed, with the reason, where the answer is missing
            os.write(
                self.process.stdin.fileno(), b"%d\n" % loops
            )  # nothing stays in a buffer that close() would trip over
        seconds = self._answer(ANSWERING, doing := f"timing {loops:,} operations")
        if not isinstance(seconds, (int, float)) or not 0 <= seconds < math.inf:
            raise ArmFailed(f"{self.name} said {seconds!r:.100}, which is no time, while {doing}")
        return max(float(seconds), 1e-9)

    def leave(self) -> None:
        """Ask it to end: its standard input does."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()

    def _answer(self, seconds: float, doing: str) -> Any:
        try:
            answer = json.loads(self._line(monotonic() + seconds, seconds, doing))
        except ValueError as error:
            raise ArmFailed(f"{self.name} said something else than JSON while {doing}") from error
        if isinstance(answer, dict) and "failed" in answer:
            raise ArmFailed(f"{self.name}: {answer['failed']}")
        return answer

    def _line(self, deadline: float, seconds: float, doing: str) -> bytes:
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        while b"\n" not in self._rest:
            if select.select([fd], [], [], LOOK)[0]:
                chunk = os.read(fd, 65536)
                if not chunk:
                    raise self._death(doing)
                self._rest += chunk
                if len(self._rest) > MOST:
                    raise ArmFailed(f"{self.name} said more than {MOST:,} bytes at once while {doing}")
            elif self.process.poll() is not None:  # a peer of the dead arm may hold the pipe open for a moment
                raise self._death(doing)
            elif monotonic() > deadline:
                raise ArmFailed(f"{self.name} said nothing for {seconds:.0f} s while {doing}")
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _death(self, doing: str) -> ArmFailed:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING)
        last = self.errors.read_text(errors="replace").strip().splitlines()[-1:]
        return ArmFailed(
            f"{self.name} ended with {self.process.returncode} while {doing}: {' '.join(last) or 'no word'}"
        )


@dataclass(frozen=True)
class Duel:
    """What one duel gave: its value (the median log-ratio, B over A) and each arm's seconds per operation, burst by burst."""

    value: float
    seconds: tuple[tuple[float, ...], tuple[float, ...]]


def bursts(arms: Sequence[Runs], loops: int, warm: int, chance: random.Random) -> Duel:
    """Let two arms that are set up run in turn."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(PAIRS // 2):
        first = chance.randrange(2)
        for index in (first, 1 - first, 1 - first, first):
            arms[index].run(warm)
            took[index].append(arms[index].run(loops) / loops)
    value = median(math.log(second / first) for first, second in zip(*took, strict=True))
    return Duel(value, (tuple(took[0]), tuple(took[1])))


def loops_for(arm: Arm) -> int:
    """Operations that take about a burst, in the multiples that the case needs."""
    if arm.facts["fixed"]:
        return int(arm.facts["fixed"])
    return calibrate(lambda loops: Measured(arm.run(loops)), BURST, arm.facts["multiple"])


def warm_up(arm: Arm, loops: int) -> int:
    """The untimed operations before each burst."""
    multiple = arm.facts["multiple"]
    return int(max(1, round(loops / WARM / multiple)) * multiple)


@contextmanager
def fight(
    commands: Sequence[tuple[str, Sequence[str]]], folder: Path, chance: random.Random, setting_up: float = SETTING_UP
) -> Iterator[list[Arm]]:
    """Two arms by name and command, started in random order and set up. Raises `ArmFailed`, `CaseUnknown`."""
    with ExitStack() as stack:
        arms: list[Arm | None] = [None, None]
        for index in chance.sample(range(2), 2):
            name, command = commands[index]
            errors = folder / f"arm-{index}.err"
            stderr = stack.enter_context(errors.open("wb"))
            process = stack.enter_context(session(command, folder, stderr=stderr.fileno(), stdout=subprocess.PIPE))
            assert process.stdout is not None
            stack.callback(process.stdout.close)
            arms[index] = Arm(name, process, errors)
        both = [arm for arm in arms if arm is not None]
        try:
            why = {arm.name: reason for arm in both if (reason := arm.ready(setting_up)) is not None}
            if why:
                raise CaseUnknown(why)
            yield both
            for arm in both:
                arm.leave()
            for arm in both:
                with suppress(subprocess.TimeoutExpired):
                    arm.process.wait(ENDING)
        finally:
            for arm in both:  # at once, so that they end at the same time
                if arm.process.poll() is None:
                    arm.process.terminate()
