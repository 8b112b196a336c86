"""Processes: memory, pids and states of their own; orphans, zombies and daemons (sections 1.1 to 1.4.1 and 2)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, Claim, Finding, Observed
from ipcbench.bench.trying import (
    End,
    Untestable,
    always,
    ask,
    by_method,
    child,
    forked,
    in_fork,
    lives,
    need,
    started,
    state,
    until,
    verdict,
)

TRIES = 5
LOOKS = 20
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""
SEGMENTS = {"text": "r-xp", "data": "rw-p", "heap": "[heap]", "stack": "[stack]"}
AWHILE = 0.2
"""Seconds in which what is going to happen would have."""


def own_memory() -> Finding:
    """Parent and child look at one address of theirs."""
    import ctypes

    need("os.fork", "/proc")
    number = ctypes.c_int(1)

    def change() -> list[str]:
        number.value = 2
        maps = Path("/proc/self/maps").read_text()
        return [
            f"{ctypes.addressof(number):#x} holds {number.value}",
            *(k for k, mark in SEGMENTS.items() if mark in maps),
        ]

    theirs, *parts = in_fork(change)
    mine = f"{ctypes.addressof(number):#x} holds {number.value}"
    parts_said = f"the child's map lists {', '.join(parts)} of its own"
    return verdict(number.value == 1, f"in the parent {mine}, in the child, which changed it, {theirs}; {parts_said}")


def family() -> Finding:
    """Each start method has its own idea of who the parent is."""

    def check(context: BaseContext) -> tuple[bool, str]:
        pid, ppid = ask(context, _pids)
        if ppid == os.getpid() != pid:
            return True, "a pid of its own, and the parent's as ppid"
        return False, f"a pid of its own, but ppid {ppid} is the fork server's, not the parent's {os.getpid()}"

    return by_method(check)


def _pids() -> tuple[int, int]:
    return os.getpid(), os.getppid()


def states() -> Finding:
    """Two busy processes on one core, and one that reads from an empty pipe."""
    need("os.fork", "/proc", "os.sched_setaffinity")
    reader, writer = os.pipe()
    core = max(os.sched_getaffinity(0))

    def spin() -> None:
        os.sched_setaffinity(0, {core})
        while True:
            pass

    with forked(spin) as one, forked(spin) as other, forked(lambda: os.read(reader, 1)) as waiting:
        blocked = until(lambda: state(waiting) == "S")
        until(lambda: os.sched_getaffinity(one) == os.sched_getaffinity(other) == {core})
        both = sum(_looked(state(one) == state(other) == "R") for _ in range(LOOKS))
        os.close(writer)
    evidence = (
        f"one that reads from an empty pipe: {'S' if blocked else 'not S'}; of two busy ones on one core both are R in {both} of {LOOKS} "
        "looks, though only one can run: Linux shows ready and running alike"
    )
    return verdict(blocked and both > LOOKS // 2, evidence)


def _looked(found: bool) -> bool:
    time.sleep(0.001)
    return found


def zombie() -> Finding:
    """A child that ends at once, and a parent that does something else."""
    need("os.fork", "/proc")

    def check() -> bool:
        with forked(lambda: None) as pid:
            return until(lambda: state(pid) == "Z")

    return always(TRIES, check, "state Z until it is waited for")


def reaped() -> Finding:
    """The zombies of both kinds of children, waited for in both ways."""
    need("os.fork", "/proc")

    def check() -> bool:
        with forked(lambda: None) as pid:
            was = until(lambda: state(pid) == "Z")
            os.waitpid(pid, 0)
            gone = was and state(pid) == ""
        process = child(multiprocessing.get_context("fork"), os.getpid)
        process.start()
        assert process.pid is not None
        was = until(lambda: state(process.pid or 0) == "Z")
        process.join()
        return gone and was and state(process.pid) == ""

    return always(TRIES, check, "Z before, no such process after os.waitpid and after Process.join")


class Managed:
    """The context manager of the course: joins its processes, then terminates those that still run."""

    def __init__(self, processes: Sequence[BaseProcess], patience: float) -> None:
        self.processes, self.patience = processes, patience

    def __enter__(self) -> None:
        for each in self.processes:
            each.start()

    def __exit__(self, *_: object) -> None:
        for each in self.processes:
            each.join(self.patience)
        for each in self.processes:
            if each.is_alive():
                each.terminate()


def managed_set() -> Finding:
    """Processes that end by themselves, and one that has to be terminated."""
    need("os.fork", "/proc")
    context = multiprocessing.get_context("fork")
    left = late = 0
    for _ in range(TRIES):
        short = [child(context, os.getpid, daemon=True) for _ in range(3)]
        with Managed(short, 3):
            pass
        left += sum(state(each.pid or 0) == "Z" for each in short)
        long = child(context, time.sleep, 60, daemon=True)
        with Managed([long], 0.02):
            pass
        late += until(lambda pid=long.pid: state(pid or 0) == "Z", AWHILE)  # type: ignore[misc]
        long.join()
    evidence = (
        f"{left} zombies of {3 * TRIES} processes that ended by themselves; "
        f"{late} of {TRIES} that had to be terminated stayed in state Z until they were joined once more"
    )
    return Finding(FAILS if left else DEPENDS if late else HOLDS, evidence)


def orphan() -> Finding:
    """A grandchild whose parent ends."""
    need("os.fork", "/proc")
    adopter = _adopter()
    name = Path(f"/proc/{adopter}/comm").read_text().strip() if adopter != 1 else _first()
    if adopter == 1:
        return verdict(True, f"by pid 1 ({name})")
    if adopter in _ancestors():
        return verdict(True, f"by pid {adopter} ({name}), an ancestor: the nearest subreaper")
    return verdict(False, f"by pid {adopter} ({name}), which is neither pid 1 nor an ancestor")


def nearest() -> Finding:
    """This process makes itself a subreaper (prctl(2))."""
    import ctypes

    need("os.fork", "/proc")
    if ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0) != 0:
        raise Untestable(f"this system has no subreapers: {os.strerror(ctypes.get_errno())}")
    adopter = _adopter()
    until(_reap_any, 1.0)
    who = "this process, which is one" if adopter == os.getpid() else f"pid {adopter}"
    return verdict(adopter == os.getpid(), f"by {who}")


def _reap_any() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False


def _adopter() -> int:
    """The pid of what adopts an orphan."""
    reader, writer = os.pipe()

    def parent() -> None:
        here = os.getpid()
        if os.fork() == 0:
            try:
                until(lambda: os.getppid() != here)
                os.write(writer, str(os.getppid()).encode())
            finally:
                os._exit(0)

    with forked(parent) as pid:
        os.waitpid(pid, 0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            return int(answer.read())


def _first() -> str:
    return Path("/proc/1/comm").read_text().strip()


def _ancestors() -> list[int]:
    found, pid = [], os.getpid()
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(pid)
    return found


# ---- daemon children: a parent of its own has one, and ends in some way ----


def _parent(end: End, daemon: bool, context_name: str, ending: Callable[[], object] | None) -> None:
    """Has a child that would go on for long, tells its pid, and ends."""
    process = child(multiprocessing.get_context(context_name), time.sleep, 60, daemon=daemon)
    process.start()
    end.send(process.pid)
    if ending is not None:
        ending()


def _outlived(context: BaseContext, daemon: bool, ending: Callable[[], object] | None) -> bool:
    """Whether the child still lives when its parent has ended."""
    ours, theirs = context.Pipe(duplex=False)
    parent = child(context, _parent, theirs, daemon, context.get_start_method(), ending, daemon=False)
    with started(parent):
        theirs.close()
        pid = ours.recv()
        parent.join()
        left = not until(lambda: not lives(pid), AWHILE if ending else 2.0)
    if left:
        os.kill(pid, signal.SIGKILL)
    return left


def _quit() -> None:
    os._exit(0)


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def _daemon(ending: Callable[[], object] | None, wanted: bool) -> Finding:
    """`wanted`: whether the daemon child is to be left."""

    def check(context: BaseContext) -> tuple[bool, str]:
        left = _outlived(context, True, ending)
        return left == wanted, "the daemon child runs on" if left else "the daemon child has ended with it"

    return by_method(check)


def daemon_ends() -> Finding:
    """The parent returns."""
    return _daemon(None, wanted=False)


def daemon_left() -> Finding:
    """The parent skips the end that would have ended them."""
    return _daemon(_quit, wanted=True)


def daemon_of_killed() -> Finding:
    """The parent is terminated by SIGTERM."""
    return _daemon(_killed, wanted=False)


def plain_waited() -> Finding:
    """The parent's main function returns while its child still waits for a word."""

    def check(context: BaseContext) -> tuple[bool, str]:
        with ExitStack() as stack:
            told, tells = context.Pipe(duplex=False)
            hears, says = context.Pipe(duplex=False)
            parent = child(context, _parent_of_waiting, tells, hears, context.get_start_method(), daemon=False)
            stack.enter_context(started(parent))
            tells.close()
            told.recv()  # its main function is at its end
            parent.join(AWHILE)
            waited = parent.is_alive()
            says.send("end")
            parent.join(3)
            ended = parent.exitcode == 0
        return waited and ended, "the parent ended after its child" if waited and ended else "the parent didn't wait"

    return by_method(check)


def _parent_of_waiting(end: End, hears: End, context_name: str) -> None:
    child(multiprocessing.get_context(context_name), hears.recv, daemon=False).start()
    end.send("at its end")


def daemon_childless() -> Finding:
    """A daemon process tries to have a child."""

    def check(context: BaseContext) -> tuple[bool, str]:
        ours, theirs = context.Pipe(duplex=False)
        with started(child(context, _try_child, theirs, context.get_start_method(), daemon=True)):
            refused = ours.recv()
        return refused != "", refused or "it may"

    return by_method(check)


def _try_child(end: End, context_name: str) -> None:
    try:
        process = child(multiprocessing.get_context(context_name), os.getpid)
        process.start()
        process.join()
        end.send("")
    except AssertionError as error:
        end.send(f"AssertionError: {error}")


CLAIMS = [
    Claim("own-memory", "1.1", "A process has its own text, data, heap and stack.", Observed(own_memory)),
    Claim("child-pid", "1.3", "A child has its own pid, and its ppid is the parent's pid.", Observed(family)),
    Claim("states", "1.4.1", "A process is ready, running or blocked.", Observed(states)),
    Claim("zombie", "1.4.1", "A child that ended and was not waited for is a zombie, state Z.", Observed(zombie)),
    Claim(
        "orphan-adopted",
        "2.1",
        "An orphan is adopted by pid 1, or by the user's systemd instance (the nearest subreaper).",
        Observed(orphan),
    ),
    Claim("orphan-nearest", "2.1", "Of several subreapers the nearest one adopts an orphan.", Observed(nearest)),
    Claim("zombie-reaped", "2.2", "A zombie disappears when its parent joins it or waits for it.", Observed(reaped)),
    Claim(
        "managed-set",
        "2.2",
        "A context manager that joins its processes, then terminates them, leaves no zombie.",
        Observed(managed_set),
    ),
    Claim("daemon-ends", "2.3", "A daemon child ends with its parent.", Observed(daemon_ends)),
    Claim(
        "daemon-of-killed", "2.3", "A daemon child ends with a parent that SIGTERM ends.", Observed(daemon_of_killed)
    ),
    Claim("plain-waited", "2.3", "A parent waits for a plain child before it ends.", Observed(plain_waited)),
    Claim("daemon-childless", "2.3", "A daemon process may not have children.", Observed(daemon_childless)),
    Claim(
        "exit-leaves-daemons", "2.3", "os._exit of the parent leaves daemon children running.", Observed(daemon_left)
    ),
]
