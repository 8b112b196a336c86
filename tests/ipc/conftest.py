"""Generates the conformance suite: each mechanism of the registry, under each start method."""

import os
import shutil
import sys
import tempfile
from collections import Counter
from multiprocessing import get_all_start_methods, get_context, process, util
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # spawned peers take the path over and import their code from here
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # no threads of numpy's before a fork

import pytest
from conformance_kit import Kit

from ipcbench.ipc import registry

METHODS = [method for method in ("fork", "forkserver", "spawn") if method in get_all_start_methods()]
RAN: Counter = Counter()
SKIPPED: Counter = Counter()


def pytest_generate_tests(metafunc):
    if "kit" in metafunc.fixturenames:
        pairs = [(name, method) for name in registry.names() for method in METHODS]
        metafunc.parametrize("kit", pairs, indirect=True, scope="module", ids=[f"{n}-{m}" for n, m in pairs])


@pytest.fixture(scope="session", autouse=True)
def _own_traces():
    """A short temporary folder and names of our own, so that what is left can be told from other programs'."""
    folder = tempfile.mkdtemp(prefix="ipc-", dir="/tmp")
    util.get_temp_dir()  # stays until the end of the process, so not in the new folder
    before = tempfile.tempdir, os.environ.get("TMPDIR"), process.current_process()._config["semprefix"]
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    process.current_process()._config["semprefix"] = f"/mp-{os.getpid()}-"
    for method in METHODS:  # starts the resource tracker and the fork server, which stay
        helper = get_context(method).Process(target=int)
        helper.start()
        helper.join()
        helper.close()
    yield
    tempfile.tempdir, process.current_process()._config["semprefix"] = before[0], before[2]
    os.environ.pop("TMPDIR") if before[1] is None else os.environ.update(TMPDIR=before[1])
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def kit(request):
    kit = Kit(*request.param)
    yield kit
    kit.stop()


@pytest.fixture(autouse=True)
def _restart_after_failure(request):
    """A failed test leaves the peer in the middle of an order: the next one gets another peer."""
    kit = request.getfixturevalue("kit") if "kit" in request.fixturenames else None
    yield
    report = getattr(request.node, "call_report", None)
    if kit and report is not None and report.failed:
        kit.abandon()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.call_report = report
    if hasattr(item, "callspec") and "kit" in item.callspec.params:
        name = item.callspec.params["kit"][0]
        if report.skipped:
            SKIPPED[name] += 1
        elif report.when == "call":
            RAN[name] += 1


def pytest_sessionfinish(session):
    """A mechanism of which every test was skipped isn't tested at all, whatever the colour."""
    vacuous = sorted(set(SKIPPED) - set(RAN))
    if vacuous:
        session.config.stash[VACUOUS] = vacuous
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if vacuous := config.stash.get(VACUOUS, []):
        terminalreporter.write_line(f"FAILED: every test was skipped of {', '.join(vacuous)}", red=True)


VACUOUS = pytest.StashKey()
