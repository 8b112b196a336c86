"""The echo within one process: it moves what it says, checks it, and ends with its session."""

import pytest

from ipcbench.bench import payloads, workload
from ipcbench.bench.case import Case
from ipcbench.bench.workloads import thread as twin
from ipcbench.ipc.errors import DamagedMessage

from .leftovers import nothing_left

THREAD = workload.load("thread")


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


def case(subject, size=64, place="same-core", **other):
    return Case("thread", subject, other.get("payload", "bytes"), size, 1, other.get("start", "fork"), place)


@pytest.mark.parametrize("size", [1, 64, 1 << 20])
@pytest.mark.parametrize("subject", THREAD.subjects())
def test_it_is_timed_and_recorded(subject, size):
    chosen = case(subject, size)
    with THREAD.session([chosen]) as timed:
        measured = timed[chosen](20)
        recorded = timed[chosen].record(20)
    assert measured.seconds > 0
    assert measured.usage.cpu > 0
    assert len(recorded.latencies) == 20
    assert measured.lost is None


@pytest.mark.parametrize("subject", THREAD.subjects())
def test_both_sides_consume_each_message(subject, monkeypatch):
    made = []
    target = payloads.target
    monkeypatch.setattr(payloads, "target", lambda kind, size: made.append(target(kind, size)) or made[-1])
    chosen = case(subject)
    with THREAD.session([chosen]) as timed:
        made.clear()
        timed[chosen](1)
    near, far = (bytes(each) for each in made)
    assert near == far
    assert near in payloads.rotation("bytes", 64)


def test_a_damaged_echo_is_found(monkeypatch):
    monkeypatch.setattr(twin, "_consuming", lambda _size: lambda message: message[:-1] + b"?")
    with pytest.raises(DamagedMessage), THREAD.session([case("direct-call")]):
        pass


def test_threads_take_turns_with_switches_and_a_call_without():
    switches = {}
    for subject in ("thread-simple-queue", "direct-call"):
        with THREAD.session([case(subject)]) as timed:
            used = timed[case(subject)](500).usage
            switches[subject] = used.voluntary / 500
    assert switches["thread-simple-queue"] >= 1
    assert switches["direct-call"] < 0.1


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case("thread-queue", payload="array"), "bytes"),
        (case("thread-queue", start="spawn"), "starts no other"),
        (case("direct-call", place="cross-core"), "its core"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in THREAD.refuse(chosen).reason
