"""Result files (docs/results-format.md): read, checked, and refused in one line that names the file and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from ipcbench.reports.gate import ORDER, Verdict

__all__ = [
    "FORMAT",
    "Axes",
    "Benchmark",
    "Claim",
    "Facts",
    "Histogram",
    "Result",
    "ResultError",
    "Unmeasured",
    "check",
    "load",
]

FORMAT = 1
SHORTEST, LONGEST = 1e-12, 1e9
"""Seconds between which any operation takes: less than a picosecond, or more than thirty years, is none."""
COSTS = (
    *("cpu_user_s", "cpu_system_s", "switches_voluntary", "switches_involuntary", "memory_bytes", "memory_base_bytes"),
    *("lost", "duplicated", "reordered", "achieved_rate", "share_most", "share_least"),
)
"""What a run's metadata may hold beside its values: numbers."""


class ResultError(Exception):
    """The file isn't a usable result; one line says why."""


class Run(msgspec.Struct):
    """One worker process: seconds per operation."""

    metadata: dict[str, Any] = {}
    values: list[float] = []


class Raw(msgspec.Struct):
    """A benchmark as pyperf writes it."""

    runs: list[Run]
    metadata: dict[str, Any] = {}


class Unmeasured(msgspec.Struct):
    """A case that has no figures, and why."""

    id: str
    workload: str
    mechanism: str
    payload: str
    size: int
    processes: int
    near: int
    far: int
    start_method: str
    placement: str
    family: str
    variant: str
    quantity: str
    status: Literal["failed", "skipped"]
    reason: str


class Histogram(msgspec.Struct):
    """Latencies of all workers of a case: HdrHistogram's compressed format in base64, and what recording one took."""

    encoded: str
    count: int
    unit: str
    recorder_s: float


class Claim(msgspec.Struct):
    """A statement of the course with its verdict on the machine of the run."""

    id: str
    section: str
    claim: str
    verdict: Literal["holds", "does not hold", "depends", "not testable here"]
    evidence: str
    cases: list[str]


class Asked(msgspec.Struct):
    """What was asked for beyond the profile."""

    rounds: int | None = None
    precision: float | None = None
    budget: float | None = None


class Facts(msgspec.Struct):
    """The key `ipcbench`."""

    format: int
    version: str
    profile: str
    status: str
    machine: dict[str, Any]
    cases: list[Unmeasured]
    command: str = ""
    seed: int = 0
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    rounds: int = 0
    precision: float | None = None
    """Half the interval, as a share of the estimate, that was asked for; None in files from before there was one."""
    notes: list[str] = []
    options: dict[str, str | None] = {}
    asked: Asked = msgspec.field(default_factory=Asked)
    spent: dict[str, float] = {}
    histograms: dict[str, Histogram] = {}
    claims: list[Claim] = []
    verdicts: list[Verdict] = []
    """Of `ipcbench ab`."""


class File(msgspec.Struct):
    """The whole file."""

    benchmarks: list[Raw]
    ipcbench: Facts
    metadata: dict[str, Any] = {}


class Axes(msgspec.Struct, rename=lambda name: name if name in ("name", "unit") else f"case_{name}"):
    """What a report needs of a benchmark's metadata."""

    name: str
    workload: str
    mechanism: str
    payload: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    processes: Annotated[int, msgspec.Meta(ge=1)]
    start_method: str
    placement: str
    family: str = "other"
    variant: str = ""
    quantity: str = "operation"
    channels: str = ""
    floor: str | None = None
    revision: int = 1
    near: int = 1
    far: int = 1
    unit: str = "second"


class Benchmark(msgspec.Struct):
    """A measured case: its axes, its metadata (the file's and its own), and each worker's values and own metadata."""

    axes: Axes
    metadata: dict[str, Any]
    runs: list[Run]


class Result(msgspec.Struct):
    """A checked result file."""

    path: Path
    facts: Facts
    benchmarks: list[Benchmark]
    metadata: dict[str, Any]


def load(path: Path) -> Result:
    """The result of a file or of the folder that holds a `run.json`. Raises `ResultError`: one line with the file and what is wrong."""
    file = path / "run.json" if path.is_dir() else path
    try:
        text = file.read_bytes()
    except OSError as error:
        raise ResultError(f"{file}: {error.strerror or error}") from error
    try:
        raw = _decoded(text)
        benchmarks = [_benchmark(each, raw.metadata) for each in raw.benchmarks]
        _check_names(raw, benchmarks)
        _check_verdicts(raw.ipcbench.verdicts)
    except _Unusable as error:
        raise ResultError(f"{file} {' '.join(str(error).split())}") from error
    return Result(file, raw.ipcbench, benchmarks, raw.metadata)


def _check_verdicts(verdicts: list[Verdict]) -> None:
    for each in verdicts:
        if each.verdict not in ORDER:
            raise _Unusable(f"is damaged: {each.verdict[:40]!r} is no verdict")


def check(suite: dict[str, Any]) -> None:
    """Raises `ResultError` where a part of a result, a pyperf suite as plain data, isn't usable as one."""
    try:
        for each in msgspec.convert(suite["benchmarks"], list[Raw]):
            _benchmark(each, suite.get("metadata", {}))
    except (KeyError, msgspec.ValidationError, _Unusable) as error:
        raise ResultError(f"a sample {error}") from error


class _Unusable(Exception):
    """What is wrong with the file, as the end of a sentence that begins with its name."""


def _decoded(text: bytes) -> File:
    if not text.strip():
        raise _Unusable("is empty: no result was written to it")
    _check_kind(text)
    try:
        return msgspec.json.decode(text, type=File)
    except msgspec.DecodeError as error:
        raise _Unusable(f"is damaged: {error}") from error


def _check_kind(text: bytes) -> None:
    """Say what the file is instead, before its details are looked at."""
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        if _is_json_with_nan(text):
            raise _Unusable("is damaged: it holds NaN or Infinity where a number is needed") from error
        raise _Unusable(f"is no whole JSON file: {error}") from error
    if not isinstance(data, dict) or "benchmarks" not in data:
        raise _Unusable("is no result file: it lacks the key 'benchmarks'")
    facts = data.get("ipcbench")
    if not isinstance(facts, dict):
        raise _Unusable("is a pyperf file of something else: it lacks the key 'ipcbench'")
    version = facts.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _Unusable(f"has no valid format version: {version!r}")
    if version > FORMAT:
        raise _Unusable(f"was written by a newer ipcbench (format {version}, this one reads up to {FORMAT}): update it")


def _is_json_with_nan(text: bytes) -> bool:
    """Python's own reader takes NaN and Infinity, which aren't JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _check_names(raw: File, benchmarks: list[Benchmark]) -> None:
    names = [each.axes.name for each in benchmarks] + [each.id for each in raw.ipcbench.cases]
    if not names:
        raise _Unusable("holds no case at all: neither measured, failed nor skipped")
    seen: set[str] = set()
    for name in names:
        if not name.isprintable():
            raise _Unusable(f"holds a name that can't be shown: {name!r}")
        if name in seen:
            raise _Unusable(f"is damaged: it holds {name} twice")
        seen.add(name)


def _benchmark(raw: Raw, common: dict[str, Any]) -> Benchmark:
    """The levels merged, the inner one winning; calibration runs, which have no values, are left out."""
    metadata = {**common, **raw.metadata}
    name = metadata.get("name", "a benchmark without name")
    runs = [run for run in raw.runs if run.values]
    if not runs:
        raise _Unusable(f"holds no runs with values for {name}")
    try:
        axes = msgspec.convert(metadata, Axes)
    except msgspec.ValidationError as error:
        raise _Unusable(f"lacks usable metadata for {name}: {error}") from error
    if axes.unit != "second":
        raise _Unusable(f"holds {name} in the unit {axes.unit!r}, not in seconds")
    for run in runs:
        if not all(SHORTEST < value < LONGEST for value in run.values):
            wrong = next(value for value in run.values if not SHORTEST < value < LONGEST)
            raise _Unusable(f"holds the value {wrong} for {name}, which is no time")
    for found in (metadata, *(run.metadata for run in runs)):
        for cost in COSTS:
            if not isinstance(found.get(cost, 0.0), (int, float)):
                raise _Unusable(f"holds {found[cost]!r} as {cost} for {name}, which is no number")
    return Benchmark(axes, metadata, runs)
