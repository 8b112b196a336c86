"""Where a run was made: what tells its machine, Python or kernel from another's, so that the two aren't compared unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ipcbench.reports.schema import Result

__all__ = ["differences", "elsewhere", "interrupted"]

SAME = {
    "hostname": "machine",
    "cpu_model_name": "processor",
    "cpu_count": "number of processors",
    "python_version": "Python",
    "python_implementation": "Python implementation",
    "platform": "kernel",
    "machine_kernel": "kernel release",
    "machine_python_free_threaded": "Python (with or without its global lock)",
}
NEEDED = ("hostname", "python_version", "platform")
"""Without these nothing says where a run was measured."""


def elsewhere(result: Result, here: Mapping[str, Any]) -> list[str]:
    """What tells the machine of a result from this one, of which `here` has the same metadata; empty if nothing does."""
    there = _metadata(result)
    return [*_unplaced(result, there), *_differing(there, here)]


def differences(old: Result, new: Result) -> Iterator[str]:
    """What tells the machines of two results apart, or that one doesn't say."""
    facts = [_metadata(side) for side in (old, new)]
    for side, known in zip((old, new), facts, strict=True):
        yield from _unplaced(side, known)
    yield from _differing(*facts)


def interrupted(sides: Mapping[str, Result]) -> Iterator[str]:
    """Which of them, by what they are called, has fewer rounds than it should."""
    for name, side in sides.items():
        if side.facts.status != "complete":
            yield f"the {name} was {side.facts.status}: its later rounds are missing"


def _unplaced(side: Result, facts: Mapping[str, Any]) -> Iterator[str]:
    lacking = [name for name in NEEDED if not facts.get(name)]
    if lacking:
        yield f"{side.path} doesn't say where it was measured: it lacks {' and '.join(lacking)}"


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key, name in SAME.items():
        if old.get(key) != new.get(key):
            yield f"another {name}: {old.get(key, 'unknown')} and {new.get(key, 'unknown')}"


def _metadata(side: Result) -> Mapping[str, Any]:
    return side.metadata | (side.benchmarks[0].metadata if side.benchmarks else {})
