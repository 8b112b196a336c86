"""The console script: it takes over signals first, since what it then imports takes longer than what comes before."""

from __future__ import annotations

import signal
import sys

__all__ = ["main"]

INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def main() -> None:
    """A signal is an orderly end in every command, a closed pipe (`| head`) no error worth a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    from ipcbench.bench.cli import cli

    try:
        cli.main(prog_name="ipcbench")
    except SystemExit as end:
        if end.code in INTERRUPTED:  # another signal changes nothing, also while the interpreter is taken apart
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


def _leave(number: int, _frame: object) -> None:
    """What was begun is cleaned up on the way, and the shell sees which signal it was; `run` and `ab` take over from here."""
    sys.exit(128 + number)
