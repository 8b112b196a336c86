"""`ipcbench ab` as its user runs it: real arms, real faults, real signals, and nothing left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyperf
import pytest

from ipcbench.reports import schema

from .arms_kit import EXAMPLE, environment, example
from .kit import COMMAND, git, ipcbench, nothing_new, traces, wait_until

SELF = f"python:{sys.executable}"
SMALL = ["--size", "64", "--placement", "same-core", "--duels", "6"]
CASE = "round-trip/{}/bytes/64B/1/fork/same-core"
THRICE = "lambda payload: (sum(range(800)), self.sock.send(payload))"
"""A send that takes some 10 µs more, several times what the whole message takes."""


def verdicts(done):
    assert done.stdout, done.stderr
    return {row["id"].split("/")[1]: row for row in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    return environment(tmp_path_factory.mktemp("slow"), "datagram-pair", example(send=THRICE))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return environment(tmp_path_factory.mktemp("plain"), "datagram-pair", example())


def test_the_same_against_itself_is_no_regression_and_stock_pyperf_reads_the_file(tmp_path, temporary):
    before = traces(temporary)
    done = ipcbench("ab", "--a", SELF, "--b", SELF, "--only", "pipe", *SMALL, "--output", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "A/A control:" in done.stderr
    assert "about" in done.stderr.splitlines()[0]
    file = tmp_path / "out" / "run.json"
    suite = pyperf.BenchmarkSuite.load(str(file))
    names = {f"{CASE.format('pipe')}/arm={arm}" for arm in ("a", "b", "control-1", "control-2")}
    assert set(suite.get_benchmark_names()) == names
    assert {(each.get_nrun(), each.get_nvalue()) for each in suite} == {(6, 6 * 16)}
    subprocess.run([sys.executable, "-m", "pyperf", "stats", file], check=True, capture_output=True)
    assert len(schema.load(tmp_path / "out").benchmarks) == 4
    own = json.loads(file.read_text())["ipcbench"]
    assert own["verdicts"][0]["id"] == CASE.format("pipe")
    assert own["started"] <= own["ended"]
    assert own["command"].endswith(f"--output out --seed {own['seed']}")
    assert ipcbench("report", "out", cwd=tmp_path).returncode == 0
    resumed = ipcbench("run", "--resume", "--output", "out", cwd=tmp_path)
    assert resumed.returncode == 2
    assert "it holds duels of ipcbench ab" in resumed.stderr
    assert own["arms"]["a"]["python_version"] == own["arms"]["b"]["python_version"]
    again = ipcbench("ab", "--a", SELF, "--b", SELF, "--output", "out", cwd=tmp_path)
    assert again.returncode == 2
    assert "holds a run already" in again.stderr
    assert nothing_new(before, temporary)


def test_a_slower_arm_is_found_though_only_the_two_sides_know_its_mechanism(tmp_path, temporary, plain, slow):
    sides = ["--a", f"python:{plain}", "--b", f"python:{slow.parent.parent}"]
    files = ["--markdown", "gate.md", "--junit", "gate.xml", "--json", "--min-effect", "50%"]
    done = ipcbench("ab", *sides, "--only", "datagram-pair", *SMALL, *files, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    row = verdicts(done)["datagram-pair"]
    assert row["verdict"] == "regressed"
    assert row["ratio"] > 1.5
    assert row["samples"] == [12]
    assert "regressed" in (tmp_path / "gate.md").read_text()
    assert 'failures="1"' in (tmp_path / "gate.xml").read_text()


def test_a_mechanism_of_one_side_only_is_named_and_no_pass_by_silence(tmp_path, temporary, plain):
    sides = ["--a", SELF, "--b", f"python:{plain}"]
    nothing = ipcbench("ab", *sides, "--only", "datagram-pair", *SMALL, cwd=tmp_path)
    assert nothing.returncode == 2
    assert "A and B have no case in common" in nothing.stderr
    assert "unknown to A: there is no mechanism datagram-pair" in nothing.stderr
    assert not list(tmp_path.iterdir())


def test_the_example_is_gated_between_two_revisions(tmp_path, temporary):
    before = traces(temporary)
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE.parent, project)
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "fast")
    (project / EXAMPLE.name).write_text(example(send=THRICE))
    git(project, "commit", "-q", "-a", "-m", "slow")
    sides = ["--a", "rev:HEAD~1", "--b", "rev:HEAD"]
    rest = ["--only", "datagram-pair", *SMALL, "--min-effect", "50%", "--output", "out", "--json"]
    done = ipcbench("ab", *sides, *rest, cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert verdicts(done)["datagram-pair"]["verdict"] == "regressed"
    arms = json.loads((project / "out" / "run.json").read_text())["ipcbench"]["arms"]
    assert arms["a"]["revision"] != arms["b"]["revision"]
    status = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True)
    assert status.stdout == "?? out/\n"
    assert nothing_new(before, temporary)


FRAGILE = """
import os, signal
count = 0
def send_of(sock):
    def send(payload):
        global count
        count += 1
        if count > 100:
            {fault}
        sock.send(payload)
    return send
"""


@pytest.mark.parametrize(
    ("fault", "says"),
    [("os.kill(os.getpid(), signal.SIGKILL)", "-9"), ("raise RuntimeError('worn out')", "worn out")],
)
def test_an_arm_that_fails_in_the_middle_fails_its_case_and_the_others_go_on(tmp_path, temporary, fault, says):
    before = traces(temporary)
    source = FRAGILE.format(fault=fault) + example("fragile", "send_of(self.sock)")
    python = environment(tmp_path / "env", "fragile", source)
    sides = ["--a", f"python:{python}", "--b", f"python:{python}"]
    done = ipcbench("ab", *sides, "--only", "fragile,pipe", *SMALL, "--json", "--output", "out", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    rows = verdicts(done)
    assert rows["fragile"]["verdict"] == "failed"
    assert says in rows["fragile"]["reason"]
    assert rows["pipe"]["verdict"] in ("no regression", "inconclusive")
    (case,) = schema.load(tmp_path / "out").facts.cases
    assert (case.mechanism, case.status) == ("fragile", "failed")
    assert nothing_new(before, temporary)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("during", ["duels", "building"])
def test_a_signal_ends_it_within_three_seconds_and_nothing_is_left(tmp_path, temporary, number, during, within):
    before = traces(temporary)
    sides = ["--a", SELF, "--b", SELF]
    if during == "building":
        shutil.copytree(EXAMPLE.parent, tmp_path / "project")
        git(tmp_path / "project", "init", "-q")
        git(tmp_path / "project", "add", ".")
        git(tmp_path / "project", "commit", "-q", "-m", "all")
        sides[1] = "rev:HEAD"
        sign = "environment-A/bin/python"
    else:
        (tmp_path / "project").mkdir()
        sign = "arm-0.err"
    command = [*COMMAND, "ab", *sides, "--only", "pipe,queue", "--start-method", "spawn", "--duels", "100"]
    with subprocess.Popen(command, cwd=tmp_path / "project", stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: list(temporary.glob(f"ipcbench-*/{sign}")) or process.poll() is not None)
        begun = time.monotonic()
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=15)
        took = time.monotonic() - begun
    assert process.returncode == 128 + number, errors
    assert "no verdict" in errors
    assert took < within(3)
    assert nothing_new(before, temporary)
    assert not (tmp_path / "project" / "results").exists()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--a", "3.11", "--b", SELF], "write python:PATH"),
        (["--a", SELF, "--b", "python:"], "write python:PATH"),
        (["--a", "python:/nowhere/python", "--b", SELF], "no such interpreter"),
        (["--a", "rev:HEAD", "--b", SELF], "no git repository"),
        (["--a", SELF, "--b", SELF, "--only", "pip"], "did you mean 'pipe'"),
        (["--a", SELF, "--b", SELF, "--profile", "gat"], "did you mean 'gate'"),
        (["--a", SELF, "--b", SELF, "--workload", "memcpy"], "nothing to compare"),
        (["--a", SELF, "--b", SELF, "--only", "pipe", "--min-effect", "*/queue/*=5%"], "fits no case"),
        (["--a", SELF, "--b", SELF, "--markdown", "nowhere/x.md"], "folder is missing"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(tmp_path, options, hint):
    done = ipcbench("ab", *options, cwd=tmp_path, env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith("ipcbench: ")
    assert hint in said
    assert not list(tmp_path.iterdir())


def test_a_side_without_ipcbench_says_how_to_install_it(tmp_path):
    python = environment(tmp_path / "env", with_ours=False)
    done = ipcbench("ab", "--a", SELF, "--b", f"python:{python}", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{python} -m pip install ipcbench" in done.stderr


def test_an_unknown_revision_and_a_project_that_cant_be_built_say_so(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "pyproject.toml").write_text("nonsense")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "broken")
    for revision, hint in (("no-such-branch", "there is no such revision"), ("HEAD", "can't be built")):
        hook = {**os.environ, "GIT_DIR": "/nowhere"}
        done = ipcbench("ab", "--a", f"rev:{revision}", "--b", SELF, cwd=tmp_path, env=hook)
        assert done.returncode == 2
        assert hint in done.stderr
    assert {each.name for each in Path(tmp_path).iterdir()} == {".git", "pyproject.toml"}


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("echo '{}'", "something else than who it is"),
        ("echo null", "something else than who it is"),
        ("echo '{\"ipcbench\": 3}'", "something else than who it is"),
        ("exec yes", "more than 1,048,576 bytes were said"),
        ("true", "it ended with 0: no word"),
    ],
)
def test_a_side_that_is_no_python_is_one_line(tmp_path, does, says):
    strange = tmp_path / "strange"
    strange.write_text(f"#!/bin/sh\n{does}\n")
    strange.chmod(0o755)
    done = ipcbench("ab", "--a", SELF, "--b", f"python:{strange}", cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
