"""One process deals messages out to N, each to exactly one: seconds per message in all."""

from __future__ import annotations

from ipcbench.bench.flow import FlowWorkload


class FanOut(FlowWorkload):
    """One near, N far processes."""

    name = "fan-out"

    def sides(self, processes: int) -> tuple[int, int]:
        """One to N."""
        return 1, processes


WORKLOAD = FanOut()
