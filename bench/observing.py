"""One observed claim, looked at in a process of its own: `python -m ipcbench.bench.observing FILE ID ANSWER`, FILE in `claims/`.

The main module is imported again in each child under spawn and forkserver, so this one imports nothing at its top but what is
always loaded.
"""

from __future__ import annotations

import sys


def main(file: str, name: str, answer: str) -> int:
    """Look, and write what was found. Whoever started this ends what it leaves; if that one is gone, so is everything here."""
    import json
    from pathlib import Path

    from ipcbench.bench import orphaned, trying
    from ipcbench.bench.claim import Observed, of_file

    orphaned.watch(trying.end_everything)
    (check,) = (each.check for each in of_file(file) if each.id == name)
    assert isinstance(check, Observed), f"{name} is judged, not observed"
    finding = trying.see(check)
    Path(answer).write_text(json.dumps({"verdict": finding.verdict, "evidence": finding.evidence}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
