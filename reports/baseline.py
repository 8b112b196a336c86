"""Two stored runs made ready for the gate: comparable at all, and which samples stand for which case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from ipcbench.reports.gate import INCONCLUSIVE, ONE_SIDED, Verdict
from ipcbench.reports.origin import differences, interrupted
from ipcbench.reports.schema import Benchmark, Result
from ipcbench.reports.stats import estimate, is_precise, of_worker
from ipcbench.reports.units import MARK

__all__ = ["NotComparable", "Pairing", "match"]

UNLIKE_COMPARE = (
    "ratios are those of means of workers, a fifth of them cut off at either end; ipcbench compare takes the report's times: "
    "its ratios may be others, above all where stalls are in the times"
)
Samples = dict[str, tuple[list[float], list[float]]]


class NotComparable(Exception):
    """The two runs, or a side of them, can't be used; each line of the text is one reason."""


@dataclass(frozen=True)
class Pairing:
    """Worker means of both sides by case id, verdicts on cases that have no pair, and what a reader must know.

    `wide` are the cases of which a side missed the precision that its run was asked for.
    """

    samples: Samples
    unpaired: list[Verdict]
    wide: frozenset[str]
    notes: list[str]


def match(baseline: Result, current: Result, across_machines: bool) -> Pairing:
    """Pair the cases. Raises `NotComparable`: another machine, a case that failed, nothing in common."""
    differing = list(differences(baseline, current))
    if differing and not across_machines:
        raise NotComparable(
            "the baseline was measured elsewhere: "
            + "; ".join(differing)
            + " (compare all the same: --across-machines)"
        )
    failed = [*_failures(baseline, "baseline"), *_failures(current, "current run")]
    if failed:
        raise NotComparable("\n".join(failed))
    before, after = ({each.axes.name: each for each in side.benchmarks} for side in (baseline, current))
    samples: Samples = {}
    unpaired = []
    for name in dict.fromkeys([*before, *after]):
        reason = _unpaired(before.get(name), after.get(name))
        if reason:
            unpaired.append(Verdict(name, INCONCLUSIVE, reason=reason))
        else:
            samples[name] = (_means(before[name]), _means(after[name]))
    if not samples:
        raise NotComparable(_nothing(baseline, current, unpaired))
    missed = frozenset(name for side in (baseline, current) for name in _missed(side))
    notes = [*differing, *interrupted({"baseline": baseline, "current run": current}), UNLIKE_COMPARE]
    if missed & samples.keys():
        notes.append(
            f"{MARK}: of {len(missed & samples.keys()):,} cases a side is less precise than its run was asked for"
        )
    return Pairing(samples, unpaired, missed, notes)


def _missed(side: Result) -> Iterator[str]:
    for benchmark in side.benchmarks:
        found = estimate([of_worker(run.values) for run in benchmark.runs])
        if is_precise(found, side.facts.precision) is False:
            yield benchmark.axes.name


def _failures(side: Result, name: str) -> Iterator[str]:
    for case in side.facts.cases:
        if case.status == "failed":
            yield f"{case.id} failed in the {name}: {' '.join(case.reason.split())}"


def _unpaired(old: Benchmark | None, new: Benchmark | None) -> str:
    if old is None:
        return f"{ONE_SIDED}current run: nothing to compare it with"
    if new is None:
        return f"{ONE_SIDED}baseline: the current run didn't measure it"
    if old.axes.revision != new.axes.revision:
        return f"not comparable: the workload was revised ({old.axes.revision} and {new.axes.revision})"
    return ""


def _means(benchmark: Benchmark) -> list[float]:
    return [fmean(run.values) for run in benchmark.runs]


def _nothing(baseline: Result, current: Result, unpaired: list[Verdict]) -> str:
    for side in (baseline, current):
        if not side.benchmarks:
            return f"{side.path} holds no measured case"
    revised = next((each for each in unpaired if "revised" in each.reason), None)
    if revised:
        return f"{baseline.path} and {current.path}: no case can be compared: {revised.id}: {revised.reason}"
    return f"{baseline.path} and {current.path} have no case in common"
