"""Signals (section 4.6)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

from ipcbench.bench.claim import Claim, Finding, Observed
from ipcbench.bench.judging import any_lost
from ipcbench.bench.signalling import no_room
from ipcbench.bench.trying import Untestable, always, child, method, need, started, until, verdict

TRIES = 5
VALUE = 42
MANY = 1000
SIGINFO, PLACE = 128, 24
"""Bytes of a siginfo_t on 64-bit Linux, and where si_value lies in it (sigaction(2), asm-generic/siginfo.h)."""


def trigger() -> Finding:
    """Another process sends SIGUSR1, whose handler here takes it down."""
    need("signal.SIGUSR1")
    handled: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _frame: handled.append(number))

    def check() -> bool:
        handled.clear()
        with started(child(method(), os.kill, os.getpid(), int(signal.SIGUSR1))):
            return until(lambda: handled == [signal.SIGUSR1])

    return always(TRIES, check, "another process sent SIGUSR1 and the handler ran once")


def unhandled() -> Finding:
    """A process without a handler is sent one."""
    need("signal.SIGUSR1")

    def check() -> bool:
        waiting = child(method(), time.sleep, 60)
        with started(waiting):
            os.kill(waiting.pid or 0, signal.SIGUSR1)
            waiting.join()
            return waiting.exitcode == -signal.SIGUSR1

    return always(TRIES, check, "SIGUSR1 ended a process that had no handler yet")


def queued() -> Finding:
    """Many of one number are sent by another process while they are blocked, and then taken one by one (signal(7))."""
    need("signal.SIGRTMIN", "signal.sigtimedwait", "signal.pthread_sigmask")
    refusal = no_room(MANY)
    if refusal:
        raise Untestable(refusal.reason)
    number = signal.SIGRTMIN
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})

    def check() -> bool:
        sender = child(method(), _send, os.getpid(), int(number))
        with started(sender):
            sender.join()
        taken = 0
        while signal.sigtimedwait({number}, 0) is not None:
            taken += 1
        return taken == MANY

    return always(3, check, f"all of {MANY:,} that another process had sent were taken, one by one,")


def _send(pid: int, number: int) -> None:
    for _ in range(MANY):
        os.kill(pid, number)


class _Value(ctypes.Union):
    _fields_ = (("sival_int", ctypes.c_int), ("sival_ptr", ctypes.c_void_p))


def payload() -> Finding:
    """A real-time signal is sent with a number by sigqueue(3), and taken by Python and by C."""
    need("signal.SIGRTMIN", "signal.sigtimedwait")
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise Untestable("where the number lies in a siginfo_t is known for 64-bit Linux alone")
    number = signal.SIGRTMIN
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    c = ctypes.CDLL(None, use_errno=True)
    c.sigqueue.argtypes = (ctypes.c_int, ctypes.c_int, _Value)
    for _ in range(2):
        if c.sigqueue(os.getpid(), int(number), _Value(sival_int=VALUE)) != 0:
            raise Untestable(f"sigqueue: {os.strerror(ctypes.get_errno())}")
    python = signal.sigtimedwait({number}, 2)
    mask, info = (ctypes.c_ulong * 16)(), ctypes.create_string_buffer(SIGINFO)
    mask[0] = 1 << (int(number) - 1)
    c.sigtimedwait(mask, info, ctypes.byref((ctypes.c_long * 2)(2, 0)))
    carried = int.from_bytes(info.raw[PLACE : PLACE + 4], sys.byteorder)
    shown = [name for name in ("si_status", "si_value") if getattr(python, name, None) == VALUE]
    evidence = (
        f"the number {VALUE}, sent by sigqueue(3), is {'read' if carried == VALUE else 'not read'} in C; Python's signal module can't send "
        f"one, and shows it {'as ' + shown[0] if shown else 'nowhere'}"
    )
    return verdict(carried == VALUE, evidence)


BURST = "signal-burst/sigusr1/none/0B/1/fork/cross-core/burst=10000"

CLAIMS = [
    Claim("signal-triggers", "4.6", "A signal triggers a handler in another process.", Observed(trigger)),
    Claim("signal-ends", "4.6", "A signal without a handler ends the process.", Observed(unhandled)),
    Claim(
        "signals-coalesce",
        "4.6",
        "Signals are not a data channel: in a burst they coalesce.",
        any_lost(BURST, "signals"),
    ),
    Claim(
        "real-time-queued",
        "4.6",
        "Real-time signals are queued: none is lost.",
        Observed(queued),
    ),
    Claim("real-time-payload", "4.6", "Real-time signals carry a little data.", Observed(payload)),
]
