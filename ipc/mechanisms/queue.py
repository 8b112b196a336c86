"""`multiprocessing.Queue`, one each way: a pipe with locks, fed by a thread of the sender, for any number of processes.

The thread pickles and writes later than put() returns: a payload must not be changed meanwhile, and what is not picklable
fails unseen by the sender. A message costs a change of threads besides that of processes.
"""

from __future__ import annotations

from ipcbench.ipc.contract import Ends, Mechanism, Spec, Traits
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.queues import QueueTicket, queue_tickets


class Queue(Mechanism):
    """Queues whose maxsize holds just the window: back-pressure, never a deadlock of both directions."""

    name = "queue"
    family = "queue"
    floor = "pipe"
    traits = Traits(needs=("semaphore",), kinds=("bytes", "object", "array"), transfers=("pickle",), shared=True)

    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """All processes of a side share one end."""
        return queue_tickets(spec, owner, spec.context.Queue, QueueTicket)


MECHANISM = Queue()
