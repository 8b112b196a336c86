"""The command as its user runs it: real runs, real signals, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pyperf
import pytest

from ipcbench.bench import floor
from ipcbench.reports import schema

from .arms_kit import environment, example
from .kit import COMMAND, PIPE, abandoned, ipcbench, nothing_new, traces, wait_until
from .reports.make import benchmark, result


def test_a_run_measures_and_draws_and_stock_pyperf_reads_it(tmp_path, temporary):
    before = traces(temporary)
    done = ipcbench("run", *PIPE, "--placement", "same-core", "--output", "out", "--rounds", 2, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "report:" in done.stdout
    assert (tmp_path / "out" / "report.html").exists()
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / "out" / "run.json"))
    (benchmark,) = suite.get_benchmarks()
    assert benchmark.get_name() == "round-trip/pipe/bytes/64B/1/fork/same-core"
    assert benchmark.get_nrun() == 2
    assert benchmark.get_metadata()["case_mechanism"] == "pipe"
    for tool in ("stats", "hist", "check"):
        subprocess.run(
            [sys.executable, "-m", "pyperf", tool, "out/run.json"], cwd=tmp_path, check=True, capture_output=True
        )
    again = ipcbench("run", *PIPE, "--output", "out", cwd=tmp_path)
    assert again.returncode == 2
    assert "holds a run already" in again.stderr
    assert nothing_new(before, temporary)


@pytest.mark.parametrize("broken", ["/dev/full", "reader gone"])
def test_a_run_does_not_need_standard_error(tmp_path, temporary, broken):
    if broken == "reader gone":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open(broken, os.O_WRONLY)
    arguments = ["run", *PIPE, "--output", "out", "--rounds", "1"]
    try:
        done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=writing, timeout=100)
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert (tmp_path / "out" / "report.html").exists()


def test_output_that_cannot_be_written_is_one_line(tmp_path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "list", "--json"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100
        )
    assert (done.returncode, done.stderr) == (2, "ipcbench: standard output: No space left on device\n")


def test_it_works_beside_folders_of_the_same_names(tmp_path, temporary):
    for name in ("bench", "ipc", "reports", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported the wrong one')")
    (tmp_path / "random.py").write_text("raise RuntimeError('imported the wrong one')")
    command = [
        str(Path(sys.executable).parent / "ipcbench"),
        "run",
        *PIPE,
        "--output",
        "out",
        "--rounds",
        "1",
        "--json",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    (row,) = [row for row in json.loads(done.stdout) if row["status"] == "measured"]
    assert row["mean_s"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_measured_and_says_how_to_go_on(tmp_path, temporary, number, within):
    before = traces(temporary)
    arguments = ["run", *PIPE[:-6], "--size", "64", "--output", "out", "--rounds", "500"]
    with subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        run_json = tmp_path / "out" / "run.json"
        wait_until(lambda: run_json.exists() or process.poll() is not None)
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=within(3))
    assert process.returncode == 128 + number, errors
    assert "--resume --output out" in errors
    assert json.loads(run_json.read_text())["ipcbench"]["status"] == "interrupted"
    assert json.loads(run_json.read_text())["benchmarks"]
    wait_until(lambda: nothing_new(before, temporary), 10)


def test_stopped_workers_do_not_hold_up_the_end_of_a_run(tmp_path, temporary, within):
    before = traces(temporary)
    arguments = ["run", "--only", "pipe,queue", "--size", "64", "--output", "out", "--rounds", "500"]
    with subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: (tmp_path / "out" / "run.json").exists())
        stopped = []

        def stop_all():
            """Workers: a child that is about to become one would hold up its parent in vfork(2), where no signal is heard."""
            with suppress(psutil.Error):
                found = [
                    each for each in psutil.Process(process.pid).children() if "ipcbench.bench.worker" in each.cmdline()
                ]
                stopped[:] = [child for child in found if child.suspend() is None]
            return stopped

        wait_until(stop_all)
        process.send_signal(signal.SIGINT)
        assert process.wait(within(3)) == 130
    wait_until(lambda: nothing_new(before, temporary), 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_report_is_drawn_keeps_the_run_and_says_so(tmp_path, temporary, number):
    before = traces(temporary)
    command = [*COMMAND, "run", *PIPE, "--output", "out", "--rounds", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: list(tmp_path.glob("out/.report-*")) or process.poll() is not None)
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=15)
    assert process.returncode == 128 + number, errors
    assert "kept: out/run.json" in errors
    assert "--resume --output out" in errors
    assert facts(tmp_path / "out")["status"] == "complete"
    assert not list(tmp_path.glob("out/.report-*"))
    assert nothing_new(before, temporary)


SIGNALLED = """
import os, sys
class Finder:
    def find_spec(name, *_):
        if name == "{module}":
            os.kill(os.getpid(), {number:d})
sys.meta_path.insert(0, Finder)
from ipcbench.bench.console import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["click", "ipcbench.bench.matrix"])
def test_a_signal_ends_every_command_in_order(number, module):
    """Also while it still imports what all commands take, and what its own takes."""
    code = [sys.executable, "-c", SIGNALLED.format(module=module, number=number), "list"]
    done = subprocess.run(code, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (128 + number, "")


LOST = """
import os, signal
from ipcbench.bench.console import main
from {module} import {place}
original = {place}.{name}
def lossy(*arguments):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:
        {then}
    return original(*arguments)
{place}.{name} = lossy
main()
"""
MEASURING = {"module": "ipcbench.bench.store", "place": "Store", "name": "add"}
DRAWING = {"module": "ipcbench.reports", "place": "figures", "name": "made"}


@pytest.mark.parametrize("then", ["pass", "raise ImportError('half imported')"])
@pytest.mark.parametrize("where", [MEASURING, DRAWING], ids=["measuring", "drawing"])
def test_a_signal_that_a_library_swallows_or_takes_for_another_error_ends_a_run_in_order(tmp_path, where, then):
    code = [sys.executable, "-c", LOST.format(**where, then=then), "run", *PIPE, "--output", "out", "--rounds", "5"]
    done = subprocess.run(code, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 143, done.stderr
    assert "run --resume --output out" in done.stderr
    assert "Traceback" not in done.stderr
    assert facts(tmp_path / "out")["status"] == ("interrupted" if where is MEASURING else "complete")


def test_a_killed_runner_leaves_nothing(tmp_path, temporary):
    before = traces(temporary)
    arguments = ["run", *PIPE[:-2], "--start-method", "spawn", "--output", "out", "--rounds", "500"]
    with subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        runner = psutil.Process(process.pid)
        wait_until(lambda: len(runner.children(recursive=True)) > 2)  # the worker, its resource tracker, a peer
        family = runner.children(recursive=True)
        process.kill()
    _, alive = psutil.wait_procs(family, 20)
    assert not alive
    wait_until(lambda: abandoned() <= before[1])
    wait_until(lambda: traces(temporary)[2] == before[2])


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["run", "--only", "pip"], "did you mean 'pipe'"),
        (["run", "--profile", "quik"], "did you mean 'quick'"),
        (["run", "--size", "1XB"], "no size"),
        (["list", "--placement", "same"], "same-core"),
        (["report", "nowhere"], "No such file"),
        (["run", "--resume"], "--output"),
        (["run", "--only", "value", "--payload", "bytes", "--output", "out"], "nothing to measure"),
        (["run", "--resume", "--output", "nowhere"], "no run to resume"),
        (["run", "--resume", "--output", "nowhere", "--seed", "0"], "leave out --seed"),
        (["run", "--resume", "--output", "nowhere", "--size", "64"], "leave out --size"),
        (["run", "--resume", "--output", "nowhere", "--profile", "standard"], "leave out --profile"),
        (["run", "--resume", "--output", "nowhere", "--rounds", "3"], "leave out --rounds"),
        (["run", "--precision", "2"], "such as 2% or 0.02"),
        (["run", "--precision", "0%"], "such as 2% or 0.02"),
        (["run", "--precision", "nan"], "such as 2% or 0.02"),
        (["run", "--budget", "soon"], "such as 90s, 10m or 1h"),
        (["run", "--budget", "-5s"], "such as 90s, 10m or 1h"),
        (["run", "--budget", "inf"], "such as 90s, 10m or 1h"),
        (["run", "--rounds", "3", "--precision", "2%"], "give one of them"),
        (["run", "--rounds", "0"], "--rounds"),
        (["run", "--seed", "x"], "--seed"),
        (["run", "--profil", "quick"], "--profil"),
        (["run", "--output", ""], "names nothing"),
        (["report", ""], "names nothing"),
        (["--versoin"], "--versoin"),
        (["ab", "--a", "rev:HEAD"], "--b"),
        (["rn"], "did you mean 'run'"),
        (["report"], "RESULT"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(tmp_path, arguments, hint):
    done = ipcbench(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert hint in done.stderr
    assert not list(tmp_path.iterdir()), "no folder of a run that never began"


def test_signs_that_standard_output_cant_take_end_nothing(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result(precision=0.001)))
    done = ipcbench("compare", ".", ".", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "no difference visible" in done.stdout


def facts(folder):
    return json.loads((folder / "run.json").read_text())["ipcbench"]


def test_what_misses_the_precision_is_counted_and_marked_whatever_the_options(tmp_path, temporary):
    done = ipcbench("run", *PIPE, "--output", "out", "--precision", "0.0001%", "--budget", "2s", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 cases missed ±0.0001 %" in done.stderr
    assert "timed work" in done.stderr
    assert [row["precise"] for row in json.loads(done.stdout) if row["status"] == "measured"] == [False]
    for name, mark in (("tables.md", "| ≈ "), ("report.html", "≈ "), ("cases.csv", ",False,")):
        assert mark in (tmp_path / "out" / name).read_text(), name
    found = facts(tmp_path / "out")
    assert found["precision"] == 1e-6
    assert found["asked"] == {"rounds": None, "precision": 1e-6, "budget": 2.0}
    assert sum(found["spent"].values()) == pytest.approx(found["seconds"], rel=0.25)
    again = ipcbench("report", "out", cwd=tmp_path)
    assert "missed" in again.stderr


def test_a_resumed_run_goes_on_as_asked_or_with_more(tmp_path, temporary):
    first = ipcbench("run", *PIPE, "--output", "out", "--rounds", "1", "--seed", "0", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert facts(tmp_path / "out")["seed"] == 0
    again = ipcbench("run", "--resume", "--output", "out", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert facts(tmp_path / "out")["rounds"] == 1
    text = json.loads((tmp_path / "out" / "run.json").read_text())
    text["ipcbench"]["asked"]["rounds"] = None  # as if it had been begun without
    (tmp_path / "out" / "run.json").write_text(json.dumps(text))
    more = ipcbench("run", "--resume", "--output", "out", "--precision", "90%", "--budget", "30s", cwd=tmp_path)
    assert more.returncode == 0, more.stderr
    assert facts(tmp_path / "out")["seed"] == 0
    assert facts(tmp_path / "out")["rounds"] >= 5
    assert facts(tmp_path / "out")["precision"] == 0.9


@pytest.mark.skipif(not floor.compiler(), reason="there is no C compiler")
def test_a_case_that_can_not_be_measured_any_more_keeps_its_figures(tmp_path, temporary):
    few = ["--workload", "floor,round-trip", "--only", "pipe,c-pipe", "--size", "64", "--placement", "same-core"]
    first = ipcbench("run", *few, "--payload", "bytes", "--output", "out", "--rounds", "1", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    names = {each.axes.name for each in schema.load(tmp_path / "out").benchmarks}
    assert any("/c-pipe/" in name for name in names)
    without = {**os.environ, "PATH": "/nowhere", "CC": ""}
    again = ipcbench("run", "--resume", "--output", "out", "--budget", "1s", cwd=tmp_path, env=without)
    assert again.returncode == 0, again.stderr
    assert {each.axes.name for each in schema.load(tmp_path / "out").benchmarks} == names


def test_a_run_of_another_machine_is_not_gone_on_with(tmp_path, temporary):
    ipcbench("run", *PIPE, "--output", "out", "--rounds", "1", cwd=tmp_path)
    file = tmp_path / "out/run.json"
    data = json.loads(file.read_text())
    for each in (data["metadata"], *(found.get("metadata", {}) for found in data["benchmarks"])):
        if "hostname" in each:
            each["hostname"] = "another"
    file.write_text(json.dumps(data))
    done = ipcbench("run", "--resume", "--output", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "out/run.json can't be resumed: its hostname is another, here it is" in done.stderr
    assert done.stderr.count("\n") == 1


DAMAGED = {
    "truncated": lambda text: text[:-100],
    "no options": lambda text: text.replace('"options": {', '"options": 5, "other": {'),
    "a bad option": lambda text: text.replace('"only": "pipe"', '"only": "pip"'),
    "NaN": lambda text: text.replace('"values": [', '"values": [NaN, '),
    "a newer format": lambda text: text.replace('"format": 1', '"format": 2'),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_run_is_not_resumed_and_not_overwritten(tmp_path, temporary, name):
    options = dict.fromkeys(["only", "size", "workload"]) | {"only": "pipe"}
    data = result([benchmark("pipe", 64)], options=options)
    damaged = DAMAGED[name](json.dumps(data))
    assert damaged != json.dumps(data)
    (tmp_path / "run.json").write_text(damaged)
    done = ipcbench("run", "--resume", "--output", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "run.json" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]
    assert (tmp_path / "run.json").read_text() == damaged


def test_an_interrupted_run_also_prints_json(tmp_path, temporary):
    arguments = ["run", *PIPE, "--output", "out", "--rounds", "500", "--json"]
    with subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stdout=-1, stderr=-1, text=True) as process:
        wait_until(lambda: (tmp_path / "out" / "run.json").exists() or process.poll() is not None)
        process.terminate()
        output, errors = process.communicate(timeout=15)
    assert process.returncode == 143, errors
    assert [row["status"] for row in json.loads(output)] == ["measured"]


def test_a_run_in_which_a_case_fails_is_done_all_the_same(tmp_path, temporary):
    """It says which, and exits with 0."""
    source = "import os, signal\n" + example("fragile", "lambda _message: os.kill(os.getpid(), signal.SIGKILL)")
    python = environment(tmp_path / "env", "fragile", source)
    few = ["--only", "fragile,pipe", "--workload", "round-trip", "--size", "64", "--payload", "bytes"]
    command = [python, *COMMAND[1:], "run", *few, "--start-method", "fork", "--rounds", "1", "--output", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("failed: round-trip/fragile/")]
    assert "SIGKILL" in said
    (failed,) = [each for each in facts(tmp_path / "out")["cases"] if each["status"] == "failed"]
    assert failed["mechanism"] == "fragile"
    assert failed["reason"] in (tmp_path / "out" / "tables.md").read_text()


def test_without_a_compiler_the_report_says_so_and_goes_on(tmp_path, temporary):
    arguments = ["run", "--profile", "quick", "--only", "pipe,c-pipe", "--workload", "round-trip,floor", "--size", "64"]
    command = [*COMMAND, *arguments, "--start-method", "fork", "--rounds", "1", "--output", "out"]
    environ = {**os.environ, "CC": "/nowhere/cc", "PATH": "/nowhere"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    (note,) = [each for each in facts(tmp_path / "out")["notes"] if "The C floor is missing: no C compiler" in each]
    assert note in (tmp_path / "out" / "tables.md").read_text()
    assert [each["mechanism"] for each in facts(tmp_path / "out")["cases"]] == ["c-pipe"]


def test_cases_whose_turn_did_not_come_are_listed(tmp_path, temporary):
    done = ipcbench("run", "--profile", "quick", "--output", "out", "--budget", "1s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    late = [each for each in facts(tmp_path / "out")["cases"] if "budget" in each["reason"]]
    measured = json.loads((tmp_path / "out" / "run.json").read_text())["benchmarks"]
    planned = json.loads(ipcbench("list", "--profile", "quick", "--json", cwd=tmp_path).stdout)
    assert late
    assert {each["status"] for each in late} == {"skipped"}
    assert len(late) + len(measured) == sum(row["status"] == "planned" for row in planned)


def test_list_and_doctor_print_json_alone(tmp_path):
    listed = json.loads(ipcbench("list", "--profile", "quick", "--json", cwd=tmp_path).stdout)
    assert {row["status"] for row in listed} == {"planned", "skipped"}
    assert json.loads(ipcbench("doctor", "--json", cwd=tmp_path).stdout)
