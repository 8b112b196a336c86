"""Duplex channels out of two one-way descriptors (a pipe or a FIFO each way)."""

from __future__ import annotations

import os
from contextlib import suppress
from multiprocessing import reduction
from typing import Any

from ipcbench.ipc.codec import dress, limit
from ipcbench.ipc.contract import Endpoint, Spec
from ipcbench.ipc.framing import fd_into, fd_recv, fd_send

__all__ = ["Descriptor", "duplex"]


class Descriptor:
    """A file descriptor that may travel to a process while that is being started; its number is new there."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        """Close it; twice is fine."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (reduction.DupFd(self.fd),)


def _arrived(duplicate: Any) -> Descriptor:
    return Descriptor(duplicate.detach())


def duplex(reading: Descriptor, writing: Descriptor, spec: Spec) -> Endpoint:
    """An endpoint that reads framed messages from one descriptor and writes them to the other."""
    read, write = reading.fd, writing.fd

    def close() -> None:
        reading.close()
        writing.close()

    end = Endpoint(fd_send(write), fd_recv(read, limit(spec)), close, lambda buffer: fd_into(read, buffer))
    return dress(end, spec)
