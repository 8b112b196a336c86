"""Mailboxes whose payload lies in a manager's server: a proxy stores and loads it, a semaphore wakes the other side.

Each store or load is a request to the server and its answer, through a socket each process opens to it: the payload is
pickled twice and copied some ten times on its way. One server serves all pairs of a channel.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ipcbench.ipc.contract import Ends, Mechanism, Spec, Traits, pairs
from ipcbench.ipc.errors import PeerGone
from ipcbench.ipc.lifeline import begin_child, holding_sigterm
from ipcbench.ipc.mailbox import Mailbox
from ipcbench.ipc.owner import Owner

__all__ = ["ManagerMailbox", "ProxySlot", "serve"]

COPIES = 10
"""Pickle, write, read, collect and unpickle, once to the server and once from it."""


def serve(spec: Spec, owner: Owner) -> Any:
    """A manager whose server ends with the channel, and with this process."""
    from multiprocessing.managers import SyncManager  # slow to import, and no other mechanism needs it

    manager = SyncManager(ctx=spec.context)
    with holding_sigterm():
        manager.start(begin_child)
        owner.keep(lambda: manager.shutdown())
    server = manager._process  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public names the server
    owner.servers.append(server.pid)
    return manager


class ProxySlot:
    """A place in the server, with the proxy's own way to store and load."""

    view = False

    def __init__(self, store: Callable[[Any], Any], load: Callable[[], Any]) -> None:
        load()  # connects this process to the server
        self.store, self.load = store, load

    def into(self, buffer: Any) -> Callable[[], Any] | None:  # noqa: ARG002 - the server's answer is an object of its own
        """Nothing narrower than `load`."""
        return None

    def close(self) -> None:
        """Let go of the proxy: its process disconnects with the last one."""
        self.store = self.load = _gone


def _gone(*_: Any) -> Any:
    raise PeerGone("this end is closed")


@dataclass
class ProxyPlace:
    """A proxy on its way to a process, and how it is used there."""

    proxy: Any
    bind: Callable[[Any], ProxySlot]

    def attach(self) -> ProxySlot:
        """The slot, connected to the server."""
        return self.bind(self.proxy)


class ManagerMailbox(Mechanism):
    """One server; for each pair of processes two places in it."""

    family = "manager"
    traits: ClassVar[Traits] = Traits(  # type: ignore[misc]
        kinds=("bytes", "object", "array"),
        transfers=("pickle",),
        waits=("block", "spin", "adaptive"),
        server=True,
        needs=("semaphore",),
        copies=COPIES,
    )

    @abstractmethod
    def make(self, manager: Any) -> Any:
        """A place in the server, empty."""

    @staticmethod
    @abstractmethod
    def bind(proxy: Any) -> ProxySlot:
        """The calls that store and load there."""

    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """All pairs share the server. The opener keeps every place: a spawned process counts no reference to what it was given."""
        manager = serve(spec, owner)
        places: list[ProxyPlace] = []
        owner.keep(places.clear)

        def place() -> ProxyPlace:
            places.append(ProxyPlace(self.make(manager), self.bind))
            return places[-1]

        return pairs(spec, lambda: Mailbox(spec, place).ends)
