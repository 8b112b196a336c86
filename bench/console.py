"""The console script: it takes over signals first, since what it then imports takes longer than what comes before."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from contextlib import suppress

__all__ = ["main", "told"]

OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EPIPE)
"""What writing to standard output, which has no name, may fail with."""
PATIENCE = 2.5
"""Seconds that a command gets to end after a signal."""
_came: list[int] = []
"""Signals that ended the command."""
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def main() -> None:
    """A signal is an orderly end in every command; output that can't be written is told in one line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    _open_what_is_closed()
    if sys.stderr is not None:
        sys.stderr = _Unheeded(sys.stderr.buffer, sys.stderr.encoding, "backslashreplace", line_buffering=True)
    if isinstance(sys.stdout, io.TextIOWrapper):  # where it can't take a sign: that is no reason to end
        sys.stdout.reconfigure(errors="replace")
    from ipcbench.bench.cli import cli

    try:
        cli.main(prog_name="ipcbench")
    except SystemExit as end:
        if end.code in INTERRUPTED:  # another signal changes nothing, also while the interpreter is taken apart
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
        raise
    except Exception as error:
        if _came:  # it broke into an import, which then fails in its own way
            sys.exit(128 + _came[0])
        if not isinstance(error, OSError):
            raise
        print(f"ipcbench: {told(error)}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still in its buffer would be tried again
        sys.exit(2)


def told(error: OSError) -> str:
    """What went wrong, and with what."""
    name = error.filename or ("standard output" if error.errno in OUTPUT else "")
    return ": ".join(filter(None, (str(name), error.strerror or str(error))))


def _open_what_is_closed() -> None:
    """Standard descriptors that this process was started without: what is opened next would get what is said there."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free


class _Unheeded(io.TextIOWrapper):
    """Standard error: that nobody takes what is said there doesn't stop a run."""

    def write(self, text: str) -> int:
        """Or lose it."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """As far as that goes."""
        with suppress(OSError):
            super().flush()


def _leave(number: int, _frame: object) -> None:
    """What was begun is cleaned up on the way, and the shell sees which signal it was; `run` and `ab` take over from here.

    Where that is swallowed, as in a callback of a library, or takes too long, the process ends all the same.
    """
    timer = threading.Timer(PATIENCE, os._exit, (128 + number,))
    timer.daemon = True
    timer.start()
    _came.append(number)
    sys.exit(128 + number)
