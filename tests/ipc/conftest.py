"""Generates the conformance suite: each mechanism of the registry, under each start method."""

import os
import shutil
import sys
import tempfile
from collections import Counter
from multiprocessing import forkserver, get_all_start_methods, get_context, process, util
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # spawned peers take the path over and import their code from here
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # no threads of numpy's before a fork

import pytest
from conformance_kit import Kit

from ipcbench.ipc import registry

METHODS = [method for method in ("fork", "forkserver", "spawn") if method in get_all_start_methods()]
RAN: Counter = Counter()
SKIPPED: Counter = Counter()
"""Tests by their mechanism and by their rule."""
CHOSEN: list = []


def pytest_generate_tests(metafunc):
    if "kit" in metafunc.fixturenames:
        pairs = [(name, method) for name in registry.names() for method in METHODS]
        metafunc.parametrize("kit", pairs, indirect=True, scope="module", ids=[f"{n}-{m}" for n, m in pairs])


@pytest.fixture(scope="package", autouse=True)
def _own_traces(tmp_path_factory):
    """A short temporary folder and names of our own, so that what is left can be told from other programs'. Nothing is in it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="ipc-", dir="/tmp"))
    util.get_temp_dir(), tmp_path_factory.getbasetemp()  # stay until the end of the process, so not in the new folder
    config = process.current_process()._config
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(folder))
        patched.setattr(tempfile, "tempdir", str(folder))
        patched.setitem(config, "semprefix", f"/mp-{os.getpid()}-")
        forkserver._forkserver._stop()  # it would give its own environment to what it forks
        for method in METHODS:  # starts the resource tracker and the fork server, which stay until the last test here
            helper = get_context(method).Process(target=int)
            helper.start()
            helper.join()
            helper.close()
        yield
        forkserver._forkserver._stop()
    # those of multiprocessing's own are of processes that were killed
    left = [file for file in folder.iterdir() if not file.name.startswith("pymp-")]
    shutil.rmtree(folder)
    assert not left


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
        names = item.callspec.params["kit"][0], item.originalname
        if report.skipped:
            SKIPPED.update(names)
        elif report.when == "call":
            RAN.update(names)


def pytest_deselected(items):
    """Of a choice of tests all may be skipped, and rightly."""
    CHOSEN.extend(items)


def pytest_sessionfinish(session):
    """A mechanism of which every test was skipped, or a rule that was nowhere tried, isn't tested at all, whatever the colour."""
    chosen = CHOSEN or any("::" in each for each in session.config.args)
    vacuous = [] if chosen else sorted(set(SKIPPED) - set(RAN))
    if vacuous:
        session.config.stash[VACUOUS] = vacuous
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if vacuous := config.stash.get(VACUOUS, []):
        terminalreporter.write_line(f"FAILED: every test was skipped of {', '.join(vacuous)}", red=True)


VACUOUS = pytest.StashKey()
