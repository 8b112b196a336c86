"""Payloads: of their size, all different, and what tells them from each other."""

import pickle
from itertools import combinations

import pytest

from ipcbench.bench import payloads


@pytest.mark.parametrize("size", [512, 1024, 4096, 65_536, 1 << 20])
def test_the_pickle_of_an_object_has_the_size_that_the_case_says(size):
    assert {len(pickle.dumps(each, 5)) for each in payloads.rotation("object", size)} == {size}


@pytest.mark.parametrize("size", range(payloads.SMALL_OBJECT, 520, 7))
def test_where_no_text_makes_just_that_size_the_next_smaller_one_is_taken(size):
    assert all(size - 3 <= len(pickle.dumps(each, 5)) <= size for each in payloads.rotation("object", size))


@pytest.mark.parametrize(
    ("kind", "size"), [("bytes", 1), ("bytes", 100), ("array", 8), ("array", 800), ("object", 512)]
)
def test_payloads_differ_from_each_other_and_from_marks(kind, size):
    messages = [*payloads.rotation(kind, size), *payloads.marks(kind, size, 20)]
    assert not any(payloads.equal(kind, one, other) for one, other in combinations(messages, 2))
