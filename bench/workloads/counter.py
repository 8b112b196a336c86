"""N processes count up one number: seconds per increment, by all of them together.

What the clock sees for n increments: from the first process's start to the last one's end, each having done n ÷ N of them, all
beginning at one agreed moment. An increment is `value += 1` with the lock held: a Value's own; for a RawValue and a numpy scalar in
SharedMemory a Lock; for a Manager's Value, dict and Namespace a Lock of the same Manager, four requests to its server in all.
Variants: `lock=plain` takes multiprocessing's Lock for the Manager's objects; `lock=none` takes none, and what is missing in the end
is told as lost (a Value without `get_lock()` still takes its lock to read, and again to write).

Checked all the while: with a lock, the number is exact, or the case fails. A value takes 0.1 s, longer than the scheduler's slices: shorter
ones would mostly run one after the other where there are fewer cores than processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from time import perf_counter
from typing import Any

from ipcbench.bench import peers, primitives, refusals
from ipcbench.bench.case import METHODS, Case
from ipcbench.bench.crew import Crew, soon, spread_over, wait_until
from ipcbench.bench.profiles import Block
from ipcbench.bench.sampling import calibrate
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc import memory
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.owner import Owner

SUBJECTS = ("value", "raw-value", "numpy", "manager-value", "manager-dict", "manager-namespace")
FEW, MANY = (4,), (1, 2, 4, 8)
LONGER = 5
"""Times the seconds that a value takes elsewhere."""
WORD = 8
"""Bytes of a number."""


class Counter(Workload):
    """N processes alike; the worker sleeps meanwhile."""

    name = "counter"
    quantity = "increment"
    variants = ("lock",)
    together = ("processes",)
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (
            primitives.block("counter", ("value", "raw-value", "numpy", "manager-value"), FEW),
            primitives.block("counter", ("value",), FEW, variants=({"lock": "none"},)),
        ),
        "rigorous": (
            primitives.block("counter", processes=MANY, variants=({}, {"lock": "none"})),
            primitives.block("counter", ("manager-*",), MANY, variants=({"lock": "plain"},)),
        ),
    }

    def subjects(self) -> tuple[str, ...]:
        """Numbers that processes share."""
        return SUBJECTS

    def plain(self) -> tuple[Block, ...]:
        """Every subject, with its lock."""
        return (primitives.block(self.name, processes=FEW),)

    def sides(self, processes: int) -> tuple[int, int]:
        """All alike."""
        return processes, 0

    def placement(self, case: Case) -> str:  # noqa: ARG002 - the same for any number of them
        """Wherever the scheduler likes."""
        return "free"

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """One for all."""
        return "shared-state"

    def loops(self, case: Case, seconds: float, timed: Timed) -> int | None:
        """For longer values than others take."""
        return calibrate(timed, LONGER * seconds, case.processes)

    def loops_multiple(self, case: Case) -> int:
        """Each process does as many."""
        return case.processes

    def refuse(self, case: Case) -> Refusal | None:
        """By variant, payload, start method, cores, and what the system lacks."""
        return (
            refusals.variants(case, self.variants)
            or _lock(case)
            or refusals.payload(case)
            or refusals.starts(case, METHODS, f"{self.name} takes processes of Python, started by a method")
            or refusals.cores(case)
            or refusals.needs(case, *_needs(case))
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """One number for the bundle, and as many processes as its largest case has: the others take the first of them."""
        first, most = cases[0], max(case.processes for case in cases)
        with ExitStack() as stack:
            maker = stack.enter_context(primitives.maker(first))
            shared = _shared(first, maker, stack.enter_context(Owner("ipcbench-counter")))
            roles = [_Incrementer(shared) for _ in range(most)]
            crew = Crew(stack, first.start_method, roles, spread_over(first.placement, most), servers=maker.servers)
            number, release = shared.attach()
            stack.callback(release)
            yield {case: Timed(partial(_timed, crew, case, partial(_read, shared, number))) for case in cases}
            del number
            crew.finish()


def _lock(case: Case) -> Refusal | None:
    choices = ("none", "plain") if primitives.managed(case.mechanism) else ("none",)
    if case.option("lock", "none") in choices:
        return None
    return Refusal("variant", f"{case.mechanism} has its own lock, or lock={' or '.join(choices)}")


def _needs(case: Case) -> tuple[str, ...]:
    """What of the system it builds on. A Value makes its lock also where nobody takes it."""
    plain = case.option("lock") == "plain" if primitives.managed(case.mechanism) else case.option("lock") != "none"
    locks = ("semaphore",) if plain or case.mechanism == "value" else ()
    return (*locks, "shared-memory") if case.mechanism == "numpy" else locks


@dataclass(frozen=True)
class Shared:
    """A number on its way to a process, and the lock that goes with it; `keyed`: it is written as `number[0]`, else `number.value`."""

    number: Any
    lock: Any
    keyed: bool

    def attach(self) -> tuple[Any, Callable[[], None]]:
        """The number in this process, and how to let go of it."""
        if not isinstance(self.number, memory.Segment):
            return self.number, _nothing
        import numpy as np

        view, release = self.number.map()
        return np.frombuffer(view, np.int64), release


def _nothing() -> None:
    """What there is to let go of a number that isn't mapped."""


def _shared(case: Case, maker: primitives.Maker, owner: Owner) -> Shared:
    """The number, 0, and the lock of that case."""
    subject, context = case.mechanism, maker.context
    makers: dict[str, Callable[[], Any]] = {
        "value": lambda: context.Value("q", 0),
        "raw-value": maker.word,
        "numpy": lambda: memory.create(WORD, owner),
        "manager-value": lambda: maker.source.Value("q", 0),
        "manager-dict": lambda: maker.source.dict({0: 0}),
        "manager-namespace": lambda: maker.source.Namespace(value=0),
    }
    made = makers[subject]()
    keyed = subject in ("numpy", "manager-dict")
    if case.option("lock") == "none":
        return Shared(made, None, keyed)
    if case.option("lock") == "plain":
        return Shared(made, context.Lock(), keyed)
    return Shared(made, made.get_lock() if subject == "value" else maker.source.Lock(), keyed)


@dataclass
class _Incrementer(peers.Role):
    """One that counts."""

    shared: Shared
    release: Callable[[], None] = _nothing

    def setup(self) -> dict[str, Callable[[Any], Any]]:
        """Attach; a proxy connects to its server."""
        number, self.release = self.shared.attach()
        _read(self.shared, number)
        if self.shared.lock is not None:
            with self.shared.lock:
                pass
        return {"count": partial(_count, _loop(self.shared, number))}

    def close(self) -> None:
        """Let go of the number."""
        self.release()


def _read(shared: Shared, number: Any) -> int:
    return int(number[0] if shared.keyed else number.value)


def _count(loop: Callable[[int], None], order: tuple[float, int]) -> tuple[float, float]:
    """When it began and when it ended."""
    moment, loops = order
    wait_until(moment)
    begin = perf_counter()
    loop(loops)
    return begin, perf_counter()


def _loop(shared: Shared, number: Any) -> Callable[[int], None]:
    """The increments, as one would write them."""
    if shared.lock is None:
        return partial(_items if shared.keyed else _values, number)
    return partial(_locked_items if shared.keyed else _locked_values, number, shared.lock)


def _values(number: Any, loops: int) -> None:
    for _ in repeat(None, loops):
        number.value += 1


def _locked_values(number: Any, lock: Any, loops: int) -> None:
    for _ in repeat(None, loops):
        with lock:
            number.value += 1


def _items(number: Any, loops: int) -> None:
    for _ in repeat(None, loops):
        number[0] += 1


def _locked_items(number: Any, lock: Any, loops: int) -> None:
    for _ in repeat(None, loops):
        with lock:
            number[0] += 1


def _timed(crew: Crew, case: Case, read: Callable[[], int], loops: int) -> Measured:
    """Raises `NotSynchronised`."""
    each, before = loops // case.processes, read()
    order, doing = (soon(case.processes), each), f"counting {loops:,} by {case.mechanism}"
    ran = crew.run("count", order, doing, count=case.processes)
    lost = each * case.processes - (read() - before)
    locked = case.option("lock") != "none"
    if lost < 0 or (locked and lost):
        raise primitives.NotSynchronised(f"{case.mechanism} counted {loops - lost:,} of {loops:,} increments")
    begins, ends = zip(*ran.theirs, strict=True)
    return Measured(max(ends) - min(begins), ran.usage, lost=None if locked else lost)


WORKLOAD = Counter()
