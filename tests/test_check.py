"""`ipcbench check` through its command line: every verdict, every exit status, every way in which a side is unusable."""

import copy
import json
from xml.etree import ElementTree

import numpy as np
import pytest

from .kit import invoked
from .reports.make import benchmark, result

MECHANISMS = ("pipe", "queue", "tcp")


def stored(shift=1.0, mechanisms=MECHANISMS, samples=10, seed=1, spread=0.01, **facts):
    """A run whose workers scatter by the spread; the queue is slower by the shift."""
    chance = np.random.default_rng(seed)
    benchmarks = [benchmark(name, 64, samples) for name in mechanisms]
    for each in benchmarks:
        slower = shift if each["metadata"]["case_mechanism"] == "queue" else 1.0
        for run in each["runs"]:
            run["values"] = [5e-5 * slower * float(np.exp(chance.normal(0, spread)))] * 2
    data = result(benchmarks, **facts)
    data["ipcbench"]["cases"] = [case for case in data["ipcbench"]["cases"] if case["status"] == "skipped"]
    return data


def changed(change, **options):
    data = stored(**options)
    change(data)
    return data


def value_of(value):
    return changed(lambda data: data["benchmarks"][0]["runs"][3].update(values=[value]))


def failing(data):
    case = copy.deepcopy(data["ipcbench"]["cases"][0])
    name = data["benchmarks"].pop(0)["metadata"]["name"]
    data["ipcbench"]["cases"].append({**case, "id": name, "status": "failed", "reason": "PeerGone: far peer 0 died"})


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(old, new, *options):
        for name, data in (("old.json", old), ("new.json", new)):
            (tmp_path / name).write_text(data if isinstance(data, str) else json.dumps(data))
        arguments = ["check", "--baseline", "old.json", "new.json", *options]
        return invoked(*arguments)

    return call


def test_it_says_why_compare_gives_other_ratios(check):
    told = check(stored(), stored(seed=2))
    assert "ipcbench compare takes the report's times" in told.stderr


def verdicts(done):
    return {row["id"].split("/")[1]: row["verdict"] for row in json.loads(done.stdout)}


def test_a_slower_case_is_named_and_exits_with_1(check):
    done = check(stored(), stored(1.2, seed=2), "--json")
    assert done.exit_code == 1
    assert verdicts(done) == {"pipe": "no regression", "queue": "regressed", "tcp": "no regression"}
    (row,) = [row for row in json.loads(done.stdout) if row["verdict"] == "regressed"]
    assert 1.15 < row["low"] < row["ratio"] < row["high"] < 1.25
    assert 0 < row["smallest_visible"] < 0.1
    text = check(stored(), stored(1.2, seed=2)).stdout
    assert "1 regressed, 2 no regression" in text
    assert "round-trip/queue/bytes/64B/1/fork/cross-core" in text


def test_no_slower_case_exits_with_0_also_from_folders(check, tmp_path):
    assert check(stored(), stored(0.7, seed=2)).exit_code == 0
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(json.dumps(stored()))
    arguments = ["check", "--baseline", str(tmp_path / "run"), str(tmp_path / "run"), "--strict"]
    assert invoked(*arguments).exit_code == 0


def test_inconclusive_exits_with_0_and_with_3_when_strict(check):
    sides = stored(), stored(seed=2, spread=0.3)
    assert check(*sides).exit_code == 0
    assert check(*sides, "--strict").exit_code == 3
    few = check(stored(), stored(9.0, samples=2), "--json")
    assert few.exit_code == 0
    assert set(verdicts(few).values()) == {"inconclusive"}


def test_the_effect_that_matters_is_settable_by_case(check):
    sides = stored(), stored(1.2, seed=2)
    assert check(*sides, "--min-effect", "round-trip/queue/*=30%").exit_code == 0
    assert check(*sides, "--min-effect", "30%").exit_code == 0
    assert check(*sides, "--min-effect", "30%", "--min-effect", "*/queue/*=10%").exit_code == 1


def test_a_case_of_one_side_only_is_named_and_never_passes_in_silence(check):
    for sides in ((stored(), stored(mechanisms=MECHANISMS[:2])), (stored(mechanisms=MECHANISMS[:2]), stored())):
        done = check(*sides)
        assert done.exit_code == 0
        assert "round-trip/tcp/bytes/64B/1/fork/cross-core: only in the" in done.stdout
        assert check(*sides, "--strict").exit_code == 3


def test_a_revised_workload_is_not_compared(check):
    new = changed(lambda data: data["benchmarks"][1]["metadata"].update(case_revision=2), shift=5.0)
    done = check(stored(), new, "--json")
    assert done.exit_code == 0
    assert verdicts(done)["queue"] == "inconclusive"
    assert "revised" in done.stdout


def test_files_are_written_and_say_the_same(check, tmp_path):
    done = check(stored(), stored(1.2, seed=2), "--markdown", "gate.md", "--junit", "gate.xml")
    assert done.exit_code == 1
    assert "| round-trip/queue/bytes/64B/1/fork/cross-core | regressed | 1.2" in (tmp_path / "gate.md").read_text()
    suite = ElementTree.parse(tmp_path / "gate.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    assert {each.name for each in tmp_path.iterdir()} == {"old.json", "new.json", "gate.md", "gate.xml"}


def test_an_interrupted_run_is_usable_and_said_to_be_one(check):
    done = check(stored(), stored(status="interrupted"))
    assert done.exit_code == 0
    assert "the current run was interrupted" in done.stderr


ELSEWHERE = {
    "machine": {"cpu_model_name": "Other 4000"},
    "host": {"hostname": "elsewhere"},
    "Python": {"python_version": "3.12.1 (64-bit)"},
    "kernel": {"platform": "Linux-7"},
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_another_machine_python_or_kernel_is_compared_only_when_told_to(check, name):
    new = changed(lambda data: data["metadata"].update(ELSEWHERE[name]), shift=1.2)
    done = check(stored(), new)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--across-machines" in done.stderr
    assert next(iter(ELSEWHERE[name].values())) in done.stderr
    told = check(stored(), new, "--across-machines")
    assert told.exit_code == 1
    assert "note: another" in told.stderr


BAD = {
    "nothing in common": (stored(mechanisms=["tcp"]), "no case in common"),
    "a failed harness": (changed(failing), "pipe/bytes/64B/1/fork/cross-core failed in the current run: PeerGone"),
    "no metadata of the case": (changed(lambda data: data["benchmarks"][1]["metadata"].pop("case_size")), "case_size"),
    "no metadata of the machine": (changed(lambda data: data["metadata"].clear()), "doesn't say where"),
    "another unit": (changed(lambda data: data["benchmarks"][0]["metadata"].update(unit="byte")), "unit"),
    "truncated": (json.dumps(stored())[:-300], "no whole JSON"),
    "empty": ("", "empty"),
    "NaN": (value_of(float("nan")), "NaN"),
    "infinity": (value_of(float("inf")), "Infinity"),
    "zero": (value_of(0.0), "no time"),
    "negative": (value_of(-1e-6), "no time"),
    "text": (value_of("fast"), "damaged"),
    "no case measured": (changed(lambda data: data.update(benchmarks=[])), "holds no measured case"),
    "no ipcbench file": (changed(lambda data: data.pop("ipcbench")), "something else"),
    "all revised": (
        changed(lambda data: [each["metadata"].update(case_revision=2) for each in data["benchmarks"]]),
        "revised",
    ),
}


@pytest.mark.parametrize("side", ["baseline", "current"])
@pytest.mark.parametrize("name", BAD)
def test_an_unusable_side_is_one_line_and_exit_2_and_never_a_pass(check, tmp_path, name, side):
    bad, hint = BAD[name]
    good = stored(mechanisms=MECHANISMS[:2])
    sides = (bad, good) if side == "baseline" else (good, bad)
    done = check(*sides, "--markdown", "gate.md", "--junit", "gate.xml", "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert hint.replace("current run", "baseline" if side == "baseline" else "current run") in done.stderr
    assert {each.name for each in tmp_path.iterdir()} == {"old.json", "new.json"}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--min-effect", "5"], "write a percentage"),
        (["--min-effect", "much%"], "write a percentage"),
        (["--min-effect", "-5%"], "write a percentage"),
        (["--min-effect", "nan%"], "write a percentage"),
        (["--min-effect", "round-trip/fifo/*=5%"], "fits no case"),
        (["--markdown", "nowhere/gate.md"], "its folder is missing"),
        (["--junit", "nowhere/gate.xml"], "its folder is missing"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_2(check, options, hint):
    done = check(stored(), stored(), *options)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert hint in done.stderr


def test_a_missing_file_is_one_line_and_exit_2(tmp_path):
    done = invoked("check", "--baseline", str(tmp_path / "none.json"), str(tmp_path))
    assert done.exit_code == 2
    assert "No such file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_fails_that_should_not_is_no_verdict(check, monkeypatch):
    """With 1 it would be taken for a regression."""

    def fail(*_arguments, **_options):
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("ipcbench.reports.baseline.match", fail)
    done = check(stored(), stored(seed=2))
    assert done.exit_code == 2
    assert "there is no verdict" in done.stderr
    assert "ZeroDivisionError: by nought" in done.stderr
