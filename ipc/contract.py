"""The contract that every mechanism keeps. The conformance tests cite these rules by number.

1.  A `Mechanism` has a kebab-case `name`, a `family` and frozen `Traits`; every trait is proved by a test.
2.  `refuse(spec)` says in one sentence why a spec can't be served, or None. `open` raises `Unsupported`
    (`MessageTooLarge` for a size) with that sentence; the benchmark matrix asks the same function.
3.  `open(spec)` yields a `Channel` and owns every resource of it: all are released on every way out.
4.  A `Ticket` is one end. It travels to a process when that is started, under each start method that the
    spec's context stands for. `attach` gives the `Endpoint`, once; `drop` closes the end where it isn't used.
5.  A process that holds an end it doesn't use must drop it, else the death of a peer stays unseen.
6.  `send(payload)` returns when the payload may be changed again. (`multiprocessing.Queue` pickles in a
    thread of its own, later: there a payload must not be changed at all.)
7.  `recv()` gives the next message, whole, in the order sent. It is `fresh` (the receiver's own) or a `view`
    (valid until the next `recv` or `close`), as the traits say.
8.  `into(buffer)` gives a call that receives one message of exactly `len(buffer)` bytes and leaves its content
    in the buffer; any other length raises `DamagedMessage`. None means: nothing narrower than `recv` and a copy.
9.  Messages may be smaller than the spec's size unless the traits name exact sizes. Never larger.
10. An end whose peer is gone raises `PeerGone` where the traits say that it is `noticed`; nothing else is promised.
11. `close` releases the end and every view it gave out; twice is fine. After an error only `close` is allowed.
12. Waiting has no cost per message for a deadline: sockets use SO_RCVTIMEO (`DeadlinePassed`); everything else
    is interrupted from outside by whoever watches the peers.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, Protocol

from ipcbench.ipc import system
from ipcbench.ipc.errors import EndClosed, MessageTooLarge, Unsupported
from ipcbench.ipc.owner import Owner

__all__ = ["Channel", "Endpoint", "Mechanism", "PairMechanism", "Refusal", "Spec", "Ticket", "Traits", "pairs"]

Pair = tuple["Ticket", "Ticket"]
Ends = tuple[tuple["Ticket", ...], tuple["Ticket", ...]]


@dataclass(frozen=True)
class Spec:
    """What a channel is opened for.

    `context` is a multiprocessing context (fork, forkserver or spawn); `near` and `far` count the processes of
    each side; `size` is the largest message in bytes; `kind` one of bytes, array, object, scalar; `transfer` how an
    array travels (pickle, buffers, copy); `window` the messages in flight; `deadline` seconds.
    """

    context: BaseContext
    size: int
    near: int = 1
    far: int = 1
    kind: str = "bytes"
    transfer: str = ""
    wait: str = "block"
    window: int = 1
    deadline: float = 10.0


@dataclass(frozen=True)
class Refusal:
    """Why a spec can't be served: a code for programs, a sentence for people."""

    code: str
    reason: str


@dataclass(frozen=True)
class Traits:
    """What a mechanism is and can; data, in one place.

    kinds: payload kinds; the first transfer is the default way of an array. shared: one channel serves M:N
    natively, else N peers get N channels. largest and exact are bytes. received is `fresh` or `view`. sized: its
    resources depend on the message size. server: a third process passes each message on. noticed: a peer's death
    is seen by the bare mechanism. capacity: messages in flight as a function of their size, where a mechanism loses
    what is beyond. needs: what it builds on that a system may lack, names of `ipcbench.ipc.system.NEEDS`.
    """

    kinds: tuple[str, ...] = ("bytes",)
    transfers: tuple[str, ...] = ()
    waits: tuple[str, ...] = ("block",)
    shared: bool = False
    largest: int | None = None
    exact: tuple[int, ...] = ()
    received: str = "fresh"
    sized: bool = False
    server: bool = False
    lossy: bool = False
    noticed: bool = False
    in_place: bool = False
    platforms: tuple[str, ...] = ("linux", "darwin")
    needs: tuple[str, ...] = ()
    capacity: Callable[[int], int] | None = None


class Endpoint:
    """One attached end: `send` and `recv` are plain functions, bound once, so that a hot loop pays for nothing else.

    `reserve()` gives the memory of the next message, to be written in place, and `commit(n)` sends its first n items;
    `drain()` discards what waits and counts it. Each is None where the mechanism can't.
    """

    def __init__(
        self,
        send: Callable[[Any], Any],
        recv: Callable[[], Any],
        close: Callable[[], None],
        into: Callable[[Any], Callable[[], Any] | None] = lambda _buffer: None,
        reserve: Callable[[], Any] | None = None,
        commit: Callable[[int], Any] | None = None,
        drain: Callable[[], int] | None = None,
    ) -> None:
        self.send, self.recv, self.into, self._release = send, recv, into, close
        self.reserve, self.commit, self.drain = reserve, commit, drain

    def close(self) -> None:
        """Release the end once, and forget the functions: semaphores and proxies live as long as those do."""
        release, self._release = self._release, _nothing
        self.send = self.recv = self.into = _closed
        for name in ("reserve", "commit", "drain"):
            if getattr(self, name) is not None:
                setattr(self, name, _closed)
        release()


def _nothing() -> None:
    """The close of an end that is closed."""


def _closed(*_: Any) -> Any:
    raise EndClosed("this end is closed: attach a ticket of a new channel")


class Ticket(Protocol):
    """One end of a channel on its way to the process that will use it (rules 4 and 5)."""

    def attach(self) -> Endpoint:
        """The end, ready to send and receive. Raises `PeerGone` or `DeadlinePassed` if the peer doesn't come."""

    def drop(self) -> None:
        """Close this end in a process that doesn't use it; twice is fine."""


@dataclass(frozen=True)
class Channel:
    """The ends of an open channel and the pids of processes that serve it."""

    near: tuple[Ticket, ...]
    far: tuple[Ticket, ...]
    servers: tuple[int, ...] = ()


class Mechanism(ABC):
    """One way to move messages between processes."""

    name: str
    family: str
    traits: Traits
    floor: str | None = None
    """The primitive of the C program that does the same (`floor.c`), if there is one."""

    @abstractmethod
    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """Make the channel's resources, each registered with `owner` at once, and give its ends."""

    def floor_for(self, wait: str) -> str | None:  # noqa: ARG002 - a hook for mechanisms whose wait decides
        """The primitive to compare with for a wait strategy."""
        return self.floor

    def unsupported(self, spec: Spec) -> Refusal | None:  # noqa: ARG002 - a hook for mechanisms that refuse more
        """What this mechanism alone refuses."""
        return None

    def refuse(self, spec: Spec) -> Refusal | None:
        """Why this spec can't be served, or None."""
        return refused_by_traits(self.name, self.traits, spec) or self.unsupported(spec)

    @contextmanager
    def open(self, spec: Spec) -> Iterator[Channel]:
        """A channel that is released on every way out. Raises `Unsupported` or `MessageTooLarge`."""
        refusal = self.refuse(spec)
        if refusal:
            raise (MessageTooLarge if refusal.code == "size" else Unsupported)(refusal.reason)
        with Owner(self.name) as owner:
            near, far = self.tickets(spec, owner)
            for ticket in near + far:
                owner.keep(ticket.drop)
            yield Channel(near, far, tuple(owner.servers))


class PairMechanism(Mechanism):
    """A mechanism with two ends: N peers are served by N channels of it."""

    @abstractmethod
    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """One near and one far end."""

    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """As many pairs as the larger side has processes."""
        return pairs(spec, lambda: self.pair(spec, owner))


def pairs(spec: Spec, make: Callable[[], Pair]) -> Ends:
    """The ends of as many pairs as the larger side has processes."""
    near, far = zip(*(make() for _ in range(max(spec.near, spec.far))), strict=True)
    return near, far


def refused_by_traits(name: str, traits: Traits, spec: Spec) -> Refusal | None:
    """What follows from the traits alone."""
    if not sys.platform.startswith(traits.platforms):
        return Refusal("platform", f"{name} needs {' or '.join(traits.platforms)}, this is {sys.platform}")
    if spec.kind not in traits.kinds:
        return Refusal("kind", f"{name} carries {', '.join(traits.kinds)}, not {spec.kind}")
    if spec.transfer and spec.transfer not in traits.transfers:
        ways = ", ".join(traits.transfers) or "no arrays"
        return Refusal("transfer", f"{name} moves an array by {ways}, not by {spec.transfer}")
    if spec.transfer and spec.kind != "array":
        return Refusal("transfer", f"only arrays have several ways to be moved, {spec.kind} has one")
    if spec.wait not in traits.waits:
        return Refusal("wait", f"{name} waits by {', '.join(traits.waits)}, not by {spec.wait}")
    if traits.exact and spec.size not in traits.exact:
        return Refusal("size", f"{name} carries exactly {' or '.join(map(str, traits.exact))} bytes, not {spec.size:,}")
    if spec.size < 1:
        return Refusal("size", f"a message of {name} has at least 1 byte, not {spec.size}")
    if traits.largest is not None and spec.size > traits.largest:
        return Refusal("size", f"a message of {name} has at most {traits.largest:,} bytes, not {spec.size:,}")
    if why := system.lacking(traits.needs):
        return Refusal("platform", f"{name} can't work here: {why}")
    if not traits.shared and 1 < min(spec.near, spec.far) != max(spec.near, spec.far):
        return Refusal("shape", f"{name} joins two processes: {spec.near} to {spec.far} needs a shared channel")
    return None
