"""All that a child takes from its standard input, or all that it writes to its standard output, at once or in pieces.

The child is up and both pipes are there before the clock starts, as for `subprocess.run(input=..., capture_output=True)`. A transfer ends
when the parent has all output up to its end and the child is reaped, since that is when `communicate` returns: seconds ÷ transfers.
Into the child: `size` bytes, a short answer comes back. Out of it: the child begins when its input is closed.

`read=communicate` is one call; `read=incremental` writes or reads pieces of 64 KiB (characters in text mode). `mode=text` moves the
same bytes as `str`: encoded or decoded, and newlines looked for. What is read counts as consumed: it is a new object. The child
reads into a buffer of its own by readv(2), and writes by write(2). Nobody tells the CPU time: the child's holds its start too.
"""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from time import perf_counter
from typing import Any
from zlib import crc32

from ipcbench.bench import children, payloads, placement, refusals
from ipcbench.bench.allocator import settle_allocator
from ipcbench.bench.case import NONE, Case
from ipcbench.bench.guard import TIMING, Guard
from ipcbench.bench.piped import PIECE
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage

SUBJECTS = ("to-stdin", "from-stdout")
READS = ("communicate", "incremental")
MODES = ("binary", "text")
LARGE = 16 << 20


def _block(
    subjects: tuple[str, ...], sizes: tuple[int, ...], reads: tuple[str, ...] = READS, modes: tuple[str, ...] = MODES
) -> Block:
    variants = tuple({"mode": mode, "read": read} for mode, read in product(modes, reads))
    return Block(("subprocess-stream",), subjects, sizes=sizes, start_methods=(NONE,), variants=variants)


class SubprocessStream(Workload):
    """A parent and one child, a fresh one for each transfer: `communicate` works once."""

    name = "subprocess-stream"
    quantity = "transfer"
    variants = ("mode", "read")
    fixed_loops = 3
    blocks = {  # noqa: RUF012 - as declared
        "standard": (
            _block(("to-stdin",), (LARGE,), modes=("binary",)),
            _block(("from-stdout",), (LARGE,), ("communicate",)),
        ),
        "rigorous": (_block(SUBJECTS, (4 << 10, 64 << 10, 1 << 20, LARGE)),),
    }

    def subjects(self) -> tuple[str, ...]:
        """Both directions."""
        return SUBJECTS

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one and its child
        """A parent and a child."""
        return 1, 1

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Pipes to other programs."""
        return "subprocess"

    def placement(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Wherever the scheduler puts the child, as in programs."""
        return "free"

    def plain(self) -> tuple[Block, ...]:
        """All ways at one size."""
        return (_block(SUBJECTS, (LARGE,)),)

    def spread(self, options: dict[str, str]) -> list[dict[str, str]]:
        """All modes and ways to read where none is asked for; what comes twice is one case."""
        return [{"mode": mode, "read": read, **options} for mode, read in product(MODES, READS)]

    def refuse(self, case: Case) -> Refusal | None:
        """It must say how it is read."""
        if case.option("read") not in READS or case.option("mode") not in MODES:
            return Refusal("variant", f"{case.workload} is read by {' or '.join(READS)}, in mode {' or '.join(MODES)}")
        nothing = Refusal("size", "a transfer of no bytes is none")
        return (
            refusals.variants(case, self.variants)
            or refusals.starts(case, (NONE,), f"{case.workload} runs a program by subprocess")
            or refusals.payload(case, ("bytes",), None)
            or refusals.places(case, ("free",))
            or (None if case.size else nothing)
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """The contents made, and each checked once."""
        settle_allocator()
        placement.pin(placement.allowed())
        guard = Guard()
        with tempfile.TemporaryDirectory(prefix="stream-") as folder:
            try:
                guard.start({})
                yield {case: _timed(case, folder, guard) for case in cases}
            finally:
                guard.stop()


def content(size: int) -> bytes:
    """Lines of text from a seed, so that the same bytes can be moved in both modes."""
    (block, *_) = payloads.rotation("bytes", size)
    return base64.encodebytes(block)[:size]


def _timed(case: Case, folder: str, guard: Guard) -> Timed:
    data, text = content(case.size), case.option("mode") == "text"
    formed: Callable[[bytes], Any] = bytes.decode if text else bytes
    if case.mechanism == "to-stdin":
        about, sent, wanted = ["take"], formed(data), formed(b"%d 0" % len(data))
        _transfer(case, ["take", "check"], sent, formed(b"%d %d" % (len(data), crc32(data))), guard)
    else:
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(data)
        about, sent, wanted = ["give", file.name], None, formed(data)
        _transfer(case, about, sent, wanted, guard)

    def timed(loops: int) -> Measured:
        return Measured(sum(_transfer(case, about, sent, wanted, guard) for _ in range(loops)), None)

    return Timed(timed)


def _transfer(case: Case, about: Sequence[str], sent: Any, wanted: Any, guard: Guard) -> float:
    """Seconds of one transfer with a fresh child; what came of it must be what is `wanted`, to the last byte."""
    move = WAYS[case.option("read"), case.mechanism]
    with guard.limit(TIMING, case.id), children.child(*about, text=isinstance(wanted, str)) as process:
        begin = perf_counter()
        found = move(process, sent)
        children.ended(process)
        end = perf_counter()
    if (found if isinstance(found, type(wanted)) else type(wanted)().join(found)) != wanted:
        raise DamagedMessage(f"what came of {case.id} isn't what was sent")
    return end - begin


def _communicate(process: subprocess.Popen[Any], sent: Any) -> Any:
    return process.communicate(sent)[0]


def _write(process: subprocess.Popen[Any], sent: Any) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    write = process.stdin.write
    for begin in range(0, len(sent), PIECE):
        write(sent[begin : begin + PIECE])
    process.stdin.close()
    return process.stdout.read()


def _read(process: subprocess.Popen[Any], _sent: None) -> list[Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    read, pieces = process.stdout.read, []
    while piece := read(PIECE):
        pieces.append(piece)
    return pieces


WAYS: dict[tuple[str, str], Callable[[subprocess.Popen[Any], Any], Any]] = {
    ("communicate", "to-stdin"): _communicate,
    ("communicate", "from-stdout"): _communicate,
    ("incremental", "to-stdin"): _write,
    ("incremental", "from-stdout"): _read,
}

WORKLOAD = SubprocessStream()
