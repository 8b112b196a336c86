"""Cases and sizes: ids can be read back, whatever the case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench import sizes
from ipcbench.bench.case import PAYLOADS, PLACEMENTS, START_METHODS, Case

NAMES = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)
CASES = st.builds(
    Case,
    NAMES,
    NAMES,
    st.sampled_from(PAYLOADS),
    st.integers(0, sizes.LARGEST),
    st.integers(1, 64),
    st.sampled_from(START_METHODS),
    st.sampled_from(PLACEMENTS),
    st.dictionaries(NAMES, NAMES, max_size=3).map(lambda options: tuple(sorted(options.items()))),
)


@given(CASES)
def test_an_id_reads_back_as_its_case(case):
    assert Case.parse(case.id) == case


@given(st.integers(0, sizes.LARGEST))
def test_a_label_reads_back_as_its_size(size):
    assert sizes.parse(sizes.label(size)) == size


@pytest.mark.parametrize(
    ("text", "size"), [("64", 64), ("0", 0), ("1k", 1024), ("1KiB", 1024), ("16 MiB", 16 << 20), ("7B", 7)]
)
def test_sizes_as_people_write_them(text, size):
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5KiB", "1KB?", "300MiB", "x"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="is no size|is more than"):
        sizes.parse(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("64KB", "64KiB"), ("1 mb", "1MiB"), ("64Bytes", "64"), ("1.5KiB", None), ("x", None), ("9999GB", None)],
)
def test_the_nearest_size_is_named(text, meant):
    with pytest.raises(ValueError, match="is no size") as refused:
        sizes.parse(text)
    assert ("did you mean" in str(refused.value)) is (meant is not None)
    assert meant is None or f"did you mean '{meant}'?" in str(refused.value)


def test_around_a_cliff_lies_on_both_sides_of_it():
    around = sizes.around(65536)
    assert 65536 in around
    assert min(around) < 65536 < max(around)
    assert around == sorted(set(around))
