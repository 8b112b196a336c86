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
    "no values": (values(), None),
    "zero": (values(0.0), "is no time"),
    "negative": (values(-1.0), "is no time"),
    "nan": (values(float("nan")), "no whole JSON"),
    "infinity": (values(float("inf")), "no whole JSON"),
    "text value": (values("fast"), "damaged"),
    "another unit": (damaged(lambda data: data["benchmarks"][0]["metadata"].update(unit="byte")), "not in seconds"),
    "no metadata": (damaged(lambda data: data["benchmarks"][0]["metadata"].pop("case_size")), "case_size"),
    "nothing in it": (damaged(lambda data: (data.update(benchmarks=[]), data["ipcbench"].update(cases=[]))), "no case"),
}


@pytest.mark.parametrize("name", [name for name, (_, says) in BAD.items() if says])
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


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ResultError, match="No such file"):
        load(tmp_path)


def test_a_whole_file_reads_by_file_and_by_folder_and_by_pyperf(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result()))
    assert load(tmp_path).benchmarks == load(tmp_path / "run.json").benchmarks
    assert len(pyperf.BenchmarkSuite.load(str(tmp_path / "run.json"))) == len(load(tmp_path).benchmarks)
