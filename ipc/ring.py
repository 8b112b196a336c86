"""The two ends of a single-producer single-consumer ring of slots; `mechanisms/shared_memory_ring.py` argues why it is correct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipcbench.ipc.contract import Endpoint
from ipcbench.ipc.errors import DamagedMessage, IpcError, MessageTooLarge, unexpected
from ipcbench.ipc.memory import WORD, release

__all__ = ["Ring", "room", "slots_for", "spinning", "waking"]


WHOLE = slice(None)
SMALL = 1024
"""Slots of at most so many bytes are had in plenty, so that the receiver needs to free them only eight at a time."""
BATCH = 8
LARGE = 1 << 20
"""From so many bytes on a second slot costs more, in what no longer fits the caches, than it gains."""
ITEMS = "bytes or items"
NOT_RESERVED = "commit() sends what reserve() gave: call that first"


def stride(size: int) -> int:
    """The bytes from one slot to the next: whole cache lines."""
    return WORD + (size + 63) // 64 * 64


def slots_for(size: int, window: int) -> int:
    """As many as are in flight, at least two of what fits the caches; small ones, by batches, and one batch more."""
    if stride(size) > SMALL:
        return max(2 if size < LARGE else 1, window)
    return (window + 2 * BATCH - 1) // BATCH * BATCH


def room(slots: int, size: int) -> int:
    """The bytes that a ring takes: a line for the receiver's index, then the slots."""
    return WORD + slots * stride(size)


class Ring:
    """One direction's slots in one process: words, bodies and, for messages of the length known last, windows."""

    def __init__(self, memory: memoryview, slots: int, size: int, kind: str, close: Callable[[], None]) -> None:
        starts = range(WORD, room(slots, size), stride(size))
        self.taken = memory[:8].cast("Q")
        self.words = [memory[at : at + 8].cast("Q") for at in starts]
        parts = [memory[at + WORD : at + WORD + size] for at in starts]
        self.bodies: list[Any] = parts
        if kind == "array":
            from numpy import float64, frombuffer

            self.bodies = [frombuffer(part, float64) for part in parts]
        self.windows = list(self.bodies)
        self.after = [*range(1, slots), 0]
        self.batch = BATCH if stride(size) <= SMALL else 1
        self.most = len(self.bodies[0])
        self._narrow: list[list[Any]] = []
        self._close = close

    def fit(self, length: int) -> None:
        """Make all windows that long. Raises `MessageTooLarge` if the slots are shorter."""
        if length > self.most:
            raise MessageTooLarge(f"a slot takes at most {self.most:,} bytes or items, not {length:,}")
        for at in range(len(self.windows)):
            self.shape(at, length)

    def shape(self, at: int, length: int) -> Any:
        """Make one window that long and give it. Raises `DamagedMessage` if its slot is shorter."""
        if length > self.most:
            raise DamagedMessage(f"a slot announces {length:,} bytes or items and holds at most {self.most:,}")
        self._let_go(self.windows[at], self.bodies[at])
        self.windows[at] = self.bodies[at][:length] if length != self.most else self.bodies[at]
        return self.windows[at]

    def narrow(self, length: int) -> list[Any]:
        """Windows of one length that stay so. Raises `MessageTooLarge` if the slots are shorter."""
        if length > self.most:
            raise MessageTooLarge(f"a slot holds at most {self.most:,} bytes or items, not {length:,}")
        windows = [body[:length] for body in self.bodies]
        self._narrow.append(windows)
        return windows

    def _let_go(self, window: Any, body: Any) -> None:
        if window is not body and isinstance(window, memoryview):
            release(window)

    def close(self) -> None:
        """Release all views, then the memory."""
        for view in (
            *self.windows,
            *(view for views in self._narrow for view in views),
            *self.bodies,
            *self.words,
            self.taken,
        ):
            if isinstance(view, memoryview):
                release(view)
        for views in (self.windows, self.bodies, self.words, *self._narrow):
            views.clear()
        self._close()


def spinning(out: Ring, back: Ring) -> Endpoint:
    """Polls: a slot's word is twice its message's length, plus 1 in every other lap, so that a new one always differs.

    Indices run over two laps and so tell a full ring from an empty one; `taken` is the receiver's, published by
    batches. What belongs to an index is prepared in a row of its own: nothing is computed for a message.
    """
    reserve, commit, send = _spinning_sender(out)
    recv, into = _spinning_receiver(back)
    return Endpoint(send, recv, lambda: _close(out, back), into, reserve, commit)


Row = tuple[Any, Any, int, int, Any]


def _rows(ring: Ring, views: list[Any], length: int, last: Callable[[int], Any]) -> list[Row]:
    """For each index of two laps: word, view, the word's value for that length, the index after, and `last` of it."""
    slots = len(ring.words)
    return [
        (ring.words[at % slots], views[at % slots], _mark(length, at, slots), (at + 1) % (2 * slots), last(at))
        for at in range(2 * slots)
    ]


def _mark(length: int, at: int, slots: int) -> int:
    return 2 * length + (at < slots)


def _spinning_sender(ring: Ring) -> tuple[Callable[[], Any], Callable[[int], None], Callable[[Any], None]]:
    slots, taken, whole = len(ring.words), ring.taken, WHOLE
    at, seen, known = 0, 0, ring.most
    reserved = False

    def full(index: int) -> int:
        return (index + slots) % (2 * slots)  # what `taken` is while no slot is free

    rows = _rows(ring, ring.windows, known, full)

    def fit(length: int) -> None:
        nonlocal known, rows
        ring.fit(length)
        known, rows = length, _rows(ring, ring.windows, length, full)

    def send(payload: Any) -> None:
        nonlocal at, seen
        word, window, mark, after, blocked = rows[at]
        while seen == blocked:
            seen = taken[0]
        try:
            window[whole] = payload
        except ValueError:  # another length than the last: a memoryview checks that by itself
            fit(len(payload))
            word, window, mark, after, blocked = rows[at]
            window[whole] = payload
        word[0] = mark
        at = after

    def send_array(payload: Any) -> None:
        if len(payload) != known:  # numpy would rather broadcast
            fit(len(payload))
        send(payload)

    def reserve() -> Any:
        nonlocal seen, reserved
        while seen == full(at):
            seen = taken[0]
        reserved = True
        return ring.bodies[at % slots]

    def commit(length: int) -> None:
        nonlocal at, reserved
        if length > ring.most:
            raise MessageTooLarge(f"a slot takes at most {ring.most:,} bytes or items, not {length:,}")
        if not reserved:
            raise IpcError(NOT_RESERVED)
        ring.words[at % slots][0] = _mark(length, at, slots)
        at, reserved = rows[at][3], False

    return reserve, commit, send if isinstance(ring.bodies[0], memoryview) else send_array


def _spinning_receiver(ring: Ring) -> tuple[Callable[[], Any], Callable[[Any], Callable[[], None]]]:
    slots, taken, whole = len(ring.words), ring.taken, WHOLE
    at, batch = 0, ring.batch
    rows = _rows(ring, ring.windows, ring.most, lambda index: index % batch == 0)

    def recv() -> Any:
        nonlocal at
        word, window, mark, after, publish = rows[at]
        if publish:
            taken[0] = at  # frees the slots before, also the one whose view was out
        while (found := word[0]) != mark:
            if (found ^ mark) & 1 == 0:
                window = _reshaped(ring, rows, at % slots, found >> 1)
                break
        at = after
        return window

    def into(buffer: Any) -> Callable[[], None]:
        expected, target, narrow = len(buffer), _target(buffer), _narrow_rows(ring, len(buffer))

        def receive() -> None:
            nonlocal at
            word, window, mark, after, publish = narrow[at]
            while (found := word[0]) != mark:
                if (found ^ mark) & 1 == 0:
                    raise unexpected(found >> 1, expected, ITEMS)
            target[whole] = window
            at = after
            if publish:
                taken[0] = after

        def receive_freeing() -> None:
            taken[0] = at  # nothing can be sent while a view of the only slot is out
            receive()

        return receive if slots > 1 else receive_freeing

    return recv, into


def _reshaped(ring: Ring, rows: list[Row], slot: int, length: int) -> Any:
    """The window for another length than the slot's last, which is then expected there in both laps."""
    window, slots = ring.shape(slot, length), len(ring.words)
    for index in (slot, slot + slots):
        word, _, _, after, publish = rows[index]
        rows[index] = word, window, _mark(length, index, slots), after, publish
    return window


def _narrow_rows(ring: Ring, length: int) -> list[Row]:
    """Rows for messages of one length, freed at both sides of a batch's border.

    The slot before may have been taken by recv(), which frees it only with the next.
    """
    batch = ring.batch
    return _rows(ring, ring.narrow(length), length, lambda index: 0 in (index % batch, (index + 1) % batch))


def waking(
    out: Ring,
    back: Ring,
    wait_free: Callable[[], Any],
    post_full: Callable[[], Any],
    wait_full: Callable[[], Any],
    post_free: Callable[[], Any],
) -> Endpoint:
    """Waits for semaphores, which count the free and the full slots; a slot's word is its message's length."""
    reserve, commit, send = _waking_sender(out, wait_free, post_full)
    recv, into = _waking_receiver(back, wait_full, post_free)
    return Endpoint(send, recv, lambda: _close(out, back), into, reserve, commit)


def _waking_sender(
    ring: Ring, wait_free: Callable[[], Any], post_full: Callable[[], Any]
) -> tuple[Callable[[], Any], Callable[[int], None], Callable[[Any], None]]:
    words, windows, after = ring.words, ring.windows, ring.after
    at, known = 0, ring.most
    reserved = False

    def send(payload: Any) -> None:
        nonlocal at, known
        if len(payload) != known:
            ring.fit(len(payload))
            known = len(payload)
        wait_free()
        windows[at][:] = payload
        words[at][0] = known
        at = after[at]
        post_full()

    def reserve() -> Any:
        nonlocal reserved
        if not reserved:
            wait_free()
            reserved = True
        return ring.bodies[at]

    def commit(length: int) -> None:
        nonlocal at, reserved
        if length > ring.most:
            raise MessageTooLarge(f"a slot takes at most {ring.most:,} bytes or items, not {length:,}")
        if not reserved:
            raise IpcError(NOT_RESERVED)
        words[at][0] = length
        at, reserved = after[at], False
        post_full()

    return reserve, commit, send


def _waking_receiver(
    ring: Ring, wait_full: Callable[[], Any], post_free: Callable[[], Any]
) -> tuple[Callable[[], Any], Callable[[Any], Callable[[], None]]]:
    words, windows, after = ring.words, ring.windows, ring.after
    at, lengths = 0, [ring.most] * len(words)
    held = False  # a view of the slot before is out, so that isn't free yet

    def recv() -> Any:
        nonlocal at, held
        if held:
            held = False
            post_free()
        wait_full()
        held = True
        here, at = at, after[at]
        if words[here][0] != lengths[here]:
            lengths[here] = words[here][0]
            return ring.shape(here, words[here][0])
        return windows[here]

    def into(buffer: Any) -> Callable[[], None]:
        expected, target, narrow = len(buffer), _target(buffer), ring.narrow(len(buffer))

        def receive() -> None:
            nonlocal at, held
            if held:
                held = False
                post_free()
            wait_full()
            if words[at][0] != expected:
                raise unexpected(words[at][0], expected, ITEMS)
            target[:] = narrow[at]
            at = after[at]
            post_free()

        return receive

    return recv, into


def _target(buffer: Any) -> Any:
    """What a receiver copies to: slicing a bytearray would copy twice and could resize it."""
    return memoryview(buffer) if isinstance(buffer, (bytearray, memoryview)) else buffer


def _close(*rings: Ring) -> None:
    for ring in rings:
        ring.close()
