"""`ipcbench run`: from the options to the report, whatever happens in between."""

from __future__ import annotations

import random
import shlex
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from ipcbench.bench import doctor, floor, machine, matrix
from ipcbench.bench.display import Display
from ipcbench.bench.matrix import Axes, Matrix
from ipcbench.bench.orderly import Interrupted, interruptible, temporary
from ipcbench.bench.profiles import Profile
from ipcbench.bench.schedule import Schedule, worker_sampler
from ipcbench.bench.store import RunExists, Store

__all__ = ["Refused", "run"]


class Refused(Exception):
    """The run can't begin; one line says why."""


def run(
    profile_name: str,
    axes: Axes,
    texts: dict[str, str | None],
    *,
    output: Path | None,
    resume: bool,
    seed: int | None,
    rounds: int | None,
    as_json: bool,
) -> int:
    """Measure and report; gives the exit status."""
    if resume and output is None:
        raise Refused("--resume needs the folder to go on with: --output DIR")
    folder = output or Path("results") / datetime.now().strftime("%Y-%m-%d-%H%M%S")
    store = _store(folder, resume)
    if resume:
        texts = store.facts.get("options", texts)
        axes, profile_name = Axes.parse(texts), store.facts["profile"]
        seed = store.facts["seed"] + len(store.benchmarks)
    profile = _tuned(matrix.find_profile(profile_name), rounds)
    found = matrix.expand(profile, axes)
    if not found.cases:
        reasons = sorted({skip.reason for skip in found.skips}) or ["no case fits these options"]
        raise Refused(
            f"nothing to measure: {reasons[0]}"
            + (f" (and {len(reasons) - 1} more reasons: see ipcbench list)" if len(reasons) > 1 else "")
        )
    return _Campaign(profile, found, store, texts, seed or random.SystemRandom().randrange(1 << 30)).run(as_json)


def _store(folder: Path, resume: bool) -> Store:
    try:
        return Store.resume(folder) if resume else Store.create(folder)
    except (RunExists, ValueError, OSError) as error:
        raise Refused(str(error)) from error


def _tuned(profile: Profile, rounds: int | None) -> Profile:
    return profile if rounds is None else replace(profile, rounds=rounds, most=rounds)


class _Campaign:
    """One run: what it knows of itself, and its steps."""

    def __init__(self, profile: Profile, found: Matrix, store: Store, texts: dict[str, str | None], seed: int) -> None:
        self.profile, self.found, self.store, self.texts, self.seed = profile, found, store, texts, seed
        self.machine = machine.facts()
        self.begun = time.monotonic()
        self.earlier = float(store.facts.get("seconds", 0.0))
        self.started = store.facts.get("started", _now())
        self.notes = _notes(self.machine)

    def run(self, as_json: bool) -> int:
        """Measure, save, report."""
        display = Display(len(self.found.cases), self.profile.name)
        code, status = 0, "complete"
        with interruptible():
            try:
                with temporary() as folder, display:
                    schedule = self._schedule(folder)
                    schedule.run(display.show, lambda rounds: self.save("interrupted", rounds))
            except Interrupted as interrupt:
                code, status = interrupt.code, "interrupted"
            with suppress(Interrupted):
                self.save(status, self._rounds())
                self._finish(as_json, code)
        return code

    def _schedule(self, folder: Path) -> Schedule:
        metadata = {f"machine_{name}": value for name, value in self.machine.items() if value not in (None, "")}
        schedule = Schedule(
            self.profile, self.found.cases, self.store, self.seed, worker_sampler(folder), metadata, str(folder)
        )
        if any(case.workload == "floor" for case in self.found.cases):
            try:
                floor.build(folder)
            except floor.FloorError as error:
                self.notes.append(f"The C floor is missing: {error}")
        return schedule

    def _rounds(self) -> int:
        return min(
            (self.store.samples(case) for case in self.found.cases if case.id not in self.store.failed), default=0
        )

    def save(self, status: str, rounds: int) -> None:
        """Replace the result file by one that holds all there is so far."""
        facts = {
            "version": version("ipcbench"),
            "profile": self.profile.name,
            "options": self.texts,
            "command": self.command,
            "seed": self.seed,
            "status": status,
            "started": self.started,
            "ended": _now(),
            "seconds": self.earlier + time.monotonic() - self.begun,
            "rounds": rounds,
            "machine": self.machine,
            "notes": self.notes,
        }
        self.store.save(facts, [(skip.case, skip.reason) for skip in self.found.skips])

    @property
    def command(self) -> str:
        """The command that measures the same."""
        words = ["ipcbench", "run", "--profile", self.profile.name]
        for name, text in self.texts.items():
            words += [f"--{name.replace('_', '-')}", text] if text else []
        return shlex.join(words)

    def _finish(self, as_json: bool, code: int) -> None:
        """Say what there is; the report is drawn unless someone waits for the end."""
        from ipcbench.bench import showing

        folder = self.store.folder
        for name, reason in self.store.failed.items():
            click.echo(f"failed: {name}: {reason}", err=True)
        if code:
            click.echo(f"interrupted; go on with: ipcbench run --resume --output {shlex.quote(str(folder))}", err=True)
            if self.store.benchmarks:
                showing.summary(folder)
                click.echo(f"kept: {self.store.file}  (draw it: ipcbench report {shlex.quote(str(folder))})", err=True)
        elif self.store.benchmarks:
            showing.report(folder, None, as_json)
        else:
            click.echo("no case could be measured", err=True)


def _now() -> str:
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")


def _notes(facts: dict[str, Any]) -> list[str]:
    """What the reader of the report must know of the machine: the doctor's warnings."""
    return [f"{found.name}: {found.seen}" for found in doctor.diagnose(facts) if found.level == "warning"]
