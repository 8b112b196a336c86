"""Ways to start a process and wait for its end; each gives the time of the call and the time when the child was reaped.

fork(2), wait(2), `multiprocessing.Process` and `subprocess`. Whatever interrupts the wait, the child is ended and reaped first.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from time import perf_counter
from typing import NoReturn

from ipcbench.bench.newborn import SUBCLASSES, born
from ipcbench.ipc.errors import PeerGone
from ipcbench.ipc.lifeline import holding_sigterm

__all__ = ["FOREIGN", "PROCESSES", "Birth", "birth", "forget", "native"]

Birth = Callable[[], tuple[float, float]]
PROCESSES = ("process", "process-subclass", "process-daemon")
FOREIGN = ("run-native", "popen-native", "run-python", "popen-python")


def birth(subject: str, method: str, argument: bytes, check: bool = False) -> Birth:
    """What starts one child of that kind. An empty argument is none at all, as long as nothing is checked."""
    if subject == "os-fork":
        return partial(_by_fork, check)
    if subject in FOREIGN:
        way, _, program = subject.partition("-")
        command = [native() or "true"] if program == "native" else [sys.executable, "-c", "pass"]
        return partial(_by_run if way == "run" else _by_popen, command)
    if subject == "process-subclass":
        return partial(_by_process, partial(SUBCLASSES[method], argument, check))
    make = multiprocessing.get_context(method).Process  # type: ignore[attr-defined]
    arguments = (argument, check) if argument or check else ()
    daemon = True if subject == "process-daemon" else None
    return partial(_by_process, partial(make, target=born, args=arguments, daemon=daemon))


def native() -> str | None:
    """A program that does nothing: true(1)."""
    return shutil.which("true")


def forget() -> None:
    """End the fork server and the resource tracker, as if this process had started none yet.

    A signal waits: neither can be stopped again where that was broken into.
    """
    with holding_sigterm():
        forkserver._forkserver._stop()  # type: ignore[attr-defined] # noqa: SLF001 - there is no other way
        resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined] # noqa: SLF001


def _by_fork(check: bool) -> tuple[float, float]:
    begin = perf_counter()
    pid = os.fork()
    if not pid:
        _live(check)
    try:
        _, status = os.waitpid(pid, 0)
        end = perf_counter()
    except BaseException:
        with suppress(ProcessLookupError, ChildProcessError):  # it was reaped just before
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        raise
    _expect(0, os.waitstatus_to_exitcode(status))
    return begin, end


def _live(check: bool) -> NoReturn:
    """The forked child: it must not return into the worker's code, whatever happens."""
    code = 1
    try:
        born(check=check)
        code = 0
    finally:
        os._exit(code)


def _by_process(make: Callable[[], BaseProcess]) -> tuple[float, float]:
    begin = perf_counter()
    process = make()
    process.start()
    try:
        process.join()
        end = perf_counter()
    except BaseException:
        with suppress(ValueError):  # it was reaped just before, and seems to run for ever
            process.kill()
            process.join()
            process.close()
        raise
    code = process.exitcode
    process.close()
    _expect(0, code)
    return begin, end


def _by_run(command: list[str]) -> tuple[float, float]:
    begin = perf_counter()
    subprocess.run(command, check=True)  # noqa: S603 - one of two commands above
    return begin, perf_counter()


def _by_popen(command: list[str]) -> tuple[float, float]:
    begin = perf_counter()
    process = subprocess.Popen(command)  # noqa: S603 - one of two commands above
    try:
        code = process.wait()
        end = perf_counter()
    except BaseException:
        process.kill()
        process.wait()
        raise
    _expect(0, code)
    return begin, end


def _expect(wanted: int, code: int | None) -> None:
    if code != wanted:
        raise PeerGone(f"the child ended with {code}")
