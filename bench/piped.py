"""The program at the other end of a child's pipes: says that it is up, then takes, gives or prints what its arguments say.

Run by its path in a fresh interpreter; the end of its standard input is the word to begin, or the end of what it takes.
"""

import os
import sys
import time

UP = b"!"
PIECE = 64 << 10
WORK = 0.02
"""Seconds that the printing child goes on after its first line."""


def take(check: bool) -> None:
    """Read all of standard input into one buffer; answer how much that was, and its checksum if asked to."""
    import zlib

    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    total = checksum = 0
    os.write(1, UP)
    while count := os.readv(0, [buffer]):
        total += count
        if check:
            checksum = zlib.crc32(view[:count], checksum)
    os.write(1, b"%d %d" % (total, checksum))


def give(path: str) -> None:
    """Write what the file holds."""
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib would take longer to import
        content = memoryview(file.read())
    os.write(1, UP)
    os.read(0, 1)
    while content:
        content = content[os.write(1, content) :]


def print_lines(flush: bool) -> None:
    """Print a line, work, and print another."""
    os.write(1, UP)
    os.read(0, 1)
    print("first", flush=flush)
    until = time.perf_counter() + WORK
    while time.perf_counter() < until:
        pass
    print("last")


if __name__ == "__main__":
    what, *about = sys.argv[1:]
    if what == "take":
        take("check" in about)
    elif what == "give":
        give(about[0])
    else:
        print_lines("flush" in about)
