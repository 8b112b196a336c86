"""Free memory: what the machine has and what each control group leaves, whichever is least."""

import pytest

from ipcbench.bench import room

MI, GI = 1 << 20, 1 << 30


@pytest.fixture
def root(tmp_path):
    def write(**files):
        for name, content in {"proc/meminfo": f"MemAvailable: {8 * GI // 1024} kB\n", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return write


def group(folder, most, held, stat=""):
    return {f"{folder}/memory.max": str(most), f"{folder}/memory.current": str(held), f"{folder}/memory.stat": stat}


def test_without_groups_it_is_what_the_machine_has(root):
    assert room.free(root()) == 8 * GI
    assert room.lacking(2 * GI, root()) == ""
    assert "takes 10 GiB of free memory, 8 GiB is free" in room.lacking(8 * GI, root())


def test_the_narrowest_group_decides(root):
    outer, inner = group("sys/fs/cgroup", 4 * GI, GI), group("sys/fs/cgroup/a", "max", GI)
    made = root(**{"proc/self/cgroup": "0::/a\n", **outer, **inner})
    assert room.free(made) == 3 * GI


def test_file_pages_that_nobody_used_lately_can_be_had(root):
    made = root(
        **{"proc/self/cgroup": "0::/a\n", **group("sys/fs/cgroup/a", GI, GI, f"anon 1\ninactive_file {200 * MI}\n")}
    )
    assert room.free(made) == 200 * MI


def test_the_first_version_of_groups(root):
    files = {"limit_in_bytes": 2 * GI, "usage_in_bytes": GI, "stat": f"total_inactive_file {MI}\n"}
    named = {f"sys/fs/cgroup/memory/b/memory.{name}": str(content) for name, content in files.items()}
    assert room.free(root(**{"proc/self/cgroup": "4:memory:/b\n", **named})) == GI + MI


def test_a_machine_that_tells_nothing_gets_no_large_heap(tmp_path):
    assert room.free(tmp_path) is None
    assert "doesn't tell" in room.lacking(1, tmp_path)
