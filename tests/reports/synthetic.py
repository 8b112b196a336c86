"""A made-up run as large and as varied as a real one, written as plain JSON: for figures, pages and speed.

`python -m tests.reports.synthetic FOLDER [REPEATS]` writes one to look at. Times follow those of a two-core virtual machine.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from hdrh.histogram import HdrHistogram

KI, MI = 1 << 10, 1 << 20
SIZES = (1, 64, KI, 16 * KI, 64 * KI, MI, 16 * MI)

# family, floor, round trip of a small message in µs, and µs for each KiB of payload
MECHANISMS: dict[str, tuple[str, str | None, float, float]] = {
    "pipe": ("pipe", "c-unix-stream", 54, 1.4),
    "pipe-simplex": ("pipe", "c-pipe", 52, 1.1),
    "os-pipe": ("pipe", "c-pipe", 50, 0.8),
    "fifo": ("pipe", "c-fifo", 51, 0.82),
    "queue": ("queue", "c-pipe", 112, 1.8),
    "simple-queue": ("queue", "c-pipe", 66, 1.5),
    "joinable-queue": ("queue", "c-pipe", 124, 1.9),
    "value": ("shared-memory", "c-shared-memory", 61, 0),
    "array": ("shared-memory", "c-shared-memory", 66, 0.30),
    "raw-array": ("shared-memory", "c-shared-memory", 64, 0.28),
    "shared-memory": ("shared-memory", "c-shared-memory", 60, 0.22),
    "shared-memory-numpy": ("shared-memory", "c-shared-memory", 62, 0.21),
    "shared-memory-ring": ("shared-memory", "c-shared-memory", 57, 0.16),
    "tcp": ("socket", "c-tcp", 72, 0.42),
    "unix-stream": ("socket", "c-unix-stream", 55, 0.25),
    "socketpair": ("socket", "c-unix-stream", 54, 0.25),
    "udp": ("datagram", None, 68, 0.5),
    "unix-datagram": ("datagram", None, 58, 0.45),
    "unix-seqpacket": ("datagram", None, 57, 0.4),
    "manager-queue": ("manager", None, 240, 4.1),
    "manager-list": ("manager", None, 410, 4.4),
    "manager-dict": ("manager", None, 395, 4.4),
    "manager-value": ("manager", None, 380, 4.2),
    "manager-namespace": ("manager", None, 520, 4.6),
}
FLOORS = {
    "c-pipe": (46, 0.75),
    "c-fifo": (46, 0.77),
    "c-unix-stream": (48, 0.2),
    "c-tcp": (65, 0.33),
    "c-semaphore": (44, 0),
    "c-shared-memory": (40, 0.13),
    "c-spin": (0.133, 0.1),
    "memcpy": (0.02, 0.05),
}
LARGEST = {"udp": 65507, "unix-datagram": 160 * KI, "unix-seqpacket": 160 * KI, "value": 8}


def label(size: int) -> str:
    """The size as it stands in an id."""
    for factor, unit in ((MI, "MiB"), (KI, "KiB")):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


class Case(dict[str, Any]):
    """The axes of one case, as `ipcbench.cases` holds them."""

    def __init__(self, workload: str, mechanism: str, size: int, **more: Any) -> None:
        family = MECHANISMS[mechanism][0] if mechanism in MECHANISMS else "floor"
        super().__init__(workload=workload, mechanism=mechanism, size=size, family=family, **{**DEFAULTS, **more})
        axes = ("workload", "mechanism", "payload", "size", "processes", "start_method", "placement")
        parts = [label(size) if axis == "size" else str(self[axis]) for axis in axes]
        self["id"] = "/".join([*parts, *([self["variant"]] if self["variant"] else [])])


DEFAULTS = {
    "payload": "bytes",
    "processes": 1,
    "near": 1,
    "far": 1,
    "start_method": "fork",
    "placement": "cross-core",
    "variant": "",
    "quantity": "round trip",
    "channels": None,
    "floor": None,
}


def cases() -> Iterator[Case]:
    """About what the standard profile measures, and some more."""
    yield from _round_trips()
    yield from _flows()
    for mechanism, phase in product(("pipe", "queue", "shared-memory", "tcp"), ("make", "attach", "first")):
        yield Case("open", mechanism, 64, variant=f"phase={phase}", quantity="opening")
    for mechanism, size, place in product(FLOORS, SIZES, ("cross-core", "same-core")):
        if mechanism == "memcpy" and place == "same-core":
            yield Case("memcpy", mechanism, size, placement=place, quantity="copy", far=0)
        elif mechanism != "memcpy" and (mechanism, place) != ("c-spin", "same-core"):
            yield Case("floor", mechanism, size, placement=place)


def _round_trips() -> Iterator[Case]:
    for mechanism, size in product(MECHANISMS, SIZES):
        if mechanism != "value":
            yield _round_trip(mechanism, size)
    yield _round_trip("value", 8, payload="scalar")
    yield from (_round_trip(mechanism, 64, placement="same-core") for mechanism in MECHANISMS if mechanism != "value")
    for wait, size in product(("spin", "adaptive"), SIZES):
        yield _round_trip("shared-memory-ring", size, variant=f"wait={wait}")
    for wait, size in product(("spin", "adaptive"), (64, MI)):
        yield _round_trip("shared-memory", size, variant=f"wait={wait}")
    for variant, size in product(("consume=none", "produce=in-place"), (MI, 16 * MI)):
        yield _round_trip("shared-memory-ring", size, variant=variant)
    for mechanism, start in product(("pipe", "queue", "unix-stream", "shared-memory"), ("forkserver", "spawn")):
        yield _round_trip(mechanism, 64, start_method=start)
    for mechanism, size in product(("pipe", "queue", "shared-memory-numpy", "array"), (64 * KI, MI)):
        yield _round_trip(mechanism, size, payload="array")
    for mechanism, size in product(("pipe", "queue", "manager-queue"), (KI, 64 * KI)):
        yield _round_trip(mechanism, size, payload="object")
    yield _round_trip("pipe", MI, payload="array", variant="transfer=buffers")


def _round_trip(mechanism: str, size: int, **more: Any) -> Case:
    case = Case("round-trip", mechanism, size, **more)
    floor = "c-spin" if "spin" in case["variant"] else MECHANISMS[mechanism][1]
    if floor is not None and case["payload"] == "bytes" and case["variant"] in ("", "wait=spin"):
        case["floor"] = f"floor/{floor}/bytes/{label(size)}/1/fork/{case['placement']}"
    return case


def _flows() -> Iterator[Case]:
    streaming = ("pipe", "os-pipe", "queue", "simple-queue", "unix-stream", "tcp", "udp", "shared-memory-ring")
    for mechanism, size in product(streaming, SIZES):
        yield Case("stream", mechanism, size, quantity="message")
    for workload, mechanism, count in product(("fan-out", "fan-in", "pairs"), ("pipe", "queue", "tcp"), (1, 2, 4, 8)):
        yield _flow(workload, mechanism, count)
    for mechanism, count in product(("queue", "simple-queue", "manager-queue"), (2, 4)):
        yield _flow("mesh", mechanism, count)


def _flow(workload: str, mechanism: str, count: int) -> Case:
    near = 1 if workload == "fan-out" else count
    far = 1 if workload == "fan-in" else count
    native = mechanism.endswith("queue") and workload != "pairs"
    channels = None if count == 1 else "native" if native else "separate"
    more = {"processes": count, "near": near, "far": far, "placement": "free", "channels": channels}
    return Case(workload, mechanism, 64, quantity="message", **more)


def seconds(case: Case) -> float:
    """About what that case takes."""
    name, variant, kib = case["mechanism"], case["variant"], case["size"] / KI
    base, slope = FLOORS[name] if name in FLOORS else MECHANISMS[name][2:]
    if name == "memcpy":
        return (base + slope * kib * (2 if kib > 8192 else 1)) * 1e-6
    if "wait=" in variant:
        base = 0.9 if "spin" in variant else 11
    if case["placement"] == "same-core":
        base *= 0.2
    if "=none" in variant or "in-place" in variant:
        slope *= 0.5
    if case["payload"] == "object":
        base, slope = base + 9, slope * 3
    total = base + slope * kib
    if case["workload"] == "open":
        total = base * {"phase=make": 1.4, "phase=attach": 3.1, "phase=first": 2.2}[variant]
    elif case["quantity"] == "message":
        total = (base / 12 + slope * kib / 2.2) * case["processes"] ** (-0.15 if case["processes"] < 4 else 0.1)
    return total * 1e-6


def document(samples: int = 4, repeats: int = 1, seed: int = 1) -> dict[str, Any]:
    """The whole file; `repeats` makes it larger by copies under other names (`shared-memory.1`)."""
    chance = random.Random(seed)
    measured, others = [], []
    for copy, case in product(range(repeats), cases()):
        reason = _refused(case)
        if reason is not None:
            status = "failed" if reason.startswith("PeerGone") else "skipped"
            others.append({**{k: v for k, v in case.items() if k not in ("floor", "channels")}, "status": status})
            others[-1]["id"] += f".{copy}" if copy else ""
            others[-1]["reason"] = reason
        else:
            measured.append(_benchmark(case, samples, chance, f".{copy}" if copy else ""))
    facts = {**FACTS, "cases": [each for each in others if each["size"] != 8]}
    facts["histograms"] = {name: histogram(mean, chance) for name, mean in recorded(measured)}
    return {"version": "1.0", "metadata": COMMON, "benchmarks": measured, "ipcbench": facts}


def recorded(benchmarks: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """The round trips between processes, with about their mean."""
    for each in benchmarks:
        if each["metadata"]["case_workload"] == "round-trip":
            yield each["metadata"]["name"], each["runs"][0]["values"][0]


def histogram(mean: float, chance: random.Random, count: int = 1500) -> dict[str, Any]:
    """Latencies round that mean with a long tail, as `ipcbench.histograms` holds them."""
    made = HdrHistogram(1, 3600 * 10**9, 3)
    for _ in range(count):
        stalled = 40 if chance.random() < 0.004 else 1
        made.record_value(max(1, int(mean * 0.95e9 * chance.lognormvariate(0, 0.08) * stalled)))
    return {"encoded": made.encode().decode(), "count": count, "unit": "nanosecond", "recorder_s": 7.1e-8}


def _refused(case: Case) -> str | None:
    largest = LARGEST.get(case["mechanism"], math.inf)
    if case["size"] > largest:
        return f"a message of {case['mechanism']} has at most {largest:,} bytes, not {case['size']:,}"
    if case["id"] == "fan-in/tcp/bytes/64B/8/fork/free":
        return "PeerGone: near peer 3 died of signal 9 | its channel was closed"
    return None


def _benchmark(case: Case, samples: int, chance: random.Random, suffix: str) -> dict[str, Any]:
    metadata = {f"case_{key}": value for key, value in case.items() if key != "id" and value not in (None, "")}
    metadata |= {"name": case["id"] + suffix, "case_mechanism": case["mechanism"] + suffix, "loops": 256}
    mean, spread = seconds(case), 0.12 if case["family"] == "manager" else 0.05
    runs = []
    for _ in range(samples):
        centre = mean * chance.lognormvariate(0, spread)
        about: dict[str, Any] = {"cpu_user_s": centre * 0.3, "cpu_system_s": centre * 0.2}
        about |= {"switches_voluntary": 2.0, "switches_involuntary": 0.01}
        if "spin" in case["variant"]:
            about |= {"cpu_user_s": centre * 1.98, "cpu_system_s": 0.0, "switches_voluntary": 0.0}
        about |= {"memory_bytes": 23 * MI + 12 * case["size"], "memory_base_bytes": 22 * MI}
        if case["mechanism"] == "udp" and case["workload"] == "stream":
            about["lost"] = 0.013
        values = [centre * chance.lognormvariate(0, 0.02) for _ in range(2)]
        runs.append({"metadata": about, "values": values, "warmups": [[256, centre * 1.5]]})
    return {"metadata": metadata, "runs": runs}


COMMON = {
    "unit": "second",
    "case_revision": 1,
    "python_version": "3.11.7 (64-bit)",
    "perf_version": "2.10.0",
    "platform": "Linux-6.1-x86_64",
    "cpu_model_name": "Made Up 3000",
    "hostname": "example",
    "cpu_count": 2,
}
FACTS: dict[str, Any] = {
    "format": 1,
    "version": "0.1.0",
    "profile": "standard",
    "options": {},
    "command": "ipcbench run",
    "seed": 7,
    "status": "complete",
    "started": "2026-01-31T12:00:00+00:00",
    "ended": "2026-01-31T12:09:20+00:00",
    "seconds": 560.0,
    "rounds": 4,
    "machine": {
        "cpu_model": "Made Up 3000",
        "cpus_allowed": 2,
        "kernel": "6.1",
        "python_version": "3.11.7",
        "governor": None,
        "load_1min": 0.4,
        "memory_total": 8 << 30,
        "virtualization": "kvm",
        "compiler": "cc",
    },
    "notes": ["virtual machine: neighbours may take the processor; repeat the run and compare"],
}


def write(folder: Path, **options: Any) -> Path:
    """Write `run.json` into the folder and give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(document(**options)), encoding="utf-8")
    return folder


if __name__ == "__main__":
    write(Path(sys.argv[1]), repeats=int(sys.argv[2]) if len(sys.argv) > 2 else 1)
