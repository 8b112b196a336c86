"""What is drawn, as matplotlib lays it out: one width, numbers beside their marks, nothing upon anything else."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ipcbench.reports import axes, dots, draw, figures, frame, lines, mosaic, schema
from ipcbench.reports.figure import Crossing, Figure, Panel, Series

from . import synthetic


def laid_out(figure):
    made = draw.KINDS[figure.kind](figure)
    FigureCanvasAgg(made)
    made.draw_without_rendering()
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    table = frame.build(schema.load(synthetic.write(tmp_path_factory.mktemp("run"))))
    return {each.file: (each, laid_out(each)) for each in figures.all_figures(table)}


def box(text):
    return text.get_window_extent()


def exact(names, unit="s", low=1e-5):
    """Series of one point each, ever longer."""
    y = [low * 1.3**index for index in range(len(names))]
    return [Series(name, "pipe", [0.0], [each], [each], [each]) for name, each in zip(names, y, strict=True)]


def test_all_pictures_have_one_width(pictures):
    assert {made.get_figwidth() for _, made in pictures.values()} == {axes.WIDTH}


def test_each_logarithmic_axis_has_three_labels_that_lie_apart_within_the_picture(pictures):
    for figure, made in pictures.values():
        for place in made.axes:
            axis = place.yaxis if figure.kind == "lines" else place.xaxis
            labels = [box(label) for label in axis.get_ticklabels() if label.get_text()]
            assert len(labels) >= 3, figure.file
            assert all(made.bbox.x0 <= each.x0 and each.x1 <= made.bbox.x1 for each in labels)
            assert not any(one.overlaps(two) for one, two in itertools.combinations(labels, 2)), figure.file


def test_a_row_has_its_number_and_it_lies_within_the_axes(pictures):
    for name in ("ranking.png", "cost.png", "latency.png", "placement.png", "open.png"):
        figure, made = pictures[name]
        for place, panel in zip(made.axes, figure.panels, strict=True):
            numbers = [text for text in place.texts if text.get_text()]
            assert len(numbers) >= len(panel.series)
            frame_ = place.get_window_extent()
            assert all(frame_.x0 <= box(each).x0 and box(each).x1 <= frame_.x1 + 1 for each in numbers), name


def test_bandwidths_take_more_room():
    """They are the longest values."""
    panels = [Panel("", exact(["shared-memory-ring", "pipe"], low=7.5e7)) for _ in range(2)]
    made = laid_out(Figure("", "", "", "ranking", "B/s", "", "bandwidth", panels))
    assert all(box(text).x1 <= place.get_window_extent().x1 + 1 for place in made.axes for text in place.texts)


def test_names_of_lines_stay_beside_their_panel(pictures):
    for name in ("round-trip.png", "bandwidth.png", "scaling.png"):
        for place in pictures[name][1].axes:
            names, frame_ = [box(text) for text in place.texts], place.get_window_extent()
            assert all(each.y0 > frame_.y0 - each.height and each.y1 < frame_.y1 + each.height for each in names)
            assert not any(one.overlaps(two) for one, two in itertools.combinations(names, 2))


def test_a_row_is_as_high_beside_a_longer_panel():
    panels = [Panel("", exact([f"n{index}" for index in range(count)])) for count in (12, 3)]
    made = laid_out(Figure("", "", "", "ranking", "s", "", "time", panels))
    high, low = (place.get_window_extent().height / count for place, count in zip(made.axes, (12, 3), strict=True))
    assert low == pytest.approx(high, rel=0.15)
    one, two = (place.get_window_extent() for place in made.axes)
    assert one.width == pytest.approx(two.width, rel=0.02)


def test_a_value_stands_beside_its_mark_and_not_upon_the_stroke_of_c():
    near, far = exact(["near", "far"])
    rows = [
        Series(**{**each.__dict__, "floor": floor}) for each, floor in ((near, near.y[0] * 1.1), (far, far.y[0] * 20))
    ]
    made = laid_out(Figure("", "", "", "ranking", "s", "", "time", [Panel("", rows)]))
    (place,) = made.axes
    beside = [place.transData.inverted().transform((box(text).x0, 0))[0] for text in place.texts]
    assert beside[0] > near.y[0] * 1.1
    assert far.y[0] < beside[1] < far.y[0] * 2


def test_a_rows_guide_leads_to_its_last_mark_in_every_row():
    rows = [
        Series("a", "pipe", [0.0, 1.0], *[[1e-5, 9e-5]] * 3),
        Series("b", "queue", [0.0, 1.0], *[[1e-5, 1.01e-5]] * 3),
    ]
    made = dots.marks(Figure("", "", "", "marks", "s", "", "", [Panel("", rows)], [(0.0, "one"), (1.0, "two")]))
    guides = made.axes[0].collections[0].get_segments()
    assert [(tuple(each[:, 0]), each[0, 1]) for each in guides] == [
        ((made.axes[0].get_xlim()[0], max(row.y)), index) for index, row in enumerate(rows)
    ]


def crossed(*crossings):
    x = [1.0, 4.0, 16.0]
    rising, flat = (Series(name, "pool", x, y, y, y) for name, y in (("a", [1.0, 4.0, 16.0]), ("b", [3.0, 3.0, 3.0])))
    panel = Panel("", [rising, flat], crossings=list(crossings))
    return laid_out(Figure("", "", "", "lines", "s", "tasks", "time", [panel], [(each, f"{each:.0f}") for each in x]))


def test_a_crossings_number_stands_at_its_ring_and_what_is_uncertain_is_faint():
    made = crossed(Crossing(2.0, 3.0, "2"), Crossing(3.0, 3.0, "≈ 3", sure=False))
    sure, unsure = (text for text in made.axes[0].texts if text.get_text() in ("2", "≈ 3"))
    assert (sure.get_fontweight(), unsure.get_fontweight()) == ("bold", "normal")
    assert not box(sure).overlaps(box(unsure))  # the one above, the other below its ring
    for text, x in ((sure, 2.0), (unsure, 3.0)):
        ring = made.axes[0].transData.transform((x, 3.0))
        centre = (box(text).x0 + box(text).x1) / 2
        assert centre == pytest.approx(ring[0], abs=1)
        assert min(abs(box(text).y0 - ring[1]), abs(box(text).y1 - ring[1])) < lines.RING


def test_each_panel_has_axes_of_its_own_unless_the_others_are_seen_in_it():
    x = [1.0, 4.0, 16.0]
    small, large = (
        Series(name, "pool", x[:count], *[[scale * each for each in x[:count]]] * 3)
        for name, count, scale in (("a", 3, 1e-6), ("b", 2, 1e-2))
    )
    ticks = [(each, f"{each:.0f}") for each in x]
    apart = laid_out(Figure("", "", "", "lines", "s", "", "", [Panel("", [small]), Panel("", [large])], ticks))
    assert apart.axes[0].get_ylim()[1] < apart.axes[1].get_ylim()[0]
    assert [label.get_text() for label in apart.axes[1].get_xticklabels()] == ["1", "4"]
    panels = [Panel("", [small], background=[large]), Panel("", [large], background=[small])]
    one, two = laid_out(Figure("", "", "", "lines", "s", "", "", panels, ticks)).axes
    assert one.get_ylim() == two.get_ylim()


def test_nothing_is_joined_across_a_cut():
    each = Series("a", "pipe", [1.0, 2.0, 4.0], *[[1.0, 2.0, 3.0]] * 3, cut=[False, True, False])
    x, y = lines._broken(each.x, each)
    assert [value == value for value in x] == [True, False, True, True]
    assert [value for value in y if value == value] == each.y


def test_parts_of_a_mosaic_keep_their_rows_height():
    parts = [
        Figure("", "", "", "ranking", "s", "", "time", [Panel("", exact([f"n{index}" for index in range(count)]))])
        for count in (3, 8, 4)
    ]
    made = mosaic.draw(Figure("", "", "", "mosaic", "s", "", "", [], parts=parts))
    FigureCanvasAgg(made)
    made.draw_without_rendering()
    heights = [place.get_window_extent().height / count for place, count in zip(made.axes, (3, 8, 4), strict=True)]
    assert max(heights) < 1.3 * min(heights)
