"""The chapter on locks: what it says of made-up figures, and nothing of none."""

import pytest

from ipcbench.bench.workloads import contended
from ipcbench.reports.chapters.synchronisation import CHAPTER, WORK
from ipcbench.reports.draw import draw
from ipcbench.reports.report import write_report

from .case_kit import made, table
from .make import benchmark

COUNTS = (2, 4, 8)


def everything():
    places = ("cross-core", "same-core")
    shares = {count: {"share_most": 1.5 / count, "share_least": 0.5 / count} for count in COUNTS}
    return [
        made("uncontended/lock/none/0B/1/fork/same-core", 50e-9),
        made("uncontended/rlock/none/0B/1/fork/same-core", 55e-9),
        made("uncontended/manager-lock/none/0B/1/fork/same-core", 60e-6),
        *(made(f"contended/lock/none/0B/{n}/fork/free", 6e-6, **shares[n]) for n in COUNTS),
        *(made(f"contended/manager-lock/none/0B/{n}/fork/free", 100e-6, **shares[n]) for n in COUNTS),
        *(made(f"handoff/semaphore/none/0B/1/fork/{place}", 40e-6) for place in places),
        *(made(f"handoff/manager-event/none/0B/1/fork/{place}", 600e-6) for place in places),
        *(made(f"broadcast/event/none/0B/{n}/fork/free", n * 50e-6) for n in (1, 4)),
    ]


def test_a_run_without_locks_has_no_such_chapter(tmp_path):
    nothing = table(tmp_path, benchmark("pipe", 64))
    assert (CHAPTER.findings(nothing), CHAPTER.tables(nothing), CHAPTER.figures(nothing)) == ([], [], [])


def test_the_findings_compare_with_their_uncertainty(tmp_path):
    free, wanted, *waking, many = CHAPTER.findings(table(tmp_path, *everything()))
    assert "lock takes 50.0 ns (95 %: 48.1 ns – 52.0 ns)" in free
    assert "manager-lock takes 60.0 µs" in free
    assert "1,200 times (95 %: 1,100 – 1,300) as long" in free
    assert "8 processes want one lock" in wanted
    assert "lock serves them 167 k/s (95 %: 160 k/s – 173 k/s)" in wanted
    assert "18.8 % of it to the busiest and 6.2 % to the idlest (12.5 % would be fair)" in wanted
    assert "manager-lock serves least: 10.0 k/s" in wanted
    assert ["both on one core" in waking[0], "a core each" in waking[1]] == [True, True]
    assert "15 times" in waking[0]
    assert "To wake 4 at once" in many
    assert "event 200 µs" in many


def test_each_workload_has_a_table(tmp_path):
    free, wanted, handing, waking = CHAPTER.tables(table(tmp_path, *everything()))
    assert [row[0] for row in free.rows] == ["lock", "rlock", "manager-lock"]
    assert [row[:3] for row in wanted.rows][:2] == [["lock", "2", "167 k/s"], ["manager-lock", "2", "10.0 k/s"]]
    assert wanted.rows[0][4:6] == ["75.0 %", "25.0 %"]
    assert {row[1] for row in handing.rows} == {"both on one core", "a core each"}
    assert [row[1] for row in waking.rows] == ["1", "4"]


def test_the_picture_has_a_part_for_each(tmp_path):
    (figure,) = CHAPTER.figures(table(tmp_path, *everything()))
    assert figure.file == "synchronisation.png"
    assert [part.kind for part in figure.parts] == ["ranking", "lines", "marks", "ranking"]
    contended_part = figure.parts[1].panels[0].series
    assert {each.name: each.y[0] for each in contended_part}["lock"] == pytest.approx(167e3, rel=0.01)
    assert {each.name: each.family for each in contended_part} == {"lock": "synchronisation", "manager-lock": "manager"}
    assert [each.text for each in figure.parts[3].panels[0].series] == ["event, N = 1", "event, N = 4"]
    assert draw(figure, tmp_path).stat().st_size > 10_000


def test_few_cases_make_a_smaller_picture(tmp_path):
    """With one number of processes and one place there is nothing to draw lines over."""
    few = [each for each in everything() if "/4/" in each["metadata"]["name"] or "handoff" in each["metadata"]["name"]]
    few = [each for each in few if "same-core" not in each["metadata"]["name"]]
    (figure,) = CHAPTER.figures(table(tmp_path, *few))
    assert [part.kind for part in figure.parts] == ["ranking"] * 3
    assert "4 processes" in figure.parts[0].title
    assert draw(figure, tmp_path).exists()


def test_hold_and_think_are_those_that_were_measured():
    hold, think = (f"{each * 1e6:.0f} µs" for each in (contended.HOLD, contended.THINK))
    assert f"holds it for {hold} and works for {think} before it asks again" == WORK


def test_the_report_shows_it(tmp_path):
    table(tmp_path, *everything(), precision=0.001)
    page = write_report(tmp_path).read_text()
    assert "Locks, and waking one another" in page
    assert "A hollow mark" in page
    assert (tmp_path / "synchronisation.png").exists()
    text = (tmp_path / "tables.md").read_text()
    assert "## Synchronisation" in text
    assert "| contended | lock | none | 0 B | 8 |" in text  # eight alike, not one to eight
