"""How long the suite takes to an interval, against a stock pyperf script over the same cases on the same machine.

`python time_to_trust.py [--cases 30] [--minutes 8] [--free]`: stock pyperf at its defaults measures the cases in random order, one script
a case, as far as it gets in that time; what it would take for the others is scaled from those. Then the suite measures all cases until the
median half-width over those that both have is no wider than stock pyperf's: nothing of the suite's time is scaled.

The placement is part of a case: half of them have both ends on one core, half a core each. The stock script is lent the suite's pinning, so
that nothing but the way of taking samples is compared. `--free` takes it away, as in a script that pins nothing: then it measures something
else, whose two speeds (the scheduler puts both ends on one core or on two) make its intervals wide.

Both intervals are by one rule: the suite's own, over the figure of each worker; beside it, by the plain t interval over worker means.
The suite needs at most a quarter; an eighth is aimed at. The machine should have nothing else to do.
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

MECHANISMS = ("pipe", "queue", "shared-memory", "tcp", "manager-queue")
SIZES = (64, 1 << 16, 1 << 20)
PLACES = ("same-core", "cross-core")
IPCBENCH = [sys.executable, "-c", "from ipcbench.bench.console import main; main()"]
FINER = 4
"""The suite is asked for a finer precision than its median must reach: where half the cases stopped at the target, the median would be
that of the others, while stock pyperf's narrow half goes on narrowing."""
STEP = 10.0
"""Seconds that the suite measures between two looks at its intervals."""


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


def stock(cases, seconds, free, folder):
    """Seconds for all cases (scaled from those done in the time, at least one), and each done case's workers."""
    begun, took, found = time.perf_counter(), [], {}
    for index, case in enumerate(cases):
        if took and time.perf_counter() - begun + fmean(took) > seconds:
            break
        file, placed = folder / f"{index}.json", replace(case, placement="free") if free else case
        script = Path(__file__).with_name("stock.py")
        took.append(timed([sys.executable, script, "--quiet", "--case", placed.id, "-o", file]))
        (found[case],) = workers_of(file).values()
    return fmean(took) * len(cases), found


def suite(mechanisms, compared, target, longest, folder):
    """Seconds of measuring and of one report until the median half-width of the compared cases is on target, and each case's workers.

    It gives up after the longest time: stock pyperf's.
    """
    axes = ["--workload", "round-trip", "--payload", "bytes", "--start-method", "fork", "--placement", ",".join(PLACES)]
    chosen = ["--only", ",".join(mechanisms), "--size", ",".join(map(str, SIZES))]
    asked = ["--precision", f"{100 * target / FINER}%", "--budget", f"{STEP}s", "--output", folder]
    timed([*IPCBENCH, "run", *axes, *chosen, *asked])
    begun = time.perf_counter()
    while median(half_width(workers_of(folder / "run.json")[case]) for case in compared) > target:
        if time.perf_counter() - begun > longest:
            break
        timed([*IPCBENCH, "run", "--resume", "--budget", f"{STEP}s", "--output", folder])
    measuring = json.loads((folder / "run.json").read_text())["ipcbench"]["seconds"]
    return measuring + timed([*IPCBENCH, "report", folder]), workers_of(folder / "run.json")


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
        theirs, other = stock(cases, options.minutes * 60, options.free, Path(folder))
        target = median(map(half_width, other.values()))
        ours, mine = suite(mechanisms, list(other), target, theirs, Path(folder, "suite"))
    print(f"stock pyperf's processes: {'placed by the scheduler' if options.free else 'pinned as the suite does'}")
    report(ours, mine, theirs, other, len(cases))


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
    for rule, half in {"the suite's rule": half_width, "plain t over worker means": plain}.items():
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
    main()
