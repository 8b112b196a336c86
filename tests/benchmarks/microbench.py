"""The suite's cases as pytest-benchmark parameters, for whoever works on one mechanism; and the suite's own hot code.

`nox -s microbench -- -k "queue and 1KiB"`. The table shows seconds per operation: the timer is a clock that each
timed call moves on by what one of its operations took, so that ordering peers about isn't part of it.
"""

import json
import os

import pytest

from ipcbench.bench import matrix, placement, sampling
from ipcbench.bench import workload as workloads
from ipcbench.bench.matrix import Axes
from ipcbench.bench.profiles import Block, Profile
from ipcbench.ipc import framing
from ipcbench.ipc.memory import WORD, BytesSlot
from ipcbench.ipc.ring import Ring, room, slots_for, spinning
from ipcbench.reports import frame, page, schema

ROUNDS = 10
SECONDS = 0.01
BLOCKS = (
    Block(("round-trip", "stream"), sizes=(64, 1024, 1 << 20)),
    Block(("round-trip",), sizes=(64, 1024), placements=("same-core",)),
    Block(("round-trip",), ("value",), ("scalar",), (8,)),
    Block(("round-trip",), ("shared-memory-numpy",), ("array",), (64, 1 << 20)),
)
CASES = matrix.expand(Profile("micro", BLOCKS, 1, 1, 1, 1, SECONDS), Axes()).cases


class Clock:
    """Goes on by what it is told."""

    now = 0.0

    def __call__(self):
        return self.now


CLOCK = Clock()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.benchmark(timer=CLOCK)
def test_case(benchmark, case):
    benchmark.group = f"{case.workload} {case.payload} {case.size} B {case.placement}"
    workload = workloads.load(case.workload)
    try:
        with workload.session([case]) as timed:
            loops = sampling.calibrate(timed[case], SECONDS, workload.loops_multiple(case))

            def operation():
                CLOCK.now += timed[case](loops).seconds / loops

            benchmark.pedantic(operation, rounds=ROUNDS, warmup_rounds=1)
    finally:
        placement.pin(placement.allowed())


@pytest.mark.parametrize("size", [64, 32768])
def test_framing_there_and_back_in_one_process(benchmark, size):
    read, write = os.pipe()
    send, receive, payload = framing.fd_send(write), framing.fd_into(read, bytearray(size)), bytes(size)

    def there_and_back():
        send(payload)
        receive()

    benchmark(there_and_back)
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("size", [64, 1 << 20])
def test_slot_store_and_take(benchmark, size):
    slot = BytesSlot(memoryview(bytearray(WORD + size)), lambda: None)
    payload, take = bytes(size), slot.into(bytearray(size))

    def store_and_take():
        slot.store(payload)
        take()

    benchmark(store_and_take)


@pytest.mark.parametrize("size", [64, 1 << 20])
def test_ring_slot_send_and_take(benchmark, size):
    slots = slots_for(size, 1)
    there, back = (memoryview(bytearray(room(slots, size))) for _ in range(2))
    near, far = (
        spinning(*(Ring(lane, slots, size, "bytes", lambda: None) for lane in pair))
        for pair in ((there, back), (back, there))
    )
    payload, take = bytes(size), far.into(bytearray(size))

    def send_and_take():
        near.send(payload)
        take()

    benchmark(send_and_take)


@pytest.fixture
def stored(tmp_path):
    """A result of 300 cases."""
    run = {"metadata": {"loops": 100}, "values": [1e-5, 1.1e-5], "warmups": [[100, 1e-5]]}
    about = {"case_workload": "round-trip", "case_mechanism": "pipe", "case_payload": "bytes", "case_size": 64}
    about |= {"case_processes": 1, "case_start_method": "fork", "case_placement": "cross-core"}
    benchmarks = [{"metadata": {"name": f"case {i}", **about}, "runs": [run] * 20} for i in range(300)]
    facts = {"format": 1, "version": "0", "profile": "p", "status": "complete", "machine": {}, "cases": []}
    (tmp_path / "run.json").write_text(json.dumps({"version": "1.0", "benchmarks": benchmarks, "ipcbench": facts}))
    return tmp_path


def test_reading_a_result_of_300_cases(benchmark, stored):
    benchmark(lambda: frame.build(schema.load(stored)))


def test_the_page_of_300_cases_without_its_figures(benchmark, stored):
    loaded = schema.load(stored)
    table = frame.build(loaded)
    benchmark(lambda: page.page(page.context(loaded, table, []), [], [], {}))
