"""What the runner tells a worker and what the worker answers: two small JSON files. And how a file is replaced as a whole."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["TOOLS", "Answer", "Latencies", "Task", "read", "replace_file", "replace_json", "writable", "write"]

Kind = TypeVar("Kind")
TOOLS = "IPCBENCH_TOOLS"
"""The variable that tells a workload a task's folder of tools."""


@dataclass(frozen=True)
class Task:
    """A bundle to measure: case ids, loops known so far, values for each case and seconds a value should take."""

    cases: list[str]
    answer: str
    values: int
    seconds: float
    loops: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    """The values that an earlier worker took of a case whose loops are known."""
    metadata: dict[str, dict[str, str | int | float]] = field(default_factory=dict)
    """What is kept with a case's benchmark."""
    record: list[str] = field(default_factory=list)
    """The cases whose operations are also timed one by one."""
    weigh: list[str] = field(default_factory=list)
    """Those whose memory is measured."""
    tools: str = ""
    """The folder where the compiled floor program lies."""
    turn: int | None = None
    """The descriptor of the socket on which it is told when to measure; None where nobody else is there."""
    processor: str = field(default_factory=platform.processor)
    architecture: Sequence[str] = field(default_factory=cache(platform.architecture))
    """What pyperf would ask two other programs for."""


@dataclass(frozen=True)
class Latencies:
    """Operations of a case that were timed one by one: how often (`counts`) each of `values` (nanoseconds) came.

    `recorder` is what recording one took by itself, in seconds.
    """

    values: list[int]
    counts: list[int]
    recorder: float


@dataclass(frozen=True)
class Answer:
    """A pyperf suite as plain data, the loops that were found, and why a case failed (the rest was not tried)."""

    suite: dict[str, Any] | None
    measured: list[str]
    loops: dict[str, int]
    failed: dict[str, str]
    seconds: dict[str, float]
    """Where the worker's time went, by the words of `ipcbench.bench.spent`."""
    latencies: dict[str, Latencies] = field(default_factory=dict)


def write(path: Path, what: Task | Answer) -> None:
    """Write it as JSON; whoever reads it knows that its writer is done. Raises OSError, which names the file."""
    with _naming(path):
        path.write_bytes(json.dumps(asdict(what), ensure_ascii=False).encode())


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """The error of a full disk names no file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def replace_json(path: Path, what: dict[str, Any]) -> None:
    """Write JSON so that a reader sees the old file or the whole new one, also after a crash. Raises OSError, which names the file."""
    replace_file(path, json.dumps(what, ensure_ascii=False).encode(errors="backslashreplace"))  # a name may be no UTF-8


def replace_file(path: Path, content: bytes) -> None:
    """Write beside, sync and rename: the file is the old one or the whole new one. Raises OSError, which names the file.

    A link is followed; what is no file, such as /dev/stdout or a FIFO, is written to.
    """
    if path.parent == Path("/dev") or (path.exists() and not path.is_file()):
        path.write_bytes(content)
        return
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with _naming(path):
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink()


def writable(folder: Path) -> bool:
    """Whether files can be made in the folder, or it itself where there is none yet."""
    existing = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return existing.is_dir() and os.access(existing, os.W_OK)


def read(path: Path, kind: type[Kind]) -> Kind:
    """Read a `Task` or an `Answer`. Raises ValueError when it isn't one.

    By the standard library: a worker that imported msgspec for this would take 8 ms longer to start.
    """
    try:
        fields = json.loads(path.read_bytes())
        if "latencies" in fields:
            fields["latencies"] = {name: Latencies(**found) for name, found in fields["latencies"].items()}
        return kind(**fields)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no {kind.__name__}: {error}") from error
