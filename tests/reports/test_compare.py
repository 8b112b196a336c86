"""Two runs side by side: what differs, what can't be compared, and how it is shown."""

import io
import json

import pytest
from click.testing import CliRunner
from rich.console import Console

from ipcbench.bench.cli import cli
from ipcbench.reports import compare, schema

from .make import benchmark, result


def two_runs(tmp_path, old, new):
    for name, data in (("old", old), ("new", new)):
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    return [schema.load(tmp_path / f"{name}.json") for name in ("old", "new")]


def test_compare_sees_a_slowdown_and_no_difference(tmp_path):
    for name, scale in (("old", 1.0), ("new", 1.5)):
        data = result([benchmark("pipe", 64), benchmark("queue", 64)])
        for run in data["benchmarks"][0]["runs"]:
            run["values"] = [value * scale for value in run["values"]]
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    rows = compare.compare(schema.load(tmp_path / "old.json"), schema.load(tmp_path / "new.json"))
    assert [(row["says"], row["ratio"]) for row in rows] == [
        ("slower", pytest.approx(1.5)),
        ("no difference visible", 1.0),
    ]


def test_compare_says_what_makes_two_runs_hard_to_compare(tmp_path):
    for name, python in (("old", "3.11.7 (64-bit)"), ("new", "3.12.1 (64-bit)")):
        data = result([benchmark("pipe", 64)], status="complete" if name == "old" else "interrupted")
        data["metadata"]["python_version"] = python
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    done = CliRunner().invoke(cli, ["compare", str(tmp_path / "old.json"), str(tmp_path / "new.json")])
    assert done.exit_code == 0
    assert "note: another Python: 3.11.7 (64-bit) and 3.12.1 (64-bit)" in done.output
    assert "note: the new run was interrupted" in done.output


def test_compare_lists_what_only_one_side_has_and_why(tmp_path):
    sides = two_runs(tmp_path, result([benchmark("pipe", 64), benchmark("tcp", 64)]), result([benchmark("queue", 64)]))
    rows = {row["id"].split("/")[1]: row for row in compare.compare(*sides)}
    assert rows["pipe"]["says"] == rows["tcp"]["says"] == "only in the old run"
    assert rows["queue"]["says"] == "only in the new run"
    assert rows["queue"]["old_s"] is None
    assert rows["queue"]["new_s"] > 0
    json.dumps(list(rows.values()), allow_nan=False)


def test_compare_lists_last_what_only_one_side_has(tmp_path):
    old, new = ([benchmark(name, 64) for name in names] for names in (("tcp", "pipe"), ("queue", "pipe")))
    rows = compare.compare(*two_runs(tmp_path, result(old), result(new)))
    assert [row["id"].split("/")[1] for row in rows] == ["pipe", "queue", "tcp"]


def test_compare_does_not_compare_a_revised_workload_nor_single_samples(tmp_path):
    old = result([benchmark("pipe", 64), benchmark("queue", 64, samples=1)])
    sides = two_runs(tmp_path, old, result([benchmark("pipe", 64, case_revision=2), benchmark("queue", 64)]))
    says = [row["says"] for row in compare.compare(*sides)]
    assert says == ["not comparable: the workload was revised", "too few samples to tell"]


def test_compare_warns_of_another_machine_and_of_an_interrupted_run(tmp_path):
    other = result(status="interrupted")
    other["metadata"]["python_version"] = "3.13.0 (64-bit)"
    said = compare.warnings(*two_runs(tmp_path, result(), other))
    assert len(said) == 2
    assert "another Python: " in said[0]
    assert "interrupted" in said[1]
    assert compare.warnings(*two_runs(tmp_path, result(), result())) == []


def test_compare_cuts_no_name_off_in_a_narrow_terminal(tmp_path):
    names = [f"round-trip/pipe/bytes/64B/1/{start}/cross-core/transfer=buffers" for start in ("fork", "forkserver")]
    data = result([benchmark("pipe", 64, name=name) for name in names])
    sides = two_runs(tmp_path, data, result([benchmark("pipe", 64, name=names[0])]))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(compare.render(compare.compare(*sides)))
    printed = console.export_text()
    assert "…" not in printed
    shown = "".join(line.partition("  ")[0].strip() for line in printed.splitlines())  # a name goes on in the next line
    assert all(name in shown for name in names)
    assert "ipcbench check" in printed


def test_the_terminal_shows_what_the_file_says_literally(tmp_path):
    data = result([benchmark("pipe", 64, name="round-trip/[red]pipe/bytes/64B/1/fork/cross-core")])
    sides = two_runs(tmp_path, data, data)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(compare.render(compare.compare(*sides)))
    assert "[red]pipe" in console.export_text()
