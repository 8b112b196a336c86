"""One arm of a duel: a case set up by one side's own interpreter and its own ipcbench, that answers loops with seconds.

A copy of this file is run, outside of any package, by interpreters whose ipcbench may be older than the runner's: it asks of
theirs only for `Case.parse`, `workload.load`, `subjects`, `refuse`, `loops_multiple`, `fixed_loops` and `session`. One JSON value a line:

    python arm.py           → {"ipcbench": "0.1.0", "python": "3.11.7", ...}
    python arm.py CASE      → {"ready": {...}} or {"unknown": why} or {"failed": why}
                     64 ←   → 0.0004
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def main(arguments: list[str]) -> int:
    """Answer on what was standard output; whatever a mechanism prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(what: Any) -> None:
        print(json.dumps(what), file=answers, flush=True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner decides when a Ctrl-C ends the run
    signal.signal(signal.SIGTERM, end)
    name_semaphores()
    try:
        if arguments:
            serve(arguments[0], say)
        else:
            say(about())
    except Exception as error:  # noqa: BLE001 - whatever it is, the runner must hear of it
        say({"failed": " ".join(f"{type(error).__name__}: {error}".split())})
        return 1
    return 0


def name_semaphores() -> None:
    """After this process, so that the runner finds what a kill leaves: as `ipc.marks` does it, which this side may not have."""
    from multiprocessing import process

    process.current_process()._config["semprefix"] = f"/ipcbench-{os.getpid()}"  # type: ignore[attr-defined] # noqa: SLF001


def end(_number: int, _frame: Any) -> None:
    """SIGTERM unwinds, so that everything is released; once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(143)


def about() -> dict[str, str]:
    """Who this side is."""
    import platform
    from importlib.metadata import version

    from ipcbench import bench  # type: ignore[attr-defined,unused-ignore]

    return {
        "ipcbench": version("ipcbench"),
        "python_version": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "executable": sys.executable,
        "package": next(iter(bench.__path__)),
    }


def unknown(case: Any) -> str | None:
    """Why this side can't measure the case at all, or None."""
    from ipcbench.bench import workload as workloads

    if case.workload not in workloads.names():
        return f"there is no workload {case.workload}"
    workload = workloads.load(case.workload)
    if case.mechanism not in workload.subjects():
        return f"there is no mechanism {case.mechanism}"
    refusal = workload.refuse(case)
    return refusal.reason if refusal else None


def serve(text: str, say: Any) -> None:
    """Set the case up, then run loops until standard input ends."""
    from ipcbench.bench import workload as workloads
    from ipcbench.bench.case import Case

    case = Case.parse(text)
    why = unknown(case)
    if why:
        say({"unknown": why})
        return
    workload = workloads.load(case.workload)
    multiple = workload.loops_multiple(case)
    with workload.session([case]) as timed:
        measure = timed[case]
        measure(workload.fixed_loops or multiple)  # checks the content before it times anything
        facts = {"family": workload.family(case), "quantity": workload.quantity, "revision": workload.revision}
        near, far = workload.sides(case.processes)
        say({"ready": {**facts, "near": near, "far": far, "multiple": multiple, "fixed": workload.fixed_loops}})
        for line in sys.stdin:
            say(measure(int(line)).seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
