"""The chapter on signals: what it says follows from the frame, and an empty frame gives nothing."""

import json

import pytest

from ipcbench.reports import draw, frame, schema
from ipcbench.reports.chapters.signals import CHAPTER, _arrived

from .make import benchmark, result
from .test_costs import stored


def case(workload, subject, seconds, variant="", place="cross-core", **figures):
    name = f"{workload}/{subject}/none/0B/1/fork/{place}" + (f"/{variant}" if variant else "")
    made = benchmark(
        *("pipe", 0),
        workload=workload,
        name=name,
        case_mechanism=subject,
        case_payload="none",
        case_family="signal",
        case_placement=place,
        case_variant=variant,
    )
    made["metadata"].pop("case_floor", None)
    for index, run in enumerate(made["runs"]):
        run["values"] = [seconds * (1 + 0.01 * index)] * 2
        run["metadata"] |= figures
    return made


WAYS = [
    case("signal", "handler", 40e-6),
    case("signal", "sigwait", 30e-6),
    case("signal", "wakeup-fd", 60e-6),
]
BURSTS = [
    case("signal-burst", "sigusr1", 2e-6, "burst=10000", lost=0.9995),
    case("signal-burst", "real-time", 3e-6, "burst=10000", lost=0.0),
]


def table(folder, benchmarks, **facts):
    (folder / "run.json").write_text(json.dumps(result(benchmarks, **facts)))
    return frame.build(schema.load(folder))


def test_without_signals_there_is_nothing(tmp_path):
    made = table(tmp_path, [benchmark("pipe", 64)])
    assert CHAPTER.findings(made) == CHAPTER.tables(made) == CHAPTER.figures(made) == []


def test_the_fastest_and_the_slowest_way_are_said_beside_a_pipe(tmp_path):
    beside = case("round-trip", "os-pipe", 50e-6)
    beside["metadata"] |= {"case_size": 64, "case_payload": "bytes"}
    (said,) = CHAPTER.findings(table(tmp_path, [*WAYS, beside]))
    assert said.startswith("A signal there and back (two cores): SIGUSR1 by sigwait takes 30.3 µs (±")
    assert "SIGUSR1 by set_wakeup_fd 60.6 µs" in said
    assert "os-pipe carries 64 B there and back in 50.5 µs" in said


def test_what_a_burst_loses_is_a_figure(tmp_path):
    made = table(tmp_path, BURSTS)
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
    facts = {"histograms": {WAYS[0]["metadata"]["name"]: stored({30_000: 990, 90_000: 10}),
                            WAYS[1]["metadata"]["name"]: stored({35_000: 990, 40_000: 10})}}  # fmt: skip
    (figure,) = CHAPTER.figures(table(tmp_path, WAYS, **facts))
    (panel,) = figure.panels
    assert [each.text for each in panel.series] == ["SIGUSR1 by a Python handler", "SIGUSR1 by sigwait"]
    assert draw.draw(figure, tmp_path).stat().st_size > 1000
