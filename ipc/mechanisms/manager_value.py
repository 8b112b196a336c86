"""`Manager().Value()` as a one-slot mailbox each way: an object with a `value` in a server process holds the message.

Its type code is ignored there, so that the value may be any object.

See "Managers" of `multiprocessing`; `ipc/managers.py` tells what a message costs.
"""

from __future__ import annotations

from typing import Any

from ipcbench.ipc.managers import ManagerMailbox, ProxySlot


class ManagerValue(ManagerMailbox):
    """Values of any type."""

    name = "manager-value"

    def make(self, manager: Any) -> Any:
        """The place of one message."""
        return manager.Value("O", None)

    @staticmethod
    def bind(proxy: Any) -> ProxySlot:
        """Sets and gets the value."""
        return ProxySlot(proxy.set, proxy.get)


MECHANISM = ManagerValue()
