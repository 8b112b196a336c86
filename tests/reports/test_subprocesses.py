"""The chapter on pipes to other programs."""

import json

import pytest

from ipcbench.reports import frame, schema
from ipcbench.reports.chapters import subprocesses

from .by_id import measured
from .make import result

CASES = {
    "subprocess-stream/to-stdin/bytes/16MiB/1/none/free/mode=binary,read=communicate": 40e-3,
    "subprocess-stream/to-stdin/bytes/16MiB/1/none/free/mode=binary,read=incremental": 10e-3,
    "subprocess-stream/from-stdout/bytes/16MiB/1/none/free/mode=binary,read=communicate": 16e-3,
    "subprocess-stream/from-stdout/bytes/16MiB/1/none/free/mode=text,read=communicate": 48e-3,
    "first-line/buffered/none/0B/1/none/free": 22e-3,
    "first-line/unbuffered/none/0B/1/none/free": 80e-6,
}


@pytest.fixture
def table(tmp_path):
    def make(cases):
        made = [measured(name, seconds, "subprocess") for name, seconds in cases.items()]
        (tmp_path / "run.json").write_text(json.dumps(result(made)))
        return frame.build(schema.load(tmp_path))

    return make


def test_without_children_the_chapter_says_nothing(table):
    empty = table({"start/os-fork/none/0B/1/fork/free/phase=reaped": 1e-3})
    assert [make(empty) for make in (subprocesses.findings, subprocesses.both, subprocesses.none)] == [[], [], []]


def test_it_says_what_communicate_text_and_buffering_cost(table):
    said = subprocesses.findings(table(CASES))
    assert len(said) == 3
    assert "16 MiB into stdin of a child: communicate moves 400 MiB/s" in said[0]
    assert "communicate takes 4.0 times" in said[0]
    assert "text mode takes 3.0 times" in said[1]
    assert "seen after 22.0 ms where Python buffers it" in said[2]
    assert "after 80.0 µs where it is unbuffered" in said[2]


def test_what_has_no_counterpart_is_not_compared(table):
    lone = {name: seconds for name, seconds in CASES.items() if "communicate" not in name or "text" in name}
    assert len(subprocesses.findings(table(lone))) == 1  # the first line


def test_the_tables_have_a_row_a_case(table):
    streams, lines = subprocesses.both(table(CASES))
    assert ["into stdin", "16 MiB", "binary", "incremental"] in [row[:4] for row in streams.rows]
    assert len(streams.rows) == 4
    assert [row[1] for row in lines.rows] == ["22.0 ms", "80.0 µs"]
