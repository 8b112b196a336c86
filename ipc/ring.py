"""The two ends of a single-producer single-consumer ring of slots; `mechanisms/shared_memory_ring.py` argues why it is correct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipcbench.ipc.contract import Endpoint
from ipcbench.ipc.errors import DamagedMessage, IpcError, MessageTooLarge
from ipcbench.ipc.memory import WORD, release

__all__ = ["Ring", "spinning", "stride", "waking"]


def stride(size: int) -> int:
    """The bytes from one slot to the next: whole cache lines."""
    return WORD + (size + 63) // 64 * 64


class Ring:
    """One direction's slots in one process: words, bodies and, for messages of the length known last, windows."""

    def __init__(self, memory: memoryview, slots: int, size: int, kind: str, close: Callable[[], None]) -> None:
        step = stride(size)
        self.words = [memory[at : at + 8].cast("Q") for at in range(0, slots * step, step)]
        parts = [memory[at + WORD : at + WORD + size] for at in range(0, slots * step, step)]
        self.bodies: list[Any] = parts
        if kind == "array":
            from numpy import float64, frombuffer

            self.bodies = [frombuffer(part, float64) for part in parts]
        self.windows = list(self.bodies)
        self.after = [*range(1, slots), 0]
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
        """Windows of one length that stay so."""
        windows = [body[:length] for body in self.bodies]
        self._narrow.append(windows)
        return windows

    def _let_go(self, window: Any, body: Any) -> None:
        if window is not body and isinstance(window, memoryview):
            release(window)

    def close(self) -> None:
        """Release all views, then the memory."""
        for view in (*self.windows, *(view for views in self._narrow for view in views), *self.bodies, *self.words):
            if isinstance(view, memoryview):
                release(view)
        for views in (self.windows, self.bodies, self.words, *self._narrow):
            views.clear()
        self._close()


def wrong(length: int, expected: int) -> DamagedMessage:
    """The error for a message of another length than the one agreed on."""
    return DamagedMessage(f"a message of {length:,} bytes or items came where {expected:,} were agreed on")


def spinning(out: Ring, back: Ring) -> Endpoint:
    """Polls a slot's word: 0 is free, else the length plus one."""
    reserve, commit, send = _spinning_sender(out)
    recv, into = _spinning_receiver(back)
    return Endpoint(send, recv, lambda: _close(out, back), into, reserve, commit)


def _spinning_sender(ring: Ring) -> tuple[Callable[[], Any], Callable[[int], None], Callable[[Any], None]]:
    words, windows, after = ring.words, ring.windows, ring.after
    at, known, mark = 0, ring.most, ring.most + 1

    def send(payload: Any) -> None:
        nonlocal at, known, mark
        if len(payload) != known:
            ring.fit(len(payload))
            known = len(payload)
            mark = known + 1
        word = words[at]
        while word[0]:
            pass
        windows[at][:] = payload
        word[0] = mark
        at = after[at]

    def reserve() -> Any:
        word = words[at]
        while word[0]:
            pass
        return ring.bodies[at]

    def commit(length: int) -> None:
        nonlocal at
        if length > ring.most:
            raise MessageTooLarge(f"a slot takes at most {ring.most:,} bytes or items, not {length:,}")
        words[at][0] = length + 1
        at = after[at]

    return reserve, commit, send


def _spinning_receiver(ring: Ring) -> tuple[Callable[[], Any], Callable[[Any], Callable[[], None]]]:
    words, windows, after = ring.words, ring.windows, ring.after
    at, lengths = 0, [ring.most + 1] * len(words)
    held: Any = None  # the word of the slot whose view is out

    def recv() -> Any:
        nonlocal at, held
        if held is not None:
            held[0] = 0
            held = None
        word, here = words[at], at
        while not word[0]:
            pass
        held, at = word, after[here]
        if word[0] != lengths[here]:
            lengths[here] = word[0]
            return ring.shape(here, word[0] - 1)
        return windows[here]

    def into(buffer: Any) -> Callable[[], None]:
        expected = len(buffer)
        if expected > ring.most:
            raise MessageTooLarge(f"a slot holds at most {ring.most:,} bytes or items, not {expected:,}")
        target, narrow, mark = _target(buffer), ring.narrow(expected), expected + 1

        def receive() -> None:
            nonlocal at, held
            if held is not None:
                held[0] = 0
                held = None
            word = words[at]
            while word[0] != mark:
                found = word[0]
                if found and found != mark:
                    raise wrong(found - 1, expected)
            target[:] = narrow[at]
            word[0] = 0
            at = after[at]

        return receive

    return recv, into


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
            raise IpcError("commit() sends what reserve() gave: call that first")
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
        expected = len(buffer)
        if expected > ring.most:
            raise MessageTooLarge(f"a slot holds at most {ring.most:,} bytes or items, not {expected:,}")
        target, narrow = _target(buffer), ring.narrow(expected)

        def receive() -> None:
            nonlocal at, held
            if held:
                held = False
                post_free()
            wait_full()
            if words[at][0] != expected:
                raise wrong(words[at][0], expected)
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
