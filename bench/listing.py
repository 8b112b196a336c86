"""What `ipcbench list` shows."""

from __future__ import annotations

import json

from ipcbench.bench.case import Case
from ipcbench.bench.matrix import Matrix

__all__ = ["as_json", "as_text"]


def as_json(matrix: Matrix) -> str:
    """One object a case, those left out with their reason."""
    rows = [_row(case, "", None) for case in matrix.cases]
    rows += [_row(skip.case, "skipped", skip.reason) for skip in matrix.skips]
    return json.dumps(rows, indent=1)


def as_text(matrix: Matrix) -> str:
    """One id a line, then what is left out, by reason."""
    lines = [case.id for case in matrix.cases]
    lines.append(f"{len(matrix.cases):,} {'case' if len(matrix.cases) == 1 else 'cases'}")
    if not matrix.cases and not matrix.skips:
        lines.append("no case fits these options")
    reasons: dict[str, int] = {}
    for skip in matrix.skips:
        reasons[skip.reason] = reasons.get(skip.reason, 0) + 1
    if reasons:
        lines.append(f"{len(matrix.skips):,} left out:")
        lines += [f"  {count:>5}  {reason}" for reason, count in sorted(reasons.items(), key=lambda item: -item[1])]
    return "\n".join([*lines, *matrix.notes])


def _row(case: Case, status: str, reason: str | None) -> dict[str, object]:
    return {
        "id": case.id,
        "workload": case.workload,
        "mechanism": case.mechanism,
        "payload": case.payload,
        "size": case.size,
        "processes": case.processes,
        "start_method": case.start_method,
        "placement": case.placement,
        "variant": dict(case.variant),
        "status": status or "planned",
        "reason": reason,
    }
