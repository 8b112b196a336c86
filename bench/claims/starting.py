"""Starting processes: fork, Process and its subclasses, spawn and the main guard, isolation (sections 3 and 4.1)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.context import BaseContext
from pathlib import Path

from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, Claim, Finding, Observed
from ipcbench.bench.trying import (
    PYTHON,
    End,
    Untestable,
    always,
    ask,
    by_method,
    child,
    folder,
    in_fork,
    lives,
    need,
    started,
    until,
    verdict,
)

TRIES = 5
MIB = 1 << 20
HEAP = 32 * MIB
CAP = 8
"""Starts of a program that respawns without end, after which it is ended."""
CHILDREN = {"fork": 10}
"""As many as in the course where that costs little."""
EXPECTED = {"linux": "fork", "darwin": "spawn", "win32": "spawn"}

number = 100
"""The global variable of the course's example."""


# ---- os.fork ----


def fork_returns() -> Finding:
    """The child tells what it got, and its pid."""
    need("os.fork")

    def check() -> bool:
        reader, writer = os.pipe()
        returned = os.fork()
        if returned == 0:
            os.write(writer, f"0 {os.getpid()}".encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(returned, 0)
        with os.fdopen(reader) as answer:
            return answer.read() == f"0 {returned}" and returned > 0

    return always(TRIES, check, "the child's pid in the parent and 0 in the child")


def copy_on_write() -> Finding:
    """What of the parent's heap the child has to itself, before and after writing to it (smaps_rollup in proc(5))."""
    need("os.fork", "/proc")
    if not Path("/proc/self/smaps_rollup").exists():
        raise Untestable("this kernel has no /proc/PID/smaps_rollup")
    heap = bytearray(os.urandom(4096) * (HEAP // 4096))

    def write() -> list[int]:
        before = _private()
        for place in range(0, HEAP, 4096):
            heap[place] = 1
        return [before, _private()]

    before, after = in_fork(write)
    evidence = (
        f"of a heap of {HEAP // MIB} MiB the child has {before / MIB:.1f} MiB to itself before it writes, "
        f"{after / MIB:.1f} MiB after"
    )
    return verdict(before < HEAP / 2 < after - before, evidence)


def _private() -> int:
    """Bytes in pages that no other process maps."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_Dirty"))


# ---- Process ----


def wrong_arguments() -> Finding:
    """One argument too many, one too few, and as many as there should be."""

    def check(context: BaseContext) -> tuple[bool, str]:
        codes = [_exit_code(context, *arguments) for arguments in ((1, 2), (), (1,))]
        right = codes == [1, 1, 0]
        return (
            right,
            f"start() raises nothing, the exit codes are {codes[0]} and {codes[1]} ({codes[2]} with the right ones)",
        )

    with _no_tracebacks():
        return by_method(check)


def _takes_one(_one: int) -> None:
    """The target."""


def _exit_code(context: BaseContext, *arguments: object) -> int | None:
    process = child(context, _takes_one, *arguments)
    process.start()
    process.join()
    return process.exitcode


class _no_tracebacks:  # noqa: N801 - reads as a statement
    """Children write to nowhere what they are expected to complain about."""

    def __enter__(self) -> None:
        self.kept = os.dup(2)
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)

    def __exit__(self, *_: object) -> None:
        os.dup2(self.kept, 2)
        os.close(self.kept)


def terminated() -> Finding:
    """Both ways to end a process."""

    def check(context: BaseContext) -> tuple[bool, str]:
        codes = []
        for end in ("terminate", "kill"):
            process = child(context, time.sleep, 60)
            with started(process):
                getattr(process, end)()
                process.join()
                codes.append((process.exitcode, process.is_alive()))
        right = codes == [(-signal.SIGTERM, False), (-signal.SIGKILL, False)]
        return right, f"exit codes {codes[0][0]} and {codes[1][0]}, is_alive() False"

    return by_method(check)


def copied_arguments() -> Finding:
    """The child changes a list that was its argument."""

    def check(context: BaseContext) -> tuple[bool, str]:
        mine = [1]
        theirs = ask(context, _appended, mine)
        return mine == [1] and theirs == [1, 2], f"the child's list is {theirs}, the parent's still {mine}"

    return by_method(check)


def _appended(mine: list[int]) -> list[int]:
    mine.append(2)
    return mine


class Computing(multiprocessing.Process):
    """The course's subclass: what `run` computes is to be found in `result`."""

    def run(self) -> None:
        """Ends with 7 to show that it was run, and had the result."""
        self.result = 42
        sys.exit(7 if self.result == 42 else 0)


def subclass_attributes() -> Finding:
    """The parent looks for the attribute afterwards."""

    def check(context: BaseContext) -> tuple[bool, str]:
        multiprocessing.set_start_method(context.get_start_method(), force=True)
        process = Computing()
        process.start()
        process.join()
        lost = process.exitcode == 7 and not hasattr(process, "result")
        return lost, "run() was run and set self.result, the parent's object has none" if lost else "the parent sees it"

    return by_method(check)


# ---- spawn ----

SEEN = "open({log!r}, 'a').write(__name__ + '\\n')\n"


def imported_again() -> Finding:
    """A program that takes down each time its module is run."""
    body = """
        import multiprocessing

        def nothing():
            pass

        if __name__ == "__main__":
            process = multiprocessing.get_context({method!r}).Process(target=nothing)
            process.start()
            process.join()
    """
    with folder() as here:
        spawned = _run_program(here, body, "spawn")
    evidence = f"the module's code ran {len(spawned)} times: as {' and as '.join(spawned)}"
    return verdict(spawned == ["__main__", "__mp_main__"], evidence)


def _run_program(here: Path, body: str, start_method: str) -> list[str]:
    """The names under which the program's module was run."""
    from textwrap import dedent

    log, program = here / "log", here / "program.py"
    program.write_text((SEEN + dedent(body)).format(log=str(log), method=start_method))
    subprocess.run([*PYTHON, str(program)], check=True, timeout=6)
    return log.read_text().split()


def no_guard() -> Finding:
    """Two programs that start a child by spawn wherever they are run: a Process, and a Pool, which is ended at a cap."""
    need("semaphore")
    with folder() as here:
        process, errors = _process_without_guard(here)
        pool = _pool_without_guard(here)
    raised = "RuntimeError" in errors
    came = "its workers were started again and again, ended" if pool > CAP else "it ended"
    evidence = (
        f"a Process: {'the child raises RuntimeError' if raised else 'no RuntimeError'} after {process} runs of the module; "
        f"a Pool of 2: {came} after {pool} runs (1 try of each)"
    )
    endless = pool > CAP
    return Finding(DEPENDS if raised and endless else HOLDS if endless else FAILS, evidence)


def _unguarded(here: Path, what: str) -> tuple[Path, Path]:
    log, program = here / f"{what}.log", here / f"{what}.py"
    calls = {"process": "Process(target=print).start()", "pool": "Pool(2).map(abs, [1])"}
    code = f"import multiprocessing\nmultiprocessing.get_context('spawn').{calls[what]}\n"
    program.write_text(SEEN.format(log=str(log)) + code)
    return log, program


def _process_without_guard(here: Path) -> tuple[int, str]:
    log, program = _unguarded(here, "process")
    done = subprocess.run([*PYTHON, str(program)], capture_output=True, text=True, timeout=6, check=False)
    return len(log.read_text().split()), done.stderr


def _pool_without_guard(here: Path) -> int:
    """It is stopped before it is killed, so that its workers end by themselves: a killed one leaves semaphores."""
    log, program = _unguarded(here, "pool")
    with subprocess.Popen([*PYTHON, str(program)], stderr=subprocess.DEVNULL) as running:
        until(lambda: running.poll() is not None or _runs(log) > CAP, 6)
        found = _runs(log)
        running.send_signal(signal.SIGSTOP)
        until(lambda: not _workers(running.pid), 2)
        running.kill()
    return found


def _workers(pid: int) -> list[int]:
    """Its living children but for the resource tracker."""
    import psutil

    from ipcbench.bench.processes import is_tracker

    return [each.pid for each in psutil.Process(pid).children() if lives(each.pid) and not is_tracker(each)]


def _runs(log: Path) -> int:
    return len(log.read_text().split()) if log.exists() else 0


def default_method() -> Finding:
    """What a fresh interpreter says; other systems can't be seen from here."""
    got, version = multiprocessing.get_start_method(), ".".join(map(str, sys.version_info[:3]))
    expected = EXPECTED.get(sys.platform)
    if expected is None:
        raise Untestable(f"the course says nothing of {sys.platform}, where it is {got}")
    later = {"fork": "; from Python 3.14 on it is forkserver", "forkserver": "; it was fork before Python 3.14"}.get(
        got, ""
    )
    return Finding(
        HOLDS if got == expected else FAILS, f"get_start_method() is {got} on {sys.platform}, Python {version}{later}"
    )


def counted_cores() -> Finding:
    """This process allows itself one core."""
    need("os.sched_setaffinity")
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        raise Untestable(f"one core is allowed here anyway, cpu_count() is {multiprocessing.cpu_count()}")
    before = multiprocessing.cpu_count()
    os.sched_setaffinity(0, {max(cores)})
    after = multiprocessing.cpu_count()
    evidence = f"cpu_count() is {before} with {len(cores)} cores allowed, {after} when the affinity allows one"
    return Finding(FAILS if before != len(cores) else HOLDS if after == 1 else DEPENDS, evidence)


# ---- isolation ----


def isolated() -> Finding:
    """Ten children change a global."""

    def check(context: BaseContext) -> tuple[bool, str]:
        count = CHILDREN.get(context.get_start_method(), 3)
        pairs = [context.Pipe(duplex=False) for _ in range(count)]
        children = [child(context, _change, theirs) for _, theirs in pairs]
        with started(*children):
            theirs = {ours.recv() for ours, _ in pairs}
        kept = number == 100 and theirs == {101}
        return kept, f"{count} children had {', '.join(map(str, sorted(theirs)))}, the parent has {number}"

    return by_method(check)


def _change(end: End) -> None:
    global number
    number += 1
    end.send(number)


CLAIMS = [
    Claim(
        "fork-returns",
        "3.1",
        "os.fork returns the child's pid in the parent and 0 in the child.",
        Observed(fork_returns),
    ),
    Claim("fork-copies-on-write", "3.1", "fork copies the parent's memory only on write.", Observed(copy_on_write)),
    Claim(
        "wrong-arguments",
        "3.2",
        "Wrong or missing arguments of a Process fail in the child.",
        Observed(wrong_arguments),
    ),
    Claim(
        "terminate-and-kill", "3.2", "terminate() ends a process by SIGTERM, kill() by SIGKILL.", Observed(terminated)
    ),
    Claim("arguments-copied", "3.2", "A Process's arguments are copied to the child.", Observed(copied_arguments)),
    Claim(
        "subclass-attributes",
        "3.3",
        "Attributes that run() of a Process subclass sets are not seen by the parent.",
        Observed(subclass_attributes),
    ),
    Claim(
        "spawn-imports-again", "3.4", "Under spawn the module's code runs again in the child.", Observed(imported_again)
    ),
    Claim("spawn-without-guard", "3.4", "Without the main guard, spawn recurses without end.", Observed(no_guard)),
    Claim(
        "default-start-method",
        "3.4",
        "Windows and macOS start children by spawn, Linux by fork.",
        Observed(default_method),
    ),
    Claim("cpu-count", "3.4", "cpu_count() says how many processes can run at once.", Observed(counted_cores)),
    Claim(
        "data-isolation",
        "4.1",
        "A global that ten children change stays 100 in the parent.",
        Observed(isolated),
    ),
]
