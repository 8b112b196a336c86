"""Making a channel, attaching a peer to it and the first message, each apart: `phase=make`, `attach` or `first`.

Each operation opens a channel of its own for a fresh peer. `make` is what `open` takes; `attach` is measured in the peer
after it said that it is up, else it would measure process start; `first` is the first round trip, which pays for
lazily made locks, threads and buffers.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from ipcbench.bench import payloads, peers, placement
from ipcbench.bench.case import Case
from ipcbench.bench.guard import SETTING_UP
from ipcbench.bench.messaging import Loops, MessagingWorkload, guard_for, spec_of
from ipcbench.bench.usage import Usage, between, of_process, of_self
from ipcbench.bench.workload import Measured, Timed
from ipcbench.ipc import registry
from ipcbench.ipc.contract import Channel, Endpoint, Refusal, Ticket
from ipcbench.ipc.errors import DamagedMessage
from ipcbench.ipc.lifeline import holding_sigterm

PHASES = ("make", "attach", "first")


class Open(MessagingWorkload):
    """One near process, one far, a channel for each operation."""

    name = "open"
    quantity = "opening"
    variants = ("phase", "wait", "transfer")
    fixed_loops = 3

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one to one
        """One to one."""
        return 1, 1

    def spread(self, options: dict[str, str]) -> list[dict[str, str]]:
        """All phases where none is asked for."""
        return [options] if "phase" in options else [{**options, "phase": phase} for phase in PHASES]

    def refuse(self, case: Case) -> Refusal | None:
        """It must say which phase."""
        if case.option("phase") not in PHASES:
            return Refusal("variant", f"open is measured by phase: {', '.join(PHASES)}")
        return super().refuse(case)

    def near(self, ends: list[Endpoint], case: Case) -> Loops:  # pragma: no cover - has no loops
        """Not used: an operation is a whole channel's life."""
        raise AssertionError(f"{case.id} has no loop over {ends}")

    far = near

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """Nothing is kept from one operation to the next; no peak of memory either, as its peers come and go."""
        placement.pin(placement.cpus(cases[0].placement, "near", placement.allowed()))
        yield {case: _timed(case) for case in cases}


def _timed(case: Case) -> Timed:
    phase = PHASES.index(case.option("phase"))

    def timed(loops: int) -> Measured:
        lives = [_life(case)[phase] for _ in range(loops)]
        return Measured(sum(each.seconds for each in lives), sum((each.used for each in lives), Usage()))

    return Timed(timed)


@dataclass
class _Phase:
    """One part of a channel's life: seconds, and what the processes that were there used meanwhile."""

    seconds: float = 0.0
    used: Usage = field(default_factory=Usage)


@contextmanager
def _counted(phase: _Phase) -> Iterator[None]:
    """Add what this process used inside."""
    before = of_self()
    yield
    phase.used += of_self() - before


@contextmanager
def _served(phase: _Phase, servers: Sequence[int]) -> Iterator[None]:
    """Add what servers used inside. They are looked at from outside: they do as they are told, no more."""
    before = [of_process(pid) for pid in servers]
    yield
    for pid, was in zip(servers, before, strict=True):
        phase.used += between(was, of_process(pid))


class _Opener(peers.Role):
    """The far side: attaches, then echoes one message."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.end: Endpoint | None = None

    def setup(self) -> dict[str, Callable[[int], Any]]:
        """Attach."""
        end = self.end = self.ticket.attach()
        return {"prepare": lambda _: None, "echo": lambda _: end.send(end.recv())}

    def close(self) -> None:
        """Close the end."""
        if self.end is not None:
            self.end.close()


def _life(case: Case) -> tuple[_Phase, _Phase, _Phase]:
    """Open, attach, one round trip, close: what the first three took."""
    (payload, *_) = payloads.rotation(case.payload, case.size)
    with ExitStack() as stack:
        guard = guard_for(case)
        stack.callback(guard.stop)
        guard.start({})
        with guard.limit(SETTING_UP, f"opening {case.mechanism}"):
            make, channel = _make(case, stack)
        guard.watch(dict.fromkeys(channel.servers, "the server process"))
        peer = stack.enter_context(_peer(case, channel))
        guard.watch({peer.process.pid or 0: peer.name})
        with peers.answering(guard, [peer], SETTING_UP, f"attaching to {case.mechanism}"):
            attach, end = _attach(channel, peer, stack)
            first = _first(case, channel.servers, peer, end, payload)
    return make, attach, first


def _make(case: Case, stack: ExitStack) -> tuple[_Phase, Channel]:
    """Open a channel. SIGTERM waits meanwhile, as in `exchange`."""
    make, mechanism, spec = _Phase(), registry.load(case.mechanism), spec_of(case)
    with holding_sigterm(), _counted(make):
        begin = perf_counter()
        channel: Channel = stack.enter_context(mechanism.open(spec))
        make.seconds = perf_counter() - begin
    for server in channel.servers:
        placement.pin_server(server, _far_cores(case))  # it was started on this process's cores
        make.used += of_process(server)  # it lives since then: all that it used so far
    return make, channel


@contextmanager
def _peer(case: Case, channel: Channel) -> Iterator[peers.Peer]:
    """The far process, started."""
    near, far = channel.near[0], channel.far[0]
    context = multiprocessing.get_context(case.start_method)
    peer = peers.start(context, _Opener(far), "far peer", _far_cores(case), [near.drop])
    good = False
    try:
        far.drop()
        yield peer
        good = True
    finally:
        peers.stop([peer], good)


def _far_cores(case: Case) -> tuple[int, ...]:
    return placement.cpus(case.placement, "far", placement.allowed())


def _attach(channel: Channel, peer: peers.Peer, stack: ExitStack) -> tuple[_Phase, Endpoint]:
    """Both sides attach: the seconds of the far one, once it is up."""
    attach = _Phase()
    peer.expect("up")
    with _served(attach, channel.servers):
        peer.order("attach", 0)
        with _counted(attach):
            end = channel.near[0].attach()
        stack.callback(end.close)
        attach.seconds, used = peer.expect("attached")
    attach.used += used
    return attach, end


def _first(case: Case, servers: Sequence[int], peer: peers.Peer, end: Endpoint, payload: Any) -> _Phase:
    """The first round trip."""
    first = _Phase()
    peer.order("echo", 1)
    peer.expect("ready")
    with _served(first, servers):
        with _counted(first):
            begin = perf_counter()
            end.send(payload)
            echo = end.recv()
            first.seconds = perf_counter() - begin
        used, _ = peer.expect("done")
    first.used += used
    if not payloads.equal(case.payload, payload, echo):
        raise DamagedMessage(f"the first echo of {case.id} isn't what was sent")
    return first


WORKLOAD = Open()
