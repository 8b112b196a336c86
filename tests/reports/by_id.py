"""A made-up benchmark of any case: its id says all of it but the time."""

from __future__ import annotations

from typing import Any

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}


def measured(
    name: str, seconds: float, family: str, *, spread: float = 0.01, workers: int = 3, **metadata: Any
) -> dict[str, Any]:
    """So many workers round that many seconds; `metadata` is added to each worker's (`cpu_user_s` and the like)."""
    workload, mechanism, payload, size, processes, start, placement, *variant = name.split("/")
    number = size.rstrip("KMiB")
    about = {
        "name": name,
        "unit": "second",
        "case_workload": workload,
        "case_mechanism": mechanism,
        "case_payload": payload,
        "case_size": int(number) * UNITS[size[len(number) :]],
        "case_processes": int(processes),
        "case_start_method": start,
        "case_placement": placement,
        "case_family": family,
        "case_revision": 1,
        **({"case_variant": variant[0]} if variant else {}),
    }
    values = [seconds * (1 + spread * worker) for worker in (0, 1, -1)[:workers]]
    return {"metadata": about, "runs": [{"metadata": metadata, "values": [value] * 3} for value in values]}
