"""An orderly end: a signal never leaves a process or a folder half made."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile

import psutil
import pytest

from ipcbench.bench import orderly, processes
from ipcbench.bench.orderly import Interrupted, interruptible, temporary, uninterrupted

ENDLESS = [sys.executable, "-c", "import signal; signal.pause()"]


def come(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_once_with_the_status_of_a_shell(number):
    with pytest.raises(Interrupted) as caught, interruptible():
        try:
            come(number)
        finally:
            come(number)
    assert caught.value.code == 128 + number


def test_one_that_comes_in_an_uninterrupted_block_counts_at_its_end():
    steps = []
    with pytest.raises(Interrupted), interruptible(), uninterrupted():
        with uninterrupted():
            come()
            steps.append("inner")
        steps.append("outer")
    assert steps == ["inner", "outer"]
    with uninterrupted():
        pass


def test_a_process_that_is_being_started_is_ended(monkeypatch, tmp_path):
    started = []

    def popen(*arguments, **options):
        started.append(original(*arguments, **options))
        come()
        return started[-1]

    original = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(Interrupted), interruptible(), processes.session(ENDLESS, tmp_path, stderr=2):
        pytest.fail("the signal was lost")
    assert started[0].returncode is not None
    assert not psutil.pid_exists(started[0].pid)


def test_a_process_that_is_being_ended_takes_its_children_along(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "is_tracker", lambda _process: come())
    file = tmp_path / "child"
    with pytest.raises(Interrupted), interruptible(), processes.session(TWO, tmp_path, stderr=2):
        while not file.exists():
            pass
    left = int(file.read_text())
    assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE


TWO = ["sh", "-c", "sleep 60 & echo $! > child.new; mv child.new child; wait"]


def test_the_temporary_folder_goes_also_when_the_signal_comes_meanwhile(monkeypatch):
    original = os.rmdir

    def rmdir(*arguments, **options):
        come()
        return original(*arguments, **options)

    monkeypatch.setattr(os, "rmdir", rmdir)
    with pytest.raises(Interrupted), interruptible(), temporary() as folder:
        (folder / "below").mkdir()
    assert not folder.exists()


def test_a_worker_whose_runner_is_gone_before_it_began_removes_the_folder(tmp_path):
    folder = tmp_path / "ipcbench-1-1-x"
    folder.mkdir()
    ended, other = os.pipe()
    os.close(other)
    command = [sys.executable, "-m", "ipcbench.bench.worker", "task.json"]
    environ = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, stdin=ended, cwd=folder, env=environ, capture_output=True, timeout=30)
    os.close(ended)
    assert done.returncode == 143, done.stderr
    assert not folder.exists()


def test_folders_of_runs_that_are_gone_are_removed_and_no_others(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(orderly, "LONGEST", 1000)
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, elsewhere, foreign = (tmp_path / f"ipcbench-{name}" for name in (f"{gone.pid}-a", f"{gone.pid}-b", "notes"))
    for each in (left, elsewhere, foreign):
        each.mkdir()
    held = os.open(elsewhere, os.O_RDONLY)  # a run in another container: its process can't be seen, its lock can
    fcntl.flock(held, fcntl.LOCK_EX)
    with temporary() as one, temporary() as other:
        assert {each.name for each in tmp_path.iterdir()} == {one.name, other.name, elsewhere.name, foreign.name}
    os.close(held)
    assert {each.name for each in tmp_path.iterdir()} == {elsewhere.name, foreign.name}
