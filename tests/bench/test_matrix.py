"""Profiles, axes and refusals: what is planned is what was asked for, and what isn't has a reason."""

import pytest

from ipcbench.bench import listing, matrix, placement, workload
from ipcbench.bench.matrix import Axes, BadValue
from ipcbench.bench.profiles import PROFILES, QUICK, STANDARD
from ipcbench.ipc import registry


def axes(**texts):
    return Axes.parse(texts)


@pytest.mark.parametrize("name", ["quick", "standard", "rigorous"])
def test_every_profile_measures_every_mechanism(name):
    measured = {case.mechanism for case in matrix.expand(PROFILES[name], Axes()).cases}
    assert set(registry.names()) <= measured


def test_the_standard_profile_has_at_most_300_cases():
    assert len(matrix.expand(STANDARD, Axes()).cases) <= 300


def test_every_case_left_out_has_a_reason():
    skips = matrix.expand(PROFILES["rigorous"], Axes()).skips
    assert skips
    assert all(skip.reason for skip in skips)


def test_options_set_an_axis_beyond_the_profile():
    found = matrix.expand(QUICK, axes(only="tcp", workload="fan-in", size="128", processes="8"))
    assert {(c.mechanism, c.workload, c.size, c.processes) for c in found.cases} == {("tcp", "fan-in", 128, 8)}


def test_open_is_measured_in_all_its_phases_unless_one_is_asked_for():
    found = matrix.expand(QUICK, axes(only="pipe", workload="open", size="64", start_method="fork"))
    assert {case.option("phase") for case in found.cases} == {"make", "attach", "first"}


def test_wildcards_match_and_plain_names_match_whole():
    all_shared = matrix.expand(QUICK, axes(only="shared-memory*"))
    assert {case.mechanism for case in all_shared.cases} == {
        "shared-memory",
        "shared-memory-numpy",
        "shared-memory-ring",
    }
    assert {case.mechanism for case in matrix.expand(QUICK, axes(only="pipe")).cases} == {"pipe"}


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("only", "pip", "pipe"),
        ("only", "shm-ring*", "matches nothing"),
        ("workload", "roundtrip", "round-trip"),
        ("payload", "byte", "bytes"),
        ("size", "1KQB", "no size"),
        ("size", "1GiB", "more than"),
        ("processes", "0", "whole number"),
        ("start_method", "forks", "fork"),
        ("placement", "same", "same-core"),
        ("only", ",", "empty"),
        ("rate", "fast", "operations per second"),
        ("rate", "1", "from 10"),
        ("rate", "2000000", "1,000,000"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(option, value, hint):
    with pytest.raises(BadValue, match=hint):
        axes(**{option: value})


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(BadValue, match="quick"):
        matrix.find_profile("quik")


def test_spinning_is_refused_where_processes_exceed_cores(monkeypatch):
    monkeypatch.setattr(placement, "_ALLOWED", (0,))
    found = matrix.expand(QUICK, axes(only="shared-memory-ring", workload="round-trip"))
    assert not [case for case in found.cases if case.option("wait") == "spin"]
    assert any("spinning" in skip.reason for skip in found.skips)


def test_two_processes_are_pinned_to_cores_of_their_own(two_cores):
    found = matrix.expand(QUICK, axes(only="pipe"))
    placed = {case.workload: case.placement for case in found.cases}
    assert placed["round-trip"] == "cross-core"
    assert placed["fan-out"] == "free"


@pytest.mark.parametrize("name", workload.names())
def test_every_workload_says_what_an_operation_is(name):
    found = workload.load(name)
    assert found.quantity
    assert found.subjects()


def test_a_rate_sets_an_axis_of_round_trips_and_of_nothing_else(two_cores):
    found = matrix.expand(QUICK, axes(only="pipe", rate="1000,5000", size="64", start_method="fork"))
    assert {(case.workload, case.option("rate")) for case in found.cases} == {
        ("round-trip", "1000"),
        ("round-trip", "5000"),
    }
    assert {skip.case.workload for skip in found.skips} == {"fan-out"}
    spinning = matrix.expand(QUICK, axes(only="shared-memory", rate="1000", size="64", start_method="fork"))
    assert {case.option("wait") for case in spinning.cases} == {"", "spin", "adaptive"}


@pytest.mark.parametrize("name", ["quick", "standard"])
def test_block_spin_and_adaptive_are_rows_of_their_own(name, two_cores):
    cases = matrix.expand(PROFILES[name], Axes()).cases
    for mechanism in ("shared-memory", "shared-memory-ring"):
        waits = {case.option("wait") for case in cases if case.mechanism == mechanism and case.size == 64}
        assert waits == {"", "spin", "adaptive"}


@pytest.mark.parametrize("name", ["quick", "standard"])
def test_the_echo_within_one_process_is_measured_beside_the_others(name, two_cores):
    cases = {case for case in matrix.expand(PROFILES[name], Axes()).cases if case.workload == "thread"}
    assert {(case.mechanism, case.size) for case in cases} == {
        (subject, 64) for subject in workload.load("thread").subjects()
    }
    assert {case.placement for case in cases if case.mechanism == "thread-queue" and case.size == 64} == {
        "same-core",
        "cross-core",
    }


def test_what_spins_is_compared_with_c_that_spins_or_with_nothing():
    found = {
        name: workload.load("round-trip").floor(
            matrix.Case("round-trip", name, "bytes", 64, 1, "fork", "cross-core", (("wait", "spin"),))
        )
        for name in ("shared-memory", "shared-memory-ring")
    }
    assert found["shared-memory"] is None
    assert found["shared-memory-ring"].mechanism == "c-spin"


def test_a_mechanism_that_no_workload_chosen_knows_is_told_of():
    found = matrix.expand(matrix.find_profile("quick"), Axes.parse({"only": "lock,pipe", "workload": "round-trip"}))
    assert {case.mechanism for case in found.cases} == {"pipe"}
    assert found.notes == ("lock: no workload chosen measures it",)
    assert listing.as_text(found).endswith("lock: no workload chosen measures it")
    every = matrix.expand(matrix.find_profile("quick"), Axes.parse({"only": "*", "workload": "round-trip"}))
    assert every.notes == ()


def test_processes_that_change_nothing_are_told_of():
    asked = {"only": "pipe", "workload": "round-trip,fan-out", "size": "64", "processes": "4"}
    assert matrix.expand(matrix.find_profile("quick"), Axes.parse(asked)).notes == (
        "round-trip: --processes changes nothing there",
    )


class Broken:
    """An entry point of somebody else's."""

    def load(self):
        raise ModuleNotFoundError("No module named 'nowhere'")


def test_a_mechanism_from_elsewhere_that_is_broken_is_left_out_for_that(monkeypatch):
    caches = (registry.names, registry.load, matrix.subjects)
    with monkeypatch.context() as patched:
        for cache in caches:
            cache.cache_clear()
        patched.setattr(registry, "_plugins", lambda: {"broken": Broken()})
        found = matrix.expand(matrix.find_profile("quick"), Axes.parse({"only": "broken,pipe", "size": "64"}))
    for cache in caches:
        cache.cache_clear()
    assert {case.mechanism for case in found.cases} == {"pipe"}
    assert "broken is broken: ModuleNotFoundError: No module named 'nowhere'" in {skip.reason for skip in found.skips}


def test_only_arrays_are_moved_in_several_ways():
    found = matrix.expand(STANDARD, axes(only="pipe", payload="bytes,array", size="1MiB"))
    ways = {(case.payload, case.option("transfer")) for case in found.cases if case.workload == "round-trip"}
    assert ways == {("bytes", ""), ("array", ""), ("array", "buffers")}
    assert any("only arrays" in skip.reason for skip in found.skips)
