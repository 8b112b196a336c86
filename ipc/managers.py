"""Mailboxes whose payload lies in a manager's server: a proxy stores and loads it, a semaphore wakes the other side.

Each store or load is a request to the server and its answer, through a socket each process opens to it: the payload is
pickled twice and copied some ten times on its way (pickle, write, read, collect and unpickle, to the server and from it). One
server serves all pairs of a channel.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any, ClassVar

from ipcbench.ipc.contract import Ends, Mechanism, Spec, Traits, pairs
from ipcbench.ipc.lifeline import begin_child, holding_sigterm
from ipcbench.ipc.mailbox import Mailbox
from ipcbench.ipc.owner import Owner

__all__ = ["ManagerMailbox", "ProxySlot", "serve", "start"]

SHUTTING_DOWN = 2.0
"""Seconds that a server gets to end by itself."""


def serve(spec: Spec, owner: Owner) -> tuple[Any, Callable[[Any], Any]]:
    """A manager whose server ends with the channel, and with this process; and what each proxy made by it must be handed through.

    That keeps the proxies until the server is gone: a spawned process counts no reference to what it was given, and one that is let go of
    before has the server told, which may be stopped.
    """
    from multiprocessing.managers import SyncManager  # slow to import, and no other mechanism needs it

    kept: list[Any] = []
    owner.keep(kept.clear)
    manager = SyncManager(ctx=spec.context)
    start(manager, owner)

    def keep(proxy: Any) -> Any:
        kept.append(proxy)
        return proxy

    return manager, keep


def start(manager: Any, owner: Owner) -> None:
    """Start the server. It ends with the owner, who then knows its pid, and with this process."""
    with holding_sigterm():
        manager.start(begin_child)
        owner.keep(partial(_shut_down, manager))
    owner.servers.append(manager._process.pid)  # noqa: SLF001 - nothing public names the server


def _shut_down(manager: Any) -> None:
    """By word; a server that is stopped, or busy for ever, by force: it wouldn't answer, and the word has no deadline of its own."""
    server = manager._process  # noqa: SLF001
    asking = Thread(target=manager.shutdown, name="shut-down", daemon=True)
    asking.start()
    asking.join(SHUTTING_DOWN)
    if server.is_alive():
        server.kill()  # which ends a stopped process too
    asking.join(SHUTTING_DOWN)
    server.join()


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
        del self.store, self.load


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
    )

    @abstractmethod
    def make(self, manager: Any) -> Any:
        """A place in the server, empty."""

    @staticmethod
    @abstractmethod
    def bind(proxy: Any) -> ProxySlot:
        """The calls that store and load there."""

    def tickets(self, spec: Spec, owner: Owner) -> Ends:
        """All pairs share the server."""
        manager, keep = serve(spec, owner)
        return pairs(spec, lambda: Mailbox(spec, lambda: ProxyPlace(keep(self.make(manager)), self.bind)).ends)
