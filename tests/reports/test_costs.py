"""What stands beside the time: percentiles out of histograms, costs, rates, and the sentences about them."""

import json

import pytest

from ipcbench.reports import costs, frame, schema
from ipcbench.reports.latency import percentiles
from ipcbench.reports.report import write_report
from ipcbench.reports.schema import Histogram, ResultError

from . import synthetic
from .make import benchmark, recorded, result

PIPE = "round-trip/pipe/bytes/64B/1/fork/cross-core"


def table(tmp_path, *benchmarks, **facts):
    (tmp_path / "run.json").write_text(json.dumps(result(list(benchmarks), **facts)))
    return frame.build(schema.load(tmp_path))


def test_percentiles_are_those_of_what_was_recorded():
    found = percentiles("x", Histogram(**recorded({40_000: 900, 50_000: 89, 90_000: 10, 3_000_000: 1})))
    assert found.seconds == pytest.approx(
        {"p50_s": 40e-6, "p90_s": 40e-6, "p99_s": 90e-6, "p999_s": 90e-6, "max_s": 3e-3}, rel=1e-3
    )
    assert (found.recorded, found.recorder) == (1000, 7e-8)


@pytest.mark.parametrize(
    ("count", "known"),
    [(1, set()), (9, set()), (10, {"p90_s"}), (100, {"p90_s", "p99_s"}), (999, {"p90_s", "p99_s"}),
     (1000, {"p90_s", "p99_s", "p999_s"})],
)  # fmt: skip
def test_a_percentile_takes_one_operation_beyond_it(count, known):
    found = percentiles("x", Histogram(**recorded({1000: count}))).seconds
    expected = known | {"max_s"} | ({"p50_s"} if count > 1 else set())
    assert {name for name, value in found.items() if value is not None} == expected


@pytest.mark.parametrize(
    "wrong",
    [{"encoded": "HISTFAAA"}, {"encoded": ""}, {"unit": "second"}, {"count": 7}, recorded({})],
)
def test_a_damaged_histogram_is_refused_in_one_line(tmp_path, wrong):
    facts = {"histograms": {PIPE: {**recorded({1000: 10}), **wrong}}}
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", 64)], **facts)))
    with pytest.raises(ResultError, match=f"histogram of {PIPE} is damaged") as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)
    assert {file.name for file in tmp_path.iterdir()} == {"run.json"}


def test_a_file_without_histograms_has_empty_columns(tmp_path):
    row = table(tmp_path, benchmark("pipe", 64)).iloc[0]
    assert row[["p50_s", "p90_s", "p99_s", "p999_s", "max_s", "recorder_s", "memory_bytes"]].isna().all()
    assert row["recorded"] == 0


def test_no_more_cores_are_busy_than_in_each_worker(tmp_path):
    """Though the CPU time of a bad worker is larger than the time of a typical one."""
    made = benchmark("pipe", 64, samples=8)
    for index, run in enumerate(made["runs"]):
        seconds = 90e-6 if index < 2 else 1e-6
        run["values"] = [seconds] * 3
        run["metadata"] |= {"cpu_user_s": 1.5 * seconds, "cpu_system_s": 0.5 * seconds}
    assert table(tmp_path, made).iloc[0]["cores_busy"] == pytest.approx(2.0)


def test_costs_come_from_the_runs_that_have_them(tmp_path):
    made = benchmark("pipe", 64)
    made["runs"][0]["metadata"] |= {"memory_bytes": 1 << 20, "memory_base_bytes": 1 << 19}
    for run in made["runs"]:
        run["metadata"] |= {"switches_voluntary": 2.0, "switches_involuntary": 0.5}
    row = table(tmp_path, made).iloc[0]
    assert (row["memory_bytes"], row["memory_base_bytes"]) == (1 << 20, 1 << 19)
    assert (row["switches_voluntary"], row["switches_involuntary"]) == (2.0, 0.5)
    assert row["cpu_s"] == pytest.approx(row["cpu_user_s"] + row["cpu_system_s"])


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return frame.build(schema.load(synthetic.write(tmp_path_factory.mktemp("large"))))


def test_block_spin_and_adaptive_are_rows_of_their_own(large):
    rows = {row["name"]: row for row in costs.costs(large)}
    for name in ("shared-memory", "shared-memory-ring"):
        assert [rows[key]["wait"] for key in (name, f"{name} spin", f"{name} adaptive")] == [
            "block",
            "spin",
            "adaptive",
        ]
        assert float(rows[f"{name} spin"]["cores"]) == pytest.approx(1.98, abs=0.1)
        assert float(rows[name]["cores"]) == pytest.approx(0.5, abs=0.1)
    assert rows["pipe"]["added"] == "13 MiB"  # at 1 MiB


def test_the_price_of_spinning_is_said(large):
    (said,) = [each for each in costs.findings(large) if "What waiting costs shared-memory-ring" in each]
    assert "spin takes" in said
    assert "2.0 cores busy" in said


def within(subject, seconds, place):
    made = benchmark("pipe", 64, workload="thread")
    made["metadata"] |= {
        "name": f"thread/{subject}/bytes/64B/1/fork/{place}",
        "case_mechanism": subject,
        "case_placement": place,
        "case_family": "floor",
    }
    for index, run in enumerate(made["runs"]):
        run["values"] = [seconds * (1 + 0.02 * index)] * 2
    return made


def test_the_border_between_processes_is_a_ratio_with_its_uncertainty(tmp_path):
    rows = [
        benchmark("queue", 64),
        within("thread-queue", 55e-6, "cross-core"),
        within("direct-call", 8.5e-8, "same-core"),
    ]
    (said,) = [each for each in costs.findings(table(tmp_path, *rows)) if "border" in each]
    assert "queue takes 2.0 times (95 %: 1.9 – 2.1) as long as queue.Queue between two threads" in said
    assert "each end on a core of its own" in said
    assert "a direct call takes 86.7 ns" in said


def at_rate(rate, achieved):
    made = benchmark("pipe", 64, case_variant=f"rate={rate}", name=f"{PIPE}/rate={rate}")
    for run in made["runs"]:
        run["metadata"]["achieved_rate"] = achieved
    return made


def test_a_rate_that_was_missed_is_said_and_one_that_was_kept_is_not(tmp_path):
    name = f"{PIPE}/rate=20000"
    facts = {"histograms": {name: recorded({50_000: 1000})}}
    found = table(tmp_path, at_rate(1000, 998.0), at_rate(20000, 15000.0), **facts)
    (said,) = [each for each in costs.findings(found) if "Not kept" in each]
    assert said.startswith(f"Not kept was the rate of {name} (15.0 k/s of 20.0 k/s). ")
    kept, missed = costs.rates(found)
    assert (kept["asked"], kept["achieved"], kept["p50"]) == ("1.00 k/s", "998/s", "–")
    assert (missed["asked"], missed["achieved"], missed["p50"]) == ("20.0 k/s", "15.0 k/s", "50.0 µs")
    text = write_report(tmp_path).read_text()
    assert "At a fixed rate" in text
    assert "Not kept was the rate" in text


def test_rows_at_a_rate_can_be_told_apart(tmp_path):
    one, two = (at_rate(rate, 900.0) for rate in (1000, 5000))
    other = at_rate(1000, 950.0)
    other["metadata"] |= {
        "name": f"{PIPE}/other",
        "case_start_method": "spawn",
        "case_variant": "rate=1000,transfer=buffers",
    }
    names = [row["name"] for row in costs.rates(table(tmp_path, one, two, other))]
    assert names == ["pipe (fork)", "pipe (fork)", "pipe (spawn, transfer=buffers)"]
    assert [row["name"] for row in costs.rates(table(tmp_path, one, two))] == ["pipe", "pipe"]  # the rate has a column
    text = write_report(tmp_path).read_text()
    assert "percentiles come from a pass of its own" in text


def test_a_case_at_a_rate_stands_for_no_mechanism(tmp_path):
    assert costs.costs(table(tmp_path, at_rate(1000, 998.0))) == []
