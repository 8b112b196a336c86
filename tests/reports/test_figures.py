"""Figure data, chosen cases and labels of a run as large as a real one."""

import itertools
import json

import pytest

from ipcbench.reports import axes, choose, dots, figures, frame, schema, style, units
from ipcbench.reports.chapters import starting
from ipcbench.reports.figure import Figure, Panel, Series

from . import synthetic
from .make import benchmark, result

WAITING = {f"shared-memory{ring} {wait}" for ring in ("", "-ring") for wait in ("spin", "adaptive")}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return frame.build(schema.load(synthetic.write(tmp_path_factory.mktemp("run"))))


@pytest.fixture(scope="module")
def drawn(table):
    return {figure.file: figure for figure in figures.all_figures(table)}


def series(figure):
    return [each for panel in figure.panels for each in panel.series]


def small_table(tmp_path, *benchmarks):
    import json

    (tmp_path / "run.json").write_text(json.dumps(result(list(benchmarks))))
    return frame.build(schema.load(tmp_path))


def test_a_full_run_has_every_figure(drawn, table):
    names = "ranking round-trip bandwidth scaling placement cost latency open"
    assert list(drawn) == [f"{name}.png" for name in names.split()]
    assert figures.made(table)[1] == []


def test_a_figure_without_data_is_left_out_and_the_reason_is_said(tmp_path):
    table = small_table(tmp_path, benchmark("pipe", 64))
    assert [figure.file for figure in figures.all_figures(table)] == ["ranking.png", "cost.png"]
    assert len(figures.made(table)[1]) == 6
    assert any("fan-out" in why for why in figures.made(table)[1])


def test_the_ranking_has_each_mechanism_once_fastest_first(drawn):
    for panel in drawn["ranking.png"].panels:
        names, means = [each.name for each in panel.series], [each.y[0] for each in panel.series]
        assert len(set(names)) == len(names)
        assert means == sorted(means)
        assert not any(each.family == "floor" for each in panel.series)
    small = {each.name: each for each in drawn["ranking.png"].panels[0].series}
    assert {*synthetic.MECHANISMS, *WAITING} == small.keys()
    assert small["value"].text == "value (8 B)"


def test_the_ranking_marks_each_mechanisms_own_floor(drawn, table):
    means = dict(zip(table["id"], table["mean_s"], strict=True))
    small = {each.name: each for each in drawn["ranking.png"].panels[0].series}
    assert small["pipe"].floor == means["floor/c-unix-stream/bytes/64B/1/fork/cross-core"]
    assert small["shared-memory-ring spin"].floor == means["floor/c-spin/bytes/64B/1/fork/cross-core"]
    assert small["udp"].floor is None


def test_intervals_hold_their_points_in_every_figure(drawn):
    for figure in drawn.values():
        for each in series(figure) if figure.kind != "spread" else ():
            for low, middle, high in zip(each.low, each.y, each.high, strict=True):
                assert 0 < low < middle < high or middle == low == high == each.y[1]


def test_bandwidth_is_size_over_time_of_a_stream_and_twice_that_of_a_round_trip(drawn, tmp_path):
    streams = next(each for each in series(drawn["bandwidth.png"]) if each.name == "os-pipe")
    assert streams.x == [float(size) for size in synthetic.SIZES]
    plain = small_table(tmp_path, *(benchmark("pipe", size) for size in (64, 1 << 20, 1 << 24)))
    (made,) = series(figures.bandwidth(plain))
    assert made.y[1] == pytest.approx(2 * (1 << 20) / plain["mean_s"][1])
    assert "round trips" in figures.bandwidth(plain).title


def test_bandwidth_shows_memcpy_as_the_limit(drawn, table):
    limit = drawn["bandwidth.png"].panels[0].limit
    rows = table[table["mechanism"].eq("memcpy")].sort_values("size")
    assert limit.y == pytest.approx((rows["size"] / rows["mean_s"]).tolist())


def test_a_panel_of_a_family_shows_the_floors_it_is_compared_with(drawn):
    floors = {panel.title: {each.name for each in panel.floors} for panel in drawn["round-trip.png"].panels}
    assert floors["pipe"] == {"c-pipe", "c-fifo", "c-unix-stream"}
    assert floors["shared-memory"] == {"c-shared-memory", "c-spin"}
    assert floors["manager"] == set()


def test_start_methods_compares_what_has_several(table):
    (figure,) = starting.start_methods(table)
    assert [text for _, text in figure.ticks] == ["fork", "forkserver", "spawn"]
    assert {each.name for each in series(figure)} == {"pipe", "queue", "unix-stream", "shared-memory"}
    assert all(each.x == [0.0, 1.0, 2.0] for each in series(figure))


def test_scaling_says_whether_channels_are_native(drawn):
    (out, *_) = drawn["scaling.png"].panels
    assert [each.text for each in out.series] == ["pipe, separate", "queue, native", "tcp, separate"]
    assert [text for _, text in drawn["scaling.png"].ticks] == ["1", "2", "4", "8"]


def test_cost_has_each_way_to_wait_in_time_and_cpu(drawn, table):
    rows = drawn["cost.png"].panels[0].series
    small = {each.name: each.y for each in rows}
    assert [text for _, text in drawn["cost.png"].ticks] == ["time", "CPU time"]
    assert {*synthetic.MECHANISMS, *WAITING} == small.keys()
    assert [each.y[1] for each in rows] == sorted(each.y[1] for each in rows)
    for name in ("shared-memory", "shared-memory-ring"):
        assert small[name][1] < small[name][0]
        time, cpu = small[f"{name} spin"]
        assert cpu == pytest.approx(1.98 * time, rel=0.05)  # both cores are busy


def test_a_mark_is_hollow_where_its_interval_is_wider_than_asked_for():
    ends = {"low": [1e-6, 3e-5], "high": [1e-4, 3e-5], "wide": [True, False]}
    rows = [Series("one", "pipe", [0.0, 1.0], [1e-5, 3e-5], **ends)]
    made = dots.marks(Figure("", "", "", "marks", "s", "", "", [Panel("", rows)], [(0.0, "time"), (1.0, "CPU time")]))
    lines = made.axes[0].lines
    filled = {line.get_xdata()[0]: line.get_markerfacecolor() for line in lines if line.get_marker() in "os"}
    assert filled == {1e-5: "white", 3e-5: style.colour("pipe", "one")}
    assert any("hollow" in text.get_text() for legend in made.legends for text in legend.get_texts())


def test_an_arrow_shows_that_an_interval_goes_on_beyond_the_frame():
    ends = {"low": [9e-6, 1e-7], "high": [1.1e-5, 1e-2]}
    rows = [Series("one", "pipe", [0.0, 1.0], [1e-5, 3e-5], **ends)]
    made = dots.marks(Figure("", "", "", "marks", "s", "", "", [Panel("", rows)], [(0.0, "time"), (1.0, "CPU time")]))
    (place,) = made.axes
    arrows = {line.get_marker(): line.get_xdata()[0] for line in place.lines if line.get_marker() in "<>"}
    along = axes.scaled(rows, "s")
    assert arrows == {"<": along.low, ">": along.high}
    bars = [x for line in place.lines if line.get_marker() == "None" for x in line.get_xdata()]
    assert max(bars) == along.high  # and no bar below the figures beside it


def test_latency_has_the_percentiles_of_each_mechanism_by_median(drawn):
    (panel,) = drawn["latency.png"].panels
    medians = [each.y[0] for each in panel.series]
    assert medians == sorted(medians)
    assert all(each.y == sorted(each.y) and each.x == [0, 1, 2, 3, 4] for each in panel.series)
    assert {each.name for each in panel.series} >= WAITING
    assert "71.0 ns" in drawn["latency.png"].caption  # the recorder's own cost


def test_a_mechanism_looks_the_same_whatever_else_is_drawn_and_differs_from_its_family():
    for family, names in itertools.groupby(sorted(synthetic.MECHANISMS, key=family_of), key=family_of):
        looks = [repr(sorted(style.look(family, name).items(), key=lambda pair: pair[0])) for name in names]
        assert len(set(looks)) == len(looks)
    assert style.look("pipe", "somebody-elses") == style.look("pipe", "somebody-elses")


def family_of(name):
    return synthetic.MECHANISMS[name][0]


def test_names_come_from_the_mechanism_and_its_options():
    assert choose.name("pipe", "") == "pipe"
    assert choose.name("ring", "consume=none,wait=spin") == "ring none spin"


@pytest.mark.parametrize(
    ("value", "text"),
    [(9.06e-7, "906 ns"), (9.999e-7, "1.00 µs"), (1.234e-5, "12.3 µs"), (9.997e-4, "1.00 ms"), (1.2, "1.20 s")],
)
def test_times_have_three_figures(value, text):
    assert units.seconds(value) == text


def test_half_an_interval_is_told_in_percent_up_to_a_hundred():
    nan = float("nan")
    assert units.spread(1.0, 0.9, 1.1) == "±10 %"
    assert units.spread(1.0, 0.1, 10.0) == "±>100 %"
    assert units.spread(1.0, nan, nan) == "one sample"


def test_an_interval_wider_than_its_estimate_has_no_ends_to_show():
    nan = float("nan")
    assert units.bounds(1.0, 0.9, 1.1) == "900 ms – 1.10 s"
    assert units.bounds(469e-6, 1e-13, 2.06e6) == "±>100 %"
    assert units.bounds(1.0, nan, nan) == "one sample"


def test_ways_to_wait_are_told_apart_by_their_markers():
    names = [f"shared-memory{ring}{wait}" for ring in ("", "-ring") for wait in ("", " spin", " adaptive")]
    names += ["shared-memory-numpy", "value", "array", "raw-array"]
    assert len({style.look("shared-memory", name)["marker"] for name in names}) == len(names)


def test_without_a_floor_no_caption_speaks_of_its_marks(tmp_path):
    for name, mechanisms in (("with", ["pipe", "c-pipe"]), ("without", ["pipe"])):
        (tmp_path / name).mkdir()
        benchmarks = [
            benchmark(each, size, workload="floor" if each == "c-pipe" else "round-trip")
            for each in mechanisms
            for size in (64, 1 << 10, 1 << 20)
        ]
        (tmp_path / name / "run.json").write_text(json.dumps(result(benchmarks)))
        captions = " ".join(each.caption for each in figures.all_figures(frame.build(schema.load(tmp_path / name))))
        assert ("grey stroke" in captions) is ("Thin grey lines" in captions) is (name == "with")
        assert ("not measured" in captions) is (name == "without")


def test_the_caption_speaks_of_lines_only_where_some_are_drawn(drawn, tmp_path):
    assert "light grey" in drawn["round-trip.png"].caption
    plain = small_table(tmp_path, *(benchmark("pipe", size) for size in (64, 1 << 10, 1 << 20)))
    assert "light grey" not in figures.round_trip(plain).caption


def test_primitives_in_c_are_told_apart_by_their_marks():
    names = [name for name in style.MEMBERS if name.startswith("c-")]
    assert len({style.floor(name)["marker"] for name in names}) == len(names)


def test_sizes_round_a_cliff_are_labelled_by_the_roundest():
    place = axes.canvas("", [3]).subplots()
    sizes = [32, 48, 63, 64, 65, 80, 96, 128]
    axes.size_axis(place, [(size * 1024.0, f"{size} KiB") for size in sizes])
    labels = [label.get_text() for label in place.get_xticklabels()]
    assert "64 KiB" in labels
    assert not {"63 KiB", "65 KiB"} & {*labels}


def test_of_sizes_round_a_cliff_the_ends_are_compared(tmp_path):
    sizes = [32768, 65536, 66560, 131072]
    cases = [
        benchmark("pipe", size, name=f"round-trip/pipe/bytes/{size}B/1/fork/{place}", case_placement=place)
        for size in sizes
        for place in ("same-core", "cross-core")
    ]
    placed = figures.placement(small_table(tmp_path, *cases))
    assert [panel.title for panel in placed.panels] == ["32 KiB", "128 KiB"]


def test_a_title_is_no_wider_than_its_picture():
    made = axes.canvas(
        "Bandwidth by message size (from round trips: twice the payload over the time)" + " and more" * 5, [3]
    )
    made.draw_without_rendering()
    assert made.get_suptitle().count("\n") == 1
    assert made._suptitle.get_window_extent().x1 < axes.WIDTH * made.dpi


def test_one_number_of_processes_is_no_scaling(tmp_path):
    assert figures.scaling(small_table(tmp_path, benchmark("pipe", 64, workload="fan-out"))) is None


@pytest.mark.parametrize(("count", "widths"), [(1, [1.0]), (2, [0.5, 0.5]), (3, [0.5, 0.5, 1.0]), (4, [0.5] * 4)])
def test_no_quarter_of_a_picture_is_empty(count, widths):
    columns = min(2, count)
    made = axes.lines_of(axes.canvas("", [1.0]), [1.0] * count)
    assert [place.get_subplotspec().colspan.stop - place.get_subplotspec().colspan.start for place in made] == [
        width * columns for width in widths
    ]


def sized(name, sizes, workload="round-trip", **more):
    return [benchmark(name, size, workload=workload, **more) for size in sizes]


def test_lines_by_size_are_drawn_of_what_has_three_sizes(tmp_path):
    three, two = sized("pipe", (64, 1 << 16, 1 << 20)), sized("queue", (64, 1 << 20))
    figure = figures.round_trip(small_table(tmp_path, *three, *two))
    assert [each.name for each in series(figure)] == ["pipe"]
    assert "fewer than 3 sizes" in figure.caption
    assert figures.round_trip(small_table(tmp_path, *two)) is None
    assert any("3 sizes" in why for why in figures.made(small_table(tmp_path, *two))[1])


def test_streams_of_two_sizes_are_rows_with_memcpy_beside_them(tmp_path):
    streams = [each for name in ("pipe", "queue") for each in sized(name, (64, 1 << 20), "stream")]
    memory = [
        {
            **each,
            "metadata": {**each["metadata"], "case_mechanism": "memcpy", "case_family": "floor", "name": f"memcpy/{i}"},
        }
        for i, each in enumerate(sized("c-pipe", (64, 1 << 16, 1 << 20), "memcpy"))
    ]
    figure = figures.bandwidth(small_table(tmp_path, *streams, *memory))
    assert figure.kind == "ranking"
    assert [panel.title.split(" (")[0] for panel in figure.panels] == ["messages of 64 B", "messages of 1 MiB"]
    for panel in figure.panels:
        speeds = [each.y[0] for each in panel.series]
        assert speeds == sorted(speeds, reverse=True)
        assert panel.limit.y[0] > max(speeds)
        assert units.bandwidth(panel.limit.y[0]) in panel.title


def test_streams_of_three_sizes_are_lines_and_each_size_of_memcpy_has_a_tick(drawn):
    figure = drawn["bandwidth.png"]
    assert figure.kind == "lines"
    assert {*figure.panels[0].limit.x} <= {x for x, _ in figure.ticks}


def flow(workload, mechanism, count, place):
    name = f"{workload}/{mechanism}/bytes/64B/{count}/fork/{place}"
    return benchmark(mechanism, 64, workload=workload, name=name, case_placement=place, case_processes=count)


def test_no_line_joins_one_placement_with_another(tmp_path):
    places = {1: "cross-core", 2: "free", 4: "free"}
    figure = figures.scaling(small_table(tmp_path, *(flow("pairs", "pipe", *each) for each in places.items())))
    (each,) = series(figure)
    assert each.cut == [False, True, False]
    assert "placed differently" in figure.caption
    alike = figures.scaling(small_table(tmp_path, *(flow("pairs", "pipe", count, "free") for count in places)))
    assert series(alike)[0].cut == []
    assert "placed differently" not in alike.caption


def test_one_channel_for_all_stands_beside_the_pairs(drawn):
    figure = drawn["scaling.png"]
    assert [panel.title[:3] for panel in figure.panels] == ["fan", "fan", "N→N"]
    names = [each.name for each in figure.panels[2].series]
    assert {"queue", "queue, N→N"} <= {*names}
    assert len({*names}) == len(names)


def test_no_mark_of_a_primitive_in_c_looks_like_an_interval_or_its_end():
    assert not {style.floor(name)["marker"] for name in style.MEMBERS if name.startswith("c-")} & {"|", "_"}
