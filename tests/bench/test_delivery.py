"""Lost, doubled and reordered messages: counted right on a channel that does so on purpose."""

import os
import queue
import threading
import time
from collections import Counter
from copy import copy
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench import workload
from ipcbench.bench.case import Case
from ipcbench.bench.delivery import Arrivals, numbered
from ipcbench.bench.flow import finish
from ipcbench.bench.messaging import LOSS
from ipcbench.ipc.contract import Endpoint
from ipcbench.ipc.errors import DeadlinePassed
from ipcbench.ipc.mechanisms import udp

BODY = bytes(64)


def taken(numbers, sent):
    arrivals = Arrivals()
    messages = list(islice(numbered(BODY), max([sent, *numbers], default=0) + 1))
    assert [arrivals.take(messages[number]) for number in numbers] == list(numbers)
    return arrivals.delivery(sent)


@given(st.lists(st.integers(0, 30), max_size=60))
def test_each_arrival_is_counted_by_its_definition(numbers):
    found = taken(numbers, 31)
    counts = Counter(numbers)
    first = [numbers.index(number) for number in counts]
    late = [i for i in first if any(earlier > numbers[i] for earlier in numbers[:i])]
    assert found.arrived == len(counts)
    assert found.duplicated == sum(count - 1 for count in counts.values())
    assert found.reordered == len(late)
    assert found.sent == 31


def test_messages_keep_their_size_and_differ_in_front():
    one, two = islice(numbered(b"x" * 100), 2)
    assert len(one) == len(two) == 100
    assert one[8:] == two[8:] != b""
    assert one != two


class Faulty:
    """The way there of a channel: drops, doubles or holds back the messages whose number it is told; END always passes."""

    def __init__(self, lose=(), double=(), hold=()):
        self.queue = queue.Queue()
        self.lose, self.double, self.hold = set(lose), set(double), set(hold)
        self.count, self.held = 0, []

    def send(self, message):
        if not len(message):
            self.queue.put(message)
            return
        number, self.count = self.count, self.count + 1
        if number in self.hold:
            self.held.append(message)
            return
        if number not in self.lose:
            for _ in range(1 + (number in self.double)):
                self.queue.put(bytes(message))
        while self.held:
            self.queue.put(self.held.pop())

    def recv(self):
        try:
            return self.queue.get(timeout=0.05)
        except queue.Empty:
            raise DeadlinePassed("nothing came") from None


def pair(there):
    """Both ends of a channel whose way there is faulty and whose way back isn't."""
    back = Faulty()
    near = Endpoint(there.send, back.recv, lambda: None)
    return near, Endpoint(back.send, there.recv, lambda: None)


def moved(name, there, count):
    """Run the numbered pass of that workload over the channel: the near side here, the far one in a thread."""
    case = Case(name, "udp", "bytes", 64, 1, "fork", "cross-core")
    near, far = pair(there)
    found = workload.load(name)
    assert found.numbered(case)
    here, away = found.near([near], case), found.far([far], case)
    results = []
    number = away.number or away.timed
    thread = threading.Thread(target=lambda: results.append(number(count)), daemon=True)
    thread.start()
    span = here.number(count)
    finish([near], 1, "bytes")
    thread.join(20)
    assert not thread.is_alive()
    return span.delivery or results[0]


def test_a_stream_without_faults_delivers_all():
    found = moved("stream", Faulty(), 500)
    assert (found.arrived, found.duplicated, found.reordered) == (500, 0, 0)


def test_a_stream_counts_each_fault():
    found = moved("stream", Faulty(lose=[3, 4, 100], double=[7, 50], hold=[20, 60, 61]), 500)
    assert found.sent == 500
    assert found.arrived == 497
    assert found.duplicated == 2
    assert found.reordered == 3


def test_a_round_trip_counts_each_fault_and_goes_on():
    there = Faulty(lose=[2], double=[5, 6], hold=[9])
    found = moved("round-trip", there, 40)
    assert found.arrived == 39
    assert found.duplicated == 2
    assert found.reordered == 1


class Late(Faulty):
    """Everything arrives in its turn, but those messages only after their receiver gave them up."""

    def __init__(self, late):
        super().__init__()
        self.late, self.taken = set(late), 0

    def recv(self):
        if self.taken in self.late:
            self.late.remove(self.taken)
            raise DeadlinePassed("it isn't there yet")
        self.taken += 1
        return super().recv()


@pytest.mark.parametrize("kind", ["timed", "record", "paced"])
@pytest.mark.parametrize("payload", ["bytes", "array", "object"])
def test_a_late_echo_is_not_taken_for_the_next_one(kind, payload):
    options = {"rate": "1000000"} if kind == "paced" else {}
    case = Case("round-trip", "udp", payload, 1024, 1, "fork", "cross-core", tuple(options.items()))
    there, back = Faulty(), Late([3, 20])
    near = Endpoint(there.queue.put, back.recv, lambda: None)
    far = Endpoint(lambda message: back.queue.put(copy(message)), there.recv, lambda: None)
    found = workload.load("round-trip")
    thread = threading.Thread(target=found.far([far], case).timed, args=(40,), daemon=True)
    thread.start()
    loops = found.near([near], case)
    span = (loops.timed if kind == "timed" else loops.record)(40)
    assert span.lost == 2
    assert back.queue.empty(), "an echo is left over, so each was that of the message before"
    assert back.late == set()
    finish([near], 1, payload)
    thread.join(20)
    assert not thread.is_alive()


def dropping(monkeypatch, which):
    """Real UDP, whose far side swallows its echo of that number."""
    here, made = os.getpid(), udp.endpoint

    def endpoint(sock, spec):
        end = made(sock, spec)
        if os.getpid() == here:
            return end
        send, numbers = end.send, count()
        end.send = lambda message: send(message) if next(numbers) != which else None
        return end

    monkeypatch.setattr(udp, "endpoint", endpoint)


@pytest.mark.deadline
def test_an_echo_that_is_lost_for_good_is_counted_soon_while_the_guard_looks_on(monkeypatch, within):
    case = Case("round-trip", "udp", "bytes", 64, 1, "fork", "free")
    found = workload.load("round-trip")
    if found.refuse(case):
        pytest.skip("no udp here")
    dropping(monkeypatch, 40)
    with found.session([case]) as timed:
        begun = time.monotonic()
        measured = timed[case](100)
        taken = time.monotonic() - begun
        assert taken < within(2)
        assert measured.lost == 1
        assert measured.seconds < taken - LOSS / 2, "the wait isn't part of the round trips' time"
        assert timed[case](100).lost == 0


def test_udp_itself_is_counted():
    case = Case("stream", "udp", "bytes", 64, 1, "fork", "free")
    found = workload.load("stream")
    if found.refuse(case):
        pytest.skip("no udp here")
    with found.session([case]) as timed:
        delivery = timed[case].number(300)
        assert timed[case](300).lost is not None
    assert delivery.sent == 300
    assert 0 < delivery.arrived <= 300
    assert delivery.duplicated == 0


@pytest.mark.parametrize(
    ("mechanism", "payload", "size"), [("pipe", "bytes", 64), ("udp", "bytes", 4), ("udp", "object", 1024)]
)
def test_nothing_is_numbered_where_that_says_nothing_or_cannot_be(mechanism, payload, size):
    assert not workload.load("stream").numbered(Case("stream", mechanism, payload, size, 1, "fork", "free"))
