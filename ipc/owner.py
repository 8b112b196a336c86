"""One owner for the resources of a channel: registered as soon as made, released in reverse on every way out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType

__all__ = ["Owner"]


class Owner:
    """Keeps what must be released. A failing release is raised at the end; the others still run.

    Only the process that made it releases anything: a forked child that unwinds its copy leaves the channel alone.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._pid = os.getpid()
        self._names = 0
        self.servers: list[int] = []
        self._stack = ExitStack()

    def keep(self, release: Callable[[], object]) -> None:
        """Have `release` called when the channel is closed."""
        self._stack.callback(release)

    @cached_property
    def folder(self) -> Path:
        """A private folder (mode 0700) below TMPDIR, gone with the channel."""
        folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-{os.getpid()}-"))
        self.keep(lambda: shutil.rmtree(folder, ignore_errors=True))
        return folder

    def path(self) -> str:
        """A new name in the private folder."""
        self._names += 1
        return str(self.folder / str(self._names))

    def __enter__(self) -> Owner:
        self._stack.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if os.getpid() != self._pid:
            self._stack.pop_all()
            return None
        return self._stack.__exit__(kind, error, trace)
