"""What a run is started with: a terminal, on which a bar shows where it stands, or no standard descriptor at all."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from ipcbench.reports import schema

from .arms_kit import environment
from .kit import COMMAND, PIPE, nothing_new, traces
from .reports.make import result

HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"
"""What a terminal is told of its cursor; see console_codes(4)."""


class Terminal:
    """A run whose standard error is a terminal, and all that it has said there so far."""

    def __init__(self, folder, *options):
        self.master, slave = pty.openpty()
        self.said = b""
        environ = {**os.environ, "TERM": "xterm", "COLUMNS": "150", "LINES": "25"}
        command = [*COMMAND, "run", *PIPE, "--output", "out", *options]
        self.process = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def read(self):
        """Whether there was more: none comes once nobody has the other side open."""
        try:
            more = os.read(self.master, 4096)
        except OSError:
            return False
        self.said += more
        return bool(more)


def test_on_a_terminal_a_bar_shows_where_the_run_stands_and_the_cursor_comes_back(tmp_path, temporary):
    with Terminal(tmp_path, "--rounds", "1") as terminal:
        while terminal.read():
            pass
        assert terminal.process.wait() == 0, terminal.said
    before, _, bar = terminal.said.partition(HIDDEN)
    bar, _, after = bar.rpartition(SHOWN)
    assert b"quick: 1 case" in bar
    assert b" gone, " in bar
    assert b"round-trip/pipe/bytes/64B/1/fork/" in bar
    assert HIDDEN not in before + after
    assert b"timed work" in after


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_the_terminal_its_cursor_back(tmp_path, temporary, number):
    before = traces(temporary)
    with Terminal(tmp_path, "--rounds", "500") as terminal:
        while b" gone, " not in terminal.said and terminal.read():
            pass
        terminal.process.send_signal(number)
        while terminal.read():
            pass
        assert terminal.process.wait() == 128 + number, terminal.said
    assert 0 <= terminal.said.rfind(HIDDEN) < terminal.said.rfind(SHOWN) < terminal.said.rfind(b"--resume --output out")
    assert nothing_new(before, temporary)


def test_a_run_works_without_any_standard_descriptor(tmp_path, temporary):
    """Files that it opens must not become its standard output or error: what is said there would be written into them."""
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    done = subprocess.run(
        [*closed, *COMMAND, "run", *PIPE, "--output", "out", "--rounds", "1"], cwd=tmp_path, timeout=100
    )
    assert done.returncode == 0
    assert len(schema.load(tmp_path / "out").benchmarks) == 1
    text = (tmp_path / "out" / "run.json").read_text()
    assert json.loads(text)["ipcbench"]["status"] == "complete"
    assert (tmp_path / "out" / "report.html").read_text().rstrip().endswith("</html>")


@pytest.mark.parametrize("source", ["raise SystemExit(0)", "def broken(:", "MECHANISM = 5"])
def test_a_broken_mechanism_from_elsewhere_is_left_out_with_its_reason(tmp_path, temporary, source):
    python = environment(tmp_path / "env", "from-elsewhere", source)
    narrow = ["--only", "from-elsewhere,pipe", "--workload", "round-trip", "--size", "64", "--payload", "bytes"]
    command = [python, *COMMAND[1:], "run", "--profile", "quick", *narrow, "--rounds", "1", "--output", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "from-elsewhere is broken" in done.stderr
    found = schema.load(tmp_path / "out")
    assert {each.axes.mechanism for each in found.benchmarks} == {"pipe"}
    assert {(each.mechanism, each.status) for each in found.facts.cases} == {("from-elsewhere", "skipped")}


def test_a_users_style_of_figures_does_not_stop_a_report(tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    (tmp_path / "run.json").write_text(json.dumps(result()))
    environ = {**os.environ, "MPLBACKEND": "nonsense", "MATPLOTLIBRC": str(tmp_path)}
    done = subprocess.run(
        [*COMMAND, "report", "."], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ranking.png").exists()


SWALLOWED = """
import os, signal
from ipcbench.bench import cli, console

def main(**_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except SystemExit:  # as in a callback of a library
        pass
    while True:
        signal.pause()

cli.cli.main = main
console.PATIENCE = 0.1
console.main()
"""
BROKEN_INTO = """
import os, signal
from ipcbench.bench import cli, console

def main(**_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except SystemExit:
        raise ImportError("initialization failed")

cli.cli.main = main
console.main()
"""


@pytest.mark.parametrize("code", [SWALLOWED, BROKEN_INTO])
def test_a_signal_that_a_library_swallows_ends_a_command_all_the_same(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")
