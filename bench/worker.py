"""A pyperf worker: one fresh process that measures one bundle of cases, once each, and writes one small file.

Run as `python -m ipcbench.bench.worker TASK`. The main module of a worker is imported again in each peer under spawn and forkserver, so
this one imports nothing at its top but what is always loaded.
"""

from __future__ import annotations

import sys


def main(path: str) -> int:
    """Measure what the task file says. 0 also when cases failed: the reasons are in the result."""
    import gc

    from ipcbench.bench.sampling import work

    status = work(path)
    gc.freeze()  # what the interpreter would look through, object by object, before it ends: 11 ms a worker
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
