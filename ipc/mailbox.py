"""A one-slot mailbox each way: two semaphores (`full`, `empty`) round a place to load from and store to.

The writer waits for `empty`, stores, posts `full`; the reader waits for `full`, takes, posts `empty`: Dijkstra's bounded
buffer with one slot (EWD 123). Waiting strategies: `block` sleeps in the kernel, `spin` polls the
semaphore without ever sleeping, `adaptive` polls `POLLS` times and then sleeps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ipcbench.ipc.contract import Endpoint, Spec
from ipcbench.ipc.errors import DROPPED, EndClosed

__all__ = ["Lane", "Mailbox", "MailboxTicket", "Place", "Slot", "WholeSlot", "waiter"]

POLLS = 1000
"""Polls before an adaptive wait sleeps: some 50 µs, about what one wake-up across cores costs."""


class Slot(Protocol):
    """A place attached in one process: how to fill it and how to read it."""

    def store(self, payload: Any) -> None:
        """Put the payload there."""

    def load(self) -> Any:
        """What is there: fresh, or a view if `view` is set."""

    def into(self, buffer: Any) -> Callable[[], Any] | None:
        """A call that copies what is there into the buffer."""

    def close(self) -> None:
        """Release what attaching took."""

    @property
    def view(self) -> bool:
        """Whether `load` gives a view, which keeps the slot taken until the next message is asked for."""


@runtime_checkable
class WholeSlot(Slot, Protocol):
    """A slot that makes whole functions of waiting, moving and posting: a message costs two Python calls less."""

    def storing(self, wait: Callable[[], Any], post: Callable[[], Any]) -> Callable[[Any], None]:
        """Wait, store, post."""

    def taking(
        self, buffer: Any, held: list[bool], wait: Callable[[], Any], post: Callable[[], Any]
    ) -> Callable[[], None]:
        """Post first if a view is held; wait, copy to the buffer, post."""


class Place(Protocol):
    """Where a lane's message lies; travels to a process and is attached there."""

    def attach(self) -> Slot:
        """The slot, usable in this process."""


@dataclass
class Lane:
    """One way of a mailbox: travels with its semaphores."""

    place: Place
    full: Any
    empty: Any


def lane(spec: Spec, place: Place) -> Lane:
    """A lane whose slot is empty."""
    return Lane(place, spec.context.Semaphore(0), spec.context.Semaphore(1))


@dataclass
class MailboxTicket:
    """One end of a duplex mailbox."""

    out: Lane | None
    back: Lane | None
    wait: str

    def attach(self) -> Endpoint:
        """The end; nothing here waits for the peer."""
        out, back = self.out, self.back
        if out is None or back is None:
            raise EndClosed(DROPPED)
        return mailbox_endpoint(out, back, self.wait)

    def drop(self) -> None:
        """Forget the lanes: what a process holds of a mailbox is memory, freed with the last reference."""
        self.out = self.back = None


@dataclass
class Mailbox:
    """Makes the two ends of a duplex mailbox from a function that makes places."""

    spec: Spec
    make: Callable[[], Place]
    ends: tuple[MailboxTicket, MailboxTicket] = field(init=False)

    def __post_init__(self) -> None:
        there, back = lane(self.spec, self.make()), lane(self.spec, self.make())
        wait = self.spec.wait
        self.ends = MailboxTicket(there, back, wait), MailboxTicket(back, there, wait)


def waiter(semaphore: Any, wait: str) -> Callable[[], Any]:
    """A call that returns once the semaphore could be taken, by that strategy."""
    acquire: Callable[..., Any] = semaphore.acquire
    if wait == "block":
        return acquire

    def spin() -> None:
        while not acquire(False):
            pass

    def adaptive() -> None:
        for _ in range(POLLS):
            if acquire(False):
                return
        acquire()

    return spin if wait == "spin" else adaptive


def mailbox_endpoint(out: Lane, back: Lane, wait: str) -> Endpoint:
    """Binds send, recv and into to the semaphores and slots of two lanes."""
    sink = out.place.attach()
    try:
        source = back.place.attach()
    except BaseException:
        sink.close()
        raise
    send = _sender(sink, waiter(out.empty, wait), out.full.release)
    recv, into = _receiver(source, waiter(back.full, wait), back.empty.release)

    def close() -> None:
        sink.close()
        source.close()

    return Endpoint(send, recv, close, into)


def _sender(sink: Slot, wait_empty: Callable[[], Any], post_full: Callable[[], Any]) -> Callable[[Any], None]:
    if isinstance(sink, WholeSlot):
        return sink.storing(wait_empty, post_full)
    store = sink.store

    def send(payload: Any) -> None:
        wait_empty()
        store(payload)
        post_full()

    return send


def _receiver(
    source: Slot, wait_full: Callable[[], Any], post_empty: Callable[[], Any]
) -> tuple[Callable[[], Any], Callable[[Any], Callable[[], Any] | None]]:
    load = source.load
    held: list[bool] = []  # not empty while a view of the slot is out, so that the slot isn't free yet

    def recv() -> Any:
        wait_full()
        payload = load()
        post_empty()
        return payload

    def recv_view() -> Any:
        if held:
            held.clear()
            post_empty()
        wait_full()
        held.append(True)
        return load()

    def into(buffer: Any) -> Callable[[], Any] | None:
        if isinstance(source, WholeSlot):
            return source.taking(buffer, held, wait_full, post_empty)
        take = source.into(buffer)
        return None if take is None else _taking(take, held, wait_full, post_empty)

    return recv_view if source.view else recv, into


def _taking(
    take: Callable[[], Any], held: list[bool], wait_full: Callable[[], Any], post_empty: Callable[[], Any]
) -> Callable[[], None]:
    """`take` between a wait and a post; a view that is held is given back before."""

    def receive() -> None:
        if held:
            held.clear()
            post_empty()
        wait_full()
        take()
        post_empty()

    return receive
