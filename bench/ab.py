"""`ipcbench ab`: B against A on one machine, by duels in two stages, with A against itself running along (docs/gate.md)."""

from __future__ import annotations

import json
import math
import random
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from subprocess import DEVNULL, PIPE, TimeoutExpired
from typing import TYPE_CHECKING, Any

import click

from ipcbench.bench import environments, machine, matrix
from ipcbench.bench.case import Case
from ipcbench.bench.checking import Outputs, Unusable
from ipcbench.bench.display import Display
from ipcbench.bench.duel import ArmFailed, CaseUnknown, Duel, bursts, fight, loops_for, warm_up
from ipcbench.bench.duel_file import DuelFile
from ipcbench.bench.effects import Effects
from ipcbench.bench.environments import Side
from ipcbench.bench.matrix import Axes, BadValue
from ipcbench.bench.orderly import Interrupted, interruptible
from ipcbench.bench.processes import session
from ipcbench.bench.schedule import Progress
from ipcbench.bench.scratch import temporary
from ipcbench.bench.task import writable

if TYPE_CHECKING:
    from ipcbench.reports.gate import Verdict

__all__ = ["EFFECT", "ab"]

EFFECT = 0.03
"""The median of the duels must be beyond it: half of the slowdown that is to be found, or half of those would be missed."""
A_DUEL = 0.45
"""Seconds, for the estimate before there is a figure of this machine."""
LISTING = 60.0
CLIENT = "from importlib.metadata import entry_points as e; next(x for x in e(group='console_scripts') if x.name == 'ipcbench').load()()"
"""The side's own command, wherever its version has it."""


def ab(
    a: str,
    b: str,
    profile: str,
    texts: dict[str, str | None],
    effects: Effects,
    outputs: Outputs,
    *,
    output: Path | None,
    seed: int | None,
    duels: int,
    strict: bool,
) -> int:
    """Gate side B against side A; gives the exit status. Raises `Unusable`, `BadValue`, `BadSide`: nothing was measured."""
    file = (output or Path("results") / datetime.now().strftime("%Y-%m-%d-%H%M%S-ab")) / "run.json"
    if file.exists():
        raise Unusable(f"{file.parent} holds a run already: choose another --output")
    if not writable(file.parent):
        raise Unusable(f"{file.parent} can't be written to: choose another --output")
    matrix.find_profile(profile)
    Axes.parse({**texts, "only": None})  # before anything is built
    seed = seed if seed is not None else random.SystemRandom().randrange(1 << 30)
    facts = {"profile": profile, "options": texts, "seed": seed, "started": _now()}
    with interruptible():
        try:
            with temporary() as folder:
                sides = {"a": environments.prepare("A", a, folder), "b": environments.prepare("B", b, folder)}
                cases = _cases(profile, texts, list(sides.values()), folder)
                effects.check([case.id for case in cases])
                gate = Gate(sides, cases, folder, effects, duels, random.Random(seed))
                click.echo(_plan(gate), err=True)
                gate.run(profile)
        except Interrupted as interrupt:
            click.echo("interrupted: no verdict", err=True)
            return interrupt.code
    return _finish(gate, file, outputs, strict, facts)


def _plan(gate: Gate) -> str:
    seconds = sum(gate.count(case) for case in gate.cases) * A_DUEL + gate.duels * A_DUEL
    return f"{len(gate.cases):,} case{'s' * (len(gate.cases) != 1)}, about {seconds:.0f} s; as long again for what looks red"


# ---- which cases ----


def _cases(profile: str, texts: dict[str, str | None], sides: Sequence[Side], folder: Path) -> list[Case]:
    """The profile's cases with the user's axes; a mechanism that only the sides know is listed by one of them."""
    try:
        found = matrix.expand(matrix.find_profile(profile), Axes.parse(texts))
    except BadValue as error:
        return _listed(profile, texts, sides, folder, error)
    chosen = [case for case in found.cases if case.workload not in ("floor", "memcpy")]
    if not chosen:
        reason = next((skip.reason for skip in found.skips), "no case fits these options")
        raise Unusable(f"nothing to compare: {reason} (the floor is the machine's, not either side's)")
    return chosen


def _listed(
    profile: str, texts: dict[str, str | None], sides: Sequence[Side], folder: Path, error: BadValue
) -> list[Case]:
    """What `ipcbench list` of B, or of A, makes of the options. Raises the runner's own error if neither knows better."""
    words = ["list", "--json", "--profile", profile]
    for name, text in texts.items():
        words += [f"--{name.replace('_', '-')}", text] if text else []
    for side in reversed(sides):
        command = [str(side.python), "-c", CLIENT, *words]
        with session(command, folder, stdout=PIPE, stderr=DEVNULL) as process:
            try:
                output, _ = process.communicate(timeout=LISTING)
            except TimeoutExpired:
                continue
        if process.returncode == 0:
            planned = [Case.parse(row["id"]) for row in json.loads(output) if row["status"] == "planned"]
            if planned:
                return planned
    raise BadValue(f"{error} (neither side's own ipcbench knows it either)") from error


# ---- measuring ----


@dataclass
class Record:
    """All that is known of a case: the duels of each stage, the loops of a burst, what an arm said, why there is nothing."""

    stages: tuple[list[Duel], list[Duel]] = field(default_factory=lambda: ([], []))
    control: list[Duel] = field(default_factory=list)
    loops: int = 0
    about: dict[str, Any] = field(default_factory=dict)
    failed: str = ""
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether duels of it make sense."""
        return not self.failed and not self.unknown


class Gate:
    """Two stages of duels over cases, in random order, controls among them; and the verdicts."""

    def __init__(
        self,
        sides: dict[str, Side],
        cases: Sequence[Case],
        folder: Path,
        effects: Effects,
        duels: int,
        chance: random.Random,
    ) -> None:
        self.sides, self.cases, self.folder, self.effects = sides, list(cases), folder, effects
        self.duels, self.chance = duels, chance
        self.records = {case: Record() for case in cases}
        self.begun = time.monotonic()

    def count(self, case: Case) -> int:
        """Duels of a case in one stage."""
        return self.duels if case.placement == "same-core" else 2 * self.duels

    def run(self, title: str) -> None:
        """Measure: all cases, then those that look red once more."""
        with Display(len(self.cases), title) as display:
            self._stage(0, self.cases, self.duels, display)
            red = [case for case in self.cases if self._looks_red(case)]
            if red:
                self._stage(1, red, -(-self.duels // 2), display)

    def _stage(self, stage: int, cases: Sequence[Case], controls: int, display: Display) -> None:
        plan = [(case, False) for case in cases for _ in range(self.count(case))]
        plan += [(case, True) for case in islice(cycle(self.chance.sample(cases, len(cases))), controls)]
        self.chance.shuffle(plan)
        begun = time.monotonic()
        for done, (case, control) in enumerate(plan):
            gone = time.monotonic() - begun
            left = (len(plan) - done) * (gone / done if done else A_DUEL)
            before = begun - self.begun
            display.show(Progress(case.id, f"stage {stage + 1}", done, len(plan), before + gone, left))
            record = self.records[case]
            if record.alive:
                self._duel(case, record, record.control if control else record.stages[stage], control)

    def _duel(self, case: Case, record: Record, into: list[Duel], control: bool) -> None:
        labels = ("a", "a") if control else ("a", "b")
        names = ("A", "A again") if control else ("A", "B")
        commands = [(name, self.sides[label].command(case.id)) for name, label in zip(names, labels, strict=True)]
        try:
            with fight(commands, self.folder, self.chance) as arms:
                record.about = record.about or arms[0].facts
                record.loops = record.loops or loops_for(arms[0])
                into.append(bursts(arms, record.loops, warm_up(arms[0], record.loops), self.chance))
        except ArmFailed as error:
            record.failed = str(error)
        except CaseUnknown as error:
            record.unknown = {name[0]: why for name, why in error.why.items()}

    def _looks_red(self, case: Case) -> bool:
        from ipcbench.reports import gate

        record = self.records[case]
        return record.alive and gate.flags(_values(record.stages[0]), self.effects(case.id))

    # ---- saying ----

    @property
    def control(self) -> list[float]:
        """The log-ratios of A against itself, over all cases."""
        return [value for record in self.records.values() for value in _values(record.control)]

    @property
    def control_is_red(self) -> bool:
        """Whether A differs from itself, by more than the smallest effect that matters to any case."""
        from ipcbench.reports import gate

        return gate.off_balance(self.control, min(self.effects(case.id) for case in self.cases))

    def verdicts(self) -> list[Verdict]:
        """One for each case."""
        red = self.control_is_red
        return [self._verdict(case, record, red) for case, record in self.records.items()]

    def _verdict(self, case: Case, record: Record, control_is_red: bool) -> Verdict:
        from ipcbench.reports import gate

        effect = self.effects(case.id)
        if record.failed:
            return gate.Verdict(case.id, gate.FAILED, min_effect=effect, reason=record.failed)
        if record.unknown:
            reason = "; ".join(f"unknown to {name}: {why}" for name, why in sorted(record.unknown.items()))
            return gate.Verdict(case.id, gate.INCONCLUSIVE, min_effect=effect, reason=reason)
        first, second = (_values(stage) for stage in record.stages)
        return gate.judge_duels(case.id, first, second, effect, control_is_red)

    def notes(self) -> Iterator[str]:
        """The sides, and what the control says."""
        yield from map(str, self.sides.values())
        yield f"A/A control: {self._of_control()}"

    def _of_control(self) -> str:
        from ipcbench.reports import gate

        control, effect = self.control, min(self.effects(case.id) for case in self.cases)
        if not control:
            return "no duel of A against itself could be fought"
        low, middle, high = (math.expm1(each) for each in gate.median_interval(control))
        if self.control_is_red:
            state = "red, so no case is called regressed"
        elif -effect < low and high < effect:
            state = "as it should be"
        else:
            state = f"too few or too wide to tell it from ±{100 * effect:g} %"
        shift = f"{100 * middle:+.1f} % (between {100 * low:+.1f} and {100 * high:+.1f})"
        return f"{shift} over {len(control)} duels of A against itself, {state}"


def _now() -> str:
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")


def _command(seed: int) -> str:
    """What does the same again, in the same order."""
    given = any(word.partition("=")[0] == "--seed" for word in sys.argv)
    return shlex.join(["ipcbench", *sys.argv[1:], *([] if given else ["--seed", str(seed)])])


def _values(duels: Sequence[Duel]) -> list[float]:
    return [each.value for each in duels]


def _finish(gate: Gate, file: Path, outputs: Outputs, strict: bool, facts: dict[str, Any]) -> int:
    """Save, show, and give the exit status. Raises `Unusable` when no case could be compared."""
    from ipcbench.reports import verdicts as forms

    if all(record.unknown for record in gate.records.values()):
        case, record = next(iter(gate.records.items()))
        why = "; ".join(f"unknown to {name}: {reason}" for name, reason in sorted(record.unknown.items()))
        raise Unusable(f"A and B have no case in common: {case.id}: {why}")
    verdicts, notes = gate.verdicts(), list(gate.notes())
    _save(gate, file, facts, forms.to_json(verdicts), notes)
    outputs.give(verdicts, notes)
    click.echo(f"kept: {file}", err=True)
    return forms.exit_status(verdicts, strict)


def _save(gate: Gate, file: Path, facts: dict[str, Any], verdicts: list[dict[str, Any]], notes: list[str]) -> None:
    kept = DuelFile(file, gate.sides, machine.facts())
    for case, record in gate.records.items():
        stages = [duel for stage in record.stages for duel in stage]
        kept.add(case, record.about, record.loops, stages, ("a", "b"))
        kept.add(case, record.about, record.loops, record.control, ("control-1", "control-2"))
    own = {
        **facts,
        "version": version("ipcbench"),
        "command": _command(facts["seed"]),
        "status": "complete",
        "ended": _now(),
        "seconds": time.monotonic() - gate.begun,
        "rounds": gate.duels,
        "notes": notes,
        "verdicts": verdicts,
        "control": {"red": gate.control_is_red, "duels": gate.control},
    }
    kept.save(own, [(case, record.about, record.failed) for case, record in gate.records.items() if record.failed])
