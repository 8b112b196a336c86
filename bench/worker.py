"""A pyperf worker: one fresh process that measures one bundle of cases, once each, and writes one small file.

Run as `python -m ipcbench.bench.worker TASK`. The main module of a worker is imported again in each peer under spawn and forkserver, so
this one imports nothing at its top but what is always loaded.
"""

from __future__ import annotations

import sys


def main(path: str) -> int:
    """Measure what the task file says. 0 also when cases failed: the reasons are in the result.

    Garbage isn't looked for while that is imported (8 ms), nor later among it: it stays, also in the peers that are forked from here.
    """
    import gc

    gc.disable()
    from ipcbench.bench.sampling import work

    return work(path)


def leave(status: int) -> None:
    """End with what was registered for the end, but don't take the interpreter apart first: that takes 5 ms a worker."""
    import atexit
    import os

    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public way to run them and then end at once
    os._exit(status)


if __name__ == "__main__":
    leave(main(sys.argv[1]))
