"""Sockets (section 4.7)."""

from __future__ import annotations

import hashlib
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ipcbench.bench.claim import Claim, Finding, Observed
from ipcbench.bench.trying import End, always, child, method, sometimes, started, verdict

TRIES = 5
LOOPBACK = "127.0.0.1"
AMOUNT = 1 << 20
BURST = 10_000
MESSAGE = b"a message of 64 bytes".ljust(64)


@contextmanager
def _connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection over loopback."""
    with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname(), 3) as near:
        far, _ = server.accept()
        with far:
            far.settimeout(3)
            yield near, far


def merged() -> Finding:
    """Three messages are sent, and one recv() made when they have arrived."""

    def check() -> bool:
        with _connection() as (near, far):
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for message in (b"one", b"two", b"three"):
                near.sendall(message)
            near.shutdown(socket.SHUT_WR)
            time.sleep(0.005)
            return far.recv(1024) == b"onetwothree"

    return sometimes(TRIES, check, "one recv() gave what three send() had sent")


def reliable() -> Finding:
    """A process sends random bytes in pieces of many sizes."""
    content = random.Random(1).randbytes(AMOUNT)

    def check() -> bool:
        context = method()
        ours, theirs = context.Pipe(duplex=False)
        with (
            socket.create_server((LOOPBACK, 0)) as server,
            started(child(context, _send, server.getsockname(), theirs)),
        ):
            server.settimeout(3)
            far, _ = server.accept()
            with far:
                far.settimeout(3)
                arrived = b"".join(iter(lambda: far.recv(1 << 16), b""))
            return bool(hashlib.sha256(arrived).digest() == ours.recv()) and arrived == content

    what = f"{AMOUNT >> 20} MiB, sent in pieces of many sizes by another process, arrived whole and in order"
    found = always(TRIES, check, what)
    return Finding(found.verdict, f"{found.evidence}; anything else was not seen")


def _send(address: tuple[str, int], end: End) -> None:
    content, at, step = random.Random(1).randbytes(AMOUNT), 0, 1
    with socket.create_connection(address, 3) as near:
        while at < AMOUNT:
            near.sendall(content[at : at + step])
            at, step = at + step, 1 + step * 7 % 30_011
    end.send(hashlib.sha256(content).digest())


def connectionless() -> Finding:
    """Datagrams to an address where nobody is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind((LOOPBACK, 0))
        address = nobody.getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        sent = sum(near.sendto(MESSAGE, address) == len(MESSAGE) for _ in range(100))
    refused = ""
    try:
        socket.create_connection(address, 3).close()
    except OSError as error:
        refused = type(error).__name__
    evidence = (
        f"{sent} of 100 datagrams to an address without a receiver were sent without an error; "
        f"a TCP connection there: {refused or 'made'}"
    )
    return verdict(sent == 100, evidence)


def lossy() -> Finding:
    """A burst that nobody reads meanwhile."""
    kept = []

    def check() -> bool:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        ):
            far.bind((LOOPBACK, 0))
            near.connect(far.getsockname())
            for _ in range(BURST):
                near.send(MESSAGE)
            far.setblocking(False)
            count = 0
            with suppress(BlockingIOError):
                while far.recv(1024):
                    count += 1
            kept.append(count)
            return count < BURST

    found = sometimes(3, check, f"of a burst of {BURST:,} datagrams that nobody read meanwhile some were lost")
    return Finding(found.verdict, f"{found.evidence}; {min(kept):,} were kept")


CLAIMS = [
    Claim("tcp-merges", "4.7", "A TCP stream merges messages that are not framed.", Observed(merged)),
    Claim("tcp-reliable", "4.7", "TCP is ordered and reliable.", Observed(reliable)),
    Claim("udp-connectionless", "4.7", "UDP is connectionless.", Observed(connectionless)),
    Claim("udp-may-lose", "4.7", "UDP may lose messages.", Observed(lossy)),
]
