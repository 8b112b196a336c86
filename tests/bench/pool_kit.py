"""What the tests of the pool workloads share: a worker to be killed, and that nothing is left."""

import multiprocessing
from contextlib import contextmanager

from ipcbench.bench.case import Case

METHODS = ("fork", "forkserver", "spawn")


def pool_case(workload, subject, start="fork", count=2, payload="none", size=0, **variant):
    return Case(workload, subject, payload, size, count, start, "free", tuple(sorted(variant.items())))


@contextmanager
def no_child_left():
    """Threads and descriptors of a pool whose process was killed or stopped may be: it can't end by itself."""
    children = multiprocessing.active_children()
    yield
    assert multiprocessing.active_children() == children
