"""Round trips under a policy: both ends have it, nobody else does, and what isn't permitted says what would permit it."""

import multiprocessing
import os
import resource
import signal

import psutil
import pytest

from ipcbench.bench import policies, workload
from ipcbench.ipc.errors import PeerGone
from tests.kit import wait_until

from .crew_kit import case, refusal
from .leftovers import children, kill_halfway, nothing_left

POLICY = workload.load("policy")
SUBJECTS = POLICY.subjects()


@pytest.fixture(autouse=True)
def left_as_it_was():
    before = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), resource.getrlimit(resource.RLIMIT_RTTIME)
    with nothing_left():
        yield
    after = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), resource.getrlimit(resource.RLIMIT_RTTIME)
    assert after == before


@pytest.fixture
def asked():
    """Policies are asked for anew, and again afterwards."""
    policies.refusal.cache_clear()
    yield
    policies.refusal.cache_clear()


def permitted(chosen):
    refused = POLICY.refuse(chosen)
    if refused is not None:
        pytest.skip(refused.reason)
    return chosen


def policy_of(process):
    return os.sched_getscheduler(process.pid) & ~os.SCHED_RESET_ON_FORK


def spent(process):
    return sum(process.cpu_times()[:2])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_both_ends_and_only_they_are_under_the_policy(subject):
    chosen = permitted(case("policy", subject))
    with POLICY.session([chosen]) as timed:
        ends = children(psutil.Process())
        assert [policy_of(each) for each in ends] == [getattr(os, policies.POLICIES[subject].name)] * 2
        assert [each.nice() for each in ends if subject == "nice-19"] in ([], [19, 19])
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
        assert timed[chosen](20).seconds > 0
        recorded = timed[chosen].record(30)
    assert len(recorded.latencies) == 30


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("subject", ["sched-other", "sched-fifo"])
def test_competitors_compete_and_are_never_real_time(subject, start):
    chosen = permitted(case("policy", subject, start=start, place="same-core", competitors="2"))
    with POLICY.session([chosen]) as timed:
        assert timed[chosen](50).seconds > 0
        normal = [each for each in children(psutil.Process()) if policy_of(each) == os.SCHED_OTHER]
        before = [spent(each) for each in normal]
        wait_until(lambda: sum(spent(each) > was for each, was in zip(normal, before, strict=True)) == 2)


def test_a_competitor_that_died_is_missed():
    chosen = case("policy", "sched-other", competitors="1")
    with pytest.raises(PeerGone, match="competitor 0 died"), POLICY.session([chosen]) as timed:
        victim = max(children(psutil.Process()), key=lambda each: each.pid)
        victim.kill()
        wait_until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
        timed[chosen](20)


def test_an_end_that_died_is_missed():
    chosen = case("policy", "sched-other")
    with pytest.raises(PeerGone, match="peer 1 died"), POLICY.session([chosen]) as timed:
        children(psutil.Process())[1].kill()
        timed[chosen](20)


@pytest.mark.parametrize(("subject", "start"), [("sched-fifo", "fork"), ("sched-other", "spawn")])
def test_a_worker_killed_halfway_leaves_no_end_and_no_competitor(subject, start, tmp_path):
    kill_halfway(permitted(case("policy", subject, start=start, competitors="2")), tmp_path, 4)


def busy_for_ever(subject, child):
    policies.adopt(subject)
    if (pid := os.fork()) == 0:
        child.send(os.sched_getscheduler(0))
        os._exit(0)
    os.waitpid(pid, 0)
    while True:
        pass


@pytest.mark.parametrize("subject", ["sched-fifo", "sched-rr"])
def test_what_computes_without_end_at_real_time_priority_is_ended_and_its_children_are_not_real_time(
    subject, monkeypatch
):
    permitted(case("policy", subject))
    monkeypatch.setattr(policies, "AWAKE", 50_000)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=busy_for_ever, args=(subject, there))
    process.start()
    process.join(20)
    there.close()
    assert here.recv() == os.SCHED_OTHER
    here.close()
    assert process.exitcode in (-signal.SIGXCPU, -signal.SIGKILL)
    process.close()


@pytest.mark.parametrize("subject", ["sched-fifo", "sched-rr", "sched-idle"])
def test_a_refused_policy_says_what_would_permit_it(subject, asked, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    said = refusal(case("policy", subject))
    assert "Operation not permitted" in said
    assert "CAP_SYS_NICE" in said
    assert ("ulimit -r" in said) == (subject != "sched-idle")


def test_asking_changes_nothing_here(asked):
    for subject in SUBJECTS:
        policies.refusal(subject)


@pytest.mark.parametrize("count", ["0", "-2", "65", "some"])
def test_competitors_are_a_number(count):
    assert "competitors=2" in refusal(case("policy", "sched-other", competitors=count))
