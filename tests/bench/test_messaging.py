"""Every workload that moves messages, really run: shapes, channels, start methods, and where its processes are."""

import multiprocessing
import os
import signal

import psutil
import pytest

from ipcbench.bench import placement, workload
from ipcbench.bench.case import Case
from ipcbench.bench.workloads import open as opening
from ipcbench.ipc import registry
from ipcbench.ipc.errors import DeadlinePassed, PeerGone

FORK = multiprocessing.get_context("fork")
linux = pytest.mark.skipif(not psutil.LINUX, reason="pins processes to cores")


pytestmark = pytest.mark.usefixtures("unpinned")


SHAPES = [
    *((name, "pipe", count, "separate") for name in ("fan-out", "fan-in", "pairs") for count in (1, 2, 4)),
    *((name, "queue", count, "native") for name in ("fan-out", "fan-in", "mesh") for count in (2, 4)),
    ("pairs", "queue", 2, "separate"),
    ("mesh", "manager-queue", 2, "native"),
]
SIDES = {"fan-out": lambda n: (1, n), "fan-in": lambda n: (n, 1), "pairs": lambda n: (n, n), "mesh": lambda n: (n, n)}


def measured(case, loops):
    found = workload.load(case.workload)
    assert found.refuse(case) is None
    with found.session([case]) as timed:
        return timed[case](loops * found.loops_multiple(case))


@pytest.mark.parametrize(("name", "mechanism", "count", "channels"), SHAPES)
def test_each_shape_moves_its_messages_over_the_channels_it_says(name, mechanism, count, channels):
    case = Case(name, mechanism, "bytes", 64, count, "fork", "free")
    found = workload.load(name)
    assert found.sides(count) == SIDES[name](count)
    assert found.channels(case) == (channels if count > 1 else None)
    taken = measured(case, 50)
    assert taken.seconds > 0
    assert (taken.shares is not None) is (channels == "native" and SIDES[name](count)[1] > 1)
    if taken.shares:
        most, least = taken.shares
        assert most >= 1 / count >= least >= 0


@linux
@pytest.mark.skipif(len(placement.allowed()) < 2, reason="needs two cores")
def test_opening_runs_a_server_beside_the_far_side_as_a_round_trip_does(monkeypatch):
    seen, original = set(), opening.of_process

    def of_process(pid):
        seen.add(tuple(psutil.Process(pid).cpu_affinity()))
        return original(pid)

    monkeypatch.setattr(opening, "of_process", of_process)
    case = Case("open", "manager-queue", "bytes", 64, 1, "fork", "cross-core", (("phase", "make"),))
    measured(case, 1)
    assert seen == {tuple(placement.cpus("cross-core", "far", placement.allowed()))}


def opened(mechanism="pipe", start="fork"):
    return Case("open", mechanism, "bytes", 64, 1, start, "free", (("phase", "make"),))


def test_opening_is_guarded_and_nothing_ends_it_half_way(monkeypatch):
    masks, pair = [], type(registry.load("pipe")).pair

    def hanging(self, spec, owner):
        made = pair(self, spec, owner)
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        FORK.Semaphore(0).acquire()
        return made

    monkeypatch.setattr(type(registry.load("pipe")), "pair", hanging)
    monkeypatch.setattr(opening, "SETTING_UP", 0.1)
    with pytest.raises(DeadlinePassed, match="while opening pipe"):
        measured(opened(), 1)
    assert signal.SIGTERM in masks[0]
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_server_that_dies_while_its_channel_is_opened_is_named(monkeypatch):
    def killing(case, servers, *_):
        os.kill(servers[0], signal.SIGKILL)
        FORK.Semaphore(0).acquire()

    monkeypatch.setattr(opening, "_first", killing)
    with pytest.raises(PeerGone, match="the server process died"):
        measured(opened("manager-queue"), 1)
