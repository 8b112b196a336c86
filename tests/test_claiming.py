"""`ipcbench claims` through its command line: where verdicts come from, where they go, and what it refuses."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pyperf
import pytest

from ipcbench.bench import campaign, claiming, machine, matrix
from ipcbench.bench.claim import HOLDS, Finding, Observed, claims
from ipcbench.bench.profiles import PROFILES, Block
from ipcbench.reports import schema

from .kit import invoked
from .reports.make import result, scattered

PAIR = "udp-beats-tcp"
CASES = ("round-trip/udp/bytes/64B/1/fork/cross-core", "round-trip/tcp/bytes/64B/1/fork/cross-core")


def here():
    """What a case measured now would say of the machine."""
    facts = {f"machine_{name}": value for name, value in machine.facts().items() if value not in (None, "")}
    return {**pyperf.Run([1.0]).get_metadata(), **facts}


def stored(cases=CASES, **more):
    """A run of this machine: udp takes 10 µs, all else 20."""
    data = result([scattered(case, 10e-6 if "/udp/" in case else 20e-6) for case in cases])
    data["metadata"] = {**here(), **more}
    data["ipcbench"]["cases"] = []
    return data


@pytest.fixture
def try_claims(tmp_path, monkeypatch):
    """The command, with the observing replaced."""
    monkeypatch.chdir(tmp_path)
    looked = []

    def look(chosen, _folder, found, _show):
        looked.extend(each.id for each in chosen)
        found.update({each.id: Finding(HOLDS, "looked at") for each in chosen})

    def call(*arguments, run=None):
        if run is not None:
            (tmp_path / "run.json").write_text(run if isinstance(run, str) else json.dumps(run))
        return invoked("claims", *arguments)

    call.looked = looked
    monkeypatch.setattr(claiming, "observe", look)
    return call


def kept(folder):
    return {each["id"]: each for each in json.loads((folder / "run.json").read_text())["ipcbench"]["claims"]}


def test_a_run_is_judged_by_its_own_cases_and_keeps_the_verdicts(try_claims, tmp_path):
    cases = dict.fromkeys(case for each in claims() for case in each.cases)
    done = try_claims("run.json", "--json", run=stored(cases))
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [set(row) for row in rows] == [{"id", "section", "claim", "verdict", "evidence", "cases"}] * len(claims())
    assert [row["id"] for row in rows] == [each.id for each in claims()]
    told = {row["id"]: row for row in rows}
    assert told[PAIR]["verdict"] == "holds"
    assert told[PAIR]["cases"] == list(CASES)
    assert told["zombie"]["evidence"] == "looked at"
    assert not (tmp_path / "results").exists()
    assert kept(tmp_path) == told
    assert [each.id for each in schema.load(tmp_path / "run.json").facts.claims] == list(told)
    drawn = invoked("report", "run.json")
    assert drawn.exit_code == 0, drawn.stderr
    page = (tmp_path / "report.html").read_text()
    assert "UDP has a lower latency than TCP on loopback." in page
    assert 'class="holds"' in page
    tables = (tmp_path / "tables.md").read_text()
    assert "| 4.7 | UDP has a lower latency than TCP on loopback. | holds |" in tables
    for shown in (page, tables):
        assert shown.count(CASES[0]) > 1  # among all cases, and as what the claim was judged by


def test_only_those_asked_for_are_tried_and_replace_older_verdicts(try_claims, tmp_path):
    run = stored()
    run["ipcbench"]["claims"] = [
        {"id": name, "section": "4.7", "claim": "It is.", "verdict": "depends", "evidence": "once", "cases": []}
        for name in (PAIR, "tcp-merges")
    ]
    done = try_claims("run.json", "--only", f"{PAIR},zombie*", run=run)
    assert done.exit_code == 0, done.stderr
    assert try_claims.looked == ["zombie", "zombie-reaped"]
    found = kept(tmp_path)
    assert list(found) == ["zombie", "zombie-reaped", PAIR, "tcp-merges"]
    assert found[PAIR]["verdict"] == "holds"
    assert found["tcp-merges"]["verdict"] == "depends"
    assert "3 claims: 3 holds" in done.stdout
    assert "UDP has a lower latency than TCP on loopback." in done.stdout


def test_a_run_of_another_machine_is_judged_but_nothing_is_observed_or_measured(try_claims, tmp_path):
    run = stored(CASES, hostname="elsewhere")
    run["ipcbench"]["claims"] = [
        {"id": "zombie", "section": "1.4.1", "claim": "It is.", "verdict": "depends", "evidence": "there", "cases": []}
    ]
    done = try_claims("run.json", "--json", run=run)
    assert done.exit_code == 0, done.stderr
    assert try_claims.looked == []
    assert "another machine: elsewhere and" in done.stderr
    assert "would be observed on this machine, not on that one: left out" in done.stderr
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {each.id for each in claims() if not isinstance(each.check, Observed)}
    assert rows[PAIR]["verdict"] == "holds"
    assert rows["spawn-dearer"]["evidence"] == "not measured in this run"
    assert kept(tmp_path)["zombie"]["evidence"] == "there"
    assert not (tmp_path / "results").exists()


def test_what_failed_or_is_refused_says_why(try_claims, monkeypatch):
    run = stored(CASES[:1])
    run["ipcbench"]["cases"] = [{**result()["ipcbench"]["cases"][1], "id": CASES[1], "reason": "PeerGone: it died"}]
    done = try_claims("run.json", "--json", "--no-measure", "--only", PAIR, run=run)
    (row,) = json.loads(done.stdout)
    assert row["verdict"] == "not testable here"
    assert row["evidence"] == f"{CASES[1]}: PeerGone: it died"


def test_what_is_lacking_is_measured_whole_into_a_run_of_its_own(try_claims, tmp_path, monkeypatch, two_cores):
    monkeypatch.setattr(claiming, "PROFILE", replace(claiming.PROFILE, rounds=2, most=2))
    done = try_claims("run.json", "--only", PAIR, "--output", "own", "--json", run=stored(CASES[:1]))
    assert done.exit_code == 0, done.stderr
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / "own" / "run.json"))
    assert {each.get_name() for each in suite} == set(CASES)
    assert json.loads(done.stdout)[0]["evidence"] != "not measured in this run"
    assert list(kept(tmp_path)) == [PAIR]
    assert "claims" not in json.loads((tmp_path / "own" / "run.json").read_text())["ipcbench"]
    again = try_claims("own", "--only", PAIR, "--output", "unneeded")
    assert again.exit_code == 0
    assert "unneeded isn't needed" in again.stderr
    assert not (tmp_path / "unneeded").exists()
    assert list(kept(tmp_path / "own")) == [PAIR]
    taken = try_claims("run.json", "--only", PAIR, "--output", "own")
    assert taken.exit_code == 2
    assert "holds a run already" in taken.stderr


def test_what_was_measured_for_claims_is_not_resumed_as_a_run(try_claims, tmp_path):
    run = stored()
    run["ipcbench"]["profile"] = claiming.PROFILE.name
    (tmp_path / "run.json").write_text(json.dumps(run))
    resumed = invoked("run", "--resume", "--output", ".")
    assert resumed.exit_code == 2
    assert "holds a run of ipcbench claims" in resumed.stderr


def test_verdicts_that_can_not_be_stored_are_shown(try_claims, monkeypatch):
    def full(file, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))

    monkeypatch.setattr(claiming, "replace_json", full)
    done = try_claims("run.json", "--json", "--only", PAIR, run=stored())
    assert done.exit_code == 2
    assert "No space left" in done.stderr
    assert json.loads(done.stdout)[0]["verdict"] == "holds"


def test_where_they_can_not_be_stored_nothing_is_tried(try_claims, monkeypatch):
    monkeypatch.setattr(claiming, "writable", lambda _folder: False)
    done = try_claims("run.json", run=stored())
    assert done.exit_code == 2
    assert "can't be written to" in done.stderr
    assert try_claims.looked == []


def test_a_pipe_is_no_place_to_store_verdicts(try_claims, tmp_path):
    os.mkfifo(tmp_path / "piped")
    writer = threading.Thread(target=(tmp_path / "piped").write_text, args=[json.dumps(stored())], daemon=True)
    writer.start()
    done = try_claims("piped")
    writer.join(10)
    assert done.exit_code == 2
    assert "no regular file" in done.stderr
    assert try_claims.looked == []
    assert (tmp_path / "piped").is_fifo()


def test_a_signal_while_it_judges_is_no_success(try_claims, monkeypatch):
    monkeypatch.setattr(claiming, "_store", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    done = try_claims("run.json", "--only", PAIR, run=stored())
    assert done.exit_code == 130
    assert "interrupted; the rest: ipcbench claims run.json" in done.stderr


def test_no_claim_is_judged_by_cases_of_two_runs(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(stored()))
    (pair,) = (each for each in claims() if each.id == PAIR)
    trial = claiming._Trial([pair], schema.load(tmp_path))
    udp, tcp = (trial.known[case] for case in CASES)
    trial.known, trial.fresh = {CASES[0]: udp}, {CASES[1]: tcp}
    assert trial.verdicts(whole=False) == []
    assert [each.verdict for each in trial.verdicts(whole=True)] == ["not testable here"]
    trial.fresh = {CASES[0]: udp, CASES[1]: tcp}
    assert [each.verdict for each in trial.verdicts(True)] == ["holds"]


@pytest.mark.parametrize(
    ("arguments", "run", "hint"),
    [
        (["run.json"], "{", "run.json is no whole JSON file"),
        (["run.json"], '{"benchmarks": []}', "lacks the key 'ipcbench'"),
        (["nowhere"], None, "No such file"),
        (["--only", "zombi"], None, "unknown claim 'zombi': did you mean 'zombie'?"),
        (["--only", ","], None, "--only is empty"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(try_claims, tmp_path, arguments, run, hint):
    done = try_claims(*arguments, run=run)
    assert done.exit_code == 2
    assert hint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not run or (tmp_path / "run.json").read_text() == run
    assert not (tmp_path / "results").exists()


# ---- at the end of a run ----


@pytest.fixture
def run_standard(try_claims, monkeypatch):
    """`ipcbench run` with a standard profile that is small."""
    small = replace(PROFILES["standard"], blocks=(Block(("round-trip",), ("pipe",), sizes=(64,)),), rounds=1, most=1)
    monkeypatch.setitem(PROFILES, "standard", small)
    monkeypatch.setattr(matrix, "_of_workloads", lambda _: ())
    return lambda *options: invoked("run", "--output", "out", *options)


def test_a_whole_run_ends_with_the_claims(run_standard, try_claims, tmp_path):
    done = run_standard()
    assert done.exit_code == 0, done.stderr
    assert set(kept(tmp_path / "out")) == {each.id for each in claims()}
    assert "What the course says" in (tmp_path / "out" / "report.html").read_text()


def test_a_narrowed_run_does_not(run_standard, try_claims, tmp_path):
    assert run_standard("--only", "pipe").exit_code == 0
    assert try_claims.looked == []


def test_a_signal_while_claims_are_tried_loses_nothing(run_standard, monkeypatch, tmp_path):
    monkeypatch.setattr(claiming, "observe", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    done = run_standard()
    assert done.exit_code == 130
    assert "go on with: ipcbench claims out" in done.stderr
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert facts["ipcbench"]["status"] == "complete"
    assert len(facts["benchmarks"]) == 1


def test_help_is_quick_to_import():
    loaded = (
        "import ipcbench.bench.cli, sys; print([name for name in sys.modules if 'claim' in name or 'pandas' in name])"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert campaign.WHOLE == ("standard", "rigorous")
