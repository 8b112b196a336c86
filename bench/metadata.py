"""A benchmark's metadata: all that a report needs to know of its case."""

from __future__ import annotations

from functools import cache
from typing import Any

from ipcbench.bench import workload as workloads
from ipcbench.bench.case import Case

__all__ = ["axes", "describe"]


def axes(case: Case) -> dict[str, Any]:
    """What the case's id says."""
    return {
        "case_workload": case.workload,
        "case_mechanism": case.mechanism,
        "case_payload": case.payload,
        "case_size": case.size,
        "case_processes": case.processes,
        "case_start_method": case.start_method,
        "case_placement": case.placement,
        "case_variant": case.variant_text,
    }


@cache
def describe(case: Case) -> dict[str, str | int | float]:
    """That, and what its workload says of it. The runner asks: a worker would import for it what it doesn't time."""
    workload = workloads.load(case.workload)
    near, far = workload.sides(case.processes)
    floor = workload.floor(case)
    described = axes(case) | {
        "case_near": near,
        "case_far": far,
        "case_family": workload.family(case),
        "case_quantity": workload.quantity,
        "case_channels": workload.channels(case),
        "case_floor": floor.id if floor else None,
        "case_revision": workload.revision,
    }
    return {key: value for key, value in described.items() if value not in (None, "")}
