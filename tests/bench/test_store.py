"""Where results go: refused at once where nothing can be written, whole on a disk that is full."""

import errno
import os

import pytest

from ipcbench.bench import store
from ipcbench.bench.store import Store
from ipcbench.bench.task import replace_file, writable


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


def test_a_folder_is_writable_where_it_or_the_nearest_above_it_is(tmp_path):
    assert writable(tmp_path)
    assert writable(tmp_path / "new" / "deeper")
    (tmp_path / "file").touch()
    assert not writable(tmp_path / "file")
    assert not writable(tmp_path / "file" / "below")
