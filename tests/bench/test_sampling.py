"""What a worker does with what it is told: loops and values that earlier workers found, and its own end."""

import json
import os
import subprocess
import sys

import pyperf
import pytest

from ipcbench.bench import memory
from ipcbench.bench.sampling import calibrate
from ipcbench.bench.task import Task
from ipcbench.bench.workers import sampler
from ipcbench.bench.workload import Measured

LONG = "start/process/none/0B/1/fork/free/phase=reaped"
SHORT = "round-trip/pipe/bytes/64B/1/fork/free"


def worked(folder, case, loops, counts):
    """The answer of a worker that knows these loops and values; a value should take 0.1 ms."""
    (answer,) = sampler(folder)([Task([case], "", 3, 0.0001, {case: loops}, counts)])
    (run,) = answer.suite["benchmarks"][0]["runs"]
    return answer, run["values"]


def test_single_operations_known_to_be_long_go_without_a_warm_up(tmp_path):
    answer, values = worked(tmp_path, LONG, 1, {LONG: 3})
    assert len(values) == 3
    assert "warm-up" not in answer.seconds


@pytest.mark.parametrize("counts", [{}, {LONG: 1}])
def test_a_single_operation_not_known_or_timed_once_is_warmed_up(tmp_path, counts):
    answer, values = worked(tmp_path, LONG, 1, counts)
    assert len(values) == 1, "it takes longer than all values should"
    assert answer.seconds["warm-up"] > 0


def test_counted_operations_are_warmed_up(tmp_path):
    answer, values = worked(tmp_path, SHORT, 20, {SHORT: 3})
    assert len(values) == 3
    assert answer.seconds["warm-up"] > 0


@pytest.mark.parametrize(("workload", "count"), [("round-trip", 8), ("stream", 3)])
def test_of_values_that_take_longer_there_are_fewer(tmp_path, workload, count):
    case = SHORT.replace("round-trip", workload)
    (answer,) = sampler(tmp_path)([Task([case], "", 8, 0.05, {case: 100})])
    (run,) = answer.suite["benchmarks"][0]["runs"]
    assert len(run["values"]) == count


def test_an_interrupted_call_does_not_fix_the_loops():
    stalls = iter([0.7])
    found = calibrate(lambda loops: Measured(loops * 1e-6 + next(stalls, 0.0)), 0.005, 1)
    assert found == pytest.approx(5000, rel=0.2)


def test_what_takes_a_second_is_not_done_twice():
    calls = []
    assert calibrate(lambda loops: calls.append(loops) or Measured(loops * 2.0), 0.005, 1) == 1
    assert calls == [1]


@pytest.mark.skipif(memory.resident([os.getpid()]) is None, reason="no /proc/PID/smaps_rollup here")
@pytest.mark.parametrize("known", [True, False])
def test_memory_is_kept_with_the_benchmark_it_was_measured_for(tmp_path, known):
    loops, weigh = ({SHORT: 20} if known else {}), [SHORT]
    (answer,) = sampler(tmp_path)([Task([SHORT], "", 3, 0.0001, loops, weigh=weigh)])
    metadata = answer.suite["metadata"]
    assert metadata["memory_bytes"] >= metadata["memory_base_bytes"] > 0


def test_pyperf_finds_the_same_facts_as_by_itself(tmp_path):
    answer, _ = worked(tmp_path, SHORT, 20, {SHORT: 3})
    found = answer.suite["metadata"]
    alone = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    for name in ("platform", "python_version", "hostname"):
        assert found[name] == alone[name]


def test_a_worker_that_ends_runs_what_was_registered_for_its_end(tmp_path):
    """It leaves its interpreter whole, but not what finalizers would release."""
    code = "import atexit; from ipcbench.bench.worker import leave; atexit.register(print, 'released', flush=True); leave(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "released\n")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pyperf asks psutil")
def test_the_driver_spares_a_worker_imports_and_gives_them_back(tmp_path):
    code = """
import json, platform, sys
from ipcbench.bench.driver import driver
runner = driver(4, platform.processor(), platform.architecture())
had = {"psutil", "importlib.metadata"} & set(sys.modules)
found = runner.bench_time_func("case", lambda loops: 2.0)
import importlib.metadata, psutil
print(json.dumps([sorted(had), found.get_values(), sorted(found.get_metadata()), psutil.cpu_count() > 0]))
assert importlib.metadata.version("pyperf")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    had, found, metadata, usable = json.loads(done.stdout.splitlines()[-1])
    assert had == []
    assert usable
    assert found == [2.0] * 4
    assert {"date", "uptime", "platform", "cpu_model_name", "python_version"} <= set(metadata)
