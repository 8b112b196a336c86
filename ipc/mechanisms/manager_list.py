"""`Manager().list()` as a one-slot mailbox each way: item 0 of a list in a server process holds the message.

See "Managers" of `multiprocessing`; `ipc/managers.py` tells what a message costs.
"""

from __future__ import annotations

from typing import Any

from ipcbench.ipc.managers import ManagerMailbox, ProxySlot


class ManagerList(ManagerMailbox):
    """Lists of one item."""

    name = "manager-list"

    def make(self, manager: Any) -> Any:
        """The place of one message."""
        return manager.list([None])

    @staticmethod
    def bind(proxy: Any) -> ProxySlot:
        """Sets and gets the item."""
        store, load = proxy.__setitem__, proxy.__getitem__
        return ProxySlot(lambda payload: store(0, payload), lambda: load(0))


MECHANISM = ManagerList()
