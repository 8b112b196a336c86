"""One mechanism under one start method: a channel a variant, one peer that serves them all."""

from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from threading import Thread

from conformance_peer import DEADLINE, Peer
from conformance_traces import Traces

from ipcbench.ipc import registry
from ipcbench.ipc.contract import Spec

SIZE = 300_000
"""Above what a pipe and a socket buffer hold, so that writes are short and completed."""


@dataclass(frozen=True)
class Variant:
    kind: str
    transfer: str
    wait: str


def variants(traits):
    """Every kind, every transfer and every wait once, the others by their defaults."""
    ways = {kind: traits.transfers if kind == "array" else ("",) for kind in traits.kinds}
    found = [Variant(kind, transfer, traits.waits[0]) for kind in traits.kinds for transfer in ways[kind]]
    first = found[0]
    return found + [Variant(first.kind, first.transfer, wait) for wait in traits.waits[1:]]


class Kit:
    def __init__(self, name, method):
        self.name, self.method = name, method
        self.context = get_context(method)
        self.mechanism = registry.load(name)
        self.traits = self.mechanism.traits
        self.variants = [v for v in variants(self.traits) if not self.mechanism.refuse(self.spec(v))]
        self.stack = None

    def size(self):
        if self.traits.exact:
            return self.traits.exact[0]
        return min(SIZE, (self.traits.largest or SIZE + 2048) - 2048) // 8 * 8

    def spec(self, variant=None, **changes):
        variant = variant or self.variants[0]
        fields = {"kind": variant.kind, "transfer": variant.transfer, "wait": variant.wait, "size": self.size()}
        return Spec(self.context, **{**fields, "deadline": DEADLINE, **changes})

    def start(self):
        self.before = Traces()
        self.stack = ExitStack()
        channels = [self.stack.enter_context(self.mechanism.open(self.spec(variant))) for variant in self.variants]
        far, near = [channel.far[0] for channel in channels], [channel.near[0] for channel in channels]
        self.peer = Peer(self.method, far, near)
        self.stack.callback(self.peer.kill)
        self.ends = []
        for index, ticket in enumerate(near):
            self.peer.tell("attach", index)
            self.ends.append(ticket.attach())
            self.stack.callback(self.ends[-1].close)
            self.peer.answer()

    def each(self, **wanted):
        """Index, variant and near end of each variant with those values; the peer is started on first use."""
        if self.stack is None:
            self.start()
        for index, variant in enumerate(self.variants):
            if all(getattr(variant, key) == value for key, value in wanted.items()):
                yield index, variant, self.ends[index]

    def kill_peer(self):
        """By SIGKILL; what it leaves to the near ends is there until `abandon`."""
        if self.stack is None:
            self.start()
        self.peer.kill()

    def abandon(self):
        if self.stack is not None:
            stack, self.stack = self.stack, None
            self.ends = []
            stack.close()

    def stop(self):
        if self.stack is not None:
            self.peer.stop()
            self.abandon()
            del self.peer
            self.before.assert_nothing_left()


def attached(channel):
    """Both ends of a channel's first pair, attached in this process: a rendezvous needs two threads."""
    ends = []
    thread = Thread(target=lambda: ends.append(channel.far[0].attach()))
    thread.start()
    near = channel.near[0].attach()
    thread.join(DEADLINE)
    return near, ends.pop()
