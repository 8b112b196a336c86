"""`ipcbench run`: from the options to the report, whatever happens in between."""

from __future__ import annotations

import math
import os
import random
import shlex
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from ipcbench.bench import doctor, floor, machine, matrix, placement
from ipcbench.bench.case import Case
from ipcbench.bench.display import Display
from ipcbench.bench.matrix import Axes, BadValue, Matrix
from ipcbench.bench.metadata import describe
from ipcbench.bench.orderly import heed, interruptible, uninterrupted
from ipcbench.bench.others import Others
from ipcbench.bench.profiles import PROFILES, Profile
from ipcbench.bench.schedule import Progress, Schedule
from ipcbench.bench.scratch import temporary
from ipcbench.bench.spent import Spent, sentence
from ipcbench.bench.store import RunExists, Store
from ipcbench.bench.workers import sampler
from ipcbench.reports.stats import (
    half_width,
)  # here: a signal in the midst of its imports, later on, would leave them useless

__all__ = ["Asked", "Campaign", "Order", "Refused", "run"]

WHOLE = ("standard", "rigorous")
"""Profiles whose run, not narrowed, ends by putting the course's claims to the test."""
TOGETHER = 4
"""Workers that live at the same time, at most, however many cores there are: each keeps its payloads and peers."""
UNLIMITED = 100_000
"""Samples of a case, where the precision or the budget asked for by name decides."""


class Refused(Exception):
    """The run can't begin; one line says why."""


@dataclass(frozen=True)
class Asked:
    """How long and how exactly to measure; None leaves it to the profile."""

    rounds: int | None = None
    precision: float | None = None
    budget: float | None = None

    def tune(self, profile: Profile, cases: int) -> Profile:
        """The profile with that set. So many rounds means just as many; what is asked for by name isn't cut short."""
        tuned = replace(profile, budget=min(profile.budget, profile.each * cases))
        if self.precision is not None:
            tuned = replace(tuned, precision=self.precision, most=UNLIMITED, budget=profile.budget)
        if self.budget is not None:
            tuned = replace(tuned, budget=self.budget, most=UNLIMITED)
        if self.rounds is not None:
            budget = math.inf if self.budget is None else self.budget
            tuned = replace(tuned, rounds=self.rounds, most=self.rounds, budget=budget)
        return tuned

    def facts(self) -> dict[str, int | float | None]:
        """As the result file keeps it, for going on."""
        return asdict(self)


@dataclass(frozen=True)
class Order:
    """What a run is to measure, as the command line has it; `texts` are the axes as they were written."""

    profile: str
    axes: Axes
    texts: dict[str, str | None]
    asked: Asked
    seed: int | None = None


def run(order: Order, *, output: Path | None, resume: bool, as_json: bool) -> int:
    """Measure and report; gives the exit status. A resumed run goes on as it was ordered; `asked` may only add to that."""
    if resume and not output:
        raise Refused("--resume needs the folder to go on with: --output DIR")
    store, earlier = None, 0.0
    if resume and output:
        store = _resumed(output)
        earlier = store.facts.get("seconds", 0.0) if order.asked.budget is None else 0.0
        order = _as_begun(order, store)
    profile = matrix.find_profile(order.profile)
    found = matrix.expand(profile, order.axes)
    if not found.cases:
        raise Refused(_nothing(found))
    tuned = order.asked.tune(profile, len(found.cases))
    seed = random.SystemRandom().randrange(1 << 30) if order.seed is None else order.seed
    whole = order.profile in WHOLE and not any(order.texts.values())
    store = store or (_store(Store.create, output) if output else _new())  # last: what is refused leaves no folder
    campaign = Campaign(tuned, order.asked, found, store, order.texts, seed, earlier)
    return campaign.run(as_json, whole)


def _as_begun(order: Order, store: Store) -> Order:
    """The order of a stored run, with what the new one adds to its precision and budget."""
    facts = store.facts
    before = Asked(*(facts.get("asked", {}).get(each.name) for each in fields(Asked)))
    if facts["profile"] not in PROFILES:
        raise Refused(
            f"{store.folder} holds a run of ipcbench {facts['profile']}, which isn't gone on with: do that again"
        )
    texts = {axis: facts.get("options", {}).get(axis) for axis in order.texts}
    try:
        axes = Axes.parse(texts)
    except BadValue as error:
        raise Refused(f"{store.file} can't be resumed: {error}") from error
    added = {name: new for name, new in asdict(order.asked).items() if new is not None and name != "rounds"}
    return Order(facts["profile"], axes, texts, replace(before, **added), facts.get("seed"))


def _nothing(found: Matrix) -> str:
    """Why there is nothing to measure."""
    first, *others = sorted({skip.reason for skip in found.skips}) or ["no case fits these options"]
    more = f" (and {len(others)} more reason{'s' * (len(others) > 1)}: see ipcbench list)" if others else ""
    return f"nothing to measure: {first}{more}"


def _new() -> Store:
    """In a folder called by the time; another run may have begun in the same second."""
    name = Path("results") / datetime.now().strftime("%Y-%m-%d-%H%M%S")
    try:
        return Store.create(name)
    except RunExists:
        return _store(Store.create, name.with_name(f"{name.name}-{os.getpid()}"))


def _resumed(folder: Path) -> Store:
    from ipcbench.reports import schema

    if (folder / "run.json").exists():
        schema.load(folder)  # or one line says what is wrong with it
    return _store(Store.resume, folder)


def _store(make: Callable[[Path], Store], folder: Path) -> Store:
    try:
        return make(folder)
    except (RunExists, ValueError) as error:
        raise Refused(str(error)) from error


class Campaign:
    """One run: what it knows of itself, and its steps."""

    def __init__(
        self,
        profile: Profile,
        asked: Asked,
        found: Matrix,
        store: Store,
        texts: dict[str, str | None],
        seed: int,
        earlier: float = 0.0,
        command: str = "",
    ) -> None:
        self.profile, self.asked, self.found, self.store = profile, asked, found, store
        self.texts, self.seed, self.used = texts, seed, earlier
        self.command = command or self._command()
        self.machine = machine.facts()
        self.begun = time.monotonic()
        self.ended: float | None = None
        self.earlier = float(store.facts.get("seconds", 0.0))
        self.spent = Spent(store.facts.get("spent", {}))
        self.started = store.facts.get("started", _now())
        self.notes = list(dict.fromkeys([*store.facts.get("notes", []), *_notes(self.machine), *found.notes]))
        self.claiming = False
        """Whether all is measured, and the course's claims are being tried."""

    def run(self, as_json: bool, whole: bool) -> int:
        """Measure, save, try the claims of the course if it is a whole run, and report."""
        code = 0
        with interruptible() as broke_in:
            try:
                code = self._measured(broke_in)
                with uninterrupted():
                    self.save("interrupted" if code else "complete")
                if whole and not code and self.store.benchmarks:
                    self._try_claims()
                self._finish(as_json, code)
                if not code:
                    heed()
            except BaseException as error:
                if broke_in and not code:  # the first signal, or what a library made of it: a second is ignored
                    self._say_how_to_go_on()
                    return 128 + broke_in[0]
                if isinstance(error, OSError):
                    self.store.tidy()
                    self._say_what_is_kept()
                raise
        return code

    def _measured(self, broke_in: Sequence[int]) -> int:
        """The exit status of an interruption, or 0."""
        try:
            self.measure()
            heed()
        except BaseException:
            if not broke_in:
                raise
            return 128 + broke_in[0]
        return 0

    def measure(self) -> None:
        """All there is to measure. Raises `Interrupted`, after which what was measured is still there to be saved."""
        self.begun = time.monotonic()
        display = Display(len(self.found.cases), self.profile.name)
        others = Others(placement.allowed())
        try:
            with temporary() as folder, display:
                self._schedule(folder).run(lambda now: self._show(display, now), lambda: self.save("interrupted"))
        finally:
            self.ended = time.monotonic()
            self._note(others.note())

    def _show(self, display: Display, now: Progress) -> None:
        heed()
        display.show(now)

    def _try_claims(self) -> None:
        """What the course says, by this run's own cases; where that can't be stored, the run is good all the same."""
        from ipcbench.bench import claiming

        self.claiming = True
        try:
            claiming.add(self.store.file)
        except OSError as error:
            click.echo(f"the claims could not be stored: {error}", err=True)
        self.claiming = False

    def _schedule(self, folder: Path) -> Schedule:
        facts = {f"machine_{name}": value for name, value in self.machine.items() if value not in (None, "")}
        schedule = Schedule(
            *(self.profile, self.found.cases, self.store, self.seed, sampler(folder), half_width),
            describe=lambda case: facts | describe(case),
            tools=str(folder),
            earlier=self.used,
            spent=self.spent,
            width=min(len(placement.allowed()), TOGETHER),
        )
        wanted = [*self.found.cases, *(skip.case for skip in self.found.skips)]
        if any(case.workload == "floor" for case in wanted):
            try:
                floor.build(folder)
            except floor.FloorError as error:
                self._note(f"The C floor is missing: {error}")
        return schedule

    def _note(self, text: str) -> None:
        if text and text not in self.notes:  # a resumed run has those of before
            self.notes.append(text)

    def _rounds(self) -> int:
        return min(
            (self.store.samples(case) for case in self.found.cases if case.id not in self.store.failed), default=0
        )

    def _seconds(self) -> float:
        """Of measuring: what comes after it, such as the claims, doesn't count."""
        return self.earlier + (self.ended or time.monotonic()) - self.begun

    def _unmeasured(self, status: str) -> list[tuple[Case, str]]:
        """Cases left out, and those whose turn didn't come: no case is missing silently."""
        why = (
            "the budget was spent before its first sample"
            if status == "complete"
            else "not measured before the interruption"
        )
        skipped = [(skip.case, skip.reason) for skip in self.found.skips]
        late = [(case, why) for case in self.found.cases]
        return [(case, reason) for case, reason in skipped + late if not self._is_known(case)]

    def _is_known(self, case: Case) -> bool:
        """Whether it was measured or has failed: also before it came to be left out, as where a compiler is gone."""
        return bool(self.store.samples(case)) or case.id in self.store.failed

    def save(self, status: str) -> None:
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
            "seconds": self._seconds(),
            "rounds": self._rounds(),
            "precision": self.profile.precision,
            "asked": self.asked.facts(),
            "spent": self.spent.seconds,
            "machine": self.machine,
            "notes": self.notes,
        }
        if self.store.facts.get("claims"):
            facts["claims"] = self.store.facts["claims"]
        self.store.save(facts, self._unmeasured(status))

    def _command(self) -> str:
        """The command that measures the same."""
        words = ["ipcbench", "run", "--profile", self.profile.name]
        for name, text in self.texts.items():
            words += [f"--{name.replace('_', '-')}", text] if text else []
        for name, value in self.asked.facts().items():
            words += [f"--{name}", f"{value:g}"] if value is not None else []
        return shlex.join(words)

    def _finish(self, as_json: bool, code: int) -> None:
        """Say what there is; the report is drawn unless someone waits for the end."""
        from ipcbench.bench import showing

        folder = self.store.folder
        for note in self.notes:
            click.echo(f"note: {note}", err=True)
        self.say_failed()
        self._say_left_out()
        if self.store.benchmarks:
            click.echo(sentence(self.spent.seconds, self._seconds()), err=True)
        if code:
            self._say_how_to_go_on()
        elif not self.store.benchmarks:
            click.echo("no case could be measured", err=True)
        if self.store.benchmarks and not code:
            showing.report(folder, None, as_json)
        elif as_json:
            showing.rows(folder)
        elif self.store.benchmarks:
            showing.summary(folder)

    def _say_how_to_go_on(self) -> None:
        folder = shlex.quote(str(self.store.folder))
        more = "claims" if self.claiming else "run --resume --output"
        click.echo(f"interrupted; go on with: ipcbench {more} {folder}", err=True)
        self._say_what_is_kept()

    def _say_what_is_kept(self) -> None:
        if self.store.benchmarks and self.store.file.exists():
            folder = shlex.quote(str(self.store.folder))
            click.echo(f"kept: {self.store.file}  (draw it: ipcbench report {folder})", err=True)

    def say_failed(self) -> None:
        """The cases that failed, and why."""
        for name, reason in self.store.failed.items():
            click.echo(f"failed: {name}: {reason}", err=True)

    def _say_left_out(self) -> None:
        """How many cases this system, or their mechanism, can't measure."""
        reasons = Counter(skip.reason for skip in self.found.skips)
        if reasons:
            (most, _), *others = reasons.most_common()
            more = f", and for {len(others)} more reason{'s' * (len(others) > 1)}" if others else ""
            click.echo(
                f"left out: {reasons.total():,} case{'s' * (reasons.total() > 1)}: {most}{more} (ipcbench list says which)",
                err=True,
            )


def _now() -> str:
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")


def _notes(facts: dict[str, Any]) -> list[str]:
    """What the reader of the report must know of the machine: the doctor's warnings."""
    return [f"{found.name}: {found.seen}" for found in doctor.diagnose(facts) if found.level == "warning"]
