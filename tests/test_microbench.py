"""The second front end works: the benchmarks of the suite's own code, and cases by the README's words, compared with a saved run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def microbench(*options):
    command = [sys.executable, "-m", "pytest", "tests/benchmarks/microbench.py", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    return done.stdout


def test_the_suites_own_code_is_timed():
    said = microbench("-k", "not test_case", "--benchmark-disable", "-vv")
    for part in ("framing", "ring_slot", "reading_a_result", "page"):
        assert part in said


def test_cases_are_chosen_by_words_and_compared_with_a_saved_run(tmp_path):
    options = ["-k", "simple-queue and 1KiB and same-core", "--benchmark-enable", f"--benchmark-storage={tmp_path}"]
    microbench(*options, "--benchmark-autosave")
    assert "(0001_" in microbench(*options, "--benchmark-compare")
