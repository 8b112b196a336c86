"""What tests of all folders share: the command as its user runs it, what it may leave behind, and waiting for a thing."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from click.testing import CliRunner, Result

from ipcbench.bench.cli import cli
from ipcbench.bench.processes import is_tracker

COMMAND = [sys.executable, "-c", "from ipcbench.bench.console import main; main()"]
PIPE = ["--profile", "quick", "--only", "pipe", "--workload", "round-trip", "--size", "64", "--start-method", "fork"]
"""One case, whatever the machine."""
SEPARATE: Any = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
"""Standard output and error, each by itself: as click does unasked from 8.2 on."""


def ipcbench(*arguments: object, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=100, **options
    )


def invoked(*arguments: str) -> Result:
    """The command in this process, where what it is made of can be replaced."""
    return CliRunner(**SEPARATE).invoke(cli, arguments, catch_exceptions=False)


def git(folder: Path, *words: str) -> str:
    """What git says there, as somebody whose settings are no one's."""
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def traces(folder: Path) -> tuple[set[int], set[str], set[str]]:
    """What a run could leave: processes below this one, abandoned entries in /dev/shm, temporary folders."""
    return (
        {child.pid for child in psutil.Process().children(recursive=True) if not is_kept(child)},
        abandoned(),
        {entry.name for entry in folder.iterdir() if entry.name.startswith("ipcbench-")},
    )


def is_kept(child: psutil.Process) -> bool:
    """Whether multiprocessing keeps it for the next one: this process's own tracker may be started at any time."""
    return child.ppid() == os.getpid() and is_tracker(child)


def nothing_new(before: tuple[set[int], set[str], set[str]], folder: Path) -> bool:
    """Whether there is nothing of it that wasn't there before; what other programs had there may be gone."""
    return all(now <= then for now, then in zip(traces(folder), before, strict=True))


def abandoned() -> set[str]:
    """Names in /dev/shm that no living process maps: those of other people's programs are in use."""
    shm = Path("/dev/shm")
    names = {entry.name for entry in shm.iterdir()} if shm.is_dir() else set()
    for maps in Path("/proc").glob("[0-9]*/maps") if names else ():
        try:
            text = maps.read_text()
        except OSError:
            continue
        names = {name for name in names if f"/dev/shm/{name}" not in text}
    return names


def wait_until(condition: Callable[[], object], seconds: float = 40, otherwise: str = "") -> None:
    """Wait for the thing, with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise or "the thing waited for didn't happen"
        time.sleep(0.01)
