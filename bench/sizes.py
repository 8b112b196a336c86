"""Sizes in bytes as people write them: 64, 64B, 1KiB, 16MiB, and `around:64KiB` to look at a cliff closely."""

from __future__ import annotations

import re

__all__ = ["around", "label", "parse"]

UNITS = {"B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
SHORT = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "KI": 1 << 10, "MI": 1 << 20, "GI": 1 << 30}
LARGEST = 256 << 20
"""Beyond this a message is refused: two ends with a rotation of payloads would fill most machines."""


def label(size: int) -> str:
    """`65536` as `64KiB`: the largest unit that divides it, so that `parse(label(n)) == n`."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


def parse(text: str) -> int:
    """Bytes of `64`, `64B`, `1k`, `1KiB`, `16 MiB`; 0 where nothing is carried. Raises ValueError with what would be right."""
    found = re.fullmatch(r"\s*(\d+)\s*([a-zA-Z]*)\s*", text)
    factor = (UNITS | SHORT).get(found[2].upper()) if found else None
    if found is None or factor is None:
        raise ValueError(
            f"{text!r} is no size: {_nearest(text)}write bytes or a power of two, such as 64, 1KiB or 16MiB"
        )
    size = int(found[1]) * factor
    if size > LARGEST:
        raise ValueError(f"{text!r} is more than {label(LARGEST)}")
    return size


def _nearest(text: str) -> str:
    """The size that is meant, as a question, where it begins with a number and perhaps a unit: 64KiB of `64KB`."""
    found = re.match(r"\s*(\d+)\s*([kmg]?)(?![\d.])", text, re.IGNORECASE)
    if found is None or int(found[1]) * SHORT[found[2].upper()] > LARGEST:
        return ""
    return f"did you mean '{found[1]}{found[2] and found[2].upper() + 'iB'}'? Else "


def around(size: int) -> list[int]:
    """Sizes that show a cliff at `size`: half, 3/4, just below, at, just above, 5/4, 3/2 and double."""
    near = max(1, size // 64)
    sizes = {size // 2, size * 3 // 4, size - near, size, size + near, size * 5 // 4, size * 3 // 2, size * 2}
    return sorted(each for each in sizes if 1 <= each <= LARGEST)
