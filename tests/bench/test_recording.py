"""Latencies one by one: complete, in the histogram's resolution, and at a rate from the intended time on."""

import os
import signal
import threading
import time
from collections import Counter
from itertools import repeat

import psutil
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench import recording, workload
from ipcbench.bench.case import Case
from ipcbench.bench.recording import Stream, closed, counted, paced
from ipcbench.bench.sampling import recordings
from ipcbench.ipc.errors import DeadlinePassed

STALL = 0.3


pytestmark = pytest.mark.usefixtures("unpinned")


def case(mechanism="pipe", size=64, payload="bytes", **options):
    variant = tuple(sorted(options.items()))
    return Case("round-trip", mechanism, payload, size, 1, "fork", "cross-core", variant)


class Clock:
    """Made-up time, which passes while something sleeps or is received."""

    def __init__(self, monkeypatch, waits):
        self.now, self.waits = 100.0, iter(waits)
        monkeypatch.setattr(recording, "perf_counter", self.tick)
        monkeypatch.setattr(recording, "sleep", self.sleep)

    def tick(self):
        self.now += 1e-7
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def receive(self):
        wait = next(self.waits)
        self.now += abs(wait)
        if wait < 0:
            raise DeadlinePassed("it never came")

    def stream(self, losing=False):
        return Stream(lambda _payload: None, self.receive, repeat(None), recording.nothing if losing else None)


def test_a_closed_loop_takes_each_round_trip_as_it_comes(monkeypatch):
    clock = Clock(monkeypatch, [0.001, 0.3, 0.002])
    span = closed(clock.stream())(3)
    assert span.latencies == pytest.approx([0.001, 0.3, 0.002], abs=1e-6)
    assert span.end - span.begin == pytest.approx(sum(span.latencies))


def test_at_a_rate_a_stall_counts_for_all_that_it_delays(monkeypatch):
    clock = Clock(monkeypatch, [0.001, 0.035, 0.001, 0.001, 0.001, 0.001, 0.001])
    span = paced(clock.stream(), 100)(7)
    assert span.latencies == pytest.approx([0.001, 0.035, 0.026, 0.017, 0.008, 0.001, 0.001], abs=1e-5)
    assert span.achieved == pytest.approx(100)
    assert paced(Clock(monkeypatch, [0.02] * 10).stream(), 100)(10).achieved == pytest.approx(50, rel=0.01)
    assert span.end - span.begin == pytest.approx(0.061, abs=1e-4)


@given(
    rate=st.sampled_from([10, 1000, 50_000]),
    waits=st.lists(st.floats(1e-6, 0.05), min_size=1, max_size=40),
)
def test_latencies_at_a_rate_follow_the_line_before_a_single_server(rate, waits):
    """Lindley's recursion: who comes waits for what is left of those before."""
    with pytest.MonkeyPatch.context() as patch:
        span = paced(Clock(patch, waits).stream(), rate)(len(waits))
    free, expected = 0.0, []
    for index, wait in enumerate(waits):
        free = max(free, index / rate) + wait
        expected.append(free - index / rate)
    assert span.latencies == pytest.approx(expected, abs=1e-6 * (5 + 5 * len(waits)))


@pytest.mark.parametrize("kind", [closed, lambda stream: paced(stream, 1000)])
def test_what_is_lost_has_no_latency_and_its_wait_is_nobody_elses(monkeypatch, kind):
    clock = Clock(monkeypatch, [0.0001, -0.0003, 0.0001])
    span = kind(clock.stream(losing=True))(3)
    assert span.lost == 1
    assert span.latencies == pytest.approx([0.0001, 0.0001], abs=1e-5)
    with pytest.raises(DeadlinePassed):
        kind(Clock(monkeypatch, [-0.0003]).stream(losing=False))(1)


@given(st.lists(st.floats(1e-9, 3599.0), min_size=1, max_size=200))
def test_counts_say_the_histogram_all_that_it_can_hold(latencies):
    one, two = (HdrHistogram(1, 3600 * 10**9, 3) for _ in range(2))
    for each in latencies:
        one.record_value(max(1, round(each * 1e9)))
    counts = counted(latencies)
    assert sum(counts.values()) == len(latencies)
    for value, count in counts.items():
        two.record_value(value, count)
    assert [one.get_value_at_percentile(p) for p in (0, 50, 99, 100)] == [
        two.get_value_at_percentile(p) for p in (0, 50, 99, 100)
    ]
    for value in counts:
        assert min(abs(value - max(1, round(each * 1e9))) / value for each in latencies) < 1e-3


def test_the_recorder_itself_costs_something_and_little():
    assert 0 < recording.recorder_cost() < 1e-4


def test_enough_round_trips_are_recorded_and_not_for_too_long():
    assert recordings(case(), 400, 0.02) == 400
    assert recordings(case(), 100, 0.02) == 350  # a thousand of three workers
    assert recordings(case(), 50, 0.02) == 75  # what fits the time
    assert recordings(case(), 10, 0.001) == 350
    assert recordings(case(), 2, 1.0) == 2
    assert recordings(case(), 10**6, 0.02) == 10_000
    assert recordings(case(rate="1000"), 100, 0.1) == 100


@pytest.mark.parametrize(
    "chosen",
    [
        case(),
        case("udp"),
        case("queue", 1024, "object"),
        case("shared-memory-ring", 1 << 20, produce="in-place"),
        case("shared-memory-ring", 1 << 20, "array", produce="in-place"),
        case("shared-memory-ring", 1 << 20, consume="none"),
        case("value", 8, "scalar"),
    ],
    ids=lambda each: each.id,
)
@pytest.mark.parametrize("rate", ["", "2000"])
def test_every_kind_of_round_trip_is_recorded_whole(chosen, rate):
    if rate:
        chosen = case(chosen.mechanism, chosen.size, chosen.payload, **dict(chosen.variant), rate=rate)
    found = workload.load("round-trip")
    if found.refuse(chosen):
        pytest.skip("not on this machine")
    with found.session([chosen]) as timed:
        timed[chosen](1)
        recorded = timed[chosen].record(50)
    assert len(recorded.latencies) == 50 - (recorded.lost or 0)
    assert min(recorded.latencies) > 0
    if rate:
        assert recorded.seconds == pytest.approx(sum(recorded.latencies) * 50 / len(recorded.latencies))
    else:
        assert sum(recorded.latencies) <= recorded.seconds + 1e-9


def stalled(chosen, loops):
    """Record that many round trips while the far process is stopped once for `STALL` seconds, soon after it began."""
    others = set(psutil.Process().children())
    with workload.load("round-trip").session([chosen]) as timed:
        timed[chosen](1)
        (peer,) = set(psutil.Process().children()) - others
        thread = threading.Thread(target=stall, args=(peer,))
        thread.start()
        try:
            return timed[chosen].record(loops)
        finally:
            thread.join()


def stall(peer):
    """Stop the peer when it has begun to work, and let it go on after a while."""
    begun = peer.num_ctx_switches().voluntary + 20
    deadline = time.monotonic() + 20
    while peer.num_ctx_switches().voluntary < begun and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(peer.pid, signal.SIGSTOP)
    time.sleep(STALL)
    os.kill(peer.pid, signal.SIGCONT)


def share_over(seconds, latencies):
    return sum(each > seconds for each in latencies) / len(latencies)


def test_the_open_loop_sees_a_stall_where_the_closed_loop_hides_it():
    hidden = stalled(case(), 8000)
    seen = stalled(case(rate="1000"), 1000)
    assert max(hidden.latencies) > STALL * 0.9
    assert max(seen.latencies) > STALL * 0.9
    # 300 of 1,000 were due meanwhile, and waited 150 ms on the mean; the closed loop sent nothing.
    assert share_over(STALL / 10, seen.latencies) > 0.2
    assert share_over(STALL / 10, hidden.latencies) < 0.01
    assert seen.seconds / 1000 > 0.1 * STALL


def test_a_rate_that_cannot_be_kept_is_told_and_does_not_hang():
    chosen = case("manager-queue", rate="1000000")
    found = workload.load("round-trip")
    with found.session([chosen]) as timed:
        loops = found.loops(chosen, 0.02, timed[chosen])
        assert loops < 50_000  # not the hundred thousand that would be due
        measured = timed[chosen](loops)
    assert measured.achieved < 500_000
    assert list(measured.latencies) == sorted(measured.latencies)  # the line before it only grew


def test_a_rate_that_is_kept_fills_a_values_time():
    chosen = case(rate="500")
    found = workload.load("round-trip")
    with found.session([chosen]) as timed:
        loops = found.loops(chosen, 0.02, timed[chosen])
        measured = timed[chosen](50)
    assert 32 <= loops <= 50
    assert measured.achieved <= 500
    assert Counter(each > 0 for each in measured.latencies) == {True: 50}
