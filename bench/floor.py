"""The floor: the same primitives in C, compiled here and measured in the same rounds as the mechanisms.

`floor.c` says what it measures and how it is driven. This side finds a compiler, builds the program once into
a folder and drives it; whatever goes wrong is a `FloorError` that names the cause.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

__all__ = ["PRIMITIVES", "FloorError", "FloorProcess", "Usage", "build", "compiler"]

PRIMITIVES: tuple[str, ...] = ("pipe", "fifo", "unix-stream", "tcp", "semaphore", "shared-memory", "spin")
"""What the program can measure; `semaphore` is a handoff and carries no payload."""

SOURCE = Path(__file__).with_name("floor.c")
FLAGS = ("-O2", "-Wall", "-Wextra", "-pthread")
COMPILING = 120.0
"""Seconds a compiler may take."""
ENDING = 2.0
"""Seconds the program gets to end and take its echo with it before it is killed."""


class FloorError(Exception):
    """A floor can't be measured; the text says why."""


class Usage(NamedTuple):
    """What a window of round trips took: seconds, then CPU seconds and context switches of both processes."""

    elapsed: float
    user: float
    system: float
    voluntary: int
    involuntary: int


def compiler() -> str | None:
    """The C compiler to use: what CC names (options may follow), else cc, gcc or clang; None without any."""
    for candidate in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        with contextlib.suppress(ValueError):  # quotes that aren't closed
            words = shlex.split(candidate)
            if words and shutil.which(words[0]):
                return candidate
    return None


def build(folder: Path) -> Path:
    """The compiled program in `folder`, compiled at most once for each version of the source and compiler.

    Raises `FloorError` without a compiler or with the compiler's first words.
    """
    command = compiler()
    if command is None:
        raise FloorError("no C compiler found (tried CC, cc, gcc, clang): install one to see what Python costs")
    digest = hashlib.sha256(SOURCE.read_bytes() + command.encode()).hexdigest()[:12]
    program = folder / f"floor-{digest}"
    if not program.exists():
        beside = folder / f".{program.name}.{os.getpid()}"
        try:
            translate([*shlex.split(command), *FLAGS, "-o", str(beside), str(SOURCE)], folder)
            beside.replace(program)
        except OSError as error:
            raise FloorError(f"{command} left no program in {folder}: {error.strerror}") from error
        finally:
            beside.unlink(missing_ok=True)
    return program


def translate(command: list[str], folder: Path) -> None:
    """Run the compiler, in a session of its own: it starts others. Raises `FloorError` with its first words when it fails."""
    from ipcbench.bench.processes import session  # imports psutil, which no worker needs: it finds the program compiled

    with tempfile.TemporaryFile(dir=folder) as words:
        fd = words.fileno()
        try:
            with session(command, folder, stdout=fd, stderr=fd, cwd=Path.cwd()) as process:
                status = process.wait(COMPILING)
        except subprocess.TimeoutExpired:
            raise FloorError(f"{command[0]} did not finish within {COMPILING:.0f} s") from None
        except OSError as error:
            raise FloorError(f"{command[0]} can't be run: {error.strerror}") from error
        words.seek(0)
        said = words.read().decode("utf-8", "replace").splitlines()
    if status:
        lines = [line.strip() for line in said if line.strip()]
        raise FloorError(f"{command[0]} failed with exit status {status}: {'; '.join(lines[:3]) or 'without a word'}")


@dataclass
class FloorProcess:
    """The program, running one primitive at one size; a context manager that always ends and reaps it.

    `near` and `far` are the CPUs of its two processes; None leaves one where this process may run. `deadline`
    bounds the start, which includes the check of the payloads, and by default each window. After a
    `FloorError` the program is gone.
    """

    program: Path
    primitive: str
    size: int
    near: int | None = None
    far: int | None = None
    deadline: float = 30.0

    def __post_init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.words: IO[bytes] | None = None
        self.pending = b""

    def __enter__(self) -> FloorProcess:
        """Start the program and wait until its payloads have gone there and back unharmed."""
        self.words = tempfile.TemporaryFile()  # closed by close(); unlike a pipe it never blocks
        cpus = [str(-1 if cpu is None else cpu) for cpu in (self.near, self.far)]
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [self.program, self.primitive, str(self.size), *cpus],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words, bufsize=0,
            )  # fmt: skip
            said = self.answer(self.deadline)
            if said != "ready":
                raise FloorError(f"{self.label} said {said!r} instead of being ready")
        except OSError as error:
            self.close()
            raise FloorError(f"{self.label} can't be started: {error.strerror}") from error
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def label(self) -> str:
        """The program, as messages name it."""
        return f"the C floor of {self.primitive} at {self.size} B"

    def pids(self) -> list[int]:
        """The program and its echo."""
        assert self.process is not None
        pid = self.process.pid
        echo = Path(f"/proc/{pid}/task/{pid}/children")  # proc(5); where it is missing, so is the echo
        return [pid, *(int(each) for each in (echo.read_text().split() if echo.exists() else ()))]

    def run(self, loops: int, deadline: float | None = None) -> Usage:
        """What `loops` round trips took.

        Raises `FloorError` when the program or its echo died, or nothing came within the deadline (seconds).
        """
        if loops < 1:
            raise ValueError(f"a window has at least one round trip, not {loops}")
        try:
            if self.process is None or self.process.stdin is None:
                raise FloorError(f"{self.label} isn't running")
            with contextlib.suppress(BrokenPipeError):  # it died; its answer says how
                self.process.stdin.write(b"%d\n" % loops)
            return usage(self.answer(self.deadline if deadline is None else deadline))
        except BaseException:
            self.close()
            raise

    def answer(self, deadline: float) -> str:
        """The next line the program prints."""
        assert self.process is not None
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        end = time.monotonic() + deadline
        while b"\n" not in self.pending:
            left = end - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise FloorError(f"{self.label} gave no answer within {deadline:g} s")
            more = os.read(fd, 4096)
            if not more:
                raise FloorError(f"{self.label} {self.ending()}")
            self.pending += more
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode("ascii", "replace")

    def ending(self) -> str:
        """How the program ended, in its own words where it left any."""
        assert self.process is not None
        assert self.words is not None
        try:
            status = self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            return "closed its output and did not end"
        self.words.seek(0)
        said = self.words.read(500).decode("utf-8", "replace").strip().splitlines()
        if said:
            return f"failed: {said[0].removeprefix('floor: ')}"
        return f"was killed by {named(-status)}" if status < 0 else f"ended with exit status {status}"

    def close(self) -> None:
        """End the program, its echo with it, and reap it; harmless when done twice."""
        process, self.process = self.process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            process.terminate()  # it kills and reaps its echo; when it is killed, PR_SET_PDEATHSIG does
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.words is not None:
            self.words.close()
            self.words = None


def usage(line: str) -> Usage:
    """The figures in one line of the program."""
    try:
        elapsed, user, system, voluntary, involuntary = line.split()
        return Usage(float(elapsed), float(user), float(system), int(voluntary), int(involuntary))
    except ValueError:
        raise FloorError(f"the C floor answered {line!r} where five figures were due") from None


def named(number: int) -> str:
    """A signal's name, or its number where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
