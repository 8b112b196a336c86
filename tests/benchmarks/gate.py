"""The gate measured by itself: false alarms and what it finds, beside `check` on stored runs and stock `pyperf compare_to`.

`python gate.py record [--minutes 25] [--duels N] [--file F]` fights duels of A against itself, and against itself doing every tenth or
twentieth operation twice, with and without background load; and takes samples of workers as stored runs hold them.
`python gate.py evaluate [--file F]` prints a Markdown table, by the decisions of the product itself. Figures and how: docs/gate.md.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pyperf
from scipy.stats import binomtest

from ipcbench.bench import ab, arm, checking, machine
from ipcbench.bench.cli import DUELS
from ipcbench.bench.duel import bursts, fight, loops_for, warm_up
from ipcbench.bench.sampling import calibrate
from ipcbench.bench.scratch import temporary
from ipcbench.bench.task import replace_file
from ipcbench.bench.workload import Measured
from ipcbench.reports import gate

DATA = Path(__file__).parent / "data" / "duels.json.gz"
CASES = [
    *(f"round-trip/{name}/bytes/64B/1/fork/same-core" for name in ("pipe", "unix-stream", "queue", "shared-memory")),
    *(f"round-trip/{name}/bytes/64B/1/fork/cross-core" for name in ("pipe", "queue")),
]
SAME, TENTH, TWENTIETH = 0, 10, 20
"""B does each such operation twice; 0: none."""
NAMES = {SAME: "A/A", TENTH: "+10 %", TWENTIETH: "+5 %"}
OFTEN = 5
"""Times a round that A fights itself on one core: what is asked there, one false alarm in a hundred, takes many windows to bound."""
VALUE, VALUES, WORKERS = 0.005, 8, 10
"""A stored run, as `run` takes it: seconds of a value, values of a worker, workers of a case."""
LOADS = ("idle", "load")
RESAMPLES = 1000
BURNER = """
import os, time
while os.getppid() == {parent}:
    end = time.monotonic() + 0.05
    while time.monotonic() < end: pass
    time.sleep(0.05)
"""


# ---- recording ----


class Repeating:
    """An arm that does every n-th operation twice: its seconds are those of the operations asked for and a share more."""

    def __init__(self, arm_, every):
        self.arm, self.every = arm_, every

    def run(self, loops):
        return self.arm.run(loops + (loops // self.every if self.every else 0))


@contextmanager
def load():
    """One unpinned process that burns 50 ms and rests 50 ms."""
    import os

    with subprocess.Popen([sys.executable, "-c", BURNER.format(parent=os.getpid())]) as process:
        try:
            yield
        finally:
            process.kill()


class Recorder:
    def __init__(self, folder, seed):
        self.folder, self.chance, self.loops = folder, random.Random(seed), {}
        self.script = folder / "arm" / "arm.py"
        self.script.parent.mkdir()
        shutil.copyfile(arm.__file__, self.script)

    def fresh(self, case):
        command = [sys.executable, str(self.script), case]
        return fight([("A", command), ("B", command)], self.folder, self.chance)

    def duel(self, case, every):
        with self.fresh(case) as (one, other):
            self.loops.setdefault(case, loops_for(one))
            loops = max(self.loops[case], every)
            return bursts([one, Repeating(other, every)], loops, warm_up(one, loops), self.chance).value

    def workers(self, case, every):
        """Two workers, one of each side of a fresh pair, one after the other; each takes its values."""
        taken = []
        with self.fresh(case) as arms:
            for each in arms:
                key = (case, "worker")
                if key not in self.loops:
                    self.loops[key] = calibrate(lambda count: Measured(arms[0].run(count)), VALUE, 1)
                loops, repeating = self.loops[key], Repeating(each, every)
                repeating.run(loops)
                taken.append([repeating.run(loops) / loops for _ in range(VALUES)])
        return taken


def record(minutes, duels, file):
    """Rounds of each case and injection once in random order, with and without load in turn, until time or duels are used up."""
    chance, begun = random.Random(), time.monotonic()
    facts = {name: value for name, value in machine.facts().items() if value not in (None, "")}
    data = {"about": {"machine": facts, "seconds": 0.0}, "duels": [], "workers": []}
    points = list(itertools.product(CASES, NAMES))
    equals = [(case, SAME) for case in CASES if case.endswith("same-core")]
    duelled = [*points, *equals * (OFTEN - 1)]
    with temporary() as folder:
        recorder = Recorder(folder, chance.randrange(1 << 30))
        for number in itertools.count():
            if time.monotonic() - begun > 60 * minutes or len(data["duels"]) >= duels:
                break
            loaded = number % 2
            with load() if loaded else nullcontext():
                for case, every in chance.sample(duelled, len(duelled)):
                    data["duels"].append([case, loaded, every, round(recorder.duel(case, every), 6)])
                if number % 4 < 2:  # each second round of either kind: a pair gives two workers
                    for case, every in chance.sample(points, len(points)):
                        data["workers"] += [[case, loaded, every, values] for values in recorder.workers(case, every)]
            data["about"]["seconds"] = time.monotonic() - begun
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, gzip.compress(json.dumps(data).encode(), mtime=0))
            print(f"round {number + 1}: {len(data['duels'])} duels, {data['about']['seconds']:.0f} s", file=sys.stderr)
    return 0


# ---- evaluating ----


def stage(case):
    """Duels of one stage, as `ab` fights them."""
    return DUELS if case.endswith("same-core") else 2 * DUELS


def decide(case, first, second, control):
    """Whether `ab` calls it regressed; `second` gives the fresh duels if they are asked for."""
    more = second() if gate.flags(first, ab.EFFECT) else []
    red = gate.off_balance(control, ab.EFFECT)
    return gate.judge_duels(case, first, more, ab.EFFECT, red).verdict == gate.REGRESSED


def resampled(case, values, controls, chance):
    """How many of `RESAMPLES` runs of the gate, drawn with replacement, call it regressed."""
    count = stage(case)

    def draw(source, number):
        return chance.choices(source, k=number)

    return sum(
        decide(case, draw(values, count), lambda: draw(values, count), draw(controls, DUELS)) for _ in range(RESAMPLES)
    )


def windows(case, values, controls):
    """Verdicts of the gate run on consecutive duels, each used once."""
    rest, said, count = list(values), [], stage(case)
    control = itertools.cycle(controls)
    while len(rest) >= count:
        first, rest = rest[:count], rest[count:]
        if gate.flags(first, ab.EFFECT) and len(rest) < count:
            break
        taken = []

        def second(taken=taken, fresh=rest[:count]):
            taken += fresh
            return taken

        said.append(decide(case, first, second, list(itertools.islice(control, DUELS))))
        rest = rest[len(taken) :]
    return said


def stored(workers):
    """Consecutive runs of `WORKERS` workers a case: [{case: [values of each worker]}] by load and injection."""
    lists = defaultdict(list)
    for case, loaded, every, values in workers:
        lists[loaded, every, case].append(values)
    runs = defaultdict(list)
    for loaded, every in itertools.product((0, 1), NAMES):
        whole = min(len(lists[loaded, every, case]) for case in CASES) // WORKERS
        runs[loaded, every] = [
            {case: lists[loaded, every, case][WORKERS * n : WORKERS * (n + 1)] for case in CASES} for n in range(whole)
        ]
    return runs


def pairs(runs, loaded, every):
    """Baselines and current runs, never the same window of time."""
    for (i, old), (j, new) in itertools.product(enumerate(runs[loaded, SAME]), enumerate(runs[loaded, every])):
        if i != j:
            yield old, new


def by_check(old, new):
    """The cases that `check` calls regressed."""
    mean = {case: tuple([sum(worker) / len(worker) for worker in side[case]] for side in (old, new)) for case in CASES}
    return {each.id for each in gate.judge(mean, lambda _: checking.EFFECT) if each.verdict == gate.REGRESSED}


def by_pyperf(old, new):
    """The cases that `pyperf compare_to` calls slower."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("old.json", "new.json")]
        for file, side in zip(files, (old, new), strict=True):
            benchmarks = [
                pyperf.Benchmark(
                    [
                        pyperf.Run(values, metadata={"name": case, "loops": 1}, collect_metadata=False)
                        for values in side[case]
                    ]
                )
                for case in CASES
            ]
            pyperf.BenchmarkSuite(benchmarks).dump(str(file))
        said = subprocess.run(
            [sys.executable, "-m", "pyperf", "compare_to", *map(str, files)], capture_output=True, text=True, check=True
        ).stdout
    return {case for case in CASES if re.search(rf"^{re.escape(case)}: .*slower$", said, re.MULTILINE)}


def row(place, machine_, name, tool, how, hits, count):
    if not count:
        return f"| {place} | {machine_} | {name} | {tool} | {how} | 0 of 0 | – | – |"
    bounds = binomtest(int(hits), int(count)).proportion_ci(0.95, method="exact")
    share = f"{100 * hits / count:.1f}"
    return (
        f"| {place} | {machine_} | {name} | {tool} | {how} | {hits} of {count} | {share} "
        f"| {100 * bounds.low:.1f} – {100 * bounds.high:.1f} |"
    )


def evaluate(file):
    """Print the table. Resampled shares have no bounds of their own: they repeat the same duels."""
    data = json.loads(gzip.decompress(file.read_bytes()))
    duels = defaultdict(list)
    for case, loaded, every, value in data["duels"]:
        duels[case, loaded, every].append(value)
    controls = {
        loaded: [v for (_, l_, e), vs in duels.items() if (l_, e) == (loaded, SAME) for v in vs] for loaded in (0, 1)
    }
    runs, both = stored(data["workers"]), defaultdict(list)
    chance = random.Random(1)
    about = data["about"]["machine"]
    print(
        f"{len(data['duels']):,} duels and {len(data['workers']):,} workers in {data['about']['seconds'] / 60:.0f} minutes;"
    )
    print(f"{about.get('cpu_model')}, Linux {about.get('kernel')}, Python {about.get('python_version')}.\n")
    print("| placement | machine | B is | gate | how | called regressed | % | 95 % bounds |")
    print("| --- | --- | --- | --- | --- | ---: | ---: | ---: |")
    for place, loaded, (every, name) in itertools.product(("same-core", "cross-core"), (0, 1), NAMES.items()):
        cases = [case for case in CASES if case.endswith(place)]
        hits = sum(resampled(case, duels[case, loaded, every], controls[loaded], chance) for case in cases)
        print(
            row(place, LOADS[loaded], name, "ab", "resampled", hits, RESAMPLES * len(cases)).rsplit("|", 2)[0] + "| |"
        )
        said = [each for case in cases for each in windows(case, duels[case, loaded, every], controls[loaded])]
        both[place, every] += said
        print(row(place, LOADS[loaded], name, "ab", "windows", sum(said), len(said)))
        for tool, verdict in (("check", by_check), ("pyperf compare_to", by_pyperf)):
            found = [case in verdict(old, new) for old, new in pairs(runs, loaded, every) for case in cases]
            print(row(place, LOADS[loaded], name, tool, "pairs of stored runs", sum(found), len(found)), flush=True)
    for (place, every), said in both.items():
        print(row(place, "either", NAMES[every], "ab", "windows", sum(said), len(said)))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["record", "evaluate"])
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--duels", type=int, default=100_000)
    parser.add_argument("--file", type=Path, default=DATA)
    chosen = parser.parse_args()
    if chosen.what == "evaluate":
        return evaluate(chosen.file)
    return record(chosen.minutes, chosen.duels, chosen.file)


if __name__ == "__main__":
    sys.exit(main())
