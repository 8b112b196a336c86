"""The chapter on shared numbers: what a lock costs, what is lost without one, and nothing of no figures."""

from functools import partial

import pytest

from ipcbench.reports.chapters.shared_state import CHAPTER
from ipcbench.reports.draw import draw

from .case_kit import made, table
from .make import benchmark

made = partial(made, family="shared-state")


def counters(counts):
    return [
        *(made(f"counter/value/none/0B/{n}/fork/free", n * 500e-9) for n in counts),
        *(made(f"counter/manager-value/none/0B/{n}/fork/free", 150e-6) for n in counts),
        *(made(f"counter/value/none/0B/{n}/fork/free/lock=none", 100e-9, lost=1 - 1 / n) for n in counts),
    ]


def test_a_run_without_counters_has_no_such_chapter(tmp_path):
    nothing = table(tmp_path, benchmark("pipe", 64))
    assert (CHAPTER.findings(nothing), CHAPTER.tables(nothing), CHAPTER.figures(nothing)) == ([], [], [])


def test_what_a_lock_costs_and_what_is_lost_without(tmp_path):
    cost, lost = CHAPTER.findings(table(tmp_path, *counters((1, 4))))
    assert "by 4 processes with a lock: 2.00 µs (95 %: 1.92 µs – 2.08 µs) an increment by value" in cost
    assert "75 times (95 %: 71 – 79) as long by manager-value" in cost
    assert lost == "Without a lock updates are lost: 75.0 % by 4 processes with value."


def test_numbers_are_compared_where_most_were_measured(tmp_path):
    (cost,) = CHAPTER.findings(table(tmp_path, *counters((1,)), made("counter/value/none/0B/8/fork/free", 5e-6)))
    assert "counted up by 1 process with a lock: 500 ns" in cost


def test_nothing_lost_is_nothing_said(tmp_path):
    assert CHAPTER.findings(table(tmp_path, *counters((1,))))[1:] == []


def test_the_table_has_a_row_a_case(tmp_path):
    (made_table,) = CHAPTER.tables(table(tmp_path, *counters((1, 4))))
    cells = [dict(zip(made_table.columns, row, strict=True)) for row in made_table.rows]
    assert [(row["number"], row["lock"], row["processes"], row["lost"]) for row in cells] == [
        ("value", "its own", "1", "none"),
        ("manager-value", "of its Manager", "1", "none"),
        ("value", "its own", "4", "none"),
        ("manager-value", "of its Manager", "4", "none"),
        ("value", "none", "1", "0.0 %"),
        ("value", "none", "4", "75.0 %"),
    ]


@pytest.mark.parametrize(("counts", "kind"), [((1, 4), "marks"), ((4,), "ranking")])
def test_the_picture(tmp_path, counts, kind):
    (figure,) = CHAPTER.figures(table(tmp_path, *counters(counts)))
    assert figure.kind == kind
    assert [[each.name for each in panel.series] for panel in figure.panels] == [
        ["value, no lock", "value"],
        ["manager-value"],
    ]
    assert figure.panels[0].series[0].text == "value, no lock (loses up to 75.0 %)"
    assert draw(figure, tmp_path).exists()
