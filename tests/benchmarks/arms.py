"""Two ways to do the same work, alive side by side and timed in turn: what the scripts of this folder share.

An *arm* is a process that answers a number of loops with seconds. A *pairing* starts two fresh arms and lets them
run short bursts in random ABBA or BAAB order; its value is the median log-ratio of its pairs.
"""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
from pathlib import Path

BURST = 0.008
PAIRS = 24


class Arm:
    """A process that is asked for loops and answers with seconds."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline().startswith("ready"), command

    def run(self, loops):
        self.process.stdin.write(f"{loops}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def suite_arm(case_id):
    """The suite's own round trip of that case."""
    return [sys.executable, Path(__file__).parent / "suite_arm.py", case_id]


def loops_for(arm, seconds=BURST):
    """By two calls, of which the faster counts: the first one is cold, and any may be interrupted."""
    loops = 1
    while (took := min(arm.run(loops) for _ in range(2))) < seconds / 4:
        loops *= 2
    return max(1, round(loops * seconds / took))


def pairing(first, second, pairs=PAIRS):
    """The median log-ratio first/second of one pair of fresh arms."""
    with Arm(first) as one, Arm(second) as two:
        loops = loops_for(two)
        ratios = []
        for _ in range(pairs):
            order = random.choice(((one, two, two, one), (two, one, one, two)))
            took = {one: 0.0, two: 0.0}
            for arm in order:
                arm.run(max(1, loops // 10))
                took[arm] += arm.run(loops)
            ratios.append(math.log(took[one] / took[two]))
    return statistics.median(ratios)


def compare(first, second, pairings):
    """Median ratio over pairings, and the range that holds the middle half of them."""
    values = sorted(math.exp(pairing(first, second)) for _ in range(pairings))
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return middle, low, high
