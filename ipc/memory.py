"""Slots in shared memory: a length word, then the payload; and shared memory with one owner.

A segment's creator owns it. Others attach untracked: before Python 3.13 the resource tracker of a process that only attached would
destroy the segment when that process exits (https://github.com/python/cpython/issues/82300). Room is reserved by
posix_fallocate(3), so that a full /dev/shm is an error here rather than a SIGBUS at the first write.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import prod
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from secrets import token_hex
from typing import Any

from ipcbench.ipc.contract import Refusal, Spec
from ipcbench.ipc.errors import DamagedMessage, MessageTooLarge, unexpected
from ipcbench.ipc.mailbox import Slot
from ipcbench.ipc.marks import mark
from ipcbench.ipc.owner import Owner

__all__ = [
    "HEAD",
    "WORD",
    "ArraySlot",
    "BytesSlot",
    "Segment",
    "create",
    "no_whole_array",
    "release",
    "room",
    "slot",
    "touch",
]

WORD = 64
"""Bytes before a payload: a length word in a cache line of its own."""
HEAD = 128
"""Bytes before an array: revision, dimensions, shape."""
DIMENSIONS = 8
WHOLE = slice(None)


class Segment:
    """The name of a segment on its way to a process, attached there once and untracked."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size

    def attach(self) -> SharedMemory:
        """The segment in this process, each of its pages touched."""
        if sys.version_info >= (3, 13):
            memory = SharedMemory(self.name, track=False)
        else:
            memory = _attach_untracked(self.name)
        assert memory.buf is not None
        touch(memory.buf)
        return memory

    def map(self) -> tuple[memoryview, Callable[[], None]]:
        """The segment's bytes in this process, and how to let go of them.

        The mapping goes with the last view of it, at once where the receiver kept none: a SharedMemory that is closed, or
        forgotten, before such a view would fail aloud (BufferError: exported pointers exist).
        """
        memory = self.attach()
        assert memory.buf is not None
        view = memory.buf[: self.size]
        memory._buf = memory._mmap = None  # type: ignore[attr-defined]  # noqa: SLF001 - they are the view's from here on
        memory.close()
        return view, partial(release, view)


def _attach_untracked(name: str) -> SharedMemory:
    register = resource_tracker.register
    resource_tracker.register = lambda *_: None
    try:
        return SharedMemory(name)
    finally:
        resource_tracker.register = register


def create(size: int, owner: Owner) -> Segment:
    """A new segment of `size` bytes, unlinked by its owner. Raises OSError (ENOSPC) where /dev/shm is too small."""
    memory = SharedMemory(f"{mark(os.getpid())}-{token_hex(4)}", create=True, size=size)
    owner.keep(memory.unlink)
    owner.keep(memory.close)
    reserve = getattr(os, "posix_fallocate", None)
    if reserve is not None:
        with suppress(AttributeError):
            reserve(memory._fd, 0, size)  # type: ignore[attr-defined]  # noqa: SLF001 - no public way to the descriptor
    return Segment(memory.name, size)


def touch(buffer: memoryview) -> None:
    """Map every page into this process before the clock starts: reading is enough for what was reserved."""
    for _ in buffer[::4096]:
        pass


class BytesSlot:
    """A length word and a payload of bytes in any writable shared memory. A view that it gave out ends with the next one."""

    view = True

    def __init__(self, memory: memoryview, close: Callable[[], None]) -> None:
        self.length = memory[:8].cast("Q")
        self.body = memory[WORD:]
        self.windows = Windows()
        self.known = len(self.body)  # the length of the window for sending
        self.windows.sending = self.body[:]
        self.load = self._loader()
        self._close = close

    def store(self, payload: Any) -> None:
        """Copy a payload there. Raises `MessageTooLarge`."""
        if len(payload) != self.known:
            self._fit(len(payload))
        self.windows.sending[WHOLE] = payload
        self.length[0] = self.known

    def _fit(self, length: int) -> None:
        """Make the window for sending that long."""
        if length > len(self.body):
            raise MessageTooLarge(f"the slot takes at most {len(self.body):,} bytes, not {length:,}")
        self.windows.sending.release()
        self.known = length
        self.windows.sending = self.body[:length]

    def storing(self, wait: Callable[[], Any], post: Callable[[], Any]) -> Callable[[Any], None]:
        """`store` between a wait and a post, as one whole function: a call less for each message.

        A window takes payloads of its own length only, and nobody else writes the length word: both are set when that changes.
        """
        store, whole, window = self.store, WHOLE, self.windows.sending
        self.length[0] = self.known

        def send(payload: Any) -> None:
            nonlocal window
            wait()
            try:
                window[whole] = payload
            except ValueError:
                store(payload)
                window = self.windows.sending
            post()

        return send

    def _loader(self) -> Callable[[], memoryview]:
        length, body, size, windows = self.length, self.body, len(self.body), self.windows
        window, known = body[:], size
        windows.given = window

        def load() -> memoryview:
            nonlocal window, known
            if length[0] != known:
                if length[0] > size:
                    raise DamagedMessage(f"the slot announces {length[0]:,} bytes and holds at most {size:,}")
                release(window)
                known = length[0]
                windows.given = window = body[:known]
            return window

        return load

    def into(self, buffer: Any) -> Callable[[], Any]:
        """Copies the payload into a buffer of just its length."""
        target, length, window, size, whole = *self._narrow(buffer), len(buffer), WHOLE

        def take() -> None:
            if length[0] != size:
                raise unexpected(length[0], size)
            target[whole] = window

        return take

    def taking(
        self, buffer: Any, held: list[bool], wait: Callable[[], Any], post: Callable[[], Any]
    ) -> Callable[[], None]:
        """`into` between a wait and a post, as one whole function; a view that is held is given back before."""
        target, length, window, size, whole = *self._narrow(buffer), len(buffer), WHOLE

        def receive() -> None:
            if held:
                held.clear()
                post()
            wait()
            if length[0] != size:
                raise unexpected(length[0], size)
            target[whole] = window
            post()

        return receive

    def _narrow(self, buffer: Any) -> tuple[memoryview, memoryview, memoryview]:
        """The buffer's view, the length word and the part of the body that fills the buffer."""
        window = self.body[: len(buffer)]
        self.windows.narrow.append(window)
        return memoryview(buffer), self.length, window

    def close(self) -> None:
        """Release all views, then the memory."""
        for window in (self.windows.sending, self.windows.given, *self.windows.narrow, self.length, self.body):
            release(window)
        self.windows.narrow.clear()
        self._close()


class Windows:
    """The views of a slot's body that are alive: for sending, given to the receiver, and of each `into`."""

    def __init__(self) -> None:
        self.sending = self.given = memoryview(b"")
        self.narrow: list[memoryview] = []


class ArraySlot:
    """A shape and a float64 array of it in any writable shared memory.

    The head is a revision, the number of dimensions and the dimensions; the revision changes with the shape.
    """

    view = True

    def __init__(self, memory: memoryview, close: Callable[[], None]) -> None:
        import numpy as np

        self.head = memory[:HEAD].cast("Q")
        self.body: Any = np.frombuffer(memory, np.float64, offset=HEAD)
        self.copy = np.copyto
        self.sending: Any = None
        self.given: Any = None
        self.revision = 0
        self._close = close

    def store(self, payload: Any) -> None:
        """Copy an array there."""
        if self.sending is None or self.sending.shape != payload.shape:
            self._announce(payload)
        self.copy(self.sending, payload)

    def _announce(self, payload: Any) -> None:
        if payload.nbytes > self.body.nbytes or payload.ndim > DIMENSIONS:
            raise MessageTooLarge(
                f"the slot takes float64 arrays of at most {self.body.nbytes:,} bytes and {DIMENSIONS} dimensions, "
                f"not {payload.nbytes:,} and {payload.ndim}"
            )
        self.sending = self.body[: payload.size].reshape(payload.shape)
        self.head[1] = payload.ndim
        for index, extent in enumerate(payload.shape):
            self.head[2 + index] = extent
        self.head[0] += 1

    def load(self) -> Any:
        """A view of the array there."""
        if self.head[0] != self.revision:
            self.revision = self.head[0]
            dimensions = self.head[1]
            shape = tuple(self.head[2 : 2 + min(dimensions, DIMENSIONS)])
            if dimensions > DIMENSIONS or prod(shape) > self.body.size:
                raise DamagedMessage(f"the slot announces an array of shape {shape} and holds {self.body.size:,} items")
            self.given = self.body[: prod(shape)].reshape(shape)
        return self.given

    def into(self, buffer: Any) -> Callable[[], Any]:
        """Copies the array into one of just its shape."""
        load, copy, shape = self.load, self.copy, buffer.shape

        def take() -> None:
            array = load()
            if array.shape != shape:
                raise DamagedMessage(f"an array of shape {array.shape} came where {shape} was agreed on")
            copy(buffer, array)

        return take

    def close(self) -> None:
        """Let go of all views, then of the memory."""
        self.sending = self.given = self.body = None
        release(self.head)
        self._close()


def slot(kind: str, memory: memoryview, close: Callable[[], None]) -> Slot:
    """The slot for payloads of that kind."""
    return ArraySlot(memory, close) if kind == "array" else BytesSlot(memory, close)


def room(spec: Spec) -> int:
    """The bytes that a slot takes."""
    return spec.size + (HEAD if spec.kind == "array" else WORD)


def no_whole_array(spec: Spec) -> Refusal | None:
    """A refusal of arrays that aren't a whole number of float64."""
    if spec.kind == "array" and spec.size % 8:
        return Refusal("size", f"a float64 array takes a multiple of 8 bytes, not {spec.size:,}")
    return None


def release(view: memoryview) -> None:
    """Release a view, unless something that its holder built on it, such as a numpy array, still needs it."""
    with suppress(BufferError):
        view.release()
