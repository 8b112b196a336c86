"""Unusable result files: each is refused in one line that names the file and what is wrong."""

import json

import pyperf
import pytest

from ipcbench.reports.schema import ResultError, load

from .make import benchmark, result


def damaged(change):
    data = result([benchmark("pipe", 64)])
    change(data)
    return json.dumps(data)


def values(*these):
    return damaged(lambda data: data["benchmarks"][0]["runs"][0].update(values=list(these)))


BAD = {
    "empty": ("", "is empty"),
    "a list": ("[]", "no result file"),
    "an object": ("{}", "no result file"),
    "text": ("hello", "no whole JSON"),
    "truncated": (json.dumps(result())[:-500], "no whole JSON"),
    "foreign": (damaged(lambda data: data.pop("ipcbench")), "pyperf file of something else"),
    "newer": (damaged(lambda data: data["ipcbench"].update(format=2)), "newer ipcbench"),
    "no version": (damaged(lambda data: data["ipcbench"].pop("format")), "no valid format"),
    "no runs": (damaged(lambda data: data["benchmarks"][0].update(runs=[])), "no runs"),
    "zero": (values(0.0), "is no time"),
    "negative": (values(-1.0), "is no time"),
    "nan": (values(float("nan")), "NaN or Infinity"),
    "infinity": (values(float("inf")), "NaN or Infinity"),
    "text value": (values("fast"), "damaged"),
    "null value": (values(None), "damaged"),
    "endless": (values(1e300), "which is no time"),
    "shorter than light": (values(1e-300), "which is no time"),
    "control characters": (
        damaged(lambda data: data["ipcbench"]["cases"][0].update(id="a\n\x1b[31m")),
        "can't be shown",
    ),
    "text metadata": (damaged(lambda data: data["benchmarks"][0]["metadata"].update(case_size="big")), "case_size"),
    "text cost": (
        damaged(lambda data: data["benchmarks"][0]["runs"][0]["metadata"].update(cpu_user_s="much")),
        "cpu_user_s",
    ),
    "twice": (damaged(lambda data: data["benchmarks"].append(data["benchmarks"][0])), "twice"),
    "both": (
        damaged(lambda data: data["ipcbench"]["cases"][0].update(id=data["benchmarks"][0]["metadata"]["name"])),
        "twice",
    ),
    "unknown status": (damaged(lambda data: data["ipcbench"]["cases"][0].update(status="lost")), "status"),
    "version as text": (damaged(lambda data: data["ipcbench"].update(format="1")), "no valid format"),
    "nested beyond reason": ("[" * 100_000, "no whole JSON"),
    "another encoding": ('{"benchmarks": []}'.encode("utf-16").decode("latin-1"), "no whole JSON"),
    "another unit": (damaged(lambda data: data["benchmarks"][0]["metadata"].update(unit="byte")), "not in seconds"),
    "no processes": (
        damaged(lambda data: data["benchmarks"][0]["metadata"].update(case_processes=0)),
        "case_processes",
    ),
    "no metadata": (damaged(lambda data: data["benchmarks"][0]["metadata"].pop("case_size")), "case_size"),
    "nothing in it": (damaged(lambda data: (data.update(benchmarks=[]), data["ipcbench"].update(cases=[]))), "no case"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_unusable_file_is_refused_in_one_line(tmp_path, name):
    text, says = BAD[name]
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(ResultError) as caught:
        load(file)
    message = str(caught.value)
    assert says in message
    assert str(file) in message
    assert "\n" not in message
    assert file.read_text() == text


def test_only_runs_with_values_count_as_samples(tmp_path):
    data = result([benchmark("pipe", 64)])
    data["benchmarks"][0]["runs"].append({"metadata": {"calibrate_loops": 1}, "warmups": [[1, 0.1]]})
    (tmp_path / "run.json").write_text(json.dumps(data))
    assert len(load(tmp_path).benchmarks[0].runs) == 3


def test_metadata_levels_merge_and_the_inner_one_wins(tmp_path):
    data = result([benchmark("pipe", 64)])
    about = data["benchmarks"][0]["metadata"]
    data["metadata"] |= {"case_payload": about.pop("case_payload"), "case_size": 1, "unit": about.pop("unit")}
    (tmp_path / "run.json").write_text(json.dumps(data))
    axes = load(tmp_path).benchmarks[0].axes
    assert (axes.payload, axes.size, axes.unit) == ("bytes", 64, "second")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ResultError, match="No such file"):
        load(tmp_path)


def test_a_whole_file_reads_by_file_and_by_folder_and_by_pyperf(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result()))
    assert load(tmp_path).benchmarks == load(tmp_path / "run.json").benchmarks
    assert len(pyperf.BenchmarkSuite.load(str(tmp_path / "run.json"))) == len(load(tmp_path).benchmarks)
