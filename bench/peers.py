"""Processes that hold one side of a case: started once a bundle, told what to do over a control pipe.

Each is pinned by itself, drops every end that isn't its own, and ends when its parent does. It reports its own usage of each run:
children's totals would include start-up, and under forkserver they are nobody's children here.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from ipcbench.bench import placement
from ipcbench.bench.allocator import settle_allocator
from ipcbench.bench.guard import Guard
from ipcbench.bench.usage import of_self
from ipcbench.ipc.errors import IpcError, PeerGone
from ipcbench.ipc.lifeline import begin_child

__all__ = ["Peer", "PeerFailed", "Role", "answering", "start", "stop"]

PATIENCE = 2.0  # seconds between SIGTERM and SIGKILL
EXITING = 0.1  # seconds until those who died are known to, and by which signal: a fork server passes that on
LATE = 0.5  # seconds until a server shows as dead whose connections were closed: they are before it has ended
BEREFT = ("PeerGone", "EOFError", "BrokenPipeError", "ConnectionResetError", "ConnectionRefusedError")
"""Errors of whose other side is gone."""


class PeerFailed(IpcError):
    """A peer reported an error of its own; the text is its."""


class Role:
    """What a peer is to do: made in the worker, sent to the peer when that starts, `setup` is called there."""

    def setup(self) -> dict[str, Callable[[Any], Any]]:
        """Attach and bind; gives functions by name that take what is ordered, mostly a number of loops.

        `prepare`, if there is one, is called before each.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close what `setup` attached."""


@dataclass
class Peer:
    """A peer process as its worker sees it."""

    process: BaseProcess
    control: Connection[Any, Any]
    name: str
    reason: str = ""

    def expect(self, word: str) -> Any:
        """The peer's next report, which must be that word. Raises `PeerFailed` with the peer's own reason."""
        said, value = self.control.recv()
        if said == "failed":
            self.reason = value
            raise PeerFailed(f"{self.name}: {value}")
        assert said == word, f"{self.name} said {said!r} instead of {word!r}"
        return value

    def complaint(self) -> str:
        """The error that the peer reported, whether it has been read yet or not; empty if there is none."""
        with suppress(EOFError, OSError):
            while not self.reason and self.control.poll():
                said, value = self.control.recv()
                if said == "failed":
                    self.reason = value
        return self.reason

    def killed_by(self) -> str:
        """The name of the signal that ended it; empty where it lives, or ended by itself."""
        code = self.process.exitcode
        return "" if code is None or code >= 0 else signal.Signals(-code).name

    def order(self, name: str, argument: Any) -> None:
        """Have one of the role's functions run."""
        self.control.send((name, argument))


@contextmanager
def answering(guard: Guard, peers: Sequence[Peer], seconds: float, doing: str) -> Iterator[None]:
    """`guard.limit`; where that ends by an error, it names who began it. What others say then only follows from that."""
    try:
        with guard.limit(seconds, doing):
            yield
    except IpcError as error:
        if culprit := _culprit(peers, guard, doing):
            raise culprit from error
        raise


def _culprit(peers: Sequence[Peer], guard: Guard, doing: str) -> IpcError | None:
    """The peer that a signal killed; a server that died; else the peer that reported an error of its own."""
    join(peers, EXITING)
    for peer in peers:
        if number := peer.killed_by():
            return PeerGone(f"{peer.name} died while {doing}: killed by {number}")
    failed = sorted(filter(Peer.complaint, peers), key=_is_bereft)
    patience = LATE if not failed or _is_bereft(failed[0]) else 0.0
    for name in guard.dead(round(patience * 1000), but=[peer.name for peer in peers]):
        return PeerGone(f"{name} died while {doing}")
    return PeerFailed(f"{failed[0].name}: {failed[0].reason}") if failed else None


def _is_bereft(peer: Peer) -> bool:
    """Whether it failed because its other side is gone."""
    return peer.reason.partition(":")[0] in BEREFT


def start(
    context: BaseContext, role: Role, name: str, cores: Sequence[int], inherited: Sequence[Callable[[], None]]
) -> Peer:
    """Start a peer. `inherited` closes, in a forked peer, what it got from this process without need."""
    here, there = context.Pipe()
    forked = context.get_start_method() == "fork"
    drops = [*inherited, here.close] if forked else []
    process = context.Process(target=live, args=(role, there, tuple(cores), drops), name=name, daemon=True)  # type: ignore[attr-defined]
    process.start()
    there.close()
    return Peer(process, here, name)


def live(role: Role, control: Connection[Any, Any], cores: tuple[int, ...], drops: list[Callable[[], None]]) -> None:
    """A peer's whole life."""
    begin_child()
    for drop in drops:
        drop()
    placement.pin(cores)
    settle_allocator()
    try:
        control.send(("up", os.getpid()))
        control.recv()  # attaching begins when all peers are up
        begun, before = time.perf_counter(), of_self()
        functions = role.setup()
        control.send(("attached", (time.perf_counter() - begun, of_self() - before)))
        serve(functions, control)
    except EOFError:
        pass  # the worker is gone
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker must hear of it
        with suppress(OSError):
            control.send(("failed", f"{type(error).__name__}: {error}"))
    finally:
        role.close()


def serve(functions: dict[str, Callable[[Any], Any]], control: Connection[Any, Any]) -> None:
    """Run what is ordered until told to stop: "ready" before it, "done" with usage and result after."""
    while True:
        name, argument = control.recv()
        if name == "stop":
            return
        function = functions[name]
        if "prepare" in functions:
            functions["prepare"](0)
        control.send(("ready", None))
        before = of_self()
        result = function(argument)
        control.send(("done", (of_self() - before, result)))


def stop(peers: Sequence[Peer], politely: bool) -> None:
    """End all peers: by word, by SIGTERM, and at last by SIGCONT and SIGKILL."""
    if politely:
        for peer in peers:
            with suppress(OSError):
                peer.order("stop", 0)
        join(peers, PATIENCE)
    for signals in ((signal.SIGTERM,), (signal.SIGCONT, signal.SIGKILL)):
        for peer in peers:
            for each in signals:
                with suppress(ProcessLookupError):  # it may die in between, and under a fork server be reaped at once
                    if peer.process.is_alive() and peer.process.pid:
                        os.kill(peer.process.pid, each)
        join(peers, PATIENCE if politely else 0.5)
    for peer in peers:
        peer.control.close()
        if not peer.process.is_alive():
            peer.process.close()


def join(peers: Sequence[Peer], seconds: float) -> None:
    """Wait for all of them, together at most that long."""
    deadline = time.monotonic() + seconds
    for peer in peers:
        peer.process.join(max(0.0, deadline - time.monotonic()))
