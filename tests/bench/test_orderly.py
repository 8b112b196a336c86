"""An orderly end: a signal never leaves a process or a folder half made."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from ipcbench.bench import processes
from ipcbench.bench.orderly import Interrupted, heed, interruptible, uninterrupted

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


def test_one_that_was_swallowed_is_raised_again_where_it_is_asked_for():
    with interruptible() as broke_in:
        heed()
        with suppress(Interrupted):  # as a destructor does it
            come()
        assert broke_in == [signal.SIGTERM]
        with pytest.raises(Interrupted):
            heed()
    with interruptible():
        heed()  # that was another time


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


def test_one_that_comes_in_the_outer_of_two_such_blocks_counts_too():
    steps = []
    with pytest.raises(Interrupted), interruptible(), uninterrupted():
        with uninterrupted():
            steps.append("inner")
        come()
        steps.append("outer")
    assert steps == ["inner", "outer"]


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
