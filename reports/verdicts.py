"""What the gate says, in each form it is read: a table for the terminal, Markdown, JUnit XML, JSON, an exit status."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ipcbench.reports import units
from ipcbench.reports.gate import FAILED, INCONCLUSIVE, NO_REGRESSION, ONE_SIDED, ORDER, REGRESSED, Verdict

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "COLUMNS",
    "exit_status",
    "headline",
    "is_one_sided",
    "reasons",
    "render",
    "table",
    "to_json",
    "to_junit",
    "to_markdown",
]

STYLES = {REGRESSED: "bold red", FAILED: "bold red", INCONCLUSIVE: "yellow", NO_REGRESSION: "green"}
COLUMNS = ("case", "verdict", "ratio", "95 % interval", "visible from", "why")
UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def exit_status(verdicts: Sequence[Verdict], strict: bool) -> int:
    """2 if a case failed, 1 if one regressed, 3 if one is inconclusive and that was asked for, else 0."""
    said = {each.verdict for each in verdicts}
    if FAILED in said or not said:
        return 2
    if REGRESSED in said:
        return 1
    return 3 if strict and INCONCLUSIVE in said else 0


def headline(verdicts: Sequence[Verdict]) -> str:
    """One line: how many cases got which verdict, the worst first."""
    counts = Counter(each.verdict for each in verdicts)
    alone = sum(map(is_one_sided, verdicts))
    more = {INCONCLUSIVE: f" ({alone:,} of them on one side only)" if alone else ""}
    return ", ".join(f"{counts[verdict]:,} {verdict}{more.get(verdict, '')}" for verdict in ORDER if counts[verdict])


def is_one_sided(verdict: Verdict) -> bool:
    """Whether there was nothing to compare the case with."""
    return verdict.reason.startswith(ONE_SIDED)


def to_json(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """One object a case; what is unknown is null. `smallest_visible` and `min_effect` are shares: 0.05 is 5 %."""
    return [asdict(each) for each in verdicts]


def render(verdicts: Sequence[Verdict]) -> Table:
    """The table for the terminal, the worst first; `reasons` has the last column."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in COLUMNS[:-1]:
        right = name in ("ratio", "95 % interval", "visible from")
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "case", overflow="fold")
    for each in _sorted(verdicts):
        identity, verdict, *cells, _ = _cells(each)
        table.add_row(escape(identity), verdict, *map(escape, cells), style=STYLES[each.verdict])
    return table


def reasons(verdicts: Sequence[Verdict]) -> list[str]:
    """A line for each case whose verdict needs an explanation."""
    return [f"{each.id}: {each.reason}" for each in _sorted(verdicts) if each.reason]


def to_markdown(verdicts: Sequence[Verdict], title: str, notes: Sequence[str]) -> str:
    """A section for a pull request's summary."""
    lines = [f"## {title}", "", f"**{headline(verdicts)}**", ""]
    lines += [*(f"- {_in_markdown(note)}" for note in notes), ""] if notes else []
    lines += ["| " + " | ".join(COLUMNS) + " |", "| --- | --- | ---: | ---: | ---: | --- |"]
    lines += ["| " + " | ".join(map(_in_markdown, row)) + " |" for row in table(verdicts)]
    return "\n".join(lines) + "\n"


def to_junit(verdicts: Sequence[Verdict], title: str) -> bytes:
    """A test suite with a test for each case: regressed is a failure, inconclusive is skipped, what failed is an error."""
    counts = Counter(each.verdict for each in verdicts)
    numbers = {
        "tests": str(len(verdicts)),
        "failures": str(counts[REGRESSED]),
        "errors": str(counts[FAILED]),
        "skipped": str(counts[INCONCLUSIVE]),
    }
    suites = ElementTree.Element("testsuites", {name: number for name, number in numbers.items() if name != "skipped"})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _in_xml(title), **numbers})
    for each in verdicts:
        workload, _, rest = each.id.partition("/")
        about = {"classname": f"ipcbench.{_in_xml(workload)}", "name": _in_xml(rest or workload), "time": "0"}
        test = ElementTree.SubElement(suite, "testcase", about)
        element = {REGRESSED: "failure", FAILED: "error", INCONCLUSIVE: "skipped"}.get(each.verdict)
        if element:
            ElementTree.SubElement(test, element, {"message": _in_xml(_sentence(each))})
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _sorted(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda each: (ORDER.index(each.verdict), -(each.ratio or 0.0)))


def table(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """A row a case under COLUMNS, the worst first."""
    return [_cells(each) for each in _sorted(verdicts)]


def _cells(each: Verdict) -> list[str]:
    return [
        each.id,
        each.verdict,
        "–" if each.ratio is None else f"{units.MARK} {each.ratio:.3f}" if each.wide else f"{each.ratio:.3f}",
        _interval(each),
        "–" if each.smallest_visible is None else f"+{_percent(each.smallest_visible)}",
        each.reason,
    ]


def _sentence(each: Verdict) -> str:
    if each.ratio is None or each.low is None or each.high is None:
        return f"{each.verdict}: {each.reason}"
    figures = f"{each.ratio:.3f} times the baseline ({_interval(each)})"
    figures = f"{units.MARK} {figures}" if each.wide else figures
    limit = f"a slowdown of {_percent(each.min_effect)} matters"
    return "; ".join(filter(None, (f"{each.verdict}: {figures}", limit, each.reason)))


def _interval(each: Verdict) -> str:
    if each.ratio is None or each.low is None or each.high is None:
        return "–"
    return units.bounds(each.ratio, each.low, each.high, "{:.3f}".format)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:,.0f} %" if share < 10 else ">1,000 %"


def _in_markdown(text: str) -> str:
    return re.sub(r"([\\|<>*_`])", r"\\\1", " ".join(text.split()))


def _in_xml(text: str) -> str:
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
