"""Payloads by kind and size: patterned, so that a lost, shifted or repeated piece shows."""

import random


def sample(kind, size, seed=0):
    chance = random.Random(f"{kind} {size} {seed}")
    if kind == "bytes":
        return chance.randbytes(size)
    if kind == "scalar":
        return chance.random()
    if kind == "array":
        import numpy as np

        return np.arange(size // 8, dtype=np.float64) + chance.random()
    return {"seed": seed, "text": "x" * (size // 2), "items": [chance.random(), None, b"raw"], "nested": {"a": (1, 2)}}


def plain(message):
    """Something to compare and to send by a pipe: views become bytes, arrays lists."""
    if isinstance(message, (bytearray, memoryview)):
        return bytes(message)
    return message.tolist() if hasattr(message, "tolist") else message


def blank(kind, size):
    """A buffer to receive into, or None for kinds that go into none."""
    if kind == "bytes":
        return bytearray(size)
    if kind == "array":
        import numpy as np

        return np.zeros(size // 8)
    return None


def sizes(kind, size, exact):
    """Some sizes up to the channel's: the smallest, round a header and a page, and the largest."""
    if exact or kind == "scalar":
        return [size] * 3
    step = 8 if kind == "array" else 1
    return [s for s in (step, 8, 64, 56, 4096 // step * step, 4104, size - step, size) if s <= size]
