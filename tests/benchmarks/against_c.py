"""What Python costs: the suite's round trip over the same primitive with the same framing in C, pinned alike, in turn.

`python against_c.py [PAIRINGS]`. The hand-over figures compare with two copies of the payload (memcpy) in a row: between buffers in
ordinary pages, as bytes and shared memory have them on most systems, and in the huge pages that numpy asks the kernel for.
"""

import sys
import tempfile
from itertools import cycle, islice, product
from pathlib import Path
from time import perf_counter

import arms
import numpy as np

from ipcbench.bench import floor, placement

ROWS = (
    ("os-pipe", "", "pipe", "64B", "same-core", 1.5),
    ("os-pipe", "", "pipe", "64B", "cross-core", 1.15),
    ("shared-memory", "", "shared-memory", "64B", "same-core", 1.4),
    ("shared-memory-ring", "/wait=spin", "spin", "64B", "cross-core", 7.0),
    ("unix-stream", "", "unix-stream", "64B", "same-core", None),
    ("tcp", "", "tcp", "64B", "same-core", None),
    ("fifo", "", "fifo", "64B", "same-core", None),
)
COPIES = ("ordinary pages", "huge pages")
MOST = 1.2
HANDOVER = "round-trip/shared-memory-ring/bytes/16MiB/1/fork/cross-core/consume=none"
WAITS = {"": HANDOVER, " wait=spin": f"{HANDOVER},wait=spin"}
"""Waking a side that has slept through the other's copy takes a tenth of the time on a virtual machine: a spin shows the copies alone."""


def main(pairings=10):
    cores = placement.allowed()
    print("| mechanism | against | size | placement | ratio | middle half | bound |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        program = floor.build(Path(folder))
        for name, variant, primitive, label, place, bound in ROWS:
            near, far = (placement.cpus(place, side, cores)[0] for side in ("near", "far"))
            ours = arms.suite_arm(f"round-trip/{name}/bytes/{label}/1/fork/{place}{variant}")
            middle, low, high = arms.compare(ours, [program, primitive, 64, near, far], pairings)
            failed |= bound is not None and middle > bound
            print(
                f"| {name}{variant[1:] and ' ' + variant[1:]} | c-{primitive} | {label} | {place} "
                f"| {middle:.2f} | {low:.2f}–{high:.2f} | {bound or ''} |",
                flush=True,
            )
    for (wait, case), kind in product(WAITS.items(), COPIES):
        copies = [sys.executable, Path(__file__).parent / "against_c.py", kind, 16 << 20, cores[-1]]
        middle, low, high = arms.compare(arms.suite_arm(case), copies, pairings)
        failed |= middle > MOST
        print(
            f"| shared-memory-ring hand-over{wait} | two memcpy, {kind} | 16MiB | cross-core "
            f"| {middle:.2f} | {low:.2f}–{high:.2f} | {MOST} |",
            flush=True,
        )
    return int(failed)


def two_copies(kind, size, cpu):
    """An arm whose operation is two copies of the size, from rotating sources as a round trip's."""
    placement.pin((cpu,))
    if kind == "huge pages":
        sources = cycle([np.full(size, index, np.uint8) for index in range(2)])
        one, two = np.ones(size, np.uint8), np.ones(size, np.uint8)
    else:
        sources = cycle([bytes([index]) * size for index in range(2)])
        one, two = (memoryview(bytearray(b"\x01" * size)) for _ in range(2))
    print("ready", flush=True)
    for line in sys.stdin:
        begin = perf_counter()
        for source in islice(sources, int(line)):
            one[:] = source
            two[:] = one
        print(repr(perf_counter() - begin), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in COPIES:
        two_copies(sys.argv[1], *map(int, sys.argv[2:]))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
