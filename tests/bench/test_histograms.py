"""Histograms of all workers merged in the store: exact, saved, resumed, forgotten with a failed case."""

import json

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.case import Case
from ipcbench.bench.histograms import Histograms
from ipcbench.bench.store import Store
from ipcbench.bench.task import Latencies

NAME = Case("round-trip", "pipe", "bytes", 64, 1, "fork", "cross-core").id
FACTS = {"profile": "quick", "status": "interrupted", "seed": 1}
counts = st.dictionaries(st.integers(1, 10**12), st.integers(1, 500), min_size=1, max_size=20)


def latencies(found, recorder=7e-8):
    return Latencies(list(found), list(found.values()), recorder)


@given(st.lists(counts, min_size=1, max_size=4))
def test_merging_workers_is_recording_all_of_them(workers):
    merged, whole = Histograms(), HdrHistogram(1, 3600 * 10**9, 3)
    for worker in workers:
        merged.add(NAME, latencies(worker))
        for value, count in worker.items():
            whole.record_value(value, count)
    stored = merged.as_json()[NAME]
    again = HdrHistogram.decode(stored["encoded"])
    assert stored["count"] == again.get_total_count() == whole.get_total_count()
    assert stored["unit"] == "nanosecond"
    for percentile in (0, 50, 90, 99, 99.9, 100):
        assert again.get_value_at_percentile(percentile) == whole.get_value_at_percentile(percentile)


def test_what_was_saved_goes_on_after_a_resume(tmp_path):
    store = Store(tmp_path)
    store.add(None, {}, {}, {NAME: latencies({1000: 3, 2000: 1})})
    store.save(FACTS, [])
    before = json.loads(store.file.read_text())["ipcbench"]["histograms"]
    again = Store.resume(tmp_path)
    again.save(FACTS, [])
    assert json.loads(store.file.read_text())["ipcbench"]["histograms"] == before
    again.add(None, {}, {}, {NAME: latencies({4000: 6})})
    assert again.histograms.as_json()[NAME]["count"] == 10


def test_a_case_that_failed_keeps_no_histogram(tmp_path):
    store = Store(tmp_path)
    store.add(None, {}, {}, {NAME: latencies({1000: 3})})
    store.add(None, {}, {NAME: "PeerGone: far peer 0 died"}, {NAME: latencies({1000: 3})})
    assert store.histograms.as_json() == {}
    store.add(None, {}, {}, {NAME: latencies({1000: 3})})
    assert store.histograms.as_json() == {}


@pytest.mark.parametrize("encoded", ["", "HISTFAAA", "no histogram at all"])
def test_a_damaged_one_is_not_resumed(tmp_path, encoded):
    store = Store(tmp_path)
    store.add(None, {}, {}, {NAME: latencies({1000: 3})})
    store.save(FACTS, [])
    data = json.loads(store.file.read_text())
    data["ipcbench"]["histograms"][NAME]["encoded"] = encoded
    store.file.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="can't be read"):
        Store.resume(tmp_path)
