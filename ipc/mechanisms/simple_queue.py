"""`multiprocessing.SimpleQueue`, one each way: a pipe between two locks, written by the sender itself, without a thread.

It has no maxsize: the pipe is the back-pressure, and a sender blocks once 64 KiB wait unread. It has no timeout either.
"""

from __future__ import annotations

from typing import Any

from ipcbench.ipc.contract import Ends, Mechanism, Spec, Traits
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.queues import QueueTicket, queue_tickets


class SimpleQueue(Mechanism):
    """Queues that hold what a pipe holds."""

    name = "simple-queue"
    family = "queue"
    floor = "pipe"
    traits = Traits(needs=("semaphore",), kinds=("bytes", "object", "array"), transfers=("pickle",), shared=True)

    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """All processes of a side share one queue."""

        def make(_room: int) -> Any:
            return spec.context.SimpleQueue()

        return queue_tickets(spec, owner, make, QueueTicket)


MECHANISM = SimpleQueue()
