"""The machine's facts, read from made-up machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench import machine
from ipcbench.bench.machine import facts

LAPTOP = {
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i7-8650U\nsiblings\t: 8\n"
    "cpu cores\t: 4\nflags\t\t: fpu tsc constant_tsc\n\n"
    "processor\t: 1\nmodel name\t: Intel(R) Core(TM) i7-8650U\n",
    "proc/loadavg": "0.52 0.40 0.31 2/931 12345\n",
    "proc/stat": "cpu  1000 0 500 8000 100 0 10 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
    "proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\nSwapTotal:       2000000 kB\n"
    "SwapFree:        1500000 kB\nHugePages_Total:       0\n",
    "proc/self/cgroup": "0::/user.slice/session-2.scope\n",
    "proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
    "proc/sys/fs/pipe-max-size": "1048576\n",
    "proc/sys/net/core/rmem_default": "212992\n",
    "proc/sys/net/core/rmem_max": "4194304\n",
    "proc/sys/net/core/wmem_default": "212993\n",
    "proc/sys/net/core/wmem_max": "4194305\n",
    "proc/sys/net/unix/max_dgram_qlen": "512\n",
    "sys/devices/system/cpu/online": "0-7\n",
    "sys/devices/system/cpu/isolated": "2,6-7\n",
    "sys/devices/system/cpu/smt/active": "1\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq": "400000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "4200000\n",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/class/dmi/id/sys_vendor": "LENOVO\n",
    "sys/class/dmi/id/product_name": "20L7S0QW00\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "dev/shm/.keep": "",
}

CLOUD = {
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD EPYC 7571\nsiblings\t: 2\ncpu cores\t: 2\n"
    "flags\t\t: fpu hypervisor tsc\n\nprocessor\t: 1\n",
    "proc/stat": "cpu  600 0 100 9000 0 0 0 300 0 0\n",
    "proc/sys/kernel/osrelease": "5.15.0-1051-aws\n",
    "sys/class/dmi/id/sys_vendor": "Amazon EC2\n",
    "sys/class/dmi/id/product_name": "t3.medium\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "xen\n",
    "sys/devices/system/cpu/cpufreq/boost": "0\n",
}

CONTAINER = {
    ".dockerenv": "",
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/memory.max": "536870912\n",
}


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_bare_metal_laptop(tmp_path: Path) -> None:
    found = facts(tree(tmp_path, LAPTOP), {})
    expected = {
        "cpu_model": "Intel(R) Core(TM) i7-8650U",
        "cpus_online": 8,
        "cpus_isolated": 3,
        "smt": "on",
        "governor": "powersave",
        "frequency_driver": "intel_pstate",
        "frequency_min_mhz": 400.0,
        "frequency_max_mhz": 4200.0,
        "turbo": "on",
        "clocksource": "tsc",
        "hypervisor_flag": 0,
        "load_1min": 0.52,
        "load_5min": 0.4,
        "load_15min": 0.31,
        "steal_share": 0.0,
        "cpu_quota": None,
        "memory_total": 16_000_000 * 1024,
        "memory_available": 8_000_000 * 1024,
        "memory_limit": None,
        "swap_total": 2_000_000 * 1024,
        "swap_used": 500_000 * 1024,
        "transparent_hugepages": "madvise",
        "pipe_max_size": 1048576,
        "socket_receive_default": 212992,
        "socket_receive_max": 4194304,
        "socket_send_default": 212993,
        "socket_send_max": 4194305,
        "unix_datagram_queue": 512,
        "kernel": "6.8.0-45-generic",
        "product": "LENOVO 20L7S0QW00",
        "virtualization": "none",
        "container": None,
        "ci": None,
        "ci_runner": None,
    }
    assert {name: found[name] for name in expected} == expected
    assert isinstance(found["shm_total"], int)


def test_cloud_machine_with_stolen_time(tmp_path: Path) -> None:
    found = facts(tree(tmp_path, CLOUD), {})
    assert found["steal_share"] == 0.03
    assert found["virtualization"] == "Amazon EC2"
    assert found["product"] == "Amazon EC2 t3.medium"
    assert found["cpus_online"] == 2  # counted in cpuinfo
    assert found["smt"] == "off"  # from siblings and cores
    assert found["turbo"] == "off"
    assert found["clocksource"] == "xen"
    assert found["governor"] is None
    assert found["shm_total"] is None


def test_container_with_a_quota(tmp_path: Path) -> None:
    found = facts(tree(tmp_path, CONTAINER), {})
    assert found["container"] == "docker"
    assert found["cpu_quota"] == 1.5
    assert found["memory_limit"] == 512 << 20


def test_empty_tree_has_every_name_and_no_fact_of_the_machine(tmp_path: Path) -> None:
    found = facts(tmp_path, {})
    assert set(found) == set(facts(tree(tmp_path / "laptop", LAPTOP), {}))
    of_the_process = set(machine.interpreter()) | {"compiler"}
    assert {name for name, fact in found.items() if fact is not None} <= of_the_process


def test_root_that_is_not_there(tmp_path: Path) -> None:
    assert facts(tmp_path / "absent", {})["cpu_model"] is None


def test_files_full_of_nonsense_are_none_never_an_exception(tmp_path: Path) -> None:
    for name in LAPTOP | CLOUD | CONTAINER:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\x00 - : : max -1 nan\ncpu x\n::\n")
    found = facts(tmp_path, {})
    assert found["cpu_quota"] is None
    assert found["steal_share"] is None
    assert found["memory_total"] is None
    assert found["cpus_online"] is None


def test_folders_where_files_are_due(tmp_path: Path) -> None:
    for name in LAPTOP:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    assert facts(tmp_path, {})["cpu_model"] is None


def test_texts_are_one_line_and_never_empty(tmp_path: Path) -> None:
    root = tree(tmp_path, {**LAPTOP, "sys/class/dmi/id/product_name": "two\nlines \n"})
    for fact in (*facts(root, {}).values(), *facts().values()):
        assert fact is None or isinstance(fact, int | float) or (fact and "\n" not in fact)


def test_this_machine() -> None:
    found = facts()
    for name in ("system", "kernel", "python_version", "cpus_allowed", "memory_total"):
        assert found[name]


# ---- quotas of control groups ----


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, None),
        (
            {  # the tightest of all levels counts
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/a/cpu.max": "250000 100000\n",
            },
            2.5,
        ),
        (
            {  # version 1
                "proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/docker/77\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/77/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/77/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {  # version 1 without a limit
                "proc/self/cgroup": "3:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        (
            {  # in a container the path is the host's, and only the top is mounted
                "proc/self/cgroup": "3:cpu,cpuacct:/docker/77\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.0,
        ),
        ({"proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1.0),
        ({"sys/fs/cgroup/cpu.max": "100000 0\n"}, None),
        ({"sys/fs/cgroup/cpu.max": "inf 100000\n"}, None),
    ],
)
def test_cpu_quota(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    assert facts(tree(tmp_path, files), {})["cpu_quota"] == quota


def test_memory_limit_of_version_1_that_is_none(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "4:memory:/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    assert facts(tree(tmp_path, files), {})["memory_limit"] is None


# ---- processors ----


def test_governors_that_differ(tmp_path: Path) -> None:
    names = {"cpu0": "schedutil", "cpu1": "performance", "cpu10": "performance"}
    files = {f"sys/devices/system/cpu/{cpu}/cpufreq/scaling_governor": name + "\n" for cpu, name in names.items()}
    assert facts(tree(tmp_path, files), {})["governor"] == "performance,schedutil"


@pytest.mark.parametrize(
    ("files", "turbo"),
    [
        ({"sys/devices/system/cpu/intel_pstate/no_turbo": "1"}, "off"),
        ({"sys/devices/system/cpu/intel_pstate/no_turbo": "0"}, "on"),
        ({"sys/devices/system/cpu/cpufreq/boost": "1"}, "on"),
        ({}, None),
    ],
)
def test_turbo(tmp_path: Path, files: dict[str, str], turbo: str | None) -> None:
    assert facts(tree(tmp_path, files), {})["turbo"] == turbo


@pytest.mark.parametrize(
    ("ranges", "count"),
    [("0", 1), ("0-3", 4), ("0-1,4,6-7", 5), ("", None), ("0-", None), ("x", None), (None, None)],
)
def test_list_of_processors(ranges: str | None, count: int | None) -> None:
    assert machine.listed(ranges) == count


# ---- surroundings ----


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"proc/cpuinfo": "flags : fpu hypervisor"}, "unknown hypervisor"),
        ({"proc/cpuinfo": "flags : fpu hypervisor", "sys/hypervisor/type": "xen"}, "Xen"),
        (
            {"proc/cpuinfo": "flags : hypervisor", "sys/class/dmi/id/product_name": "Virtual Machine"},
            "Hyper-V",
        ),
        (
            {"proc/cpuinfo": "flags : fpu", "sys/class/dmi/id/sys_vendor": "Amazon EC2"},
            "none",
        ),  # bare, rented
        ({"proc/cpuinfo": "Features : fp asimd", "sys/class/dmi/id/sys_vendor": "QEMU"}, "QEMU"),
        ({"proc/cpuinfo": "Features : fp asimd"}, None),
        ({"proc/sys/kernel/osrelease": "5.15.90.1-microsoft-standard-WSL2"}, "WSL"),
    ],
)
def test_virtualization(tmp_path: Path, files: dict[str, str], name: str | None) -> None:
    assert facts(tree(tmp_path, files), {})["virtualization"] == name


@pytest.mark.parametrize(
    ("files", "environ", "name"),
    [
        ({"run/.containerenv": ""}, {}, "podman"),
        ({"proc/1/cgroup": "1:cpu:/kubepods/besteffort/pod1\n"}, {}, "kubernetes"),
        ({"run/systemd/container": "systemd-nspawn\n"}, {}, "systemd-nspawn"),
        ({}, {"container": "lxc"}, "lxc"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({"proc/1/cgroup": "0::/init.scope\n"}, {}, None),
    ],
)
def test_container(tmp_path: Path, files: dict[str, str], environ: dict[str, str], name: str | None) -> None:
    assert facts(tree(tmp_path, files), environ)["container"] == name


@pytest.mark.parametrize(
    ("environ", "ci", "runner"),
    [
        (
            {
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "RUNNER_OS": "Linux",
                "RUNNER_ENVIRONMENT": "github-hosted",
            },
            "GitHub Actions",
            "github-hosted Linux",
        ),
        ({"CI": "1"}, "unnamed", None),
        ({"CI": "false"}, None, None),
        ({"JENKINS_URL": "https://ci.example.org"}, "Jenkins", None),
    ],
)
def test_ci_runner(tmp_path: Path, environ: dict[str, str], ci: str | None, runner: str | None) -> None:
    found = facts(tmp_path, environ)
    assert (found["ci"], found["ci_runner"]) == (ci, runner)


def test_without_proc_psutil_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "text", lambda _path: None)
    found = facts()
    assert found["memory_total"]
    assert found["cpus_online"]
    assert isinstance(found["load_1min"], float)
