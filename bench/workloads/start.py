"""Starting a process: from the call to the first line run in the child (`phase=started`), and until it is reaped (`phase=reaped`).

With t₀ taken before the call (for a `Process` before it is made), t₁ as the first line of the child and t₂ when the parent's wait
returned, all by `perf_counter`, which is one clock for all processes: started is t₁ − t₀, reaped t₂ − t₀. The child does nothing but
write t₁ down. A foreign program can't, so it is measured until it is reaped.

`server=cold` starts the fork server anew, and the resource tracker that comes with it, as a program's first start does; else both run
already. `imports=numpy` puts a main module in place that spawn and forkserver import again in the child. `parent` is memory that the
parent has touched: fork(2) copies its page tables. An argument isn't looked at in the child: what fork shares it need not copy.

CPU and switches are those of the parent and of the children that it reaped, so they are told of `reaped` only, and not under
forkserver, whose children are the server's.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import NamedTuple
from zlib import crc32

from ipcbench.bench import births, payloads, placement, refusals, room
from ipcbench.bench.allocator import settle_allocator
from ipcbench.bench.births import FOREIGN, PROCESSES
from ipcbench.bench.case import METHODS, NONE, Case
from ipcbench.bench.guard import TIMING, Guard
from ipcbench.bench.newborn import NOTE, PLACE
from ipcbench.bench.profiles import Block
from ipcbench.bench.usage import of_children, of_self
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage, Unsupported

PHASES = ("started", "reaped")
PARENTS = {"256MiB": 256 << 20, "2GiB": 2 << 30}
MAINS = {"numpy": "ipcbench.bench.importing_numpy"}
"""By what they import: modules that stand for the main module."""
PAGE = 4096
LARGE = 16 << 20
ARGUMENTS = (64 << 10, LARGE)
STARTED, REAPED = ({"phase": phase} for phase in PHASES)


def _block(
    subjects: tuple[str, ...], methods: tuple[str, ...], *variants: dict[str, str], sizes: tuple[int, ...] = (0,)
) -> Block:
    payload = NONE if sizes == (0,) else "bytes"
    return Block(("start",), subjects, (payload,), sizes, start_methods=methods, variants=variants)


STANDARD = (
    _block(("os-fork",), ("fork",), {}, {**STARTED, "parent": "256MiB"}),
    _block(("process",), METHODS, {}),
    _block(("process",), ("forkserver",), {**STARTED, "server": "cold"}),
    _block(("process",), ("spawn",), {**STARTED, "imports": "numpy"}),
    _block(("process",), ("spawn",), STARTED, sizes=(LARGE,)),
    _block(("run-native", "run-python"), (NONE,), REAPED),
)
OTHERS = (
    _block(("process-subclass", "process-daemon"), METHODS, {}),
    _block(("popen-native", "popen-python"), (NONE,), REAPED),
)
"""Subjects that decide little: what they add to a plain `Process` and to `run` is small."""
RIGOROUS = (
    *OTHERS,
    _block(("os-fork",), ("fork",), {}, *({"parent": each} for each in PARENTS)),
    _block(("process",), METHODS, {}, *({"parent": each} for each in PARENTS)),
    _block(("process",), METHODS, {}, sizes=ARGUMENTS),
    _block(("process",), ("forkserver",), {"server": "cold"}),
    _block(("process",), ("forkserver", "spawn"), {"imports": "numpy"}),
    _block(("run-native", "run-python"), (NONE,), REAPED),
    _block(("run-native",), (NONE,), *({**REAPED, "parent": each} for each in PARENTS)),
)


class Start(Workload):
    """One process starts another, again and again."""

    name = "start"
    quantity = "start"
    variants = ("phase", "server", "parent", "imports")
    together = ("phase",)
    blocks = {"standard": STANDARD, "rigorous": RIGOROUS}  # noqa: RUF012 - as declared

    def subjects(self) -> tuple[str, ...]:
        """Ways to start a process."""
        return ("os-fork", *PROCESSES, *FOREIGN)

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one and its child
        """A parent and a child."""
        return 1, 1

    def alone(self, case: Case) -> bool:
        """With a large parent."""
        return bool(case.option("parent")) or super().alone(case)

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Processes."""
        return "process"

    def placement(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Wherever the scheduler puts a new process, as in programs."""
        return "free"

    def plain(self) -> tuple[Block, ...]:
        """The standard cases, and those of the subjects that have none there."""
        return (*STANDARD, *OTHERS)

    def spread(self, options: dict[str, str]) -> list[dict[str, str]]:
        """Both phases where none is asked for."""
        return [options] if "phase" in options else [{**options, "phase": phase} for phase in PHASES]

    def refuse(self, case: Case) -> Refusal | None:
        """By what the subject can do, then by what this machine can."""
        return (
            refusals.variants(case, self.variants)
            or _refuse_phase(case)
            or _refuse_start(case)
            or _refuse_payload(case)
            or refusals.places(case, ("free", "same-core"))
            or _refuse_options(case)
            or _refuse_parent(case)
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """The parent as the case wants it; each kind of child is checked once."""
        case = cases[0]
        settle_allocator()
        placement.pin(placement.cpus(case.placement, "near", placement.allowed()))
        with ExitStack() as stack:
            file = stack.enter_context(_place())
            guard = Guard()
            stack.callback(guard.stop)
            guard.start({})
            stack.enter_context(_main(MAINS.get(case.option("imports"), "")))
            heap = _heap(case)
            with guard.limit(TIMING, "setting up"):
                if case.start_method == "forkserver":
                    births.forget()  # an earlier one has the variables and cores of that time
                    stack.callback(births.forget)
                _check(case, file)
            yield {each: _timed(each, file, guard) for each in cases}
            del heap


def _refuse_phase(case: Case) -> Refusal | None:
    if case.option("phase") not in PHASES:
        return Refusal("variant", f"start is measured by phase: {', '.join(PHASES)}")
    if case.mechanism in FOREIGN and case.option("phase") != "reaped":
        return Refusal("variant", f"{case.mechanism} runs a foreign program: it can't say when its first line ran")
    return None


def _refuse_start(case: Case) -> Refusal | None:
    if case.mechanism in FOREIGN:
        missing = case.mechanism.endswith("native") and births.native() is None
        return refusals.starts(case, (NONE,), f"{case.mechanism} runs a program by subprocess") or (
            Refusal("platform", "this system has no program `true`") if missing else None
        )
    known = ("fork",) if case.mechanism == "os-fork" else METHODS
    return refusals.starts(case, known, f"{case.mechanism} starts by {', '.join(known)}")


def _refuse_payload(case: Case) -> Refusal | None:
    if case.payload == NONE or case.mechanism not in PROCESSES:
        return refusals.payload(case)
    empty = Refusal("size", "an argument of no bytes is none: payload none")
    return refusals.payload(case, (NONE, "bytes"), None) or (None if case.size else empty)


def _refuse_options(case: Case) -> Refusal | None:
    server, imports = case.option("server"), case.option("imports")
    if server and (server != "cold" or case.start_method != "forkserver"):
        return Refusal("variant", "server=cold starts a fork server anew: under forkserver")
    if imports and (imports not in MAINS or case.start_method not in ("forkserver", "spawn")):
        return Refusal("variant", "imports=numpy is what a child imports again: under forkserver and spawn")
    return None


def _refuse_parent(case: Case) -> Refusal | None:
    parent = case.option("parent")
    if not parent:
        return None
    if parent not in PARENTS:
        return Refusal("variant", f"a parent holds {' or '.join(PARENTS)} here, not {parent}")
    why = room.lacking(PARENTS[parent])
    return Refusal("memory", why) if why else None


@contextmanager
def _place() -> Iterator[int]:
    """The file that children write their note to."""
    file, path = tempfile.mkstemp(prefix="newborn-")
    os.environ[PLACE] = path
    try:
        yield file
    finally:
        del os.environ[PLACE]
        os.close(file)
        os.unlink(path)  # noqa: PTH108 - beside os.close


@contextmanager
def _main(name: str) -> Iterator[None]:
    """Have that module stand for the main module, which spawn and forkserver have their children import again."""
    own = sys.modules["__main__"]
    sys.modules["__main__"] = import_module(name) if name else own
    try:
        yield
    finally:
        sys.modules["__main__"] = own


def _heap(case: Case) -> bytearray:
    """Memory that the parent holds, each page of it touched. Whether the pages are huge ones is up to the system."""
    size = PARENTS.get(case.option("parent"), 0)
    why = room.lacking(size) if size else ""
    if why:
        raise Unsupported(why)
    heap = bytearray(size)
    heap[::PAGE] = b"\1" * len(range(0, size, PAGE))
    return heap


class Note(NamedTuple):
    """What a child wrote down: `newborn.NOTE`."""

    stamp: float
    pid: int
    length: int
    checksum: int
    numpy: bool


def _read(file: int) -> Note:
    return Note(*NOTE.unpack(os.pread(file, NOTE.size, 0)))


def _argument(case: Case) -> bytes:
    found: bytes = payloads.rotation("bytes", case.size)[0] if case.size else b""
    return found


def _check(case: Case, file: int) -> None:
    """A child of that kind is a process of its own, gets its argument whole, and has imported what it should."""
    argument = _argument(case)
    births.birth(case.mechanism, case.start_method, argument, check=True)()
    if case.mechanism in FOREIGN:
        return
    note = _read(file)
    if note.pid == os.getpid() or (note.length, note.checksum) != (len(argument), crc32(argument)):
        raise DamagedMessage(f"the child of {case.id} didn't get its argument, or is no child")
    if case.option("imports") and not note.numpy:
        raise Unsupported(f"{case.start_method} didn't import the main module again")


def _timed(case: Case, file: int, guard: Guard) -> Timed:
    birth = births.birth(case.mechanism, case.start_method, _argument(case))
    cold = case.option("server") == "cold"
    told = case.option("phase") == "reaped" and case.start_method != "forkserver"
    until = _until_reaped if case.option("phase") == "reaped" else _until_started

    def timed(loops: int) -> Measured:
        seconds = 0.0
        before = of_self() + of_children()
        with guard.limit(TIMING, f"starting {case.mechanism}"):
            for _ in range(loops):
                if cold:
                    births.forget()
                seconds += until(birth, file)
        return Measured(seconds, of_self() + of_children() - before if told else None)

    return Timed(timed)


def _until_reaped(birth: births.Birth, file: int) -> float:  # noqa: ARG001 - as the other
    begin, end = birth()
    return end - begin


def _until_started(birth: births.Birth, file: int) -> float:
    begin, end = birth()
    stamp = _read(file).stamp
    if not begin < stamp < end:
        raise DamagedMessage("a child's time isn't between those of its parent: its note is an older one")
    return stamp - begin


WORKLOAD = Start()
