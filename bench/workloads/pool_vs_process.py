"""One job in five ways: from how many tasks, and from what length of a task, a pool pays.

A job is `tasks` tasks of equal length (`task`; absent: no work), given as a list of numbers. It ends when the list of all results is
there and whatever was started for it is gone. One operation is one job:

- `serial`: computed in this process, one after the other. It starts nobody, and is what the tasks really take.
- `pool-once`: `map` of a `Pool` that is there already; `executor`: `map` of a `ProcessPoolExecutor` that is there already.
- `pool-each`: a `Pool` is made, mapped over, and ended by its `with` block.
- `process-each`: one `Process` a task, each with a pipe for its result; all are started in a row, then read, then joined.

All compute the same numbers in the same number of steps (`computing`), and all results are checked after the clock has stopped.
Chunks are the library's own choice. CPU time counts this process and all children from their start to their end; of children that
come and go under a fork server it isn't told.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from ipcbench.bench import computing, refusals
from ipcbench.bench.allocator import settle_allocator
from ipcbench.bench.case import METHODS, Case
from ipcbench.bench.guard import TIMING, Guard
from ipcbench.bench.pools import Ready, clocked, keeper, make, watch_children
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage
from ipcbench.ipc.lifeline import holding_sigterm

SERIAL, EACH = "serial", ("pool-each", "process-each")
LASTING = {"pool-once": "pool", "executor": "executor"}
"""The ways that have what they need before the job, and what that is."""
WAYS = ("pool-once", "pool-each", "process-each", "executor", SERIAL)
COUNTS = ("1", "4", "16", "64")
MOST = 256
"""Tasks of a job: those measured where none are asked for, and the most."""
SLOW_STARTS = 64
"""Processes of one job that are started as new interpreters, at most: 256 at once would take gigabytes."""

Job = Callable[[str, Sequence[int]], list[int]]
"""From the length of a task and the arguments of all to the results."""


def block(*variants: dict[str, str], starts: tuple[str, ...] = ("fork",)) -> Block:
    """All ways, two processes wherever the scheduler likes."""
    return Block(("pool-vs-process",), ("*",), ("none",), (0,), (2,), starts, ("free",), variants)


class PoolVsProcess(Workload):
    """This process and those that it computes with."""

    name = "pool-vs-process"
    quantity = "job"
    variants = ("task", "tasks")
    together = ("tasks",)
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (
            block(
                {"task": "100us"}, *({"task": "10ms", "tasks": count} for count in COUNTS[:-1]), {"tasks": COUNTS[-1]}
            ),
        ),
        "rigorous": (
            block(*({"task": task, "tasks": "256"} if task else {"tasks": "256"} for task in computing.TASKS)),
            block(*({"task": task} if task else {} for task in computing.TASKS), starts=METHODS),
        ),
    }

    def subjects(self) -> tuple[str, ...]:
        """The ways."""
        return WAYS

    def sides(self, processes: int) -> tuple[int, int]:
        """This process, and those of a pool; `serial` has none, `process-each` one a task."""
        return 1, processes

    def placement(self, case: Case) -> str:  # noqa: ARG002 - where pools are used
        """Nobody pins a pool's processes."""
        return "free"

    def family(self, case: Case) -> str:  # noqa: ARG002 - all ways belong to one comparison
        """Pools."""
        return "pool"

    def spread(self, options: dict[str, str]) -> list[dict[str, str]]:
        """Several numbers of tasks where none is asked for."""
        return [options] if "tasks" in options else [{**options, "tasks": count} for count in COUNTS]

    def refuse(self, case: Case) -> Refusal | None:
        """Tasks without payload, and what the way is made of."""
        pooled = case.mechanism in ("pool-once", "pool-each", "executor")
        return (
            refusals.variants(case, self.variants)
            or _tasks(case)
            or refusals.payload(case)
            or refusals.starts(case, METHODS, "processes that compute are started by multiprocessing")
            or refusals.places(case, ("free",))
            or (refusals.needs(case, "semaphore") if pooled else None)
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """What lasts is up before any job; what is started for a job is ended, also when that fails."""
        settle_allocator()
        case = cases[0]
        with ExitStack() as stack:
            if case.mechanism in LASTING:
                ready = Ready(stack, LASTING[case.mechanism], case.start_method, case.processes)
                guard, job, pids = ready.guard, _mapped(ready), ready.pids
            else:
                guard, pids = Guard(), []
                job = _anew(case, stack.enter_context(keeper()), guard)
                stack.callback(guard.stop)
                guard.start({})
            yield {each: Timed(partial(_timed, each, job, guard, pids)) for each in cases}


def _tasks(case: Case) -> Refusal | None:
    if case.option("task") not in computing.TASKS:
        return Refusal("variant", f"a task takes {' or '.join(filter(None, computing.TASKS))}")
    count = case.option("tasks")
    if not count.isdecimal() or not 1 <= int(count) <= MOST:
        return Refusal("variant", f"a job has from 1 to {MOST} tasks: tasks={COUNTS[-1]}")
    if case.mechanism == "process-each" and case.start_method != "fork" and int(count) > SLOW_STARTS:
        return Refusal("processes", f"more than {SLOW_STARTS} new interpreters at once take too much memory")
    return None


def _timed(case: Case, job: Job, guard: Guard, pids: Sequence[int], loops: int) -> Measured:
    task, arguments = case.option("task"), range(int(case.option("tasks")))
    with guard.limit(TIMING, f"computing {loops} × {len(arguments)} tasks by {case.mechanism}"):
        found, seconds, used = clocked(lambda: [job(task, arguments) for _ in range(loops)], pids)
    wanted = [computing.expected(task, each) for each in arguments]
    if any(results != wanted for results in found):
        raise DamagedMessage(f"{case.mechanism} computed something else")
    told = case.start_method != "forkserver" or case.mechanism not in EACH
    return Measured(seconds, used if told else None)


def _mapped(ready: Ready) -> Job:
    """By the `map` of what is there."""
    return lambda task, arguments: list(ready.made.map(computing.TASKS[task], arguments))


def _anew(case: Case, kept: list[Any], guard: Guard) -> Job:
    """With nothing there before; a pool is `kept` while there is one, and its processes are watched until it ends them."""
    context = multiprocessing.get_context(case.start_method)

    def pool_each(task: str, arguments: Sequence[int]) -> list[int]:
        others = set(multiprocessing.active_children())
        with make(kept, "pool", context, case.processes) as pool:
            watch_children(guard, others, "pool")
            results = list(pool.map(computing.TASKS[task], arguments))
            guard.forget()
        kept.clear()
        return results

    def process_each(task: str, arguments: Sequence[int]) -> list[int]:
        children = []
        for argument in arguments:
            reader, writer = context.Pipe(duplex=False)
            child = context.Process(target=computing.answer, args=(writer, task, argument), daemon=True)  # type: ignore[attr-defined]
            with holding_sigterm():
                child.start()
            writer.close()
            children.append((child, reader))
        results = [reader.recv() for _, reader in children]
        for child, reader in children:
            child.join()
            reader.close()
        return results

    def serial(task: str, arguments: Sequence[int]) -> list[int]:
        return [computing.TASKS[task](argument) for argument in arguments]

    return {"pool-each": pool_each, "process-each": process_each, SERIAL: serial}[case.mechanism]


WORKLOAD = PoolVsProcess()
