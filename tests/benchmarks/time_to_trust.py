"""How long the suite takes to an interval, against a stock pyperf script over the same cases on the same machine.

`python time_to_trust.py [--cases 30] [--minutes 8] [--free]`: stock pyperf at its defaults measures the cases in random order, one script
a case, as far as it gets in that time; what it would take for the others is scaled from those. Before each case the suite measures all of
them for some seconds, so that both see the same moods of the machine. The suite's time is that after which its median half-width, over
the cases that both have, was no wider than stock pyperf's in the end; where that isn't reached meanwhile, it goes on. Nothing of it is
scaled.

The placement is part of a case: half of them have both ends on one core, half a core each. The stock script is lent the suite's pinning, so
that nothing but the way of taking samples is compared. `--free` takes it away, as in a script that pins nothing: then it measures something
else, whose two speeds (the scheduler puts both ends on one core or on two) make its intervals wide.

Both intervals are by one rule: the suite's own, over the figure of each worker; beside it, by the plain t interval over worker means.
Stock pyperf's workers of a case follow each other within a quarter of a minute, so its intervals leave out what changes more slowly; the
suite's don't.
Against stock pyperf as it comes, `--free`, the suite is to need at most a quarter of the time: beyond that the script exits with 1 (it took
0.18). Against one that is lent the pinning, the default, no bound is set (it took 0.40; docs/design.md says why). The machine
should have nothing else to do.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median, stdev

import pyperf
from scipy.special import stdtrit

from ipcbench.bench.case import Case
from ipcbench.reports.stats import half_width

MECHANISMS = ("os-pipe", "queue", "raw-array", "tcp", "manager-queue")
"""Of one form each: a run chooses by mechanism, so it would measure the variants of `pipe` and `shared-memory` too, which stock pyperf
is spared here (for long it measured 45 cases against 30 so)."""
SIZES = (64, 1 << 16, 1 << 20)
PLACES = ("same-core", "cross-core")
IPCBENCH = [sys.executable, "-c", "from ipcbench.bench.console import main; main()"]
FINEST = "0.1%"
"""What the suite is asked for: no case of its stops at the precision that is compared, as none of stock pyperf's does."""
STEP = 5.0
"""Seconds that the suite measures after each case of stock pyperf's."""
BOUND = 0.25
"""Of the time of stock pyperf as it comes."""


def plain(workers):
    """Half the t interval of the means of these workers, as a share of their mean."""
    means = [fmean(values) for values in workers]
    return float(stdtrit(len(means) - 1, 0.975)) * stdev(means) / math.sqrt(len(means)) / fmean(means)


RULES = {"the suite's rule": half_width, "plain t over worker means": plain}


def workers_of(file):
    """By case, the values of each worker, in any pyperf file."""
    return {
        Case.parse(each.get_name()): [run.values for run in each.get_runs() if run.values]
        for each in pyperf.BenchmarkSuite.load(str(file))
    }


def timed(command):
    begun = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def stock(case, free, file):
    """Seconds that stock pyperf takes for a case, and its workers."""
    placed = replace(case, placement="free") if free else case
    script = Path(__file__).with_name("stock.py")
    took = timed([sys.executable, script, "--quiet", "--case", placed.id, "-o", file])
    (workers,) = workers_of(file).values()
    return took, workers


class Suite:
    """The suite's run, which goes on step by step; after each, its seconds of measuring and the workers of each case are kept."""

    def __init__(self, mechanisms, folder):
        self.folder, self.steps = folder, []
        axes = [
            "--workload",
            "round-trip",
            "--payload",
            "bytes",
            "--start-method",
            "fork",
            "--placement",
            ",".join(PLACES),
        ]
        chosen = ["--only", ",".join(mechanisms), "--size", ",".join(map(str, SIZES))]
        self.begin = [*IPCBENCH, "run", *axes, *chosen, "--precision", FINEST, "--output", folder]
        self.resume = [*IPCBENCH, "run", "--resume", "--output", folder]

    def step(self):
        timed([*(self.resume if self.steps else self.begin), "--budget", f"{STEP}s"])
        file = self.folder / "run.json"
        self.steps.append((json.loads(file.read_text())["ipcbench"]["seconds"], workers_of(file)))

    def reached(self, compared, target):
        """The first of the steps whose median half-width over these cases is on target, or None."""
        return next(
            (s for s in self.steps if median(half_width(s[1].get(case, [])) for case in compared) <= target), None
        )

    def until(self, compared, target, longest):
        """The step that reached the target. It gives up after the longest time, with the last step."""
        while not (found := self.reached(compared, target)) and self.steps[-1][0] < longest:
            self.step()
        seconds, workers = found or self.steps[-1]
        return seconds + timed([*IPCBENCH, "report", self.folder]), workers


def in_turn(cases, seconds, free, suite, folder):
    """Stock pyperf's seconds for all cases (scaled from those done in the time, at least one) and workers of those.

    The suite steps before each.
    """
    took, found = [], {}
    for index, case in enumerate(cases):
        if took and sum(took) + fmean(took) > seconds:
            break
        suite.step()
        one, found[case] = stock(case, free, folder / f"{index}.json")
        took.append(one)
    return fmean(took) * len(cases), found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=30, help="a multiple of six, up to 30")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--free", action="store_true", help="stock pyperf without the suite's pinning")
    options = parser.parse_args()
    mechanisms = MECHANISMS[: max(1, options.cases // len(SIZES) // len(PLACES))]
    cases = [
        Case("round-trip", name, "bytes", size, 1, "fork", place)
        for name in mechanisms
        for size in SIZES
        for place in PLACES
    ]
    random.shuffle(cases)
    with tempfile.TemporaryDirectory(prefix="trust-") as folder:
        suite = Suite(mechanisms, Path(folder, "suite"))
        theirs, other = in_turn(cases, options.minutes * 60, options.free, suite, Path(folder))
        ours, mine = suite.until(list(other), median(map(half_width, other.values())), theirs)
    print(f"stock pyperf's processes: {'placed by the scheduler' if options.free else 'pinned as the suite does'}")
    report(ours, mine, theirs, other, len(cases))
    return int(options.free and ours > BOUND * theirs)


def report(ours, mine, theirs, other, count):
    for case in sorted(other):
        print(
            f"  {case.id}: suite {half_width(mine[case]):.1%} of {len(mine[case])} workers, stock {half_width(other[case]):.1%}"
        )
    print(f"suite: {ours:.0f} s for {count} cases, {fmean(map(len, mine.values())):.1f} workers a case")
    scaled = "" if len(other) == count else f" (scaled: {len(other)} of them were run)"
    print(
        f"stock pyperf: {theirs:.0f} s for {count} cases{scaled}, {fmean(map(len, other.values())):.1f} workers a case"
    )
    for rule, half in RULES.items():
        for place in (*PLACES, ""):
            cases = [case for case in other if case.placement == place or not place]
            widths = [median(half(side[case]) for case in cases) for side in (mine, other) if cases]
            print(
                f"median half-width, {place or 'all'}, by {rule}: suite {widths[0]:.1%}, stock {widths[1]:.1%}"
                if cases
                else ""
            )
    print(f"the suite took {ours / theirs:.3f} of stock pyperf's time")


if __name__ == "__main__":
    sys.exit(main())
