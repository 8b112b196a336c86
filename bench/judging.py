"""Verdicts on measured cases: what counts is where the 95 % intervals lie apart.

A comparison whose intervals overlap, or whose ratio's interval holds 1 (that of a skewed percentile may), decides nothing, and says
so. Checks are pure functions of the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, UNTESTABLE, Claim, Figures, Finding, Judged

if TYPE_CHECKING:
    from ipcbench.reports.schema import Benchmark, Result
    from ipcbench.reports.stats import Estimate

__all__ = ["any_lost", "fastest", "figures", "judge", "less"]

TIME = "time"
WHAT = {TIME: "", "cpu_s": "CPU seconds of ", "p99_s": "p99 of "}
"""Figures by name, and how the evidence calls them."""


def judge(claim: Claim, known: Mapping[str, Figures], reasons: Mapping[str, str]) -> Finding:
    """The claim's verdict on what was measured; `reasons` says of other cases why they weren't."""
    assert isinstance(claim.check, Judged), f"{claim.id} is observed, not judged"
    lacking = [case for case in claim.cases if case not in known]
    if not lacking:
        return claim.check.judge({case: known[case] for case in claim.cases})
    told = next((case for case in lacking if case in reasons), None)
    if told is None:
        return Finding(
            UNTESTABLE, f"{'not' if len(lacking) == len(claim.cases) else 'not all of it'} measured in this run"
        )
    more = f" ({len(lacking) - 1} more of its cases are lacking)" if len(lacking) > 1 else ""
    return Finding(UNTESTABLE, f"{told}: {reasons[told]}{more}")


# ---- the figures of a result ----


def figures(result: Result) -> dict[str, Figures]:
    """What a result knows of each measured case, by id."""
    from ipcbench.reports.stats import estimate, of_worker

    return {
        each.axes.name: Figures(estimate([of_worker(run.values) for run in each.runs]), _costs(each))
        for each in result.benchmarks
    }


def _costs(benchmark: Benchmark) -> dict[str, Estimate]:
    """What each worker told beside its times."""
    from ipcbench.reports.schema import COSTS
    from ipcbench.reports.stats import plain

    workers = [{**benchmark.metadata, **run.metadata} for run in benchmark.runs]
    for each in workers:
        if "cpu_user_s" in each and "cpu_system_s" in each:
            each["cpu_s"] = each["cpu_user_s"] + each["cpu_system_s"]
    told = {name: [each[name] for each in workers if name in each] for name in (*COSTS, "cpu_s", "p99_s")}
    return {name: plain(values) for name, values in told.items() if values}


# ---- less of something ----


@dataclass(frozen=True)
class _Compared:
    """One comparison: +1 where the first one has less, -1 where the other has, 0 where the intervals overlap."""

    label: str
    sign: int
    text: str


def less(pairs: Mapping[str, tuple[str, str]], one: str, other: str, of: str = TIME) -> Judged:
    """The first case of each pair has less than the second; the pairs are in order, by size or number of tasks.

    So it may be true from one of them on, or up to one.
    """

    def check(known: Mapping[str, Figures]) -> Finding:
        found = []
        for label, cases in pairs.items():
            estimates = [_figure(known[case], of) for case in cases]
            lacking = next((case for case, each in zip(cases, estimates, strict=True) if each is None), None)
            if lacking is not None:
                why = "it takes more samples, none of them nought"
                return Finding(UNTESTABLE, f"{lacking} has no interval of its {of}: {why}")
            found.append(_compare(label, *estimates))  # type: ignore[arg-type]
        return _of_series(found, f"{WHAT[of]}{other}, {one}")

    return Judged(tuple(dict.fromkeys(case for cases in pairs.values() for case in cases)), check)


def _figure(of_case: Figures, name: str) -> Estimate | None:
    """The estimate, where it has an interval that a ratio can be reckoned of."""
    found = of_case.time if name == TIME else of_case.others.get(name)
    return None if found is None or not found.freedom else found


def _compare(label: str, less: Estimate, more: Estimate) -> _Compared:
    from ipcbench.reports import units
    from ipcbench.reports.stats import ratio

    value, low, high = ratio(more, less)
    known = low is not None and high is not None
    sign = 0 if known and low <= 1 <= high else _sign(less, more)  # type: ignore[operator]
    interval = f" ({low:.3g} to {high:.3g}{'' if sign else ', the intervals overlap'})" if known else ""
    text = f"{units.seconds(more.mean)}, {units.seconds(less.mean)}: {value:.3g} times{interval}"
    return _Compared(label, sign, f"{label} {text}" if label else text)


def _sign(less: Estimate, more: Estimate) -> int:
    assert less.low is not None
    assert less.high is not None
    assert more.low is not None
    assert more.high is not None
    return int(less.high < more.low) - int(more.high < less.low)


def _of_series(found: Sequence[_Compared], what: str) -> Finding:
    """One counterexample and nothing for it: it doesn't hold. Something for it: from where on."""
    signs = {each.sign for each in found}
    evidence = f"{what}: {'; '.join(each.text for each in found)}"
    if signs == {1}:
        return Finding(HOLDS, evidence)
    if signs == {0}:
        return Finding(UNTESTABLE, f"not decided: {evidence}")
    if 1 not in signs:
        return Finding(FAILS, evidence)
    return Finding(DEPENDS, f"{_where(found)}{'' if -1 in signs else ', elsewhere not decided'}: {evidence}")


def _where(found: Sequence[_Compared]) -> str:
    """Where it is true, in words."""
    true = [each.label for each in found if each.sign > 0]
    labels = [each.label for each in found]
    if true == labels[-len(true) :]:
        return f"from {true[0]} on"
    if true == labels[: len(true)]:
        return f"up to {true[-1]}"
    return f"at {', '.join(true)}"


# ---- the least of all ----


def fastest(those: Mapping[str, str], rivals: Mapping[str, str], special: Mapping[str, str] | None = None) -> Judged:
    """The quickest of `those` is quicker than every rival; if only one of the `special` ones is, it depends."""
    extra = special or {}

    def check(known: Mapping[str, Figures]) -> Finding:
        times = {name: known[case].time for name, case in (those | extra | rivals).items()}  # type: ignore[operator]
        alone = next((name for name, each in times.items() if each.low is None or each.high is None), None)
        if alone is not None:
            return Finding(UNTESTABLE, f"{alone} has one sample: no interval")
        ranked = sorted(times, key=lambda name: times[name].mean)
        evidence = ", ".join(f"{name} {_interval(times[name])}" for name in ranked)
        if _ahead(those, rivals, times):
            return Finding(HOLDS, evidence)
        if ahead := _ahead(extra, rivals, times):
            return Finding(DEPENDS, f"only for {' and '.join(ahead)}: {evidence}")
        if any(all(_sign(times[rival], times[name]) > 0 for name in (*those, *extra)) for rival in rivals):
            return Finding(FAILS, evidence)
        return Finding(UNTESTABLE, f"not decided, the intervals overlap: {evidence}")

    cases = (*those.values(), *extra.values(), *rivals.values())
    return Judged(cases, check)


def _ahead(those: Mapping[str, str], rivals: Mapping[str, str], times: Mapping[str, Estimate]) -> list[str]:
    """Which of them are quicker than all rivals."""
    return [name for name in those if all(_sign(times[name], times[rival]) > 0 for rival in rivals)]


def _interval(found: Estimate) -> str:
    from ipcbench.reports import units

    assert found.low is not None
    assert found.high is not None
    return f"{units.seconds(found.mean)} ({units.seconds(found.low)} to {units.seconds(found.high)})"


# ---- what is lost ----


def any_lost(case: str, what: str) -> Judged:
    """Some of them are lost: that none was may be chance."""

    def check(known: Mapping[str, Figures]) -> Finding:
        lost = known[case].others.get("lost")
        if lost is None:
            return Finding(UNTESTABLE, f"{case} doesn't tell what was lost")
        return Finding(HOLDS if lost.mean > 0 else UNTESTABLE, _lost(lost, what))

    return Judged((case,), check)


def _lost(lost: Estimate, what: str) -> str:
    if lost.mean == 0:
        return f"lost {what} were not seen in {lost.samples} tries"
    interval = "" if lost.low is None or lost.high is None else f" ({lost.low:.2%} to {lost.high:.2%})"
    return f"{lost.mean:.2%}{interval} of the {what} were lost, {lost.samples} tries"
