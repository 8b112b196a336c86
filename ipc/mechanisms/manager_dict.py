"""`Manager().dict()` as a one-slot mailbox each way: one entry of a dict in a server process holds the message.

See "Managers" of `multiprocessing`; `ipc/managers.py` tells what a message costs.
"""

from __future__ import annotations

from typing import Any

from ipcbench.ipc.managers import ManagerMailbox, ProxySlot


class ManagerDict(ManagerMailbox):
    """Dicts of one entry."""

    name = "manager-dict"

    def make(self, manager: Any) -> Any:
        """The place of one message."""
        return manager.dict(message=None)

    @staticmethod
    def bind(proxy: Any) -> ProxySlot:
        """Sets and gets the entry."""
        store, load = proxy.__setitem__, proxy.__getitem__
        return ProxySlot(lambda payload: store("message", payload), lambda: load("message"))


MECHANISM = ManagerDict()
