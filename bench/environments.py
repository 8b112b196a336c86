"""The two sides of `ipcbench ab`: an interpreter that is there (`python:PATH`), or one built for a revision (`rev:REVISION`).

A revision is cloned into the run's temporary folder and installed into a virtual environment there, so that nothing of it is left
behind. The environment sees this interpreter's packages: requirements that are met already aren't installed again, and
both sides use the same versions.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from ipcbench.bench.processes import session

__all__ = ["BadSide", "Side", "prepare"]

GIT = [
    "env",
    *(word for name in ("DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR") for word in ("-u", f"GIT_{name}")),
    "git",
]
"""Not with what a hook's environment says of the repository it runs in: the clone is another one."""
ANSWERING, BUILDING = 60.0, 600.0
"""Deadlines in seconds."""
LOOK, MOST = 0.05, 1 << 20
"""Seconds between looks at what a command says, and how many bytes that may be."""
WHO = ("ipcbench", "python_version")
"""What a side must say of itself."""


class BadSide(Exception):
    """A side can't be used; one line says why and what to do."""


@dataclass(frozen=True)
class Side:
    """One side: A or B, what the user called it, its interpreter, the script that makes an arm of it, and who it is."""

    label: str
    text: str
    python: Path
    script: Path
    facts: dict[str, str] = field(default_factory=dict)

    def command(self, case: str) -> list[str]:
        """What starts an arm for that case."""
        return [str(self.python), str(self.script), case]

    def __str__(self) -> str:
        facts = self.facts
        revision = f", {facts['revision'][:10]}" if facts.get("revision") else ""
        return f"{self.label} = {self.text}: ipcbench {facts['ipcbench']}{revision}, Python {facts['python_version']}"


def prepare(label: str, text: str, folder: Path) -> Side:
    """The side that `python:PATH` or `rev:REVISION` stands for; what must be built goes into the folder. Raises `BadSide`."""
    kind, _, value = text.partition(":")
    if kind not in ("python", "rev") or not value:
        raise BadSide(f"--{label.lower()} {text!r}: write python:PATH (an interpreter) or rev:REVISION (of git)")
    script = folder / "arm" / "arm.py"
    if not script.exists():  # a folder of its own: Python puts a script's folder first on the path
        script.parent.mkdir()
        shutil.copyfile(Path(__file__).with_name("arm.py"), script)
    revision = {}
    if kind == "python":
        python = _interpreter(label, value)
    else:
        top, commit = _commit(label, value, folder)
        revision = {"revision": commit}
        python = _built(label, text, top, commit, folder)
    return Side(label, text, python, script, {**_ask(label, text, python, script, folder), **revision})


def _interpreter(label: str, value: str) -> Path:
    """The executable; a virtual environment's folder stands for its own. Links are kept: they are what makes an environment."""
    path = Path(value).expanduser()
    if path.is_dir():
        path = path / "bin" / "python"
    found = shutil.which(str(path))
    if found is None:
        raise BadSide(f"--{label.lower()} python:{value}: there is no such interpreter")
    return Path(found).absolute()


def _ask(label: str, text: str, python: Path, script: Path, folder: Path) -> dict[str, str]:
    """Who it is. Raises `BadSide` where there is no ipcbench."""
    code, output = _run([str(python), str(script)], folder, ANSWERING)
    try:
        said = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        said = {"failed": f"it ended with {code}: {' '.join(output.split())[-300:] or 'no word'}"}
    if not isinstance(said, dict) or not all(isinstance(said.get(key), str) for key in WHO if "failed" not in said):
        said = {"failed": f"it says something else than who it is: {json.dumps(said)[:300]}"}
    if "failed" in said:
        why = str(said["failed"])
        if "ModuleNotFoundError" in why or "ImportError" in why:
            raise BadSide(f"{label} ({text}) has no ipcbench ({why}): {python} -m pip install ipcbench")
        raise BadSide(f"{label} ({text}) can't be used: {why}")
    answer: dict[str, str] = said
    return answer


def _commit(label: str, revision: str, folder: Path) -> tuple[Path, str]:
    """The repository that the current folder is in, and the commit."""
    if shutil.which("git") is None:
        raise BadSide(f"--{label.lower()} rev:{revision} needs git")
    here = Path.cwd()
    code, top = _run([*GIT, "rev-parse", "--show-toplevel"], folder, ANSWERING, here)
    if code:
        raise BadSide(
            f"--{label.lower()} rev:{revision}: {here} is in no git repository that can be read ({_last(top)})"
        )
    words = [*GIT, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    code, commit = _run(words, folder, ANSWERING, here)
    if code:
        raise BadSide(
            f"--{label.lower()} rev:{revision}: there is no such revision here (a shallow clone lacks older ones)"
        )
    return Path(top.strip()), commit.strip()


def _built(label: str, text: str, top: Path, commit: str, folder: Path) -> Path:
    """An environment with the project of the current folder, as it was then."""
    click.echo(f"building {label}: {text}", err=True)
    source, environment = folder / f"source-{label}", folder / f"environment-{label}"

    def must(step: str, *command: str) -> None:
        code, output = _run(command, folder, BUILDING)
        if code:
            raise BadSide(f"{label} ({text}) can't be built: {step} ended with {code}: {_last(output)}")

    must("git clone", *GIT, "clone", "--quiet", "--shared", "--no-checkout", str(top), str(source))
    must("git checkout", *GIT, "-C", str(source), "checkout", "--quiet", "--detach", commit)
    project = _project(source, Path.cwd().resolve().relative_to(top.resolve()))
    if project is None:
        raise BadSide(f"{label} ({text}): no pyproject.toml or setup.py there to install")
    must("python -m venv", sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    _see_ours(environment)
    must("pip install", str(python), "-m", "pip", "install", "--quiet", str(project))
    return python


def _project(source: Path, within: Path) -> Path | None:
    """The folder to install: the current one's place in the clone, or the nearest above it."""
    for folder in (within, *within.parents):
        if any((source / folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
            return source / folder
    return None


def _see_ours(environment: Path) -> None:
    """Let the environment see this interpreter's packages (and pip) behind its own."""
    ours = sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")})
    lines = [f"import site; site.addsitedir({path!r})" for path in ours]
    (there,) = environment.glob("lib/python*/site-packages")
    (there / "zz-packages-of-the-runner.pth").write_text("\n".join(lines) + "\n")


def _last(output: str) -> str:
    errors = [line for line in output.splitlines() if "error" in line.lower()] or output.splitlines()
    return " ".join((errors or ["no reason given"])[-1].split())


def _run(command: Sequence[str], folder: Path, seconds: float, cwd: Path | None = None) -> tuple[int, str]:
    """Exit status and all that it said, in a session of its own: a signal that ends this run ends it too, with its children."""
    said = folder / "command.out"
    with ExitStack() as stack:
        file = stack.enter_context(said.open("wb"))
        process = stack.enter_context(session(command, folder, stdout=file.fileno(), stderr=file.fileno(), cwd=cwd))
        deadline, why = time.monotonic() + seconds, ""
        while not why and process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
            if said.stat().st_size > MOST:
                why = f"\nmore than {MOST:,} bytes were said"
            elif time.monotonic() > deadline:
                why = f"\nno end within {seconds:.0f} s"
        code = -1 if why else process.returncode
    with said.open("rb") as output:
        return code, output.read(MOST).decode(errors="replace") + why
