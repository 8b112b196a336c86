"""A made-up result: realistic, exact, without measuring anything."""

from __future__ import annotations

from typing import Any

from hdrh.histogram import HdrHistogram

from ipcbench.bench.case import Case

FAMILIES = {"pipe": "pipe", "queue": "queue", "shared-memory-ring": "shared-memory", "tcp": "socket", "c-pipe": "floor"}
BASE = {"pipe": 50e-6, "queue": 110e-6, "shared-memory-ring": 55e-6, "tcp": 80e-6, "c-pipe": 45e-6}


def benchmark(mechanism: str, size: int, samples: int = 3, workload: str = "round-trip", **more: Any) -> dict[str, Any]:
    label = f"{size}B"
    about = {
        "name": f"{workload}/{mechanism}/bytes/{label}/1/fork/cross-core",
        "unit": "second",
        "case_workload": workload,
        "case_mechanism": mechanism,
        "case_payload": "bytes",
        "case_size": size,
        "case_processes": 1,
        "case_near": 1,
        "case_far": 1,
        "case_start_method": "fork",
        "case_placement": "cross-core",
        "case_family": FAMILIES[mechanism],
        "case_quantity": "message" if workload == "stream" else "round trip",
        "case_revision": 1,
    }
    if mechanism == "pipe" and workload == "round-trip":
        about["case_floor"] = f"floor/c-pipe/bytes/{label}/1/fork/cross-core"
    about.update(more)
    seconds = BASE[mechanism] * (1 + size / 65536)
    runs = [
        {
            "metadata": {"loops": 100, "cpu_user_s": 1e-6, "cpu_system_s": 2e-6},
            "values": [seconds * (1 + 0.02 * worker), seconds * (1 + 0.02 * worker)],
            "warmups": [[100, seconds]],
        }
        for worker in range(samples)
    ]
    return {"metadata": about, "runs": runs}


def bare(
    workload: str, subject: str, seconds: float, variant: str = "", place: str = "cross-core", **figures: float
) -> dict[str, Any]:
    """A case that carries nothing."""
    name = f"{workload}/{subject}/none/0B/1/fork/{place}" + (f"/{variant}" if variant else "")
    made = benchmark(
        *("pipe", 0),
        workload=workload,
        name=name,
        case_mechanism=subject,
        case_payload="none",
        case_family="signal",
        case_placement=place,
        case_variant=variant,
    )
    made["metadata"].pop("case_floor", None)
    for index, run in enumerate(made["runs"]):
        run["values"] = [seconds * (1 + 0.01 * index)] * 2
        run["metadata"] |= figures
    return made


def recorded(counts: dict[int, int], **more: Any) -> dict[str, Any]:
    """A histogram as a result file keeps it, of so many latencies by their nanoseconds."""
    made = HdrHistogram(1, 3600 * 10**9, 3)
    for value, count in counts.items():
        made.record_value(value, count)
    about = {"count": made.get_total_count(), "unit": "nanosecond", "recorder_s": 7e-8}
    return {"encoded": made.encode().decode(), **about, **more}


def scattered(name: str, seconds: float, lost: float = 0.0, spread: float = 0.01, workers: int = 8) -> dict[str, Any]:
    """A case whose workers scatter by the spread."""
    case = Case.parse(name)
    about = {
        "name": name,
        "unit": "second",
        **{f"case_{axis}": getattr(case, axis) for axis in ("workload", "mechanism", "payload", "size", "processes")},
        "case_start_method": case.start_method,
        "case_placement": case.placement,
        "case_variant": case.variant_text,
    }
    about = {key: value for key, value in about.items() if value != ""}
    runs = []
    for worker in range(workers):
        own = seconds * (1 + spread * (worker - workers / 2))
        told = {"cpu_user_s": own / 2, "cpu_system_s": own / 2, "p99_s": own, "lost": lost}
        runs.append({"metadata": {"loops": 10, **told}, "values": [own, own]})
    return {"metadata": about, "runs": runs}


def result(benchmarks: list[dict[str, Any]] | None = None, **facts: Any) -> dict[str, Any]:
    if benchmarks is None:
        benchmarks = [
            benchmark(mechanism, size, workload="floor" if mechanism == "c-pipe" else workload)
            for mechanism in BASE
            for workload in ("round-trip", "stream")
            for size in (64, 1 << 20)
            if not (mechanism == "c-pipe" and workload == "stream")
        ]
    skipped = {
        "id": "round-trip/udp/bytes/1MiB/1/fork/cross-core",
        "workload": "round-trip",
        "mechanism": "udp",
        "payload": "bytes",
        "size": 1 << 20,
        "processes": 1,
        "near": 1,
        "far": 1,
        "start_method": "fork",
        "placement": "cross-core",
        "family": "datagram",
        "variant": "",
        "quantity": "round trip",
        "status": "skipped",
        "reason": "a message of udp has at most 65,507 bytes, not 1,048,576",
    }
    failed = {**skipped, "id": "round-trip/fifo/bytes/64B/1/fork/cross-core", "mechanism": "fifo", "status": "failed"}
    failed["reason"] = "PeerGone: far peer 0 died"
    about = {
        "format": 1,
        "version": "0.1.0",
        "profile": "quick",
        "options": {},
        "command": "ipcbench run",
        "seed": 1,
        "status": "complete",
        "started": "2026-01-31T12:00:00+00:00",
        "ended": "2026-01-31T12:01:00+00:00",
        "seconds": 60.0,
        "rounds": 3,
        "machine": {"cpu_model": "Made Up 3000", "cores_allowed": 2},
        "notes": ["load: somebody else works here"],
        "cases": [skipped, failed],
    }
    return {
        "version": "1.0",
        "metadata": {"python_version": "3.11.7 (64-bit)", "platform": "Linux", "hostname": "here"},
        "benchmarks": benchmarks,
        "ipcbench": {**about, **facts},
    }
