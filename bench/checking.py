"""`ipcbench check`, and what it shares with `ipcbench ab`: verdicts shown, written, and turned into an exit status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ipcbench.bench.effects import Effects
from ipcbench.bench.showing import wide_console
from ipcbench.bench.task import replace_file, writable

if TYPE_CHECKING:
    from ipcbench.reports.gate import Verdict

__all__ = ["Outputs", "Unusable", "check"]

EFFECT = 0.05
SHORT = 40
"""Cases up to which all are shown; beyond, those without a regression are only counted."""


class Unusable(Exception):
    """Nothing can be said: each line of the text is one reason. Exit status 2."""


class Outputs:
    """Where verdicts go: files, written beside and renamed, and standard output."""

    def __init__(self, title: str, markdown: Path | None, junit: Path | None, as_json: bool) -> None:
        """Raises `Unusable` when a file can't be written there: now, not after the measuring."""
        self.title, self.markdown, self.junit, self.as_json = title, markdown, junit, as_json
        for file in (markdown, junit):
            why = _unwritable(file) if file is not None else ""
            if why:
                raise Unusable(f"can't write {file}: {why}")

    def give(self, verdicts: Sequence[Verdict], notes: Sequence[str]) -> None:
        """Write and show everything."""
        from ipcbench.reports import verdicts as forms

        if self.markdown is not None:
            replace_file(self.markdown, forms.to_markdown(verdicts, self.title, notes).encode())
        if self.junit is not None:
            replace_file(self.junit, forms.to_junit(verdicts, self.title))
        for note in notes:
            click.echo(f"note: {note}", err=True)
        if self.as_json:
            click.echo(json.dumps(forms.to_json(verdicts), indent=1))
        else:
            _show(verdicts)


def _unwritable(file: Path) -> str:
    """Why that file can't be written; empty where it can."""
    if file.is_dir():
        return "it is a folder"
    folder = file.absolute().parent
    if not folder.is_dir():
        return "its folder is missing"
    return "" if writable(folder) else "its folder can't be written to"


def _show(verdicts: Sequence[Verdict]) -> None:
    from ipcbench.reports import gate
    from ipcbench.reports import verdicts as forms

    compared = [each for each in verdicts if not forms.is_one_sided(each)]
    telling = [each for each in compared if each.verdict != gate.NO_REGRESSION]
    for line in forms.reasons(verdicts):
        click.echo(line)
    if rows := compared if len(compared) <= SHORT else telling:
        wide_console().print(forms.render(rows))
    click.echo(forms.headline(verdicts))


def check(
    baseline: Path, current: Path, effects: Effects, outputs: Outputs, *, across_machines: bool, strict: bool
) -> int:
    """Gate a stored run against another; gives the exit status. Raises `Unusable`, `BadValue`, `ResultError`."""
    from ipcbench.reports import baseline as pairing
    from ipcbench.reports import gate, schema
    from ipcbench.reports import verdicts as forms

    try:
        found = pairing.match(schema.load(baseline), schema.load(current), across_machines)
    except pairing.NotComparable as error:
        raise Unusable(str(error)) from error
    effects.check([*found.samples, *(each.id for each in found.unpaired)])
    verdicts = [replace(each, wide=each.id in found.wide) for each in gate.judge(found.samples, effects)]
    verdicts += found.unpaired
    outputs.give(verdicts, found.notes)
    return forms.exit_status(verdicts, strict)
