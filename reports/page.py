"""The Markdown tables and the self-contained page, from templates."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from ipcbench.reports import choose, claims, costs, tables, units, verdicts
from ipcbench.reports.chapter import Shown
from ipcbench.reports.figure import Figure
from ipcbench.reports.schema import Facts, Result

__all__ = ["context", "markdown", "page"]


def markdown(context: Mapping[str, Any]) -> str:
    """The tables as Markdown."""
    return _template("tables.md").render(context)


def page(
    context: Mapping[str, Any], figures: Sequence[Figure], absent: Sequence[str], drawn: Mapping[str, Path]
) -> str:
    """One HTML page that needs nothing else; `drawn` has the picture of each figure's file name, `absent` says why others are missing."""
    template = _template("report.html")
    template.globals["picture"] = lambda name: base64.b64encode(drawn[name].read_bytes()).decode()
    return template.render(context, figures=figures, absent=absent)


def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    made = jinja2.Environment(
        loader=loader,
        autoescape=name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters["cell"] = _cell
    made.filters["code"] = _code
    return made.get_template(name)


def _cell(text: object) -> str:
    """Text that can't break a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _code(text: object) -> Markup:
    """The text, with what stands in backticks as code; all else in it is no markup."""
    parts = re.split("`([^`]+)`", str(text))  # each second one stood in backticks
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if index % 2 else escape(part) for index, part in enumerate(parts))


def context(result: Result, frame: pd.DataFrame, chapters: Sequence[Shown]) -> dict[str, Any]:
    """What both templates show, as text."""
    facts = result.facts
    failed, skipped = (frame[frame["status"].eq(status)] for status in ("failed", "skipped"))
    return {
        "chapters": chapters,
        "facts": facts,
        "repeat": _repeat(facts),
        "machine": _machine(result),
        "details": sorted((name, value) for name, value in facts.machine.items() if value not in (None, "")),
        "minutes": f"{facts.seconds / 60:.1f}",
        "findings": findings(frame),
        "sizes": [units.size(size) for size in tables.sizes(tables.headline(frame))],
        "costed": costs.sizes(frame),
        "headline": _headline(frame),
        "floors": bool(frame["floor_ratio"].notna().any()),
        "costs": costs.costs(frame),
        "latencies": costs.latencies(frame),
        "recorder": _recorder(frame),
        "rates": costs.rates(frame),
        "claims": result.facts.claims,
        "claimed": claims.headline(result.facts.claims),
        "verdicts": verdicts.table(result.facts.verdicts),
        "verdict_columns": verdicts.COLUMNS,
        "judged": verdicts.headline(result.facts.verdicts),
        "rows": tables.cells(frame),
        "unreached": tables.unreached(frame),
        "missed": tables.missed(frame, facts.precision),
        "disturbed": tables.disturbed(frame),
        "failed": failed[["id", "reason"]].to_dict("records"),
        "skipped": _by_reason(skipped),
        "counts": {
            "measured": int(frame["status"].eq("measured").sum()),
            "failed": len(failed),
            "skipped": len(skipped),
        },
    }


def _repeat(facts: Facts) -> str:
    """The command that measures the same in the same order, as far as it takes a seed."""
    seeded = facts.command.startswith("ipcbench run") and "--seed" not in facts.command
    return f"{facts.command} --seed {facts.seed}" if seeded else facts.command


def _machine(result: Result) -> str:
    facts, common = result.facts.machine, result.metadata
    memory = facts.get("memory_total")
    words = [
        facts.get("cpu_model") or common.get("cpu_model_name") or "unknown processor",
        f"{facts.get('cpus_allowed') or common.get('cpu_count', '?')} cores",
        isinstance(memory, (int, float)) and f"{units.size(memory)} memory",
        common.get("platform") or "",
        f"Python {common.get('python_version', '?')}",
    ]
    return ", ".join(str(word) for word in words if word)


def _headline(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a mechanism; `cells` has one for each size."""
    rows, floors = tables.headline(frame), _floors(frame)
    lines = []
    for name in dict.fromkeys(rows["name"]):
        mine = rows[rows["name"].eq(name)]
        cells = [_at(mine[mine["size"].eq(size)], floors) for size in tables.sizes(rows)]
        lines.append({"name": str(mine["label"].iloc[0]), "family": str(mine["family"].iloc[0]), "cells": cells})
    return lines


def _at(rows: pd.DataFrame, floors: Mapping[str, pd.Series]) -> dict[str, str]:
    """What is known of a mechanism at a size."""
    if rows.empty:
        return {"time": "–", "half": "", "floor": "", "against": ""}
    row = rows.iloc[0]
    return {
        "time": tables.time(row),
        "half": units.spread(row["mean_s"], row["low_s"], row["high_s"]),
        **_over_floor(row, floors),
    }


def _over_floor(row: pd.Series, floors: Mapping[str, pd.Series]) -> dict[str, str]:
    """How many times the floor, marked where a side is less precise than asked, and what that floor is."""
    floor = floors.get(row["floor"])
    if floor is None or pd.isna(row["floor_ratio"]):
        return {"floor": "", "against": ""}
    wide = floor if floor["precise"] is False else row
    return {"floor": tables.marked(wide, f"{row['floor_ratio']:.1f} ×"), "against": str(floor["mechanism"])}


def _recorder(frame: pd.DataFrame) -> str:
    """What recording a round trip takes by itself, in words; empty where none was recorded."""
    cost = choose.recorded(frame)["recorder_s"].median()
    return "" if pd.isna(cost) else units.seconds(cost)


def _by_reason(skipped: pd.DataFrame) -> list[dict[str, Any]]:
    groups = skipped.groupby("reason")["id"].agg(list)
    return [{"reason": reason, "ids": ids} for reason, ids in groups.items()]


def findings(frame: pd.DataFrame) -> list[str]:
    """Sentences for a hurried reader: whom to take for small and for large messages, and what it costs."""
    rows = tables.headline(frame)
    rows = rows[rows["family"].ne("floor")]
    said = []
    known = tables.sizes(rows)
    for size, what in zip(
        known, ("Small messages", "Large messages") if len(known) > 1 else ("Messages",), strict=False
    ):
        here = rows[rows["size"].eq(size)].sort_values("mean_s")
        said += _of_size(here, f"{what} ({units.size(size)})")
    return said + _of_streams(frame) + _of_python(rows, frame) + costs.findings(frame)


def _of_size(rows: pd.DataFrame, what: str) -> list[str]:
    sleeping, spinning = rows[rows["variant"].eq("")], rows[rows["variant"].eq("wait=spin")]
    said = []
    if len(sleeping) > 1:
        best, worst = sleeping.iloc[0], sleeping.iloc[-1]
        said.append(
            f"{what}: of those that sleep while they wait, {_fastest(sleeping)} takes {tables.between(best)} there and back; "
            f"{worst['label']}{_overlapping(_level(sleeping[::-1], slowest=True))} takes longest with {tables.between(worst)}, "
            f"{tables.times(worst, best)} as long."
        )
    if len(spinning) and len(sleeping):
        fast = spinning.iloc[0]
        if fast["mean_s"] < sleeping.iloc[0]["mean_s"]:
            said.append(
                f"{what}: {fast['label']} needs {tables.between(fast)}; the fastest that sleeps takes "
                f"{tables.times(sleeping.iloc[0], fast)} as long. A side that spins keeps its core busy while it waits."
            )
    return said


def _fastest(rows: pd.DataFrame) -> str:
    """Which is the fastest, as far as that is known: without an interval nothing is."""
    if rows["low_s"].isna().any():
        return f"{rows['label'].iloc[0]} has the lowest mean (not certain: some have one sample) and"
    return _list(_level(rows))


def _level(rows: pd.DataFrame, *, slowest: bool = False) -> list[str]:
    """The first, the fastest or the slowest, and those that can't be told from it: their intervals reach into its own."""
    first = rows.iloc[0]
    reach = rows["high_s"] >= first["low_s"] if slowest else rows["low_s"] <= first["high_s"]
    return [str(label) for label in rows[reach]["label"]]


def _list(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is the fastest and"
    return f"{names[0]} has the lowest mean{_overlapping(names)} and"


def _overlapping(names: list[str]) -> str:
    """Of the first of these, with which others its interval overlaps, in brackets; empty where there are none."""
    others = names[1:]
    if not others:
        return ""
    few = others if len(others) <= 4 else [*others[:3], f"{len(others) - 3} others"]
    shown = " and ".join(filter(None, [", ".join(few[:-1]), few[-1]]))
    return f" (its interval overlaps with that of {shown})"


def _of_streams(frame: pd.DataFrame) -> list[str]:
    rows = choose.streams(frame).sort_values("mean_s")
    if rows.empty:
        return []
    size = choose.large(sorted(rows["size"].unique()))
    rows = rows[rows["size"].eq(size)]
    if len(rows) < 2:
        return []
    rows = rows.assign(label=rows["name"])
    first, last = (
        f"{of.iloc[0]['name']}{_overlapping(_level(of, slowest=slowest))} carries {tables.bandwidth(of.iloc[0])}"
        for of, slowest in ((rows, False), (rows[::-1], True))
    )
    return [f"One way, in messages of {units.size(size)}: {first}, {last}."]


def _floors(frame: pd.DataFrame) -> dict[str, pd.Series]:
    return {row["id"]: row for _, row in frame[frame["family"].eq("floor")].iterrows()}


def _of_python(rows: pd.DataFrame, frame: pd.DataFrame) -> list[str]:
    """The least and the most that Python costs among these rows; the frame has their floors."""
    known = _floors(frame)
    small = rows[rows["size"].eq(rows["size"].min()) & rows["floor_ratio"].notna() & rows["floor"].isin(known)]
    if len(small) < 2:
        return []
    ordered = small.sort_values("floor_ratio")
    low, high = (
        f"{row['label']} takes {tables.times(row, known[row['floor']])}" for row in (ordered.iloc[0], ordered.iloc[-1])
    )
    size = units.size(ordered["size"].iloc[0])
    return [f"Python's price, against the same primitive in C at {size}: {low} as long, {high} as long."]
