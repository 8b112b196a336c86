"""The command line: each command is declared here and done elsewhere, imported only when it is called."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from ipcbench.bench.console import told
from ipcbench.bench.paths import FILE, FOLDER, RESULT

__all__ = ["DUELS", "cli"]

Command = TypeVar("Command", bound=Callable[..., Any])

BAD_VALUE = 2
DUELS = 10
"""Of a case and stage on one core, unless asked otherwise; six are the fewest whose interval has 95 %."""
WORKLOADS = Path(__file__).parent / "workloads"
AXES = {
    "only": ("NAMES", "Mechanisms, such as 'pipe,queue' or 'shared-memory*'."),
    "workload": ("NAMES", f"{', '.join(sorted(file.stem.replace('_', '-') for file in WORKLOADS.glob('[a-z]*.py')))}."),
    "payload": ("KINDS", "bytes, array (numpy float64), object (pickled), scalar, or none (locks, signals)."),
    "size": ("SIZES", "Such as '64,1KiB,1MiB', or 'around:64KiB' to look at a cliff."),
    "processes": (
        "COUNTS",
        "N of fan-out, fan-in, pairs and mesh, workers of a pool, rivals for a lock, such as '1,2,4,8'.",
    ),
    "start_method": ("NAMES", "fork, forkserver, spawn, or none (foreign programs)."),
    "placement": ("NAMES", "cross-core, same-core, free."),
    "rate": (
        "RATES",
        "Round trips at a fixed rate, such as '1000,5000,20000' a second, timed from the intended start.",
    ),
}


class OneLine(click.ClickException):
    """An error that takes one line and exits with 2."""

    exit_code = BAD_VALUE

    def show(self, file: Any = None) -> None:
        """Print it, marked with the program's name."""
        click.echo(f"ipcbench: {self.format_message()}", err=True, file=file)


class Commands(click.Group):
    """The commands; a wrong name or option is one line too, not the usage."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command called. Raises `OneLine` with the nearest one."""
        if args and args[0] not in self.commands and args[0][:1].isalnum():
            from ipcbench.bench.matrix import unknown

            raise OneLine(unknown("command", args[0], list(self.commands)))
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The options before the command. Raises `OneLine` for one that there isn't."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise OneLine(" ".join(error.format_message().split())) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. Raises `OneLine` for whatever click refuses."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise OneLine(" ".join(error.format_message().split())) from error


def axis_flags(command: Command, profile: str = "standard") -> Command:
    """The options that set axes, as they are declared; `profile` is the default of that option."""
    flagged: Any = command
    for name, (metavar, text) in reversed(AXES.items()):
        flagged = click.option(f"--{name.replace('_', '-')}", name, metavar=metavar, help=text)(flagged)
    names = "quick, standard, rigorous or gate."
    return click.option("--profile", default=profile, show_default=True, help=names)(flagged)  # type: ignore[no-any-return]


def _share(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """`2%` or `0.02`, between nought and one."""
    if text is None:
        return None
    number, factor = (text.strip()[:-1], 100) if text.strip().endswith("%") else (text, 1)
    with suppress(ValueError):
        found = float(number) / factor
        if 0 < found < 1:
            return found
    raise OneLine(f"unknown precision {text!r}: write a share between 0 and 100 %, such as 2% or 0.02")


UNITS = {"s": 1, "m": 60, "h": 3600}


def _duration(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """`90s`, `10m`, `1h` or plain seconds."""
    if text is None:
        return None
    unit = text.strip()[-1:]
    number = text.strip()[:-1] if unit in UNITS else text
    with suppress(ValueError):
        found = float(number) * UNITS.get(unit, 1)
        if 0 < found < math.inf:
            return found
    raise OneLine(f"unknown time {text!r}: write such as 90s, 10m or 1h")


def axes_options(command: Command) -> Command:
    """The options that set axes; the command gets them as one `Axes`."""

    @wraps(command)
    def with_axes(**options: Any) -> Any:
        from ipcbench.bench.matrix import Axes, BadValue

        texts = {name: options.pop(name) for name in AXES}
        try:
            return command(axes=Axes.parse(texts), texts=texts, **options)
        except BadValue as error:
            raise OneLine(str(error)) from error

    return axis_flags(with_axes)  # type: ignore[return-value]


def _only(allowed: tuple[str, ...], why: str) -> None:
    """Refuse, in one line, what else was given on the command line."""
    from click.core import ParameterSource

    context = click.get_current_context()
    for name in context.params:
        if name not in allowed and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise OneLine(f"{why}: leave out --{name.replace('_', '-')}")


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON alone to standard output.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ipcbench")
def cli() -> None:
    """Measure how Python's processes work together on this machine: messages, starting, pools, locks, signals, scheduling.

    \b
    ipcbench run                                  the standard profile, 10 minutes
    ipcbench run --profile quick                  a first look, 90 seconds
    ipcbench run --only 'pipe,queue' --size 1MiB  just what you must choose between
    ipcbench list --workload fan-out              what would be measured
    ipcbench report results/2026-01-31-120000     draw a run's report again
    ipcbench compare OLD NEW                      two runs side by side
    ipcbench check --baseline OLD NEW             did a case get slower?
    ipcbench ab --a rev:HEAD~1 --b rev:HEAD       the same, both measured now, in turn
    ipcbench claims results/2026-01-31-120000     what the course says, put to the test
    ipcbench doctor                               what makes numbers noisy here
    """  # noqa: D301 - click's own mark for text that isn't wrapped


@cli.command("list")
@axes_options
@as_json
def list_(axes: Any, texts: dict[str, str | None], profile: str, as_json: bool) -> None:  # noqa: ARG001 - shared option
    """Show the cases that `run` would measure, and those left out with the reason."""
    from ipcbench.bench import listing, matrix

    found = matrix.expand(matrix.find_profile(profile), axes)
    click.echo(listing.as_json(found) if as_json else listing.as_text(found))


@cli.command()
@axes_options
@click.option("--output", type=FOLDER, help="Folder of the run  [results/<time>]")
@click.option("--resume", is_flag=True, help="Go on with the run in --output.")
@click.option("--seed", type=int, default=None, help="Makes the order of the samples repeatable.")
@click.option(
    "--precision",
    callback=_share,
    metavar="SHARE",
    help="Half a case's 95 % interval at which it is done, such as 2%  [by profile]",
)
@click.option(
    "--budget",
    callback=_duration,
    metavar="TIME",
    help="How long to measure at most, such as 90s, 10m or 1h  [by profile]",
)
@click.option(
    "--rounds", type=click.IntRange(1, 1000), help="Just so many samples of each case, whatever its interval."
)
@as_json
def run(
    axes: Any,
    texts: dict[str, str | None],
    profile: str,
    as_json: bool,
    precision: float | None,
    budget: float | None,
    rounds: int | None,
    **options: Any,
) -> None:
    """Measure, and draw the report.

    Axis options set an axis, also beyond the profile. Ctrl-C keeps what was measured.
    """
    from ipcbench.bench import campaign

    if rounds is not None and precision is not None:
        raise OneLine("--rounds takes just so many samples, --precision as many as it needs: give one of them")
    if options["resume"]:
        _only(("resume", "output", "precision", "budget", "as_json"), "--resume goes on with the run as it was begun")
    order = campaign.Order(profile, axes, texts, campaign.Asked(rounds, precision, budget), options.pop("seed"))
    with _result_errors():
        try:
            sys.exit(campaign.run(order, as_json=as_json, **options))
        except campaign.Refused as error:
            raise OneLine(str(error)) from error


@cli.command()
@click.argument("result", type=RESULT)
@click.option("--output", type=FOLDER, help="Folder for the report  [beside the result]")
@as_json
def report(result: Path, output: Path | None, as_json: bool) -> None:
    """Draw the tables, figures and page of a stored run (a result file or its folder)."""
    from ipcbench.bench import showing

    with _result_errors():
        showing.report(result, output, as_json)


@cli.command()
@click.argument("result", type=RESULT, required=False)
@click.option(
    "--output",
    type=FOLDER,
    help="Folder of what is measured  [results/<time>-claims]",
)
@click.option("--only", metavar="IDS", help="Claims, such as 'zombie,pipe-*'.")
@click.option("--no-measure", is_flag=True, help="Judge by the cases of RESULT alone.")
@as_json
def claims(result: Path | None, output: Path | None, only: str | None, no_measure: bool, as_json: bool) -> None:
    """Put what the course says to the test: each claim with a verdict on this machine.

    With RESULT (a result file or its folder) performance is judged by its cases, and the verdicts are stored there, so that its
    report shows them. What is lacking is measured, in three minutes at most.
    """
    from ipcbench.bench import claiming
    from ipcbench.bench.campaign import Refused
    from ipcbench.bench.matrix import BadValue

    with _result_errors():
        try:
            sys.exit(claiming.run(result, output=output, only=only, measure=not no_measure, as_json=as_json))
        except (BadValue, Refused) as error:
            raise OneLine(str(error)) from error


@cli.command()
@click.argument("old", type=RESULT)
@click.argument("new", type=RESULT)
@as_json
def compare(old: Path, new: Path, as_json: bool) -> None:
    """Show two runs side by side: the ratio of each case with its uncertainty."""
    from ipcbench.bench import showing

    with _result_errors():
        showing.compare(old, new, as_json)


def gate_options(command: Command) -> Command:
    """What `check` and `ab` have in common."""
    flagged: Any = as_json(command)
    for option in (
        click.option("--strict", is_flag=True, help="Exit with 3 when a case is inconclusive."),
        click.option("--junit", type=FILE, help="Write JUnit XML there."),
        click.option("--markdown", type=FILE, help="Write Markdown there, for a pull request's summary."),
        click.option(
            "--min-effect",
            multiple=True,
            metavar="[CASES=]PERCENT",
            help="The slowdown that matters, such as 5% or 'round-trip/queue/*=10%'; may be repeated.",
        ),
    ):
        flagged = option(flagged)
    return flagged  # type: ignore[no-any-return]


@cli.command()
@click.option("--baseline", type=RESULT, required=True, help="The run to compare with.")
@click.argument("current", type=RESULT)
@click.option("--across-machines", is_flag=True, help="Compare runs of different machines, Pythons or kernels.")
@gate_options
def check(baseline: Path, current: Path, across_machines: bool, strict: bool, **options: Any) -> None:
    """Did a case get slower than in a stored run? Exits with 1 if so, with 2 if a run is unusable or a case failed.

    A slowdown must be significant over worker processes, with all cases together, and beyond --min-effect (5%). Where
    cases are only inconclusive it exits with 0, or with 3 if --strict is given.
    """
    from ipcbench.bench import checking

    with _gate_errors():
        effects, outputs = _gating(options, checking.EFFECT, "Regression check against a stored run")
        sys.exit(checking.check(baseline, current, effects, outputs, across_machines=across_machines, strict=strict))


@cli.command()
@click.option("--a", required=True, metavar="SIDE", help="What to compare with: python:PATH or rev:GIT-REVISION.")
@click.option("--b", required=True, metavar="SIDE", help="What may have become slower, in the same way.")
@partial(axis_flags, profile="gate")
@click.option(
    "--duels", type=click.IntRange(6, 1000), default=DUELS, show_default=True, help="Duels of a case on one core."
)
@click.option("--seed", type=int, default=None, help="Makes the order of the duels repeatable.")
@click.option("--output", type=FOLDER, help="Folder  [results/<time>-ab]")
@gate_options
def ab(
    a: str, b: str, profile: str, output: Path | None, seed: int | None, duels: int, strict: bool, **options: Any
) -> None:
    """Is B slower than A? Both run side by side, in short bursts in turn; exits with 1 if a case is.

    A slowdown must be significant, and beyond --min-effect (3%), in two independent sets of duels.
    """
    from ipcbench.bench import ab as duelling

    texts = {name: options.pop(name) for name in AXES}
    with _gate_errors():
        effects, outputs = _gating(options, duelling.EFFECT, "Regression check, B against A")
        sys.exit(
            duelling.ab(*(a, b, profile, texts, effects, outputs), output=output, seed=seed, duels=duels, strict=strict)
        )


def _gating(options: dict[str, Any], effect: float, title: str) -> tuple[Any, Any]:
    """The `Effects` and `Outputs` of the options that `gate_options` declares."""
    from ipcbench.bench.checking import Outputs
    from ipcbench.bench.effects import Effects

    effects = Effects(options["min_effect"], effect)
    return effects, Outputs(title, options["markdown"], options["junit"], options["as_json"])


@cli.command()
@as_json
def doctor(as_json: bool) -> None:
    """Say what about this machine makes numbers noisy, and what to do."""
    from rich.console import Console

    from ipcbench.bench import doctor as doctor_
    from ipcbench.bench import machine

    findings = doctor_.diagnose(machine.facts())
    if as_json:
        click.echo(json.dumps(doctor_.as_json(findings), indent=1))
    else:
        Console().print(doctor_.render(findings))


class _result_errors:  # noqa: N801 - reads as a statement
    """Turns an unusable result file, or a file that can't be written, into one line and exit status 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, (SystemExit, click.ClickException, BrokenPipeError)):
            return
        from ipcbench.reports.schema import ResultError

        if isinstance(error, OSError) and error.strerror:
            raise OneLine(told(error)) from error
        if isinstance(error, (ResultError, OSError)):
            raise OneLine(" ".join(str(error).split())) from error


class _gate_errors(_result_errors):  # noqa: N801 - reads as a statement
    """Turns whatever makes a gate impossible into one line for each reason and exit status 2."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from ipcbench.bench.checking import Unusable
        from ipcbench.bench.environments import BadSide
        from ipcbench.bench.matrix import BadValue

        if isinstance(error, (Unusable, BadSide, BadValue)):
            raise OneLine("\nipcbench: ".join(str(error).splitlines())) from error
        super().__exit__(kind, error, trace)
        if isinstance(error, Exception) and not isinstance(error, (click.ClickException, BrokenPipeError)):
            text = " ".join(f"{kind.__name__ if kind else ''}: {error}".split())
            raise OneLine(
                f"there is no verdict, as something failed that should not: {text}"
            ) from error  # 1 would be a regression
