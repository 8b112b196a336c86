"""A byte there and back through two pipes while others compete for the cores, under a scheduling policy: seconds per round trip.

What the clock sees for n operations: n × (write, the echo's read and write, read); a second pass records them one by one. Both ends
run under the policy (sched(7)), which they ask for when they are up and which ends with them: they are processes of their own, and the
worker that watches over them stays as it was.

| subject | is |
| --- | --- |
| `sched-other` | SCHED_OTHER, the default |
| `sched-fifo`, `sched-rr` | SCHED_FIFO and SCHED_RR of the lowest real-time priority, which goes before all that isn't real-time |
| `sched-batch`, `sched-idle` | SCHED_BATCH and SCHED_IDLE |
| `nice-19` | SCHED_OTHER at the lowest nice value |

SCHED_DEADLINE is missing: Python's `os` has no call for it (sched_setattr(2)).

`competitors=2`: so many processes compute without end at SCHED_OTHER, from before the first round trip until after the last. All
processes of a case are kept to the last two cores allowed, also without competitors, and `free` to move there: so two keep both busy on
any machine.

Nothing computes without end at real-time priority: such a process has blocking pipes only, can't hand its priority on
(SCHED_RESET_ON_FORK), and is ended by the kernel when it doesn't sleep once in a second (RLIMIT_RTTIME in getrlimit(2)).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from ipcbench.bench import peers, placement, policies, refusals
from ipcbench.bench.case import METHODS, NONE, Case
from ipcbench.bench.crew import Crew, outliving
from ipcbench.bench.guard import SETTING_UP
from ipcbench.bench.peers import Peer, Role
from ipcbench.bench.profiles import Block
from ipcbench.bench.recording import Span, Stream, closed
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage, PeerGone

IDLE: dict[str, str] = {}
BUSY = {"competitors": "2"}
MOST = 64
CORES = 2
"""To which the processes of a case are kept."""
CHECK = 4
TOKEN = b"\0"


class Policy(Workload):
    """Two peers, and those that compete with them."""

    name = "policy"
    quantity = "round trip"
    longer = 4  # many of the scheduler's slices, some 3 ms each: who has slept is favoured in the first
    variants = ("competitors",)
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (
            Block(
                ("policy",),
                ("sched-other", "sched-fifo"),
                (NONE,),
                (0,),
                placements=("same-core",),
                variants=(IDLE, BUSY),
            ),
        ),
        "rigorous": (
            Block(("policy",), payloads=(NONE,), sizes=(0,), placements=("free", "same-core"), variants=(IDLE, BUSY)),
        ),
    }

    def plain(self) -> tuple[Block, ...]:
        """Every policy, where it is asked for."""
        return (Block((self.name,), payloads=(NONE,), sizes=(0,), variants=(IDLE, BUSY)),)

    def subjects(self) -> tuple[str, ...]:
        """The policies that Python can ask for."""
        return tuple(policies.POLICIES)

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one to one
        """One to one."""
        return 1, 1

    def placement(self, case: Case) -> str:  # noqa: ARG002 - whatever its policy
        """The policy decides who runs where."""
        return "free"

    def alone(self, case: Case) -> bool:
        """Competitors compute from the first round trip to the end."""
        return bool(case.option("competitors"))

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """The scheduler's work."""
        return "scheduling"

    def refuse(self, case: Case) -> Refusal | None:
        """What the system doesn't permit."""
        return (
            refusals.variants(case, self.variants)
            or _no_number(case)
            or refusals.payload(case)
            or refusals.starts(case, METHODS, "both ends are started by a method")
            or refusals.cores(case)
            or _not_permitted(case)
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """Both ends are up and under their policy before the first competitor computes; the competitors end first."""
        (case,) = cases
        with ExitStack() as stack:
            crew = _pair(case, stack)
            competitors: list[Peer] = []
            stack.callback(peers.stop, competitors, False)
            for index in range(int(case.option("competitors", "0"))):
                competitors.append(_competitor(case, index, [*crew.peers, *competitors]))
            with crew.guard.limit(SETTING_UP, "starting competitors"):
                for each in competitors:
                    _set_off(each)
            passes = _Passes(crew, competitors)
            passes.run("check", CHECK)
            yield {case: Timed(partial(passes.run, "ping"), partial(passes.run, "record"))}
            crew.finish()


@dataclass(frozen=True)
class _Passes:
    """The worker's calls."""

    crew: Crew
    competitors: Sequence[Peer]

    def run(self, function: str, loops: int) -> Measured:
        """What the near end gives. All competitors must have lived to see its end."""
        ran = self.crew.run(function, loops, f"sending a byte there and back {loops:,} times")
        for each in self.competitors:
            if not each.process.is_alive():
                raise PeerGone(f"{each.name} died while it should have competed")
        span: Span = ran.theirs[0]
        return Measured(span.end - span.begin, ran.usage, latencies=span.latencies)


class Side(Role):
    """An end of the pair. `spare` are the other's ends, which a forked one has too."""

    def __init__(self, side: str, policy: str, source: Connection[Any, Any], target: Connection[Any, Any]) -> None:
        self.side, self.policy, self.source, self.target = side, policy, source, target
        self.spare: tuple[Connection[Any, Any], ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "spare": ()}

    def setup(self) -> dict[str, Callable[[int], Any]]:
        """Ask for the policy."""
        for end in self.spare:
            end.close()
        policies.adopt(self.policy)
        read, write = partial(os.read, self.source.fileno(), 1), partial(os.write, self.target.fileno())
        if self.side == "far":
            return dict.fromkeys(("check", "ping", "record"), outliving(_echo(read, write)))
        stream = Stream(write, read, repeat(TOKEN))
        loops = {"check": _check(stream), "ping": _ping(stream), "record": closed(stream)}
        return {name: outliving(_met(stream, loop)) for name, loop in loops.items()}

    def close(self) -> None:
        """Close both."""
        self.source.close()
        self.target.close()


class Competitor(Role):
    """Computes without end, and never at another priority than the default."""

    def setup(self) -> dict[str, Callable[[int], Any]]:
        """Whatever the worker's policy is."""
        policies.adopt("sched-other")
        return {"compute": _compute}


def _compute(_loops: int) -> None:
    while True:
        pass


def _met(stream: Stream, loop: Callable[[int], Span]) -> Callable[[int], Span]:
    """The loop, after one round trip: the other end may still be on its way into its own."""

    def run(loops: int) -> Span:
        stream.send(TOKEN)
        stream.receive()
        return loop(loops)

    return run


def _ping(stream: Stream) -> Callable[[int], Span]:
    write, read = stream.send, stream.receive

    def ping(loops: int) -> Span:
        begin = perf_counter()
        for token in repeat(TOKEN, loops):
            write(token)
            read()
        return Span(begin, perf_counter())

    return ping


def _check(stream: Stream) -> Callable[[int], Span]:
    def check(loops: int) -> Span:
        for token in (bytes([index]) for index in range(loops)):
            stream.send(token)
            if (echo := stream.receive()) != token:
                raise DamagedMessage(f"{token!r} came back as {echo!r}")
        return Span(0.0, 0.0)

    return check


def _echo(read: Callable[[], bytes], write: Callable[[bytes], object]) -> Callable[[int], None]:
    def echo(loops: int) -> None:
        for _ in repeat(None, loops + 1):
            write(read())

    return echo


def _pair(case: Case, stack: ExitStack) -> Crew:
    """The two ends; this process keeps none of their pipes."""
    context = get_context(case.start_method)
    (far_source, near_target), (near_source, far_target) = there, back = context.Pipe(False), context.Pipe(False)
    for end in (*there, *back):
        stack.callback(end.close)
    near = Side("near", case.mechanism, near_source, near_target)
    far = Side("far", case.mechanism, far_source, far_target)
    near.spare, far.spare = (far_source, far_target), (near_source, near_target)
    crew = Crew(stack, case.start_method, [near, far], [_cores(case, "near"), _cores(case, "far")])
    for end in (*there, *back):
        end.close()
    return crew


def _competitor(case: Case, index: int, others: Sequence[Peer]) -> Peer:
    cores = _cores(case, ("near", "far")[index % 2])
    drops = [peer.control.close for peer in others]
    return peers.start(get_context(case.start_method), Competitor(), f"competitor {index}", cores, drops)


def _set_off(competitor: Peer) -> None:
    for word, order in (("up", "attach"), ("attached", "compute"), ("ready", "")):
        competitor.expect(word)
        if order:
            competitor.order(order, 0)


def _cores(case: Case, side: str) -> tuple[int, ...]:
    return placement.cpus(case.placement, side, placement.allowed()[-CORES:])


def _no_number(case: Case) -> Refusal | None:
    text = case.option("competitors", "1")
    if text.isdecimal() and 1 <= int(text) <= MOST:
        return None
    return Refusal(
        "variant", f"policy has 1 to {MOST} competitors, such as competitors=2, or none without that variant"
    )


def _not_permitted(case: Case) -> Refusal | None:
    reason = policies.refusal(case.mechanism)
    return Refusal("permission", reason) if reason else None


WORKLOAD = Policy()
