"""`--min-effect`: the slowdown that matters, for all cases or by pattern: `5%`, `'round-trip/queue/*=10%'`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ipcbench.bench.matrix import BadValue

__all__ = ["Effects"]


class Effects:
    """Effects by case id; where several patterns fit, the last one counts."""

    def __init__(self, texts: Sequence[str], default: float) -> None:
        """Raises `BadValue`."""
        self.rules = [("*", default), *(_parse(text) for text in texts)]

    def __call__(self, case: str) -> float:
        """The share by which that case must be slower to matter: 0.05 for 5 %."""
        return next(effect for pattern, effect in reversed(self.rules) if fnmatchcase(case, pattern))

    def check(self, cases: Iterable[str]) -> None:
        """Raises `BadValue` for a pattern that fits no case: it is a slip, and would pass for a looser gate."""
        known = list(cases)
        for pattern, _ in self.rules[1:]:
            if not any(fnmatchcase(case, pattern) for case in known):
                raise BadValue(f"--min-effect {pattern!r} fits no case, such as {known[0]!r}")


def _parse(text: str) -> tuple[str, float]:
    pattern, _, percent = text.rpartition("=")
    try:
        number = float(percent.removesuffix("%")) if percent.endswith("%") else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number < 1000:
        raise BadValue(f"unknown --min-effect {text!r}: write a percentage such as 5%, or 'round-trip/queue/*=10%'")
    return pattern or "*", number / 100
