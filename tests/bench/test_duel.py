"""Duels: exact with made-up arms; and arms that die, hang or babble."""

import math
import os
import random
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from ipcbench.bench import arm as arm_module
from ipcbench.bench.duel import PAIRS, ArmFailed, CaseUnknown, bursts, fight, loops_for

CASE = "round-trip/pipe/bytes/64B/1/{}/same-core"


class Exact:
    """An arm whose operations take that many seconds, from a clock that both share and that runs faster and faster."""

    def __init__(self, seconds, log, name):
        self.seconds, self.log, self.name = seconds, log, name

    def run(self, loops):
        self.log.append((self.name, loops))
        return loops * self.seconds * 1.01 ** len(self.log)


def exact(ratio, seed=1):
    log = []
    found = bursts([Exact(1e-5, log, "a"), Exact(ratio * 1e-5, log, "b")], 100, 10, random.Random(seed))
    return found, log


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.1])
def test_the_order_cancels_drift(ratio):
    """A clock that drifts by 1 % a burst shifts single pairs by 2 %, either way: the median stays within that."""
    values = [exact(ratio, seed)[0].value for seed in range(40)]
    assert sum(values) / len(values) == pytest.approx(math.log(ratio), abs=0.01)


def test_each_arm_runs_as_often_with_the_same_loops_each_after_an_untimed_tenth():
    found, log = exact(1.1)
    assert [len(side) for side in found.seconds] == [PAIRS, PAIRS]
    assert [loops for _, loops in log] == [10, 100] * (2 * PAIRS)
    order = [name for name, loops in log if loops == 100]
    fours = {"".join(order[index : index + 4]) for index in range(0, len(order), 4)}
    assert fours == {"abba", "baab"}


def test_the_order_is_random_and_repeatable():
    assert exact(1.0, 3)[1] == exact(1.0, 3)[1] != exact(1.0, 4)[1]


@pytest.fixture
def script(tmp_path):
    (tmp_path / "arm").mkdir()
    file = tmp_path / "arm" / "arm.py"
    file.write_text(Path(arm_module.__file__).read_text())
    return file


def real(script, start="fork"):
    command = [sys.executable, str(script), CASE.format(start)]
    return [("A", command), ("B", command)]


def saying(text):
    return [sys.executable, "-c", text]


def pair(command):
    return [("A", command), ("B", command)]


def offspring():
    """Of this process; other tests may have left a fork server and a resource tracker, as multiprocessing does."""
    return set(psutil.Process().children(recursive=True))


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_real_arms_live_side_by_side_and_leave_nothing(tmp_path, script, start):
    others = offspring()
    with fight(real(script, start), tmp_path, random.Random(1)) as arms:
        family = offspring() - others
        loops = loops_for(arms[0])
        found = bursts(arms, loops, max(1, loops // 10), random.Random(1))
        assert all(seconds > 0 for side in found.seconds for seconds in side)
        assert arms[0].facts["quantity"] == "round trip"
    assert not psutil.wait_procs(family, 5)[1]


def test_an_arm_killed_in_the_middle_is_named_and_its_peers_end_with_it(tmp_path, script):
    others = offspring()
    with (
        pytest.raises(ArmFailed, match="B ended with -9 while timing"),
        fight(real(script), tmp_path, random.Random(1)) as arms,
    ):
        family = offspring() - others
        os.kill(arms[1].process.pid, signal.SIGKILL)
        bursts(arms, 100, 10, random.Random(1))
    assert not psutil.wait_procs(family, 5)[1]


def test_an_arm_that_never_says_ready_is_ended_with_all_it_started(tmp_path):
    child = tmp_path / "child"
    code = f"""
import subprocess, time, os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
process = subprocess.Popen(["sleep", "1000"])
open({str(child)!r} + str(os.getpid()), "w").write(str(process.pid))
time.sleep(1000)
"""
    with (
        pytest.raises(ArmFailed, match="said nothing for 1 s while setting up"),
        fight(pair(saying(code)), tmp_path, random.Random(1), setting_up=1.0),
    ):
        pass
    pids = [int(file.read_text()) for file in tmp_path.glob("child*")]
    assert len(pids) == 2
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit('no such thing')", "ended with 1 while setting up: no such thing"),
        ("print('hello')", "something else than JSON"),
        ("""print('{"failed": "PeerGone: far peer 0 died"}')""", "[AB]: PeerGone: far peer 0 died"),
        ("print('[]')", "something else than what it is ready for"),
        ("""print('{"ready": {"multiple": 1}}')""", "something else than what it is ready for"),
        ("while True: print('x' * 65536, end='')", "more than 1,048,576 bytes at once"),
    ],
)
def test_an_arm_that_says_something_else_is_named(tmp_path, code, says):
    with pytest.raises(ArmFailed, match=says), fight(pair(saying(code)), tmp_path, random.Random(1)):
        pass


@pytest.mark.parametrize("time", ["null", "NaN", "-1", "1e999", '"fast"', "{}"])
def test_an_arm_whose_answer_is_no_time_is_named(tmp_path, time):
    code = f"""
print('{{"ready": {{"multiple": 1, "fixed": null}}}}', flush=True)
input()
print('{time}', flush=True)
input()
"""
    with (
        pytest.raises(ArmFailed, match="A said .*, which is no time, while timing 5 operations"),
        fight(pair(saying(code)), tmp_path, random.Random(1)) as arms,
    ):
        arms[0].run(5)


def test_a_case_that_an_arm_doesnt_know_is_told_from_a_failure(tmp_path, script):
    commands = real(script)
    commands[0] = ("A", [sys.executable, str(script), CASE.format("fork").replace("pipe", "carrier-pigeon")])
    with pytest.raises(CaseUnknown) as caught, fight(commands, tmp_path, random.Random(1)):
        pass
    assert caught.value.why == {"A": "there is no mechanism carrier-pigeon"}
