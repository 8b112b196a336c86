"""N processes send to N over one shared channel, each message to exactly one: seconds per message in all."""

from __future__ import annotations

from ipcbench.bench.case import Case
from ipcbench.bench.flow import FlowWorkload
from ipcbench.ipc import registry
from ipcbench.ipc.contract import Refusal


class Mesh(FlowWorkload):
    """N near and N far processes on one channel."""

    name = "mesh"

    def sides(self, processes: int) -> tuple[int, int]:
        """N to N, any to any."""
        return processes, processes

    def refuse(self, case: Case) -> Refusal | None:
        """Only natively shared mechanisms."""
        if not registry.load(case.mechanism).traits.shared:
            return Refusal("shape", f"{case.mechanism} joins two processes: N to N needs a shared channel")
        return super().refuse(case)


WORKLOAD = Mesh()
