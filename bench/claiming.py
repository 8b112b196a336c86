"""`ipcbench claims`: what the course says, put to the test on this machine.

Observed claims are looked at now. Judged ones go by the cases of a run where that has all of theirs, else by cases measured now,
together: a comparison across two runs would be one across the machine's moods. A run of another machine is judged by its own cases alone.
"""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ipcbench.bench import judging, machine
from ipcbench.bench import workload as workloads
from ipcbench.bench.campaign import Asked, Campaign, Refused
from ipcbench.bench.case import Case
from ipcbench.bench.claim import Claim, Figures, Finding, Judged, Observed, claims
from ipcbench.bench.display import Display
from ipcbench.bench.matrix import BadValue, Matrix, Skip, unknown
from ipcbench.bench.observers import observe
from ipcbench.bench.orderly import Interrupted, interruptible, uninterrupted
from ipcbench.bench.profiles import Profile
from ipcbench.bench.scratch import temporary
from ipcbench.bench.store import RunExists, Store
from ipcbench.bench.task import replace_json, writable

if TYPE_CHECKING:
    from ipcbench.reports import schema

__all__ = ["add", "run"]

PROFILE = Profile("claims", (), rounds=3, most=60, precision=0.04, budget=150, recorded=60)
"""Measured for claims: all of it within three minutes, with what is observed."""


def run(result: Path | None, *, output: Path | None, only: str | None, measure: bool, as_json: bool) -> int:
    """Try the claims, show and store the verdicts; gives the exit status. Raises `BadValue`, `Refused`, `ResultError`."""
    from ipcbench.reports import schema

    chosen = _choose(only)
    given = None if result is None else schema.load(result)
    if given is not None and not writable(given.path.parent):
        raise Refused(f"{given.path.parent} can't be written to: the verdicts are stored in the run")
    if given is not None and not given.path.is_file():
        raise Refused(f"{given.path} is no regular file: the verdicts are stored in the run")
    trial = _Trial(chosen, given)
    campaign = _campaign(trial, output) if measure else None
    if output is not None and campaign is None:
        click.echo(f"nothing is measured: {output} isn't needed", err=True)
    with interruptible():
        code = _try(trial, campaign)
        file = _file(given, campaign)
        try:
            _conclude(trial, campaign, file, as_json, whole=not code)
        except Interrupted as interrupt:
            code = interrupt.code
        if code:
            where = result or (file and file.parent)
            rest = shlex.join(["ipcbench", "claims", *([str(where)] if where else [])])
            click.echo(f"interrupted; the rest: {rest}", err=True)
    return code


def _try(trial: _Trial, campaign: Campaign | None) -> int:
    """Observe, then measure; gives the exit status of an interruption, or 0. What was come to until then is kept."""
    status = "interrupted"
    try:
        trial.observe()
        if campaign is not None:
            try:
                campaign.measure()
                status = "complete"
            finally:
                with uninterrupted():
                    campaign.save(status)
                    trial.take(campaign.store)
    except Interrupted as interrupt:
        return interrupt.code
    return 0


def _conclude(trial: _Trial, campaign: Campaign | None, file: Path | None, as_json: bool, whole: bool) -> None:
    """Judge, store the verdicts where they belong, and show them, also where they can't be stored."""
    verdicts = trial.verdicts(whole)
    try:
        if file is not None:
            _store(file, verdicts)
    finally:
        _say(trial, campaign, verdicts, as_json)


def add(file: Path) -> None:
    """Try all claims by the cases of a run that was just made here, and store them there. Raises OSError, `Interrupted`."""
    from ipcbench.reports import schema

    trial = _Trial(claims(), schema.load(file), here=True)
    trial.observe()
    _store(file, trial.verdicts(whole=True))


def _choose(only: str | None) -> list[Claim]:
    """The claims of those ids or wildcards. Raises `BadValue`."""
    known = [each.id for each in claims()]
    if only is None:
        return list(claims())
    wanted: set[str] = set()
    for part in filter(None, (part.strip() for part in only.split(","))):
        found = [name for name in known if fnmatchcase(name, part)]
        if not found:
            raise BadValue(unknown("claim", part, known))
        wanted.update(found)
    if not wanted:
        raise BadValue("--only is empty")
    return [each for each in claims() if each.id in wanted]


@dataclass
class _Trial:
    """The claims on trial, and what is known so far."""

    chosen: Sequence[Claim]
    given: schema.Result | None
    here: bool = False
    """The run was made by this very process."""
    found: dict[str, Finding] = field(default_factory=dict)
    known: dict[str, Figures] = field(default_factory=dict)
    fresh: dict[str, Figures] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from ipcbench.reports.origin import elsewhere

        self.elsewhere: list[str] = []
        if self.given is not None:
            self.elsewhere = [] if self.here else elsewhere(self.given, _this_machine())
            self.known = judging.figures(self.given)
            self.reasons = {each.id: each.reason for each in self.given.facts.cases}

    @property
    def observed(self) -> list[Claim]:
        """To be looked at here: none where the run is about another machine."""
        return [each for each in self.chosen if isinstance(each.check, Observed) and not self.elsewhere]

    @property
    def judged(self) -> list[Claim]:
        """To be judged by cases."""
        return [each for each in self.chosen if isinstance(each.check, Judged)]

    def observe(self) -> None:
        """Look at what is to be observed."""
        if self.observed:
            with temporary() as folder, Display(len(self.observed), "observing", noun="claims") as display:
                observe(self.observed, folder, self.found, display.show)

    def lacking(self) -> Matrix:
        """The cases to be measured: all of those claims whose cases aren't all there, but of none that can't be judged here."""
        refused: dict[Case, str] = {}
        wanted: dict[Case, None] = {}
        for claim in self.judged if not self.elsewhere else ():
            cases = [Case.parse(each) for each in claim.cases]
            if all(each in self.known for each in claim.cases):
                continue
            reasons = {case: found.reason for case in cases if (found := workloads.load(case.workload).refuse(case))}
            refused |= reasons
            wanted |= dict.fromkeys(() if reasons else cases)
        return Matrix(tuple(wanted), tuple(Skip(case, why) for case, why in refused.items()))

    def take(self, store: Store) -> None:
        """What was measured for it."""
        from ipcbench.reports import schema

        with suppress(schema.ResultError):  # interrupted before anything was measured
            result = schema.load(store.file)
            self.fresh = judging.figures(result)
            self.reasons |= {each.id: each.reason for each in result.facts.cases}

    def verdicts(self, whole: bool) -> list[schema.Claim]:
        """In the order of the course; of an interrupted trial what was come to."""
        for claim in self.judged:
            have = self._of_one_run(claim.cases)
            if whole or all(each in have for each in claim.cases):
                self.found[claim.id] = judging.judge(claim, have, self.reasons)
        return [_claim(each, self.found[each.id]) for each in self.chosen if each.id in self.found]

    def _of_one_run(self, cases: Sequence[str]) -> dict[str, Figures]:
        """Figures to judge by: of the run that was given where it has them all, or none was measured since; never of both."""
        whole, since = all(each in self.known for each in cases), any(each in self.fresh for each in cases)
        return self.known if whole or not since else self.fresh


def _this_machine() -> dict[str, Any]:
    """What a case measured here would say of the machine."""
    import pyperf

    facts = {f"machine_{name}": value for name, value in machine.facts().items() if value not in (None, "")}
    return {**pyperf.Run([1.0]).get_metadata(), **facts}


def _claim(claim: Claim, found: Finding) -> schema.Claim:
    from ipcbench.reports import schema

    return schema.Claim(claim.id, claim.section, claim.text, found.verdict, found.evidence, list(claim.cases))  # type: ignore[arg-type]


def _campaign(trial: _Trial, output: Path | None) -> Campaign | None:
    """What measures the cases that are lacking; None where there are none. Raises `Refused`."""
    lacking = trial.lacking()
    trial.reasons |= {skip.case.id: skip.reason for skip in lacking.skips}
    if not lacking.cases:
        return None
    folder = output or Path("results") / f"{datetime.now():%Y-%m-%d-%H%M%S}-claims"
    try:
        store = Store.create(folder)
    except (RunExists, OSError) as error:
        raise Refused(str(error)) from error
    seed = random.SystemRandom().randrange(1 << 30)
    return Campaign(PROFILE, Asked(), lacking, store, {}, seed, command="ipcbench claims")


def _file(given: schema.Result | None, campaign: Campaign | None) -> Path | None:
    """Where the verdicts belong: in the run that was given, else in the new one. A new one that never began leaves no folder."""
    begun = campaign is not None and campaign.store.file.exists()
    if campaign is not None and not begun:
        with suppress(OSError):
            campaign.store.folder.rmdir()
    if given is not None:
        return given.path
    return campaign.store.file if campaign is not None and begun else None


def _store(file: Path, verdicts: Sequence[schema.Claim]) -> None:
    """Put the verdicts into a result file, in place of older ones on the same claims. Raises OSError."""
    from ipcbench.reports.claims import to_json

    data = json.loads(file.read_text())
    order = {each.id: place for place, each in enumerate(claims())}
    kept = {each["id"]: each for each in data["ipcbench"].get("claims", [])} | {
        each["id"]: each for each in to_json(verdicts)
    }
    data["ipcbench"]["claims"] = sorted(kept.values(), key=lambda each: order.get(each["id"], len(order)))
    replace_json(file, data)


def _say(trial: _Trial, campaign: Campaign | None, verdicts: Sequence[schema.Claim], as_json: bool) -> None:
    """The verdicts on standard output, the rest on standard error."""
    from rich.console import Console

    from ipcbench.reports import claims as forms

    if trial.elsewhere:
        click.echo(f"the run was measured elsewhere: {'; '.join(trial.elsewhere)}", err=True)
        left = sum(isinstance(each.check, Observed) for each in trial.chosen)
        if left:
            click.echo(f"{left} claims would be observed on this machine, not on that one: left out", err=True)
    if campaign is not None:
        campaign.say_failed()
    console = Console()
    if as_json:
        click.echo(json.dumps(forms.to_json(verdicts), indent=1, ensure_ascii=False))
    elif console.is_terminal:
        console.print(forms.render(verdicts))
    else:
        for line in forms.text(verdicts):
            click.echo(line)
    click.echo(forms.headline(verdicts), err=as_json)
    if campaign is not None and campaign.store.file.exists():
        folder = shlex.quote(str(campaign.store.folder))
        click.echo(f"measured: {campaign.store.file}  (draw it: ipcbench report {folder})", err=True)
