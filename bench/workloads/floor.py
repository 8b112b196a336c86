"""What the machine itself allows: the same round trips in C, over the same primitives with the same framing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ipcbench.bench import floor, memory, placement, refusals
from ipcbench.bench.case import Case
from ipcbench.bench.memory import Memory
from ipcbench.bench.task import TOOLS
from ipcbench.bench.usage import Usage
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Mechanism, Refusal

PREFIX = "c-"


class Floor(Workload):
    """The C program `floor.c`, which forks its own echo process."""

    name = "floor"
    quantity = "round trip"

    def subjects(self) -> tuple[str, ...]:
        """One for each primitive of the program."""
        return tuple(PREFIX + each for each in floor.PRIMITIVES)

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one to one
        """One to one."""
        return 1, 1

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Their own family."""
        return "floor"

    def refuse(self, case: Case) -> Refusal | None:
        """Without a compiler, or where there is no such case."""
        if case.payload != "bytes" or case.variant or case.start_method != "fork":
            return Refusal("kind", "the C program moves bytes, and forks")
        if floor.compiler() is None:
            return Refusal("compiler", "no C compiler was found: install gcc or clang, or set CC")
        if case.mechanism == "c-spin" and case.placement != "cross-core":
            return Refusal("cores", "spinning needs a core for each process")
        return refusals.cores(case)

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """One program a case: it checks content by itself before it says that it is ready."""
        program = floor.build(Path(os.environ[TOOLS]))
        with ExitStack() as stack:
            yield {case: _timed(case, program, stack) for case in cases}


def _timed(case: Case, program: Path, stack: ExitStack) -> Timed:
    cores = placement.allowed()
    pinned = case.placement != "free"
    near, far = (placement.cpus(case.placement, side, cores)[0] if pinned else None for side in ("near", "far"))
    process = stack.enter_context(
        floor.FloorProcess(program, case.mechanism.removeprefix(PREFIX), case.size, near, far)
    )

    def timed(loops: int) -> Measured:
        used = process.run(loops)
        return Measured(used.elapsed, Usage(used.user, used.system, used.voluntary, used.involuntary))

    def watch(loops: int) -> Memory | None:
        peak = memory.peak(process.pids(), lambda: process.run(loops))
        return None if peak is None else Memory(peak)

    return Timed(timed, memory=watch)


def comparable(case: Case, mechanism: Mechanism) -> Case | None:
    """The floor of a round trip: the C program's primitive, same size and placement, where the work is the same."""
    wait = case.option("wait", "block")
    primitive = mechanism.floor_for(wait)
    if (
        primitive is None
        or case.payload != "bytes"
        or wait == "adaptive"
        or (wait == "spin" and primitive == mechanism.floor_for("block"))  # nothing in C that spins as it does
        or case.option("rate")
        or case.option("produce")
        or case.option("consume")
    ):
        return None
    return Case("floor", PREFIX + primitive, "bytes", case.size, 1, "fork", case.placement)


WORKLOAD = Floor()
