"""The chapter on scheduling: switches by ring, policies by their slowest round trips, refusals with their reason."""

import pytest

from ipcbench.reports import draw
from ipcbench.reports.chapters.scheduling import CHAPTER

from .case_kit import table
from .make import bare, benchmark, recorded


def ring(processes, size, seconds, place="same-core"):
    made = bare("context-switch", "ring", seconds, place=place)
    made["metadata"] |= {
        "name": f"context-switch/ring/none/{size}B/{processes}/fork/{place}",
        "case_family": "scheduling",
        "case_size": size,
        "case_processes": processes,
        "case_far": processes - 1,
    }
    return made


def policy(subject, seconds, competitors=0):
    made = bare("policy", subject, seconds, f"competitors={competitors}" if competitors else "", place="free")
    made["metadata"]["case_family"] = "scheduling"
    return made


RINGS = [ring(2, 0, 2e-6), ring(16, 0, 4e-6), ring(16, 65536, 6e-6)]
PAIRS = [
    policy("sched-other", 6e-6),
    policy("sched-fifo", 8e-6),
    policy("sched-other", 20e-6, 2),
    policy("sched-fifo", 9e-6, 2),
]
SLOW = {"histograms": {PAIRS[2]["metadata"]["name"]: recorded({6_000: 9_980, 3_000_000: 20}),
                       PAIRS[3]["metadata"]["name"]: recorded({8_000: 9_980, 100_000: 20})}}  # fmt: skip


def test_without_any_there_is_nothing(tmp_path):
    made = table(tmp_path, *[benchmark("pipe", 64)])
    assert CHAPTER.findings(made) == CHAPTER.tables(made) == CHAPTER.figures(made) == []


def test_the_cheapest_and_the_dearest_switch_are_said(tmp_path):
    made = table(tmp_path, *RINGS)
    (said,) = CHAPTER.findings(made)
    assert said.startswith("A context switch on one core, without the pipe's own cost, takes 2.02 µs (±")
    assert said.endswith("in a ring of 2, 6.06 µs (±2.5 %) in a ring of 16 that look through 64 KiB each.")
    (shown,) = CHAPTER.tables(made)
    assert shown.columns == ["on", "processes", "0 B each", "64 KiB each"]
    assert [row[3] for row in shown.rows] == ["–", "6.06 µs (±2.5 %)"]


def test_across_cores_it_is_called_a_wake_up(tmp_path):
    (said,) = CHAPTER.findings(table(tmp_path, *[ring(2, 0, 40e-6, "cross-core")]))
    assert said.startswith("Waking the next process (two cores)")


def test_a_policy_is_told_by_its_slowest(tmp_path):
    (said,) = CHAPTER.findings(table(tmp_path, *PAIRS, **SLOW))
    assert said.startswith(
        "Round trips while 2 processes compete (not pinned): under SCHED_OTHER half take at most 6.00 µs"
    )
    assert "one in a thousand more than 3.00 ms; under SCHED_FIFO half take at most 8.00 µs" in said
    assert said.endswith("one in a thousand more than 100 µs.")


def test_one_policy_alone_is_compared_with_nothing(tmp_path):
    assert CHAPTER.findings(table(tmp_path, *PAIRS[2:3], **SLOW)) == []


def test_a_refused_policy_is_shown_with_what_would_permit_it(tmp_path):
    refused = {"id": "policy/sched-fifo/none/0B/1/fork/free", "workload": "policy", "mechanism": "sched-fifo", "payload": "none", "size": 0,
               "processes": 1, "near": 1, "far": 1, "start_method": "fork", "placement": "free", "family": "scheduling", "variant": "",
               "quantity": "round trip", "status": "skipped", "reason": "SCHED_FIFO is refused here: ulimit -r"}  # fmt: skip
    twice = [refused, {**refused, "variant": "competitors=2", "id": refused["id"] + "/competitors=2"}]
    late = {"reason": "the budget was spent before its first sample", "id": refused["id"] + "/competitors=3"}
    twice.append({**refused, **late})
    *_, shown = CHAPTER.tables(table(tmp_path, *PAIRS[:1], cases=twice))
    assert shown.rows == [["SCHED_FIFO", "SCHED_FIFO is refused here: ulimit -r"]]


@pytest.mark.parametrize(
    ("rings", "drawn"), [(RINGS, 0), ([*RINGS, ring(4, 0, 3e-6), ring(4, 0, 30e-6, "cross-core")], 1)]
)
def test_switches_are_drawn_over_three_lengths_or_more(rings, drawn, tmp_path):
    figures = CHAPTER.figures(table(tmp_path, *rings))
    assert [figure.file for figure in figures] == ["context-switch.png"] * drawn
    for figure in figures:
        assert [panel.title for panel in figure.panels] == [
            "one core"
        ]  # of a single ring across cores there is no line
        assert draw.draw(figure, tmp_path).stat().st_size > 1000


def test_policies_are_drawn_with_and_without_competitors_side_by_side(tmp_path):
    names = [each["metadata"]["name"] for each in PAIRS]
    facts = {"histograms": {name: recorded({6_000: 1000}) for name in names}}
    (figure,) = CHAPTER.figures(table(tmp_path, *PAIRS, **facts))
    assert [each.text for each in figure.panels[0].series] == [
        "SCHED_OTHER",
        "SCHED_OTHER, 2 compete",
        "SCHED_FIFO",
        "SCHED_FIFO, 2 compete",
    ]
    assert draw.draw(figure, tmp_path).stat().st_size > 1000
