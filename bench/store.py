"""The result file: pyperf's benchmarks merged in memory, and the key `ipcbench` beside them (docs/results-format.md).

The whole file is too large to be written after each sample. What came since is kept beside it, a line a worker, so that a
runner that is killed loses nothing but the samples under way.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec
import pyperf

from ipcbench.bench import placement
from ipcbench.bench import workload as workloads
from ipcbench.bench.case import Case
from ipcbench.bench.histograms import Histograms
from ipcbench.bench.task import Latencies, replace_json

__all__ = ["FORMAT", "RunExists", "Store"]

FORMAT = 1
SAME = (
    *("hostname", "platform", "cpu_model_name", "cpu_count", "aslr"),
    *("python_version", "python_implementation", "python_executable"),
)
"""What must be as it was, for more samples to join a benchmark's (metadata by pyperf's names)."""


class RunExists(Exception):
    """The output folder holds a run already."""


class Store:
    """All that was measured so far. `save` replaces the file as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "run.json"
        self.journal = folder / ".samples.jsonl"
        self.workers = 0
        """Those whose samples are in."""
        self.benchmarks: dict[str, Any] = {}
        self.values: dict[str, list[tuple[float, ...]]] = {}
        """Of each case, the values of each of its workers."""
        self.hostname = ""
        """The name that the machine had at first."""
        self.failed: dict[str, str] = {}
        self.loops: dict[str, int] = {}
        self.histograms = Histograms()
        self.facts: dict[str, Any] = {}

    @classmethod
    def create(cls, folder: Path) -> Store:
        """A new one. Raises `RunExists` if the folder holds a run, OSError if it can't be made."""
        store = cls(folder)
        store._refuse_existing()
        store._make_folder()
        store._refuse_existing()  # another run may have ended meanwhile
        store.journal.unlink(missing_ok=True)  # of a run that never got as far as to save
        return store

    def _refuse_existing(self) -> None:
        if self.file.exists():
            raise RunExists(f"{self.folder} holds a run already: choose another --output, or go on with it by --resume")

    def _make_folder(self) -> None:
        """Raises OSError where nothing can be written, `RunExists` where another run is writing: now, not after the measuring."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=self.folder).close()
            _hold(self.folder)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.folder)) from error

    @classmethod
    def resume(cls, folder: Path) -> Store:
        """One that goes on where the folder's run stopped. Raises OSError or ValueError if there is none that can."""
        store = cls(folder)
        try:
            data = json.loads(store.file.read_text())
            store.facts = data["ipcbench"]
            if "arms" in store.facts:
                raise ValueError("it holds duels of ipcbench ab; do that again")
            if data["benchmarks"]:
                store._merge(data)
            store.histograms.load(store.facts.get("histograms", {}))
            store.workers = int(store.facts.get("workers", 0))
            store.failed = {each["id"]: each["reason"] for each in store.facts["cases"] if each["status"] == "failed"}
            for name in store.failed:
                workloads.load(Case.parse(name).workload)
        except FileNotFoundError as error:
            raise ValueError(f"{folder} holds no run to resume") from error
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{store.file} can't be resumed: {' '.join(str(error).split())}") from error
        for name, benchmark in store.benchmarks.items():
            store.loops[name] = benchmark.get_runs()[0].get_loops()
        store._check_here()
        store._make_folder()
        store._replay()
        return store

    def _check_here(self) -> None:
        """Raises ValueError where what comes would be no samples of the same."""
        if not self.benchmarks:
            return
        found = {name: each.get_metadata() for name, each in self.benchmarks.items()}
        before = {"ipcbench": self.facts.get("version")} | next(iter(found.values()))
        for name, now in _here().items():
            if before.get(name) not in (None, now):
                what = name.removeprefix("machine_").replace("_", " ")
                raise ValueError(
                    f"{self.file} can't be resumed: its {what} is {before[name]}, here it is {now}; measure anew"
                )
        for name, metadata in found.items():
            workload = workloads.load(Case.parse(name).workload)
            if metadata.get("case_revision", workload.revision) != workload.revision:
                raise ValueError(
                    f"{self.file} can't be resumed: the workload {workload.name} was revised since; measure anew"
                )

    def _replay(self) -> None:
        """Take over what came after the last save. The last line may be cut, as that sample was under way; a damaged one is left out."""
        with suppress(FileNotFoundError):
            whole, newline, _ = self.journal.read_bytes().rpartition(b"\n")
            os.truncate(self.journal, len(whole + newline))  # what comes next begins a line
            for line in whole.splitlines():
                found = _read_line(line)
                if found is not None and found.worker > self.workers:
                    self._take(found.suite, found.loops, found.failed, found.latencies)

    def add(
        self,
        suite: dict[str, Any] | None,
        loops: dict[str, int],
        failed: dict[str, str],
        latencies: dict[str, Latencies] | None = None,
    ) -> None:
        """Take over what a worker measured, and write it down. A case that failed keeps no figures."""
        self._take(suite, loops, failed, latencies or {})
        line = _Line(self.workers, suite, loops, failed, latencies or {})
        try:
            with self.journal.open("ab") as journal:
                journal.write(json.dumps(asdict(line)).encode() + b"\n")
        except OSError as error:  # that of a full disk names no file
            raise OSError(error.errno, error.strerror, str(self.journal)) from error

    def _take(
        self,
        suite: dict[str, Any] | None,
        loops: dict[str, int],
        failed: dict[str, str],
        latencies: dict[str, Latencies],
    ) -> None:
        self.workers += 1
        if suite is not None:
            self._merge(suite)
        for name, found in latencies.items():
            if name not in self.failed:
                self.histograms.add(name, found)
        self.loops.update(loops)
        self.failed.update(failed)
        for name in failed:
            self.benchmarks.pop(name, None)
            self.histograms.drop(name)
            self.values.pop(name, None)

    def _merge(self, suite: dict[str, Any]) -> None:
        for part in (suite, *suite["benchmarks"]):  # what its benchmarks have in common pyperf keeps in the suite's
            self._rename(part.get("metadata", {}))
        for benchmark in pyperf.BenchmarkSuite.loads(json.dumps(suite)):
            name = benchmark.get_name()
            if name in self.failed:
                continue
            self.values.setdefault(name, []).extend(run.values for run in benchmark.get_runs() if run.values)
            if name in self.benchmarks:
                self.benchmarks[name].add_runs(benchmark)
            else:
                self.benchmarks[name] = benchmark

    def _rename(self, facts: dict[str, Any]) -> None:
        """A laptop that comes into another network has another name, and is the same machine: pyperf would part its runs."""
        if "hostname" in facts:
            facts["hostname"] = self.hostname = self.hostname or facts["hostname"]

    def samples(self, case: Case) -> int:
        """Worker processes that measured the case."""
        benchmark = self.benchmarks.get(case.id)
        return 0 if benchmark is None else benchmark.get_nrun()

    def tidy(self) -> None:
        """Leave no samples beside a file that never came to be: nothing could go on with them."""
        if not self.file.exists():
            self.journal.unlink(missing_ok=True)

    def save(self, facts: dict[str, Any], skipped: Iterable[tuple[Case, str]]) -> None:
        """Write the file."""
        data: dict[str, Any] = {"version": "1.0", "metadata": {}, "benchmarks": []}
        if self.benchmarks:
            text = io.StringIO()
            pyperf.BenchmarkSuite(list(self.benchmarks.values())).dump(text)
            data = json.loads(text.getvalue())
        failed = [(Case.parse(name), "failed", reason) for name, reason in self.failed.items()]
        others = failed + [(case, "skipped", reason) for case, reason in skipped]
        self.facts = {**facts, "format": FORMAT, "cases": [_unmeasured(*each) for each in others]}
        self.facts["histograms"] = self.histograms.as_json()
        self.facts["workers"] = self.workers
        replace_json(self.file, {**data, "ipcbench": self.facts})
        self.journal.unlink(missing_ok=True)  # if this is the last that happens: its lines are told by their numbers


_held: dict[tuple[int, int], int] = {}
"""The folders that this process measures into, by device and inode, each with the descriptor that holds its lock (flock(2))."""


def _hold(folder: Path) -> None:
    """Keep other runs out of the folder until this process ends. Raises `RunExists` where one is in it."""
    descriptor = os.open(folder, os.O_RDONLY)
    found = os.fstat(descriptor)
    try:
        if (found.st_dev, found.st_ino) not in _held:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held[found.st_dev, found.st_ino] = descriptor
            return
    except BlockingIOError:
        os.close(descriptor)
        raise RunExists(f"another run is writing into {folder}: choose another --output") from None
    os.close(descriptor)


@dataclass(frozen=True)
class _Line:
    """A line of the journal: what the worker of that number measured."""

    worker: int
    suite: dict[str, Any] | None
    loops: dict[str, int]
    failed: dict[str, str]
    latencies: dict[str, Latencies]


def _read_line(text: bytes) -> _Line | None:
    """A line of the journal, or None where it is damaged."""
    from ipcbench.reports import schema

    try:
        found = msgspec.json.decode(text, type=_Line)
        for name in (*found.failed, *found.loops, *found.latencies):
            workloads.load(Case.parse(name).workload)
        for each in found.latencies.values():
            if len(each.values) != len(each.counts) or min(*each.values, *each.counts, 1) < 1:
                return None
        if found.suite is not None:
            pyperf.BenchmarkSuite.loads(json.dumps(found.suite))
            schema.check(found.suite)
    except (schema.ResultError, msgspec.MsgspecError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    return found


def _here() -> dict[str, Any]:
    """What must be as it was, as it is now."""
    facts = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    cores = {"machine_cpus_allowed": len(placement.allowed())}
    return {"ipcbench": version("ipcbench"), **cores, **{name: facts.get(name) for name in SAME}}


def _family(case: Case) -> str:
    """Its mechanism's, if that can be loaded: one from elsewhere may be broken, or gone since."""
    try:
        return workloads.load(case.workload).family(case)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever its import raises
        return "other"


def _unmeasured(case: Case, status: str, reason: str) -> dict[str, Any]:
    workload = workloads.load(case.workload)
    near, far = workload.sides(case.processes)
    return {
        "id": case.id,
        "workload": case.workload,
        "mechanism": case.mechanism,
        "payload": case.payload,
        "size": case.size,
        "processes": case.processes,
        "near": near,
        "far": far,
        "start_method": case.start_method,
        "placement": case.placement,
        "family": _family(case),
        "variant": case.variant_text,
        "quantity": workload.quantity,
        "status": status,
        "reason": reason,
    }
