"""What others took of the cores meanwhile, from made-up counters."""

import pytest

from ipcbench.bench.others import Others

TICK = 100


def written(path, busy, idle, stolen=0):
    """Counters of two cores that are measured on, and of a third that isn't."""
    line = f"{busy * TICK} 0 0 {idle * TICK} 0 0 0 {stolen * TICK} 0 0"
    path.write_text(f"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 {line}\ncpu1 {line}\ncpu2 999999 0 0 0 0 0 0 0 0 0\nintr 5\n")
    return path


@pytest.mark.parametrize(
    ("busy", "stolen", "own", "says"),
    [
        (50, 0, 100, ""),
        (50, 0, 90, ""),
        (50, 0, 20, "other programs took 40% of these cores"),
        (50, 5, 100, "the host gave 5% of their time to others"),
        (50, 5, 20, "other programs took 40% of these cores and the host gave 5% of their time to others"),
    ],
)
def test_what_this_run_did_not_use_was_others(tmp_path, monkeypatch, busy, stolen, own, says):
    monkeypatch.setattr("os.sysconf", lambda _name: TICK)
    used = iter([7.0, 7.0 + own])
    others = Others((0, 1), written(tmp_path / "stat", 1000, 1000), lambda: next(used))
    written(tmp_path / "stat", 1000 + busy, 1000 + 100 - busy - stolen, stolen)
    said = others.note()
    assert says in said
    assert bool(said) == bool(says)


@pytest.mark.parametrize("text", ["", "cpu0 1 2 3", "cpu0 a b c d e f g h", "cpu0"])
def test_a_system_that_does_not_tell_gets_no_note(tmp_path, text):
    (tmp_path / "stat").write_text(text)
    assert Others((0, 1), tmp_path / "stat").note() == ""
    assert Others((0, 1), tmp_path / "nothing").note() == ""
