"""Locks that nobody else wants: each of them works, is counted with its server, and leaves nothing."""

import pytest

from ipcbench.bench import primitives, workload
from ipcbench.bench.primitives import NotSynchronised
from ipcbench.ipc import system

from .crew_kit import case, measured, refusal
from .leftovers import nothing_left

NAMES = workload.load("uncontended").subjects()


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


@pytest.mark.parametrize("subject", NAMES)
def test_each_is_timed_with_its_server(subject):
    (found,) = measured(case("uncontended", subject), loops=50)
    assert found.seconds > 0
    requests = 2 if subject.startswith("manager-") else 0
    requests -= subject == "manager-barrier"
    assert (
        found.usage.voluntary / 50 >= 1.8 * requests
    )  # there and back, on one core: this process waits, then the server


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
@pytest.mark.parametrize("subject", ["condition", "manager-barrier"])
def test_other_ways_to_start(subject, start):
    (found,) = measured(case("uncontended", subject, start=start))
    assert found.seconds > 0


class Useless:
    set = clear = is_set = wait = staticmethod(lambda: None)


@pytest.mark.parametrize("subject", ["lock", "rlock", "event", "barrier"])
def test_what_does_something_else_fails(subject, monkeypatch):
    make, swapped = primitives.Maker.make, {"lock": "rlock", "rlock": "lock"}

    def other(maker, subject, *arguments):
        return make(maker, swapped[subject], *arguments) if subject in swapped else Useless()

    monkeypatch.setattr(primitives.Maker, "make", other)
    with pytest.raises(NotSynchronised, match=primitives.CLASSES[subject]):
        measured(case("uncontended", subject))


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case("uncontended", "lock", place="cross-core"), "stays on its core"),
        (case("uncontended", "lock", start="none"), "not by none"),
        (case("uncontended", "lock", wait="spin"), "no variant wait"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in refusal(chosen)


def test_without_semaphores_only_a_manager_has_locks(monkeypatch):
    monkeypatch.setitem(system.NEEDS, "semaphore", lambda: "no /dev/shm here")
    for name in ("uncontended", "contended", "handoff", "broadcast"):
        found = workload.load(name)
        for subject in found.subjects():
            refused = found.refuse(case(name, subject, 2))
            if subject.startswith("manager-"):
                assert refused is None, subject
            else:
                assert "no /dev/shm here" in refused.reason


def test_a_managers_lock_needs_no_semaphore(monkeypatch):
    def none(*_args, **_options):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", none)
    (found,) = measured(case("contended", "manager-lock", 2))
    assert found.seconds > 0
