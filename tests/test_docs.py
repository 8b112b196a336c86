"""The documents say what is true: examples run, options and columns exist."""

import inspect
import multiprocessing
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest

from ipcbench.bench import matrix, workload
from ipcbench.bench.case import PAYLOADS, START_METHODS
from ipcbench.bench.claim import claims
from ipcbench.bench.cli import cli
from ipcbench.bench.profiles import PROFILES
from ipcbench.ipc import registry

from .arms_kit import environment, example

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md")]


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
    rules = len(re.findall(r"^def test_\w+\(kit", (ROOT / "tests/ipc/test_conformance.py").read_text(), re.MULTILINE))
    count = {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}
    assert count["passed"] + count["skipped"] >= rules * len(multiprocessing.get_all_start_methods())
    assert count["passed"] > count["skipped"]


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_the_readme_has_each_command_alone_in_a_block(heading):
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"^## {heading}\n\n```\w*\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    assert "\n" not in found[1]


def examples(text):
    """Each command line of ipcbench in a block of code or between backquotes, without its comment."""
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`(ipcbench [^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    found = [*(line for block in blocks for line in block.splitlines()), *(" ".join(each.split()) for each in inline)]
    return [shlex.split(line, comments=True) for line in found if line.startswith("ipcbench ")]


@pytest.mark.parametrize("file", sorted(each.relative_to(ROOT).as_posix() for each in DOCUMENTS))
def test_each_command_line_is_one_that_the_program_takes(file):
    for _, name, *words in examples((ROOT / file).read_text()):
        command = cli.commands[name]
        _, left, _ = command.make_parser(click.Context(command)).parse_args(words)  # refuses unknown options
        assert not left, (name, words)


def test_the_readme_shows_each_command():
    assert {name for _, name, *_ in examples((ROOT / "README.md").read_text())} == set(cli.commands)


def options(*commands):
    """The long options that those commands have."""
    params = [param for name in commands for param in cli.commands[name].params if isinstance(param, click.Option)]
    return {spelled for param in params for spelled in param.opts if spelled.startswith("--")}


def tables():
    """Of each table of options in the README: its rows, as the options in the first cell and the text in the second."""
    for table in re.findall(
        r"^\| option \| sets \|\n\| --- \| --- \|\n((?:\|.*\n)+)", (ROOT / "README.md").read_text(), re.MULTILINE
    ):
        cells = [line.strip("| ").split(" | ", 1) for line in table.splitlines() if not line.startswith("| |")]
        yield [(set(re.findall(r"`(--[a-z-]+)`", first)), text) for first, text in cells]


def test_the_tables_of_the_readme_have_the_options_that_there_are():
    run, gates, claiming = ({option for options, _ in rows for option in options} for rows in tables())
    assert run == options("run", "list")
    assert options("report", "compare", "doctor") <= run
    assert gates == options("check", "ab") - run
    assert claiming == options("claims")


def test_an_option_of_one_gate_alone_is_said_to_be():
    _, rows, _ = tables()
    for those, text in rows:
        of = {name for name in ("check", "ab") if those <= options(name)}
        assert of == ({text.split("`")[1]} if text.startswith("`") and "`: " in text else {"check", "ab"}), those


def test_as_many_statements_are_told_of_as_there_are_claims():
    found = re.findall(r"\b(\d+) statements", (ROOT / "README.md").read_text())
    assert found == [str(len(claims()))]


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
        yields = ("yes" if each else "" for each in (traits.shared, traits.lossy))
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
