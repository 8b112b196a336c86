"""Result files (docs/results-format.md): read, checked, and refused in one line that names the file and what is wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["FORMAT", "Benchmark", "Result", "ResultError", "load"]

FORMAT = 1


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
    status: str
    reason: str


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
    notes: list[str] = []


class File(msgspec.Struct):
    """The whole file."""

    benchmarks: list[Raw]
    ipcbench: Facts
    metadata: dict[str, Any] = {}


class Benchmark(msgspec.Struct):
    """A measured case: its metadata (all levels merged), and for each worker its values and metadata."""

    metadata: dict[str, Any]
    runs: list[Run]


class Result(msgspec.Struct):
    """A checked result file."""

    path: Path
    facts: Facts
    benchmarks: list[Benchmark]
    metadata: dict[str, Any]


NEEDED = ("name", "case_workload", "case_mechanism", "case_payload", "case_size", "case_processes", "case_start_method")


def load(path: Path) -> Result:
    """The result of a file or of the folder that holds a `run.json`. Raises `ResultError`."""
    file = path / "run.json" if path.is_dir() else path
    try:
        text = file.read_bytes()
    except OSError as error:
        raise ResultError(f"{file}: {error.strerror or error}") from error
    if not text.strip():
        raise ResultError(f"{file} is empty: no result was written to it")
    _check_kind(file, text)
    try:
        raw = msgspec.json.decode(text, type=File)
    except msgspec.DecodeError as error:
        raise ResultError(f"{file} is damaged: {error}") from error
    if not raw.benchmarks and not raw.ipcbench.cases:
        raise ResultError(f"{file} holds no case at all")
    benchmarks = [_benchmark(file, each, raw.metadata) for each in raw.benchmarks]
    return Result(file, raw.ipcbench, benchmarks, raw.metadata)


def _check_kind(file: Path, text: bytes) -> None:
    """Say what the file is instead, before its details are looked at."""
    try:
        data = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ResultError(f"{file} is no whole JSON file: {error}") from error
    if not isinstance(data, dict) or "benchmarks" not in data:
        raise ResultError(f"{file} is no result file: it lacks the key 'benchmarks'")
    facts = data.get("ipcbench")
    if not isinstance(facts, dict):
        raise ResultError(f"{file} is a pyperf file of something else: it lacks the key 'ipcbench'")
    version = facts.get("format")
    if not isinstance(version, int) or version < 1:
        raise ResultError(f"{file} has no valid format version: {version!r}")
    if version > FORMAT:
        raise ResultError(
            f"{file} was written by a newer ipcbench (format {version}, this one reads up to {FORMAT}): update it"
        )


def _benchmark(file: Path, raw: Raw, common: dict[str, Any]) -> Benchmark:
    runs = [run for run in raw.runs if run.values]
    metadata = common | raw.metadata | (runs[0].metadata if runs else {})
    name = metadata.get("name", "a benchmark without name")
    if not runs:
        raise ResultError(f"{file}: {name} has no runs with values")
    missing = [key for key in NEEDED if key not in metadata]
    if missing:
        raise ResultError(f"{file}: {name} lacks the metadata {missing[0]!r}")
    if metadata.get("unit", "second") != "second":
        raise ResultError(f"{file}: {name} is measured in {metadata['unit']!r}, not in seconds")
    for run in runs:
        for value in run.values:
            if not (math.isfinite(value) and value > 0):
                raise ResultError(f"{file}: {name} has the value {value}, which is no time")
    return Benchmark(metadata, runs)
