"""The chapter on signals: what it says follows from the frame, and an empty frame gives nothing."""

import pytest

from ipcbench.reports import draw
from ipcbench.reports.chapters.signals import CHAPTER, _arrived

from .case_kit import table
from .make import bare, benchmark, recorded

WAYS = [
    bare("signal", "handler", 40e-6),
    bare("signal", "sigwait", 30e-6),
    bare("signal", "wakeup-fd", 60e-6),
]
BURSTS = [
    bare("signal-burst", "sigusr1", 2e-6, "burst=10000", lost=0.9995),
    bare("signal-burst", "real-time", 3e-6, "burst=10000", lost=0.0),
]


def test_without_signals_there_is_nothing(tmp_path):
    made = table(tmp_path, *[benchmark("pipe", 64)])
    assert CHAPTER.findings(made) == CHAPTER.tables(made) == CHAPTER.figures(made) == []


def test_the_fastest_and_the_slowest_way_are_said_beside_a_pipe(tmp_path):
    beside = bare("round-trip", "os-pipe", 50e-6)
    beside["metadata"] |= {"case_size": 64, "case_payload": "bytes"}
    (said,) = CHAPTER.findings(table(tmp_path, *[*WAYS, beside]))
    assert said.startswith("A signal there and back (two cores): SIGUSR1 by sigwait takes 30.3 µs (±")
    assert "SIGUSR1 by set_wakeup_fd 60.6 µs" in said
    assert "os-pipe carries 64 B there and back in 50.5 µs" in said


def test_what_a_burst_loses_is_a_figure(tmp_path):
    made = table(tmp_path, *BURSTS)
    one, two = CHAPTER.findings(made)
    assert "Of 10,000 SIGUSR1 sent in a burst (two cores) 0.05 % arrived" in one
    assert "10,000 SIGRTMIN sent in a burst (two cores) all arrived: they are queued" in two
    (shown,) = CHAPTER.tables(made)
    assert [row[:5] for row in shown.rows] == [
        ["SIGUSR1", "two cores", "10,000", "0.05 %", "9,995"],
        ["SIGRTMIN", "two cores", "10,000", "all", "0"],
    ]


@pytest.mark.parametrize(
    ("lost", "said"), [(0.0, "all"), (1.0, "none"), (1e-9, "99.99 %"), (0.25, "75 %"), (0.99999, "0.001 %")]
)
def test_a_share_never_rounds_to_all_or_none(lost, said):
    assert _arrived({"lost": lost}) == said


def test_ways_are_drawn_by_their_median_where_they_were_recorded(tmp_path):
    facts = {"histograms": {WAYS[0]["metadata"]["name"]: recorded({30_000: 990, 90_000: 10}),
                            WAYS[1]["metadata"]["name"]: recorded({35_000: 990, 40_000: 10})}}  # fmt: skip
    (figure,) = CHAPTER.figures(table(tmp_path, *WAYS, **facts))
    (panel,) = figure.panels
    assert [each.text for each in panel.series] == ["SIGUSR1 by a Python handler", "SIGUSR1 by sigwait"]
    assert draw.draw(figure, tmp_path).stat().st_size > 1000
