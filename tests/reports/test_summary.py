"""What a hurried reader gets: sentences on the fastest and the slowest, as far as the intervals tell, and sizes that were measured."""

import io
import json
import re

import pytest
from rich.console import Console

from ipcbench.reports import frame, page, schema, tables
from ipcbench.reports.report import write_report

from .make import benchmark, result

NAMES = ("pipe", "queue", "tcp")


def taking(*seconds):
    """Mechanisms that take so long in three workers, whose interval is ±2.5 %."""
    made = [benchmark(name, 64) for name in NAMES]
    for each, typical in zip(made, seconds, strict=True):
        for worker, run in enumerate(each["runs"]):
            run["values"] = [typical * (1 + 0.01 * (worker - 1))] * 2
    return made


@pytest.fixture
def first(tmp_path):
    """The first sentence on a run of these."""

    def said(benchmarks):
        (tmp_path / "run.json").write_text(json.dumps(result(benchmarks)))
        return page.findings(frame.build(schema.load(tmp_path)))[0]

    return said


def test_where_intervals_lie_apart_it_names_the_fastest_and_the_slowest(first):
    said = first(taking(50e-6, 60e-6, 100e-6))
    assert "while they wait, pipe is the fastest and takes 50.0 µs" in said
    assert "; tcp takes longest with 100 µs" in said
    assert "overlap" not in said


def test_one_of_equals_is_not_called_the_fastest(first):
    said = first(taking(50e-6, 51e-6, 100e-6))
    assert "pipe has the lowest mean (its interval overlaps with that of queue) and takes 50.0 µs" in said
    assert "; tcp takes longest with" in said


def test_one_of_equals_is_not_called_the_slowest(first):
    said = first(taking(50e-6, 99e-6, 100e-6))
    assert "pipe is the fastest and" in said
    assert "; tcp (its interval overlaps with that of queue) takes longest with 100 µs" in said


def test_nothing_is_called_the_fastest_after_one_sample(first):
    found = first([benchmark(name, 64, samples=1) for name in NAMES])
    assert "pipe has the lowest mean (not certain: some have one sample)" in found


@pytest.mark.parametrize(
    ("measured", "shown"),
    [
        ([64, 1024], ["64 B", "1 KiB"]),
        ([1 << 20], ["1 MiB"]),
        ([1 << 20, 1 << 24], ["1 MiB", "16 MiB"]),
        ([16, 64, 1024, 1 << 20, 1 << 24], ["64 B", "1 MiB"]),
        ([16, 1024, 4096], ["16 B", "4 KiB"]),
        ([16, 64], ["16 B", "64 B"]),
    ],
)
def test_round_trips_are_shown_at_sizes_that_were_measured(tmp_path, measured, shown):
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", size) for size in measured])))
    table = frame.build(schema.load(tmp_path))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tables.summary(table))
    printed = console.export_text()
    if len(measured) == len(shown):
        assert re.findall(r"\d+ (?:[KM]i)?B", printed) == shown
    else:  # so few are shown one by one
        assert printed.count("round-trip/pipe/") == len(measured)
    assert "–" not in printed
    page_ = write_report(tmp_path).read_text()
    heads = page_.partition(">Round trips</h2>")[2].partition("</thead>")[0]
    assert re.findall(r">(\d+ (?:[KM]i)?B)<", heads) == shown
    text = (tmp_path / "tables.md").read_text().partition("## Round trips\n\n")[2].splitlines()
    assert text[0] == "| mechanism |" + "".join(f" {size} | | × floor |" for size in shown)
    assert text[0].count("|") == text[1].count("|") == text[2].count("|")
