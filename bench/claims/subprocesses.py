"""Programs of others: subprocess (section 5.2)."""

from __future__ import annotations

import os
import select
import subprocess
import time

from ipcbench.bench.claim import Claim, Finding, Observed
from ipcbench.bench.trying import PYTHON, always, verdict

TRIES = 3
SECONDS = 0.1
SAYS = "import sys; print('a line'{}); print('said', file=sys.stderr, flush=True); sys.stdin.readline()"
"""A program that says on stderr that it has printed a line, and goes on when it is told to."""


def check_raises() -> Finding:
    """A program that ends with 3, with check=True and without."""
    command = [*PYTHON, "-c", "raise SystemExit(3)"]
    without = subprocess.run(command, check=False, timeout=5).returncode
    try:
        subprocess.run(command, check=True, timeout=5)
    except subprocess.CalledProcessError as error:
        return verdict(
            True, f"CalledProcessError with return code {error.returncode}; without check the code is {without}"
        )
    return verdict(False, "nothing is raised")


def timeout_kills() -> Finding:
    """A program that would run for long."""

    def check() -> bool:
        try:
            subprocess.run([*PYTHON, "-c", "import time; time.sleep(60)"], timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return _no_children()
        return False

    return always(TRIES, check, f"TimeoutExpired after {SECONDS} s, and no child was left")


def _no_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def communicate_spares() -> Finding:
    """The same with Popen.communicate."""
    with subprocess.Popen([*PYTHON, "-c", "import time; time.sleep(60)"]) as process:
        try:
            process.communicate(timeout=SECONDS)
            raised = "nothing"
        except subprocess.TimeoutExpired:
            raised = "TimeoutExpired"
        killed = process.poll() is not None
        process.kill()
    return verdict(
        raised == "TimeoutExpired" and killed, f"{raised} is raised, the child {'is killed' if killed else 'runs on'}"
    )


def captured() -> Finding:
    """A program that writes to both streams."""
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    done = subprocess.run([*PYTHON, "-c", code], capture_output=True, text=True, check=True, timeout=5)
    return verdict((done.stdout, done.stderr) == ("out\n", "err\n"), f"stdout {done.stdout!r}, stderr {done.stderr!r}")


def at_once() -> Finding:
    """What each of the two has at its return."""
    command = [*PYTHON, "-c", f"import time; time.sleep({SECONDS})"]
    with subprocess.Popen(command) as process:
        runs = process.poll() is None
    begun = time.monotonic()
    done = subprocess.run(command, check=True, timeout=5)
    waited = time.monotonic() - begun >= SECONDS and done.returncode == 0
    there, then = "still runs" if runs else "has ended", "came back when it had ended" if waited else "did not wait"
    evidence = f"after Popen() the child {there}, run() {then}"
    return verdict(runs and waited, evidence)


def buffered() -> Finding:
    """What is in the pipe when the child has printed a line: as it is, with -u, and with flush=True."""
    plain, unbuffered, flushed = _early(""), _early("", "-u"), _early(", flush=True")
    evidence = (
        f"when the child has printed a line the pipe holds {plain} bytes ({unbuffered} with -u, {flushed} with flush=True); "
        "the line came when the child ended"
    )
    return verdict(plain == 0 and min(unbuffered, flushed) > 0, evidence)


def _early(more: str, *options: str) -> int:
    """Bytes that came before the child ended."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [PYTHON[0], *options, *PYTHON[1:], "-c", SAYS.format(more)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=clean, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.read(4)
        early = len(process.stdout.read(100)) if select.select([process.stdout], [], [], 0)[0] else 0
        process.stdin.close()
        rest = process.stdout.read()
        assert early or rest, "the line never came"
    return early


CLAIMS = [
    Claim(
        "check-raises",
        "5.2",
        "subprocess.run(check=True) raises CalledProcessError on a non-zero code.",
        Observed(check_raises),
    ),
    Claim(
        "timeout-kills",
        "5.2",
        "subprocess.run(timeout=) raises TimeoutExpired and kills the child.",
        Observed(timeout_kills),
    ),
    Claim(
        "communicate-timeout",
        "5.2",
        "Popen.communicate(timeout=) raises TimeoutExpired and kills the child.",
        Observed(communicate_spares),
    ),
    Claim(
        "capture-output",
        "5.2",
        "capture_output=True gives what the child wrote to stdout and stderr.",
        Observed(captured),
    ),
    Claim("popen-returns-at-once", "5.2", "Popen returns at once, run waits for the end.", Observed(at_once)),
    Claim(
        "child-buffers",
        "5.2",
        "A child's output into a pipe is block-buffered, unless -u or flush is given.",
        Observed(buffered),
    ),
]
