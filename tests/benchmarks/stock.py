"""The stock way to measure one case: a plain pyperf script at pyperf's defaults, over the suite's own channel, peers and loop.

`python stock.py --case ID -o FILE`. As a careful user would, it sets the peers up once a worker, in the first call.
"""

import atexit
from contextlib import ExitStack

import pyperf

from ipcbench.bench import workload as workloads
from ipcbench.bench.case import Case


def once_a_worker(case):
    timed = None

    def time_func(loops):
        nonlocal timed
        if timed is None:
            stack = ExitStack()
            atexit.register(stack.close)
            timed = stack.enter_context(workloads.load(case.workload).session([case]))[case]
        return timed(loops).seconds

    return time_func


def main():
    runner = pyperf.Runner(add_cmdline_args=lambda command, args: command.extend(["--case", args.case]))
    runner.argparser.add_argument("--case")
    case = Case.parse(runner.parse_args().case)
    runner.bench_time_func(case.id, once_a_worker(case))


if __name__ == "__main__":
    main()
