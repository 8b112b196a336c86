"""pyperf's runner inside a worker, at the least cost.

pyperf asks the system for the same facts each time, and for some the first time only. What is asked before a worker's turn, while others
set up as well, costs the run half. Its figures are its own.
"""

from __future__ import annotations

import importlib
import platform
import sys
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyperf

__all__ = ["driver"]


def driver(values: int, processor: str, architecture: Sequence[str]) -> pyperf.Runner:
    """A runner that measures in this process and has measured nothing once: its first benchmark takes it 3 ms more than the next.

    `processor` and `architecture` are what `platform` would say of them, by running uname and file (9 ms).
    """
    with ExitStack() as stack:
        if sys.platform == "linux":
            stack.enter_context(_without_psutil())
        stack.enter_context(_without_hooks())
        import pyperf

        known = str(architecture[0]), str(architecture[1])
        vars(platform)["architecture"] = lambda: known
        vars(platform.uname())["processor"] = processor  # where its cached property keeps it
        runner = pyperf.Runner(program_args=())
        runner.parse_args(["--worker", "--quiet", "--loops=1", "--warmups=0", f"--values={values}"])
        runner.bench_time_func("nothing", lambda _loops: 1.0)
    return runner


@contextmanager
def _stand_in(name: str, module: ModuleType | None) -> Iterator[None]:
    """That module under this name, where it isn't imported yet; None is one that can't be imported (importlib documents it)."""
    new = name not in sys.modules
    if new:
        sys.modules[name] = module  # type: ignore[assignment]
    try:
        yield
    finally:
        if new:
            del sys.modules[name]


def _without_psutil() -> AbstractContextManager[None]:
    """Pyperf, which asks it where /proc doesn't tell, would import it for nothing on Linux (9 ms)."""
    return _stand_in("psutil", None)


@contextmanager
def _without_hooks() -> Iterator[None]:
    """Pyperf would look through all that is installed for hooks, which nobody asks for here (13 ms, with what it imports for that)."""
    name = "importlib.metadata"
    if name in sys.modules:
        yield
        return
    stub = ModuleType(name)
    vars(stub)["entry_points"] = lambda: SimpleNamespace(select=lambda **_: ())
    with _stand_in(name, stub):
        vars(importlib)["metadata"] = stub
        try:
            yield
        finally:
            del vars(importlib)["metadata"]
