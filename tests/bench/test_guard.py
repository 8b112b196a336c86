"""The guard ends waits that can't end by themselves, whatever they block in, and gives the timer back."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import traceback

import pytest

from ipcbench.bench.guard import Guard
from ipcbench.ipc.errors import DeadlinePassed, PeerGone

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def peer():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait(10)
    process.stdin.close()


@pytest.fixture
def guard(peer):
    guard = Guard()
    guard.start({peer.pid: "the peer"})
    yield guard
    guard.stop()


def in_a_semaphore():
    FORK.Semaphore(0).acquire()


def in_a_pipe():
    reading, writing = os.pipe()
    try:
        os.read(reading, 1)
    finally:
        os.close(reading)
        os.close(writing)


def in_python():
    while True:
        pass


def unwinding_in_a_lock():
    """A `with` block whose exit waits again: the first interruption alone would not get out."""
    semaphore = FORK.Semaphore(0)
    try:
        semaphore.acquire()
    finally:
        semaphore.acquire()


BLOCKING = [in_a_semaphore, in_a_pipe, in_python, unwinding_in_a_lock]


@pytest.mark.parametrize("block", BLOCKING)
def test_a_killed_peer_ends_the_wait(guard, peer, block, within):
    begun = time.monotonic()
    with pytest.raises(PeerGone, match="the peer died while waiting"), guard.limit(60, "waiting"):
        peer.kill()
        block()
    assert time.monotonic() - begun < within(1)


@pytest.mark.parametrize("block", BLOCKING)
def test_the_deadline_ends_the_wait(guard, block):
    with pytest.raises(DeadlinePassed, match="while waiting"), guard.limit(0.05, "waiting"):
        block()


def test_the_cause_wins_over_what_it_brought_about(guard, peer):
    """A dead peer shows as a broken pipe first: the reason is its death."""
    with pytest.raises(PeerGone, match="the peer died"), guard.limit(60, "waiting"):
        peer.kill()
        raise BrokenPipeError


def test_the_cause_wins_over_what_unwinding_made_of_it(guard, peer):
    with pytest.raises(PeerGone, match="the peer died"), guard.limit(60, "waiting"):
        peer.kill()
        try:
            in_a_pipe()
        finally:
            raise AssertionError("half of a lock was taken")


@pytest.mark.parametrize("error", [BrokenPipeError, AssertionError])
def test_an_error_of_its_own_stays(guard, error):
    with pytest.raises(error), guard.limit(60, "waiting"):
        raise error


def test_an_error_that_broke_into_a_send_keeps_no_view_of_what_was_sent(guard):
    """It would be collected with the buffer that it looks at, which CPython doesn't survive everywhere."""
    near, far = FORK.Pipe()
    with near, far, pytest.raises(DeadlinePassed) as broken, guard.limit(0.05, "waiting"):
        near.send("more than a pipe takes" * 100_000)
    sending = [frame for frame, _ in traceback.walk_tb(broken.tb) if "connection" in frame.f_code.co_filename]
    assert sending
    assert not any(isinstance(held, memoryview) for frame in sending for held in frame.f_locals.values())


def test_a_peer_that_is_gone_already(peer):
    peer.kill()
    peer.wait(10)
    guard = Guard()
    guard.start({peer.pid: "the peer"})
    try:
        with pytest.raises(PeerGone, match="the peer died"), guard.limit(60, "waiting"):
            in_a_pipe()
    finally:
        guard.stop()


def test_a_look_while_peers_are_forgotten_finds_nobody_dead(peer, monkeypatch):
    close = os.close

    def close_and_look(fd):
        close(fd)
        signal.raise_signal(signal.SIGALRM)

    guard = Guard()
    guard.start({peer.pid: "the peer", os.getpid(): "this one"})
    with guard.limit(60, "waiting"), monkeypatch.context() as patch:
        patch.setattr(os, "close", close_and_look)
        guard.forget()
    assert guard.cause is None
    guard.stop()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_where_the_system_gives_no_pidfd_the_clock_is_watched(peer, monkeypatch, number):
    def refused(_pid):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pidfd_open", refused)
    guard = Guard()
    guard.start({peer.pid: "the peer"})
    try:
        with pytest.raises(DeadlinePassed, match="while waiting"), guard.limit(0.05, "waiting"):
            in_a_pipe()
    finally:
        guard.stop()


def test_nothing_is_raised_outside_and_the_timer_is_given_back(peer, within):
    before = signal.getsignal(signal.SIGALRM)
    guard = Guard()
    guard.start({peer.pid: "the peer"})
    with guard.limit(0.01, "waiting"):
        pass
    peer.kill()
    peer.wait(10)
    deadline = time.monotonic() + within(1)
    while guard.cause is None and time.monotonic() < deadline:
        signal.sigtimedwait([], 0.01)
    assert isinstance(guard.cause, PeerGone)
    guard.stop()
    guard.stop()
    assert signal.getsignal(signal.SIGALRM) == before
