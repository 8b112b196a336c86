"""Observed claims: each really looked at once, together; what dies or hangs; machines that lack something; nothing is left behind."""

import json
import os
import platform
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from ipcbench.bench import workload
from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, UNTESTABLE, Claim, Judged, Observed, claims
from ipcbench.bench.observers import observe
from ipcbench.bench.scratch import temporary as run_folder
from tests.kit import COMMAND, ipcbench, nothing_new, traces, wait_until

ROOT = Path(__file__).parent.parent.parent
SECTIONS = [
    *("1.1", "1.2", "1.3", "1.4.1", "1.4.2", "1.4.3", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3", "3.4", "4.1", "4.2.1"),
    *("4.2.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8.1", "4.8.2", "4.8.3", "4.8.4", "4.8.5", "4.8.6", "4.9"),
    *("5.1", "5.1.4", "5.2"),
]
"""Of the course."""
OBSERVED = {each.id: each for each in claims() if isinstance(each.check, Observed)}

linux = pytest.mark.skipif(sys.platform != "linux", reason="verdicts as they are on Linux")
NEWER = platform.release().split(".")[0].isdigit() and [int(n) for n in re.findall(r"\d+", platform.release())[:2]] >= [
    6,
    6,
]
SEVERAL_CORES = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1
OTHERWISE = {
    "child-pid": {DEPENDS},  # under forkserver it is the server's
    "managed-set": {DEPENDS},
    "spawn-without-guard": {DEPENDS},
    "anonymous-pipe-needs-kinship": {DEPENDS},
    "cpu-count": {DEPENDS} if SEVERAL_CORES else {UNTESTABLE},
    "default-scheduler": {FAILS if NEWER else HOLDS},
    "default-start-method": {HOLDS if sys.version_info < (3, 14) else FAILS},
    "daemon-of-killed": {FAILS},
    "lock-with-manager": {FAILS},
    "condition-with-manager": {FAILS},
    "communicate-timeout": {FAILS},
    "real-time-not-hard": {HOLDS, DEPENDS},
    "interactive-favoured": {HOLDS, DEPENDS, FAILS},  # a figure of a machine that others use too
    "unlocked-counter": {HOLDS, UNTESTABLE} if SEVERAL_CORES else {HOLDS, UNTESTABLE, FAILS},
}
"""What doesn't simply hold on Linux."""


def test_each_claim_is_one_statement_of_the_course():
    assert len(claims()) >= 45
    for each in claims():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.id), each.id
        assert each.section in SECTIONS, each.id
        assert each.text.endswith("."), each.id
        assert len(each.text) < 100, each.id
    assert {each.section for each in claims()} | {"4.9"} == set(SECTIONS)


# ---- for real ----


@linux
def test_all_are_observed_and_nothing_is_left(tmp_path, temporary, within):
    before = traces(temporary)
    begun = time.monotonic()
    done = ipcbench("claims", "--no-measure", "--json", cwd=tmp_path)
    took = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {each.id for each in claims()}
    for name in OBSERVED:
        expected = OTHERWISE.get(name, {HOLDS})
        assert rows[name]["verdict"] in expected, rows[name]
        assert rows[name]["cases"] == []
        assert "the check failed" not in rows[name]["evidence"]
    judged = [row for row in rows.values() if row["id"] not in OBSERVED]
    assert {(row["verdict"], row["evidence"]) for row in judged} == {(UNTESTABLE, "not measured in this run")}
    assert took < within(20)
    assert not (tmp_path / "results").exists()
    wait_until(lambda: nothing_new(before, temporary), 10)


def test_what_is_up_to_chance_says_how_often_it_was_tried():
    from ipcbench.bench.trying import always, sometimes

    assert sometimes(7, lambda: False, "torn").verdict == UNTESTABLE
    assert "not seen in 7 tries" in sometimes(7, lambda: False, "torn").evidence
    assert sometimes(2, lambda: True, "torn").verdict == HOLDS
    turns = iter([True, False, True])
    assert always(3, lambda: next(turns), "in order").evidence == "in order in 2 of 3 tries"


# ---- checks that go wrong ----

STRANGE = """
    import multiprocessing, os, signal, subprocess, sys, time
    from ipcbench.bench.claim import Claim, Finding, Observed
    from ipcbench.bench.trying import always

    def dies():
        os.kill(os.getpid(), signal.SIGKILL)

    def leaves():
        os._exit(3)

    def hangs():
        time.sleep(60)

    def breaks():
        raise RuntimeError("so to say")

    def litters():
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True).start()
        os.kill(os.fork() or os.getpid(), signal.SIGSTOP)
        return Finding("holds", "there")

    CLAIMS = [
        Claim(check.__name__, "1.1", "It is.", Observed(check, 1.0)) for check in (dies, leaves, hangs, breaks)
    ] + [Claim("litters", "1.1", "It is.", Observed(litters))]
"""


@linux
def test_one_that_dies_hangs_or_breaks_says_so_and_the_others_go_on(tmp_path, temporary, monkeypatch):
    import ipcbench.bench.claims as package
    from ipcbench.bench.claim import of_file

    (tmp_path / "strange.py").write_text(textwrap.dedent(STRANGE))
    extended = f"import ipcbench.bench.claims as package; package.__path__.append({str(tmp_path)!r})"
    (tmp_path / "sitecustomize.py").write_text(extended)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    )
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    before = traces(temporary)
    found = {}
    with run_folder() as folder:
        observe(of_file("strange"), folder, found, lambda _: None)
    monkeypatch.delitem(sys.modules, "ipcbench.bench.claims.strange")
    assert found.pop("litters").verdict == HOLDS
    assert {each.verdict for each in found.values()} == {UNTESTABLE}
    assert "ended with -9, without an answer" in found["dies"].evidence
    assert "ended with 3, without an answer" in found["leaves"].evidence
    assert "no answer within 1 s" in found["hangs"].evidence
    assert found["breaks"].evidence == "the check failed: RuntimeError: so to say"
    wait_until(lambda: nothing_new(before, temporary), 10)


# ---- the end before the end ----


def family_of(process, count):
    """All that the process started, when there are so many."""
    runner = psutil.Process(process.pid)
    wait_until(lambda: len(runner.children(recursive=True)) >= count)
    return runner.children(recursive=True)


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_observing_and_shows_what_was_found(tmp_path, temporary, number, within):
    before = traces(temporary)
    command = [*COMMAND, "claims", "--no-measure"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        family_of(process, 4)
        begun = time.monotonic()
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - begun < within(3)
    assert process.returncode == 128 + number, errors
    assert "Traceback" not in errors
    wait_until(lambda: nothing_new(before, temporary), 10)


@linux
def test_a_killed_runner_leaves_nothing(tmp_path, temporary):
    before = traces(temporary)
    command = [*COMMAND, "claims", "--no-measure", "--only", "daemon-*,*-pid,data-isolation,plain-waited"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        family = family_of(process, 6)
        process.kill()
    _, alive = psutil.wait_procs(family, 20)
    assert not alive
    wait_until(lambda: nothing_new(before, temporary))


# ---- machines that lack something ----

WITHOUT = {
    "fork": "import os; del os.fork",
    "shm": """
        import _multiprocessing, _posixshmem

        def unable(*_, **__):
            raise FileNotFoundError(2, "No such file or directory")

        class SemLock(_multiprocessing.SemLock):
            __new__ = unable

        _multiprocessing.SemLock, _posixshmem.shm_open = SemLock, unable
    """,
}


@pytest.fixture
def lacking(tmp_path, monkeypatch, request):
    """The command on a machine without it, and that is what every process of it sees."""
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(WITHOUT[request.param]))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    )
    return lambda *arguments: ipcbench(*arguments, cwd=tmp_path)


SMALL = ["--profile", "quick", "--workload", "round-trip", "--payload", "bytes", "--size", "64", "--placement", "free"]
SMALL += ["--rounds", "1", "--output", "out", "--json"]


def status(rows, mechanism, start):
    (found,) = [row["status"] for row in rows if row["id"] == f"round-trip/{mechanism}/bytes/64B/1/{start}/free"]
    return found


def rows_of(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@linux
@pytest.mark.parametrize("lacking", ["fork"], indirect=True)
def test_without_fork_what_needs_it_says_so_and_the_rest_is_done(lacking, temporary):
    listed = rows_of(lacking("list", "--profile", "standard", "--json"))
    planned = [row["id"] for row in listed if row["status"] == "planned" and row["workload"] != "thread"]
    assert planned
    assert not [name for name in planned if "/fork/" in name and not name.startswith(("floor", "memcpy"))]
    assert any("can't start processes by fork" in (row["reason"] or "") for row in listed)
    rows = rows_of(
        lacking("claims", "--json", "--no-measure", "--only", "fork-returns,zombie,data-isolation,check-raises,*-twice")
    )
    verdicts = {row["id"]: (row["verdict"], row["evidence"]) for row in rows}
    assert verdicts["fork-returns"] == verdicts["zombie"] == (UNTESTABLE, "this system has no os.fork")
    assert verdicts["data-isolation"][0] == HOLDS
    assert verdicts["data-isolation"][1].startswith("spawn: ")
    assert {verdicts[name][0] for name in ("check-raises", "lock-twice", "rlock-twice")} == {HOLDS}
    done = rows_of(lacking("run", *SMALL, "--only", "pipe", "--start-method", "fork,spawn"))
    assert status(done, "pipe", "fork") == "skipped"
    assert status(done, "pipe", "spawn") == "measured"


@linux
@pytest.mark.parametrize("lacking", ["shm"], indirect=True)
def test_without_shared_memory_what_builds_on_semaphores_says_so(lacking, temporary):
    listed = rows_of(lacking("list", "--profile", "standard", "--json"))
    reasons = {row["mechanism"]: row["reason"] for row in listed if row["status"] == "skipped"}
    for name in ("queue", "shared-memory", "lock", "value", "pool-map"):
        assert "/dev/shm" in reasons[name], (name, reasons[name])
    names = "queue-shared,unlocked-counter,shared-memory-zero-copy,map-blocks,pipe-full-duplex,zombie"
    rows = rows_of(lacking("claims", "--json", "--no-measure", "--only", names))
    told = {row["id"]: row for row in rows}
    for name in names.split(",")[:4]:
        assert told[name]["verdict"] == UNTESTABLE
        assert "look at /dev/shm" in told[name]["evidence"]
    assert told["pipe-full-duplex"]["verdict"] == told["zombie"]["verdict"] == HOLDS
    done = rows_of(lacking("run", *SMALL, "--only", "pipe,queue", "--start-method", "fork"))
    assert status(done, "pipe", "fork") == "measured"
    assert status(done, "queue", "fork") == "skipped"


# ---- what covers what ----


def test_the_coverage_names_what_there_is_and_leaves_nothing_out():
    text = (ROOT / "docs" / "coverage.md").read_text()
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| \d", line)]
    numbers = " ".join(row[0].replace("4.8.3–6", "4.8.3 4.8.4 4.8.5 4.8.6") for row in rows)
    assert set(re.findall(r"\d+(?:\.\d+)+", numbers)) == set(SECTIONS)
    for _, subject, cases, _ in rows:
        for name in re.findall("`(.*?)`", cases):
            known, _, mechanism = name.partition("/")
            assert known in workload.names(), subject
            assert not mechanism or mechanism in workload.load(known).subjects(), name
    named = {name for row in rows for name in re.findall("`(.*?)`", row[3])}
    assert named == {each.id for each in claims()}
    for each in claims():
        assert any(each.id in row[3] for row in rows if each.section in numbers_of(row[0])), each.id


def numbers_of(cell):
    return re.findall(r"\d+(?:\.\d+)+", cell.replace("4.8.3–6", "4.8.3 4.8.4 4.8.5 4.8.6"))


def test_the_kinds_of_check_are_the_two():
    assert {type(each.check) for each in claims()} == {Observed, Judged}
    assert all(isinstance(each, Claim) for each in claims())
