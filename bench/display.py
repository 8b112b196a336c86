"""How a run shows where it stands: a progress bar on a terminal, a quiet line now and then elsewhere."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from ipcbench.bench.orderly import uninterrupted
from ipcbench.bench.schedule import Progress as Standing

__all__ = ["Display"]

EVERY = 0.1
"""Without a terminal: a line each tenth of the run."""


class Display:
    """Shows each `Standing`; a context manager."""

    def __init__(self, count: int, what: str, console: Console | None = None, noun: str = "cases") -> None:
        self.console = console or Console(stderr=True)
        self.title = f"{what}: {count:,} {noun if count != 1 else noun.removesuffix('s')}"
        self.progress: Progress | None = None
        self.bar: TaskID | None = None
        self.next = 0.0

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self.progress = Progress(
                TextColumn("{task.fields[round]}"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[clock]}"),
                TextColumn("{task.description}", style="dim"),
                console=self.console,
                transient=True,
            )
            try:
                with uninterrupted():
                    self.progress.start()
                self.bar = self.progress.add_task("", total=1.0, round=self.title, clock="")
            except BaseException:  # a signal: the cursor is hidden already
                self.progress.stop()
                raise
        else:
            self._line(self.title)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.progress is not None:
            self.progress.stop()

    def show(self, now: Standing) -> None:
        """Where the run stands."""
        total = now.elapsed + now.left
        share = now.elapsed / total if total else 0.0
        clock = f"{_clock(now.elapsed)} gone, {_clock(now.left)} left"
        where = now.stage
        if self.progress is not None and self.bar is not None:
            self.progress.update(self.bar, completed=share, description=now.case, round=where, clock=clock)
        elif share >= self.next:
            self.next = share + EVERY
            self._line(f"{where}, {now.done}/{now.planned}: {clock}: {now.case}")

    def _line(self, text: str) -> None:
        with suppress(OSError, SystemExit):  # nobody reads it any more (rich ends the program then): the run goes on
            self.console.print(Text(text), soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
