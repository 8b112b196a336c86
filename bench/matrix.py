"""Cases of a profile: the product of its axes, set by the user's options, minus what can't be, with the reason."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from functools import cache
from itertools import product

from ipcbench.bench import sizes
from ipcbench.bench import workload as workloads
from ipcbench.bench.case import PAYLOADS, PLACEMENTS, START_METHODS, Case
from ipcbench.bench.profiles import DEFAULT, PROFILES, Block, Profile
from ipcbench.bench.recording import RATES
from ipcbench.ipc import registry

__all__ = ["Axes", "BadValue", "Matrix", "Skip", "expand", "find_profile", "subjects", "unknown"]

FEW = 10
"""Names that are all told to whoever gave one that doesn't exist."""


class BadValue(ValueError):
    """An option's value that doesn't exist; one line that names the nearest right one."""


@dataclass(frozen=True)
class Axes:
    """What the user set; None leaves an axis to the profile."""

    only: tuple[str, ...] | None = None
    workload: tuple[str, ...] | None = None
    payload: tuple[str, ...] | None = None
    size: tuple[int, ...] | None = None
    processes: tuple[int, ...] | None = None
    start_method: tuple[str, ...] | None = None
    placement: tuple[str, ...] | None = None
    rate: tuple[int, ...] | None = None

    @classmethod
    def parse(cls, texts: dict[str, str | None]) -> Axes:
        """From comma lists by axis. Raises `BadValue`."""
        known: dict[str, Callable[[], Sequence[str]]] = {
            "only": subjects,
            "workload": workloads.names,
            "payload": lambda: PAYLOADS,
            "start_method": lambda: START_METHODS,
            "placement": lambda: PLACEMENTS,
        }
        values: dict[str, tuple[str, ...] | tuple[int, ...] | None] = {}
        for axis, text in texts.items():
            if text is None:
                continue
            parts = [part.strip() for part in text.split(",") if part.strip()]
            if not parts:
                raise BadValue(f"--{axis.replace('_', '-')} is empty")
            if axis in known:
                values[axis] = tuple(_matching(axis, parts, known[axis]()))
            elif axis == "size":
                values[axis] = tuple(_sizes(parts))
            elif axis == "rate":
                values[axis] = tuple(_rate(part) for part in parts)
            else:
                values[axis] = tuple(_count(part) for part in parts)
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Skip:
    """A case left out, and why."""

    case: Case
    reason: str


@dataclass(frozen=True)
class Matrix:
    """What will be measured and what was left out."""

    cases: tuple[Case, ...]
    skips: tuple[Skip, ...]
    notes: tuple[str, ...] = ()
    """What was asked for and comes to nothing."""


@cache
def subjects() -> tuple[str, ...]:
    """All that `--only` can name: mechanisms of any workload."""
    return tuple(sorted({name for each in workloads.names() for name in workloads.load(each).subjects()}))


def find_profile(name: str) -> Profile:
    """The profile of that name. Raises `BadValue`."""
    if name not in PROFILES:
        raise BadValue(unknown("profile", name, tuple(PROFILES)))
    return PROFILES[name]


def expand(profile: Profile, axes: Axes) -> Matrix:
    """All cases of the profile with the user's axes set."""
    cases: dict[Case, None] = {}
    skips: dict[Case, str] = {}
    blocks = [*profile.blocks, *_of_workloads(profile.name)]
    for block in [*blocks, *_beyond(blocks, axes)]:
        for case in _product(_set(block, axes)):
            why = _refused(case)
            if why is None:
                cases[case] = None
            else:
                skips[case] = why
    notes = (*_strangers(axes, [*cases, *skips]), *_unpeopled(axes, cases))
    return Matrix(tuple(cases), tuple(Skip(case, reason) for case, reason in skips.items()), notes)


def _refused(case: Case) -> str | None:
    """Why the case can't be measured; a mechanism from elsewhere that can't even say so is left out for that."""
    try:
        refusal = workloads.load(case.workload).refuse(case)
        return None if refusal is None else refusal.reason
    except (Exception, SystemExit) as error:
        if case.mechanism not in registry.names() or not registry.is_foreign(case.mechanism):
            raise
        return f"{case.mechanism} is broken: {type(error).__name__}: {' '.join(str(error).split())}"


def _strangers(axes: Axes, cases: Iterable[Case]) -> Iterator[str]:
    """Mechanisms that no workload chosen knows; nothing where a wildcard named a heap of them."""
    names = sorted({*(axes.only or ())} - {case.mechanism for case in cases})
    if 0 < len(names) <= FEW:
        yield f"{', '.join(names)}: no workload chosen measures {'it' if len(names) == 1 else 'them'}"


def _unpeopled(axes: Axes, cases: Iterable[Case]) -> Iterator[str]:
    """Workloads that have as many processes as they have."""
    names = sorted({case.workload for case in cases if not _is_peopled(workloads.load(case.workload))})
    if names and axes.processes not in (None, (1,)):
        yield f"{', '.join(names)}: --processes changes nothing there"


def _of_workloads(profile: str) -> Iterator[Block]:
    """What the workloads' own files add to that profile."""
    for name in workloads.names():
        yield from workloads.load(name).blocks.get(profile, ())


def _beyond(blocks: Sequence[Block], axes: Axes) -> Iterator[Block]:
    """Plain blocks for chosen workloads and mechanisms that no block of the profile has together."""
    had = {pair for block in blocks for pair in product(block.workloads, _subjects_of(block))}
    if axes.workload is not None:
        new = {(name, subject) for name in axes.workload for subject in workloads.load(name).subjects()} - had
        new = {(name, subject) for name, subject in new if axes.only is None or subject in axes.only}
    else:
        new = set(_elsewhere(blocks, set(axes.only or ()) - {subject for _, subject in had}))
    for name in sorted({name for name, _ in new}):
        subjects = {subject for workload, subject in new if workload == name}
        for block in workloads.load(name).plain():
            yield replace(block, mechanisms=tuple(sorted(subjects & _subjects_of(block))))


def _elsewhere(blocks: Sequence[Block], subjects: set[str]) -> Iterator[tuple[str, str]]:
    """Where mechanisms that the profile lacks are measured: by its own workloads as far as those know them, else by all that do."""
    own = dict.fromkeys(name for block in blocks for name in block.workloads)
    for subject in subjects:
        knowing = [name for name in workloads.names() if subject in workloads.load(name).subjects()]
        yield from ((name, subject) for name in [name for name in knowing if name in own] or knowing)


def _subjects_of(block: Block) -> set[str]:
    known = {subject for name in block.workloads for subject in workloads.load(name).subjects()}
    return {name for name in known if any(fnmatchcase(name, pattern) for pattern in block.mechanisms)}


def _set(block: Block, axes: Axes) -> Block:
    """The block with the axes that the user set; of workloads and mechanisms, those it has in common with them."""
    names = {
        "payload": "payloads",
        "size": "sizes",
        "processes": "processes",
        "start_method": "start_methods",
        "placement": "placements",
    }
    chosen = {names[each.name]: getattr(axes, each.name) for each in fields(axes) if each.name in names}
    changed = {name: value for name, value in chosen.items() if value is not None}
    if axes.workload is not None:
        changed["workloads"] = tuple(name for name in block.workloads if name in axes.workload)
    if axes.only is not None:
        changed["mechanisms"] = tuple(sorted(_subjects_of(block) & set(axes.only)))
    if axes.rate is not None:
        changed["variants"] = tuple(
            {**options, "rate": str(rate)} for options, rate in product(block.variants, axes.rate)
        )
    return replace(block, **changed)


def _product(block: Block) -> Iterator[Case]:
    for name in block.workloads:
        workload = workloads.load(name)
        mechanisms = [each for each in workload.subjects() if any(fnmatchcase(each, p) for p in block.mechanisms)]
        variants = [spread for options in block.variants for spread in workload.spread(options)]
        for mechanism, payload, size, count, start, place, options in product(
            mechanisms,
            block.payloads,
            block.sizes,
            _counts(workload, block.processes),
            block.start_methods,
            block.placements,
            variants,
        ):
            case = Case(name, mechanism, payload, size, count, start, place, tuple(sorted(options.items())))
            yield replace(case, placement=workload.placement(case)) if (place,) == DEFAULT else case


def _counts(workload: workloads.Workload, counts: Sequence[int]) -> Sequence[int]:
    return counts if _is_peopled(workload) else (1,)


def _is_peopled(workload: workloads.Workload) -> bool:
    """Whether it has an axis of processes: one between two has none."""
    return workload.sides(1) != workload.sides(2)


def _matching(axis: str, parts: Iterable[str], known: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if any(sign in part for sign in "*?["):
            found = [name for name in known if fnmatchcase(name, part)]
            if not found:
                raise BadValue(f"--{axis.replace('_', '-')} {part!r} matches nothing")
            yield from found
        elif part in known:
            yield part
        else:
            noun = "mechanism" if axis == "only" else axis.replace("_", " ")
            raise BadValue(unknown(noun, part, known))


def unknown(noun: str, value: str, known: Sequence[str]) -> str:
    """The line for a value that doesn't exist, with the nearest that does, and all where they are few."""
    near = difflib.get_close_matches(value, known, 1, 0.0)
    choice = f" (there are {', '.join(known)})" if len(known) <= FEW else ""
    return f"unknown {noun} {value!r}: did you mean {near[0]!r}?{choice}" if near else f"unknown {noun} {value!r}"


def _sizes(parts: Iterable[str]) -> Iterator[int]:
    for part in parts:
        prefix, _, rest = part.rpartition("around:")
        try:
            yield from sizes.around(sizes.parse(rest)) if part.startswith("around:") else [sizes.parse(prefix + rest)]
        except ValueError as error:
            raise BadValue(f"--size: {error}") from error


def _rate(part: str) -> int:
    least, most = RATES
    if not part.isdecimal() or not least <= int(part) <= most:
        raise BadValue(f"unknown rate {part!r}: write operations per second from {least} to {most:,}, such as 1000")
    return int(part)


def _count(part: str) -> int:
    if not part.isdecimal() or not 1 <= int(part) <= 64:
        raise BadValue(f"unknown number of processes {part!r}: write a whole number from 1 to 64, such as 4")
    return int(part)
