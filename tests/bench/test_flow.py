"""Streams by real workers, of more messages than a window holds."""

import pytest

from ipcbench.bench import workload as workloads
from ipcbench.bench.case import Case
from ipcbench.bench.task import Task
from ipcbench.bench.workers import sampler
from ipcbench.ipc import registry


def cases():
    for name in registry.names():
        kind = registry.load(name).traits.kinds[0]
        case = Case("stream", name, kind, 8 if kind == "scalar" else 64, 1, "fork", "free")
        if workloads.load("stream").refuse(case) is None:
            yield pytest.param(case, id=name)


@pytest.mark.parametrize("case", list(cases()))
def test_a_stream_ends_whatever_the_number_of_messages(tmp_path, case):
    sample = sampler(tmp_path)
    for loops in (40, 200):  # in between credits, and beyond the window
        (answer,) = sample([Task([case.id], "", 2, 1.0, {case.id: loops})])
        assert answer.failed == {}
        assert answer.measured == [case.id]
