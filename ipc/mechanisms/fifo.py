"""Two FIFOs (mkfifo(3), fifo(7)) in a private folder, with length framing: pipes that unrelated processes open by name.

How both ends open without a deadlock: each opens its reading end first and without waiting (O_NONBLOCK), then its
writing end, again and again while ENXIO says that the peer's reader isn't there yet, then greets the peer with one byte. A
reader sees the end of the file for as long as no writer ever came: the peer's greeting says that it did. O_RDWR
would spare all this, but an end that holds the other one open never sees its peer's death.

Its limits are those of a pipe: 64 KiB in flight, and both ends sending more than that at once deadlock.
"""

from __future__ import annotations

import errno
import os
import select
import time
from dataclasses import dataclass

from ipcbench.ipc.contract import Endpoint, Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.descriptors import Descriptor, duplex
from ipcbench.ipc.errors import DROPPED, DeadlinePassed, EndClosed, PeerGone
from ipcbench.ipc.owner import Owner

GREETING = b"\x06"
PAUSE = 0.0005  # seconds between two attempts to open a writing end


@dataclass
class FifoTicket:
    """The paths to read from and to write to."""

    reading: str
    writing: str
    spec: Spec

    def attach(self) -> Endpoint:
        """Waits for the peer to do the same."""
        if not self.reading:
            raise EndClosed(DROPPED)
        until = time.monotonic() + self.spec.deadline
        reading, writing = Descriptor(-1), Descriptor(-1)
        try:
            reading.fd = os.open(self.reading, os.O_RDONLY | os.O_NONBLOCK)
            writing.fd = _open_writer(self.writing, until)
            os.write(writing.fd, GREETING)
            _await_greeting(reading.fd, until)
            os.set_blocking(reading.fd, True)
            os.set_blocking(writing.fd, True)
        except BaseException as error:
            reading.close()
            writing.close()
            if isinstance(error, (FileNotFoundError, BrokenPipeError)):
                raise PeerGone("the channel was closed before both ends had opened it") from error
            raise
        return duplex(reading, writing, self.spec)

    def drop(self) -> None:
        """Forget the paths: nothing is open yet."""
        self.reading = self.writing = ""


def _open_writer(path: str, until: float) -> int:
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > until:
                raise DeadlinePassed("nobody opened the FIFO for reading within the deadline") from error
            time.sleep(PAUSE)


def _await_greeting(reading: int, until: float) -> None:
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise DeadlinePassed("nobody opened the FIFO for writing within the deadline")
    if os.read(reading, len(GREETING)) != GREETING:
        raise PeerGone("the other side opened the FIFO and closed it again")


class Fifo(PairMechanism):
    """A FIFO a direction."""

    name = "fifo"
    family = "pipe"
    floor = "fifo"
    traits = Traits(
        kinds=("bytes", "object", "array"),
        transfers=("pickle", "buffers"),
        noticed=True,
    )

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Two paths in the owner's folder, which is only the user's."""
        there, back = owner.path(), owner.path()
        os.mkfifo(there, 0o600)
        os.mkfifo(back, 0o600)
        return FifoTicket(back, there, spec), FifoTicket(there, back, spec)


MECHANISM = Fifo()
