"""A peer never outlives the process that started it, whatever it is doing."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ipcbench.bench import peers, placement

PROGRAM = """
import multiprocessing, os, sys, time
from ipcbench.bench import peers

class Blocked(peers.Role):
    def setup(self):
        self.pipe = os.pipe()
        return {"prepare": lambda _: None, "block": lambda _: os.read(self.pipe[0], 1)}

    def close(self):
        pass

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    peer = peers.start(context, Blocked(), "peer", os.sched_getaffinity(0), [])
    peer.expect("up")
    peer.order("attach", 0)
    peer.expect("attached")
    peer.order("block", 1)
    peer.expect("ready")
    print(peer.process.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_blocked_peer_ends_with_its_killed_parent(method, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, program, method],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        text=True,
    )
    with process:
        peer = psutil.Process(int(process.stdout.readline()))
        process.kill()
        process.stdin.close()
    deadline = time.monotonic() + 10
    while peer.is_running() and peer.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it lives on"
        os.sched_yield()


def test_a_peer_that_dies_just_before_its_signal_leaves_none_of_the_others_alone(monkeypatch):
    kill, context = os.kill, multiprocessing.get_context("fork")
    started = [peers.start(context, peers.Role(), f"peer {n}", placement.allowed(), []) for n in range(2)]
    processes = [psutil.Process(peer.process.pid) for peer in started]
    for peer in started:
        peer.expect("up")

    def too_late(pid, number):
        if pid == processes[0].pid and number == signal.SIGTERM:
            kill(pid, signal.SIGKILL)
            raise ProcessLookupError
        kill(pid, number)

    monkeypatch.setattr(os, "kill", too_late)
    peers.stop(started, politely=False)
    assert not any(each.is_running() for each in processes)
