"""Scheduling policies of Linux (sched(7)): asking for one, and what would permit one that is refused."""

from __future__ import annotations

import os
import resource
import sys
import threading
from dataclasses import dataclass
from functools import cache

__all__ = ["POLICIES", "adopt", "refusal"]

AWAKE = 1_000_000
"""Microseconds that a process may compute at real-time priority without having slept once."""


@dataclass(frozen=True)
class Policy:
    """What it is called in `os`, whether it goes before all that isn't real-time, and a nice value."""

    name: str
    real_time: bool = False
    nice: int = 0


POLICIES = {
    "sched-other": Policy("SCHED_OTHER"),
    "sched-fifo": Policy("SCHED_FIFO", real_time=True),
    "sched-rr": Policy("SCHED_RR", real_time=True),
    "sched-batch": Policy("SCHED_BATCH"),
    "sched-idle": Policy("SCHED_IDLE"),
    "nice-19": Policy("SCHED_OTHER", nice=19),
}


def adopt(subject: str) -> None:
    """Put the calling process under the policy, for good. Raises OSError.

    A real-time one isn't inherited, and ends a process that forgets to sleep (SIGXCPU).
    """
    if POLICIES[subject].real_time:
        resource.setrlimit(resource.RLIMIT_RTTIME, (AWAKE, AWAKE))
    _ask(POLICIES[subject])


@cache
def refusal(subject: str) -> str:
    """Why the policy can't be had here, and what would permit it; empty where it can.

    It is asked for in a thread that ends at once: on Linux a policy is a thread's own.
    """
    if sys.platform != "linux":
        return "scheduling policies are Linux's here (sched(7)): this is another system"
    policy, said = POLICIES[subject], list[OSError]()

    def attempt() -> None:
        try:
            _ask(policy)
        except OSError as error:
            said.append(error)

    thread = threading.Thread(target=attempt, name=f"asks for {policy.name}")
    thread.start()
    thread.join()
    return _permitting(policy, said[0]) if said else ""


def _ask(policy: Policy) -> None:
    """For the calling thread."""
    number: int = getattr(os, policy.name)
    flags = os.SCHED_RESET_ON_FORK if policy.real_time else 0
    priority = os.sched_get_priority_min(number)
    os.sched_setscheduler(0, number | flags, os.sched_param(priority))
    if policy.nice:
        os.setpriority(os.PRIO_PROCESS, 0, policy.nice)


def _permitting(policy: Policy, error: OSError) -> str:
    refused = f"{policy.name} is refused here ({error.strerror})"
    if not isinstance(error, PermissionError):
        return refused
    if not policy.real_time:
        return f"{refused}: CAP_SYS_NICE, which root has, would permit it"
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    return (
        f"{refused}: CAP_SYS_NICE, which root has, or a limit of real-time priority above 0 would permit it (ulimit -r, which is "
        f"{limit}: rtprio in limits.conf(5))"
    )
