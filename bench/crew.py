"""The processes of a case that moves no messages: started together, told together what to do, watched while they do it.

The worker may take part itself (`meanwhile`). For workloads over the mechanisms of `ipc` see `exchange`.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

from ipcbench.bench import peers, placement
from ipcbench.bench.allocator import settle_allocator
from ipcbench.bench.guard import SETTING_UP, TIMING, Guard
from ipcbench.bench.usage import Usage, between, of_process, of_self

__all__ = ["Crew", "Ran", "outliving", "soon", "spread_over", "wait_until"]

LEAD, LEAD_EACH = 0.005, 0.0005
"""Seconds until peers begin together: writing an order takes some 30 µs, waking up and reading it some 100 µs."""


@dataclass(frozen=True)
class Ran:
    """What one run gave: of the worker, of each peer, and what all of them used meanwhile."""

    mine: Any
    theirs: list[Any]
    usage: Usage


class Crew:
    """Peers from their start to the end of `stack`, each with a `Role` and cores of its own.

    `servers` are pids of processes that work for them (a manager's): watched, and their usage counted; `inherited` is what
    a forked peer must close, such as the worker's ends of pipes.
    """

    def __init__(
        self,
        stack: ExitStack,
        start_method: str,
        roles: Sequence[peers.Role],
        cores: Sequence[Sequence[int]],
        *,
        servers: Sequence[int] = (),
        inherited: Sequence[Callable[[], None]] = (),
    ) -> None:
        settle_allocator()
        context = multiprocessing.get_context(start_method)
        self.peers: list[peers.Peer] = []
        self.servers = list(servers)
        self.guard = Guard()
        self.good = False
        stack.callback(self.guard.stop)
        stack.callback(lambda: peers.stop(self.peers, self.good))
        for index, (role, own) in enumerate(zip(roles, cores, strict=True)):
            drops = [*inherited, *(peer.control.close for peer in self.peers)]
            self.peers.append(peers.start(context, role, f"peer {index}", own, drops))
        watched = {pid: peer.name for pid, peer in zip(self.pids, self.peers, strict=True)}
        self.guard.start(dict.fromkeys(self.servers, "the server process") | watched)
        with peers.answering(self.guard, self.peers, SETTING_UP, "setting up"):
            for peer in self.peers:
                peer.expect("up")
            for peer in self.peers:
                peer.order("attach", 0)
            for peer in self.peers:
                peer.expect("attached")

    @property
    def pids(self) -> list[int]:
        """Of the peers, in their order."""
        return [peer.process.pid for peer in self.peers if peer.process.pid]

    def run(
        self,
        function: str,
        argument: Any,
        doing: str,
        meanwhile: Callable[[], Any] | None = None,
        count: int | None = None,
    ) -> Ran:
        """Have all peers, or the first `count`, run that function of their roles; `meanwhile` runs here as soon as they are ready.

        Raises `PeerGone`, `DeadlinePassed`, `PeerFailed`.
        """
        chosen = self.peers[:count]
        with peers.answering(self.guard, self.peers, TIMING, doing):
            for peer in chosen:
                peer.order(function, argument)
            for peer in chosen:
                peer.expect("ready")
            served = [of_process(pid) for pid in self.servers]
            before = of_self()
            mine = meanwhile() if meanwhile else None
            usage = of_self() - before if meanwhile else Usage()
            reports = [peer.expect("done") for peer in chosen]
        for was, pid in zip(served, self.servers, strict=True):
            usage += between(was, of_process(pid))
        return Ran(mine, [result for _, result in reports], sum((used for used, _ in reports), usage))

    def finish(self) -> None:
        """All went well: the peers may be asked, rather than made, to end. Called at the end of a session's good path."""
        self.good = True


def outliving(loop: Callable[[int], Any]) -> Callable[[int], Any]:
    """The loop of a peer that writes to another by a pipe: where that one died, it waits to be ended. The guard names who it was."""

    def run(loops: int) -> Any:
        try:
            return loop(loops)
        except BrokenPipeError:
            while True:
                signal.pause()

    return run


def soon(count: int) -> float:
    """A time of perf_counter, which is one clock for all processes of a machine, when so many peers will have read their orders."""
    return perf_counter() + LEAD + LEAD_EACH * count


def wait_until(moment: float) -> None:
    """Sleep until then, in order to begin together."""
    sleep(max(0.0, moment - perf_counter()))


def spread_over(place: str, count: int) -> list[tuple[int, ...]]:
    """The cores of each of `count` processes: all on one, dealt out in turn, or wherever the scheduler likes."""
    cores = placement.allowed()
    if place == "same-core":
        return [cores[-1:]] * count
    if place == "cross-core":
        return [(cores[-1 - index % len(cores)],) for index in range(count)]
    return [cores] * count
