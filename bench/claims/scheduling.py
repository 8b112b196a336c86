"""Schedulers and their policies (sections 1.2 and 1.4)."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path

from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, Claim, Finding, Observed
from ipcbench.bench.judging import less
from ipcbench.bench.trying import Untestable, forked, in_fork, need, verdict

TRIES = 3
CFS, EEVDF = (2, 6, 23), (6, 6, 0)
"""The kernels that brought these schedulers."""
NAP = 0.001
NAPS = 30
BUSY = 0.12
GAP = 500e-6
"""Seconds: a busy process that didn't read the clock for so long was waiting for its core, not interrupted."""


def default_scheduler() -> Finding:
    """The kernel's release says which one it has."""
    if not sys.platform.startswith("linux"):
        raise Untestable(f"{sys.platform} has a scheduler of its own")
    release = os.uname().release
    numbers = [int(each) for each in re.findall(r"\d+", release)[:3]]
    version = tuple(numbers + [0] * (3 - len(numbers)))
    policy = "SCHED_OTHER" if os.sched_getscheduler(0) == os.SCHED_OTHER else "another policy than SCHED_OTHER"
    if version >= EEVDF:
        return Finding(FAILS, f"Linux {release}: EEVDF took the place of CFS in 6.6; this process has {policy}")
    return Finding(
        HOLDS if version >= CFS else FAILS, f"Linux {release}, which has CFS (2.6.23 to 6.5); this process has {policy}"
    )


def interactive() -> Finding:
    """On one core with a busy process: how long one that sleeps in between waits for it, and one that is always busy."""
    need("os.fork", "os.sched_setaffinity")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pairs = []
    for _ in range(TRIES):
        with forked(_spin):
            pairs.append((in_fork(_naps), in_fork(_gaps)))
    if not all(gap for _, gap in pairs):
        raise Untestable("a busy process never waited for the other one on its core")
    favoured = sum(nap < gap for nap, gap in pairs)
    naps, gaps = ([each[side] * 1e3 for each in pairs] for side in (0, 1))
    evidence = (
        f"beside a busy process on one core, one that sleeps in between waits {min(naps):.2f} to {max(naps):.2f} ms for it, "
        f"one that is always busy {min(gaps):.2f} to {max(gaps):.2f} ms (medians of {TRIES} tries)"
    )
    return Finding(HOLDS if favoured == TRIES else DEPENDS if favoured else FAILS, evidence)


def _spin() -> None:
    while True:
        pass


def _naps() -> float:
    """By how much sleeps were too long."""
    found = []
    for _ in range(NAPS):
        begun = time.perf_counter()
        time.sleep(NAP)
        found.append(time.perf_counter() - begun - NAP)
    return sorted(found)[len(found) // 2]


def _gaps() -> float:
    """How long it was kept from running at a time."""
    found = []
    before = begun = time.perf_counter()
    while before - begun < BUSY:
        now = time.perf_counter()
        if now - before > GAP:
            found.append(now - before)
        before = now
    return sorted(found)[len(found) // 2] if found else 0.0


def asked_for() -> Finding:
    """The policy of a process, before and after it asks for a real-time one."""
    need("os.fork", "os.sched_setscheduler")
    before = os.sched_getscheduler(0)

    def ask() -> str:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            return "refused: it takes root, CAP_SYS_NICE or RLIMIT_RTPRIO (ulimit -r)"
        except OSError as error:
            return f"refused: {error.strerror}"
        return "granted" if os.sched_getscheduler(0) == os.SCHED_FIFO else "granted, without effect"

    answer = in_fork(ask)
    name = "SCHED_OTHER" if before == os.SCHED_OTHER else f"policy {before}"
    return verdict(before == os.SCHED_OTHER, f"a process has {name} unasked; SCHED_FIFO, asked for, is {answer}")


def not_hard() -> Finding:
    """Whether the kernel was built to be preempted everywhere, and what it keeps from real-time processes."""
    if not sys.platform.startswith("linux"):
        raise Untestable(f"{sys.platform} isn't Linux")
    flag, share = Path("/sys/kernel/realtime"), Path("/proc/sys/kernel/sched_rt_runtime_us")
    hard = "PREEMPT_RT" in os.uname().version or (flag.exists() and flag.read_text().strip() == "1")
    kept = ""
    with suppress(OSError, ValueError):
        runtime = int(share.read_text())
        period = int(share.with_name("sched_rt_period_us").read_text())
        kept = "" if runtime < 0 else f"; real-time processes get at most {runtime / period:.0%} of a core"
    built = "built with PREEMPT_RT" if hard else "not built with PREEMPT_RT: the kernel's own work goes first"
    return Finding(DEPENDS if hard else HOLDS, f"Linux {os.uname().release} is {built}{kept}")


RING = "context-switch/ring/none/0B/2/fork/same-core"
CALL = "thread/direct-call/bytes/64B/1/fork/same-core"
LOADED = "policy/{}/none/0B/1/fork/same-core/competitors=2"

CLAIMS = [
    Claim(
        "context-switch",
        "1.2",
        "Context switches cost: one takes longer than a call within the process.",
        less({"": (CALL, RING)}, "a call", "a switch"),
    ),
    Claim("default-scheduler", "1.4.2", "Linux's default scheduler is CFS.", Observed(default_scheduler)),
    Claim("interactive-favoured", "1.4.2", "Short and interactive work is favoured.", Observed(interactive)),
    Claim("real-time-asked-for", "1.4.3", "A real-time policy must be asked for.", Observed(asked_for)),
    Claim(
        "real-time-not-hard",
        "1.4.3",
        "Plain Linux still makes real-time processes wait for the kernel.",
        Observed(not_hard),
    ),
    Claim(
        "real-time-tail",
        "1.4.3",
        "A real-time policy shortens the tail of a round trip under load.",
        less(
            {"": (LOADED.format("sched-fifo"), LOADED.format("sched-other"))}, "SCHED_FIFO", "SCHED_OTHER", of="p99_s"
        ),
    ),
]
