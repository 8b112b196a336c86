"""Pipes and FIFOs (section 4.2)."""

from __future__ import annotations

import os
import socket
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ipcbench.bench.claim import DEPENDS, FAILS, HOLDS, Claim, Finding, Observed
from ipcbench.bench.trying import End, always, child, folder, method, need, orphan, sometimes, started, verdict

TRIES = 5
MANY = 10
MESSAGES = 2000
LARGEST = 4096
"""Messages of a race between two readers, and the bytes of the longest."""
STREAM = 256 << 10


def full_duplex() -> Finding:
    """One Pipe carries messages both ways."""
    context = method()

    def check() -> bool:
        here, there = context.Pipe()
        with started(child(context, _echo, there)):
            here.send("there")
            return bool(here.recv() == "there and back")

    return always(TRIES, check, "a message there and one back through the same Pipe")


def _echo(end: End) -> None:
    end.send(end.recv() + " and back")


def picklable() -> Finding:
    """A lambda, a generator and an open file; and bytes, which `send_bytes` takes as they are."""
    context = method()
    refused = []
    here, there = context.Pipe()
    with Path(os.devnull).open() as file:
        things = {"a lambda": lambda: None, "a generator": (each for each in "a"), "an open file": file}
        for what, thing in things.items():
            try:
                here.send(thing)
            except Exception as error:  # noqa: BLE001 - the kind differs between versions
                refused.append(f"{what} ({type(error).__name__})")
    here.send_bytes(b"as they are")
    raw = there.recv_bytes() == b"as they are"
    evidence = (
        f"refused: {', '.join(refused) or 'nothing'}; send_bytes {'takes' if raw else 'refuses'} bytes without pickling"
    )
    return verdict(len(refused) == 3, evidence)


def two_readers() -> Finding:
    """Two processes read messages from one end."""
    return sometimes(MANY, _torn, f"of {MESSAGES:,} messages some arrived torn, or not at all,")


def _torn() -> bool:
    context = method()
    reader, writer = context.Pipe(duplex=False)
    with ExitStack() as stack:
        results = []
        for _ in range(2):
            ours, theirs = context.Pipe(duplex=False)
            stack.enter_context(started(child(context, _read, reader, writer, theirs)))
            theirs.close()
            results.append(ours)
        reader.close()
        try:
            for index in range(MESSAGES):
                writer.send_bytes(bytes([index % 251]) * (1 + index * 7 % LARGEST))
        except BrokenPipeError:
            return True  # both gave up
        finally:
            writer.close()
        return bool(sum(ours.recv() for ours in results) != MESSAGES)


def _read(reader: End, writer: End, result: End) -> None:
    """Counts whole messages up to the end, or up to the first that isn't one."""
    writer.close()
    whole = 0
    try:
        while True:
            message = reader.recv_bytes(LARGEST)
            if message.count(message[:1]) != len(message):
                break
            whole += 1
    except (EOFError, OSError):
        pass
    reader.close()
    result.send(whole)


# ---- FIFOs ----

WRITE = """
import array, sys
with open(sys.argv[1], "wb", buffering=0) as fifo:
    pattern = array.array("I", range(int(sys.argv[2]) // 4)).tobytes()
    sizes, at = (1, 4096, 777, 65536, 13), 0
    while at < len(pattern):
        step = sizes[at % 5]
        at += fifo.write(pattern[at:at + step])
"""


def _through_fifo() -> tuple[bool, int]:
    """Whether what a process that isn't related wrote arrived as it was written, and how much did."""
    with folder() as here:
        os.mkfifo(here / "fifo")
        orphan(WRITE, str(here / "fifo"), str(STREAM))
        content = (here / "fifo").read_bytes()
    return content == array("I", range(STREAM // 4)).tobytes(), len(content)


def fifo_order() -> Finding:
    """Numbers that tell places apart, written in pieces of several sizes."""
    need("os.mkfifo")
    return always(
        3, lambda: _through_fifo()[0], f"{STREAM >> 10} KiB arrived byte for byte as written, by an unrelated process,"
    )


def fifo_unrelated() -> Finding:
    """The writer is nobody's child here: it knows the path."""
    need("os.mkfifo")
    _, arrived = _through_fifo()
    return verdict(arrived == STREAM, f"{arrived >> 10} KiB came from a process that knew the path alone")


READ = """
import os, sys
try:
    said = os.read(int(sys.argv[1]), 5).decode()
except OSError as error:
    said = error.strerror
with open(sys.argv[2], "w") as answer:
    answer.write(said)
"""
RECEIVE = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as there:
    there.connect(sys.argv[1])
    _, (descriptor,), _, _ = socket.recv_fds(there, 1, 1)
with open(sys.argv[2], "w") as answer:
    answer.write(os.read(descriptor, 5).decode())
"""


def anonymous_pipe() -> Finding:
    """An unrelated process tries the number of the descriptor, then gets the descriptor itself over a Unix socket."""
    need("os.mkfifo", "socket.AF_UNIX", "socket.send_fds")
    reader, writer = os.pipe()
    with folder() as here, socket.socket(socket.AF_UNIX) as door:
        number = _answer(here, lambda answer: orphan(READ, str(reader), answer))
        os.write(writer, b"hello")
        door.bind("door")
        door.listen()

        def pass_on(answer: str) -> None:
            orphan(RECEIVE, str(here / "door"), answer)
            there, _ = door.accept()
            with there:
                socket.send_fds(there, [b"!"], [reader])

        passed = _answer(here, pass_on)
    evidence = f"an unrelated process that knows its number: {number}; one that got it over a Unix socket reads {passed!r} (1 try)"
    return Finding(FAILS if number == "hello" else DEPENDS if passed == "hello" else HOLDS, evidence)


def _answer(here: Path, ask: Callable[[str], None]) -> str:
    """What a process wrote into a FIFO that it was told the path of."""
    os.mkfifo(here / "answer")
    ask(str(here / "answer"))
    said = (here / "answer").read_text()
    (here / "answer").unlink()
    return said


CLAIMS = [
    Claim("pipe-full-duplex", "4.2.1", "A Pipe is full duplex.", Observed(full_duplex)),
    Claim("must-be-picklable", "4.2.1", "What is sent through a Pipe must be picklable.", Observed(picklable)),
    Claim("pipe-two-readers", "4.2.1", "A Pipe can't be shared by two readers safely.", Observed(two_readers)),
    Claim(
        "anonymous-pipe-needs-kinship",
        "4.2.1",
        "An anonymous pipe needs kinship of its peers.",
        Observed(anonymous_pipe),
    ),
    Claim("fifo-order", "4.2.2", "A FIFO is a byte stream that keeps the order.", Observed(fifo_order)),
    Claim("fifo-unrelated", "4.2.2", "Peers of a FIFO need no kinship.", Observed(fifo_unrelated)),
]
