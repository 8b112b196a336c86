"""A token round a ring: it meets every process, each hop is a switch, and what the pipe costs is off."""

import os
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ipcbench.bench import workload
from ipcbench.bench.workloads import context_switch as ring
from ipcbench.ipc.errors import DamagedMessage, PeerGone
from tests.kit import wait_until

from .crew_kit import case, measured, refusal
from .leftovers import children, kill_halfway, nothing_left

RING = workload.load("context-switch")


def of(length, size=0, start="fork", place="same-core"):
    return replace(case("context-switch", "ring", length, start, place), size=size)


@pytest.fixture(autouse=True)
def left_as_it_was():
    before = psutil.Process().num_fds()
    with nothing_left():
        yield
    assert psutil.Process().num_fds() <= before + 2  # the resource tracker's and the fork server's, kept for the next


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_rings_of_several_lengths_and_working_sets_in_one_session(start):
    cases = [of(2, 0, start), of(4, 0, start), of(4, 1 << 16, start), of(3, 100, start)]
    for found in measured(*cases, loops=240):
        assert found.seconds > 0
        assert found.usage.cpu > 0


def test_on_one_core_each_hop_is_a_switch():
    (found,) = measured(of(4), loops=400)
    assert (found.usage.voluntary + found.usage.involuntary) / 400 > 0.9


@pytest.mark.parametrize("place", ["cross-core", "free"])
def test_it_also_crosses_cores(place):
    chosen = of(4, place=place)
    if RING.refuse(chosen) is not None:
        pytest.skip("one core")
    (found,) = measured(chosen, loops=40)
    assert found.seconds > 0


def test_a_process_that_lets_the_token_pass_is_found(monkeypatch):
    monkeypatch.setattr(ring.Member, "_count", lambda self, length, _laps: ring.Member._hops(self, length, 0, 1))
    with pytest.raises(DamagedMessage, match="met 0 of the 2"):
        measured(of(3))


def test_a_figure_below_the_pipes_own_cost_is_an_error_not_a_figure(monkeypatch):
    monkeypatch.setattr(ring._Own, "hop", lambda _self, _set: 10.0)
    with pytest.raises(ring.NothingLeft, match="no switch is to be seen"):
        measured(of(2))


def test_the_pipes_own_cost_is_the_median_of_its_looks(monkeypatch):
    looks = iter([5.0, 1.0, 2.0, 3.0, 100.0, 2.5])
    monkeypatch.setattr(ring, "_calls", lambda *_: ())
    monkeypatch.setattr(ring, "_go_round", lambda _calls, laps: next(looks) * laps)
    own = ring._Own((None, None))
    assert own.hop(bytearray(1)) == 3.0
    assert own.hop(bytearray(1)) == 2.75


def test_a_process_keeps_its_own_ends_only(monkeypatch):
    """Else nobody would see the end of another."""
    made, make = [], ring._pipe
    monkeypatch.setattr(ring, "_pipe", lambda *about: made.append(make(*about)) or made[-1])
    with RING.session([of(4)]) as timed:
        timed[of(4)](8)
        known = [os.fstat(made[0][0].fileno()).st_ino, os.fstat(made[1][1].fileno()).st_ino]
        ends = Counter(end for each in (psutil.Process(), *children(psutil.Process())) for end in ends_of(each))
    assert [ends[known[0], way] for way in (os.O_RDONLY, os.O_WRONLY)] == [1, 4]
    assert [ends[known[1], way] for way in (os.O_RDONLY, os.O_WRONLY)] == [1, 1]


def ends_of(process):
    """Inodes of what it has open, and for what."""
    for entry in list(Path(f"/proc/{process.pid}/fd").iterdir()):
        with suppress(FileNotFoundError):  # it was the folder itself
            flags = Path(f"/proc/{process.pid}/fdinfo/{entry.name}").read_text().split()[3]
            yield entry.stat().st_ino, int(flags, 8) & os.O_ACCMODE


def test_the_death_of_one_ends_the_lap():
    with pytest.raises(PeerGone, match="peer 1 died"), RING.session([of(4)]) as timed:
        timed[of(4)](8)
        victim = children(psutil.Process())[1]
        victim.kill()
        wait_until(lambda: victim.status() == psutil.STATUS_ZOMBIE)
        timed[of(4)](8)


def test_a_worker_killed_halfway_leaves_nothing(tmp_path):
    kill_halfway(of(8, 1 << 14), tmp_path, 7)


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (of(1), "two processes"),
        (of(2, 1 << 25), "at most 16MiB"),
        (of(3, place="cross-core"), "even number"),
        (replace(of(2), payload="bytes"), "no payload"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    if chosen.placement == "cross-core" and len(ring.placement.allowed()) < 2:
        pytest.skip("one core")
    assert why in refusal(chosen)
