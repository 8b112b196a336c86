"""The suite's side of a pairing: a case's own set-up and timed call, answering loops with seconds."""

import sys

import pyperf  # noqa: F401 - as in a worker

from ipcbench.bench import workload as workloads
from ipcbench.bench.case import Case


def main():
    case = Case.parse(sys.argv[1])
    with workloads.load(case.workload).session([case]) as timed:
        timed[case](1)
        print("ready", flush=True)
        for line in sys.stdin:
            print(repr(timed[case](int(line)).seconds), flush=True)


if __name__ == "__main__":
    main()
