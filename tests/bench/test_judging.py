"""Judged claims: each turns with the figures, in results made up for it; none is decided where intervals overlap."""

import json
from fnmatch import fnmatchcase

import pytest

from ipcbench.bench import campaign, judging, matrix
from ipcbench.bench.case import Case
from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, UNTESTABLE, Judged, claims
from ipcbench.reports import schema
from tests.reports.make import result, scattered

JUDGED = {each.id: each for each in claims() if isinstance(each.check, Judged)}

LESS = {
    "context-switch": "thread/*",
    "real-time-tail": "policy/sched-fifo/*",
    "fork-fastest": "start/os-fork/*",
    "fork-grows": "*/phase=started",
    "spawn-dearer": "start/process/*/fork/*",
    "pipe-faster-than-queue": "round-trip/pipe/*",
    "pipe-lighter-than-queue": "round-trip/pipe/*",
    "queue-slower-than-shared-memory": "round-trip/shared-memory/*",
    "shared-memory-latency": "round-trip/shared-memory*",
    "shared-memory-bandwidth": "stream/shared-memory*",
    "unix-beats-tcp": "round-trip/unix-stream/*",
    "udp-beats-tcp": "round-trip/udp/*",
    "pool-reused": "pool-vs-process/pool-once/*",
    "pool-for-many": "pool-vs-process/pool-each/*",
    "process-for-one": "pool-vs-process/process-each/*",
    "unbuffered-sooner": "first-line/unbuffered/*",
}
"""Of which cases a claim says that they take less."""
LOSING = {"signals-coalesce"}
"""Claims that something is lost."""
WORKERS = 8


def judged(claim, folder, seconds, lost=0.0, spread=0.01):
    """The verdict on a result in which the claim's cases take those seconds, by case."""
    file = folder / "run.json"
    data = result([scattered(case, seconds(case), lost, spread, WORKERS) for case in claim.cases])
    data["ipcbench"]["cases"] = []
    file.write_text(json.dumps(data))
    return judging.judge(claim, judging.figures(schema.load(file)), {})


def world(claim, less, more):
    return lambda case: less if fnmatchcase(case, LESS[claim.id]) else more


def test_each_judged_claim_has_worlds_in_which_it_is_true_and_false():
    assert set(JUDGED) == set(LESS) | LOSING
    for name, pattern in LESS.items():
        those = [case for case in JUDGED[name].cases if fnmatchcase(case, pattern)]
        assert 0 < len(those) < len(JUDGED[name].cases)


@pytest.mark.parametrize("name", sorted(LESS))
def test_it_turns_with_the_figures(tmp_path, name):
    claim = JUDGED[name]
    true = judged(claim, tmp_path, world(claim, 10e-6, 20e-6))
    false = judged(claim, tmp_path, world(claim, 20e-6, 10e-6))
    assert (true.verdict, false.verdict) == (HOLDS, FAILS), (true, false)
    assert true.evidence != false.evidence


@pytest.mark.parametrize("name", sorted(LESS))
def test_overlapping_intervals_decide_nothing(tmp_path, name):
    claim = JUDGED[name]
    found = judged(claim, tmp_path, world(claim, 10e-6, 10e-6), spread=0.05)
    assert found.verdict == UNTESTABLE
    assert "overlap" in found.evidence


@pytest.mark.parametrize("name", sorted(LOSING))
def test_a_claim_of_losses_turns_with_them(tmp_path, name):
    some, none = (judged(JUDGED[name], tmp_path, lambda _: 1e-6, lost) for lost in (0.5, 0.0))
    assert (some.verdict, none.verdict) == (HOLDS, UNTESTABLE)
    assert "50.00%" in some.evidence
    assert f"not seen in {WORKERS} tries" in none.evidence


@pytest.mark.parametrize(
    ("slow", "where"),
    [(("1MiB",), "up to 64 KiB"), (("64B", "1KiB"), "from 16 KiB on"), (("16KiB",), "at 64 B, 1 KiB, 64 KiB, 1 MiB")],
)
def test_what_turns_with_the_size_depends_and_says_from_where_on(tmp_path, slow, where):
    claim = JUDGED["pipe-faster-than-queue"]

    def seconds(case):
        pipe_is_slow = Case.parse(case).mechanism == "pipe" and case.split("/")[3] in slow
        return 30e-6 if pipe_is_slow else 10e-6 if "/pipe/" in case else 20e-6

    found = judged(claim, tmp_path, seconds)
    assert found.verdict == DEPENDS
    assert found.evidence.startswith(f"{where}: ")
    assert "2 times" in found.evidence


def test_only_spinning_is_fast_depends(tmp_path):
    claim = JUDGED["shared-memory-latency"]
    found = judged(claim, tmp_path, lambda case: 1e-6 if "spin" in case else 20e-6 if "shared" in case else 10e-6)
    assert found.verdict == DEPENDS
    assert "spins" in found.evidence


def test_a_single_sample_decides_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "WORKERS", 1)
    for name in ("spawn-dearer", "shared-memory-bandwidth"):
        assert judged(JUDGED[name], tmp_path, world(JUDGED[name], 1e-6, 2e-6)).verdict == UNTESTABLE


def test_what_was_not_measured_says_why():
    claim = JUDGED["udp-beats-tcp"]
    assert judging.judge(claim, {}, {}).evidence == "not measured in this run"
    found = judging.judge(claim, {}, {claim.cases[0]: "PeerGone: it died"})
    assert found.verdict == UNTESTABLE
    assert f"{claim.cases[0]}: PeerGone: it died" in found.evidence


@pytest.mark.parametrize("profile", campaign.WHOLE)
def test_all_judged_cases_are_measured_by_the_profiles_that_end_with_claims(profile, two_cores):
    found = matrix.expand(matrix.find_profile(profile), matrix.Axes())
    planned = {case.id for case in found.cases} | {skip.case.id for skip in found.skips}
    lacking = {case: claim.id for claim in JUDGED.values() for case in claim.cases if case not in planned}
    assert not lacking
