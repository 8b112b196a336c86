"""What arrived, in which order and how often: messages carry their number, the receiver takes it down.

A message counts as *reordered* when a later one arrived before it (RFC 4737, section 3), as *duplicated* each time that it comes
again (RFC 5560), and as lost when it never comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ipcbench.bench.workload import Delivery

__all__ = ["LEAST", "Arrivals", "numbered"]

LEAST = 8
"""Bytes of a number: smaller messages can't carry one."""


def numbered(body: bytes) -> Iterator[bytes]:
    """Messages of the body's size, each with its number in front."""
    rest = body[LEAST:]
    return (number.to_bytes(LEAST, "little") + rest for number in count())


class Arrivals:
    """Numbered messages as they arrive."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.expected = self.duplicated = self.reordered = 0

    def take(self, message: bytes) -> int:
        """Take the message's number down and give it."""
        number = int.from_bytes(message[:LEAST], "little")
        if number in self.seen:
            self.duplicated += 1
        elif number < self.expected:
            self.reordered += 1
        else:
            self.expected = number + 1
        self.seen.add(number)
        return number

    def delivery(self, sent: int) -> Delivery:
        """What became of that many."""
        return Delivery(sent, len(self.seen), self.duplicated, self.reordered)
