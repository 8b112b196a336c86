"""One sample of each case of a bundle, inside a pyperf worker process."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean
from time import perf_counter
from types import FrameType
from typing import Any

from ipcbench.bench import memory, orphaned, recording
from ipcbench.bench import task as tasks
from ipcbench.bench import workload as workloads
from ipcbench.bench.case import Case
from ipcbench.bench.driver import driver
from ipcbench.bench.scratch import clear, is_scratch
from ipcbench.bench.spent import TURN, Spent
from ipcbench.bench.turn import Turn
from ipcbench.bench.usage import Usage
from ipcbench.bench.workload import Delivery, Measured, Timed, Workload
from ipcbench.ipc.marks import mark_semaphores

__all__ = ["calibrate", "work"]

GROWTH = 10
"""The most by which calibration multiplies the loops at once."""
SURELY = 1.0
"""Seconds that no interruption takes."""
WARM_UP = 2
"""A warm-up is so many times shorter than a value."""
FEWER = 3
"""Values that are still enough for a median: so many of a case whose values are longer than others, or whose single operation takes longer
than a value should. One, where it takes longer than so many should: what disturbs it evens out within."""
TEARDOWN = 8.0
"""Seconds after which a worker that was told to end is ended by force."""
THOUSAND, HUNDRED, MOST = (350, 0.08), (100, 0.03), 10_000
"""Operations timed one by one in a worker: three workers of 350 give the thousand that p99.9 takes, if that takes no longer than so many
seconds, one of a hundred p99, or as many as fit the time. Beyond 10,000 there is little to learn."""
NUMBERED = 1000
"""Messages that carry a number, at most: a lost round trip waits a quarter of a second."""


def work(path: str) -> int:
    """Measure the bundle of a task file and write the answer."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        orphaned.watch(_end_with_runner)
        return _work(path)
    finally:
        _inherit_folder()


def _work(path: str) -> int:
    task: tasks.Task = tasks.read(Path(path), tasks.Task)
    os.environ[tasks.TOOLS] = task.tools
    cases = [Case.parse(each) for each in task.cases]
    spent = Spent()
    with spent.on("import"):
        runner = driver(task.values, task.processor, task.architecture)
        workloads.load(cases[0].workload)
    mark_semaphores()
    gc.freeze()
    gc.enable()  # see worker.main
    bundle = Bundle(task, runner, spent, Turn(task.turn))
    weighed = [case for case in cases if case.id in task.weigh]
    try:
        with spent.on("memory"):  # first: later the heap holds what the bundle left
            bundle.weigh([case for case in weighed if case.id in task.loops])
        bundle.measure(cases)
        with spent.on("memory"):
            bundle.weigh([case for case in weighed if case.id not in task.loops])
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on without this case
        bundle.fail(error, cases)
    answer = tasks.Answer(
        bundle.suite(),
        [benchmark.get_name() for benchmark in bundle.benchmarks],
        bundle.loops,
        bundle.failed,
        spent.seconds,
        bundle.latencies,
    )
    tasks.write(Path(task.answer), answer)
    return 0


class Bundle:
    """Measures cases one after the other and collects what pyperf makes of each."""

    def __init__(self, task: tasks.Task, runner: Any, spent: Spent, turn: Turn) -> None:
        self.task, self.runner, self.spent, self.turn = task, runner, spent, turn
        self.loops = dict(task.loops)
        self.failed: dict[str, str] = {}
        self.benchmarks: list[Any] = []
        self.latencies: dict[str, tasks.Latencies] = {}
        self.recorder: float | None = None
        self.current: Case | None = None
        self.weights: dict[str, dict[str, int]] = {}

    def measure(self, cases: list[Case]) -> None:
        """All of them, in the order given, when its turn has come. Whatever is raised belongs to the `current` case."""
        with ExitStack() as stack:
            with self.spent.on("setup"):
                workload = workloads.load(cases[0].workload)
                timed = stack.enter_context(workload.session(cases))
            self.turn.take()
            with self.spent.on(TURN):
                for case in cases:
                    self.current = case
                    self.benchmarks.append(self._one(workload, case, timed[case]))
            self.current = None
            self.turn.give()
            begun = perf_counter()
        self.spent.add("close", perf_counter() - begun)

    def weigh(self, cases: list[Case]) -> None:
        """The memory of each case, in a session of its own: in the bundle's there are the channels and payloads of all of them."""
        for case in sorted(cases, key=lambda each: each.size):
            self.current = case
            memory.tidy()
            workload = workloads.load(case.workload)
            with workload.session([case]) as timed:
                watch = timed[case].memory
                if watch is not None:
                    timed[case](workload.loops_multiple(case))  # checks it first
                    self._found(case, weight(watch(self.loops[case.id])))
        self.current = None

    def _found(self, case: Case, weights: dict[str, int]) -> None:
        """Keep it for the case's benchmark, or add it to that where it is there already."""
        self.weights[case.id] = weights
        for benchmark in self.benchmarks:
            if benchmark.get_name() == case.id and weights:
                benchmark.update_metadata(weights)

    def _one(self, workload: Workload, case: Case, timed: Timed) -> Any:
        multiple = workload.loops_multiple(case)
        if case.id not in self.loops:
            with self.spent.on("calibrate"):
                seconds = self.task.seconds * workload.longer
                self.loops[case.id] = workload.loops(case, seconds, timed) or calibrate(timed, seconds, multiple)
        loops = self.runner.args.loops = self.loops[case.id]
        self.runner.args.values = self._warm_up(workload, case, timed, loops, multiple)
        runs: list[Measured] = []

        def time_func(loops: int) -> float:
            begun = perf_counter()
            runs.append(timed(loops))
            wall = perf_counter() - begun
            self.spent.add("timed", min(wall, runs[-1].seconds))  # at a rate, the sum of latencies may be more
            self.spent.add("orders", max(0.0, wall - runs[-1].seconds))
            return runs[-1].seconds

        metadata = self.task.metadata.get(case.id, {}) | self.weights.get(case.id, {})
        with self.spent.rest("pyperf"):
            benchmark = self.runner.bench_time_func(case.id, time_func, metadata=metadata)
        assert benchmark is not None, "pyperf gives the benchmark back in a worker"
        with self.spent.on("record"):
            benchmark.update_metadata(cost(runs, loops) | self._passes(case, timed, loops, runs))
        return benchmark

    def _passes(self, case: Case, timed: Timed, loops: int, runs: Sequence[Measured]) -> dict[str, float]:
        """What is measured by passes of their own, after the timed values: latencies one by one, and numbered messages."""
        figures: dict[str, float] = {}
        if timed.record is not None and (case.id in self.task.record or case.option("rate")):
            latencies = timed.record(recordings(case, loops, fmean(run.seconds for run in runs))).latencies
            found = recording.counted(latencies)
            self.latencies[case.id] = tasks.Latencies(list(found), list(found.values()), self._recorder_cost())
            figures = recording.tail(latencies)
        return figures if timed.number is None else figures | delivery(timed.number(min(loops, NUMBERED)))

    def _recorder_cost(self) -> float:
        """Found once a worker."""
        if self.recorder is None:
            self.recorder = recording.recorder_cost()
        return self.recorder

    def _warm_up(self, workload: Workload, case: Case, timed: Timed, loops: int, multiple: int) -> int:
        """An untimed part of a value, after the check of content; gives the values to take: fewer of what takes long.

        Where each value is a single operation, a warm-up would be a fourth of them: once that is known, it goes without.
        """
        known = self.task.counts.get(case.id, 1)
        if known > 1 and loops == multiple:  # one that is cold doesn't move the median
            return known
        few = max(1, loops // WARM_UP // multiple) * multiple
        begun = perf_counter()
        seconds = timed(few).seconds
        wall = perf_counter() - begun
        self.spent.add("warm-up", min(wall, seconds))
        self.spent.add("check", max(0.0, wall - seconds))
        took = (wall if workload.fixed_loops else seconds) * loops / few
        wanted, least = self.task.seconds * workload.longer, min(FEWER, self.task.values)
        if loops == multiple and took > least * wanted:
            return 1
        return least if took > 2 * wanted else max(least, self.task.values // workload.longer)

    def fail(self, error: Exception, cases: list[Case]) -> None:
        """Set the failed case apart; without one, the whole bundle couldn't be set up."""
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        for case in [self.current] if self.current else cases:
            self.failed[case.id] = reason

    def suite(self) -> dict[str, Any] | None:
        """The pyperf suite as plain data."""
        if not self.benchmarks:
            return None
        import io
        import json

        import pyperf

        text = io.StringIO()
        pyperf.BenchmarkSuite(self.benchmarks).dump(text)
        suite: dict[str, Any] = json.loads(text.getvalue())
        return suite


def calibrate(timed: Callable[[int], Measured], seconds: float, multiple: int) -> int:
    """Operations that take about `seconds`: grown from one call of `multiple`, at most tenfold a step.

    What seems long enough is tried twice: a call that was cold or interrupted would fix far too few for good. Only what takes a second
    is believed at once.
    """
    loops = multiple
    while True:
        took = max(timed(loops).seconds, 1e-9)
        if seconds / 4 <= took < SURELY:
            took = min(took, max(timed(loops).seconds, 1e-9))
        if took >= seconds / 4:
            wanted = loops * seconds / took
            return max(1, round(wanted / multiple)) * multiple
        loops = max(1, round(min(GROWTH, seconds / 2 / took) * loops / multiple)) * multiple


def recordings(case: Case, loops: int, seconds: float) -> int:
    """How many operations are timed one by one where `loops` take `seconds`: as many, more where those are few."""
    if case.option("rate"):
        return loops
    count, longest = THOUSAND if THOUSAND[0] * seconds / loops <= THOUSAND[1] else HUNDRED
    return min(max(loops, min(count, round(longest * loops / seconds))), MOST)


def cost(runs: list[Measured], loops: int) -> dict[str, float]:
    """CPU seconds and context switches per operation, shares of what is lost and of what each got, the rate achieved of one asked for."""
    operations = loops * len(runs)
    figures: dict[str, float] = {}
    used = [run.usage for run in runs if run.usage is not None]
    if used:
        usage = sum(used, Usage()) / operations
        figures = {
            "cpu_user_s": max(0.0, usage.user),
            "cpu_system_s": max(0.0, usage.system),
            "switches_voluntary": usage.voluntary,
            "switches_involuntary": usage.involuntary,
        }
    lost = [run.lost for run in runs if run.lost is not None]
    if lost:
        figures["lost"] = sum(lost) / operations
    shares = [run.shares for run in runs if run.shares is not None]
    if shares:
        figures["share_most"], figures["share_least"] = (fmean(each) for each in zip(*shares, strict=True))
    achieved = [run.achieved for run in runs if run.achieved is not None]
    if achieved:
        figures["achieved_rate"] = fmean(achieved)
    return figures


def delivery(found: Delivery) -> dict[str, float]:
    """Shares of the messages sent that came twice, and that came after a later one."""
    return {"duplicated": found.duplicated / found.sent, "reordered": found.reordered / found.sent}


def weight(found: memory.Memory | None) -> dict[str, int]:
    """Bytes at the peak, and those of the processes before there was a channel."""
    if found is None:
        return {}
    return {"memory_bytes": found.peak} | ({} if found.base is None else {"memory_base_bytes": found.base})


def _end(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM unwinds, so that everything is released; a thread makes sure that it ends."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _force_later()
    raise SystemExit(143)


def _force_later() -> None:
    timer = threading.Timer(TEARDOWN, _force)
    timer.daemon = True
    timer.start()


def _force() -> None:
    try:
        _inherit_folder()
    finally:
        os._exit(1)


_runner_gone = threading.Event()


def _inherit_folder() -> None:
    """Remove the run's temporary folder in place of a runner that was killed."""
    folder = Path(os.environ.get("TMPDIR", ""))
    if _runner_gone.is_set() and is_scratch(folder):
        clear(folder)


def _end_with_runner() -> None:
    """The runner is gone: unwind, and remove its folder."""
    _runner_gone.set()
    os.kill(os.getpid(), signal.SIGTERM)
