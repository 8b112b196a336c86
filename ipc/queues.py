"""Tickets over two queues with `put` and `get`, one each way, shared by all processes of a side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ipcbench.ipc.contract import Endpoint, Ends, Spec
from ipcbench.ipc.errors import DROPPED, EndClosed
from ipcbench.ipc.owner import Owner

__all__ = ["QueueTicket", "queue_tickets"]

FLUSHING = 1.0
"""Seconds given to a feeder thread to end with its queue: it closes the writing end."""


@dataclass
class QueueTicket:
    """Where one side puts and where it gets."""

    out: Any
    back: Any

    def attach(self) -> Endpoint:
        """Nothing waits: a queue has no rendezvous."""
        out, back = self.out, self.back
        if out is None:
            raise EndClosed(DROPPED)
        return Endpoint(out.put, self.receiver(back), partial(_close, out, back))

    def receiver(self, queue: Any) -> Callable[[], Any]:
        """The call that gets the next message of a queue."""
        get: Callable[[], Any] = queue.get
        return get

    def drop(self) -> None:
        """Forget the queues: one can't be closed for a single side."""
        self.out = self.back = None


def _close(*queues: Any) -> None:
    """What was put is flushed by the feeder thread before its process ends, as long as a peer reads."""
    for queue in queues:
        if hasattr(queue, "close"):
            queue.close()


def queue_tickets(
    spec: Spec, owner: Owner, make: Callable[[int], Any], ticket: Callable[[Any, Any], QueueTicket]
) -> Ends:
    """Tickets for `spec.near` and `spec.far` processes over two queues that hold all that can be in flight.

    There: a window of each near process, and an END for each far one. Back: at most a credit for each of those messages, and the
    answers to those ENDs.
    """
    room = spec.near * spec.window + spec.far
    there = make(room)
    owner.keep(partial(_release, there))
    back = make(room)
    owner.keep(partial(_release, back))
    near = tuple(ticket(there, back) for _ in range(spec.near))
    return near, tuple(ticket(back, there) for _ in range(spec.far))


def _release(queue: Any) -> None:
    """Give up what is still in the feeder thread: at this point nobody reads any more, and so its write fails."""
    with suppress(AttributeError):
        queue.cancel_join_thread()
    with suppress(AttributeError):
        queue.close()
    feeder = getattr(queue, "_thread", None)
    if feeder is not None:
        feeder.join(FLUSHING)
