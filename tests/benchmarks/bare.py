"""Bare round-trip loops, as a careful programmer would write them by hand; imports nothing of the suite.

It has what such a programmer would have as well: pyperf in the process, a socket's deadline, an allocator as in a program that has
run for a while (see `settle`), a look at the length of what came.

`python bare.py MECHANISM SIZE NEAR_CPU FAR_CPU`, then a number of loops a line on standard input; answers with seconds a line.
"""

import multiprocessing as mp
import os
import random
import socket
import struct
import sys
import tempfile
from itertools import cycle, islice
from multiprocessing import shared_memory
from time import perf_counter

import pyperf  # noqa: F401 - what else would measure it

CHECKS = 4  # round trips whose content is checked before any is timed
FORK = mp.get_context("fork")


def payloads(size):
    count = max(2, min(8, (32 << 20) // size))
    block = random.Random(1).randbytes(min((1 << 16) + 7, 2 * size + 64 * count + 64))
    repeated = memoryview(block * (1 + (size + 64 * count) // len(block)))
    return [bytes([index]) + repeated[64 * index + 1 : 64 * index + size] for index in range(count)]


def target(size):
    """What a receiver copies to, its pages touched."""
    return bytearray(b"\x01" * size)


def drive(ping):
    """Answer numbers of loops with seconds."""
    print("ready", flush=True)
    for line in sys.stdin:
        print(repr(ping(int(line))), flush=True)


def start(target, far_cpu, near_cpu):
    process = FORK.Process(target=pinned, args=(target, far_cpu), daemon=True)
    process.start()
    os.sched_setaffinity(0, {near_cpu})


def pinned(target, cpu):
    os.sched_setaffinity(0, {cpu})
    target()


def settle():
    """Free large blocks: glibc then keeps blocks of that size, which otherwise come from the kernel each time (mallopt(3))."""
    for _ in range(2):
        bytes((32 << 20) - (64 << 10))


def pipe(size, near_cpu, far_cpu):
    here, there = FORK.Pipe()

    def far():
        here.close()
        buffer = target(size)
        receive, send = there.recv_bytes_into, there.send_bytes
        for _ in range(CHECKS):
            send(there.recv_bytes())
        while True:
            if receive(buffer) != size:
                raise ValueError(size)
            send(buffer)

    start(far, far_cpu, near_cpu)
    there.close()
    messages, buffer = cycle(payloads(size)), target(size)
    send, receive = here.send_bytes, here.recv_bytes_into
    for payload in islice(messages, CHECKS):
        send(payload)
        assert here.recv_bytes() == payload

    def ping(loops):
        batch = islice(messages, loops)
        begin = perf_counter()
        for payload in batch:
            send(payload)
            if receive(buffer) != size:
                raise ValueError(size)
        return perf_counter() - begin

    drive(ping)


def stream_ends(sock, size):
    """Framed send and receive: an 8-byte length and the payload in one call."""
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", 10, 0))
    header = struct.pack("<Q", size)
    total = size + 8
    head, buffer = bytearray(8), target(size)
    view = memoryview(buffer)
    parts = (head, view)
    sendmsg, recvmsg_into, waitall = sock.sendmsg, sock.recvmsg_into, socket.MSG_WAITALL

    def send(payload):
        done = sendmsg((header, payload))
        if done != total:
            sock.sendall(memoryview(header + payload)[done:])

    def receive():
        done = recvmsg_into(parts)[0]
        while done != total:
            if not done:
                raise SystemExit
            done += sock.recv_into(view[done - 8 :], 0, waitall)
        if head != header:
            raise ValueError(head)

    return send, receive, buffer


def unix_stream(size, near_cpu, far_cpu):
    with tempfile.TemporaryDirectory() as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{folder}/s")
        listener.listen(1)

        def far():
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(f"{folder}/s")
            send, receive, buffer = stream_ends(sock, size)
            while True:
                receive()
                send(buffer)

        start(far, far_cpu, near_cpu)
        sock, _ = listener.accept()
    send, receive, _ = stream_ends(sock, size)
    messages = cycle(payloads(size))

    def ping(loops):
        batch = islice(messages, loops)
        begin = perf_counter()
        for payload in batch:
            send(payload)
            receive()
        return perf_counter() - begin

    drive(ping)


def queue(size, near_cpu, far_cpu):
    there, back = FORK.Queue(2), FORK.Queue(2)

    def far():
        buffer = memoryview(target(size))
        get, put = there.get, back.put
        for _ in range(CHECKS):
            put(get())
        while True:
            message = get()
            buffer[:] = message
            put(message)

    start(far, far_cpu, near_cpu)
    messages, buffer = cycle(payloads(size)), memoryview(target(size))
    put, get = there.put, back.get
    for payload in islice(messages, CHECKS):
        put(payload)
        assert get() == payload

    def ping(loops):
        batch = islice(messages, loops)
        begin = perf_counter()
        for payload in batch:
            put(payload)
            buffer[:] = get()
        return perf_counter() - begin

    drive(ping)


def ring_ends(out, back, size):
    """A ring of two slots a direction: sequence words at 0 (head) and 64 (tail), length and payload from 128 on."""
    step = 64 + (size + 63) // 64 * 64

    def words(buffer, offset):
        return buffer[offset : offset + 8].cast("Q")

    def slots(buffer):
        starts = [128 + step * index for index in range(2)]
        return [words(buffer, at) for at in starts], [buffer[at + 64 : at + 64 + size] for at in starts]

    out_head, out_tail = words(out, 0), words(out, 64)
    back_head, back_tail = words(back, 0), words(back, 64)
    out_lengths, out_bodies = slots(out)
    back_lengths, back_bodies = slots(back)
    sent = received = 0

    def send(payload):
        nonlocal sent
        while sent - out_tail[0] >= 2:
            pass
        slot = sent & 1
        out_bodies[slot][:] = payload
        out_lengths[slot][0] = len(payload)
        sent += 1
        out_head[0] = sent

    def receive(buffer):
        nonlocal received
        while back_head[0] == received:
            pass
        slot = received & 1
        if back_lengths[slot][0] != size:
            raise ValueError(back_lengths[slot][0])
        buffer[:] = back_bodies[slot]
        received += 1
        back_tail[0] = received

    return send, receive


def ring(size, near_cpu, far_cpu):
    room = 128 + 2 * (128 + size)
    one, two = (shared_memory.SharedMemory(create=True, size=room) for _ in range(2))
    one.unlink()
    two.unlink()
    for each in (one, two):
        each.buf[:] = bytes(len(each.buf))
    ordered, order = os.pipe()

    def far():
        """Spins only while a burst runs: it would take the other arm's core else."""
        os.close(order)
        send, receive = ring_ends(two.buf, one.buf, size)
        buffer = memoryview(target(size))
        while count := os.read(ordered, 8):
            for _ in range(int.from_bytes(count, "little")):
                receive(buffer)
                send(buffer)
        os._exit(0)  # the views are still exported

    start(far, far_cpu, near_cpu)
    os.close(ordered)
    send, receive = ring_ends(one.buf, two.buf, size)
    messages, buffer = cycle(payloads(size)), memoryview(target(size))

    def ping(loops):
        batch = islice(messages, loops)
        os.write(order, loops.to_bytes(8, "little"))
        begin = perf_counter()
        for payload in batch:
            send(payload)
            receive(buffer)
        return perf_counter() - begin

    drive(ping)
    os._exit(0)


LOOPS = {"pipe": pipe, "unix-stream": unix_stream, "queue": queue, "shared-memory-ring": ring}

if __name__ == "__main__":
    name, size, near_cpu, far_cpu = sys.argv[1:]
    settle()
    LOOPS[name](int(size), int(near_cpu), int(far_cpu))
