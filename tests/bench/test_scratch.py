"""The run's temporary folder: gone on every way out, and nobody else's folder with it."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ipcbench.bench import scratch
from ipcbench.bench.orderly import Interrupted, interruptible
from ipcbench.bench.processes import session
from ipcbench.bench.scratch import LABEL, NOTE, noted, temporary
from ipcbench.ipc.marks import mark


def test_the_temporary_folder_goes_also_when_the_signal_comes_meanwhile(monkeypatch):
    original = os.rmdir

    def rmdir(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments, **options)

    monkeypatch.setattr(os, "rmdir", rmdir)
    with pytest.raises(Interrupted), interruptible(), temporary() as folder:
        (folder / "below").mkdir()
    assert not folder.exists()


def test_a_worker_whose_runner_is_gone_before_it_began_removes_the_folder(tmp_path):
    folder = tmp_path / "ipcbench-1-1-x"
    folder.mkdir()
    (folder / LABEL).touch()
    ended, other = os.pipe()
    os.close(other)
    command = [sys.executable, "-m", "ipcbench.bench.worker", "task.json"]
    environ = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, stdin=ended, cwd=folder, env=environ, capture_output=True, timeout=30)
    os.close(ended)
    assert done.returncode == 143, done.stderr
    assert not folder.exists()


def test_folders_of_runs_that_are_gone_are_removed_and_no_others(monkeypatch, tmp_path):
    """Also where a process has their number: in a container it may be that of the next run."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "LONGEST", 1000)
    names = (f"{os.getpid()}-a", "1-b", "2026-10-04", "notes")
    left, elsewhere, dated, notes = (tmp_path / f"ipcbench-{name}" for name in names)
    for each in (left, elsewhere, dated, notes):
        each.mkdir()
    for each in (left, elsewhere):  # a user's folders have no label
        (each / LABEL).touch()
    held = os.open(elsewhere, os.O_RDONLY)  # a run in another container: its process can't be seen, its lock can
    fcntl.flock(held, fcntl.LOCK_EX)
    stay = {elsewhere.name, dated.name, notes.name}
    with temporary() as one, temporary() as other:
        assert {each.name for each in tmp_path.iterdir()} == {one.name, other.name, *stay}
    os.close(held)
    assert {each.name for each in tmp_path.iterdir()} == stay


def test_what_a_run_left_in_shared_memory_goes_with_its_folder(monkeypatch, tmp_path):
    """The runner, its worker and what would have cleaned up behind that were killed at once; another run's process has its number still."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "LONGEST", 1000)
    left = tmp_path / "ipcbench-1-a"
    left.mkdir()
    (left / LABEL).touch()
    with session([sys.executable, "-c", ""], left, stderr=2) as ended:
        assert (left / f"{NOTE}{ended.pid}").exists()
        ended.wait(20)
    assert not (left / f"{NOTE}{ended.pid}").exists()
    with subprocess.Popen(["true"]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # process 1 may take its time to reap it
        files = {pid: Path("/dev/shm", f"sem.{mark(pid)}-deadbeef") for pid in (ended.pid, zombie.pid, os.getpid())}
        for pid, file in files.items():
            noted(left, pid)
            file.touch()
        (left / f"{NOTE}{10**30}").touch()
        (left / f"{NOTE}odd").touch()
        try:
            with temporary():
                assert not left.exists()
            assert {pid for pid, file in files.items() if file.exists()} == {os.getpid()}
        finally:
            for file in files.values():
                file.unlink(missing_ok=True)


def test_another_users_folder_is_left_alone(monkeypatch, tmp_path):
    """It has the mode 0700: nothing in it can be seen."""
    theirs = tmp_path / "ipcbench-1-a"
    theirs.mkdir()
    original = Path.is_file

    def is_file(path):
        if path.parent == theirs:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return original(path)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "LONGEST", 1000)
    monkeypatch.setattr(Path, "is_file", is_file)
    with temporary():
        assert theirs.exists()


def test_two_may_remove_the_same_folder(monkeypatch, tmp_path):
    left = tmp_path / "ipcbench-1-a"
    left.mkdir()
    original = Path.glob

    def glob(path, pattern):
        left.rmdir()
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    monkeypatch.setattr(Path, "glob", glob)
    scratch.clear(left)
    monkeypatch.setattr(Path, "glob", original)
    assert not left.exists()
