"""Reasons for which a case makes no sense that workloads share; each gives a `Refusal` or None, to be joined by `or`."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench import placement
from ipcbench.bench.case import NONE, Case
from ipcbench.ipc import system
from ipcbench.ipc.contract import Refusal

__all__ = ["cores", "needs", "payload", "places", "start", "starts", "variants"]


def variants(case: Case, known: Sequence[str]) -> Refusal | None:
    """The variant has a key that means nothing to the workload."""
    unknown = next((key for key, _ in case.variant if key not in known), None)
    return None if unknown is None else Refusal("variant", f"{case.workload} has no variant {unknown}")


def start(case: Case) -> Refusal | None:
    """The system lacks the start method."""
    if case.start_method in (*system.start_methods(), NONE):
        return None
    return Refusal("platform", f"this system can't start processes by {case.start_method}")


def starts(case: Case, known: Sequence[str], what: str) -> Refusal | None:
    """The workload starts its processes in other ways, or none: `what` ends "lock is measured by ..."."""
    if case.start_method in known:
        return start(case)
    return Refusal("start-method", f"{what}, not by {case.start_method}")


def payload(case: Case, kinds: Sequence[str] = (NONE,), sizes: Sequence[int] | None = (0,)) -> Refusal | None:
    """It carries something else, or nothing; `sizes` None takes any."""
    if case.payload not in kinds:
        wanted = "no payload" if tuple(kinds) == (NONE,) else " or ".join(kinds)
        return Refusal("kind", f"{case.workload} carries {wanted}, not {case.payload}")
    if sizes is not None and case.size not in sizes:
        return Refusal(
            "size", f"{case.workload} has no size" if tuple(sizes) == (0,) else f"{case.workload} has sizes of its own"
        )
    return None


def places(case: Case, known: Sequence[str]) -> Refusal | None:
    """It is measured elsewhere, or cross-core on one core."""
    if case.placement not in known:
        return Refusal("cores", f"{case.workload} is placed {' or '.join(known)}, not {case.placement}")
    return cores(case)


def cores(case: Case) -> Refusal | None:
    """Cross-core needs two of them."""
    have = len(placement.allowed())
    if case.placement == "cross-core" and have < 2:
        return Refusal("cores", f"cross-core needs two cores, {have} is allowed")
    return None


def needs(case: Case, *names: str) -> Refusal | None:
    """The system lacks what it builds on: names of `ipcbench.ipc.system.NEEDS`."""
    why = system.lacking(names)
    return Refusal("platform", f"{case.mechanism} can't work here: {why}") if why else None
