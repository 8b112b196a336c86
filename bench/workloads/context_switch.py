"""A token goes round a ring of processes over pipes, one byte: seconds per hop, without what the pipe itself costs.

What the clock sees for n hops in a ring of p: n ÷ p laps, each p × (read the token, look through the working set, write it on). Taken
off it is n × the same three calls in one process, over a pipe of its own, where nobody is switched to: their median in the same
session. So what remains is the switch, and what the others' working sets pushed out of the caches meanwhile (the method is that of
lmbench's lat_ctx, McVoy and Staelin, USENIX 1996). CPU seconds and context switches beside it are those of whole hops.

On one core each hop is a context switch: one process sleeps, the next runs. `cross-core` the ring alternates between two cores: each hop
wakes a process on the other core, whose own may have gone to sleep meanwhile.

The working set is memory of each process's own, read from end to end by a search for what isn't in it (memchr(3)).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

from ipcbench.bench import placement, refusals, sizes
from ipcbench.bench.case import METHODS, NONE, Case
from ipcbench.bench.crew import Crew, Ran, outliving, spread_over
from ipcbench.bench.peers import Role
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage, IpcError

Ki, Mi = 1 << 10, 1 << 20
LARGEST = 16 * Mi
"""Bytes of a working set: a ring of 64 such is a gibibyte."""
LOOKS, HOPS = 5, 1000
"""At the pipe's own cost before the first figure (one more comes with each), and hops in a look: fewer where one takes long."""
TOKEN = b"\0"
ABSENT = 1

End: TypeAlias = "Connection[Any, Any]"
Pipe = tuple[End, End]
Calls = tuple[Callable[[], bytes], Callable[[], object], Callable[[], object]]
"""What a hop is made of: read, look through the working set, write."""


class NothingLeft(IpcError):
    """The pipe's own cost isn't less than the hop: there is no figure."""


class ContextSwitch(Workload):
    """The worker begins each lap; the others are peers."""

    name = "context-switch"
    quantity = "switch"
    longer = 4  # the first laps find the ring asleep
    together = ("size", "processes")
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (
            Block(("context-switch",), payloads=(NONE,), sizes=(0,), processes=(2, 16)),
            Block(("context-switch",), payloads=(NONE,), sizes=(64 * Ki,), processes=(16,)),
        ),
        "rigorous": (
            Block(
                ("context-switch",),
                payloads=(NONE,),
                sizes=(0, 16 * Ki, 64 * Ki),
                processes=(2, 4, 8, 16),
                placements=("same-core", "cross-core"),
            ),
        ),
    }

    def subjects(self) -> tuple[str, ...]:
        """One."""
        return ("ring",)

    def sides(self, processes: int) -> tuple[int, int]:
        """The worker and the rest of the ring."""
        return 1, processes - 1

    def placement(self, case: Case) -> str:  # noqa: ARG002 - whatever its size
        """Where a hop is a switch and nothing else."""
        return "same-core"

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """The scheduler's work."""
        return "scheduling"

    def loops_multiple(self, case: Case) -> int:
        """Whole laps."""
        return case.processes

    def refuse(self, case: Case) -> Refusal | None:
        """Rings that are none, or that don't cross at each hop."""
        return (
            refusals.variants(case, ())
            or refusals.payload(case, sizes=None)
            or refusals.starts(case, METHODS, "the processes of a ring are started by a method")
            or refusals.cores(case)
            or _no_ring(case)
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """One ring as long as the longest: the token of a shorter one goes home earlier."""
        place, start = cases[0].placement, cases[0].start_method
        length = max(case.processes for case in cases)
        rings = sorted({(case.processes, case.size) for case in cases})
        cores = spread_over(place, 2) * length if place == "cross-core" else spread_over(place, length)
        with ExitStack() as stack:
            pipes = [_pipe(start, stack) for _ in range(length)]
            members = [Member(index, pipes, rings) for index in range(length)]
            crew = Crew(stack, start, members[1:], cores[1:length])
            placement.pin(cores[0])
            switches = _Switches(members[0], crew, _Own(_pipe(start, stack)))
            yield {case: Timed(partial(switches.timed, case)) for case in cases}
            crew.finish()


class Member(Role):
    """A process of the ring: takes the token from its own pipe and gives it to the next one's, the last of a ring to the first's."""

    def __init__(self, index: int, pipes: Sequence[Pipe], rings: Sequence[tuple[int, int]]) -> None:
        self.index, self.rings, self.every = index, rings, pipes
        self.source, self.next, self.home = pipes[index][0], pipes[(index + 1) % len(pipes)][1], pipes[0][1]
        self.sets: dict[int, bytearray] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "every": ()}  # a process that isn't forked gets its own ends only

    def setup(self) -> dict[str, Callable[[int], Any]]:
        """Close the others' ends, and touch each working set."""
        for end in (end for pipe in self.every for end in pipe):
            if end not in (self.source, self.next, self.home):
                end.close()
        self.sets = {size: bytearray(size) for _, size in self.rings}
        functions: dict[str, Callable[[int], Any]] = {}
        for length, size in self.rings:
            functions[f"ring {length} {size}"] = outliving(partial(self._hops, length, size))
            functions[f"check {length}"] = outliving(partial(self._count, length))
        return functions

    def calls(self, length: int, size: int) -> Calls:
        """Those of its hops in a ring of that length."""
        return _calls(self.source, self._target(length), self.sets[size])

    def _target(self, length: int) -> End:
        return self.home if self.index == length - 1 else self.next

    def _hops(self, length: int, size: int, laps: int) -> None:
        read, touch, write = self.calls(length, size)
        for _ in repeat(None, laps):
            read()
            touch()
            write()

    def _count(self, length: int, _laps: int) -> None:
        """Add one to the token."""
        (count,) = os.read(self.source.fileno(), 1)
        os.write(self._target(length).fileno(), bytes([count + 1]))


class _Switches:
    """The worker's part: it begins each lap, and takes the pipe's own cost off."""

    def __init__(self, member: Member, crew: Crew, own: _Own) -> None:
        self.member, self.crew, self.own = member, crew, own
        self.checked: set[int] = set()
        member.setup()

    def timed(self, case: Case, loops: int) -> Measured:
        """Hops without their pipes."""
        length, size, laps = case.processes, case.size, loops // case.processes
        self._check(length)
        go_round = partial(_go_round, self.member.calls(length, size), laps)
        ran = self._run(f"ring {length} {size}", laps + 1, length, go_round)
        hop, own = ran.mine / (laps * length), self.own.hop(self.member.sets[size])
        if hop <= own:
            raise NothingLeft(
                f"a hop took {1e6 * hop:.2f} µs, its pipe alone {1e6 * own:.2f} µs: no switch is to be seen"
            )
        return Measured((hop - own) * loops, ran.usage)

    def _check(self, length: int) -> None:
        """Once a ring: every process adds one to the token."""
        if length in self.checked:
            return
        member = self.member

        def count() -> bytes:
            os.write(member.next.fileno(), TOKEN)
            return os.read(member.source.fileno(), 1)

        (found,) = self._run(f"check {length}", 1, length, count).mine
        if found != length - 1:
            raise DamagedMessage(f"the token met {found} of the {length - 1} other processes of the ring")
        self.checked.add(length)

    def _run(self, function: str, laps: int, length: int, meanwhile: Callable[[], Any]) -> Ran:
        doing = f"sending a token {laps:,} times round {length} processes"
        return self.crew.run(function, laps, doing, meanwhile, count=length - 1)


def _go_round(calls: Calls, laps: int) -> float:
    """Seconds of the laps. The first one isn't among them: the others may still be on their way into their loops."""
    read, touch, write = calls
    write()
    read()
    touch()
    begin = perf_counter()
    for _ in repeat(None, laps):
        write()
        read()
        touch()
    return perf_counter() - begin


class _Own:
    """What a hop costs within this process, by working set."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.looks: dict[int, list[float]] = {}

    def hop(self, working_set: bytearray) -> float:
        """The median of all looks so far, and of one more."""
        looks = self.looks.setdefault(len(working_set), [])
        laps = max(10, HOPS * 64 * Ki // max(len(working_set), 64 * Ki))
        for _ in range(1 if looks else LOOKS):
            looks.append(_go_round(_calls(*self.pipe, working_set), laps) / laps)
        return median(looks)


def _pipe(start: str, stack: ExitStack) -> Pipe:
    reading, writing = get_context(start).Pipe(duplex=False)
    stack.callback(reading.close)
    stack.callback(writing.close)
    return reading, writing


def _calls(source: End, target: End, working_set: bytearray) -> Calls:
    read, write = partial(os.read, source.fileno(), 1), partial(os.write, target.fileno(), TOKEN)
    return read, partial(working_set.find, ABSENT), write


def _no_ring(case: Case) -> Refusal | None:
    if case.processes < 2:
        return Refusal("processes", "a ring has two processes or more")
    if case.size > LARGEST:
        return Refusal("size", f"a working set has at most {sizes.label(LARGEST)}, not {sizes.label(case.size)}")
    if case.placement == "cross-core" and case.processes % 2:
        return Refusal("cores", "a ring that alternates between two cores has an even number of processes")
    return None


WORKLOAD = ContextSwitch()
