"""How soon the command line answers: help, a list of ten thousand cases, the report of two thousand benchmarks.

`python answers.py [TRIES]`: seconds of the whole command, the median of so many tries. The report is of a made-up run of ten workers a
case, as varied as a real one. The machine should have nothing else to do.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.reports import synthetic

IPCBENCH = [sys.executable, "-c", "from ipcbench.bench.console import main; main()"]
SIZES = ",".join(map(str, range(8, 3600, 8)))


def seconds(command, tries):
    took = []
    for _ in range(tries):
        begun = time.perf_counter()
        subprocess.run([*IPCBENCH, *map(str, command)], check=True, capture_output=True)
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def main(tries=5):
    listing = ["list", "--workload", "round-trip", "--size", SIZES]
    listed = json.loads(subprocess.run([*IPCBENCH, *listing, "--json"], check=True, capture_output=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        synthetic.write(Path(folder), repeats=5, samples=10)
        run = json.loads(Path(folder, "run.json").read_text())
        rows = [
            ("ipcbench --help", ["--help"], 0.3),
            (f"ipcbench list, {len(listed):,} cases", listing, 1.0),
            (f"ipcbench report, {len(run['benchmarks']):,} benchmarks", ["report", folder], 15.0),
        ]
        print("| command | seconds | bound |\n| --- | --- | --- |")
        failed = False
        for name, command, bound in rows:
            took = seconds(command, tries)
            failed |= took > bound
            print(f"| {name} | {took:.2f} | {bound} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
