"""What every workload that moves messages has in common: its loops on both sides, what it refuses, and the specs of its channels.

A workload gives `near(ends, case)` and `far(ends, case)`, which return functions of the number of messages. `exchange` runs them.
"""

from __future__ import annotations

import multiprocessing
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ipcbench.bench import payloads, placement, refusals
from ipcbench.bench.case import METHODS, Case
from ipcbench.bench.delivery import LEAST
from ipcbench.bench.guard import Guard
from ipcbench.bench.workload import Timed, Workload, load
from ipcbench.ipc import registry
from ipcbench.ipc.contract import Endpoint, Refusal, Spec

__all__ = ["Loops", "MessagingWorkload", "guard_for", "lossy", "spec_of"]

LOSS = 0.25
"""Seconds after which a message of a lossy mechanism counts as lost."""
LOOKS = 4 * LOSS
"""Seconds between looks at the peers of such a mechanism: one wait in four is begun anew, once."""

Loop = Callable[[int], Any]


@dataclass(frozen=True)
class Loops:
    """A side's functions: `check(count)` verifies content, `timed(count)` moves messages and nothing else.

    Those of a near side give a `Span`, those of a far side the messages they took, or None when they count. `finish` is
    called in the first near process when all have sent, where a stream is ended rather than counted. `record` also times each
    operation, `number` numbers the messages or takes their numbers down; a side where that makes no difference leaves them out.
    """

    check: Loop
    timed: Loop
    finish: Callable[[], float] | None = None
    record: Loop | None = None
    number: Loop | None = None


class MessagingWorkload(Workload):
    """A workload over the mechanisms of `ipc`."""

    variants: tuple[str, ...] = ("wait", "transfer")
    """The keys of a variant that mean something to it."""

    def subjects(self) -> tuple[str, ...]:
        """All mechanisms."""
        return registry.names()

    def ended(self, case: Case) -> bool:  # noqa: ARG002 - a hook
        """Whether a run is ended by an in-band END rather than by counting on both sides."""
        return False

    @abstractmethod
    def near(self, ends: list[Endpoint], case: Case) -> Loops:
        """The loops of a near process."""

    @abstractmethod
    def far(self, ends: list[Endpoint], case: Case) -> Loops:
        """The loops of a far process."""

    def recorded(self, case: Case) -> bool:  # noqa: ARG002 - a hook
        """Whether each operation can be timed by itself."""
        return False

    def numbered(self, case: Case) -> bool:
        """Whether messages may get lost, doubled or out of turn, and are large enough to carry their number."""
        return lossy(case) and case.payload == "bytes" and case.size >= LEAST

    def window(self, case: Case) -> int:  # noqa: ARG002 - a hook
        """Messages in flight on one channel."""
        return 1

    def separate(self, case: Case) -> bool:
        """Whether N peers get N channels rather than share one."""
        return not registry.load(case.mechanism).traits.shared

    def channels(self, case: Case) -> str | None:
        """How several peers are joined."""
        if max(self.sides(case.processes)) == 1:
            return None
        return "separate" if self.separate(case) else "native"

    def loops_multiple(self, case: Case) -> int:
        """Each channel, or each near process, moves the same number of messages."""
        return max(self.sides(case.processes))

    def refuse(self, case: Case) -> Refusal | None:
        """By the mechanism, the payload, the start method, the cores and the variant."""
        return (
            refusals.variants(case, self.variants)
            or _not_in_place(case)
            or _no_payload(case)
            or refusals.starts(case, METHODS, f"{self.name} has peers, started by a method")
            or registry.load(case.mechanism).refuse(spec_of(case))
            or _no_cores(case, self)
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """Channels, peers, guard; all checked before the first figure."""
        from ipcbench.bench.exchange import Exchange  # which knows the workloads

        with ExitStack() as stack:
            exchange = Exchange(self, list(cases), stack)
            yield {case: exchange.passes(case) for case in exchange.cases}
            exchange.finish()


def spec_of(case: Case, *others: Case, near: int | None = None, far: int | None = None) -> Spec:
    """The spec of a channel for that case, and for others that differ in size: large messages have a smaller window than small ones."""
    workload = load(case.workload)
    assert isinstance(workload, MessagingWorkload)
    sides = workload.sides(case.processes)
    return Spec(
        deadline=LOSS if lossy(case) else Spec.deadline,
        context=multiprocessing.get_context(case.start_method),
        size=max(each.size for each in (case, *others)),
        near=sides[0] if near is None else near,
        far=sides[1] if far is None else far,
        kind=case.payload,
        transfer=case.option("transfer"),
        wait=case.option("wait", "block"),
        window=max(workload.window(each) for each in (case, *others)),
    )


def guard_for(case: Case) -> Guard:
    """What watches the case's processes: a loss must be seen although it does."""
    return Guard(every=LOOKS) if lossy(case) else Guard()


def lossy(case: Case) -> bool:
    """Whether the case's mechanism may lose messages."""
    return registry.load(case.mechanism).traits.lossy


def _not_in_place(case: Case) -> Refusal | None:
    if case.option("produce") == "in-place" and not registry.load(case.mechanism).traits.in_place:
        return Refusal("variant", f"{case.mechanism} can't be written in place")
    return None


def _no_payload(case: Case) -> Refusal | None:
    reason = payloads.refusal(case.payload, case.size)
    return Refusal("payload", reason) if reason else None


def _no_cores(case: Case, workload: MessagingWorkload) -> Refusal | None:
    cores, (near, far) = len(placement.allowed()), workload.sides(case.processes)
    running = near + far + registry.load(case.mechanism).traits.server
    if refusal := refusals.cores(case):
        return refusal
    if case.option("wait") == "spin" and (running > cores or case.placement == "same-core"):
        have = 1 if case.placement == "same-core" else cores
        return Refusal(
            "cores", f"{running} processes, one of them spinning, on {have} of the cores: no progress while it spins"
        )
    return None
