"""A bundle of messaging cases being measured: channels, peers, and the clock round a workload's two loops.

Where the near side is one process that is the worker itself; else the near sides are peers too, and the time runs from the first start
to the last end (time.perf_counter is one clock for all processes of a machine: CLOCK_MONOTONIC).
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean
from typing import Any

from ipcbench.bench import memory, payloads, peers, placement
from ipcbench.bench.allocator import settle_allocator
from ipcbench.bench.case import Case
from ipcbench.bench.guard import SETTING_UP, TIMING
from ipcbench.bench.messaging import MessagingWorkload, guard_for, lossy, spec_of
from ipcbench.bench.recording import Span
from ipcbench.bench.usage import Usage, between, of_process, of_self
from ipcbench.bench.workload import SLOWEST, Delivery, Measured, Timed, load
from ipcbench.ipc import registry
from ipcbench.ipc.contract import Channel, Endpoint, Mechanism, Spec, Ticket
from ipcbench.ipc.errors import DamagedMessage
from ipcbench.ipc.lifeline import holding_sigterm

__all__ = ["Exchange"]

CHECKED, SLOTTED = 1 << 20, 8 << 20
"""Bytes of messages that are checked, and of those that go through slots in shared memory; but two messages."""
SLOTS = 16
"""By so many at most a ring has more slots than are in flight."""
MADE_A_SECOND = 40 << 20
"""Bytes of the largest message for which each process gets a second more to set up."""


@dataclass
class _Side(peers.Role):
    """One process of a case: its tickets for each case of the bundle, attached where it runs."""

    workload: str
    side: str
    cases: list[Case]
    tickets: list[list[Ticket]]
    ends: list[Endpoint] = field(default_factory=list)

    def setup(self) -> dict[str, Callable[[int], Any]]:
        """Attach all ends, once each, and bind the loops of all cases."""
        workload = load(self.workload)
        assert isinstance(workload, MessagingWorkload)
        attached: dict[int, Endpoint] = {}
        functions: dict[str, Callable[[int], Any]] = {}
        for case, tickets in zip(self.cases, self.tickets, strict=True):
            for ticket in tickets:
                if id(ticket) not in attached:
                    attached[id(ticket)] = ticket.attach()
                    self.ends.append(attached[id(ticket)])
            bind = workload.near if self.side == "near" else workload.far
            loops = bind([attached[id(ticket)] for ticket in tickets], case)
            functions[f"check {case.id}"], functions[f"timed {case.id}"] = loops.check, loops.timed
            functions[f"record {case.id}"] = loops.record or loops.timed
            functions[f"number {case.id}"] = loops.number or loops.timed
            if loops.finish is not None:
                functions[f"finish {case.id}"] = _ignoring_count(loops.finish)
        functions["prepare"] = lambda _: [end.drain() for end in self.ends if end.drain is not None]
        return functions

    def close(self) -> None:
        """Close the ends; what a loop still holds of them goes first."""
        for end in self.ends:
            end.close()
        self.ends.clear()


def _ignoring_count(finish: Callable[[], float]) -> Callable[[int], float]:
    return lambda _count: finish()


class Exchange:
    """A bundle being measured. Errors name the process and the step."""

    def __init__(self, workload: MessagingWorkload, cases: list[Case], stack: ExitStack) -> None:
        self.workload, self.cases = workload, cases
        first = cases[0]
        self.context = multiprocessing.get_context(first.start_method)
        self.cores = placement.allowed()
        settle_allocator()
        self.counts = workload.sides(first.processes)
        self.good = False
        before = memory.resident([os.getpid()])
        channels = self._open(stack)
        self.opened = memory.grown(before, memory.resident([os.getpid()]))
        self.servers = sorted({pid for each in channels for channel in each for pid in channel.servers})
        nears, fars = self._sides(channels)
        self.local = nears.pop() if len(nears) == 1 else None
        self.guard = guard_for(first)
        stack.callback(self.guard.stop)
        self.near_peers: list[peers.Peer] = []
        self.far_peers: list[peers.Peer] = []
        stack.callback(lambda: peers.stop(self.near_peers + self.far_peers, self.good))
        if self.local:
            stack.callback(self.local.close)
        self._start(nears, fars)
        self._attach()

    def _open(self, stack: ExitStack) -> list[list[Channel]]:
        """The channels of each case: its own where resources depend on the size, else the same for all."""
        mechanism = registry.load(self.cases[0].mechanism)
        if not mechanism.traits.sized and not mechanism.traits.exact:
            return [self._open_for(self.cases, mechanism, stack)] * len(self.cases)
        return [self._open_for([case], mechanism, stack) for case in self.cases]

    def _open_for(self, cases: list[Case], mechanism: Mechanism, stack: ExitStack) -> list[Channel]:
        if mechanism.traits.shared and self.workload.separate(cases[0]):
            spec = spec_of(*cases, near=1, far=1)
            return [self._opened(mechanism, spec, stack) for _ in range(max(self.counts))]
        return [self._opened(mechanism, spec_of(*cases), stack)]

    def _opened(self, mechanism: Mechanism, spec: Spec, stack: ExitStack) -> Channel:
        """A signal waits: a semaphore has a name before the resource tracker is told of it (spawn and forkserver)."""
        with holding_sigterm():
            return stack.enter_context(mechanism.open(spec))

    def _sides(self, channels: list[list[Channel]]) -> tuple[list[_Side], list[_Side]]:
        """Deal the tickets out: ticket i to process i, or all of them to the only process of a side."""

        def deal(side: str, count: int) -> list[_Side]:
            ends = [[ticket for channel in each for ticket in getattr(channel, side)] for each in channels]
            hands = [[tickets if count == 1 else [tickets[i]] for tickets in ends] for i in range(count)]
            return [_Side(self.workload.name, side, self.cases, hand) for hand in hands]

        return deal("near", self.counts[0]), deal("far", self.counts[1])

    def _start(self, nears: list[_Side], fars: list[_Side]) -> None:
        sides = [*fars, *nears] + ([self.local] if self.local else [])
        for index, side in enumerate([*fars, *nears]):
            drops = [ticket.drop for other in sides if other is not side for hand in other.tickets for ticket in hand]
            drops += [peer.control.close for peer in self.far_peers + self.near_peers]
            cores = placement.cpus(self.cases[0].placement, side.side, self.cores)
            peer = peers.start(self.context, side, f"{side.side} peer {index}", cores, drops)
            (self.far_peers if side.side == "far" else self.near_peers).append(peer)
        self.handed_out = [ticket for side in (*fars, *nears) for hand in side.tickets for ticket in hand]
        for pid in self.servers:
            placement.pin_server(pid, placement.cpus(self.cases[0].placement, "far", self.cores))
        if self.local:
            placement.pin(placement.cpus(self.cases[0].placement, "near", self.cores))

    def _attach(self) -> None:
        everyone = self.far_peers + self.near_peers
        watched = {peer.process.pid: peer.name for peer in everyone if peer.process.pid}
        self.pids = [*watched, *self.servers, *([os.getpid()] if self.local else [])]
        self.guard.start(dict.fromkeys(self.servers, "the server process") | watched)
        with peers.answering(self.guard, everyone, self._patience(), "setting up"):
            for peer in everyone:
                peer.expect("up")
            for ticket in self.handed_out:  # not before: a semaphore is unlinked when its maker lets go of it
                ticket.drop()
            everybody = memory.resident(self.pids)
            self.base = None if everybody is None else everybody - self.opened
            for peer in everyone:
                peer.order("attach", 0)
            self.functions = self.local.setup() if self.local else {}
            for peer in everyone:
                peer.expect("attached")

    def _patience(self) -> float:
        """Each process makes payloads: where these are large and many, that takes its time."""
        return SETTING_UP + len(self.pids) * max(case.size for case in self.cases) / MADE_A_SECOND

    def passes(self, case: Case) -> Timed:
        """What measures the case; before the first pass it is checked."""
        checked = False

        def run(kind: str, loops: int) -> Measured:
            nonlocal checked
            if not checked:
                seconds = TIMING + (4 * case.size + SLOTTED) / SLOWEST
                self._run(f"check {case.id}", self._checked(case), seconds, "checking content")
                checked = True
            return self._run(f"{kind} {case.id}", loops, TIMING + case.size / SLOWEST, f"timing {loops:,} operations")

        def number(loops: int) -> Delivery:
            delivery = run("number", loops).delivery
            assert delivery is not None, "one side takes the numbers down"
            return delivery

        def watch(loops: int) -> memory.Memory | None:
            peak = memory.peak(self.pids, partial(run, "timed", loops))
            return None if peak is None else memory.Memory(peak, self.base)

        return Timed(
            partial(run, "timed"),
            record=partial(run, "record") if self.workload.recorded(case) else None,
            number=number if self.workload.numbered(case) else None,
            memory=watch,
        )

    def _checked(self, case: Case) -> int:
        """Messages: beyond a window, so that a ring goes round; through a server, which takes its time, each payload once."""
        traits, multiple = registry.load(case.mechanism).traits, self.workload.loops_multiple(case)
        wanted = payloads.MOST if traits.server else self.workload.window(case) + SLOTS + 1
        return multiple * max(2, min(wanted, (SLOTTED if traits.sized else CHECKED) // (multiple * case.size)))

    def _run(self, function: str, loops: int, seconds: float, doing: str) -> Measured:
        """One call of the same function on all sides: the far ones are ready before a near one begins."""
        with peers.answering(self.guard, self.far_peers + self.near_peers, seconds, doing):
            self._ready(self.far_peers, function, loops)
            served = [of_process(pid) for pid in self.servers]
            self._ready(self.near_peers, function, loops)
            near: list[tuple[Usage, Span]] = []
            if self.local:
                self.functions["prepare"](0)
                before = of_self()
                span = self.functions[function](loops)
                near = [(of_self() - before, span)]
            near += [peer.expect("done") for peer in self.near_peers]
            end, far, shares = self._take(function, loops)
        usage = sum((used for used, _ in near + far), Usage())
        for before, pid in zip(served, self.servers, strict=True):
            usage += between(before, of_process(pid))
        spans = [span for _, span in near]
        lost = (max(0, loops - sum(shares)) if shares else 0) + sum(span.lost for span in spans)
        found = _measured(loops, usage, end, spans, lost if lossy(self.cases[0]) else None, _delivery(near + far))
        if len(shares) < 2 or not self.workload.ended(self.cases[0]):
            return found
        return replace(found, shares=(max(shares) / loops, min(shares) / loops))

    def _take(self, function: str, loops: int) -> tuple[float, list[Any], list[int]]:
        """What the far side says at the end: the time when it was reached, reports, and what each process took.

        A message of one near process may still be in its feeder thread (`multiprocessing.Queue`) when the END of
        another overtakes it: then the far side goes on, and is ended again.
        """
        finish = f"finish {function.partition(' ')[2]}"
        reports: list[Any] = []
        shares: list[int] = []
        while True:
            used, end = self._finish(finish)
            said = [peer.expect("done") for peer in self.far_peers]
            reports += [(used, None), *said]
            more = [share for _, share in said if isinstance(share, int)]
            shares = [sum(each) for each in zip(shares, more, strict=True)] if shares else more
            if not shares or sum(shares) >= loops or lossy(self.cases[0]):
                break
            self._ready(self.far_peers, function, loops)
        if sum(shares) > loops and not lossy(self.cases[0]):
            raise DamagedMessage(f"{loops:,} messages were sent and {sum(shares):,} arrived")
        return end, reports, shares

    def _finish(self, function: str) -> tuple[Usage, float]:
        """End the stream from the first near process, where it isn't counted: what that took, and when all had answered."""
        if self.local:
            finish, before = self.functions.get(function), of_self()
            end = float(finish(0)) if finish else 0.0
            return of_self() - before, end
        if not self.workload.ended(self.cases[0]):
            return Usage(), 0.0
        self._ready(self.near_peers[:1], function, 0)
        used, end = self.near_peers[0].expect("done")
        return used, float(end)

    def _ready(self, side: list[peers.Peer], function: str, loops: int) -> None:
        for peer in side:
            peer.order(function, loops)
        for peer in side:
            peer.expect("ready")

    def finish(self) -> None:
        """All went well: the peers may be asked, rather than made, to end."""
        self.good = True


def _measured(
    loops: int, usage: Usage, end: float, spans: list[Span], lost: int | None, delivery: Delivery | None
) -> Measured:
    """The figures of one call. At a rate, the seconds are those from the intended times on."""
    (first, *_) = spans
    seconds = max(end, *(span.end for span in spans)) - min(span.begin for span in spans)
    if first.achieved is not None:
        seconds = fmean(first.latencies) * loops
    return Measured(seconds, usage, lost, first.latencies, first.achieved, delivery)


def _delivery(reports: list[tuple[Usage, Any]]) -> Delivery | None:
    """What one side took down of numbered messages: a near one in its span, a far one as its result."""
    found = [said.delivery if isinstance(said, Span) else said for _, said in reports]
    return next((each for each in found if isinstance(each, Delivery)), None)
