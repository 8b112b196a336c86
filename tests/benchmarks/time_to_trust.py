"""How long the suite takes to an interval, against a stock pyperf script over the same cases on the same machine.

`python time_to_trust.py [--cases 30] [--minutes 10] [--pinned]`: an eighth of the time goes to the suite, the rest to stock pyperf at its
defaults, one script a case in random order. What stock pyperf would take for the cases that it doesn't get to is scaled from those it does.

A stock script pins nothing: the scheduler places its two processes, while the suite gives each a core of its own, so what they
measure may differ. `--pinned` lends the stock script the suite's pinning, and so compares nothing but how the samples are taken.

Both intervals are by one rule: the suite's own, over the same figure of each worker; beside it, by the plain t interval over worker means.
An interval narrows by the root of the time, so the suite's time is scaled by the square of the ratio of the median widths.
The suite needs at most a quarter; an eighth is aimed at. The machine should have nothing else to do.
"""

import argparse
import math
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean, median, stdev

import pyperf
from scipy.special import stdtrit

from ipcbench.bench.case import Case
from ipcbench.reports.stats import half_width

MECHANISMS = (
    "pipe",
    "queue",
    "shared-memory",
    "tcp",
    "manager-queue",
    "os-pipe",
    "simple-queue",
    "unix-stream",
    "array",
    "fifo",
)
SIZES = (64, 1 << 16, 1 << 20)
IPCBENCH = [sys.executable, "-c", "from ipcbench.bench.cli import main; main()"]


def plain(workers):
    """Half the t interval of the means of these workers, as a share of their mean."""
    means = [fmean(values) for values in workers]
    return float(stdtrit(len(means) - 1, 0.975)) * stdev(means) / math.sqrt(len(means)) / fmean(means)


RULES = {"the suite's rule": half_width, "plain t over worker means": plain}


def workers_of(file):
    """By mechanism and size, the values of each worker, in any pyperf file."""
    found = {}
    for each in pyperf.BenchmarkSuite.load(str(file)):
        case = Case.parse(each.get_name())
        found[case.mechanism, case.size] = [run.values for run in each.get_runs() if run.values]
    return found


def timed(command):
    begun = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def stock(cases, seconds, folder):
    """Seconds for all cases (scaled from those done in the time, at least one), and each done case's workers."""
    begun, took, found = time.perf_counter(), [], {}
    for index, case in enumerate(cases):
        if took and time.perf_counter() - begun + fmean(took) > seconds:
            break
        file = folder / f"{index}.json"
        took.append(
            timed([sys.executable, Path(__file__).with_name("stock.py"), "--quiet", "--case", case.id, "-o", file])
        )
        found |= workers_of(file)
    return fmean(took) * len(cases), found


def suite(mechanisms, seconds, folder):
    """Seconds of the whole command, report included, and each case's workers."""
    axes = ["--workload", "round-trip", "--payload", "bytes", "--start-method", "fork", "--placement", "cross-core"]
    chosen = ["--only", ",".join(mechanisms), "--size", ",".join(map(str, SIZES))]
    asked = ["--precision", "0.1%", "--budget", f"{seconds:.0f}s", "--output", folder]
    return timed([*IPCBENCH, "run", *axes, *chosen, *asked]), workers_of(folder / "run.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=30, help="a multiple of three, up to 30")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pinned", action="store_true", help="stock pyperf with the suite's pinning")
    options = parser.parse_args()
    mechanisms = MECHANISMS[: max(1, options.cases // len(SIZES))]
    place = "cross-core" if options.pinned else "free"
    cases = [Case("round-trip", name, "bytes", size, 1, "fork", place) for name in mechanisms for size in SIZES]
    random.shuffle(cases)
    with tempfile.TemporaryDirectory(prefix="trust-") as folder:
        ours, mine = suite(mechanisms, options.minutes * 60 / 8, Path(folder, "suite"))
        theirs, other = stock(cases, options.minutes * 60 * 7 / 8, Path(folder))
    print(f"stock pyperf's processes: {'pinned as the suite does' if options.pinned else 'placed by the scheduler'}")
    report(ours, mine, theirs, other, len(cases))


def report(ours, mine, theirs, other, count):
    for name in sorted(other):
        print(f"  {name[0]} {name[1]:,} B: suite {half_width(mine[name]):.1%}, stock {half_width(other[name]):.1%}")
    print(f"suite: {ours:.0f} s for {count} cases, {fmean(len(mine[name]) for name in mine):.1f} workers a case")
    scaled = "" if len(other) == count else f" (scaled: {len(other)} of them were run)"
    print(
        f"stock pyperf: {theirs:.0f} s for {count} cases{scaled}, {fmean(len(each) for each in other.values()):.1f} workers a case"
    )
    for rule, half in RULES.items():
        widths = [median(half(side[name]) for name in other) for side in (mine, other)]
        needed = ours * (widths[0] / widths[1]) ** 2
        print(
            f"median half-width over the {len(other)} cases both have, by {rule}: suite {widths[0]:.1%}, stock {widths[1]:.1%}; "
            f"for stock's width the suite needs {needed:.0f} s (scaled by the square of the ratio): {needed / theirs:.3f} of stock's time"
        )


if __name__ == "__main__":
    main()
