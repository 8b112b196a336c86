"""N independent pairs stream at once: seconds per message in all."""

from __future__ import annotations

from ipcbench.bench.case import Case
from ipcbench.bench.flow import FlowWorkload


class Pairs(FlowWorkload):
    """N near and N far processes, a channel for each pair."""

    name = "pairs"

    def sides(self, processes: int) -> tuple[int, int]:
        """N to N, but each to its own."""
        return processes, processes

    def separate(self, case: Case) -> bool:  # noqa: ARG002 - whatever the mechanism can
        """Each pair has a channel of its own."""
        return True


WORKLOAD = Pairs()
