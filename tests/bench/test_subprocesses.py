"""Children with pipes: what goes through arrives whole, the first line is seen when it should, and nothing is left."""

import os
from itertools import product

import psutil
import pytest

from ipcbench.bench import children, piped, workload
from ipcbench.bench.case import Case
from ipcbench.bench.workloads import first_line, subprocess_stream
from ipcbench.ipc.errors import DamagedMessage, PeerGone

from .leftovers import kill_halfway, nothing_left

STREAM, LINE = workload.load("subprocess-stream"), workload.load("first-line")
WAYS = [*product(subprocess_stream.SUBJECTS, subprocess_stream.READS, subprocess_stream.MODES)]
SEVERAL = 5
"""Processes that must have been seen: by then it measures."""


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch):
    """No descriptor at all, and no file."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = psutil.Process().num_fds()
    with nothing_left():
        yield
    assert psutil.Process().num_fds() == before
    assert not list(tmp_path.iterdir())


def stream(subject, read="communicate", mode="binary", size=64 << 10, **other):
    variant = tuple(sorted({"read": read, "mode": mode, **other.get("options", {})}.items()))
    start, place = other.get("start", "none"), other.get("place", "free")
    return Case("subprocess-stream", subject, other.get("payload", "bytes"), size, 1, start, place, variant)


def line(subject, **other):
    return Case("first-line", subject, "none", 0, 1, other.get("start", "none"), "free")


@pytest.mark.parametrize(("subject", "read", "mode"), WAYS)
def test_sizes_below_and_beyond_a_pipe_go_through_whole(subject, read, mode):
    cases = [stream(subject, read, mode, size) for size in (1, 4 << 10, 1 << 20)]
    with STREAM.session(cases) as timed:
        assert all(timed[each](2).seconds > 0 for each in cases)


@pytest.mark.parametrize(("subject", "read", "mode"), WAYS)
def test_what_comes_damaged_is_found(subject, read, mode, monkeypatch):
    way = subprocess_stream.WAYS[read, subject]
    spoil = {"to-stdin": lambda found: found[:-1], "from-stdout": lambda found: found[1:]}[subject]
    monkeypatch.setitem(subprocess_stream.WAYS, (read, subject), lambda process, sent: spoil(way(process, sent)))
    with pytest.raises(DamagedMessage), STREAM.session([stream(subject, read, mode)]):
        pass


def test_the_content_is_text_of_just_that_size():
    for size in (1, 77, 100_000):
        made = subprocess_stream.content(size)
        assert len(made) == size
        assert made.isascii()
    assert made.count(b"\n") > 1000


@pytest.mark.parametrize("subject", first_line.FLAGS)
def test_a_first_line_is_seen(subject):
    chosen = line(subject)
    with LINE.session([chosen]) as timed:
        seconds = timed[chosen](1).seconds
    assert seconds > (piped.WORK if subject == "buffered" else 0)  # buffered: not before the child has done its work


def test_the_users_own_setting_does_not_unbuffer_the_child(monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    assert first_line._seen("buffered") > piped.WORK


def test_a_child_that_does_not_come_up_is_told(monkeypatch):
    monkeypatch.setattr(piped, "__file__", os.devnull)
    with pytest.raises(PeerGone, match="didn't come up"):
        first_line._seen("flushed")


def test_a_child_that_ended_badly_is_told():
    with children.child("print") as process, pytest.raises(PeerGone, match="ended with -9"):
        process.kill()
        children.ended(process)


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (stream("to-stdin", size=0), "no bytes"),
        (stream("to-stdin", payload="array"), "carries bytes"),
        (stream("to-stdin", read="lines"), "communicate or incremental"),
        (stream("to-stdin", mode="hex"), "binary or text"),
        (stream("to-stdin", start="fork"), "by subprocess"),
        (stream("to-stdin", place="same-core"), "placed free"),
        (stream("to-stdin", options={"wait": "spin"}), "no variant wait"),
        (line("buffered", start="spawn"), "by subprocess"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in workload.load(chosen.workload).refuse(chosen).reason


@pytest.mark.parametrize(
    "name",
    [
        "first-line/buffered/none/0B/1/none/free",
        "subprocess-stream/to-stdin/bytes/1MiB/1/none/free/mode=binary,read=communicate",
        "subprocess-stream/from-stdout/bytes/1MiB/1/none/free/mode=text,read=incremental",
    ],
)
def test_a_worker_killed_halfway_leaves_nothing(name, tmp_path_factory):
    kill_halfway(name, tmp_path_factory.mktemp("run"), SEVERAL, work=0)
