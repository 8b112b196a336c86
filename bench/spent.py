"""Where the wall time of a run goes: what is timed, and what a worker costs beside it.

| word | is |
| --- | --- |
| `timed` | the values |
| `start` | a worker's interpreter and first imports, its answer and its end, the runner's part in it, the rest before its turn |
| `import` | pyperf, and its first benchmark, which measures nothing |
| `setup`, `close` | channels and peers, payloads, and their end |
| `check` | content is verified |
| `calibrate` | the loops of a case are found, in its first sample only |
| `warm-up` | the untimed call before the values |
| `record` | latencies one by one, and numbered messages, in passes of their own |
| `memory` | a case's memory is measured, in one sample only |
| `orders` | peers are told what to do, and report |
| `pyperf` | metadata |
| `save` | the result file |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter

__all__ = ["TURN", "Spent", "sentence"]

TURN = "turn"
"""In a worker's account: all of its turn, whatever it was spent on."""
SIDE_BY_SIDE = ("import", "setup", "close", "memory")
"""What workers that live together do at the same time (see `workers`)."""


class Spent:
    """Seconds by word."""

    def __init__(self, seconds: Mapping[str, float] | None = None) -> None:
        self.seconds = dict(seconds or {})

    def add(self, word: str, seconds: float) -> None:
        """More of it."""
        self.seconds[word] = self.seconds.get(word, 0.0) + seconds

    @contextmanager
    def on(self, word: str) -> Iterator[None]:
        """What happens inside."""
        begun = perf_counter()
        try:
            yield
        finally:
            self.add(word, perf_counter() - begun)

    @contextmanager
    def rest(self, word: str) -> Iterator[None]:
        """What happens inside, without what other words get meanwhile."""
        begun, others = perf_counter(), sum(self.seconds.values())
        try:
            yield
        finally:
            self.add(word, perf_counter() - begun - (sum(self.seconds.values()) - others))

    def of_workers(self, told: Sequence[Mapping[str, float]], wall: float) -> None:
        """Take over the accounts of workers that lived together for that long; that of one that failed is empty.

        What they did side by side counts by its share. What they don't know of the wall time is their start and their end.
        """
        known = 0.0
        for seconds in told:
            for word, each in seconds.items():
                if word != TURN:
                    share = each / len(told) if word in SIDE_BY_SIDE else each
                    self.add(word, share)
                    known += share
        self.add("start", max(0.0, wall - known))


def sentence(seconds: Mapping[str, float], wall: float) -> str:
    """The shares of the wall time, in words: what is timed first, then what costs most."""
    if not seconds or wall <= 0:
        return ""
    names = {
        "start": "starting workers",
        "setup": "setting up",
        "check": "checking content",
        "close": "closing",
        "record": "recording latencies",
    }
    others = sorted(((v, k) for k, v in seconds.items() if k != "timed"), reverse=True)
    parts = [f"{names.get(word, word)} {each / wall:.0%}" for each, word in others if each / wall >= 0.01]
    return f"timed work {seconds.get('timed', 0.0) / wall:.0%} of the wall time; {', '.join(parts)}"
