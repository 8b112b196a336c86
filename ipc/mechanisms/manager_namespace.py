"""`Manager().Namespace()` as a one-slot mailbox each way: an attribute of an object in a server process holds the message.

See "Managers" of `multiprocessing`; `ipc/managers.py` tells what a message costs.
"""

from __future__ import annotations

from typing import Any

from ipcbench.ipc.managers import ManagerMailbox, ProxySlot


class ManagerNamespace(ManagerMailbox):
    """Namespaces of one attribute."""

    name = "manager-namespace"

    def make(self, manager: Any) -> Any:
        """The place of one message."""
        return manager.Namespace(message=None)

    @staticmethod
    def bind(proxy: Any) -> ProxySlot:
        """Sets and gets the attribute."""

        def store(payload: Any) -> None:
            proxy.message = payload

        def load() -> Any:
            return proxy.message

        return ProxySlot(store, load)


MECHANISM = ManagerNamespace()
