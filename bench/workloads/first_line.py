"""Until the parent sees the first line that a child prints into a pipe, while the child goes on working.

The child is up before the clock starts; the parent closes its input, which is the word to print a line, to work for 20 ms, and to print
another. Seconds from that word until `readline` gave the first line. `buffered` is what Python does by itself where standard output is no
terminal; `unbuffered` runs it with -u; `flushed` prints with `flush=True`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from ipcbench.bench import children, placement, refusals
from ipcbench.bench.case import NONE, Case
from ipcbench.bench.guard import TIMING, Guard
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage

FLAGS = {"buffered": (), "unbuffered": ("-u",), "flushed": ()}


def _block(*subjects: str) -> Block:
    return Block(("first-line",), subjects, (NONE,), (0,), start_methods=(NONE,))


class FirstLine(Workload):
    """A parent and one child, a fresh one for each first line."""

    name = "first-line"
    quantity = "first line"
    fixed_loops = 3
    blocks = {  # noqa: RUF012 - as declared
        "standard": (_block("buffered", "unbuffered"),),
        "rigorous": (_block(*FLAGS),),
    }

    def subjects(self) -> tuple[str, ...]:
        """How the child's output is buffered."""
        return tuple(FLAGS)

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
        """All of them."""
        return self.blocks["rigorous"]

    def refuse(self, case: Case) -> Refusal | None:
        """It has one shape only."""
        return (
            refusals.variants(case, self.variants)
            or refusals.starts(case, (NONE,), f"{case.workload} runs a program by subprocess")
            or refusals.payload(case)
            or refusals.places(case, ("free",))
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """Nothing is kept from one child to the next; what each prints is looked at."""
        placement.pin(placement.allowed())
        guard = Guard()
        try:
            guard.start({})
            yield {case: _timed(case, guard) for case in cases}
        finally:
            guard.stop()


def _timed(case: Case, guard: Guard) -> Timed:
    def timed(loops: int) -> Measured:
        with guard.limit(TIMING, f"timing {case.id}"):
            return Measured(sum(_seen(case.mechanism) for _ in range(loops)), None)

    return Timed(timed)


def _seen(subject: str) -> float:
    about = ["print", "flush"] if subject == "flushed" else ["print"]
    with children.child(*about, flags=FLAGS[subject]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        begin = perf_counter()
        process.stdin.close()
        first = process.stdout.readline()
        end = perf_counter()
        rest = process.stdout.read()
        children.ended(process)
    if (first, rest) != (b"first\n", b"last\n"):
        raise DamagedMessage(f"the child printed {first + rest!r}")
    return end - begin


WORKLOAD = FirstLine()
