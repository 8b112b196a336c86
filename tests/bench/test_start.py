"""Starting processes: each way really starts one, it gets what it should, and nothing is left, also after a kill."""

import os
import signal
import sys
from multiprocessing import forkserver

import psutil
import pytest

from ipcbench.bench import births, memory, room, workload
from ipcbench.bench.case import Case
from ipcbench.bench.newborn import NOTE, PLACE
from ipcbench.bench.workloads import start
from ipcbench.ipc import system
from ipcbench.ipc.errors import DamagedMessage, PeerGone, Unsupported

from .leftovers import kill_halfway, nothing_left

START = workload.load("start")
METHODS = ["fork", "forkserver", "spawn"]
WAYS = [
    ("os-fork", "fork"),
    *((subject, method) for subject in births.PROCESSES for method in METHODS),
    *((subject, "none") for subject in births.FOREIGN),
]
SEVERAL = 5
"""Processes that must have been seen: by then it measures."""


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch):
    """No variable and no note, either."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    main = sys.modules["__main__"]
    with nothing_left():
        yield
    assert PLACE not in os.environ
    assert sys.modules["__main__"] is main
    assert not list(tmp_path.glob("newborn-*"))


def case(subject, method, phase="reaped", size=0, place="free", **options):
    variant = tuple(sorted({"phase": phase, **options}.items()))
    return Case("start", subject, "bytes" if size else "none", size, 1, method, place, variant)


@pytest.mark.parametrize(("subject", "method"), WAYS)
def test_each_way_starts_a_process_whose_first_line_runs_before_it_is_reaped(subject, method):
    cases = [
        case(subject, method, phase) for phase in start.PHASES if START.refuse(case(subject, method, phase)) is None
    ]
    assert len(cases) == (1 if subject in births.FOREIGN else 2)
    with START.session(cases) as timed:
        found = {each.option("phase"): timed[each](1) for each in cases}
    assert all(each.seconds > 0 for each in found.values())
    told = found["reaped"].usage
    assert (told is None) == (method == "forkserver")
    assert told is None or told.cpu > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("subject", ["process", "process-subclass"])
def test_an_argument_arrives_whole(subject, method, monkeypatch):
    chosen = case(subject, method, "started", 64 << 10)
    with START.session([chosen]) as timed:
        assert timed[chosen](1).seconds > 0
    cut = births.birth
    monkeypatch.setattr(
        births, "birth", lambda subject, method, data, check=False: cut(subject, method, data[1:], check)
    )
    with pytest.raises(DamagedMessage, match="its argument"), START.session([chosen]):
        pass


def test_a_child_that_fails_is_no_start(monkeypatch):
    monkeypatch.setattr(births, "born", lambda **_: os._exit(3))
    with pytest.raises(PeerGone, match="ended with 3"), START.session([case("os-fork", "fork")]):
        pass


def test_a_note_that_is_an_older_one_is_found(tmp_path):
    note = tmp_path / "note"
    note.write_bytes(NOTE.pack(0.5, 1, 0, 0, False))
    with note.open("rb") as file, pytest.raises(DamagedMessage, match="an older one"):
        start._until_started(lambda: (1.0, 2.0), file.fileno())


def test_a_warm_server_stays_and_a_cold_one_is_started_anew(monkeypatch):
    seen = []
    monkeypatch.setattr(start, "_until_started", lambda birth, _: (birth(), seen.append(server()))[0][0])
    for options in ({}, {"server": "cold"}):
        chosen = case("process", "forkserver", "started", **options)
        with START.session([chosen]) as timed:
            timed[chosen](2)
    assert len(set(seen)) == 3  # one warm one, two cold ones
    assert server() is None


def server():
    return forkserver._forkserver._forkserver_pid


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_numpy_is_imported_again_in_the_child(method, monkeypatch):
    chosen = case("process", method, "started", imports="numpy")
    with START.session([chosen]) as timed:
        assert timed[chosen](1).seconds > 0
    monkeypatch.setitem(start.MAINS, "numpy", "ipcbench.bench.worker")  # which doesn't
    with pytest.raises(Unsupported, match="import the main module again"), START.session([chosen]):
        pass


def test_the_parent_holds_what_the_case_says():
    before = memory.resident([os.getpid()])
    chosen = case("os-fork", "fork", parent="256MiB")
    with START.session([chosen]):
        grown = memory.resident([os.getpid()]) - before
    assert grown > 0.9 * (256 << 20)


def test_a_parent_larger_than_the_free_memory_is_refused_and_never_made(monkeypatch):
    chosen = case("os-fork", "fork", parent="2GiB")
    monkeypatch.setattr(room, "free", lambda _root: 2 << 30)
    assert "2.5 GiB of free memory, 2 GiB is free" in START.refuse(chosen).reason
    with pytest.raises(Unsupported, match="2 GiB is free"), START.session([chosen]):
        pass


def test_the_same_core_is_the_childs_too():
    if not psutil.LINUX:
        pytest.skip("cores are Linux's")
    chosen = case("process", "forkserver", "started", place="same-core")
    with START.session([chosen]):
        assert len(psutil.Process(server()).cpu_affinity()) == 1


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case("process", "fork", phase="asleep"), "by phase"),
        (case("run-native", "none", phase="started"), "foreign program"),
        (case("run-native", "fork"), "by subprocess"),
        (case("os-fork", "spawn"), "os-fork starts by fork"),
        (case("process", "none"), "not by none"),
        (case("os-fork", "fork", size=64), "no payload"),
        (case("process", "fork", place="cross-core"), "free or same-core"),
        (case("process", "spawn", server="cold"), "under forkserver"),
        (case("process", "fork", imports="numpy"), "under forkserver and spawn"),
        (case("process", "spawn", imports="pandas"), "imports=numpy"),
        (case("os-fork", "fork", parent="3GiB"), "256MiB or 2GiB"),
        (case("os-fork", "fork", wait="spin"), "no variant wait"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in START.refuse(chosen).reason


def test_without_fork_only_spawn_and_programs_are_left(monkeypatch):
    monkeypatch.setattr(system, "start_methods", lambda: ("spawn",))
    refused = {way for way in WAYS if START.refuse(case(*way)) is not None}
    assert refused == {way for way in WAYS if way[1] in ("fork", "forkserver")}
    assert "can't start processes by fork" in START.refuse(case("os-fork", "fork")).reason


def test_without_semaphores_it_works(monkeypatch):
    monkeypatch.setitem(system.NEEDS, "semaphore", lambda: "no /dev/shm")
    assert all(START.refuse(case(*way)) is None for way in WAYS)


def test_each_profile_has_its_cases():
    assert sum(1 for _ in _cases(START.blocks["standard"])) <= 15
    assert all(
        START.refuse(each) is None or "memory" in START.refuse(each).code for each in _cases(START.blocks["rigorous"])
    )


def _cases(blocks):
    from ipcbench.bench.matrix import _product

    return (each for block in blocks for each in _product(block))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize(
    "name",
    [
        "start/os-fork/none/0B/1/fork/free/phase=started",
        "start/process/none/0B/1/forkserver/free/phase=started,server=cold",
        "start/process/bytes/64KiB/1/spawn/free/phase=reaped",
        "start/run-python/none/0B/1/none/free/phase=reaped",
    ],
)
def test_a_worker_killed_halfway_leaves_nothing(name, number, tmp_path_factory):
    kill_halfway(name, tmp_path_factory.mktemp("run"), SEVERAL, work=0, number=number)
