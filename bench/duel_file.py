"""The result file of `ipcbench ab` (docs/results-format.md): pyperf's format, a benchmark for each case and arm, a run for each duel."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ipcbench.bench.case import Case
from ipcbench.bench.duel import Duel
from ipcbench.bench.environments import Side
from ipcbench.bench.metadata import axes
from ipcbench.bench.store import FORMAT
from ipcbench.bench.task import replace_json

__all__ = ["DuelFile"]

MACHINE = ("hostname", "platform", "cpu_model_name", "cpu_count", "aslr", "boot_time")


class DuelFile:
    """Collects what was measured; `save` writes the whole file at once."""

    def __init__(self, file: Path, sides: Mapping[str, Side], machine: Mapping[str, Any]) -> None:
        import pyperf

        self.file, self.sides, self.facts = file, sides, machine
        self.benchmarks: list[Any] = []
        here = pyperf.Run([1.0], warmups=[], metadata={}, collect_metadata=True).get_metadata()
        self.common = {key: here[key] for key in MACHINE if key in here}
        self.common |= {f"machine_{name}": value for name, value in machine.items() if value not in (None, "")}

    def add(
        self, case: Case, about: Mapping[str, Any], loops: int, duels: Iterable[Duel], arms: tuple[str, str]
    ) -> None:
        """All duels of a case: `arms` names the two in the file, such as ("a", "b"); a control's are both A."""
        import pyperf

        duels = list(duels)
        for index, arm in enumerate(arms) if duels else ():
            side = self.sides["b" if arm == "b" else "a"]
            named = replace(case, variant=tuple(sorted([*case.variant, ("arm", arm)])))
            metadata = {
                **self.common,
                **_described(named, about),
                "name": named.id,
                "unit": "second",
                "loops": loops,
                "python_version": side.facts["python_version"],
                "python_implementation": side.facts["python_implementation"],
                **{f"arm_{key}": side.facts[key] for key in ("ipcbench", "revision") if side.facts.get(key)},
                "arm_source": side.text,
            }
            self.benchmarks.append(
                pyperf.Benchmark(
                    [pyperf.Run(each.seconds[index], metadata=metadata, collect_metadata=False) for each in duels]
                )
            )

    def save(self, facts: Mapping[str, Any], failed: Iterable[tuple[Case, Mapping[str, Any], str]]) -> None:
        """Write it, with what the key `ipcbench` is to hold."""
        import pyperf

        data: dict[str, Any] = {"version": "1.0", "metadata": {}, "benchmarks": []}
        if self.benchmarks:
            text = io.StringIO()
            pyperf.BenchmarkSuite(self.benchmarks).dump(text)
            data = json.loads(text.getvalue())
        cases = [_failed(case, about, reason) for case, about, reason in failed]
        arms = {label: {"source": side.text, **side.facts} for label, side in self.sides.items()}
        own = {**facts, "format": FORMAT, "machine": dict(self.facts), "arms": arms, "cases": cases}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        replace_json(self.file, {**data, "ipcbench": own})


def _described(case: Case, about: Mapping[str, Any]) -> dict[str, Any]:
    """A benchmark's `case_*` metadata: from the case, and from what an arm said of it (the runner may not know the mechanism)."""
    return axes(case) | {
        f"case_{key}": about[key] for key in ("near", "far", "family", "quantity", "revision") if key in about
    }


def _failed(case: Case, about: Mapping[str, Any], reason: str) -> dict[str, Any]:
    described = {key.removeprefix("case_"): value for key, value in _described(case, about).items()}
    unknown = {"near": 1, "far": 1, "family": "other", "quantity": "operation"}
    described.pop("revision", None)
    return {**unknown, **described, "id": case.id, "status": "failed", "reason": reason}
