"""A bundle of messaging cases: what its cases share, what they are told apart by, and who is named when one fails."""

import pytest

from ipcbench.bench import placement, workload
from ipcbench.bench.case import Case
from ipcbench.bench.messaging import spec_of

MI = 1 << 20


@pytest.fixture(autouse=True)
def unpinned():
    """A session pins this process: give it back its cores."""
    yield
    placement.pin(placement.allowed())


def case(name, mechanism, size=64, processes=1, place="free", payload="bytes", start="fork", **options):
    return Case(name, mechanism, payload, size, processes, start, place, tuple(sorted(options.items())))


def test_what_a_bundle_shares_has_room_for_the_largest_message_and_for_the_largest_window():
    bundle = [case("stream", "queue", size) for size in (16 * MI, 64, 1024)]
    shared = spec_of(*bundle)
    assert (shared.size, shared.window) == (16 * MI, 64)
    assert spec_of(bundle[0]).window == 4


@pytest.mark.parametrize("mechanism", ["queue", "joinable-queue"])
def test_a_small_message_has_its_whole_window_beside_a_large_one(mechanism):
    """Four senders of 64 messages each, whose credits fill the queue back."""
    bundle = [case("mesh", mechanism, size, 4) for size in (64, 16 * MI)]
    with workload.load("mesh").session(bundle) as timed:
        assert timed[bundle[0]](4 * 200).seconds > 0
