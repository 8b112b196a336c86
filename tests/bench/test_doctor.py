"""What the doctor says about made-up machines."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ipcbench.bench.doctor import Finding, as_json, diagnose, render
from ipcbench.bench.machine import Fact, facts

GIB = 1 << 30

GOOD: dict[str, Fact] = {
    "system": "Linux",
    "kernel": "6.8.0",
    "cpus_allowed": 8,
    "cpus_online": 8,
    "governor": "performance",
    "frequency_driver": "intel_pstate",
    "turbo": "off",
    "smt": "off",
    "load_1min": 0.1,
    "cpu_quota": None,
    "steal_share": 0.0,
    "virtualization": "none",
    "container": None,
    "memory_available": 8 * GIB,
    "memory_limit": None,
    "swap_total": 2 * GIB,
    "swap_used": 0,
    "shm_free": 4 * GIB,
    "clocksource": "tsc",
    "compiler": "cc",
    "ci": None,
    "ci_runner": None,
}


def finding(name: str, **changed: Fact) -> Finding | None:
    """What the doctor says under that name about the good machine with some facts changed."""
    return next((found for found in diagnose({**GOOD, **changed}) if found.name == name), None)


def test_good_machine_has_nothing_to_mend() -> None:
    findings = diagnose(GOOD)
    assert {found.level for found in findings} == {"ok"}
    assert not any(found.why or found.remedy for found in findings)


@pytest.mark.parametrize(
    ("name", "changed", "level", "seen", "remedy"),
    [
        ("system", {"system": "Darwin"}, "warning", "Darwin, not Linux", "on Linux"),
        ("system", {"system": None}, "warning", "unknown, not Linux", "on Linux"),
        ("cores", {"cpus_allowed": 1}, "warning", "1 allowed of 8", "taskset"),
        ("cores", {"cpus_allowed": 2, "cpus_online": 2}, "note", "2 allowed", "oversubscribed"),
        ("governor", {"governor": "powersave"}, "warning", "powersave (intel_pstate)", "cpupower"),
        ("governor", {"governor": "performance,schedutil"}, "warning", "performance,schedutil", "cpupower"),
        ("governor", {"governor": None}, "note", "not visible", "intervals"),
        ("governor", {"governor": None, "virtualization": "KVM"}, "note", "the host decides", "intervals"),
        (
            "turbo",
            {"turbo": "on"},
            "note",
            "on",
            "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo",
        ),
        (
            "turbo",
            {"turbo": "on", "frequency_driver": "acpi-cpufreq"},
            "note",
            "on",
            "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost",
        ),
        ("smt", {"smt": "on"}, "note", "on", "smt/control"),
        ("load", {"load_1min": 2.0}, "note", "2.00 over the last minute on 8 cores", "top"),
        ("load", {"load_1min": 9.0}, "warning", "9.00", "top"),
        ("cpu quota", {"cpu_quota": 1.5}, "warning", "1.5 CPUs", "--cpuset-cpus"),
        ("cpu quota", {"cpu_quota": 6.0}, "note", "6 CPUs' worth of time on 8 allowed", "fan-out"),
        ("steal", {"steal_share": 0.002}, "note", "0.20%", "dedicated"),
        ("steal", {"steal_share": 0.03}, "warning", "3.00%", "dedicated"),
        ("virtualization", {"virtualization": "KVM"}, "note", "KVM", "ratios"),
        ("container", {"container": "docker"}, "note", "docker", "docker run"),
        ("memory", {"memory_available": GIB}, "warning", "1.0 GiB available", "--size"),
        ("memory", {"memory_limit": 512 << 20}, "warning", "512 MiB available", "--size"),
        ("swap", {"swap_used": GIB}, "note", "1.0 GiB in use", "swapoff"),
        ("shared memory", {"shm_free": None}, "warning", "no /dev/shm", "mount -t tmpfs"),
        ("shared memory", {"shm_free": 64 << 20}, "warning", "64 MiB free", "--shm-size"),
        ("compiler", {"compiler": None}, "note", "none found", "install"),
        ("clocksource", {"clocksource": "hpet"}, "warning", "hpet", "current_clocksource"),
        (
            "CI runner",
            {"ci": "GitHub Actions", "ci_runner": "Linux"},
            "note",
            "GitHub Actions (Linux)",
            "one job",
        ),
        ("CI runner", {"ci": "unnamed"}, "note", "unnamed", "one job"),
    ],
)
def test_noise_is_named_with_its_reason_and_remedy(
    name: str, changed: dict[str, Fact], level: str, seen: str, remedy: str
) -> None:
    found = finding(name, **changed)
    assert found is not None
    assert found.level == level
    assert seen in found.seen
    assert found.why
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("swap", {"swap_total": 0}),
        ("clocksource", {"clocksource": "kvm-clock"}),
        ("clocksource", {"clocksource": "arch_sys_counter"}),
        ("steal", {"steal_share": 0.0005}),
    ],
)
def test_what_is_well(name: str, changed: dict[str, Fact]) -> None:
    found = finding(name, **changed)
    assert found is not None
    assert found.level == "ok"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("cores", {"cpus_allowed": None}),
        ("turbo", {"turbo": None}),
        ("smt", {"smt": None}),
        ("load", {"load_1min": None}),
        ("load", {"cpus_online": None, "cpus_allowed": None}),
        ("steal", {"steal_share": None}),
        ("virtualization", {"virtualization": None}),
        ("memory", {"memory_available": None}),
        ("swap", {"swap_used": None}),
        ("clocksource", {"clocksource": None}),
        ("shared memory", {"system": "Darwin", "shm_free": None}),
    ],
)
def test_what_is_not_known_is_left_out(name: str, changed: dict[str, Fact]) -> None:
    assert finding(name, **changed) is None


def test_the_worst_comes_first() -> None:
    levels = [found.level for found in diagnose({**GOOD, "compiler": None, "governor": "powersave"})]
    assert levels == sorted(levels, key=["warning", "note", "ok"].index)
    assert levels[:2] == ["warning", "note"]


def test_no_facts_at_all() -> None:
    assert {found.name for found in diagnose({})} == {"system", "governor", "compiler"}


def test_empty_machine_and_this_machine(tmp_path: Path) -> None:
    assert diagnose(facts(tmp_path, {}))
    assert diagnose(facts())


def test_rendered_for_a_terminal() -> None:
    console = Console(file=StringIO(), width=200)
    console.print(render(diagnose({**GOOD, "governor": "powersave"})))
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines[0] == "warning governor: powersave (intel_pstate)"
    assert lines[2] == "        sudo cpupower frequency-set -g performance"
    assert "ok      smt: off" in lines


def test_text_from_the_machine_is_not_markup() -> None:
    console = Console(file=StringIO(), width=200)
    console.print(render([Finding("note", "[bold]", "[/]", "[red]", "[x]")]))
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().split() == ["note", "[bold]:", "[/]", "[red]", "[x]"]


def test_as_json() -> None:
    findings = diagnose({**GOOD, "ci": "unnamed"})
    entries = json.loads(json.dumps(as_json(findings)))
    assert [set(entry) for entry in entries] == [{"level", "name", "seen", "why", "remedy"}] * len(findings)
    assert Finding(**entries[0]) == findings[0]
