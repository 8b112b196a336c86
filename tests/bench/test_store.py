"""Where results go: refused at once where nothing can be written, whole on a disk that is full."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipcbench.bench import store, task
from ipcbench.bench.store import Store
from ipcbench.bench.task import Latencies, replace_file, writable

from .schedule_kit import CASES, suite

NAME = CASES[0].id


def full(*_arguments, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_folder_that_can_not_be_written_to_is_named_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "TemporaryFile", full)
    with pytest.raises(OSError, match="No space") as caught:
        Store.create(tmp_path / "out")
    assert caught.value.filename == str(tmp_path / "out")


def test_a_full_disk_keeps_the_old_file_and_is_told_by_its_name(tmp_path, monkeypatch):
    file = tmp_path / "run.json"
    replace_file(file, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        replace_file(file, b"new")
    assert caught.value.filename == str(file)
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]
    assert file.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_full_disk_is_told_by_the_file_of_a_task_too(tmp_path):
    (tmp_path / "task.json").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space") as caught:
        task.write(tmp_path / "task.json", task.Task([NAME], "answer", 3, 0.005))
    assert caught.value.filename == str(tmp_path / "task.json")


def test_samples_stay_beside_a_result_file_only(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.add(suite({NAME: [1e-5, 1e-5]}), {NAME: 7}, {})
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(os, "fsync", full)
        store.save({}, [])
    assert store.journal.exists()
    store.tidy()
    assert not list(tmp_path.iterdir())
    store.save({}, [])
    store.add(suite({NAME: [2e-5, 2e-5]}), {NAME: 7}, {})
    store.tidy()
    assert store.journal.exists()


def test_a_machine_that_is_renamed_meanwhile_is_the_same(tmp_path):
    """As a laptop is by the network that it comes into: pyperf takes no runs of another host into a benchmark."""
    store = Store(tmp_path)
    for hostname in ("at-home", "at-work", "at-work"):
        store.add({**suite({NAME: [1e-5, 1e-5]}), "metadata": {"hostname": hostname}}, {NAME: 7}, {})
    halfway = suite({NAME: [1e-5, 1e-5], CASES[1].id: [1e-5, 1e-5]})
    for benchmark, hostname in zip(halfway["benchmarks"], ("at-work", "in-a-train"), strict=True):
        benchmark["metadata"]["hostname"] = hostname
    store.add(halfway, {NAME: 7}, {})
    assert [store.samples(each) for each in CASES[:2]] == [4, 1]
    assert {each.get_metadata()["hostname"] for each in store.benchmarks.values()} == {"at-home"}


def test_a_folder_is_writable_where_it_or_the_nearest_above_it_is(tmp_path):
    assert writable(tmp_path)
    assert writable(tmp_path / "new" / "deeper")
    (tmp_path / "file").touch()
    assert not writable(tmp_path / "file")
    assert not writable(tmp_path / "file" / "below")


DAMAGED = [
    b"5",
    b"null",
    b"[]",
    b"{}",
    b'{"worker": "x", "suite": null, "loops": {}, "failed": {}, "latencies": {}}',
    b'{"worker": 9, "suite": null, "loops": {}, "failed": {"no case": "gone"}, "latencies": {}}',
    b'{"worker": 9, "suite": {"version": "1.0"}, "loops": {}, "failed": {}, "latencies": {}}',
    b'{"worker": 9, "suite": null, "loops": [], "failed": {}, "latencies": {"a": {"values": [1]}}}',
    b"[" * 100_000,
    b"\x00" * 64,
    b"\xff\xfe",
]


@pytest.mark.parametrize("line", DAMAGED, ids=lambda line: repr(line[:24]))
def test_a_damaged_line_of_the_journal_is_left_out_and_the_others_count(tmp_path, line):
    store = Store(tmp_path)
    store.add(suite({NAME: [1e-5, 1e-5]}), {NAME: 7}, {})
    store.save({"profile": "quick", "seed": 1}, [])
    store.add(suite({NAME: [2e-5, 2e-5]}), {NAME: 7}, {})
    store.journal.write_bytes(line + b"\n" + store.journal.read_bytes())
    assert Store.resume(tmp_path).values[NAME] == [(1e-5, 1e-5), (2e-5, 2e-5)]


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"case_revision": 77}, "the workload round-trip was revised since"),
        ({"machine_cpus_allowed": 77}, "its cpus allowed is 77"),
        ({"hostname": "another"}, "its hostname is another"),
    ],
)
def test_samples_of_something_else_join_no_benchmark(tmp_path, metadata, says):
    made = suite({NAME: [1e-5, 1e-5]})
    made["benchmarks"][0]["metadata"] |= metadata
    store = Store(tmp_path)
    store.add(made, {NAME: 7}, {})
    store.save({"profile": "quick", "seed": 1}, [])
    with pytest.raises(ValueError, match=f"can't be resumed: {says}"):
        Store.resume(tmp_path)


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    Store.create(tmp_path / "out")
    code = (
        "import sys; from pathlib import Path; from ipcbench.bench.store import Store; Store.create(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "another run is writing into" in done.stderr
    Store.create(tmp_path / "out")  # the same run may


@pytest.mark.parametrize("counts", [[-1], [1, 2], []])
def test_latencies_that_can_not_be_are_left_out_with_their_line(tmp_path, counts):
    store = Store(tmp_path)
    store.add(suite({NAME: [1e-5, 1e-5]}), {NAME: 7}, {})
    store.save({"profile": "quick", "seed": 1}, [])
    store.add(suite({NAME: [2e-5, 2e-5]}), {NAME: 7}, {}, {NAME: Latencies([1000], [1], 0.0)})
    whole = store.journal.read_text()
    store.journal.write_text(whole.replace('"counts": [1]', f'"counts": {counts}'))
    assert store.journal.read_text() != whole
    assert Store.resume(tmp_path).values[NAME] == [(1e-5, 1e-5)]


def test_another_ipcbench_measures_anew(tmp_path):
    store = Store(tmp_path)
    store.add(suite({NAME: [1e-5, 1e-5]}), {NAME: 7}, {})
    store.save({"profile": "quick", "seed": 1, "version": "0.0.0"}, [])
    with pytest.raises(ValueError, match=r"its ipcbench is 0\.0\.0, here it is"):
        Store.resume(tmp_path)


def test_what_comes_after_a_cut_line_is_a_line_of_its_own(tmp_path):
    store = Store(tmp_path)
    store.add(suite({NAME: [1e-5, 1e-5]}), {NAME: 7}, {})
    store.save({"profile": "quick", "seed": 1}, [])
    store.journal.write_bytes(b'{"worker": 2, "suite": {"vers')  # killed while it was written
    again = Store.resume(tmp_path)
    again.add(suite({NAME: [2e-5, 2e-5]}), {NAME: 7}, {})
    assert Store.resume(tmp_path).values[NAME] == [(1e-5, 1e-5), (2e-5, 2e-5)]


def test_what_is_no_file_is_written_to_and_a_link_is_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "fifo")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    replace_file(tmp_path / "fifo", b"told")
    assert os.read(reader, 10) == b"told"
    os.close(reader)
    assert (tmp_path / "fifo").is_fifo()
