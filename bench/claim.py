"""A claim: one statement of the course, beside the check that finds out whether it is true on this machine.

Claims are found in `claims/`, one file a subject, each holding `CLAIMS`. There are two kinds of check: `Observed` really does the thing,
in a process of its own that is ended with all it started (`bench/trying.py` has what such checks share); `Judged` looks at measured
cases with their uncertainty (`bench/judging.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    "VERDICTS",
    "Claim",
    "Figures",
    "Finding",
    "Judged",
    "Observed",
    "claims",
    "of_file",
]

HOLDS, FAILS, DEPENDS, UNTESTABLE = "holds", "does not hold", "depends", "not testable here"
VERDICTS = (HOLDS, FAILS, DEPENDS, UNTESTABLE)
FOLDER = Path(__file__).parent / "claims"


@dataclass(frozen=True)
class Finding:
    """A verdict, and what it rests on: figures with their uncertainty, or what was seen and how often it was tried."""

    verdict: str
    evidence: str

    def __post_init__(self) -> None:
        assert self.verdict in VERDICTS, f"{self.verdict!r} is no verdict"


@dataclass(frozen=True)
class Figures:
    """What a run knows of a case: its time with the 95 % interval, and what else it has, by the names of the columns of `cases.csv`."""

    time: Estimate
    others: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Observed:
    """A check by doing it. `see` runs in a fresh process, is given `seconds`, and may leave the cleaning up to whoever ends that."""

    see: Callable[[], Finding]
    seconds: float = 8.0

    @property
    def file(self) -> str:
        """The file in `claims/` that holds it."""
        return self.see.__module__.rpartition(".")[2]


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

    @property
    def cases(self) -> tuple[str, ...]:
        """The ids of the cases that it is judged by."""
        return self.check.cases if isinstance(self.check, Judged) else ()


@cache
def claims() -> tuple[Claim, ...]:
    """All of them, in the order of the course."""
    found = [each for file in sorted(FOLDER.glob("[a-z]*.py")) for each in of_file(file.stem)]
    assert len({each.id for each in found}) == len(found), "two claims have the same id"
    return tuple(sorted(found, key=lambda each: [int(part) for part in each.section.split(".")]))


def of_file(name: str) -> list[Claim]:
    """The claims of one file in `claims/`."""
    found: list[Claim] = import_module(f"ipcbench.bench.claims.{name}").CLAIMS
    return found
