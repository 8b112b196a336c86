"""What the tests of workloads with crews share: cases, runs of one, and what must be left of them: nothing."""

import os
import signal
import threading
import time

import psutil

from ipcbench.bench import workload
from ipcbench.bench.case import Case

from .leftovers import children


def case(name, subject, processes=1, start="fork", place=None, **options):
    made = Case(name, subject, "none", 0, processes, start, place or "free", tuple(sorted(options.items())))
    if place is None:
        made = Case.parse(made.id.replace("/free", f"/{workload.load(name).placement(made)}"))
    return made


def measured(*cases, loops=8):
    """What a session measures of each case, in turn."""
    found = workload.load(cases[0].workload)
    assert [found.refuse(each) for each in cases] == [None] * len(cases)
    with found.session(cases) as timed:
        return [timed[each](loops) for each in cases]


def measured_while_one_dies(chosen, victim, loops, within):
    """Measure the case, and kill the process with that place in the order of their starts meanwhile; it ends soon, with its servers."""
    with workload.load(chosen.workload).session([chosen]) as timed:
        timer = threading.Timer(0.1, lambda: os.kill(pids()[victim], signal.SIGKILL))
        timer.start()
        begun = time.monotonic()
        try:
            timed[chosen](loops)
        finally:
            timer.join()
            assert time.monotonic() - begun < within(3)


def pids():
    """Of what this process started, in that order: numbers alone begin anew at some time."""
    return [each.pid for each in sorted(children(psutil.Process()), key=lambda each: (each.create_time(), each.pid))]


def refusal(chosen):
    return workload.load(chosen.workload).refuse(chosen).reason
