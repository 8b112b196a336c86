"""What a chapter of the report is, and where chapters are found: one file each in `chapters/`, holding a `CHAPTER`.

A chapter looks at the frame of all cases and shows what of it is its own: nothing where the run measured none of that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

import pandas as pd

from ipcbench.reports.figure import Figure, explained

__all__ = ["Chapter", "Shown", "Table", "chapters", "shown"]

FOLDER = Path(__file__).parent / "chapters"


@dataclass(frozen=True)
class Table:
    """A table of text: `numbers` are the columns set to the right; `about` says in a sentence or two how to read it."""

    title: str
    about: str
    columns: list[str]
    rows: list[list[str]]
    numbers: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Chapter:
    """A part of the report. `place` orders the chapters; each function gives an empty list where the frame has nothing for it."""

    title: str
    place: int
    findings: Callable[[pd.DataFrame], list[str]]
    """Sentences for a hurried reader, figures with their uncertainty."""
    tables: Callable[[pd.DataFrame], list[Table]]
    figures: Callable[[pd.DataFrame], list[Figure]]


@dataclass(frozen=True)
class Shown:
    """A chapter with what it shows of one frame."""

    title: str
    findings: list[str]
    tables: list[Table]
    figures: list[Figure]


@cache
def chapters() -> tuple[Chapter, ...]:
    """All of them, in the order of the report."""
    files = sorted(FOLDER.glob("[a-z]*.py"))
    found: list[Chapter] = [import_module(f"ipcbench.reports.chapters.{file.stem}").CHAPTER for file in files]
    return tuple(sorted(found, key=lambda each: each.place))


def shown(frame: pd.DataFrame) -> list[Shown]:
    """The chapters that have something to show."""
    made = [
        Shown(
            each.title, each.findings(frame), each.tables(frame), [explained(figure) for figure in each.figures(frame)]
        )
        for each in chapters()
    ]
    return [each for each in made if each.findings or each.tables or each.figures]
