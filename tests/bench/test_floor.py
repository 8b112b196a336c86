"""The C floor: every primitive moves its payloads, failures are `FloorError`s, nothing is left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ipcbench.bench import floor
from ipcbench.bench.floor import PRIMITIVES, FloorError, FloorProcess, Usage

from .leftovers import nothing_left

needs_compiler = pytest.mark.skipif(floor.compiler() is None, reason="no C compiler here")
needs_linux = pytest.mark.skipif(not psutil.LINUX, reason="pins processes, or kills the echo with its parent")

ENDLESS = 1 << 40
"""Loops that no test waits for."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return floor.build(tmp_path_factory.mktemp("floor"))


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No descriptor at all, and no FIFO, either."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = psutil.Process().num_fds()
    with nothing_left():
        yield
    assert psutil.Process().num_fds() == before
    assert not list(tmp_path.glob("floor-??????"))


def fake_compiler(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / "fakecc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("CC", str(path))
    return path


def echo_of(running: FloorProcess) -> psutil.Process:
    assert running.process is not None
    (echo,) = psutil.Process(running.process.pid).children()
    return echo


@contextmanager
def ends(process: psutil.Process) -> Iterator[None]:
    """The process has ended soon after the block, whether or not its new parent has reaped it by then."""
    fd = os.pidfd_open(process.pid)
    try:
        yield
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        assert poll.poll(5000)
    finally:
        os.close(fd)


def start_window(running: FloorProcess) -> None:
    """Give the program more to do than it can finish, as `run` would."""
    assert running.process is not None
    assert running.process.stdin is not None
    running.process.stdin.write(b"%d\n" % ENDLESS)


# ---- what it measures ----


@needs_compiler
@pytest.mark.parametrize("size", [1, 64, 1 << 20])
@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_moves_its_payloads(program: Path, primitive: str, size: int) -> None:
    with FloorProcess(program, primitive, size) as running:
        for loops in (1, 2, 20):
            used = running.run(loops)
            assert isinstance(used, Usage)
            assert used.elapsed > 0
            assert min(used) >= 0


@needs_compiler
@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_takes_an_empty_payload(program: Path, primitive: str) -> None:
    with FloorProcess(program, primitive, 0) as running:
        assert running.run(3).elapsed > 0


@needs_compiler
@needs_linux
@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_pins_both_ends(program: Path, primitive: str) -> None:
    cpus = sorted(os.sched_getaffinity(0))
    near, far = cpus[-1], cpus[-2:][0]
    with FloorProcess(program, primitive, 64, near, far) as running:
        assert running.process is not None
        assert psutil.Process(running.process.pid).cpu_affinity() == [near]
        assert echo_of(running).cpu_affinity() == [far]
        assert running.run(2).elapsed > 0


@needs_compiler
def test_blocking_counts_the_switches_of_both_processes(program: Path) -> None:
    cpu = min(os.sched_getaffinity(0)) if psutil.LINUX else None
    with FloorProcess(program, "pipe", 64, cpu, cpu) as running:
        used = running.run(200)
    assert used.voluntary + used.involuntary >= 200  # on one core each round trip is two switches


@needs_compiler
def test_payload_that_comes_back_changed_is_exit_3(tmp_path: Path) -> None:
    source = floor.SOURCE.read_text()
    healthy = "primitive->receive(end, buffer);"
    assert source.count(healthy) == 1
    damaged = tmp_path / "damaged.c"
    damaged.write_text(source.replace(healthy, healthy + " buffer[size / 2] ^= 1;"))
    program = tmp_path / "damaged"
    floor.translate([*str(floor.compiler()).split(), *floor.FLAGS, "-o", str(program), str(damaged)], tmp_path)
    done = subprocess.run([program, "pipe", "64", "-1", "-1"], stdin=subprocess.DEVNULL, capture_output=True)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr == b"floor: the payload came back changed\n"
    with pytest.raises(FloorError, match="pipe at 64 B failed: the payload came back changed"):
        FloorProcess(program, "pipe", 64).__enter__()


# ---- trouble ----


@needs_compiler
@needs_linux
@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_echo_killed_in_the_middle_of_a_window(program: Path, primitive: str) -> None:
    with FloorProcess(program, primitive, 64) as running:
        start_window(running)
        echo_of(running).kill()
        with pytest.raises(FloorError, match=f"floor of {primitive} at 64 B failed: .*killed by signal 9"):
            running.run(1, deadline=5)
        assert running.process is None


@needs_compiler
@needs_linux
@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_program_killed_in_the_middle_of_a_window(program: Path, primitive: str) -> None:
    with FloorProcess(program, primitive, 64) as running, ends(echo_of(running)):
        assert running.process is not None
        start_window(running)
        running.process.kill()
        with pytest.raises(FloorError, match="was killed by SIGKILL"):
            running.run(1, deadline=5)


@needs_compiler
@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_deadline_passes(program: Path, primitive: str) -> None:
    with FloorProcess(program, primitive, 64) as running:
        with pytest.raises(FloorError, match=f"{primitive} at 64 B gave no answer within 0.05 s"):
            running.run(ENDLESS, deadline=0.05)
        with pytest.raises(FloorError, match="isn't running"):
            running.run(1)


@needs_compiler
@needs_linux
def test_stopped_program_is_killed_after_all(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "ENDING", 0.05)
    with FloorProcess(program, "pipe", 64) as running, ends(echo_of(running)):
        assert running.process is not None
        running.process.send_signal(signal.SIGSTOP)
        with pytest.raises(FloorError, match="no answer"):
            running.run(1, deadline=0.05)


@needs_compiler
def test_exception_inside_the_block_ends_the_program(program: Path) -> None:
    running = FloorProcess(program, "spin", 64)
    with pytest.raises(KeyboardInterrupt), running:
        start_window(running)
        raise KeyboardInterrupt
    assert running.process is None
    running.close()


@needs_compiler
def test_end_of_input_ends_the_program(program: Path) -> None:
    done = subprocess.run([program, "tcp", "8", "-1", "-1"], input=b"2\n", capture_output=True, timeout=20)
    ready, figures = done.stdout.splitlines()
    assert (done.returncode, ready, done.stderr) == (0, b"ready", b"")
    assert len(figures.split()) == 5


@needs_compiler
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pipe", "1"], "usage: floor PRIMITIVE SIZE NEAR_CPU FAR_CPU"),
        (["pope", "1", "-1", "-1"], "floor: unknown primitive 'pope'"),
        (["pipe", "-1", "-1", "-1"], "floor: SIZE must be a whole number from 0, not '-1'"),
        (["pipe", "1x", "-1", "-1"], "floor: SIZE must be a whole number from 0, not '1x'"),
        (["pipe", "1", "", "-1"], "floor: NEAR_CPU must be a whole number from -1, not ''"),
        (["pipe", str(1 << 62), "-1", "-1"], "floor: SIZE is beyond what fits into memory"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_2(program: Path, arguments: list[str], said: str) -> None:
    done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said + "\n")


@needs_compiler
@pytest.mark.parametrize("line", ["0", "-3", "many", "", "1 2", "9" * 30])
def test_wrong_loop_count_is_one_line_and_exit_2(program: Path, line: str) -> None:
    done = subprocess.run(
        [program, "pipe", "1", "-1", "-1"], input=line + "\n", capture_output=True, text=True, timeout=20
    )
    said = "floor: a loop count is a whole number from 1\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "ready\n", said)


@needs_compiler
@needs_linux
@pytest.mark.parametrize("cpus", [(4000, None), (None, 4000), (1023, None), (None, 1023)])
def test_cpu_that_is_not_there(program: Path, cpus: tuple[int | None, int | None]) -> None:
    with pytest.raises(FloorError, match=r"failed: .*CPU"):
        FloorProcess(program, "semaphore", 1, *cpus).__enter__()


@needs_compiler
def test_folder_for_the_fifo_that_is_not_there(program: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [program, "fifo", "1", "-1", "-1"], env={"TMPDIR": str(tmp_path / "nowhere")}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "floor: a folder below TMPDIR: No such file or directory\n"


def test_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FloorError, match="can't be started: No such file"):
        FloorProcess(tmp_path / "absent", "pipe", 1).__enter__()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo hello; cat", "said 'hello' instead of being ready"),
        ("exit 7", "ended with exit status 7"),
        ("kill -TERM $$", "was killed by SIGTERM"),
        ("echo floor: out of luck >&2; exit 2", "failed: out of luck"),
        ("exec cat", "gave no answer within 0.2 s"),
    ],
)
def test_program_that_does_not_get_ready(tmp_path: Path, script: str, said: str) -> None:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    with pytest.raises(FloorError, match=said):
        FloorProcess(path, "pipe", 1, deadline=0.2 if "cat" in script and "echo" not in script else 10).__enter__()


@pytest.mark.parametrize("answer", ["", "1 2 3 4", "1 2 3 4 five", "1 2 3 4 5 6"])
def test_answer_that_is_no_usage(answer: str) -> None:
    with pytest.raises(FloorError, match="five figures were due"):
        floor.usage(answer)


def test_window_without_a_round_trip(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one round trip, not 0"):
        FloorProcess(tmp_path, "pipe", 1).run(0)


# ---- compiling ----


@needs_compiler
def test_compiles_without_a_warning(tmp_path: Path) -> None:
    command = [*str(floor.compiler()).split(), *floor.FLAGS, "-Werror", "-o", str(tmp_path / "strict")]
    floor.translate([*command, str(floor.SOURCE)], tmp_path)


@needs_compiler
def test_builds_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = floor.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [program.name]
    monkeypatch.setattr(floor, "translate", lambda _command, _folder: pytest.fail("compiled again"))
    assert floor.build(tmp_path) == program


def test_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_compiler(tmp_path, "for n in one two three four; do echo $n >&2; done; exit 4", monkeypatch)
    folder = tmp_path / "programs"
    folder.mkdir()
    with pytest.raises(FloorError, match=r"fakecc failed with exit status 4: one; two; three$"):
        floor.build(folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("script", "said"),
    [("exit 1", "exit status 1: without a word"), ("exit 0", "left no program in")],
)
def test_compiler_that_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    fake_compiler(tmp_path, script, monkeypatch)
    with pytest.raises(FloorError, match=said):
        floor.build(tmp_path)


def test_compiler_that_does_not_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_compiler(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(floor, "COMPILING", 0.05)
    with pytest.raises(FloorError, match="did not finish"):
        floor.build(tmp_path)


def test_compiler_that_is_stopped_takes_along_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child, wait = tmp_path / "child", subprocess.Popen.wait
    fake_compiler(tmp_path, f"sleep 60 & echo $! > {child}.new; mv {child}.new {child}; wait", monkeypatch)

    def hurried(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        while timeout == floor.COMPILING:
            if child.exists():
                raise subprocess.TimeoutExpired("fakecc", timeout)
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", hurried)
    with pytest.raises(FloorError, match="did not finish"):
        floor.build(tmp_path)
    left = int(child.read_text())
    assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE


def test_compiler_that_can_not_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_compiler(tmp_path, "", monkeypatch).write_bytes(b"\x00\x01")
    with pytest.raises(FloorError, match="can't be run"):
        floor.build(tmp_path)


@pytest.mark.parametrize("named", ["no-such-compiler -O2", 'gcc "'])
def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", named)
    assert floor.compiler() is None
    with pytest.raises(FloorError, match="no C compiler found"):
        floor.build(tmp_path)


def test_compiler_named_by_cc_with_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_compiler(tmp_path, "exit 0", monkeypatch)
    monkeypatch.setenv("CC", f"{path} -g")
    assert floor.compiler() == f"{path} -g"


def test_cc_that_is_not_there_falls_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_compiler(tmp_path, "exit 0", monkeypatch).rename(tmp_path / "gcc")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert floor.compiler() == "gcc"
