"""The machine's facts: what decides how fast and how steady inter-process communication is here.

Everything comes from /proc and /sys below a root, so that tests can ask made-up machines, or from the running
interpreter. What can't be found out is None: no fact is worth an exception.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from ipcbench.bench import floor

__all__ = ["Fact", "facts"]

Fact = str | int | float | None

CPUS = "sys/devices/system/cpu"
CGROUPS = "sys/fs/cgroup"
UNLIMITED = 1 << 60
"""Memory limits beyond this mean that there is none."""
HYPERVISORS = {
    "firecracker": "Firecracker",
    "virtualbox": "VirtualBox",
    "vmware": "VMware",
    "kvm": "KVM",
    "qemu": "QEMU",
    "xen": "Xen",
    "hvm domu": "Xen",
    "virtual machine": "Hyper-V",
    "google": "Google Compute Engine",
    "amazon ec2": "Amazon EC2",
    "openstack": "OpenStack",
    "parallels": "Parallels",
    "droplet": "DigitalOcean",
}
CONTAINERS = {
    "kubepods": "kubernetes",
    "docker": "docker",
    "libpod": "podman",
    "containerd": "containerd",
    "lxc": "lxc",
}
RUNNERS = {
    "GITHUB_ACTIONS": "GitHub Actions",
    "GITLAB_CI": "GitLab CI",
    "CIRCLECI": "CircleCI",
    "BUILDKITE": "Buildkite",
    "TRAVIS": "Travis CI",
    "TF_BUILD": "Azure Pipelines",
    "JENKINS_URL": "Jenkins",
    "CI": "unnamed",
}


def facts(root: Path = Path("/"), environ: Mapping[str, str] | None = None) -> dict[str, Fact]:
    """Every fact by name, None where it can't be found out. Texts are one line and never empty."""
    environ = os.environ if environ is None else environ
    found: dict[str, Fact] = {
        **interpreter(),
        **processors(root),
        **load(root),
        **memory(root),
        **limits(root),
        **surroundings(root, environ),
        "compiler": floor.compiler(),
    }
    if root == Path("/"):
        fill_in(found)
    return {name: tidy(fact) for name, fact in found.items()}


# ---- the interpreter and this process ----


def interpreter() -> dict[str, Fact]:
    """Python, the system under it, and what this process may use."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "python_version": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "python_build": " ".join((*platform.python_build(), platform.python_compiler())),
        "python_free_threaded": int(not getattr(sys, "_is_gil_enabled", lambda: True)()),
        "cpus_allowed": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "open_files_limit": open_files(),
    }


def open_files() -> int | None:
    """File descriptors that a process may have open, None where there is no limit."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


# ---- processors ----


def processors(root: Path) -> dict[str, Fact]:
    """Model, cores, and everything that changes their speed from one moment to the next."""
    info, flags = cpuinfo(root)
    online = listed(text(root / CPUS / "online"))
    frequency = root / CPUS / "cpu0/cpufreq"
    return {
        "cpu_model": info.get("model name") or info.get("Model") or info.get("Hardware"),
        "cpus_online": online if online is not None else processor_count(root),
        "cpus_isolated": listed(text(root / CPUS / "isolated")),
        "smt": smt(root, info),
        "governor": governors(root),
        "frequency_driver": text(frequency / "scaling_driver"),
        "frequency_min_mhz": scaled(number(frequency / "cpuinfo_min_freq"), 1e-3),
        "frequency_max_mhz": scaled(number(frequency / "cpuinfo_max_freq"), 1e-3),
        "turbo": turbo(root),
        "clocksource": text(root / "sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "hypervisor_flag": int("hypervisor" in flags) if flags else None,
    }


def cpuinfo(root: Path) -> tuple[dict[str, str], frozenset[str]]:
    """The first processor's fields in /proc/cpuinfo, and its flags."""
    fields: dict[str, str] = {}
    for line in (text(root / "proc/cpuinfo") or "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    return fields, frozenset(fields.get("flags", "").split())


def processor_count(root: Path) -> int | None:
    """Processors in /proc/cpuinfo."""
    return len(re.findall(r"^processor\s*:", text(root / "proc/cpuinfo") or "", re.MULTILINE)) or None


def smt(root: Path, info: Mapping[str, str]) -> str | None:
    """`on` where two processors may share one core, `off`, or None."""
    active = number(root / CPUS / "smt/active")
    if active is None and info.get("siblings", "").isdecimal() and info.get("cpu cores", "").isdecimal():
        active = int(int(info["siblings"]) > int(info["cpu cores"]))
    return switch(active)


def governors(root: Path) -> str | None:
    """The frequency governor; several, comma-separated, where the processors differ."""
    found = {text(path) for path in (root / CPUS).glob("cpu[0-9]*/cpufreq/scaling_governor")}
    return ",".join(sorted(name for name in found if name)) or None


def turbo(root: Path) -> str | None:
    """Whether processors may run faster than their base frequency: `on`, `off` or None."""
    barred = number(root / CPUS / "intel_pstate/no_turbo")
    return switch(number(root / CPUS / "cpufreq/boost") if barred is None else int(not barred))


# ---- load ----


def load(root: Path) -> dict[str, Fact]:
    """What else runs here, now and since the start of the machine."""
    averages = (text(root / "proc/loadavg") or "").split()
    return {
        "load_1min": decimal(averages[0] if averages else None),
        "load_5min": decimal(averages[1] if len(averages) > 1 else None),
        "load_15min": decimal(averages[2] if len(averages) > 2 else None),
        "steal_share": steal(root),
        "cpu_quota": cpu_quota(root),
    }


def steal(root: Path) -> float | None:
    """The share of the processors' time since start-up that the host gave to others."""
    for line in (text(root / "proc/stat") or "").splitlines():
        name, *ticks = line.split()
        if name == "cpu" and len(ticks) >= 8 and all(tick.isdecimal() for tick in ticks[:8]):
            spent = [int(tick) for tick in ticks[:8]]  # guest time, which follows, is part of user time
            return round(spent[7] / sum(spent), 6) if sum(spent) else None
    return None


def cpu_quota(root: Path) -> float | None:
    """CPUs' worth of time that this process's control groups grant it; None without a limit."""
    quotas = [quota for folder in control_groups(root, "cpu") if (quota := quota_in(folder)) is not None]
    return min(quotas, default=None)


def quota_in(folder: Path) -> float | None:
    """One control group's limit, of version 2 (`cpu.max`) or 1 (`cpu.cfs_*`)."""
    words = (text(folder / "cpu.max") or "").split()
    if len(words) == 2:
        limit, period = decimal(words[0]), decimal(words[1])
    else:
        limit, period = number(folder / "cpu.cfs_quota_us"), number(folder / "cpu.cfs_period_us")
    return round(limit / period, 3) if limit and period and limit > 0 and period > 0 else None


def control_groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control groups for a controller, innermost first.

    In a container the path may name what only the host sees; then just the mounted top is there.
    """
    for line in (text(root / "proc/self/cgroup") or "0::/").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3 and (not parts[1] or controller in parts[1].split(",")):
            path = PurePosixPath(*(part for part in PurePosixPath(parts[2]).parts if part not in ("/", "..")))
            for mount in (parts[1], controller) if parts[1] else ("", "unified"):
                for folder in (path, *path.parents):
                    yield root / CGROUPS / mount / folder


# ---- memory and limits of the kernel ----


def memory(root: Path) -> dict[str, Fact]:
    """Memory and swap in bytes, and how big pages are made."""
    kept = {
        match[1]: int(match[2]) * 1024
        for match in re.finditer(r"^(\w+):\s+(\d+) kB", text(root / "proc/meminfo") or "", re.MULTILINE)
    }
    total, free = kept.get("SwapTotal"), kept.get("SwapFree")
    chosen = re.search(r"\[(\w+)\]", text(root / "sys/kernel/mm/transparent_hugepage/enabled") or "")
    return {
        "memory_total": kept.get("MemTotal"),
        "memory_available": kept.get("MemAvailable"),
        "memory_limit": memory_limit(root),
        "swap_total": total,
        "swap_used": None if total is None or free is None else total - free,
        "transparent_hugepages": chosen[1] if chosen else None,
        **shared_memory(root / "dev/shm"),
    }


def memory_limit(root: Path) -> int | None:
    """Bytes that this process's control groups grant it; None without a limit."""
    found = [
        number(folder / name)
        for folder in control_groups(root, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
    ]
    return min((limit for limit in found if limit is not None and limit < UNLIMITED), default=None)


def shared_memory(folder: Path) -> dict[str, Fact]:
    """Size and free space of the file system that shared-memory segments live in."""
    try:
        system = os.statvfs(folder)
    except OSError:
        return {"shm_total": None, "shm_free": None}
    return {"shm_total": system.f_frsize * system.f_blocks, "shm_free": system.f_frsize * system.f_bavail}


def limits(root: Path) -> dict[str, Fact]:
    """How much fits into the kernel's pipes and sockets, in bytes and messages."""
    core = root / "proc/sys/net/core"
    return {
        "pipe_max_size": number(root / "proc/sys/fs/pipe-max-size"),
        "socket_receive_default": number(core / "rmem_default"),
        "socket_receive_max": number(core / "rmem_max"),
        "socket_send_default": number(core / "wmem_default"),
        "socket_send_max": number(core / "wmem_max"),
        "unix_datagram_queue": number(root / "proc/sys/net/unix/max_dgram_qlen"),
    }


# ---- surroundings ----


def surroundings(root: Path, environ: Mapping[str, str]) -> dict[str, Fact]:
    """The kernel, and what lies between this process and the bare machine."""
    return {
        "kernel": text(root / "proc/sys/kernel/osrelease"),
        "product": product(root),
        "virtualization": virtualization(root),
        "container": container(root, environ),
        "ci": next((name for variable, name in RUNNERS.items() if present(environ, variable)), None),
        "ci_runner": " ".join(
            environ[name] for name in ("RUNNER_ENVIRONMENT", "RUNNER_OS", "RUNNER_ARCH") if environ.get(name)
        ),
    }


def present(environ: Mapping[str, str], variable: str) -> bool:
    """Whether a variable says yes."""
    return environ.get(variable, "").lower() not in ("", "0", "false")


def product(root: Path) -> str | None:
    """Who made the machine, and what it is called."""
    names = [text(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name")]
    return " ".join(name for name in names if name) or None


def virtualization(root: Path) -> str | None:
    """`none`, the hypervisor's name, `unknown hypervisor`, or None where nothing tells.

    A processor's flags decide where it has any: a rented bare machine carries its cloud's name too.
    """
    flags = cpuinfo(root)[1]
    if "microsoft" in (text(root / "proc/sys/kernel/osrelease") or "").lower():
        return "WSL"
    if flags and "hypervisor" not in flags:
        return "none"
    known = text(root / "sys/hypervisor/type") or product(root) or ""
    name = next((name for sign, name in HYPERVISORS.items() if sign in known.lower()), None)
    return name or ("unknown hypervisor" if flags else None)


def container(root: Path, environ: Mapping[str, str]) -> str | None:
    """The container engine this process seems to run under, None where nothing hints at one."""
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    groups = text(root / "proc/1/cgroup") or ""
    hint = next((name for sign, name in CONTAINERS.items() if sign in groups), None)
    return hint or text(root / "run/systemd/container") or environ.get("container")


def fill_in(found: dict[str, Fact]) -> None:
    """On systems without /proc: what psutil finds out about the machine it runs on."""
    found["kernel"] = found["kernel"] or platform.release()
    found["cpu_model"] = found["cpu_model"] or platform.processor()
    if found["memory_total"] is None:
        import psutil

        machine, swap = psutil.virtual_memory(), psutil.swap_memory()
        found.update(memory_total=machine.total, memory_available=machine.available)
        found.update(swap_total=swap.total, swap_used=swap.used)
        found.update(cpus_online=psutil.cpu_count(), load_1min=psutil.getloadavg()[0])


# ---- reading ----


def text(path: Path) -> str | None:
    """What a file holds, stripped; None where it isn't there, can't be read or is empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n") or None
    except (OSError, ValueError):
        return None


def number(path: Path) -> int | None:
    """The whole number in a file, or None."""
    try:
        return int(text(path) or "")
    except ValueError:
        return None


def decimal(word: str | None) -> float | None:
    """A number, or None."""
    try:
        value = float(word or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def listed(ranges: str | None) -> int | None:
    """How many a list like `0-3,8` names, or None."""
    if ranges is None or not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", ranges):
        return None
    ends = [part.split("-") for part in ranges.split(",")]
    return sum(int(end[-1]) - int(end[0]) + 1 for end in ends)


def scaled(value: int | None, factor: float) -> float | None:
    """A number in another unit, or None."""
    return None if value is None else round(value * factor, 3)


def switch(value: int | None) -> str | None:
    """`on`, `off`, or None."""
    return None if value is None else "on" if value else "off"


def tidy(fact: Fact) -> Fact:
    """A text on one line, None instead of an empty one; numbers as they are."""
    return " ".join(fact.split()) or None if isinstance(fact, str) else fact
