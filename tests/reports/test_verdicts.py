"""The forms in which verdicts are read: well-formed whatever names and reasons hold, and an exit status that never passes by silence."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ipcbench.reports import verdicts as forms
from ipcbench.reports.gate import FAILED, INCONCLUSIVE, NO_REGRESSION, REGRESSED, Verdict

ALL = [
    Verdict("round-trip/pipe", NO_REGRESSION, 1.0, 0.99, 1.01, 0.02, 0.05, (10, 10)),
    Verdict("round-trip/queue", REGRESSED, 1.2, 1.1, 1.3, 0.08, 0.05, (10, 10)),
    Verdict("round-trip/tcp", INCONCLUSIVE, reason="too few samples"),
    Verdict("round-trip/udp", FAILED, reason="B: PeerGone: far peer 0 died"),
]


@pytest.mark.parametrize(
    ("said", "strict", "status"),
    [
        ([], False, 2),
        (ALL[:1], True, 0),
        (ALL[:2], False, 1),
        ([ALL[0], ALL[2]], False, 0),
        ([ALL[0], ALL[2]], True, 3),
        (ALL[1:3], True, 1),
        (ALL, False, 2),
    ],
)
def test_the_exit_status(said, strict, status):
    assert forms.exit_status(said, strict) == status


def test_junit_counts_and_marks_each_verdict():
    suite = ElementTree.fromstring(forms.to_junit(ALL, "title"))[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped", "errors")} == {
        "tests": "4",
        "failures": "1",
        "skipped": "1",
        "errors": "1",
    }
    marks = {test.get("name"): [child.tag for child in test] for test in suite}
    assert marks == {"pipe": [], "queue": ["failure"], "tcp": ["skipped"], "udp": ["error"]}
    assert "1.200 times the baseline (1.100 – 1.300)" in suite.find("testcase/failure").get("message")


@given(st.text(), st.text())
def test_junit_is_well_formed_and_markdown_keeps_its_columns(name, reason):
    said = [Verdict(name, INCONCLUSIVE, reason=reason)]
    ElementTree.fromstring(forms.to_junit(said, name))
    last = forms.to_markdown(said, "title", [reason]).strip().splitlines()[-1]
    assert last.replace("\\\\", "").replace("\\|", "").count("|") == len(forms.COLUMNS) + 1


def test_cases_of_one_side_are_counted_apart():
    alone = Verdict("round-trip/fifo", INCONCLUSIVE, reason="only in the baseline: the current run didn't measure it")
    assert forms.headline([*ALL[:1], ALL[2], alone]) == "2 inconclusive (1 of them on one side only), 1 no regression"


def test_json_has_what_a_program_asks_for():
    rows = forms.to_json(ALL)
    assert {"id", "verdict", "ratio", "low", "high", "smallest_visible"} <= rows[0].keys()
    assert rows[2]["ratio"] is None


def test_the_table_shows_whole_names_and_the_worst_first():
    console = Console(width=80, record=True)
    console.print(forms.render(ALL))
    text = console.export_text()
    assert text.index("round-trip/queue") < text.index("udp") < text.index("tcp") < text.index("pipe")
    assert forms.headline(ALL) == "1 regressed, 1 failed, 1 inconclusive, 1 no regression"
