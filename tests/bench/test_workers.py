"""Workers that live together: one measures while all others sleep, and none keeps another from ending."""

import os
import signal
import threading
import time
from contextlib import suppress

import psutil
import pytest

from ipcbench.bench import workers
from ipcbench.bench.processes import WorkerFailed
from ipcbench.bench.task import Answer, Task
from ipcbench.bench.workers import sampler
from tests.bench.leftovers import of_session
from tests.kit import wait_until

FOREVER = 1_000_000


def case(mechanism, size="64B"):
    return f"round-trip/{mechanism}/bytes/{size}/1/fork/free"


def task(*names, loops=50):
    return Task(list(names), "", 2, 0.005, dict.fromkeys(names, loops))


def test_all_that_live_together_measure(tmp_path):
    names = [case(name) for name in ("pipe", "queue", "shared-memory")]
    answers = sampler(tmp_path)([task(name) for name in names])
    assert [answer.measured for answer in answers] == [[name] for name in names]


def test_turns_follow_one_another(tmp_path):
    """Together they take no less than their sum: three at once would take a third of it."""
    names = [case("pipe"), case("queue"), case("tcp")]
    begun = time.perf_counter()
    answers = sampler(tmp_path)([task(name, loops=4_000) for name in names])
    took = time.perf_counter() - begun
    turns = [answer.seconds["turn"] for answer in answers]
    assert sum(turns) <= took
    assert all(answer.seconds["turn"] >= answer.seconds["timed"] for answer in answers)


def test_one_that_fails_to_set_up_or_to_measure_leaves_the_others_their_turns(tmp_path):
    wrong = "round-trip/pipe/bytes/64B/1/fork/nowhere"
    bad = Task([case("value")], "", 2, 0.005)  # bytes don't fit into a value
    answers = sampler(tmp_path)([bad, task(case("pipe")), task(wrong), task(case("queue"))])
    assert answers[1].measured == [case("pipe")]
    assert answers[3].measured == [case("queue")]
    assert isinstance(answers[0], WorkerFailed) or answers[0].failed


def test_the_machine_rests_before_turns_that_are_not_on_one_core(tmp_path, monkeypatch):
    rests = []
    monkeypatch.setattr(workers, "sleep", rests.append)
    placed = [case("pipe").replace("free", place) for place in ("same-core", "free")]
    answers = sampler(tmp_path)([task(each) for each in placed])
    assert [answer.measured for answer in answers] == [[each] for each in placed]
    assert rests == [workers.REST]


class TwoTogether:
    """A worker that measures for ever, and one beside it, in the background; `victim` is the first, once it has used so much CPU time."""

    def __init__(self, folder, used):
        self.folder, self.used = folder, used
        self.names, self.found, self.victim = [case("pipe"), case("queue")], [], None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        self.found += sampler(self.folder)([task(self.names[0], loops=FOREVER), task(self.names[1])])

    def __enter__(self):
        self.thread.start()
        wait_until(self.find)
        return self

    def find(self):
        with suppress(psutil.Error):
            for each in psutil.Process().children():
                if str(self.folder / "task-0") in each.cmdline() and each.cpu_times().user >= self.used:
                    self.victim = each
        return self.victim

    def __exit__(self, *_):
        self.thread.join(60)
        assert not self.thread.is_alive()
        assert isinstance(self.found[1], Answer)
        assert self.found[1].measured == [self.names[1]]
        assert not of_session(self.victim.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_is_killed_in_its_turn_is_told_and_the_others_measure(tmp_path, number):
    with TwoTogether(tmp_path, 0.25) as both:
        os.kill(both.victim.pid, number)
    assert isinstance(both.found[0], WorkerFailed)
    said = "killed by SIGKILL" if number == signal.SIGKILL else "ended with 143"
    assert said in str(both.found[0])


def test_one_that_somebody_stops_is_not_waited_for(tmp_path, monkeypatch):
    """Nor is it left: it is told to go on before it is killed."""
    monkeypatch.setattr(workers, "STOPPED", 1)
    with TwoTogether(tmp_path, 0.0) as both:
        both.victim.suspend()
    assert str(both.found[0]) == "the worker was stopped"
