"""`Manager().Queue()`, one each way: a queue.Queue in a server process, reached through proxies by any number of processes.

A message passes the server: it is pickled into it, unpickled there, and once more on its way out. See "Managers" of `multiprocessing`.
"""

from __future__ import annotations

from ipcbench.ipc.contract import Ends, Mechanism, Spec, Traits
from ipcbench.ipc.managers import serve
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.queues import QueueTicket, queue_tickets


class ManagerQueue(Mechanism):
    """Queues whose maxsize holds just the window."""

    name = "manager-queue"
    family = "manager"
    traits = Traits(kinds=("bytes", "object", "array"), transfers=("pickle",), shared=True, server=True)

    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """All processes of a side share one queue."""
        manager, keep = serve(spec, owner)
        return queue_tickets(spec, owner, lambda room: keep(manager.Queue(room)), QueueTicket)


MECHANISM = ManagerQueue()
