"""What the harness adds to a bare loop: the suite's round trip over a hand-written one, both alive, in turn.

Bounds: 3 % for pipe, unix-stream and queue on one core; 25 % for the spinning ring across cores.
`python honesty.py [PAIRINGS]`, at least ten.
"""

import sys
from pathlib import Path

import arms

from ipcbench.bench import placement

BARE = Path(__file__).parent / "bare.py"
SIZES = {64: "64B", 1 << 20: "1MiB"}


def main(pairings=10):
    cores = placement.allowed()
    print(
        "| mechanism | size | placement | suite / bare | middle half | bound |\n| --- | --- | --- | --- | --- | --- |"
    )
    failed = False
    for name, place, bound in (
        ("pipe", "same-core", 1.03),
        ("unix-stream", "same-core", 1.03),
        ("queue", "same-core", 1.03),
        ("pipe", "cross-core", None),
        ("unix-stream", "cross-core", None),
        ("queue", "cross-core", None),
        ("shared-memory-ring", "cross-core", 1.25),
    ):
        for size, label in SIZES.items():
            variant = "/wait=spin" if "ring" in name else ""
            near, far = (placement.cpus(place, side, cores)[0] for side in ("near", "far"))
            ours = arms.suite_arm(f"round-trip/{name}/bytes/{label}/1/fork/{place}{variant}")
            bare = [sys.executable, BARE, name, size, near, far]
            middle, low, high = arms.compare(ours, bare, pairings)
            failed |= bound is not None and middle > bound
            print(f"| {name} | {label} | {place} | {middle:.3f} | {low:.3f}–{high:.3f} | {bound or ''} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
