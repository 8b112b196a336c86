"""From a result file to everything drawn of it."""

import csv
import json

import pytest

from ipcbench.reports import compare, frame, schema
from ipcbench.reports.report import write_report
from ipcbench.reports.schema import ResultError

from .make import benchmark, result

PROMISED = (
    *("id", "mechanism", "workload", "payload", "size", "processes", "start_method", "placement", "family", "status"),
    *("reason", "samples", "mean_s", "low_s", "high_s"),
)


@pytest.fixture
def stored(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result()))
    return tmp_path


def test_a_report_holds_what_was_promised(stored):
    page = write_report(stored)
    names = {file.name for file in stored.iterdir()}
    assert {"cases.csv", "tables.md", "report.html", "ranking.png", "round-trip.png", "bandwidth.png"} <= names
    text = page.read_text()
    for word in ("Made Up 3000", "PeerGone: far peer 0 died", "at most 65,507 bytes", "somebody else works here"):
        assert word in text
    assert "http://" not in text
    assert "https://" not in text


def test_cases_csv_has_a_row_a_case(stored):
    write_report(stored)
    with (stored / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert set(PROMISED) <= set(rows[0])
    assert {row["status"] for row in rows} == {"measured", "failed", "skipped"}
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        if row["status"] == "measured":
            assert float(row["low_s"]) < float(row["mean_s"]) < float(row["high_s"])


def test_times_the_floor_is_the_ratio_of_means(stored):
    table = frame.build(schema.load(stored)).set_index("id")
    pipe, floor = (
        table.loc[name]
        for name in ("round-trip/pipe/bytes/64B/1/fork/cross-core", "floor/c-pipe/bytes/64B/1/fork/cross-core")
    )
    assert pipe["floor_ratio"] == pytest.approx(pipe["mean_s"] / floor["mean_s"])


def test_a_bad_file_overwrites_nothing(stored):
    write_report(stored)
    before = {file.name: file.read_bytes() for file in stored.iterdir()}
    (stored / "run.json").write_text("{}")
    with pytest.raises(ResultError):
        write_report(stored)
    after = {file.name: file.read_bytes() for file in stored.iterdir()}
    assert {**before, "run.json": b"{}"} == after


def test_a_report_of_one_sample_says_so(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", 64, samples=1)])))
    assert "one sample" in write_report(tmp_path).read_text()


def test_compare_sees_a_slowdown_and_no_difference(tmp_path):
    for name, scale in (("old", 1.0), ("new", 1.5)):
        data = result([benchmark("pipe", 64), benchmark("queue", 64)])
        for run in data["benchmarks"][0]["runs"]:
            run["values"] = [value * scale for value in run["values"]]
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    rows = compare.compare(schema.load(tmp_path / "old.json"), schema.load(tmp_path / "new.json"))
    assert [(row["says"], row["ratio"]) for row in rows] == [
        ("slower", pytest.approx(1.5)),
        ("no difference visible", 1.0),
    ]
