"""A claim: one statement of the course, beside the check that finds out whether it is true on this machine.

Claims are found in `claims/`, one file a subject, each holding `CLAIMS`. There are two kinds of check: `Observed` really does the thing,
in a process of its own that is ended with all it started; `Judged` looks at measured cases with their uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ipcbench.bench.case import Case

if TYPE_CHECKING:
    from ipcbench.reports.stats import Estimate

__all__ = [
    "DEPENDS",
    "FAILS",
    "HOLDS",
    "UNTESTABLE",
    "Claim",
    "Figures",
    "Finding",
    "Judged",
    "Observed",
    "claims",
    "find",
]

HOLDS, FAILS, DEPENDS, UNTESTABLE = "holds", "does not hold", "depends", "not testable here"
FOLDER = Path(__file__).parent / "claims"


@dataclass(frozen=True)
class Finding:
    """A verdict, and what it rests on: figures with their uncertainty, or what was seen and how often it was tried."""

    verdict: str
    evidence: str


@dataclass(frozen=True)
class Figures:
    """What a run knows of a case: its time with the 95 % interval, and other columns of `cases.csv` that are numbers."""

    time: Estimate
    others: Mapping[str, float]


@dataclass(frozen=True)
class Observed:
    """A check by doing it. `see` runs in a fresh process, is given `seconds`, and may leave the cleaning up to whoever ends that."""

    see: Callable[[], Finding]
    seconds: float = 10.0


@dataclass(frozen=True)
class Judged:
    """A check by measured cases: `judge` gets the figures of all of them, by id, and nothing else."""

    cases: tuple[str, ...]
    judge: Callable[[Mapping[str, Figures]], Finding]

    def __post_init__(self) -> None:
        for name in self.cases:
            assert Case.parse(name).id == name, f"{name} isn't the id of the case it names"


@dataclass(frozen=True)
class Claim:
    """One statement: a kebab-case id, the section of the course, the statement in the course's words, and the check."""

    id: str
    section: str
    text: str
    check: Observed | Judged


@cache
def claims() -> tuple[Claim, ...]:
    """All of them, in the order of the course."""
    files = sorted(FOLDER.glob("[a-z]*.py"))
    found: list[Claim] = [each for file in files for each in import_module(f"ipcbench.bench.claims.{file.stem}").CLAIMS]
    return tuple(sorted(found, key=lambda each: [int(part) for part in each.section.split(".")]))


def find(name: str) -> Claim:
    """The claim with that id. Raises KeyError."""
    return {each.id: each for each in claims()}[name]
