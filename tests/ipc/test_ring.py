"""The ring against a deque as its model, in every way of waiting, and the slots that the mailboxes share."""

import signal
from collections import deque
from threading import Semaphore, Thread

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ipcbench.ipc import ring
from ipcbench.ipc.errors import DamagedMessage, IpcError, MessageTooLarge
from ipcbench.ipc.mailbox import waiter
from ipcbench.ipc.memory import ArraySlot, BytesSlot

pytestmark = pytest.mark.timeout(60)


class Bounded(Semaphore):
    """Waiting for ever is a failure."""

    def acquire(self, blocking=True):
        taken = super().acquire(blocking, 5 if blocking else None)
        assert taken or not blocking, "nobody posts this semaphore"
        return taken


@pytest.fixture
def _spinning_is_bounded():
    """By CPU time: a spin that never ends raises, in every example that hypothesis tries."""

    def fail(*_):
        raise AssertionError("spins for ever")

    before = signal.signal(signal.SIGVTALRM, fail)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.usefixtures("_spinning_is_bounded")
@pytest.mark.parametrize("wait", ["spin", "block"])
@pytest.mark.parametrize("size", [64, ring.LARGE])
def test_who_asks_for_a_message_gives_back_the_view_of_the_last_one(wait, size):
    signal.setitimer(signal.ITIMER_VIRTUAL, 5)
    slots = ring.slots_for(size, 1)
    memory = memoryview(bytearray(ring.room(slots, size)))
    both = [ring.Ring(memory, slots, size, "bytes", lambda: None) for _ in range(2)]
    free, full = Semaphore(slots), Semaphore(0)
    waking = (free.acquire, full.release, full.acquire, free.release)
    end = ring.spinning(*both) if wait == "spin" else ring.waking(*both, *waking)
    for seed in range(2 * slots):
        end.send(bytes([seed]) * size)
        assert end.recv()[0] == seed
        buffer = bytearray(size)
        receiving = Thread(target=end.into(buffer), daemon=True)
        receiving.start()
        end.send(bytes([seed + 100]) * size)
        receiving.join(10)
        assert not receiving.is_alive()
        assert buffer[0] == seed + 100
    end.close()


class RingModel(RuleBasedStateMachine):
    """As many messages as the window are in flight without anyone waiting, however they are sent and received."""

    wait = "spin"

    def __init__(self):
        super().__init__()
        signal.setitimer(signal.ITIMER_VIRTUAL, 5)

    @initialize(
        window=st.integers(1, 12), size=st.sampled_from([8, 64, 200, 1024]), kind=st.sampled_from(["bytes", "array"])
    )
    def open(self, window, size, kind):
        slots = ring.slots_for(size, window)
        self.memory = bytearray(ring.room(slots, size))
        self.most = size // 8 if kind == "array" else size
        self.kind, self.window = kind, window
        self.model = deque()
        self.view = None
        out, back = (ring.Ring(memoryview(self.memory), slots, size, kind, lambda: None) for _ in range(2))
        if self.wait == "spin":
            self.end = ring.spinning(out, back)
        else:
            free, full = Bounded(slots), Bounded(0)
            wait_free, wait_full = (waiter(semaphore, self.wait) for semaphore in (free, full))
            self.end = ring.waking(out, back, wait_free, full.release, wait_full, free.release)

    def message(self, length, seed):
        length = min(length, self.most)
        if self.kind == "array":
            return np.arange(length, dtype=np.float64) + seed
        return bytes((seed + n) % 256 for n in range(length))

    def taken(self):
        """Slots that the model knows to be in use: what waits, and the view that is out."""
        return len(self.model) + (self.view is not None)

    @precondition(lambda self: self.taken() < self.window or (not self.model and self.view is None))
    @rule(length=st.integers(0, 1024), seed=st.integers(0, 255))
    def send(self, length, seed):
        message = self.message(length, seed)
        self.end.send(message)
        self.model.append(list(message))

    @precondition(lambda self: self.taken() < self.window or (not self.model and self.view is None))
    @rule(length=st.integers(0, 1024), seed=st.integers(0, 255))
    def send_in_place(self, length, seed):
        message = self.message(length, seed)
        place = self.end.reserve()
        assert len(place) == self.most
        assert len(self.end.reserve()) == self.most, "asking twice is the same place"
        place[: len(message)] = message
        self.end.commit(len(message))
        self.model.append(list(message))

    @precondition(lambda self: self.model)
    @rule()
    def receive(self):
        message = self.end.recv()
        expected = self.model.popleft()
        assert list(message) == expected
        self.view = (message, expected)

    @precondition(lambda self: self.model)
    @rule()
    def receive_into(self):
        expected = self.model.popleft()
        buffer = np.zeros(len(expected)) if self.kind == "array" else bytearray(len(expected))
        self.end.into(buffer)()
        assert list(buffer) == expected
        self.view = None

    @rule(more=st.integers(1, 3))
    def too_large_is_refused_and_nothing_sent(self, more):
        message = self.message(self.most, 0)
        message = np.append(message, [0.0] * more) if self.kind == "array" else message + bytes(more)
        if self.taken() < self.window:
            with pytest.raises(MessageTooLarge, match=f"{self.most:,}"):
                self.end.send(message)

    @invariant()
    def a_view_is_valid_until_the_next_message(self):
        if getattr(self, "view", None) is not None:
            message, expected = self.view
            assert list(message) == expected

    def teardown(self):
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if hasattr(self, "end"):
            self.view = None
            self.end.close()
            self.memory += b"x"  # would raise BufferError while a view of it is alive


@pytest.mark.usefixtures("_spinning_is_bounded")
@pytest.mark.parametrize("wait", ["spin", "block", "adaptive"])
def test_ring_is_a_deque(wait):
    machine = type(f"{wait.title()}Ring", (RingModel,), {"wait": wait})
    run_state_machine_as_test(machine, settings=settings(deadline=None, max_examples=60, stateful_step_count=60))


def test_ring_refuses_a_damaged_length():
    memory = bytearray(ring.room(8, 64))
    end = ring.spinning(*(ring.Ring(memoryview(memory), 8, 64, "bytes", lambda: None) for _ in range(2)))
    end.send(b"x")
    memory[64:72] = (2 * 1000 + 1).to_bytes(8, "little")
    with pytest.raises(DamagedMessage, match="1,000"):
        end.recv()
    end.close()


def test_ring_commit_is_bounded():
    memory = bytearray(ring.room(8, 64))
    end = ring.spinning(*(ring.Ring(memoryview(memory), 8, 64, "bytes", lambda: None) for _ in range(2)))
    end.reserve()
    with pytest.raises(MessageTooLarge, match="64"):
        end.commit(65)
    end.close()


@pytest.mark.parametrize("wait", ["spin", "block"])
def test_ring_commit_without_reserve(wait):
    """Nor twice: what lies in the next slot is a message of a lap ago."""
    memory = bytearray(ring.room(8, 64))
    rings = (ring.Ring(memoryview(memory), 8, 64, "bytes", lambda: None) for _ in range(2))
    full = Semaphore(0)
    waking = (Semaphore(8).acquire, full.release, full.acquire, lambda: None)
    end = ring.spinning(*rings) if wait == "spin" else ring.waking(*rings, *waking)
    with pytest.raises(IpcError, match="reserve"):
        end.commit(1)
    end.reserve()
    end.commit(1)
    with pytest.raises(IpcError, match="reserve"):
        end.commit(1)
    end.close()


def test_ring_spin_is_refused_without_a_strong_memory_order(monkeypatch):
    import os
    from multiprocessing import get_context

    from ipcbench.ipc.contract import Spec
    from ipcbench.ipc.registry import load

    machine = type("Uname", (), {"machine": "aarch64"})
    monkeypatch.setattr(os, "uname", machine)
    mechanism = load("shared-memory-ring")
    assert "fence" in mechanism.refuse(Spec(get_context(), size=8, wait="spin")).reason
    assert mechanism.refuse(Spec(get_context(), size=8, wait="block")) is None


def test_bytes_slot_keeps_no_view_of_each_length():
    memory = bytearray(64 + 100)
    slot = BytesSlot(memoryview(memory), lambda: None)
    views = []
    for length in range(100):
        slot.store(bytes([length]) * length)
        views.append(slot.load())
        assert bytes(views[-1]) == bytes([length]) * length
    for view in views[:-1]:
        with pytest.raises(ValueError, match="released"):
            len(view)
    slot.close()
    memory += b"x"


def test_bytes_slot_refuses_a_damaged_length():
    memory = bytearray(64 + 100)
    slot = BytesSlot(memoryview(memory), lambda: None)
    memory[:8] = (101).to_bytes(8, "little")
    with pytest.raises(DamagedMessage, match="101"):
        slot.load()
    slot.close()


@pytest.mark.parametrize("shape", [(3,), (2, 2), (1, 2, 3), (0,), ()])
def test_array_slot_keeps_the_shape(shape):
    slot = ArraySlot(memoryview(bytearray(128 + 64)), lambda: None)
    for seed in range(3):
        array = np.full(shape, seed + 0.5)
        slot.store(array)
        assert slot.load().shape == shape
        assert (slot.load() == array).all()
        slot.store(np.ones(1))
        assert slot.load().shape == (1,)
    slot.close()


def test_array_slot_refuses_a_damaged_shape():
    memory = bytearray(128 + 64)
    slot = ArraySlot(memoryview(memory), lambda: None)
    slot.store(np.ones(2))
    memory[16:24] = (9).to_bytes(8, "little")
    with pytest.raises(DamagedMessage, match="9"):
        slot.load()
    slot.close()
