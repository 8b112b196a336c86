"""A task given to a pool, by each of its calls: what carrying it there and its result back costs.

The pool is made and all its processes are up before the clock starts. A call gets a list of tasks that is there already, and ends when all
results are in a list: n tasks are n / N calls of N tasks (`per_call`), in a row. `apply` takes one at a time; of `apply_async` and
`submit`, N are under way at once. `chunk` tasks travel in one message; without it the library decides: `map`, `map_async` and `starmap`
cut N into four parts a process, the others send each by itself. Results are checked after the clock has stopped.

Source: multiprocessing.pool and concurrent.futures in the Python library reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from ipcbench.bench import computing, payloads, refusals
from ipcbench.bench.case import METHODS, Case
from ipcbench.bench.pools import Ready
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage

CHUNKED = ("pool-map", "pool-map-async", "pool-starmap", "pool-imap", "pool-imap-unordered", "executor-map")
SINGLE = ("pool-apply", "pool-apply-async", "executor-submit")
CHUNKS = ("1", "10", "100")
KIB, MIB = 1 << 10, 1 << 20
ROOM = 16 * MIB
"""Bytes of arguments that one call carries at most."""
MANY, LONG = 400, 40
"""Tasks a call: of those that take a moment, and of those that take 10 ms."""

Call = Callable[[Any, Callable[[Any], Any], Sequence[Any], dict[str, int]], list[Any]]

CALLS: dict[str, Call] = {
    "pool-map": lambda pool, task, items, chunk: pool.map(task, items, **chunk),
    "pool-map-async": lambda pool, task, items, chunk: pool.map_async(task, items, **chunk).get(),
    "pool-starmap": lambda pool, task, items, chunk: pool.starmap(task, items, **chunk),
    "pool-apply": lambda pool, task, items, _: [pool.apply(task, (each,)) for each in items],
    "pool-apply-async": lambda pool, task, items, _: [
        result.get() for result in [pool.apply_async(task, (each,)) for each in items]
    ],
    "pool-imap": lambda pool, task, items, chunk: list(pool.imap(task, items, **chunk)),
    "pool-imap-unordered": lambda pool, task, items, chunk: list(pool.imap_unordered(task, items, **chunk)),
    "executor-submit": lambda executor, task, items, _: [
        future.result() for future in [executor.submit(task, each) for each in items]
    ],
    "executor-map": lambda executor, task, items, chunk: list(executor.map(task, items, **chunk)),
}


def block(mechanisms: tuple[str, ...], *variants: dict[str, str], **axes: Any) -> Block:
    """Two processes, wherever the scheduler likes; nothing carried unless `axes` say so."""
    plain = {"payloads": ("none",), "sizes": (0,), "processes": (2,), "placements": ("free",)}
    return Block(("pool-call",), mechanisms, variants=variants or ({},), **{**plain, **axes})


class PoolCall(Workload):
    """This process and those of one pool."""

    name = "pool-call"
    quantity = "task"
    longer = 4  # the first calls of a value find the pool's processes asleep
    variants = ("chunk", "task")
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (
            block(("*",)),
            block(("pool-map",), {"chunk": "1"}),
            block(("executor-map",), {"chunk": "100"}),
            block(("pool-map",), payloads=("bytes",), sizes=(MIB,)),
        ),
        "rigorous": (
            block(CHUNKED, *({"chunk": each} for each in CHUNKS)),
            block(("*",), {}, {"task": "100us"}, {"task": "10ms"}, start_methods=METHODS),
            block(CHUNKED, *({"chunk": each, "task": "100us"} for each in CHUNKS)),
            block(("*",), payloads=("bytes",), sizes=(KIB, MIB)),
            block(("pool-map", "executor-map"), processes=(1, 4, 8)),
        ),
    }

    def subjects(self) -> tuple[str, ...]:
        """The calls."""
        return tuple(CALLS)

    def sides(self, processes: int) -> tuple[int, int]:
        """This process, and those of the pool."""
        return 1, processes

    def placement(self, case: Case) -> str:  # noqa: ARG002 - where pools are used
        """Nobody pins a pool's processes."""
        return "free"

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Pools."""
        return "pool"

    def refuse(self, case: Case) -> Refusal | None:
        """Chunks where there are some, work or bytes, and semaphores, of which a pool is made."""
        return (
            refusals.variants(case, self.variants)
            or _values(case)
            or refusals.payload(case, ("none", "bytes"), sizes=None)
            or _size(case)
            or refusals.starts(case, METHODS, "a pool's processes are started by multiprocessing")
            or refusals.places(case, ("free",))
            or refusals.needs(case, "semaphore")
        )

    def loops_multiple(self, case: Case) -> int:
        """Whole calls."""
        return per_call(case)

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """One pool for all sizes."""
        case = cases[0]
        kind = case.mechanism.partition("-")[0]
        with ExitStack() as stack:
            ready = Ready(stack, kind, case.start_method, case.processes)
            yield {each: Timed(partial(_timed, ready, each, _items(each))) for each in cases}


def per_call(case: Case) -> int:
    """Tasks of one call: as many as their bytes allow, and a chunk at least for each process."""
    if case.mechanism == "pool-apply":
        return 1
    most = LONG if case.option("task") == "10ms" else MANY
    wanted = max(most, case.processes * int(case.option("chunk", "1")))
    return min(wanted, max(1, ROOM // case.size)) if case.size else wanted


def _values(case: Case) -> Refusal | None:
    if case.option("task") not in computing.TASKS:
        return Refusal("variant", f"a task takes {' or '.join(filter(None, computing.TASKS))}")
    if case.option("chunk", CHUNKS[0]) not in CHUNKS:
        return Refusal("variant", f"chunks are of {', '.join(CHUNKS)} tasks")
    if case.option("chunk") and case.mechanism in SINGLE:
        return Refusal("variant", f"{case.mechanism} takes one task: there are no chunks")
    return None


def _size(case: Case) -> Refusal | None:
    if (case.payload == "none") != (case.size == 0):
        return Refusal("size", "a task carries bytes of some size, or none")
    if case.size and case.option("task"):
        return Refusal("variant", "a task carries bytes or computes: each is measured by itself")
    return None if case.size <= ROOM else Refusal("size", f"a task carries at most {ROOM:,} bytes")


def _items(case: Case) -> list[Any]:
    """The arguments of one call, each an object of its own: pickle writes one that it meets again as a reference."""
    count = per_call(case)
    if not case.size:
        return list(range(count))
    rotation = payloads.rotation("bytes", case.size)
    return [bytes(memoryview(rotation[index % len(rotation)])) for index in range(count)]


def _timed(ready: Ready, case: Case, items: list[Any], loops: int) -> Measured:
    task, call = computing.TASKS[case.option("task")], CALLS[case.mechanism]
    chunk = {"chunksize": int(case.option("chunk"))} if case.option("chunk") else {}
    arguments = [(each,) for each in items] if case.mechanism == "pool-starmap" else items
    calls = range(loops // len(items))
    found, seconds, used = ready.run(
        lambda: [call(ready.made, task, arguments, chunk) for _ in calls], f"{loops} tasks by {case.mechanism}"
    )
    for results in found:
        _check(case, items, results)
    return Measured(seconds, used)


def _check(case: Case, items: list[Any], results: list[Any]) -> None:
    """Each result, in the order of its argument where the call promises that."""
    wanted = items if case.size else [computing.expected(case.option("task"), each) for each in items]
    right = Counter(results) == Counter(wanted) if case.mechanism == "pool-imap-unordered" else results == wanted
    if not right:
        raise DamagedMessage(f"{case.mechanism} didn't give what its tasks should")


WORKLOAD = PoolCall()
