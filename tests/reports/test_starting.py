"""The chapter on starting a process: what it says, its table, and the one figure of start methods."""

import json

import pytest

from ipcbench.reports import draw, frame, schema
from ipcbench.reports.chapters import starting

from .by_id import measured
from .make import result

FAMILY = "process"
PLAIN = {
    "start/os-fork/none/0B/1/fork/free/phase=started": 0.6e-3,
    "start/os-fork/none/0B/1/fork/free/phase=reaped": 1.2e-3,
    "start/process/none/0B/1/fork/free/phase=started": 1.1e-3,
    "start/process/none/0B/1/fork/free/phase=reaped": 2.1e-3,
    "start/process/none/0B/1/forkserver/free/phase=started": 9e-3,
    "start/process/none/0B/1/forkserver/free/phase=reaped": 11e-3,
    "start/process/none/0B/1/spawn/free/phase=started": 50e-3,
    "start/process/none/0B/1/spawn/free/phase=reaped": 60e-3,
    "start/run-native/none/0B/1/none/free/phase=reaped": 0.8e-3,
    "start/run-python/none/0B/1/none/free/phase=reaped": 14e-3,
}
EXTRA = {
    "start/process/none/0B/1/forkserver/free/phase=started,server=cold": 80e-3,
    "start/process/none/0B/1/spawn/free/imports=numpy,phase=started": 150e-3,
    "start/process/bytes/16MiB/1/spawn/free/phase=started": 70e-3,
    "start/os-fork/none/0B/1/fork/free/parent=256MiB,phase=started": 4e-3,
    "start/os-fork/none/0B/1/fork/free/parent=2GiB,phase=started": 30e-3,
}
TRIPS = {f"round-trip/pipe/bytes/64B/1/{method}/cross-core": 50e-6 for method in ("fork", "forkserver", "spawn")}


@pytest.fixture
def table(tmp_path):
    def make(cases):
        families = {"round-trip": "pipe"}
        made = [
            measured(name, seconds, families.get(name.split("/")[0], FAMILY), cpu_user_s=1e-3, cpu_system_s=1e-3)
            for name, seconds in cases.items()
        ]
        (tmp_path / "run.json").write_text(json.dumps(result(made)))
        return frame.build(schema.load(tmp_path))

    return make


def test_without_starts_the_chapter_says_nothing(table):
    empty = table({"round-trip/pipe/bytes/64B/1/fork/cross-core": 50e-6})
    assert [make(empty) for make in (starting.findings, starting.ways, starting.start_methods)] == [[], [], []]


def test_one_sample_explains_nothing(tmp_path):
    made = [measured(name, seconds, FAMILY, workers=1) for name, seconds in (PLAIN | EXTRA).items()]
    (tmp_path / "run.json").write_text(json.dumps(result(made)))
    said = [each for each in starting.findings(frame.build(schema.load(tmp_path))) if "instead of" in each]
    assert said
    assert all(each.endswith(", not certain.") for each in said)


def test_it_says_which_way_is_fastest_and_by_how_much_the_slowest_is_slower(table):
    said = starting.findings(table(PLAIN))
    assert said[0].startswith("From the call until the child's first line runs: os.fork 600 µs")
    assert "Process by spawn takes 83 times (95 %: " in said[0]
    assert any("`true` is over after 800 µs" in each and "14.0 ms" in each for each in said)


def test_it_says_what_makes_a_start_dearer_and_why(table):
    said = " ".join(starting.findings(table(PLAIN | EXTRA)))
    assert "imports numpy: 150 ms until the first line instead of 50.0 ms, 3.0 times" in said
    assert "80.0 ms until the first line instead of 9.00 ms" in said
    assert "parent of 2 GiB: 30.0 ms until the first line instead of 600 µs, 50 times" in said
    assert "256 MiB" not in said  # of each kind, the one that weighs most


def test_no_reason_is_given_for_a_difference_that_does_not_show(table):
    same = {"start/os-fork/none/0B/1/fork/free/parent=2GiB,phase=started": 0.601e-3}
    (said,) = (each for each in starting.findings(table(PLAIN | same)) if "2 GiB" in each)
    assert "no difference that shows" in said
    assert "page tables" not in said


def test_the_table_has_both_phases_in_a_row_and_compares_with_fork(table):
    (made,) = starting.ways(table(PLAIN | EXTRA))
    rows = {(row[0], row[1]): row[2:] for row in made.rows}
    assert rows["Process", "spawn"][:2] == ["50.0 ms ±2.5 %", "60.0 ms ±2.5 %"]
    assert rows["Process", "spawn"][3] == "83.3"
    assert rows["run: true", "another program"][0] == "–"
    assert float(rows["run: true", "another program"][3]) == pytest.approx(0.667)
    assert len(made.rows) == 11
    assert all(len(row) == len(made.columns) for row in made.rows)


def test_one_figure_has_starting_first_then_round_trips(table, tmp_path):
    (figure,) = starting.start_methods(table(PLAIN | EXTRA | TRIPS))
    titles = [panel.title for panel in figure.panels]
    assert titles == ["Until the child's first line runs", "Until the child is reaped", "64 B there and back"]
    assert [text for _, text in figure.ticks] == ["fork", "forkserver", "spawn", "another program"]
    (process,) = (each for each in figure.panels[0].series if each.text == "Process")
    assert process.x == [0.0, 1.0, 2.0]
    assert process.y == pytest.approx([1.1e-3, 9e-3, 50e-3], rel=1e-3)
    assert draw.draw(figure, tmp_path).stat().st_size > 10_000


def test_round_trips_alone_are_still_compared_by_start_method(table):
    (figure,) = starting.start_methods(table(TRIPS))
    assert figure.file == "start-methods.png"
    assert figure.title == "Round trips by start method"
    assert [text for _, text in figure.ticks] == ["fork", "forkserver", "spawn"]
    (only,) = figure.panels[0].series
    assert (only.name, only.x) == ("pipe", [0.0, 1.0, 2.0])
