"""The sessions of the project: `nox -l` lists them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
GROUPS = PROJECT["dependency-groups"]
VERSIONS = ["3.10", "3.11", "3.12", "3.13"]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def interpreter(version: str) -> str | None:
    """A Python of that version that really runs: on the path, or where pyenv keeps its own."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for found in (shutil.which(f"python{version}"), *sorted(root.glob(f"versions/{version}.*/bin/python"))):
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(found)
    return None


FOUND = [path for path in (interpreter(version) for version in VERSIONS if version != HERE) if path]


@nox.session(python=False)
def tests(session: nox.Session) -> None:
    """The whole test suite on this Python; `-- ARGS` go to pytest."""
    run_tests(session, sys.executable)


@nox.session(python=False)
def deadlines(session: nox.Session) -> None:
    """Faults end within their exact deadlines: for a machine with nothing else to do (elsewhere they get five times as long)."""
    session.env["IPCBENCH_EXACT_DEADLINES"] = "1"
    run_tests(session, sys.executable, options=["-m", "deadline"])


@nox.session(python=False)
def figures(session: nox.Session) -> None:
    """The suite measured by itself: `-- answers`, `-- honesty`, `-- against_c`, `-- time_to_trust`, `-- gate record` or `evaluate`."""
    if not session.posargs:
        session.error(
            "name a script of tests/benchmarks: answers, honesty, against_c, time_to_trust or gate, and its options"
        )
    bin_ = environment(session, sys.executable, [".", *GROUPS["test"]], "figures")
    script, *options = session.posargs
    session.run(str(bin_ / "python"), f"tests/benchmarks/{script.removesuffix('.py')}.py", *options, external=True)


@nox.session(python=False, name="tests-all")
def tests_all(session: nox.Session) -> None:
    """The whole test suite on each Python from 3.10 to 3.13 that the machine has."""
    for python in [sys.executable, *FOUND]:
        run_tests(session, python)


@nox.session(python=False)
def lowest(session: nox.Session) -> None:
    """The tests with exactly the lower bounds of the direct dependencies and of the tests' tools, on the oldest Python the machine has."""
    python = interpreter("3.10") or sys.executable
    pins = [each.replace(">=", "==") for each in [*PROJECT["project"]["dependencies"], *GROUPS["test"]]]
    old = ["-W", "ignore::DeprecationWarning"]  # what old packages do to newer ones isn't this project's to mend
    run_tests(session, python, pins, old, suffix="-lowest")


def run_tests(
    session: nox.Session, python: str, pins: Sequence[str] = (), options: Sequence[str] = (), suffix: str = ""
) -> None:
    bin_ = environment(session, python, [*pins, ".", *GROUPS["test"]], f"tests{suffix}")
    session.run(str(bin_ / "python"), "-m", "pytest", *options, *session.posargs, external=True)


def environment(session: nox.Session, python: str, requirements: list[str], name: str) -> Path:
    """A virtual environment of that interpreter with those requirements; the project itself is installed anew."""
    version = session.run(
        python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])", external=True, silent=True, log=False
    )
    assert version is not None
    folder = Path(".nox") / f"{name}-{version.strip()}"
    bin_ = folder.absolute() / "bin"
    if not (bin_ / "python").exists():
        session.run(python, "-m", "venv", str(folder), external=True)
    shutil.rmtree("build", ignore_errors=True)  # an old build would bring deleted modules back
    session.run(str(bin_ / "python"), "-m", "pip", "install", "-q", *requirements, external=True)
    session.run(
        *(str(bin_ / "python"), "-m", "pip", "install", "-q", "--no-deps", "--force-reinstall", "."), external=True
    )
    return bin_


@nox.session(python=False)
def bench(session: nox.Session) -> None:
    """Measure this machine: options go to `ipcbench run`, such as `-- --profile quick`."""
    bin_ = environment(session, sys.executable, ["."], "bench")
    session.run(str(bin_ / "ipcbench"), "run", *session.posargs, external=True)


@nox.session(python=False)
def microbench(session: nox.Session) -> None:
    """The same cases as pytest-benchmark parameters: `-- -k "queue and 1KiB"`, `-- --benchmark-compare`."""
    bin_ = environment(session, sys.executable, [".", *GROUPS["test"]], "microbench")
    session.run(
        *(str(bin_ / "python"), "-m", "pytest", "tests/benchmarks/microbench.py", "--benchmark-enable", "--timeout=0"),
        *session.posargs,
        external=True,
    )


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Style, common mistakes, and the formatter's opinion."""
    bin_ = environment(session, sys.executable, GROUPS["lint"], "lint")
    session.run(str(bin_ / "ruff"), "check", ".", external=True)
    session.run(str(bin_ / "ruff"), "format", "--check", ".", external=True)


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """Strict types; the three folders are seen below one name, as installed."""
    bin_ = environment(session, sys.executable, [".", *GROUPS["types"]], "types")
    tree = Path(session.create_tmp()).absolute() / "tree"
    (tree / "ipcbench").mkdir(parents=True, exist_ok=True)
    for folder in ("ipc", "bench", "reports"):
        link = tree / "ipcbench" / folder
        if not link.is_symlink():
            link.symlink_to(Path(folder).absolute())
    session.run(
        *(str(bin_ / "mypy"), "-p", "ipcbench.ipc", "-p", "ipcbench.bench", "-p", "ipcbench.reports"),
        env={"MYPYPATH": str(tree)},
        external=True,
    )


@nox.session(python=False)
def layering(session: nox.Session) -> None:
    """ipc knows nothing of bench, reports nothing of either; mechanisms don't import each other."""
    bin_ = environment(session, sys.executable, [".", *GROUPS["layering"]], "layering")
    session.run(str(bin_ / "lint-imports"), external=True)


@nox.session(python=False)
def check(session: nox.Session) -> None:
    """Is this working tree slower than where it branched off? With `-- --a SIDE --b SIDE`: is side B slower than A?

    All other options go to `ipcbench ab`, such as `-- --markdown gate.md --only pipe`.
    """
    bin_ = environment(session, sys.executable, ["."], "check")
    sides = [] if chosen(session, "--a") else ["--a", f"rev:{base(session)}"]
    if not chosen(session, "--b"):
        sides += ["--b", f"python:{bin_ / 'python'}"]
    session.run(str(bin_ / "ipcbench"), "ab", *sides, *session.posargs, external=True)


def chosen(session: nox.Session, option: str) -> bool:
    """Whether the user gave that option."""
    return any(word == option or word.startswith(f"{option}=") for word in session.posargs)


def base(session: nox.Session) -> str:
    """The commit to compare with: where this branch left main; on main itself the commit before."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "HEAD")
    found = next((each for name in ("origin/main", "main") if (each := git("merge-base", "HEAD", name))), "")
    if found and found != head:
        session.log(f"comparing with {found[:10]}, where this branch left main")
        return found
    before = git("rev-parse", "--verify", "--quiet", "HEAD~1")
    if not before:
        session.error("no commit to compare with (a shallow clone?): name one, -- --a rev:REVISION")
    session.log(f"comparing with {before[:10]}, the commit before HEAD: there is no branch off main")
    return before
