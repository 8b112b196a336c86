"""The chapter on pools: from where on one pays, what its calls cost, and the picture of it."""

import itertools

import pytest

from ipcbench.reports import crossover, draw
from ipcbench.reports.chapters import pools
from ipcbench.reports.crossover import Comparison, overtaking

from .by_id import measured
from .case_kit import table

COUNTS = (1, 4, 16, 64)
SECONDS = {"": 0.0, "100us": 90e-6, "10ms": 9e-3}
"""What a made-up task really takes."""


def job(way, length, count):
    """Starting costs 6 ms a pool and 2 ms a process; two compute at a time."""
    work = SECONDS[length] * count
    ways = {
        "serial": work + 1e-7 * count,
        "pool-once": 0.2e-3 + max(SECONDS[length], work / 2),
        "pool-each": 6e-3 + max(SECONDS[length], work / 2),
        "process-each": 2e-3 + max(2e-3 * count, SECONDS[length], work / 2),
        "executor": 0.4e-3 + max(SECONDS[length], work / 2),
    }
    return ways[way]


def name(way, length, count):
    variant = f"task={length},tasks={count}" if length else f"tasks={count}"
    return f"pool-vs-process/{way}/none/0B/2/fork/free/{variant}"


def jobs(counts=COUNTS, spread=0.01, ways=pools.WAYS, workers=3):
    points = [*itertools.product(("100us", "10ms"), counts), ("", 64)]
    return [
        measured(name(way, *point), job(way, *point), "pool", spread=spread, workers=workers)
        for way in ways
        for point in points
    ]


CALLS = {
    "pool-call/pool-map/none/0B/2/fork/free": 1e-6,
    "pool-call/pool-map/none/0B/2/fork/free/chunk=1": 30e-6,
    "pool-call/pool-apply/none/0B/2/fork/free": 150e-6,
    "pool-call/executor-map/none/0B/2/fork/free": 90e-6,
    "pool-call/executor-map/none/0B/2/fork/free/chunk=100": 2e-6,
    "pool-call/pool-map/bytes/1MiB/2/fork/free": 2e-3,
}
LIVES = {
    "pool-life/pool/none/0B/2/fork/free/phase=create": 6e-3,
    "pool-life/pool/none/0B/2/fork/free/phase=teardown": 3e-3,
    "pool-life/pool/none/0B/2/spawn/free/phase=create": 120e-3,
}


def others(cases):
    return [measured(each, seconds, "pool", cpu_user_s=1e-6, cpu_system_s=1e-6) for each, seconds in cases.items()]


@pytest.fixture
def frame(tmp_path):
    return lambda *made: table(tmp_path, *made)


def test_the_first_number_measured_is_no_crossing():
    """There a line that is a hair lower is so by chance: nothing has been crossed."""
    compared = [Comparison(1, 0.99, 0.9, 1.1), Comparison(4, 0.5, 0.45, 0.55)]
    said = pools._from(overtaking(compared), compared, "computing")
    assert said == "is faster than computing from 4 tasks on at the latest (for certain at 4)"


def test_what_is_certain_in_the_middle_alone_is_said():
    compared = [
        Comparison(1, 2, 1.8, 2.2),
        Comparison(4, 0.5, 0.4, 0.6),
        Comparison(16, 0.4, 0.3, 0.5),
        Comparison(64, 0.4, 0.1, 1.6),
    ]
    said = pools._from(overtaking(compared), compared, "computing")
    assert said == "is faster than computing for certain at 4 and 16, not for certain at 64 tasks"


def test_without_pools_the_chapter_says_nothing(frame):
    empty = frame(measured("round-trip/pipe/bytes/64B/1/fork/cross-core", 50e-6, "pipe"))
    assert [make(empty) for make in (pools.findings, pools.contents, pools.figures)] == [[], [], []]


def test_it_says_from_how_many_tasks_a_pool_pays(frame):
    short, long, _ = pools.findings(frame(*jobs()))
    assert short.startswith("Tasks of 100 µs (90.1 µs here in one process), pools of 2:")
    assert "made for the job isn't faster than computing in one process up to 64 tasks" in short
    assert (
        "made for the job is faster than one Process a task from about 1.9 tasks on (not yet at 1, for certain at 4)"
        in short
    )
    assert "there already is faster than computing in one process from about" in short
    assert (
        "made for the job is faster than computing in one process from about 2.2 tasks on (not yet at 1, for certain at 4)"
        in long
    )


def test_it_says_from_what_length_of_a_task_a_pool_pays(frame):
    said = pools.findings(frame(*jobs()))[-1]
    # half of the work is saved by two processes: 64 L / 2 pays for what the pool costs
    assert (
        "A job of 64 tasks, against computing in one process: a pool that is there already is faster from tasks of about 6.1 µs on"
        in said
    )
    assert "a pool made for the job is faster from tasks of about 190 µs on" in said


def test_what_the_intervals_leave_open_is_not_called_certain(frame):
    long = pools.findings(frame(*jobs(spread=0.6)))[1]
    assert "on (" not in long
    assert "isn't faster for certain than computing in one process up to 64 tasks" in long


def test_one_sample_makes_nothing_certain(frame):
    short, long, job_ = pools.findings(frame(*jobs(workers=1)))
    for said in (short, long, job_):
        assert "for certain" not in said
        assert "not yet" not in said
        parts = said.split(": ", 1)[1].split("; ")
        assert all(part.rstrip(".").endswith("(≈, one sample: not certain)") for part in parts)
    assert "is faster than one Process a task from about 1.9 tasks on (≈" in short
    assert "made for the job isn't faster than computing in one process up to 64 tasks (≈" in short


@pytest.mark.parametrize(
    ("ratios", "about", "surely", "last"),
    [
        ([2, 0.5], 2, 4, 1),  # halfway on both logarithms
        ([0.5, 0.4], None, 1, None),
        ([3, 2], None, None, 4),
        ([0.5, 2, 0.5], 8, 16, 4),
    ],
)
def test_where_one_way_overtakes_another(ratios, about, surely, last):
    points = [Comparison(4.0**index, ratio, ratio * 0.9, ratio * 1.1) for index, ratio in enumerate(ratios)]
    found = overtaking(points)
    assert (found.about and pytest.approx(found.about)) == about
    assert (found.surely, found.last) == (surely, last)


def test_a_crossing_is_told_where_both_points_beside_it_are():
    sure, unsure, faster = (Comparison(*each) for each in ((1, 2, 1.9, 2.1), (4, 1.1, 0.9, 1.3), (16, 0.5, 0.4, 0.6)))
    assert overtaking([sure, faster]).told
    assert not overtaking([sure, unsure, faster]).told


def test_an_interval_that_holds_one_decides_nothing():
    assert overtaking([Comparison(1, 0.9, 0.8, 1.1)]) == crossover.Overtaking(None, None, None)


def test_it_says_what_calls_and_lives_cost(frame):
    said = " ".join(pools.findings(frame(*others(CALLS | LIVES))))
    assert "costs least by pool-map, 1.00 µs" in said
    assert "most by pool-apply, 150 µs" in said
    assert "pool-map one by one takes 30.0 µs" in said
    assert "executor-map one by one takes 90.0 µs (±2.5 %) a task; in chunks of 100 2.00 µs" in said
    assert (
        "Making a pool of 2 until all of it has taken a task: 6.00 ms (±2.5 %) by fork, 120 ms (±2.5 %) by spawn"
        in said
    )


def test_tables_compare_all_ways_calls_and_lives(frame):
    ways, calls, lives = pools.contents(frame(*jobs(), *others(CALLS | LIVES)))
    assert len(ways.rows) == 9
    fastest = {(row[0][:6], row[1]): row[-1] for row in ways.rows}
    assert (fastest["100 µs", "1"], fastest["100 µs", "64"]) == ("serial", "pool-once")
    assert fastest["10 ms ", "1"] == "pool-once, serial"  # within each other's uncertainty
    assert ["1 MiB", "no work"] in [row[2:4] for row in calls.rows]
    assert ["pool", "2", "spawn", "120 ms (±2.5 %)", "–"] in lives.rows
    for each in (ways, calls, lives):
        assert all(len(row) == len(each.columns) for row in each.rows)


def test_the_picture_has_a_panel_a_length_a_line_a_way_and_rings_where_lines_cross(frame, tmp_path):
    (figure,) = pools.figures(frame(*jobs()))
    assert figure.file == "pool-vs-process.png"
    assert [panel.title for panel in figure.panels] == [
        "Tasks of 100 µs (90.1 µs here)",
        "Tasks of 10 ms (9.00 ms here)",
    ]
    assert [text for _, text in figure.ticks] == ["1", "4", "16", "64"]
    for panel in figure.panels:
        assert {each.name for each in panel.series} == set(pools.WAYS)
        assert panel.crossings
        for each in panel.crossings:
            assert min(COUNTS) < each.x < max(COUNTS)
            assert any(min(line.y) <= each.y <= max(line.y) for line in panel.series)
            assert each.text.removeprefix("≈ ").replace(".", "").isdigit()  # whose lines cross is seen at the ring
            assert each.sure is not each.text.startswith("≈")
    assert "Grey rings" in figure.caption
    assert draw.draw(figure, tmp_path).stat().st_size > 10_000


def test_half_a_run_is_shown_as_far_as_it_goes(frame):
    found = frame(*jobs(counts=(1, 4), ways=("pool-each", "process-each")))
    said = pools.findings(found)
    assert any("faster than one Process a task" in each for each in said)
    assert not any("computing in one process" in each for each in said)
    assert pools.figures(found)
    assert pools.contents(found)


def test_one_number_of_tasks_makes_no_line(frame):
    assert pools.figures(frame(*jobs(counts=(64,)))) == []
