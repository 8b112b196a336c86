"""Names beside points: what touches shares a list, and nothing is written where it could be taken for another mark's."""

import itertools
import math

import pytest

from ipcbench.reports import naming, style, trade
from ipcbench.reports.figure import Figure, Panel, Series


def drawn(points):
    """The axes of a picture of such points by name, and its texts' boxes by what they say."""
    series = [Series(name, "pipe", [x], [y], [x], [x], ways=[0]) for name, (x, y) in points.items()]
    panel = Panel("64 B", series)
    (place,) = trade.draw(Figure("cost.png", "", "", "trade", "s", "time", "CPU", [panel], [(0.0, "sleeps")])).axes
    texts = {text.get_text(): text.get_window_extent() for text in place.texts if "busy" not in text.get_text()}
    return place, {text.replace("\n", " "): box for text, box in texts.items()}


def test_marks_that_touch_share_one_list_of_names_fastest_first():
    _, texts = drawn({"slower": (1.005e-5, 1e-5), "fast": (1e-5, 1e-5), "far": (1e-4, 5e-5)})
    assert set(texts) == {"fast, slower", "far"}


def test_names_cover_neither_each_other_nor_a_mark():
    points = {f"mechanism-{i}": (1e-5 * 1.06**i, 1e-5 * 1.04 ** (i % 7)) for i in range(24)}
    place, texts = drawn({**points, "far": (1e-3, 1e-3)})
    assert len(texts) > 2
    assert not any(a.overlaps(b) for a, b in itertools.combinations(texts.values(), 2))
    marks = place.transData.transform(list(points.values()))
    assert not any(box.contains(*mark) for box in texts.values() for mark in marks)


@pytest.mark.parametrize("apart", [1.2, 1.3, 1.5])
def test_a_name_without_a_line_is_nearest_to_its_own_mark(apart):
    points = {"one": (1e-5, 1e-5), "two": (1e-5 * apart, 1e-5), "three": (1e-5, 1e-5 * apart), "far": (1e-3, 1e-3)}
    place, texts = drawn(points)
    marks = {name: place.transData.transform(point) for name, point in points.items()}
    for text, box in texts.items():
        gaps = {name: math.dist(mark, _nearest(box, mark)) for name, mark in marks.items()}
        own = min(gap for name, gap in gaps.items() if name in text.split(", "))
        assert own == min(gaps.values()) or own > naming.NEAR + 1
    assert "far" in texts


def _nearest(box, mark):
    return min(max(mark[0], box.x0), box.x1), min(max(mark[1], box.y0), box.y1)


def test_hollow_is_what_is_wider_than_asked_for():
    wide = Series("one", "pipe", [1e-5], [1e-5], [1e-6], [1e-4], ways=[0], wide=[True])
    fine = Series("two", "pipe", [2e-5], [1e-5], [2e-5], [2e-5], ways=[0])
    made = trade.draw(Figure("", "", "", "trade", "s", "", "", [Panel("", [wide, fine])], [(0.0, "sleeps")]))
    filled = {
        line.get_xdata()[0]: line.get_markerfacecolor() for line in made.axes[0].lines if line.get_marker() == "o"
    }
    assert filled == {1e-5: "white", 2e-5: style.family_colour("pipe")}
    assert any("hollow" in text.get_text() for legend in made.legends for text in legend.get_texts())
