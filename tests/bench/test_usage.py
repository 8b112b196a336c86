"""CPU seconds and context switches of all processes of a case: those that take part, all of them, and nothing else."""

import multiprocessing
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from ipcbench.bench import peers, placement, workload
from ipcbench.bench.case import Case
from ipcbench.bench.sampling import cost
from ipcbench.bench.usage import Usage, between, of_process, of_self
from ipcbench.bench.workload import Measured

sys.path.insert(0, str(Path(__file__).parent))  # spawned peers take the path over and import their role from here
from roles import Burner, burn

linux = pytest.mark.skipif(not psutil.LINUX, reason="reads /proc")


pytestmark = pytest.mark.usefixtures("unpinned")


def case(mechanism, workload="round-trip", size=64, **options):
    start, place = options.pop("start", "fork"), options.pop("place", "cross-core")
    count = options.pop("processes", 1)
    return Case(workload, mechanism, "bytes", size, count, start, place, tuple(sorted(options.items())))


def measured(chosen, loops):
    with workload.load(chosen.workload).session([chosen]) as timed:
        timed[chosen](workload.load(chosen.workload).loops_multiple(chosen))
        return timed[chosen](loops)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_peer_reports_the_cpu_it_burned_under_every_start_method(method):
    peer = peers.start(multiprocessing.get_context(method), Burner(), "burner", placement.allowed(), [])
    good = False
    try:
        peer.expect("up")
        peer.order("attach", 0)
        peer.expect("attached")
        peer.order("burn", 150)
        peer.expect("ready")
        used, burned = peer.expect("done")
        good = True
    finally:
        peers.stop([peer], good)
    assert used.cpu == pytest.approx(burned, abs=0.02)


@linux
def test_another_process_is_told_from_outside():
    peer = peers.start(multiprocessing.get_context("fork"), Burner(), "burner", placement.allowed(), [])
    try:
        peer.expect("up")
        peer.order("attach", 0)
        peer.expect("attached")
        before = of_process(peer.process.pid)
        peer.order("burn", 150)
        peer.expect("ready")
        _, burned = peer.expect("done")
        used = between(before, of_process(peer.process.pid))
    finally:
        peers.stop([peer], True)
    assert used.cpu == pytest.approx(burned, abs=0.02)
    assert min(used.user, used.system, used.voluntary, used.involuntary) >= 0


def test_a_process_that_is_gone_used_nothing():
    assert of_process(2**22 - 1) == Usage()


def test_what_threads_of_this_process_burn_counts():
    before = of_self()
    thread = threading.Thread(target=burn, args=(100,))
    thread.start()
    thread.join()
    assert (of_self() - before).cpu >= 0.09


def waited_for_a_core():
    """Seconds that this process and its children were ready to run and didn't (the second figure of schedstat)."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(int(Path(f"/proc/{each.pid}/schedstat").read_text().split()[1]) for each in family) / 1e9


@linux
@pytest.mark.skipif(len(psutil.Process().cpu_affinity()) < 2, reason="spinning needs a core for each")
def test_spinning_keeps_both_processes_busy_and_sleeping_does_not():
    spin, block = case("shared-memory", wait="spin"), case("shared-memory")
    with workload.load("round-trip").session([spin]) as timed:
        timed[spin](1)
        before = waited_for_a_core()
        spun = timed[spin](20_000)
        stolen = waited_for_a_core() - before
    # Busy all the time: what they didn't run, they waited for a core that somebody else had.
    assert 2 * spun.seconds - stolen * 1.2 - 0.02 <= spun.usage.cpu <= 2 * spun.seconds + 0.05
    slept = measured(block, 500)
    assert spun.usage.voluntary / 20_000 < 0.05
    assert slept.usage.voluntary / 500 >= 1
    assert slept.usage.cpu < 2 * slept.seconds


@linux
def test_the_server_of_a_manager_counts():
    chosen = case("manager-queue")
    with workload.load("round-trip").session([chosen]) as timed:
        timed[chosen](1)
        pids = {each.pid for each in psutil.Process().children(recursive=True)}
        before = {pid: of_process(pid) for pid in pids}
        here = of_self()
        found = timed[chosen](300)
        mine = of_self() - here
        outside = [between(before[pid], of_process(pid)) for pid in pids]
    # Seen from outside, all of them used a little more: the messages of the harness are theirs too.
    everything = mine.cpu + sum(each.cpu for each in outside)
    assert 0.8 * everything <= found.usage.cpu <= everything
    assert len([each for each in outside if each.voluntary >= 300]) == 2, outside  # the peer and the server waited


@linux
def test_all_peers_of_a_fan_out_count():
    chosen = case("pipe", "fan-out", processes=4, place="free")
    found = measured(chosen, 4000)
    assert found.usage.cpu > 0
    assert found.usage.voluntary + found.usage.involuntary >= 4


@pytest.mark.parametrize("phase", ["make", "attach", "first"])
def test_opening_tells_what_each_phase_used(phase):
    chosen = case("manager-queue", "open", phase=phase)
    found = measured(chosen, 2)
    assert found.usage.cpu > 0
    if phase == "make":  # the server's start is most of making a manager
        assert found.usage.cpu > 2 * 0.002


def test_figures_are_per_operation_and_only_those_that_are_known():
    runs = [Measured(1.0, Usage(0.5, 0.1, 20, 2), None), Measured(1.0, Usage(0.7, 0.3, 40, 4), None)]
    assert cost(runs, 10) == pytest.approx(
        {"cpu_user_s": 0.06, "cpu_system_s": 0.02, "switches_voluntary": 3.0, "switches_involuntary": 0.3}
    )
    assert cost([Measured(1.0, None)], 10) == {}
    assert cost([Measured(1.0, None, 0), Measured(1.0, None, 5)], 10) == {"lost": 0.25}
    assert cost([Measured(1.0, None, achieved=90.0), Measured(1.0, None, achieved=100.0)], 9) == {"achieved_rate": 95.0}


def test_time_spent_before_the_first_order_does_not_count():
    """Start-up, imports and the set-up of a peer are no part of a timed call."""
    started = time.process_time()
    peer = peers.start(multiprocessing.get_context("spawn"), Burner(), "burner", placement.allowed(), [])
    try:
        peer.expect("up")
        peer.order("attach", 0)
        peer.expect("attached")
        peer.order("burn", 1)
        peer.expect("ready")
        used, burned = peer.expect("done")
    finally:
        peers.stop([peer], True)
    assert used.cpu < burned + 0.01
    assert time.process_time() >= started
