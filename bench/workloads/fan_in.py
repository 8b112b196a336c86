"""N processes send to one: seconds per message in all. Over N channels the receiver serves them in turn."""

from __future__ import annotations

from ipcbench.bench.flow import FlowWorkload


class FanIn(FlowWorkload):
    """N near processes, one far."""

    name = "fan-in"

    def sides(self, processes: int) -> tuple[int, int]:
        """N to one."""
        return processes, 1


WORKLOAD = FanIn()
