"""A peer never outlives the process that started it, whatever it is doing."""

import os
import subprocess
import sys
import time

import psutil
import pytest

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
