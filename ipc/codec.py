"""Payload kinds over a mechanism whose own unit is bytes.

An object or array is pickled (PEP 307), or an array is pickled out of band (PEP 574): a small head, then its
memory as a message of its own, without a copy in Python. Wrapped once at attach; bytes pass as they are.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from ipcbench.ipc.contract import Endpoint, Spec

__all__ = ["dress", "limit"]


def limit(spec: Spec) -> int:
    """The largest frame in bytes that an honest peer sends: a pickle is somewhat larger than its payload."""
    return spec.size if spec.kind == "bytes" else 2 * spec.size + 65536


def dress(end: Endpoint, spec: Spec) -> Endpoint:
    """The endpoint for the spec's payload kind, over one that carries bytes."""
    if spec.kind == "bytes":
        return end
    if spec.transfer == "buffers":
        return _out_of_band(end)
    return _pickled(end)


def _pickled(end: Endpoint) -> Endpoint:
    send_bytes, recv_bytes = end.send, end.recv
    dumps, loads = pickle.dumps, pickle.loads

    def send(payload: Any) -> None:
        send_bytes(dumps(payload, 5))

    def recv() -> Any:
        return loads(recv_bytes())

    return Endpoint(send, recv, end.close, drain=end.drain)


def _out_of_band(end: Endpoint) -> Endpoint:
    send_bytes, recv_bytes, into_bytes = end.send, end.recv, end.into
    dumps, loads = pickle.dumps, pickle.loads

    def send(payload: Any) -> None:
        buffers: list[pickle.PickleBuffer] = []
        send_bytes(dumps(payload, 5, buffer_callback=buffers.append))
        send_bytes(buffers[0].raw())

    def recv() -> Any:
        head = recv_bytes()
        return loads(head, buffers=[recv_bytes()])

    def into(array: Any) -> Callable[[], Any] | None:
        memory = memoryview(array).cast("B")
        fill = into_bytes(memory)
        if fill is None:
            return None

        def receive() -> Any:
            head = recv_bytes()
            fill()
            return loads(head, buffers=[memory])

        return receive

    return Endpoint(send, recv, end.close, into, drain=end.drain)
