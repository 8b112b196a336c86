"""pyperf's runner inside a worker, at the least cost.

pyperf asks the system for the same facts each time, and for some the first time only. What is asked before a worker's turn, while others
set up as well, costs the run half. Its figures are its own.
"""

from __future__ import annotations

import platform
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyperf

__all__ = ["driver"]


def driver(values: int) -> pyperf.Runner:
    """A runner that measures in this process and has measured nothing once: its first benchmark takes it 8 ms more than the next."""
    with _without_psutil():
        import pyperf

        vars(platform)["architecture"] = cache(platform.architecture)  # asked for each case: a program and 2 ms
        platform.architecture()
        runner = pyperf.Runner(program_args=())
        runner.parse_args(["--worker", "--quiet", "--loops=1", "--warmups=0", f"--values={values}"])
        runner.bench_time_func("nothing", lambda _loops: 1.0)
    return runner


@contextmanager
def _without_psutil() -> Iterator[None]:
    """As where psutil isn't installed: pyperf asks it where /proc doesn't tell, so on Linux it would be imported for nothing (9 ms)."""
    hidden = sys.platform == "linux" and "psutil" not in sys.modules
    if hidden:
        sys.modules["psutil"] = None  # type: ignore[assignment] # documented: the import fails
    try:
        yield
    finally:
        if hidden:
            del sys.modules["psutil"]
