"""What is said to be faster, lighter or dearer: judged on measured cases with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

from ipcbench.bench.claim import Claim
from ipcbench.bench.judging import fastest, less

SIZES = ("64 B", "1 KiB", "16 KiB", "64 KiB", "1 MiB")
ROUND_TRIP = "round-trip/{}/bytes/{}/1/fork/cross-core"
STREAM = "stream/{}/bytes/1MiB/1/fork/cross-core"
START = "start/{}/none/0B/1/{}/free/{}"
POOL = "pool-vs-process/{}/none/0B/2/fork/free/{}tasks={}"
FIRST = "first-line/{}/none/0B/1/none/free"

SHARED = ("shared-memory", "shared-memory-ring")
OTHERS = ("pipe", "os-pipe", "queue", "unix-stream", "tcp")
TASKS = ("1", "4", "16", "64")


def _trips(quick: str, slow: str, sizes: tuple[str, ...] = SIZES) -> Mapping[str, tuple[str, str]]:
    """By size: the round trips of the one that is said to be faster and of the other."""
    return {size: (_trip(quick, size), _trip(slow, size)) for size in sizes}


def _trip(mechanism: str, size: str = SIZES[0]) -> str:
    return ROUND_TRIP.format(mechanism, size.replace(" ", ""))


def _tasks(quick: str, slow: str, length: str, counts: tuple[str, ...] = TASKS) -> Mapping[str, tuple[str, str]]:
    """By the number of tasks."""
    task = f"task={length}," if length else ""
    return {
        f"{n} tasks" if n != "1" else "1 task": (POOL.format(quick, task, n), POOL.format(slow, task, n))
        for n in counts
    }


def _start(subject: str, method: str = "fork", variant: str = "phase=reaped") -> str:
    return START.format(subject, method, variant)


CLAIMS = [
    Claim(
        "fork-fastest",
        "3.1",
        "fork is the fastest way to a new process.",
        fastest(
            {"os.fork": _start("os-fork")},
            {
                "Process by fork": _start("process"),
                "by forkserver": _start("process", "forkserver"),
                "by spawn": _start("process", "spawn"),
                "run() of a native program": _start("run-native", "none"),
                "run() of Python": _start("run-python", "none"),
            },
        ),
    ),
    Claim(
        "fork-grows",
        "3.1",
        "fork costs more, the more memory the parent has.",
        less(
            {
                "": (
                    _start("os-fork", variant="phase=started"),
                    _start("os-fork", variant="parent=256MiB,phase=started"),
                )
            },
            "a small parent",
            "one of 256 MiB",
        ),
    ),
    Claim(
        "spawn-dearer",
        "3.4",
        "spawn costs more than fork.",
        less({"": (_start("process"), _start("process", "spawn"))}, "fork", "spawn"),
    ),
    Claim(
        "pipe-faster-than-queue",
        "4.2.1",
        "A Pipe is faster than a Queue.",
        less(_trips("pipe", "queue"), "pipe", "queue"),
    ),
    Claim(
        "pipe-lighter-than-queue",
        "4.2.1",
        "A Pipe is lighter than a Queue: it takes less CPU time.",
        less(_trips("pipe", "queue"), "pipe", "queue", of="cpu_s"),
    ),
    Claim(
        "queue-slower-than-shared-memory",
        "4.3",
        "Pickling and copying make a Queue slower than shared memory.",
        less(_trips("shared-memory", "queue"), "shared memory", "queue"),
    ),
    Claim(
        "shared-memory-latency",
        "4.4",
        "Shared memory has the lowest latency.",
        fastest(
            {name: _trip(name) for name in SHARED},
            {name: _trip(name) for name in (*OTHERS, "fifo", "udp")},
            {f"{name} that spins": f"{_trip(name)}/wait=spin" for name in SHARED},
        ),
    ),
    Claim(
        "shared-memory-bandwidth",
        "4.4",
        "Shared memory has the highest bandwidth.",
        fastest({SHARED[1]: STREAM.format(SHARED[1])}, {name: STREAM.format(name) for name in OTHERS}),
    ),
    Claim(
        "unix-beats-tcp",
        "4.7",
        "Unix domain sockets beat TCP over loopback.",
        less(_trips("unix-stream", "tcp"), "unix-stream", "tcp"),
    ),
    Claim(
        "udp-beats-tcp",
        "4.7",
        "UDP has a lower latency than TCP on loopback.",
        less(_trips("udp", "tcp", SIZES[:1]), "udp", "tcp"),
    ),
    Claim(
        "pool-reused",
        "5.1",
        "For many tasks, reuse of a pool beats the creation of processes.",
        less(_tasks("pool-once", "process-each", "100us"), "a pool made once", "a process each"),
    ),
    Claim(
        "pool-for-many",
        "5.1.4",
        "A pool is faster for many repeated tasks.",
        less(_tasks("pool-each", "process-each", "10ms", TASKS[:-1]), "a pool made for it", "a process each"),
    ),
    Claim(
        "process-for-one",
        "5.1.4",
        "A Process is faster for a single one-off task.",
        less(_tasks("process-each", "pool-each", "10ms", ("1",)), "a process", "a pool made for it"),
    ),
    Claim(
        "unbuffered-sooner",
        "5.2",
        "With -u the first line of a child is seen sooner.",
        less({"": (FIRST.format("unbuffered"), FIRST.format("buffered"))}, "with -u", "without"),
    ),
]
