"""Peak memory of several processes: shared pages once, what came and went included."""

import mmap
import multiprocessing
import os
from dataclasses import replace

import pytest

from ipcbench.bench import floor, memory, workload
from ipcbench.bench.case import Case
from ipcbench.bench.task import TOOLS

MI = 1 << 20
SEGMENT = 64 * MI
FORK = multiprocessing.get_context("fork")

pytestmark = [
    pytest.mark.skipif(memory.resident([os.getpid()]) is None, reason="no /proc/PID/smaps_rollup here"),
    pytest.mark.usefixtures("unpinned"),
]


def hold(shared, control):
    """Map the segment's pages here too, and stay."""
    sum(shared[:: mmap.PAGESIZE])
    control.send("touched")
    control.recv()


@pytest.fixture
def sharing():
    """A segment whose pages this process and another one have mapped; gives that one."""
    here, there = FORK.Pipe()
    with mmap.mmap(-1, SEGMENT) as shared:
        before = memory.resident([os.getpid()])
        shared.write(b"\x01" * SEGMENT)
        process = FORK.Process(target=hold, args=(shared, there), daemon=True)
        process.start()
        assert here.recv() == "touched"
        yield process, before
        here.send("end")
        process.join(10)
        process.close()
    for end in (here, there):
        end.close()


def test_a_shared_segment_is_counted_once(sharing):
    process, before = sharing
    both = memory.resident([os.getpid(), process.pid])
    assert before + SEGMENT <= both <= before + 1.25 * SEGMENT  # not twice
    assert memory.resident([process.pid]) >= SEGMENT / 2


def test_what_came_and_went_is_seen():
    memory.tidy()
    held = memory.peak([os.getpid()], lambda: None)
    came = memory.peak([os.getpid()], lambda: len(bytearray(b"\x01") * (48 * MI)))
    assert 44 * MI <= came - held <= 60 * MI
    assert abs(memory.peak([os.getpid()], lambda: None) - held) < 8 * MI  # the next call starts anew


def test_where_the_system_does_not_tell_there_is_no_figure():
    assert memory.resident([2**22 - 1]) is None
    assert memory.peak([2**22 - 1], lambda: None) is None


def weighed(case):
    memory.tidy()
    with workload.load(case.workload).session([case]) as timed:
        timed[case](workload.load(case.workload).loops_multiple(case))
        return timed[case].memory(4)


def case(mechanism, size, workload="round-trip", place="cross-core", processes=1):
    return Case(workload, mechanism, "bytes", size, processes, "fork", place)


def test_a_channel_of_large_messages_takes_more_and_a_copying_one_most():
    small, pickled = weighed(case("shared-memory", 64)), weighed(case("queue", 8 * MI))
    added = [each.peak - each.base for each in (small, pickled)]
    assert 0 <= added[0] < 8 * MI
    assert added[1] > 4 * 8 * MI + 8 * MI


@pytest.mark.parametrize("start", ["fork", "forkserver"])
def test_the_slots_are_the_cases_also_where_they_are_touched_when_they_are_made(start):
    touched_when_made, touched_when_attached = (
        weighed(replace(case(name, 8 * MI), start_method=start)) for name in ("raw-array", "shared-memory")
    )
    added = [each.peak - each.base for each in (touched_when_made, touched_when_attached)]
    assert added[0] > added[1] - 4 * MI


@pytest.mark.parametrize(
    "chosen",
    [
        case("manager-queue", 64),
        case("pipe", 64, "fan-out", "free", 4),
        case("pipe", 64, "pairs", "free", 2),
        case("pipe", 64, "stream"),
        case("memcpy", 64, "memcpy", "same-core"),
        case("thread-queue", 64, "thread", "same-core"),
        case("direct-call", 64, "thread", "same-core"),
    ],
    ids=lambda each: f"{each.workload}-{each.mechanism}",
)
def test_every_workload_whose_processes_stay_tells_its_memory(chosen):
    if workload.load(chosen.workload).refuse(chosen):
        pytest.skip("not on this machine")
    found = weighed(chosen) if chosen.workload not in ("fan-out", "pairs") else weighed_in_fours(chosen)
    assert MI < found.base <= found.peak


@pytest.mark.skipif(floor.compiler() is None, reason="no C compiler here")
def test_the_floor_counts_the_program_and_its_echo(tmp_path, monkeypatch):
    monkeypatch.setenv(TOOLS, str(tmp_path))
    small, large = (weighed(case("c-pipe", size, "floor")) for size in (64, 8 * MI))
    assert 0 < small.peak < 4 * MI
    assert large.peak > small.peak + 2 * 8 * MI  # a payload here, a buffer there, and one for the echo


def weighed_in_fours(chosen):
    with workload.load(chosen.workload).session([chosen]) as timed:
        return timed[chosen].memory(4 * chosen.processes)
