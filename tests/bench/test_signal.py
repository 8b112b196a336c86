"""Signals there and back: each way takes what is sent, one at a time, and leaves this process as it was."""

import os
import signal
import sys
import threading

import psutil
import pytest

from ipcbench.bench import processes, signalling, workload
from ipcbench.bench import task as tasks
from ipcbench.bench.signalling import quiet
from ipcbench.bench.workloads import signal as subject
from ipcbench.ipc.errors import DamagedMessage, IpcError, PeerGone
from tests.kit import wait_until

from .crew_kit import case, measured, refusal
from .leftovers import children, kill_halfway, nothing_left

WAYS = workload.load("signal").subjects()
NUMBERS = (signal.SIGUSR1, signal.SIGRTMIN, signal.SIGALRM)


def state():
    """All that a way to take signals may change."""
    handlers = [signal.getsignal(number) for number in NUMBERS]
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    interval, mask = signal.getitimer(signal.ITIMER_REAL)[1], signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return handlers, wakeup, interval, mask


def end_library_threads():
    """OpenBLAS, which numpy brings, ends its threads at a fork, and begins them anew when there is something to multiply."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


@pytest.fixture(autouse=True)
def left_as_it_was():
    end_library_threads()
    before = state()
    with nothing_left():
        yield
    assert state() == before


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_takes_what_is_sent(way, start):
    chosen = case("signal", way, start=start)
    with workload.load("signal").session([chosen]) as timed:
        assert timed[chosen](20).seconds > 0
        recorded = timed[chosen].record(30)
    assert len(recorded.latencies) == 30
    assert sum(recorded.latencies) == pytest.approx(recorded.seconds)


@pytest.mark.parametrize("way", WAYS)
def test_the_death_of_the_other_ends_the_wait(way):
    chosen = case("signal", way)
    with pytest.raises(PeerGone), workload.load("signal").session([chosen]) as timed:
        (far,) = children(psutil.Process())
        far.kill()
        wait_until(lambda: far.status() == psutil.STATUS_ZOMBIE)
        timed[chosen](20)


def test_without_pidfds_it_is_sent_by_pid(monkeypatch):
    monkeypatch.delattr(signal, "pidfd_send_signal")
    chosen = case("signal", "sigwaitinfo")
    with workload.load("signal").session([chosen]) as timed:
        assert timed[chosen](20).seconds > 0


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("way", WAYS)
def test_another_thread_is_told_of_instead_of_getting_the_signal(way, monkeypatch):
    monkeypatch.setattr(signalling, "ENDING", 0.05)
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        with pytest.raises(IpcError, match="2 threads"):
            measured(case("signal", way))
    finally:
        over.set()
        other.join()


def test_a_signal_that_comes_late_does_no_harm():
    with quiet(signal.SIGUSR1):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        os.kill(os.getpid(), signal.SIGUSR1)
        assert signal.SIGUSR1 in signal.sigpending()
    assert signal.SIGUSR1 not in signal.sigpending()


def test_a_signal_too_many_is_an_error():
    with quiet(signal.SIGUSR1):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        subject._none_left(signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(DamagedMessage, match="once more"):
            subject._none_left(signal.SIGUSR1)


@pytest.mark.parametrize("way", WAYS)
def test_descriptors_are_closed(way):
    before = psutil.Process().num_fds()
    measured(case("signal", way))
    assert psutil.Process().num_fds() == before


def test_a_worker_killed_halfway_leaves_nothing(tmp_path):
    kill_halfway(case("signal", "handler"), tmp_path, 1)


@pytest.mark.parametrize("way", ["sigwait", "wakeup-fd"])
def test_a_worker_whose_runner_is_gone_leaves_nothing(way, tmp_path):
    task = tasks.Task([case("signal", way).id], str(tmp_path / "answer.json"), 500, 0.02)
    tasks.write(tmp_path / "task.json", task)
    command = [sys.executable, "-m", "ipcbench.bench.worker", str(tmp_path / "task.json")]
    with (
        (tmp_path / "errors").open("wb") as errors,
        processes.session(command, tmp_path, stderr=errors.fileno()) as process,
    ):
        worker = psutil.Process(process.pid)
        wait_until(lambda: children(worker) or process.poll() is not None)
        family = children(worker)
        process.stdin.close()
        assert process.wait(10) == 143, (tmp_path / "errors").read_text()
        assert psutil.wait_procs(family, 10)[1] == []


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case("signal", "handler", size="1"), "no variant size"),
        (case("signal", "handler", start="none"), "started by a method"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in refusal(chosen)


def test_a_system_without_real_time_signals_says_so(monkeypatch):
    monkeypatch.delattr(signal, "SIGRTMIN")
    assert "no signal.SIGRTMIN" in refusal(case("signal", "real-time"))
    assert workload.load("signal").refuse(case("signal", "handler")) is None
