"""The Markdown tables and the self-contained page, from templates."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from ipcbench.reports import tables, units
from ipcbench.reports.figures import Figure
from ipcbench.reports.schema import Result

__all__ = ["markdown", "page"]


def markdown(result: Result, frame: pd.DataFrame) -> str:
    """The tables as Markdown."""
    return _template("tables.md").render(_context(result, frame))


def page(result: Result, frame: pd.DataFrame, figures: Iterable[tuple[Figure, Path]]) -> str:
    """One HTML page that needs nothing else."""
    pictures = [
        {"title": figure.title, "caption": figure.caption, "data": base64.b64encode(path.read_bytes()).decode()}
        for figure, path in figures
    ]
    return _template("report.html").render(_context(result, frame), figures=pictures)


def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    return jinja2.Environment(
        loader=loader,
        autoescape=name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    ).get_template(name)


def _context(result: Result, frame: pd.DataFrame) -> dict[str, Any]:
    facts = result.facts
    failed, skipped = (frame[frame["status"].eq(status)] for status in ("failed", "skipped"))
    return {
        "facts": facts,
        "machine": _machine(result),
        "details": sorted((name, value) for name, value in facts.machine.items() if value not in (None, "")),
        "minutes": f"{facts.seconds / 60:.1f}",
        "findings": findings(frame),
        "headline": _headline(frame),
        "rows": tables.cells(frame),
        "failed": failed[["id", "reason"]].to_dict("records"),
        "skipped": _by_reason(skipped),
        "counts": {
            "measured": int(frame["status"].eq("measured").sum()),
            "failed": len(failed),
            "skipped": len(skipped),
        },
    }


def _machine(result: Result) -> str:
    facts, common = result.facts.machine, result.metadata
    words = [
        facts.get("cpu_model") or common.get("cpu_model_name") or "unknown processor",
        f"{facts.get('cores_allowed') or common.get('cpu_count', '?')} cores",
        common.get("platform") or "",
        f"Python {common.get('python_version', '?')}",
    ]
    return ", ".join(str(word) for word in words if word)


def _headline(frame: pd.DataFrame) -> list[dict[str, str]]:
    rows = tables.headline(frame)
    lines = []
    for name in dict.fromkeys(rows["name"]):
        line = {"name": str(name)}
        for key, size in zip(("small", "large"), tables.SIZES, strict=True):
            here = rows[rows["name"].eq(name) & rows["size"].eq(size)]
            row = here.iloc[0] if len(here) else None
            line[key] = "–" if row is None else units.seconds(row["mean_s"])
            line[f"{key}_half"] = "" if row is None else units.spread(row["mean_s"], row["low_s"], row["high_s"])
        lines.append(line)
    return lines


def _by_reason(skipped: pd.DataFrame) -> list[dict[str, Any]]:
    groups = skipped.groupby("reason")["id"].agg(list)
    return [{"reason": reason, "ids": ids} for reason, ids in groups.items()]


def findings(frame: pd.DataFrame) -> list[str]:
    """Sentences for a hurried reader."""
    rows = tables.headline(frame)
    rows = rows[rows["family"].ne("floor")]
    said = []
    for size, what in zip(tables.SIZES, ("Small messages", "Large messages"), strict=True):
        here = rows[rows["size"].eq(size)]
        if here.empty:
            continue
        sleeping = here[~here["name"].str.endswith((" spin", " adaptive"))]
        if len(sleeping) > 1:
            best, worst = sleeping.iloc[0], sleeping.iloc[-1]
            said.append(
                f"{what} ({units.size(size)}): of those that sleep while they wait, {best['name']} is the fastest with "
                f"{_figure(best)} there and back, {worst['name']} the slowest with {_figure(worst)}."
            )
        spinning = here[here["name"].str.endswith(" spin")]
        if len(spinning) and len(sleeping):
            gain = sleeping.iloc[0]["mean_s"] / spinning.iloc[0]["mean_s"]
            if gain > 1:
                said.append(
                    f"{spinning.iloc[0]['name']} needs {_figure(spinning.iloc[0])} at {units.size(size)}, {gain:.1f} times less than "
                    "the fastest that sleeps, and keeps a core busy all the time."
                )
    return said


def _figure(row: pd.Series) -> str:
    return f"{units.seconds(row['mean_s'])} ({units.spread(row['mean_s'], row['low_s'], row['high_s'])})"
