"""What the processes of a pool run: tasks that compute, and the lines around them. Light, as children import it again.

A task of 100 µs or 10 ms is a number of steps of a linear congruential generator (x → (A x + C) mod 2³¹): real computing in
Python, whose result is known beforehand by a closed form, so that each one is checked and none can be skipped. The number of steps
was calibrated once, on the machine that the suite was made on, and is fixed, rather than found anew by each worker or run: every
way, worker, run and revision has the same work. What a task takes on the machine at hand is measured beside the others, by the way
`serial` of `pool-vs-process`.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ipcbench.bench.allocator import settle_allocator
from ipcbench.ipc.lifeline import begin_child

__all__ = ["STEPS", "TASKS", "answer", "expected", "meet", "meet_at"]

FACTOR, ADDEND, MASK = 1_103_515_245, 12_345, (1 << 31) - 1
STEPS = {"": 0, "100us": 1_000, "10ms": 100_000}
"""By the variant `task`; a step took 0.085 µs with CPython 3.11, 0.11 µs with 3.10 and 3.13."""


def nothing(argument: Any) -> Any:
    """A task without work: gives back what it got."""
    return argument


def short(argument: int) -> int:
    """Some 100 µs."""
    return compute(argument, STEPS["100us"])


def long(argument: int) -> int:
    """Some 10 ms."""
    return compute(argument, STEPS["10ms"])


TASKS: dict[str, Callable[[Any], Any]] = {"": nothing, "100us": short, "10ms": long}


def compute(x: int, steps: int) -> int:
    """That many steps from there."""
    for _ in range(steps):
        x = (x * FACTOR + ADDEND) & MASK
    return x


def expected(task: str, x: int) -> int:
    """What the task gives, without doing its steps: Aⁿ x + C (Aⁿ - 1) / (A - 1) mod 2³¹."""
    power = pow(FACTOR, STEPS[task], (FACTOR - 1) * (MASK + 1))
    return (power * x + (power - 1) // (FACTOR - 1) * ADDEND) & MASK


def meet_at(arrived: Any, gate: Any) -> None:
    """`begin_child`, for a process that will `meet` the others at these two semaphores."""
    global _arrived, _gate
    begin_child()
    settle_allocator()
    _arrived, _gate = arrived, gate


_arrived: Any = None
_gate: Any = None


def meet() -> None:
    """A task that holds its process until all others have taken one: by then each of them is up."""
    _arrived.release()
    _gate.acquire()


def answer(writer: Connection[Any, Any], task: str, argument: int) -> None:
    """The whole life of a process for one task."""
    begin_child()
    writer.send(TASKS[task](argument))
