"""A bundle of messaging cases: what its cases share, what they are told apart by, and who is named when one fails."""

import gc
import os
import signal
import time
from dataclasses import replace
from multiprocessing import current_process

import pytest

from ipcbench.bench import payloads, placement, workload
from ipcbench.bench.case import Case
from ipcbench.bench.messaging import spec_of
from ipcbench.bench.peers import PeerFailed
from ipcbench.ipc import descriptors, managers
from ipcbench.ipc.errors import DamagedMessage, IpcError, PeerGone
from ipcbench.ipc.framing import fd_recv
from ipcbench.ipc.mechanisms import shared_memory_ring
from ipcbench.ipc.ring import Ring

MI = 1 << 20


@pytest.fixture(autouse=True)
def unpinned():
    """A session pins this process: give it back its cores. What failed keeps the descriptors that its traceback knows: collect them."""
    yield
    placement.pin(placement.allowed())
    gc.collect()


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


def checked(chosen):
    found = workload.load(chosen.workload)
    assert found.refuse(chosen) is None
    with found.session([chosen]) as timed:
        timed[chosen](found.loops_multiple(chosen))


@pytest.mark.parametrize("name", ["round-trip", "stream"])
def test_content_is_checked_by_the_timed_way_to_receive(name, monkeypatch):

    def leaving(fd, _buffer):
        """A receive that takes the message in and leaves the buffer as it was."""
        recv = fd_recv(fd, 64)
        return lambda: recv() and None

    monkeypatch.setattr(descriptors, "fd_into", leaving)
    with pytest.raises(IpcError, match="isn't what was sent|isn't the one sent"):
        checked(case(name, "os-pipe"))


def test_content_is_checked_where_messages_are_copied_by_the_loop(monkeypatch):
    """On a shared channel an END may come, so that what is received is copied."""
    monkeypatch.setattr(payloads, "copying", lambda recv, _kind, _buffer: recv)
    with pytest.raises(IpcError, match="consumed as another"):
        checked(case("fan-out", "queue", processes=2))


@pytest.mark.parametrize(("name", "wait"), [("round-trip", "block"), ("stream", "block"), ("stream", "adaptive")])
@pytest.mark.parametrize("size", [64, 4096])
def test_every_slot_of_a_ring_is_checked(name, wait, size, monkeypatch):
    narrow = Ring.narrow

    def one_is_damaged(self, length):
        windows = narrow(self, length)
        return [*windows[:-1], memoryview(bytearray(length))]

    monkeypatch.setattr(Ring, "narrow", one_is_damaged)
    with pytest.raises(IpcError, match="isn't what was sent|isn't the one sent"):
        checked(case(name, "shared-memory-ring", size, wait=wait))


def test_what_is_written_in_place_is_checked_whole(monkeypatch):
    """The timed loop writes eight bytes of it."""
    place = shared_memory_ring.waking

    def damaging(*arguments):
        end = place(*arguments)
        reserve = end.reserve
        end.reserve = lambda: reserve() and bytearray(64)
        return end

    monkeypatch.setattr(shared_memory_ring, "waking", damaging)
    with pytest.raises(DamagedMessage, match="isn't what was sent"):
        checked(case("round-trip", "shared-memory-ring", produce="in-place"))


def run_until(victim, harm, chosen, monkeypatch):
    """Measure while the process of that name does harm to itself instead of its part."""
    find = workload.load(chosen.workload)

    def harmed(loops):
        def timed(count):
            return harm() if current_process().name == victim else loops.timed(count)

        return replace(loops, timed=timed)

    for side in ("near", "far"):
        bind = getattr(type(find), side)
        monkeypatch.setattr(type(find), side, lambda self, ends, case, bind=bind: harmed(bind(self, ends, case)))
    with find.session([chosen]) as timed:
        timed[chosen](find.loops_multiple(chosen) * 100)


def fail():
    raise DamagedMessage("mine alone")


@pytest.mark.parametrize("victim", ["far peer 1", "near peer 3"])
@pytest.mark.parametrize("mechanism", ["os-pipe", "queue"])
@pytest.mark.parametrize(
    ("harm", "error", "why"),
    [
        (
            lambda: os.kill(os.getpid(), signal.SIGKILL),
            PeerGone,
            " died while timing 200 operations: killed by SIGKILL",
        ),
        (fail, PeerFailed, ": DamagedMessage: mine alone"),
    ],
)
def test_who_began_it_is_named_rather_than_who_was_left_without_a_peer(
    victim, mechanism, harm, error, why, monkeypatch
):
    with pytest.raises(error, match=f"^{victim}{why}"):
        run_until(victim, harm, case("pairs", mechanism, processes=2), monkeypatch)


def test_a_server_that_died_is_named_rather_than_its_clients(monkeypatch):
    servers, serve = [], managers.serve

    def noted(spec, owner):
        manager = serve(spec, owner)
        servers.extend(owner.servers)
        return manager

    monkeypatch.setattr(managers, "serve", noted)
    chosen = case("pairs", "manager-list", processes=2)
    with pytest.raises(PeerGone, match="^the server process died"):
        run_until("far peer 1", lambda: os.kill(servers[0], signal.SIGKILL) or time.sleep(60), chosen, monkeypatch)


@pytest.mark.parametrize("mechanism", ["shared-memory", "shared-memory-ring", "manager-list", "os-pipe"])
@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_several_near_processes_get_their_ends_by_every_start_method(mechanism, start):
    """The worker keeps no end of its own, and lets go of each when the peer that is to have it does."""
    checked(case("pairs", mechanism, processes=2, start=start))
