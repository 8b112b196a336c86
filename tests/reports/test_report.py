"""From a result file to everything drawn of it."""

import base64
import csv
import io
import json
import os
import subprocess

import pyperf
import pytest
from rich.console import Console

from ipcbench.reports import compare, figures, frame, page, schema, tables
from ipcbench.reports.report import write_report
from ipcbench.reports.schema import ResultError

from . import synthetic
from .make import benchmark, result

PROMISED = (
    *("id", "mechanism", "workload", "payload", "size", "processes", "start_method", "placement", "family", "status"),
    *("reason", "samples", "mean_s", "low_s", "high_s"),
)


@pytest.fixture
def stored(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result()))
    return tmp_path


def test_a_report_holds_what_was_promised(stored):
    page = write_report(stored)
    names = {file.name for file in stored.iterdir()}
    assert {"cases.csv", "tables.md", "report.html", "ranking.png", "cost.png", "bandwidth.png"} <= names
    text = page.read_text()
    for word in ("Made Up 3000", "PeerGone: far peer 0 died", "at most 65,507 bytes", "somebody else works here"):
        assert word in text
    assert "http://" not in text
    assert "https://" not in text


def test_cases_csv_has_a_row_a_case(stored):
    write_report(stored)
    with (stored / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert set(PROMISED) <= set(rows[0])
    assert {row["status"] for row in rows} == {"measured", "failed", "skipped"}
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        if row["status"] == "measured":
            assert float(row["low_s"]) < float(row["mean_s"]) < float(row["high_s"])


def test_times_the_floor_is_the_ratio_of_means(stored):
    table = frame.build(schema.load(stored)).set_index("id")
    pipe, floor = (
        table.loc[name]
        for name in ("round-trip/pipe/bytes/64B/1/fork/cross-core", "floor/c-pipe/bytes/64B/1/fork/cross-core")
    )
    assert pipe["floor_ratio"] == pytest.approx(pipe["mean_s"] / floor["mean_s"])


def test_a_case_that_missed_the_precision_is_marked_in_each_table_and_figure(tmp_path):
    data = result([benchmark("pipe", 64), benchmark("pipe", 1 << 20), benchmark("queue", 64)], precision=0.06)
    for run, factor in zip(data["benchmarks"][0]["runs"], (1.0, 2.0, 4.0), strict=True):
        run["values"] = [value * factor for value in run["values"]]
    (tmp_path / "run.json").write_text(json.dumps(data))
    loaded = schema.load(tmp_path)
    table = frame.build(loaded)
    assert table["precise"].tolist() == [False, True, True, None, None]
    assert tables.missed(table, 0.06).startswith("1 of 3 cases missed ±6 %")
    page_ = write_report(tmp_path).read_text()
    text = (tmp_path / "tables.md").read_text()
    assert text.count("| ≈ ") == 3  # the short table, the costs and the full one
    assert "1 of 3 cases missed" in text
    assert page_.count('class="wide"') == 1
    assert any("≈ " in each for each in page.findings(table))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tables.summary(table))
    assert console.export_text().count("≈") == 2  # the case and the legend
    marked = [each for each in figures.all_figures(table) if "hollow" in each.caption]
    assert [each.file for each in marked] == ["ranking.png", "cost.png"]
    with (tmp_path / "cases.csv").open() as file:
        assert [row["precise"] for row in csv.DictReader(file)][:3] == ["False", "True", "True"]


def test_a_file_from_before_precision_was_asked_for_marks_nothing(stored):
    assert "≈" not in write_report(stored).read_text()
    assert frame.build(schema.load(stored))["precise"].isna().all()


def test_a_bad_file_overwrites_nothing(stored):
    write_report(stored)
    before = {file.name: file.read_bytes() for file in stored.iterdir()}
    (stored / "run.json").write_text("{}")
    with pytest.raises(ResultError):
        write_report(stored)
    after = {file.name: file.read_bytes() for file in stored.iterdir()}
    assert {**before, "run.json": b"{}"} == after


def test_a_report_of_one_sample_says_so(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", 64, samples=1)])))
    assert "one sample" in write_report(tmp_path).read_text()


DAMAGES = {
    "a cost that is text": lambda data: data["benchmarks"][0]["metadata"].update(cpu_user_s="fast"),
    "a histogram that is none": lambda data: data["ipcbench"].update(
        histograms={
            data["benchmarks"][0]["metadata"]["name"]: {
                "encoded": "x",
                "count": 1,
                "unit": "nanosecond",
                "recorder_s": 0,
            }
        }
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_inside_is_one_line_that_names_the_file(tmp_path, name):
    data = result()
    DAMAGES[name](data)
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(ResultError, match="run.json") as caught:
        write_report(tmp_path, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


ODD = {
    "a rate reached that none asked for": lambda data: data["benchmarks"][0]["metadata"].update(achieved_rate=10.0),
    "a rate that is no number": lambda data: data["benchmarks"][0]["metadata"].update(
        achieved_rate=10.0, case_variant="rate=abc"
    ),
    "memory in words": lambda data: data["ipcbench"]["machine"].update(memory_total="plenty"),
    "no CPU time": lambda data: [run["metadata"].update(cpu_user_s=-1) for run in data["benchmarks"][0]["runs"]],
    "all failed": lambda data: data.update(benchmarks=[]),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_drawn_all_the_same(tmp_path, name):
    data = result([benchmark("pipe", 64)])
    ODD[name](data)
    (tmp_path / "run.json").write_text(json.dumps(data))
    assert write_report(tmp_path).exists()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return write_report(synthetic.write(tmp_path_factory.mktemp("large"))).parent


def test_pyperf_itself_reads_the_made_up_run(large):
    assert len(pyperf.BenchmarkSuite.load(str(large / "run.json"))) == len(synthetic.document()["benchmarks"])


def test_every_picture_is_a_file_and_in_the_page(large):
    pictures = sorted(large.glob("*.png"))
    assert len(pictures) == 9
    text = (large / "report.html").read_text()
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert base64.b64encode(picture.read_bytes()).decode() in text
    assert text.count("<img alt=") == 9


def test_the_page_has_a_row_a_measured_case(large):
    cases = (large / "report.html").read_text().partition('<table id="cases">')[2].partition("</table>")[0]
    assert cases.count("<tr>") == 1 + len(synthetic.document()["benchmarks"])


def test_nothing_else_is_left_in_the_folder(large):
    names = {file.name for file in large.iterdir() if file.suffix != ".png"}
    assert names == {"run.json", "cases.csv", "tables.md", "report.html"}


def test_markdown_tables_have_one_width(large):
    assert "\\|" in (large / "tables.md").read_text()
    for table in (large / "tables.md").read_text().split("\n\n"):
        rows = [line for line in table.strip().splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in rows}) <= 1


def test_what_a_file_says_is_no_markup(tmp_path):
    notes = ["<script>alert(1)</script>", "[bold]"]
    data = result([benchmark("pipe", 64)], notes=notes)
    (tmp_path / "run.json").write_text(json.dumps(data))
    assert "<script>alert" not in write_report(tmp_path).read_text()


def test_backticks_are_code_and_all_else_is_text(tmp_path):
    (tmp_path / "run.json").write_text(
        json.dumps(result([benchmark("pipe", 64)], notes=["the workload `<open>` of <b>"]))
    )
    assert "<li>the workload <code>&lt;open&gt;</code> of &lt;b&gt;</li>" in write_report(tmp_path).read_text()


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("ipcbench run --profile quick", "ipcbench run --profile quick --seed 7"),
        ("ipcbench run --seed 7", "ipcbench run --seed 7"),
        ("ipcbench ab --a x", "ipcbench ab --a x"),
    ],
)
def test_the_command_to_repeat_a_run_has_its_seed(tmp_path, command, again):
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", 64)], command=command, seed=7)))
    assert f"<code>{again}</code>" in write_report(tmp_path).read_text()


def test_the_summary_tells_sleeping_from_spinning(large):
    said = page.findings(frame.build(schema.load(large)))
    assert any("that sleep while they wait, " in each and "64 B" in each and "95 %" in each for each in said)
    assert any("shared-memory-ring spin" in each and "keeps its core busy" in each for each in said)


def test_what_was_not_measured_has_no_heading(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", 64, workload="stream")])))
    page_ = write_report(tmp_path).read_text()
    assert "Round trips</h2>" not in page_
    assert "## Round trips" not in (tmp_path / "tables.md").read_text()


def test_a_chapter_of_a_figure_alone_has_no_heading_among_the_tables(tmp_path):
    starts = [
        benchmark("pipe", 64, case_start_method=start, name=f"round-trip/pipe/bytes/64B/1/{start}/cross-core")
        for start in ("fork", "spawn")
    ]
    (tmp_path / "run.json").write_text(json.dumps(result(starts)))
    assert ">Starting a process</h2>" in write_report(tmp_path).read_text()
    assert "## Starting a process" not in (tmp_path / "tables.md").read_text()


def test_it_is_said_how_many_cases_were_not_reached(tmp_path):
    data = result([benchmark("pipe", 64)])
    late = {"reason": "the budget was spent before its first sample", "id": "round-trip/late"}
    data["ipcbench"]["cases"].append({**data["ipcbench"]["cases"][0], **late})
    (tmp_path / "run.json").write_text(json.dumps(data))
    said = (
        "1 of 3 cases were not reached within the budget"  # measured, failed and this one; not what can't be measured
    )
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tables.summary(frame.build(schema.load(tmp_path))))
    assert said in console.export_text()
    assert said in write_report(tmp_path).read_text().partition("<h2")[0]
    assert said in (tmp_path / "tables.md").read_text()


def test_an_absurd_interval_is_shown_nowhere_but_in_the_data(tmp_path):
    data = result([benchmark("pipe", 64, samples=2), benchmark("queue", 64, samples=2)])
    for each in data["benchmarks"]:
        each["runs"][1]["values"] = [1e-2, 1e-2]
    (tmp_path / "run.json").write_text(json.dumps(data))
    page_ = write_report(tmp_path).read_text()
    for text in (page_, (tmp_path / "tables.md").read_text()):
        assert "±>100 %" in text.replace("&gt;", ">")
        assert " s)" not in text
    with (tmp_path / "cases.csv").open() as file:
        assert float(next(csv.DictReader(file))["high_s"]) > 1e6
    loaded = schema.load(tmp_path)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(compare.render(compare.compare(loaded, loaded)))
    assert console.export_text().count("±>100 %") == 2


@pytest.mark.parametrize(
    ("asked", "taken", "advice"),
    [
        *((None, 3, "more --budget helps"), (3, 3, "more --rounds helps"), (3, 1, "more --budget helps")),
        (None, 3, "more time helps"),
    ],
)
def test_what_would_narrow_the_intervals_is_named(tmp_path, asked, taken, advice):
    status = "interrupted" if advice == "more time helps" else "complete"
    data = result([benchmark("pipe", 64)], precision=0.01, asked={"rounds": asked}, rounds=taken, status=status)
    (tmp_path / "run.json").write_text(json.dumps(data))
    assert tables.missed(frame.build(schema.load(tmp_path)), 0.01).partition("; ")[0].endswith(advice)


def test_time_is_no_advice_where_it_would_take_days(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", 64)], precision=0.001)))
    said = tables.missed(frame.build(schema.load(tmp_path)), 0.001)
    assert said.endswith(
        "half of them would take more than 20 times as long; a quieter machine helps (ipcbench doctor)"
    )


def test_a_run_that_was_disturbed_says_so_before_it_ranks(tmp_path):
    made = [benchmark(name, 64) for name in ("pipe", "queue", "tcp")]
    for each in made[1:]:
        each["runs"][0]["values"] = [1e-3, 1e-3]
    (tmp_path / "run.json").write_text(json.dumps(result(made)))
    page_ = write_report(tmp_path).read_text()
    assert page_.index("too disturbed to rank") < page_.index("In short")
    (tmp_path / "run.json").write_text(json.dumps(result(made[:1])))
    assert "disturbed" not in write_report(tmp_path).read_text()


def test_the_report_goes_where_it_is_sent(stored, tmp_path_factory):
    there = tmp_path_factory.mktemp("elsewhere") / "deep"
    assert write_report(stored / "run.json", there) == there / "report.html"
    assert {file.name for file in stored.iterdir()} == {"run.json"}


def test_what_a_killed_report_left_is_removed_and_what_another_makes_is_not(stored):
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, others = (stored / f".report-{pid}-x2345678" for pid in (gone.pid, os.getppid()))
    users = [stored / ".report-notes", stored / ".report-2026-10-04"]
    for each in (left, others, *users):
        each.mkdir()
    write_report(stored)
    assert [each.exists() for each in (left, others, *users)] == [False, True, True, True]


def test_a_bad_file_makes_no_folder(tmp_path):
    (tmp_path / "run.json").write_text("")
    with pytest.raises(ResultError):
        write_report(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_report_of_duels_stands_whatever_was_fought_over(tmp_path):
    """The arms differ in nothing that a figure shows: their rows are in the full table alone."""
    cases = {
        "counter/value": ("counter", ""),
        "signal-burst/sigusr1": ("signal-burst", "burst=100,"),
        "policy/sched-other": ("policy", ""),
    }
    benchmarks = []
    for name, (workload, variant) in cases.items():
        for arm in ("a", "b"):
            about = {"case_mechanism": name.split("/")[1], "case_variant": f"arm={arm},{variant}".strip(",")}
            benchmarks.append(
                benchmark("pipe", 64, workload=workload, name=f"{name}/bytes/64B/1/fork/cross-core/{arm}", **about)
            )
    (tmp_path / "run.json").write_text(json.dumps(result(benchmarks)))
    write_report(tmp_path)
    assert "| counter | value |" in (tmp_path / "tables.md").read_text()


def test_a_run_of_one_sample_knows_its_busy_cores(tmp_path):
    """pyperf moves up to the benchmark what all of its runs share: with one run, everything."""
    made = benchmark("pipe", 64, samples=1)
    made["metadata"] |= made["runs"][0]["metadata"]
    made["runs"][0]["metadata"] = {}
    (tmp_path / "run.json").write_text(json.dumps(result([made])))
    assert frame.build(schema.load(tmp_path)).iloc[0]["cores_busy"] == pytest.approx(3e-6 / 50.05e-6, rel=1e-2)


def test_streams_are_compared_in_one_place_with_their_intervals(tmp_path):
    made = [benchmark("pipe", 1 << 20, workload="stream"), benchmark("queue", 1 << 20, workload="stream")]
    elsewhere = {"name": "stream/tcp/bytes/1MiB/1/fork/same-core", "case_placement": "same-core"}
    made.append(benchmark("tcp", 1 << 20, workload="stream", **elsewhere))
    (tmp_path / "run.json").write_text(json.dumps(result(made)))
    (said,) = (each for each in page.findings(frame.build(schema.load(tmp_path))) if each.startswith("One way"))
    assert said.startswith("One way, in messages of 1 MiB: pipe carries 1.1")
    assert said.count("(95 %: ") == 2
    assert "tcp" not in said


def test_a_run_without_any_figures_still_has_a_report(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result([])))
    text = write_report(tmp_path).read_text()
    assert "PeerGone" in text
    assert "left out" in text
    tables.summary(frame.build(schema.load(tmp_path)))


def test_json_has_null_for_what_is_unknown(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(result([benchmark("pipe", 64, samples=1)])))
    rows = json.loads(json.dumps(tables.to_json(frame.build(schema.load(tmp_path))), allow_nan=False))
    assert [rows[0][key] for key in ("low_s", "high_s", "lost")] == [None, None, None]
    assert rows[0]["mean_s"] == pytest.approx(50e-6 * (1 + 64 / 65536))


def test_costs_that_were_not_measured_are_not_nought(tmp_path):
    data = result([benchmark("pipe", 64)])
    for run in data["benchmarks"][0]["runs"]:
        run["metadata"] = {"loops": 100}
    (tmp_path / "run.json").write_text(json.dumps(data))
    table = frame.build(schema.load(tmp_path))
    assert table["cpu_s"].isna().all()
