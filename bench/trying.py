"""What observed checks share: children to ask, processes to look at, tries to count, and a way to say that something can't be tried."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, UNTESTABLE, Finding, Observed
from ipcbench.ipc import system

__all__ = [
    "PYTHON",
    "End",
    "Untestable",
    "always",
    "ask",
    "by_method",
    "child",
    "end_everything",
    "folder",
    "forked",
    "in_fork",
    "lives",
    "method",
    "need",
    "orphan",
    "see",
    "sometimes",
    "started",
    "state",
    "until",
    "verdict",
]

End: TypeAlias = "Connection[Any, Any]"
PYTHON = (sys.executable, "-I", "-S")
"""An interpreter that starts quickly and meets no one's modules."""


class Untestable(Exception):
    """This system lacks what the check needs; the text is the reason."""


def see(check: Observed) -> Finding:
    """What it finds; whatever goes wrong with the check itself says nothing about the claim."""
    try:
        return check.see()
    except Untestable as error:
        return Finding(UNTESTABLE, str(error))
    except Exception as error:  # noqa: BLE001 - the others go on
        return Finding(UNTESTABLE, " ".join(f"the check failed: {type(error).__name__}: {error}".split()))


# ---- what there must be ----

LACKS: Mapping[str, Callable[[], str]] = {
    "semaphore": system.no_semaphores,
    "shared-memory": system.no_shared_memory,
    "/proc": lambda: "" if Path("/proc/self/stat").exists() else "this system has no /proc to look at",
}


def need(*names: str) -> None:
    """Raises `Untestable` where one is missing: a key of `LACKS`, or what a module has only on some systems, such as `os.fork`."""
    for name in names:
        if name in LACKS:
            why = LACKS[name]()
        else:
            module, _, attribute = name.partition(".")
            why = "" if hasattr(import_module(module), attribute) else f"this system has no {name}"
        if why:
            raise Untestable(why)


def method() -> BaseContext:
    """The start method for what doesn't turn on it: the quickest one that works here."""
    return multiprocessing.get_context("fork" if "fork" in system.start_methods() else "spawn")


# ---- verdicts of tries ----


def verdict(held: bool, evidence: str) -> Finding:
    """Holds or does not, by one try unless the evidence tells of more."""
    once = "" if "tries" in evidence else " (1 try)"
    return Finding(HOLDS if held else FAILS, evidence + once)


def always(tries: int, check: Callable[[], bool], what: str) -> Finding:
    """What must be so in each try."""
    held = sum(check() for _ in range(tries))
    found = HOLDS if held == tries else DEPENDS if held else FAILS
    return Finding(found, f"{what} in {held} of {tries} tries")


def sometimes(tries: int, check: Callable[[], bool], what: str) -> Finding:
    """What is up to chance: having been seen shows it, not having been seen shows nothing."""
    seen = sum(check() for _ in range(tries))
    if not seen:
        return Finding(UNTESTABLE, f"{what}: not seen in {tries} tries")
    return Finding(HOLDS, f"{what} in {seen} of {tries} tries")


def by_method(check: Callable[[BaseContext], tuple[bool, str]]) -> Finding:
    """The same under each start method that works here; those of which the same is to be said are named together."""
    found = {name: check(multiprocessing.get_context(name)) for name in system.start_methods()}
    held = [each for each, _ in found.values()]
    texts = dict.fromkeys(text for _, text in found.values())
    said = [f"{', '.join(name for name in found if found[name][1] == text)}: {text}" for text in texts]
    return Finding(HOLDS if all(held) else DEPENDS if any(held) else FAILS, f"{'; '.join(said)} (1 try of each)")


# ---- processes ----


def state(pid: int) -> str:
    """The letter of /proc/PID/stat (proc(5)): R, S, Z, ...; empty when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return text.rpartition(")")[2].split()[0]


def lives(pid: int) -> bool:
    """Whether the process exists and hasn't ended. A zombie has."""
    if Path("/proc/self/stat").exists():
        return state(pid) not in ("", "Z", "X")
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def until(condition: Callable[[], object], seconds: float = 3.0) -> bool:
    """Whether it came true within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def child(context: BaseContext, target: Callable[..., object], *args: Any, daemon: bool | None = None) -> BaseProcess:
    """A process of that start method, not yet started."""
    made: BaseProcess = context.Process(target=target, args=args, daemon=daemon)  # type: ignore[attr-defined]
    return made


@contextmanager
def started(*processes: BaseProcess) -> Iterator[None]:
    """They run meanwhile, and have ended afterwards."""
    for each in processes:
        each.start()
    try:
        yield
    finally:
        for each in processes:
            each.kill()
            each.join()


def ask(context: BaseContext, target: Callable[..., Any], *args: Any) -> Any:
    """What the function of a module gives in a child process."""
    ours, theirs = context.Pipe(duplex=False)
    process = child(context, _tell, theirs, target, args)
    with ours, started(process):
        theirs.close()
        answer = ours.recv()
        process.join()
    return answer


def _tell(end: End, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
    with end:
        end.send(target(*args))


@contextmanager
def forked(function: Callable[[], object]) -> Iterator[int]:
    """The pid of a child that runs it and then ends; killed and waited for afterwards, unless that was done."""
    need("os.fork")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    try:
        yield pid
    finally:
        with suppress(ChildProcessError, ProcessLookupError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def in_fork(function: Callable[[], Any]) -> Any:
    """What it gives, as JSON, in a child made by `os.fork`."""
    reader, writer = os.pipe()

    def tell() -> None:
        os.close(reader)
        with os.fdopen(writer, "w") as end:
            json.dump(function(), end)

    with os.fdopen(reader) as answer, forked(tell):
        os.close(writer)
        return json.load(answer)


def orphan(code: str, *args: str) -> None:
    """Run Python code in a process that is nobody's child here: what started it has ended when this returns."""
    middle = "import subprocess, sys; subprocess.Popen(sys.argv[1:])"
    command = [*PYTHON, "-c", middle, *PYTHON, "-c", code, *args]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=5)  # noqa: S603 - our own interpreter


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder of one's own, where the work is done: paths of sockets stay short."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        try:
            yield Path(made)
        finally:
            os.chdir(before)


def end_everything() -> None:
    """The runner is gone: end all processes of this session, and remove the runner's folder."""
    from ipcbench.bench.processes import end_session
    from ipcbench.bench.scratch import clear, is_scratch

    if os.getsid(0) == os.getpid():
        end_session(os.getpid())
    home = Path(tempfile.gettempdir())
    if is_scratch(home):
        clear(home)
    os._exit(1)
