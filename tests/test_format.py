"""docs/results-format.md says what is in a file: in that of a run made now, in one of `ab`, and in those kept of each format."""

import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from ipcbench.bench import matrix, placement, workload
from ipcbench.bench.matrix import Axes
from ipcbench.bench.profiles import PROFILES
from ipcbench.reports import schema

from .kit import invoked, ipcbench

TEXT = (Path(__file__).parent.parent / "docs" / "results-format.md").read_text()
KEPT = Path(__file__).parent / "reports" / "data"
"""A folder a format, for good: what was once written can be read by every later version."""
SOMETIMES = {"claims", "histograms"}
"""Keys of `ipcbench` that a file may lack."""


def table(heading):
    """Rows of the first table below that line, as lists of cells; an empty first cell repeats the one above."""
    below = TEXT[TEXT.index(heading) :]
    lines = re.search(r"^\| .*\n\| ---.*\n((?:\|.*\n)+)", below, re.MULTILINE)[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    for above, row in pairwise(rows):
        row[0] = row[0] or above[0]
    return rows


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


def keys(heading):
    return {name for row in table(heading) for name in quoted(row[0])}


OWN, OF_AB = keys("### The key `ipcbench`"), keys("| key of `ipcbench` |")
LACKING = set(quoted(re.search(r"In the run of `ab`, (.*) are missing", TEXT)[1]))
OF_BENCHMARKS, OF_RUNS = keys("### Metadata of a benchmark"), keys("### Metadata of a run")
OF_ARMS = keys("| metadata of a benchmark |")
VARIANTS = table("### Variants")


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    """A small run, and a small one of `ab`."""
    folder, side = tmp_path_factory.mktemp("now"), f"python:{sys.executable}"
    few = ["--size", "64", "--placement", "same-core", "--start-method", "fork"]
    run = ["run", "--only", "pipe,udp", "--workload", "round-trip,fan-out", *few, "--rounds", "2", "--output", "run"]
    ab = ["ab", "--a", side, "--b", side, "--only", "pipe", *few, "--duels", "6", "--output", "ab"]
    for command in (run, ab):
        done = ipcbench(*command, cwd=folder)
        assert done.returncode == 0, done.stderr
    return {name: json.loads((folder / name / "run.json").read_text()) for name in ("run", "ab")}


def told(data):
    """Names of the metadata of benchmarks and of runs, those that all have in common among them."""
    of_runs = {name for each in data["benchmarks"] for run in each["runs"] for name in run.get("metadata", ())}
    return set(data["metadata"]) | {name for each in data["benchmarks"] for name in each["metadata"]} | of_runs


def test_a_run_holds_what_the_document_says(now):
    own, found = now["run"]["ipcbench"], told(now["run"])
    assert OWN - SOMETIMES <= set(own) <= OWN
    assert set(own["options"]) == set(matrix.Axes.parse({}).__dataclass_fields__)
    assert {name for name in found if name.startswith("case_")} <= OF_BENCHMARKS
    assert OF_RUNS - {"share_most", "share_least", "achieved_rate"} <= found
    assert own["cases"]
    assert set(own["cases"][0]) == objects("`cases`")


def objects(key):
    """The keys of the objects that are the value of that key."""
    (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| {key} |"))
    return set(re.findall(r'"([a-z_]+)"', re.sub(r': "[^|{]*? or "\w+"', "", row)))


def test_ab_holds_what_the_document_says(now):
    own, found = now["ab"]["ipcbench"], told(now["ab"])
    assert set(own) == (OWN - SOMETIMES - LACKING) | OF_AB
    assert {name for name in found if name.startswith(("case_", "arm_"))} <= OF_BENCHMARKS | OF_ARMS
    assert set(own["verdicts"][0]) == objects("`verdicts`")


@pytest.mark.parametrize(
    "file", sorted(KEPT.glob("format-*/*.json")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_files_of_every_format_are_read_and_drawn(tmp_path, file):
    result = schema.load(file)
    assert result.benchmarks
    done = invoked("report", str(file), "--output", str(tmp_path / "drawn"), "--json")
    assert done.exit_code == 0, done.stderr
    measured = [row for row in json.loads(done.stdout) if row["status"] == "measured"]
    assert {row["id"] for row in measured} == {each.axes.name for each in result.benchmarks}
    assert all(row["id"] in (tmp_path / "drawn" / "cases.csv").read_text() for row in measured)
    assert "</html>" in (tmp_path / "drawn" / "report.html").read_text()


def test_there_is_a_file_of_every_format_of_a_run_and_of_ab():
    kept = {(file.parent.name, file.stem) for file in KEPT.glob("format-*/*.json")}
    formats = range(1, schema.FORMAT + 1)
    assert kept == {(f"format-{number}", name) for number in formats for name in ("run", "ab")}


# ---- variants and families ----


@pytest.fixture(scope="module")
def planned():
    """All that a profile measures or leaves out, on two cores."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(placement, "_ALLOWED", (0, 1))
        found = [matrix.expand(profile, Axes()) for profile in PROFILES.values()]
    return {case for each in found for case in (*each.cases, *(skip.case for skip in each.skips))}


def test_every_variant_of_the_profiles_is_documented(planned):
    documented = {
        (quoted(key)[0], name): (values, quoted(values)) for key, values, of, _ in VARIANTS for name in quoted(of)
    }
    for case in planned:
        for key, value in case.variant:
            text, values = documented[key, case.workload]
            assert value.isdigit() if text == "a number" else value in values, case.id


def test_the_variants_that_a_workload_knows_are_those_documented_of_it():
    documented = {(quoted(key)[0], name) for key, _, of, _ in VARIANTS for name in quoted(of)} - {("arm", "ab")}
    assert documented == {(key, name) for name in workload.names() for key in workload.load(name).variants}


def test_the_families_are_those_that_there_are(planned):
    (text,) = (row[2] for row in table("### Metadata of a benchmark") if row[0] == "`case_family`")
    documented = quoted(re.sub(r"\(.*?\)", "", text))
    assert set(documented) == {workload.load(case.workload).family(case) for case in planned}
