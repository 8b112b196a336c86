"""Many messages one way between two processes, with a window: seconds per message.

What the clock sees: from the first send to the credit that acknowledges the last message's consumption.
"""

from __future__ import annotations

from ipcbench.bench.flow import FlowWorkload


class Stream(FlowWorkload):
    """One near and one far process."""

    name = "stream"

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one to one
        """One to one."""
        return 1, 1


WORKLOAD = Stream()
