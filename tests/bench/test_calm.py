"""Nobody measures in the kernel's after-work of starting processes."""

import os

import pytest

from ipcbench.bench import calm


@pytest.fixture
def rests(monkeypatch):
    taken = []
    monkeypatch.setattr(calm, "sleep", taken.append)
    return taken


def told(monkeypatch, tmp_path, *counts):
    """A machine that tells these counts of forks, one after the other."""
    texts = iter(f"cpu 1 2 3\nprocesses {count}\nprocs_running 1\n" for count in counts)
    file = tmp_path / "stat"
    file.touch()
    monkeypatch.setattr(type(file), "read_text", lambda _: next(texts))
    monkeypatch.setattr(calm, "STAT", file)


def test_it_rests_once_for_what_was_started(monkeypatch, tmp_path, rests):
    told(monkeypatch, tmp_path, 5, 5, 5, 5)
    found = calm.Calm()
    found.await_it()
    found.await_it()
    assert rests == [calm.RESTING]


def test_it_rests_again_where_more_was_started(monkeypatch, tmp_path, rests):
    told(monkeypatch, tmp_path, 5, 5, 6, 6, 6)
    found = calm.Calm()
    for _ in range(3):
        found.await_it()
    assert rests == [calm.RESTING] * 2


def test_where_nothing_is_told_it_rests_once(monkeypatch, tmp_path, rests):
    monkeypatch.setattr(calm, "STAT", tmp_path / "missing")
    found = calm.Calm()
    found.await_it()
    found.await_it()
    assert rests == [calm.RESTING]


@pytest.mark.skipif(not calm.STAT.exists(), reason="no /proc/stat here")
def test_a_fork_is_noticed():
    before = calm._forks()
    if not (pid := os.fork()):
        os._exit(0)
    os.waitpid(pid, 0)
    assert calm._forks() != before
