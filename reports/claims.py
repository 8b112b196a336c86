"""What the course's claims came to, in each form it is read: a table for the terminal, lines of text, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ipcbench.reports.schema import Claim

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["VERDICTS", "headline", "render", "text", "to_json"]

VERDICTS = {"does not hold": "bold red", "depends": "yellow", "not testable here": "dim", "holds": "green"}
"""In the order in which they are shown: what one should know first."""


def headline(claims: Sequence[Claim]) -> str:
    """One line: how many claims got which verdict."""
    counts: Counter[str] = Counter(each.verdict for each in claims)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in reversed(VERDICTS) if counts[verdict])
    return f"{len(claims)} claim{'s' * (len(claims) != 1)}: {said}"


def to_json(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """One object a claim: id, section, claim, verdict, evidence, cases."""
    found: list[dict[str, Any]] = msgspec.to_builtins(list(claims))
    return found


def render(claims: Sequence[Claim]) -> Table:
    """The table for the terminal, by verdict and in the order of the course."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "claim", "evidence", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for verdict, style in VERDICTS.items():
        here = _of(claims, verdict)
        if here:
            table.add_row("", f"[{style}]{verdict}[/] [dim]({len(here)})[/]", "")
        for each in here:
            evidence = escape(each.evidence) + (f" [dim]({_cases(each)})[/]" if each.cases else "")
            table.add_row(f"[dim]{each.section}[/]", f"{escape(each.claim)} [dim]{each.id}[/]", evidence)
    return table


def text(claims: Sequence[Claim]) -> Iterator[str]:
    """The same as lines, where no terminal says how wide they may be."""
    for verdict in VERDICTS:
        here = _of(claims, verdict)
        if here:
            yield f"{verdict} ({len(here)})"
        for each in here:
            yield f"  {each.section:<6} {each.claim} [{each.id}]"
            yield f"         {each.evidence}" + (f" ({_cases(each)})" if each.cases else "")


def _of(claims: Sequence[Claim], verdict: str) -> list[Claim]:
    return [each for each in claims if each.verdict == verdict]


def _cases(claim: Claim) -> str:
    """The case, or how many there are."""
    return claim.cases[0] if len(claim.cases) == 1 else f"{claim.cases[0]} and {len(claim.cases) - 1} more"
