"""Seeded payloads of each kind, a rotation of different ones, so that no cache or shortcut flatters a mechanism.

Both sides make the same rotation from the same seed: the receiver can check content, order and boundaries.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["END", "copying", "credit", "equal", "marks", "receiver", "refusal", "rotation", "target"]

BLOCK = (1 << 16) + 7  # no multiple of a page or of a power of two: a shifted or repeated chunk shows
MOST = 8
ROOM = 32 << 20  # bytes that one rotation may take
SEED = 1
SMALL_OBJECT = 224
LARGE_OBJECT = 4096

END: dict[str, Any] = {"bytes": b"", "object": {}}


def refusal(kind: str, size: int) -> str | None:
    """Why there is no payload of that kind and size, or None."""
    if kind == "array" and size % 8:
        return f"a float64 array takes a multiple of 8 bytes, not {size:,}"
    if kind == "object" and size < SMALL_OBJECT:
        return f"a task message takes at least {SMALL_OBJECT} bytes pickled, not {size:,}"
    if kind == "scalar" and size != 8:
        return f"a scalar takes 8 bytes, not {size:,}"
    return None


def rotation(kind: str, size: int) -> list[Any]:
    """Up to eight different payloads of that kind and size, always the same."""
    count = max(2, min(MOST, ROOM // size))
    makers: dict[str, Callable[[int, random.Random, int], Any]] = {
        "array": _array,
        "object": _object,
        "scalar": lambda _size, chance, index: index + chance.random(),
    }
    if kind == "bytes":
        return _bytes(size, count, SEED)
    return [makers[kind](size, random.Random(SEED * 1000 + index), index) for index in range(count)]


def _bytes(size: int, count: int, seed: int) -> list[bytes]:
    block = random.Random(seed).randbytes(min(BLOCK, 2 * size + 64 * count + 64))
    repeated = memoryview(block * (1 + (size + 64 * count) // len(block)))
    return [bytes([index]) + repeated[64 * index + 1 : 64 * index + size] for index in range(count)]


def _array(size: int, chance: random.Random, index: int) -> Any:
    import numpy as np

    array = np.frombuffer(_bytes(size, 1, chance.randrange(1 << 30))[0], dtype=np.uint8).astype(np.uint8)
    values = (array.view(np.uint64) >> 12).astype(np.float64)
    values[0] = index
    return values


def _object(size: int, chance: random.Random, index: int) -> dict[str, Any]:
    """A task message; from 4 KiB on it carries rows. Padded so that its pickle has just `size` bytes, or up to three less."""
    task: dict[str, Any] = {
        "id": index,
        "name": f"resize-image-{chance.randrange(10**6):06}",
        "owner": f"user-{chance.randrange(10**4):04}@example.org",
        "priority": chance.random(),
        "tags": ["batch", "gpu", f"zone-{chance.randrange(9)}"],
        "note": "",
    }
    if size >= LARGE_OBJECT:
        row = len(pickle.dumps(_row(chance), 5))
        task["rows"] = [_row(chance) for _ in range((size - 1024) // row)]
    room = size - len(pickle.dumps(task, 5))
    note = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz ", k=max(0, min(room, 1 << 12))))
    task["note"] = note + "x" * (room - len(note))
    excess = len(pickle.dumps(task, 5)) - size  # a longer text has a longer head, and a large pickle more frames
    task["note"] = task["note"][: max(0, room - excess)]
    return task


def _row(chance: random.Random) -> dict[str, Any]:
    return {"x": chance.random(), "y": chance.random(), "label": f"item-{chance.randrange(10**6):06}"}


def equal(kind: str, sent: Any, received: Any) -> bool:
    """Whether what came is what was sent, content and length."""
    if kind == "bytes":
        return len(sent) == len(received) and bytes(sent) == bytes(received)
    if kind == "array":
        return bool(sent.shape == received.shape and (sent == received).all())
    return bool(sent == received)


def credit(kind: str) -> Any:
    """A small message that a receiver sends back: room for more, or an acknowledgement."""
    if kind == "array":
        import numpy as np

        return np.ones(1)
    return {"bytes": b"\x01", "object": {"credit": 1}, "scalar": 1.0}[kind]


def marks(kind: str, size: int, count: int) -> Iterator[Any]:
    """So many messages of that size that differ from all of a rotation, and from each other."""
    if kind == "array":
        import numpy as np

        return (np.full(size // 8, -1.0 - index) for index in range(count))
    if kind == "bytes":
        return (bytes([255 - index]) * size for index in range(count))
    return ({"mark": index} for index in range(count))


def end(kind: str) -> Any:
    """The message that ends a stream on a shared channel: the only one with a length of nothing."""
    if kind == "array":
        import numpy as np

        return np.ones(0)
    return END[kind]


def target(kind: str, size: int) -> Any:
    """What a receiver copies messages into, its pages touched; None for kinds that recv() consumes by itself."""
    if kind == "bytes":
        return bytearray(b"\x01" * size)
    if kind == "array":
        import numpy as np

        return np.ones(size // 8)
    return None


def receiver(recv: Callable[[], Any], kind: str, buffer: Any) -> Callable[[], Any]:
    """Receives one message by `recv`, copies it into the buffer and gives it back."""
    if kind == "bytes":
        view = memoryview(buffer)

        def receive_bytes() -> Any:
            view[:] = message = recv()
            return message

        return receive_bytes
    if kind == "array":
        import numpy as np

        copyto = np.copyto

        def receive_array() -> Any:
            message = recv()
            copyto(buffer, message)
            return message

        return receive_array
    return recv


def copying(recv: Callable[[], Any], kind: str, buffer: Any) -> Callable[[], Any]:
    """`receiver` where an END may come, which is empty: it isn't copied."""
    if kind == "array":
        import numpy as np

        copyto = np.copyto

        def receive_array() -> Any:
            message = recv()
            if len(message):
                copyto(buffer, message)
            return message

        return receive_array
    view = memoryview(buffer)

    def receive_bytes() -> Any:
        message = recv()
        if message:
            view[:] = message
        return message

    return receive_bytes
