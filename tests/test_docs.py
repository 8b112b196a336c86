"""The documents say what is true: examples run, options and columns exist."""

import inspect
import multiprocessing
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ipcbench.bench import matrix, workload
from ipcbench.bench.case import PAYLOADS, START_METHODS
from ipcbench.bench.cli import cli
from ipcbench.bench.profiles import PROFILES
from ipcbench.ipc import registry

from .arms_kit import environment, example

ROOT = Path(__file__).parent.parent


def block(file, language):
    return re.search(rf"```{language}\n(.*?)```", (ROOT / file).read_text(), re.DOTALL)[1]


def guide():
    return block("docs/adding-a-mechanism.md", "python")


def test_the_mechanism_of_the_guide_has_few_lines():
    assert len([line for line in guide().splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("source", [guide, example])
def test_the_mechanisms_of_guide_and_example_keep_the_contract(tmp_path, source):
    """Each rule, under each start method, by an interpreter that has the mechanism."""
    python = environment(tmp_path / "env", "datagram-pair", source())
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/ipc/test_conformance.py"]
    done = subprocess.run(
        [*command, "-k", "datagram-pair"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout
    rules = (ROOT / "tests" / "ipc" / "test_conformance.py").read_text().count("def test_")
    count = dict((what, int(number)) for number, what in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1]))
    assert count["passed"] + count["skipped"] == rules * len(multiprocessing.get_all_start_methods())
    assert count["passed"] > count["skipped"]


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_the_readme_has_each_command_alone_in_a_block(heading):
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"^## {heading}\n\n```\w*\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    assert "\n" not in found[1]


def test_every_command_and_option_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for name, command in cli.commands.items():
        assert f"ipcbench {name}" in text, name
        for option in command.params:
            for spelled in option.opts:
                if spelled.startswith("--"):
                    assert spelled in text, f"{name} {spelled}"


def test_every_workload_payload_and_start_method_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for name in (*workload.names(), *PAYLOADS, *START_METHODS):
        assert f"`{name}`" in text, name


def described():
    """The table of docs/mechanisms.md: what each file says of itself, and its traits."""
    for name in sorted(registry.names()):
        traits = registry.load(name).traits
        (line, *_) = inspect.getdoc(sys.modules[type(registry.load(name)).__module__]).splitlines()
        exact = " or ".join(f"{size} B" for size in traits.exact)
        limit = exact or ("yes" if traits.largest else "")  # how much may be up to the system
        yields = (
            "yes" if each else ""
            for each in (traits.shared, traits.unrelated_processes, traits.crosses_hosts, traits.lossy)
        )
        yield f"| `{name}` | {line} | {', '.join(traits.kinds)} | {', '.join(traits.waits)} | {limit} | {' | '.join(yields)} |"


def test_the_mechanisms_are_listed_as_they_are():
    text = (ROOT / "docs" / "mechanisms.md").read_text()
    wanted = list(described())
    assert [line for line in text.splitlines() if line.startswith("| `")] == wanted, "\n".join(wanted)


def test_cases_csv_is_documented_column_by_column():
    from ipcbench.reports.frame import COLUMNS

    text = (ROOT / "docs" / "results-format.md").read_text()
    for column in COLUMNS:
        assert f"`{column}`" in text, column


def test_the_workload_of_the_guide_is_measured_by_what_it_says(monkeypatch):
    namespace = {"__name__": "example"}
    exec(compile(block("docs/adding-a-workload.md", "python"), "example", "exec"), namespace)
    found = namespace["WORKLOAD"]
    monkeypatch.setattr(workload, "load", lambda _: found)
    monkeypatch.setattr(workload, "names", lambda: (found.name,))
    (case,) = matrix.expand(replace(PROFILES["rigorous"], blocks=()), matrix.Axes()).cases
    assert case.id == "system-call/getpid/none/0B/1/none/same-core"
    cores = os.sched_getaffinity(0)
    try:
        with found.session([case]) as timed:
            assert 0 < timed[case](100).seconds < 1
    finally:
        os.sched_setaffinity(0, cores)
