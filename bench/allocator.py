"""The C library's allocator, brought into the state of a program that has run for a while."""

from __future__ import annotations

__all__ = ["settle_allocator"]

_settled = False
MOST = (32 << 20) - (64 << 10)
"""Just below the largest block by which glibc raises its threshold (M_MMAP_THRESHOLD in mallopt(3))."""


def settle_allocator() -> None:
    """Allocate and free a large block twice, untouched, so that a process's history doesn't decide what its messages cost.

    glibc gets large blocks from the kernel page by page and gives them back at once, until such a block is freed: from then on
    blocks of up to that size stay in the process. Without this, a 1 MiB round trip over `multiprocessing.Pipe` took
    1.15 ms or 0.62 ms on one core, depending on what the process had freed before it. The second block comes from the heap, which then
    has room in one piece: what a buffer that grows finds behind it decides whether it is copied (3 % of that round trip).

    Once in a process and those forked from it: a third block would come from memory that is kept, and clearing it would touch all
    its pages (40 ms).
    """
    global _settled
    if _settled:
        return
    _settled = True
    for _ in range(2):
        bytes(MOST)  # calloc(3): none of its pages is touched
