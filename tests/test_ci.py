"""The workflow of the README: valid by GitHub's schema, and its steps run in a clone of this repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from .arms_kit import environment
from .kit import git

ROOT = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".nox", ".venv", "venv", "results", "build", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis")
)
FEW = "--only pipe --size 64 --duels 6"


@pytest.fixture
def workflow():
    return re.search(r"```yaml\n(name: gate\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]


def test_the_workflow_is_valid(tmp_path, workflow):
    (tmp_path / "gate.yml").write_text(workflow)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, tmp_path / "gate.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def clone(tmp_path):
    """The files as they are here, one commit on main and a branch with one more."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT, symlinks=True)

    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "what main has")
    base = git(folder, "rev-parse", "HEAD")
    git(folder, "switch", "-q", "-c", "branch")
    git(folder, "commit", "-q", "--allow-empty", "-m", "a change")
    return folder, base


def test_the_steps_of_the_workflow_run_in_a_clone(tmp_path, workflow, clone):
    """In environments that see this one's packages: as on a runner with a warm cache. Few duels, by the workflow's own variable."""
    folder, base = clone
    job = yaml.safe_load(workflow)["jobs"]["gate"]
    assert job["env"].keys() == {"GATE"}
    python = environment(tmp_path / "runner")
    environment(folder / ".nox" / f"check-{sys.version_info.major}.{sys.version_info.minor}")
    summary = tmp_path / "summary.md"
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([str(python.parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "GATE": FEW,
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    said = ""
    for step in job["steps"]:
        if "run" in step:
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]], cwd=folder, env=environ, capture_output=True, text=True, timeout=110
            )
            said += done.stdout + done.stderr
            assert done.returncode == 0, said
    assert f"comparing with {base[:10]}" in said
    assert "round-trip/pipe/bytes/64B/1/fork/same-core" in summary.read_text()
    assert base[:10] in summary.read_text()
    assert ElementTree.parse(folder / "gate.xml").getroot().get("tests") == "1"
    (artifact,) = [step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert (folder / artifact).exists()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in status.stdout.splitlines()} == {"gate.md", "gate.xml"}


BASE = """
import noxfile
class Session:
    log = print
    def error(self, text):
        raise SystemExit(text)
print(noxfile.base(Session()))
"""


def base_of(folder):
    """What `nox -s check` compares with there, and what it says of it."""
    done = subprocess.run([sys.executable, "-c", BASE], cwd=folder, capture_output=True, text=True, timeout=60)
    return done.stdout.strip().splitlines()[-1:], done.stdout + done.stderr


def test_a_branch_is_compared_with_where_it_left_main(clone):
    folder, base = clone
    found, said = base_of(folder)
    assert found == [base]
    assert "where this branch left main" in said


def test_main_is_compared_with_the_commit_before(clone):
    folder, base = clone
    git(folder, "switch", "-q", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "the next on main")
    found, said = base_of(folder)
    assert found == [base]
    assert "the commit before HEAD" in said


@pytest.mark.parametrize("branch", ["main", "branch"])
def test_a_clone_without_history_says_what_to_do(tmp_path, clone, branch):
    folder, _ = clone
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", branch, folder.as_uri(), "shallow")
    found, said = base_of(tmp_path / "shallow")
    assert found == []
    assert "no commit to compare with (a shallow clone?): name one, -- --a rev:REVISION" in said
