"""Copying memory to memory in one process, by numpy.copyto: no message can be faster than its own copy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from ipcbench.bench import memory, payloads, placement
from ipcbench.bench.case import Case
from ipcbench.bench.usage import of_self
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal


class Memcpy(Workload):
    """One process, one core."""

    name = "memcpy"
    quantity = "copy"

    def subjects(self) -> tuple[str, ...]:
        """Numpy's copy, which is the C library's memcpy for what is contiguous."""
        return ("memcpy",)

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - nobody else
        """One process alone."""
        return 1, 0

    def family(self, case: Case) -> str:  # noqa: ARG002 - one only
        """The floor."""
        return "floor"

    def refuse(self, case: Case) -> Refusal | None:
        """It has one shape only."""
        if case.payload != "bytes" or case.variant or case.placement != "same-core" or case.start_method != "fork":
            return Refusal("kind", "memcpy copies bytes within one process")
        return None

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """The rotation of payloads of a round trip, copied into one buffer."""
        placement.pin(placement.cpus("same-core", "near", placement.allowed()))
        yield {case: _timed(case.size) for case in cases}


def _timed(size: int) -> Timed:
    import numpy as np

    base = memory.resident([os.getpid()])
    copyto = np.copyto
    sources = [np.frombuffer(each, dtype=np.uint8) for each in payloads.rotation("bytes", size)]
    target = np.ones(size, dtype=np.uint8)
    for source in sources:
        copyto(target, source)
        assert (target == source).all(), "a copy isn't equal to its source"

    def timed(loops: int) -> Measured:
        from itertools import cycle, islice

        before = of_self()
        batch = islice(cycle(sources), loops)
        begin = perf_counter()
        for source in batch:
            copyto(target, source)
        end = perf_counter()
        return Measured(end - begin, of_self() - before)

    return Timed(timed, memory=memory.watching_self(timed, base))


WORKLOAD = Memcpy()
