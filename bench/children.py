"""Children that run `piped`, a program of their own, with pipes to their standard input and output."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ipcbench.bench import piped
from ipcbench.ipc.errors import PeerGone

__all__ = ["child", "ended"]


@contextmanager
def child(*about: str, flags: tuple[str, ...] = (), **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """One that is up, with its pipes as `options` of `Popen` say; ended and reaped on every way out.

    It sees neither the user's variables nor site-packages (-I and -S): what it prints is buffered as Python does by itself.
    """
    command = [sys.executable, "-I", "-S", *flags, piped.__file__, *about]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)  # noqa: S603 - our own
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if os.read(process.stdout.fileno(), 1) != piped.UP:
            raise PeerGone(f"the child of {' '.join(about)} didn't come up")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what was still to be written finds nobody
                pipe.close()


def ended(process: subprocess.Popen[Any]) -> None:
    """Wait for its end, which must be a good one."""
    code = process.wait()
    if code:
        raise PeerGone(f"the child ended with {code}")
