"""Between its timed calls nothing of a case is at work: another worker may be measuring then."""

import time

import psutil
import pytest

from ipcbench.bench import floor, matrix
from ipcbench.bench import workload as workloads
from ipcbench.bench.matrix import Axes
from ipcbench.bench.task import TOOLS
from ipcbench.bench.turn import settle
from ipcbench.bench.usage import of_process

WINDOW = 0.1
"""Seconds that are watched."""
LITTLE = 0.01
"""CPU seconds that all processes of a case may take in them; one that is at work takes all of them."""


def one_of_each():
    """A case of each workload and, where that may differ, of each mechanism or way to wait."""
    found = {}
    for case in matrix.expand(matrix.find_profile("standard"), Axes.parse({})).cases:
        which = case.mechanism if case.workload in ("floor", "round-trip", "signal") else ""
        if not workloads.load(case.workload).alone(case):
            found.setdefault((case.workload, which, case.option("wait")), case)
    return [pytest.param(case, id=case.id) for case in found.values()]


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    try:
        floor.build(folder)
    except floor.FloorError as error:
        pytest.skip(f"no C compiler here: {error}")
    return folder


def used(children):
    """CPU seconds so far of other processes, and of other threads of this one."""
    return sum(of_process(each.pid).cpu for each in children) + time.process_time() - time.thread_time()


@pytest.mark.usefixtures("unpinned")
@pytest.mark.parametrize("case", one_of_each())
def test_between_timed_calls_all_sleep(case, request, monkeypatch):
    if case.workload == "floor":
        monkeypatch.setenv(TOOLS, str(request.getfixturevalue("tools")))
    workload = workloads.load(case.workload)
    with workload.session([case]) as timed:
        for _ in range(2):  # before the first call, and after one
            settle()
            children = psutil.Process().children(recursive=True)
            before = used(children)
            time.sleep(WINDOW)  # what happens meanwhile is what is looked at
            assert used(children) - before < LITTLE, case.id
            timed[case](workload.loops_multiple(case))
