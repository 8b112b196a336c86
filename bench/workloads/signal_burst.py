"""A burst of signals to one process, as fast as they can be sent: seconds per signal sent, and the share that never arrived (`lost`).

What the clock sees for b bursts of n: b × (n sends, the far side's word how many it took). The far side takes them meanwhile.

| subject | taken by | a signal that comes while another of its kind waits |
| --- | --- | --- |
| `sigusr1` | a Python function that counts | is lost: an ordinary signal waits once (signal(7)) |
| `real-time` | sigwaitinfo(2) of SIGRTMIN, blocked | is queued, as long as RLIMIT_SIGPENDING leaves room (getrlimit(2)) |

The count is exact: the word that the burst is over comes after it, on a pipe to the one, to the other as a signal of a higher number, which
waits until those of lower ones are taken.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import repeat
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter
from types import FrameType
from typing import Any

from ipcbench.bench import placement, refusals
from ipcbench.bench.case import METHODS, NONE, Case
from ipcbench.bench.crew import Crew
from ipcbench.bench.peers import Role
from ipcbench.bench.profiles import Block
from ipcbench.bench.signalling import lacking, no_room, sender
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage

BURSTS = ("100", "10000")
MOST = 1_000_000
WORD = 8
"""Bytes of the far side's count."""
NEEDS = {"sigusr1": ("SIGUSR1",), "real-time": ("SIGRTMIN", "sigwaitinfo", "pthread_sigmask")}


class SignalBurst(Workload):
    """One near process sends, one far takes."""

    name = "signal-burst"
    quantity = "signal"
    variants = ("burst",)
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (Block(("signal-burst",), ("sigusr1",), (NONE,), (0,), variants=({"burst": BURSTS[-1]},)),),
        "rigorous": (Block(("signal-burst",), payloads=(NONE,), sizes=(0,), placements=("cross-core", "same-core")),),
    }

    def plain(self) -> tuple[Block, ...]:
        """Both signals, where it is asked for."""
        return (Block((self.name,), payloads=(NONE,), sizes=(0,)),)

    def subjects(self) -> tuple[str, ...]:
        """An ordinary signal and a real-time one."""
        return tuple(NEEDS)

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one to one
        """One to one."""
        return 1, 1

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """That of signals."""
        return "signal"

    def spread(self, options: dict[str, str]) -> list[dict[str, str]]:
        """Both lengths where none is asked for."""
        return [options] if "burst" in options else [{**options, "burst": burst} for burst in BURSTS]

    def loops_multiple(self, case: Case) -> int:
        """Whole bursts."""
        return int(case.option("burst"))

    def refuse(self, case: Case) -> Refusal | None:
        """By what the system's signals lack, or how many it queues."""
        return (
            refusals.variants(case, self.variants)
            or _no_burst(case)
            or refusals.payload(case)
            or refusals.starts(case, METHODS, "signals go between processes that are started by a method")
            or refusals.cores(case)
            or lacking(case.mechanism, *NEEDS[case.mechanism])
            or (no_room(int(case.option("burst"))) if case.mechanism == "real-time" else None)
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """The far side is ready before the first signal is sent."""
        (case,) = cases
        cores = placement.allowed()
        with ExitStack() as stack:
            near, far = get_context(case.start_method).Pipe()
            stack.callback(near.close)
            stack.callback(far.close)
            taker = Taker(case.mechanism, far)
            far_cores = placement.cpus(case.placement, "far", cores)
            crew = Crew(stack, case.start_method, [taker], [far_cores], inherited=[near.close])
            far.close()
            placement.pin(placement.cpus(case.placement, "near", cores))
            send = sender(crew.pids[0], stack)
            run = _bursts(case, crew, send, near)
            run(self.loops_multiple(case))
            yield {case: Timed(run)}
            crew.finish()


def _bursts(
    case: Case, crew: Crew, send: Callable[[int], object], near: Connection[Any, Any]
) -> Callable[[int], Measured]:
    length, number = int(case.option("burst")), _number(case.mechanism)

    def end() -> None:
        near.send_bytes(b"") if case.mechanism == "sigusr1" else send(number + 1)

    def bursts(count: int) -> tuple[float, list[int]]:
        taken, begin = [], perf_counter()
        for _ in repeat(None, count):
            for _ in repeat(None, length):
                send(number)
            end()
            taken.append(int.from_bytes(near.recv_bytes(WORD), "big"))
        return perf_counter() - begin, taken

    def run(loops: int) -> Measured:
        count = loops // length
        ran = crew.run("take", count, f"sending {loops:,} signals", lambda: bursts(count))
        seconds, taken = ran.mine
        if not all(1 <= each <= length for each in taken):
            raise DamagedMessage(f"of bursts of {length:,} signals arrived {taken}")
        return Measured(seconds, ran.usage, lost=loops - sum(taken))

    return run


class Taker(Role):
    """The far side: says after each burst how many signals it took."""

    def __init__(self, subject: str, end: Connection[Any, Any]) -> None:
        self.subject, self.end, self.taken = subject, end, 0

    def setup(self) -> dict[str, Callable[[int], Any]]:
        """From now on a signal does no harm."""
        number = _number(self.subject)
        if self.subject == "sigusr1":
            signal.signal(number, self._count)
            return {"take": self._handled}
        signal.pthread_sigmask(signal.SIG_BLOCK, {number, number + 1})
        return {"take": self._queued}

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.taken += 1

    def _handled(self, bursts: int) -> None:
        """All were sent before the word that ends the burst, so what waited was delivered when the call that reads it returned."""
        for _ in range(bursts):
            self.end.recv_bytes(WORD)
            taken, self.taken = self.taken, 0  # before the next burst: it may begin as soon as this one is answered
            self._tell(taken)

    def _queued(self, bursts: int) -> None:
        number, wait = _number(self.subject), signal.sigwaitinfo
        both = {number, number + 1}
        for _ in range(bursts):
            taken = 0
            while wait(both).si_signo == number:
                taken += 1
            self._tell(taken)

    def _tell(self, count: int) -> None:
        self.end.send_bytes(count.to_bytes(WORD, "big"))

    def close(self) -> None:
        """Close the end."""
        self.end.close()


def _number(subject: str) -> int:
    return int(signal.SIGUSR1 if subject == "sigusr1" else signal.SIGRTMIN)


def _no_burst(case: Case) -> Refusal | None:
    text = case.option("burst")
    if text.isdecimal() and 1 <= int(text) <= MOST:
        return None
    return Refusal("variant", f"signal-burst has bursts of 1 to {MOST:,} signals, such as burst=100")


WORKLOAD = SignalBurst()
