"""`multiprocessing.JoinableQueue`, one each way: a `Queue` that also counts unfinished messages.

The receiver calls task_done() after each message, as every consumer of such a queue must: that is its extra cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipcbench.ipc.contract import Ends, Mechanism, Spec, Traits
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.queues import QueueTicket, queue_tickets


class JoinableTicket(QueueTicket):
    """An end that tells the queue of each message it got."""

    def receiver(self, queue: Any) -> Callable[[], Any]:
        """Get, then task_done."""
        get, task_done = queue.get, queue.task_done

        def receive() -> Any:
            message = get()
            task_done()
            return message

        return receive


class JoinableQueue(Mechanism):
    """Queues whose maxsize holds just the window."""

    name = "joinable-queue"
    family = "queue"
    floor = "pipe"
    traits = Traits(needs=("semaphore",), kinds=("bytes", "object", "array"), transfers=("pickle",), shared=True)

    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """All processes of a side share one queue."""
        return queue_tickets(spec, owner, spec.context.JoinableQueue, JoinableTicket)


MECHANISM = JoinableQueue()
