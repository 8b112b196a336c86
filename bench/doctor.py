"""What about this machine makes numbers noisy, why, and what to do about it.

Each check looks at the facts of `machine.facts` and says one thing. Nothing is changed here: the commands are
for the reader to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ipcbench.bench.machine import Fact

__all__ = ["Finding", "as_json", "diagnose", "render"]

Level = Literal["ok", "note", "warning"]
Facts = Mapping[str, Fact]

GIB = 1 << 30
MIB = 1 << 20
BUSY, STIRRING = 0.5, 0.15
"""Load in shares of the cores: from here on a warning, a note."""
STOLEN, SHARED = 0.01, 0.001
"""Shares of stolen time: from here on a warning, a note."""
SHM_ENOUGH = 512 * MIB
"""Two rings of two slots for messages of 16 MiB, several cases alive, and some air."""
MEMORY_ENOUGH = 2 * GIB
STYLES: dict[Level, str] = {"ok": "green", "note": "yellow", "warning": "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing about this machine: how bad, what it is about, what was seen, why it matters, what to do."""

    level: Level
    name: str
    seen: str
    why: str = ""
    remedy: str = ""


Check = Callable[[Facts], "Finding | None"]


def diagnose(facts: Facts) -> list[Finding]:
    """What there is to say about the machine with these facts, the worst first.

    A check that doesn't apply here, or that the facts say nothing about, is left out.
    """
    order: tuple[Level, ...] = ("warning", "note", "ok")
    found = [finding for check in CHECKS if (finding := check(facts)) is not None]
    return sorted(found, key=lambda finding: order.index(finding.level))


def render(findings: Iterable[Finding]) -> RenderableType:
    """The findings for a terminal: what is well on a line of its own, the rest with its reason and remedy."""
    return Group(*(line for finding in findings for line in lines(finding)))


def lines(finding: Finding) -> list[RenderableType]:
    """One finding for a terminal; the remedy stands on lines of its own, so that it can be copied."""
    level = (f"{finding.level:<8}", STYLES[finding.level])
    head = Text.assemble(level, (finding.name, "bold"), ": ", finding.seen)
    return [head, *(Padding(Text(text), (0, 0, 0, 8)) for text in (finding.why, finding.remedy) if text)]


def as_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The findings as plain data: level, name, seen, why and remedy of each, all texts."""
    return [asdict(finding) for finding in findings]


# ---- the checks ----


def system(facts: Facts) -> Finding | None:
    """Whether this is the system that the suite knows best."""
    name = facts.get("system")
    if name == "Linux":
        return Finding("ok", "system", f"Linux {facts.get('kernel') or ''}".strip())
    return Finding(
        "warning", "system", f"{name or 'unknown'}, not Linux",
        "processes can't be pinned to cores here, and the machine's facts are few: cases scatter more",
        "measure on Linux if you can; else use --placement free and more rounds",
    )  # fmt: skip


def cores(facts: Facts) -> Finding | None:
    """Whether two processes can run at a time."""
    allowed, online = number(facts, "cpus_allowed"), number(facts, "cpus_online")
    if allowed is None:
        return None
    seen = f"{allowed:g} allowed" + (f" of {online:g}" if online is not None and online != allowed else "")
    if allowed < 2:
        return Finding(
            "warning", "cores", seen,
            "cross-core cases are impossible, and spinning on one core only wastes the other side's time",
            "allow two cores (taskset -c 0,1; docker run --cpuset-cpus 0,1), or use --placement same-core",
        )  # fmt: skip
    if allowed < 4:
        return Finding(
            "note", "cores", seen,
            "cases with more processes than cores measure the scheduler, and other programs are in the way",
            "read fan-out, fan-in and pairs beyond the cores as oversubscribed; close other programs",
        )  # fmt: skip
    return Finding("ok", "cores", seen)


def governor(facts: Facts) -> Finding | None:
    """Whether the cores keep their frequency."""
    name, driver = facts.get("governor"), facts.get("frequency_driver")
    if name is None:
        virtual = facts.get("virtualization") not in (None, "none")
        return Finding(
            "note", "governor", "not visible" + (" (the host decides)" if virtual else ""),
            "whether the cores keep their frequency can't be checked from here",
            "read the intervals: a clock that wanders makes them wide",
        )  # fmt: skip
    if name == "performance":
        return Finding("ok", "governor", "performance")
    return Finding(
        "warning", "governor", f"{name}" + (f" ({driver})" if driver else ""),
        "cores slow down while they wait: blocking cases run at a low clock, spinning ones at a high one",
        "sudo cpupower frequency-set -g performance",
    )  # fmt: skip


def turbo(facts: Facts) -> Finding | None:
    """Whether the clock depends on temperature and neighbours."""
    if facts.get("turbo") is None:
        return None
    if facts["turbo"] == "off":
        return Finding("ok", "turbo", "off")
    intel = str(facts.get("frequency_driver") or "").startswith("intel")
    switch = "intel_pstate/no_turbo" if intel else "cpufreq/boost"
    return Finding(
        "note", "turbo", "on",
        "the clock changes with temperature and with how many cores are busy: early samples look faster",
        f"echo {int(intel)} | sudo tee /sys/devices/system/cpu/{switch}",
    )  # fmt: skip


def smt(facts: Facts) -> Finding | None:
    """Whether two processors may be one core."""
    if facts.get("smt") is None:
        return None
    if facts["smt"] == "off":
        return Finding("ok", "smt", "off")
    return Finding(
        "note", "smt", "on",
        "two processors may share one core: a cross-core case then shares caches and execution units",
        "echo off | sudo tee /sys/devices/system/cpu/smt/control (or allow one processor of each core)",
    )  # fmt: skip


def load(facts: Facts) -> Finding | None:
    """Whether other programs run."""
    average, count = number(facts, "load_1min"), number(facts, "cpus_online") or number(facts, "cpus_allowed")
    if average is None or not count:
        return None
    seen = f"{average:.2f} over the last minute on {count:g} cores"
    share = average / count
    if share < STIRRING:
        return Finding("ok", "load", seen)
    return Finding(
        "warning" if share >= BUSY else "note", "load", seen,
        "other programs take slices of the cores: the tail grows first, then everything",
        "stop them (see top) or wait a minute, then look again",
    )  # fmt: skip


def quota(facts: Facts) -> Finding | None:
    """Whether a control group stops the processes now and then."""
    granted = number(facts, "cpu_quota")
    if granted is None:
        return None
    allowed = number(facts, "cpus_allowed")
    seen = f"{granted:g} CPUs' worth of time" + ("" if allowed is None else f" on {allowed:g} allowed")
    why = "once the time is used up, all processes stop for the rest of a period (mostly 100 ms)"
    if granted < 2 or (allowed is not None and granted < min(allowed, 4)):
        remedy = "give whole cores instead: docker run --cpuset-cpus 0,1 in place of --cpus"
        return Finding("warning", "cpu quota", seen, why, remedy)
    return Finding("note", "cpu quota", seen, why, "fan-out and pairs may reach it, a round trip hardly does")


def steal(facts: Facts) -> Finding | None:
    """Whether the host takes the cores away."""
    share = number(facts, "steal_share")
    if share is None:
        return None
    seen = f"{share:.2%} of the cores' time since start-up"
    if share < SHARED:
        return Finding("ok", "steal", seen)
    return Finding(
        "warning" if share >= STOLEN else "note", "steal", seen,
        "the host runs other guests on these cores: single values are late by whole time slices",
        "use a machine with dedicated cores; else more rounds (--profile rigorous), and compare by median",
    )  # fmt: skip


def virtualization(facts: Facts) -> Finding | None:
    """Whether there is a hypervisor below."""
    name = facts.get("virtualization")
    if name is None:
        return None
    if name == "none":
        return Finding("ok", "virtualization", "none")
    return Finding(
        "note", "virtualization", str(name),
        "waking a process on another core goes through the hypervisor: a round trip across cores costs "
        "several times what it costs on the bare machine",
        "trust ratios measured side by side; measure absolute times on the machine that will do the work",
    )  # fmt: skip


def container(facts: Facts) -> Finding | None:
    """Whether a container engine is in between."""
    if facts.get("container") is None:
        return None
    return Finding(
        "note", "container", str(facts["container"]),
        "limits on time, memory and /dev/shm apply that the machine's own facts don't show",
        "docker run --cpuset-cpus 0,1 --shm-size 1g, or measure outside",
    )  # fmt: skip


def memory(facts: Facts) -> Finding | None:
    """Whether large messages fit."""
    sizes = [size for key in ("memory_available", "memory_limit") if (size := number(facts, key)) is not None]
    if not sizes:
        return None
    seen = f"{amount(min(sizes))} available"
    if min(sizes) >= MEMORY_ENOUGH:
        return Finding("ok", "memory", seen)
    return Finding(
        "warning", "memory", seen,
        "large messages push pages out or end a process: such cases measure the disk, or fail",
        "free some, or leave out the largest: --size 64B,64KiB,1MiB",
    )  # fmt: skip


def swap(facts: Facts) -> Finding | None:
    """Whether pages are out on a disk."""
    used = number(facts, "swap_used")
    if used is None:
        return None
    if used < 64 * MIB:
        return Finding("ok", "swap", "unused" if number(facts, "swap_total") else "none")
    return Finding(
        "note", "swap", f"{amount(used)} in use",
        "a page that comes back from a disk costs as much as a thousand round trips",
        "free memory, then: sudo swapoff -a && sudo swapon -a",
    )  # fmt: skip


def shm(facts: Facts) -> Finding | None:
    """Whether shared-memory segments fit."""
    if facts.get("system") != "Linux":
        return None
    free = number(facts, "shm_free")
    if free is None:
        return Finding(
            "warning", "shared memory", "no /dev/shm",
            "shared-memory segments and multiprocessing's locks live there: cases that need them fail",
            "sudo mkdir -p /dev/shm && sudo mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        )  # fmt: skip
    if free >= SHM_ENOUGH:
        return Finding("ok", "shared memory", f"{amount(free)} free in /dev/shm")
    return Finding(
        "warning", "shared memory", f"{amount(free)} free in /dev/shm",
        "shared-memory cases with large messages don't fit and fail (containers get 64 MiB by default)",
        "docker run --shm-size 1g, or: sudo mount -o remount,size=1g /dev/shm",
    )  # fmt: skip


def compiler(facts: Facts) -> Finding | None:
    """Whether the floor can be measured."""
    if facts.get("compiler") is not None:
        return Finding("ok", "compiler", str(facts["compiler"]))
    return Finding(
        "note", "compiler", "none found",
        "the same primitives in C can't be measured: the report can't say what Python costs",
        "install one (apt install gcc, dnf install gcc, xcode-select --install) or name it in CC",
    )  # fmt: skip


def clock(facts: Facts) -> Finding | None:
    """Whether reading the clock is cheap."""
    source = facts.get("clocksource")
    if source is None:
        return None
    if source in ("tsc", "arch_sys_counter"):
        return Finding("ok", "clocksource", str(source))
    if source == "kvm-clock":
        return Finding("ok", "clocksource", "kvm-clock (read without a system call)")
    return Finding(
        "warning", "clocksource", str(source),
        "reading the clock may cost a microsecond instead of 20 ns, which single round trips show",
        "if listed in available_clocksource: echo tsc | sudo tee "
        "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    )  # fmt: skip


def runner(facts: Facts) -> Finding | None:
    """Whether this is a continuous-integration machine."""
    if facts.get("ci") is None:
        return None
    which = f" ({facts['ci_runner']})" if facts.get("ci_runner") else ""
    return Finding(
        "note", "CI runner", f"{facts['ci']}{which}",
        "every job may get another machine: figures of two jobs differ without any change in the code",
        "compare both versions in one job, side by side, and never with a stored baseline",
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    system, cores, governor, turbo, smt, load, quota, steal, virtualization, container,
    memory, swap, shm, clock, compiler, runner,
)  # fmt: skip


# ---- reading facts ----


def number(facts: Facts, name: str) -> float | None:
    """A fact that is a number, or None."""
    value = facts.get(name)
    return value if isinstance(value, int | float) else None


def amount(size: float) -> str:
    """Bytes for a reader."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
