"""What each profile measures: blocks of axes, whose product (minus what makes no sense) is the matrix.

`quick` looks at every mechanism once, `standard` decides what a user would ask, `rigorous` leaves little out; `gate` is what
`ipcbench ab` compares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

__all__ = ["PROFILES", "Block", "Profile"]

Ki, Mi = 1 << 10, 1 << 20
ALL = ("*",)
DEFAULT = ("default",)
"""The placement that fits the number of processes: cross-core for two, free for more than there are cores."""
SIZES = (1, 64, Ki, 16 * Ki, 64 * Ki, Mi, 16 * Mi)
SEVERAL = ("pipe", "queue", "simple-queue", "tcp", "unix-stream", "shared-memory-ring", "manager-queue")
STARTS = ("fork", "forkserver", "spawn")
NONE: dict[str, str] = {}


@dataclass(frozen=True)
class Block:
    """Axes whose product is measured; `variants` are alternatives, each a mapping of options."""

    workloads: tuple[str, ...]
    mechanisms: tuple[str, ...] = ALL
    payloads: tuple[str, ...] = ("bytes",)
    sizes: tuple[int, ...] = (64, Mi)
    processes: tuple[int, ...] = (1,)
    start_methods: tuple[str, ...] = ("fork",)
    placements: tuple[str, ...] = DEFAULT
    variants: tuple[dict[str, str], ...] = (NONE,)


@dataclass(frozen=True)
class Profile:
    """Blocks, and how long to sample.

    `rounds` samples of each case; then, until the `budget` of seconds is spent, up to `most` samples of those whose interval is wider
    than ± `precision`. `seconds` is what one value should take, `values` how many a worker takes of each case; in the first `recorded`
    samples operations are also timed one by one. The budget is no more than `each` seconds a case, where options leave few.
    """

    name: str
    blocks: tuple[Block, ...]
    rounds: int
    most: int
    precision: float
    budget: float
    seconds: float = 0.005
    values: int = 8
    recorded: int = 3
    each: float = math.inf


def floors(sizes: tuple[int, ...], placements: tuple[str, ...]) -> tuple[Block, ...]:
    """The C program's round trips and the memory's own speed."""
    return (
        Block(("floor",), sizes=sizes, placements=placements),
        Block(("memcpy",), sizes=sizes, placements=("same-core",)),
    )


SPINNING = Block(
    ("round-trip",), ("shared-memory-ring", "shared-memory"), variants=({"wait": "spin"}, {"wait": "adaptive"})
)
EXACT = Block(("round-trip",), ("value",), ("scalar",), (8,))

WITHIN = (
    Block(("thread",), ("thread-*",), sizes=(64,), placements=("same-core", "cross-core")),
    Block(("thread",), ("direct-call",), sizes=(64,)),
)
"""The same echo without a border between processes."""

QUICK = Profile(
    "quick",
    (
        Block(("round-trip",)),
        Block(("round-trip",), ("shared-memory-numpy",), ("array",)),
        EXACT,
        SPINNING,
        Block(("round-trip",), ("pipe", "queue", "shared-memory"), start_methods=("forkserver", "spawn")),
        Block(("fan-out",), ("pipe", "queue"), sizes=(64,), processes=(4,)),
        Block(("floor",), ("c-pipe", "c-unix-stream", "c-shared-memory", "c-spin"), placements=("cross-core",)),
        *WITHIN,
        Block(("memcpy",), sizes=(64, Mi), placements=("same-core",)),
    ),
    rounds=3,
    most=30,
    precision=0.1,
    budget=70,
    each=12,
)

MAIN = ("pipe", "os-pipe", "queue", "tcp", "unix-stream", "shared-memory", "shared-memory-ring")
"""Those that most users choose between: measured over all sizes. Their twins differ from them in small messages, if at all."""

STANDARD = Profile(
    "standard",
    (
        Block(("round-trip",)),
        Block(("round-trip",), MAIN, sizes=SIZES),
        Block(("round-trip",), ("manager-queue",), sizes=(64 * Ki, 16 * Mi)),
        EXACT,
        Block(
            ("round-trip",),
            (*MAIN[:5], "simple-queue", "fifo", "shared-memory"),
            sizes=(64,),
            placements=("same-core",),
        ),
        SPINNING,
        Block(("round-trip",), ("shared-memory-ring",), sizes=(64 * Ki,), variants=({"wait": "spin"},)),
        Block(
            ("round-trip",),
            ("shared-memory-ring",),
            sizes=(Mi,),
            variants=({"consume": "none"}, {"produce": "in-place"}),
        ),
        Block(("round-trip",), ("pipe", "shared-memory"), sizes=(64,), start_methods=("forkserver", "spawn")),
        Block(("round-trip",), ("pipe", "queue", "shared-memory-numpy", "shared-memory-ring"), ("array",), (Mi,)),
        Block(("round-trip",), ("pipe",), ("array",), (Mi,), variants=({"transfer": "buffers"},)),
        Block(("round-trip",), ("pipe", "queue", "manager-queue"), ("object",), (Ki,)),
        Block(("round-trip",), ("pipe", "queue"), ("object",), (64 * Ki,)),
        Block(
            ("stream",),
            ("pipe", "os-pipe", "queue", "unix-stream", "tcp", "udp", "shared-memory-ring"),
            sizes=(64, Mi),
        ),
        Block(("fan-out", "fan-in"), ("pipe", "queue"), sizes=(64,), processes=(1, 4, 8)),
        Block(("pairs",), ("pipe", "queue"), sizes=(64,), processes=(1, 2, 4)),
        Block(("mesh",), ("queue",), sizes=(64,), processes=(2, 4)),
        Block(
            ("open",),
            ("pipe", "shared-memory"),
            sizes=(64,),
            variants=({"phase": "make"}, {"phase": "attach"}, {"phase": "first"}),
        ),
        Block(("floor",), sizes=(64, Mi), placements=("cross-core",)),
        Block(("floor",), ("c-pipe", "c-unix-stream", "c-shared-memory"), sizes=(64,), placements=("same-core",)),
        *WITHIN,
        Block(("memcpy",), sizes=SIZES[1:], placements=("same-core",)),
    ),
    rounds=3,
    most=60,
    precision=0.04,
    budget=540,
)

RIGOROUS = Profile(
    "rigorous",
    (
        Block(("round-trip",), sizes=SIZES, placements=("cross-core", "same-core")),
        EXACT,
        Block(
            ("round-trip",),
            sizes=(64, Mi),
            variants=({"wait": "spin"}, {"wait": "adaptive"}, {"consume": "none"}, {"produce": "in-place"}),
        ),
        Block(("round-trip",), sizes=(64, Mi), start_methods=STARTS),
        Block(("round-trip",), payloads=("object", "array"), sizes=(Ki, 64 * Ki, Mi)),
        Block(("round-trip",), payloads=("array",), sizes=(64 * Ki, Mi), variants=({"transfer": "buffers"},)),
        Block(("stream",), sizes=(64, Ki, 64 * Ki, Mi, 16 * Mi), variants=(NONE, {"window": "1"})),
        Block(("fan-out", "fan-in"), sizes=(64, 64 * Ki), processes=(1, 2, 4, 8)),
        Block(("pairs",), SEVERAL, sizes=(64, 64 * Ki), processes=(1, 2, 4, 8)),
        Block(("mesh",), sizes=(64, 64 * Ki), processes=(2, 4)),
        Block(
            ("open",),
            sizes=(64,),
            start_methods=STARTS,
            variants=({"phase": "make"}, {"phase": "attach"}, {"phase": "first"}),
        ),
        *floors(SIZES, ("cross-core", "same-core")),
        *WITHIN,
    ),
    rounds=8,
    most=200,
    recorded=200,
    seconds=0.02,
    values=5,
    precision=0.02,
    budget=3 * 3600,
)

GATE = replace(
    QUICK,
    name="gate",
    blocks=(
        Block(
            ("round-trip",),
            ("pipe", "os-pipe", "unix-stream", "queue", "simple-queue", "shared-memory"),
            sizes=(64,),
            placements=("same-core",),
        ),
        Block(("round-trip",), ("pipe", "shared-memory"), sizes=(Mi,), placements=("same-core",)),
    ),
)
"""What `ipcbench ab` compares unasked: one core, where the code's own share of a round trip shows most and wanders least."""

PROFILES = {profile.name: profile for profile in (QUICK, STANDARD, RIGOROUS, GATE)}
