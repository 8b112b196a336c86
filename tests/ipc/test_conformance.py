"""The contract's rules (`ipc/contract.py`), by number, for each mechanism under each start method.

Only the public contract is used. What a mechanism can't do is skipped by its traits alone.
"""

import re
from dataclasses import fields
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.synchronize import SemLock
from pathlib import Path

import conformance_kit
import pytest
from conformance_kit import attached
from conformance_peer import Peer
from conformance_samples import blank, plain, sample, sizes
from conformance_traces import Traces

from ipcbench.ipc.contract import Traits
from ipcbench.ipc.errors import DamagedMessage, EndClosed, MessageTooLarge, PeerGone, Unsupported

pytestmark = [
    pytest.mark.timeout(20),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning"),
]
FLOORS = {None, "pipe", "fifo", "unix-stream", "tcp", "shared-memory", "spin"}


def needs(kit, trait):
    if not getattr(kit.traits, trait):
        pytest.skip(f"{kit.name}: {trait} is {getattr(kit.traits, trait)!r}")


def test_rule_1_names_and_traits(kit):
    mechanism, traits = kit.mechanism, kit.traits
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mechanism.name)
    assert mechanism.name == kit.name
    assert mechanism.family
    assert isinstance(traits, Traits)
    assert set(traits.kinds) <= {"bytes", "array", "object", "scalar"}
    assert set(traits.waits) <= {"block", "spin", "adaptive"}
    assert ("array" in traits.kinds) == bool(traits.transfers)
    assert traits.received in {"fresh", "view"}
    assert traits.lossy == (traits.capacity is not None)
    assert {mechanism.floor_for(wait) for wait in traits.waits} <= FLOORS


def test_rule_1_every_trait_is_proved():
    """By a test here, which looks at it; what nobody looks at says nothing."""
    tests = Path(__file__).read_text() + Path(conformance_kit.__file__).read_text()
    names = [each.name for each in fields(Traits)]
    assert [name for name in names if not re.search(rf'traits\.{name}\b|kit, "{name}"', tests)] == []


def test_rule_1_documented(kit):
    import sys

    text = sys.modules[type(kit.mechanism).__module__].__doc__
    assert len(text.splitlines()) > 1, "the docstring says what it is, and its limits"


def test_rule_2_refuses_by_a_sentence(kit):
    traits = kit.traits
    assert kit.mechanism.refuse(kit.spec()) is None
    wrong = [{"kind": "dream"}, {"transfer": "magic"}, {"wait": "hope"}]
    wrong += [] if traits.shared else [{"near": 2, "far": 3}]
    for change in wrong:
        spec = kit.spec(**change)
        refusal = kit.mechanism.refuse(spec)
        with pytest.raises(Unsupported) as error, kit.mechanism.open(spec):
            pass
        assert str(error.value) == refusal.reason
        assert refusal.code
        assert kit.name in refusal.reason


def test_rule_2_refuses_a_size_and_names_the_limit(kit):
    for size in {0, -1} | ({kit.traits.largest + 1} if kit.traits.largest else set()) | {9 for _ in kit.traits.exact}:
        with pytest.raises(MessageTooLarge) as error, kit.mechanism.open(kit.spec(size=size)):
            pass
        limit = kit.traits.largest if size > 9 else kit.traits.exact[0] if kit.traits.exact else 1
        assert f"{limit:,}" in str(error.value)


def test_rule_2_a_file_of_another_platform(kit, monkeypatch):
    assert "win32" not in kit.traits.platforms
    monkeypatch.setattr("sys.platform", "win32")
    assert kit.mechanism.refuse(kit.spec()).code == "platform"


def test_rule_2_needs_what_it_makes(kit, monkeypatch):
    """Traits: a system that lacks something lacks just the mechanisms that make it."""
    made = set()
    for what, maker in (("semaphore", SemLock), ("shared-memory", SharedMemory)):
        make = maker.__init__

        def noted(self, *arguments, what=what, make=make, **named):
            made.add(what)
            make(self, *arguments, **named)

        monkeypatch.setattr(maker, "__init__", noted)
    with kit.mechanism.open(kit.spec()):
        assert made == set(kit.traits.needs)


def test_rule_7_content_order_and_boundaries(kit):
    for index, variant, end in kit.each():
        messages = [sample(variant.kind, s, n) for n, s in enumerate(sizes(variant.kind, kit.size(), kit.traits.exact))]
        kit.peer.tell("echo", index, 2 * len(messages))
        for message in messages + messages[::-1]:
            end.send(message)
            assert plain(end.recv()) == plain(message), variant
        kit.peer.answer()


def test_rule_6_the_payload_may_be_changed_after_send(kit):
    if kit.mechanism.family == "queue":
        pytest.skip("a queue's feeder thread may pickle later, as rule 6 says")
    for index, variant, end in kit.each():
        buffer = blank(variant.kind, 64)
        if buffer is None:
            continue
        kit.peer.tell("collect", index, 8)
        sent = [sample(variant.kind, 64, seed) for seed in range(8)]
        for message in sent:
            buffer[:] = message
            end.send(buffer)
            buffer[:] = blank(variant.kind, 64)
        assert kit.peer.answer() == [plain(message) for message in sent]


def test_rule_7_several_in_flight_keep_their_order(kit):
    """A sender may block, where less is in flight than it sends; the receiver gets all of it in its order."""
    for index, variant, end in kit.each():
        messages = [sample(variant.kind, 8 if kit.traits.exact else 64, seed) for seed in range(24)]
        if kit.traits.lossy:
            messages = messages[: kit.traits.capacity(64)]
        kit.peer.tell("collect", index, len(messages))
        for message in messages:
            end.send(message)
        assert kit.peer.answer() == [plain(message) for message in messages], variant
        kit.peer.tell("send", index, messages)
        assert [plain(end.recv()) for _ in messages] == [plain(message) for message in messages], variant
        kit.peer.answer()


def test_rule_7_fresh_or_view(kit):
    for index, variant, end in kit.each():
        if variant.kind == "scalar":
            continue
        first, second = sample(variant.kind, 64, 1), sample(variant.kind, 64, 2)
        kit.peer.tell("send", index, [first])
        received = end.recv()
        kit.peer.answer()
        assert plain(received) == plain(first), "valid until the next recv"
        if kit.traits.received == "fresh":
            kit.peer.tell("send", index, [second])
            assert plain(end.recv()) == plain(second)
            assert plain(received) == plain(first), "fresh for good"
            kit.peer.answer()


def test_rule_8_into_a_buffer(kit):
    for index, variant, end in kit.each():
        for size in (64, kit.size()) if not kit.traits.exact else (kit.size(),):
            buffer = blank(variant.kind, size)
            receive = end.into(buffer) if buffer is not None else None
            kit.peer.tell("echo_into", index, 6, variant.kind, size)
            for seed in range(6):
                message = sample(variant.kind, size, seed)
                end.send(message)
                if receive and seed % 3:
                    receive()
                    assert plain(buffer) == plain(message), variant
                else:
                    assert plain(end.recv()) == plain(message), variant
            kit.peer.answer()


def test_rule_8_any_other_length_is_damage(kit):
    tried = False
    for index, variant, end in list(kit.each()):
        for size in (56, 72):
            buffer = blank(variant.kind, 64)
            if buffer is None or end.into(buffer) is None:
                continue
            tried = True
            with kit.mechanism.open(kit.spec(variant)) as channel:
                near, far = attached(channel)
                receive = far.into(buffer)
                near.send(sample(variant.kind, size))
                with pytest.raises(DamagedMessage, match=r"\d"):
                    receive()
                near.close()
                far.close()
    if not tried:
        pytest.skip(f"{kit.name}: nothing narrower than recv()")


def test_rule_9_the_largest_message(kit):
    needs(kit, "largest")
    largest = kit.traits.largest
    with kit.mechanism.open(kit.spec(kind="bytes", transfer="", size=largest)) as channel:
        near, far = attached(channel)
        message = sample("bytes", largest)
        near.send(message)
        assert far.recv() == message
        near.close()
        far.close()


def test_rule_9_never_larger(kit):
    """Beyond the kernel's limit and beyond the slot: refused by the sender, with the limit."""
    if not (kit.traits.largest or (kit.traits.sized and "bytes" in kit.traits.kinds)):
        pytest.skip(f"{kit.name}: largest is None, sized is False")
    with kit.mechanism.open(kit.spec(kind="bytes", transfer="", size=64)) as channel:
        near, far = attached(channel)
        limit = kit.traits.largest or 64
        with pytest.raises(MessageTooLarge, match=f"{limit:,}"):
            near.send(bytes(limit + 1))
        near.close()
        far.close()


def test_rule_9_arrays_never_larger_than_their_slot(kit):
    if not (kit.traits.sized and "array" in kit.traits.kinds):
        pytest.skip(f"{kit.name}: sized is {kit.traits.sized}, kinds are {kit.traits.kinds}")
    with kit.mechanism.open(kit.spec(kind="array", transfer="copy", size=64)) as channel:
        near, far = attached(channel)
        with pytest.raises(MessageTooLarge, match=r"\b(8|64)\b"):
            near.send(sample("array", 72))
        near.close()
        far.close()


def test_rule_4_a_dropped_ticket_is_not_attached(kit):
    with kit.mechanism.open(kit.spec()) as channel:
        for ticket in (channel.near[0], channel.far[0]):
            ticket.drop()
            ticket.drop()
            with pytest.raises(EndClosed, match="dropped"):
                ticket.attach()


def test_rule_11_close_twice_and_views_end(kit):
    before = Traces()
    with kit.mechanism.open(kit.spec()) as channel:
        near, far = attached(channel)
        near.send(sample(kit.variants[0].kind, kit.traits.exact[0] if kit.traits.exact else 64))
        received = far.recv()
        for end in (near, far):
            end.close()
            end.close()
        with pytest.raises(EndClosed):
            near.send(b"")
        with pytest.raises(EndClosed):
            far.recv()
        if isinstance(received, memoryview):
            with pytest.raises(ValueError, match="released"):
                received[0]
    del near, far, end, channel, received
    before.assert_nothing_left()


def test_rule_11_close_while_the_receiver_keeps_an_array_on_a_view(kit):
    if kit.traits.received != "view":
        pytest.skip(f"{kit.name}: received is {kit.traits.received}")
    import numpy as np

    before = Traces()
    with kit.mechanism.open(kit.spec()) as channel:
        near, far = attached(channel)
        near.send(sample(kit.variants[0].kind, 64))
        kept = np.frombuffer(far.recv(), np.uint8)
        near.close()
        far.close()
    assert kept.nbytes == 64
    del near, far, channel, kept
    before.assert_nothing_left()


def test_rule_3_nothing_is_left_after_an_error(kit):
    before = Traces()
    with pytest.raises(ZeroDivisionError), kit.mechanism.open(kit.spec()) as channel:
        assert len(channel.near) == len(channel.far) == 1
        1 / 0  # noqa: B018 - the error
    del channel
    before.assert_nothing_left()


def test_rule_3_nothing_is_left_when_making_fails_half_way(kit, monkeypatch):
    """The second pair, or lane, can't be made: the first one is released."""
    from ipcbench.ipc.owner import Owner

    before = Traces()
    keep, kept = Owner.keep, []

    def keep_or_fail(self, release):
        keep(self, release)
        kept.append(release)
        if len(kept) == 2:
            raise OSError("no more")

    monkeypatch.setattr(Owner, "keep", keep_or_fail)
    try:
        with kit.mechanism.open(kit.spec(near=2, far=2)):
            pass
    except OSError as error:
        assert str(error) == "no more"  # noqa: PT017 - those that register less don't fail
        error.__traceback__ = None
    kept.clear()
    before.assert_nothing_left()


def test_rule_3_servers_are_named(kit):
    with kit.mechanism.open(kit.spec()) as channel:
        assert len(channel.servers) == int(kit.traits.server)


def test_rule_3_pairs_share_a_server(kit):
    needs(kit, "server")
    with kit.mechanism.open(kit.spec(near=2, far=2)) as channel:
        assert len(channel.servers) == 1
        assert len(channel.near) == len(channel.far) == 2


def test_in_place(kit):
    """Traits: in_place means reserve() and commit(n), as often as the ring goes round."""
    if not kit.traits.in_place:
        assert all(end.reserve is None and end.commit is None for _, _, end in kit.each())
        return
    for index, variant, end in kit.each():
        kit.peer.tell("echo_in_place", index, 20)
        for seed in range(20):
            message = sample(variant.kind, 8 * (seed + 1), seed)
            place = end.reserve()
            place[: len(message)] = message
            end.commit(len(message))
            assert plain(end.recv()) == plain(message), variant
        kit.peer.answer()
        place = None


def test_lossy_drain(kit):
    """Traits: what is lossy can be drained, and only that loses."""
    if not kit.traits.lossy:
        pytest.skip(f"{kit.name}: lossy is False")
    index, _, end = next(kit.each(kind="bytes"))
    burst = 20_000
    for _ in range(burst):
        end.send(bytes(64))
    drained = kit.peer.ask("drain", index)
    assert 0 < drained < burst, "an unread burst overflows, which is seen as loss"
    assert kit.peer.ask("drain", index) == 0
    kit.peer.tell("echo", index, 1)
    end.send(b"after")
    assert end.recv() == b"after"
    kit.peer.answer()


def test_lossy_capacity(kit):
    """Traits: as many messages as `capacity` says fit unread, of any size."""
    if not kit.traits.lossy:
        pytest.skip(f"{kit.name}: capacity is None")
    index, _, end = next(kit.each(kind="bytes"))
    for size in (1, 64, 1000, 4096, 8192, 30_000, kit.size()):
        messages = [sample("bytes", size, seed) for seed in range(kit.traits.capacity(size))]
        assert messages
        for message in messages:
            end.send(message)
        assert kit.peer.ask("collect", index, len(messages)) == messages


def test_shared_each_message_reaches_exactly_one(kit):
    needs(kit, "shared")
    with kit.mechanism.open(kit.spec(near=2, far=2, size=64, window=64)) as channel:
        spare = list(channel.near)
        peers = [Peer(kit.method, [ticket], spare) for ticket in channel.far]
        helper = Peer(kit.method, [channel.near[1]], channel.near[:1])
        try:
            for peer in (*peers, helper):
                peer.tell("attach", 0)
            end = channel.near[0].attach()
            for peer in (*peers, helper):
                peer.answer()
            for peer in peers:
                peer.tell("collect_until", 0, b"end")
            helper.ask("send", 0, [b"theirs %d" % n for n in range(30)])
            helper.stop()  # what it sent is on its way for sure
            for n in range(30):
                end.send(b"mine %d" % n)
            end.send(b"end")
            end.send(b"end")
            received = [peer.answer() for peer in peers]
            assert sorted(received[0] + received[1]) == sorted(
                b"%s %d" % (whose, n) for whose in (b"mine", b"theirs") for n in range(30)
            )
            for messages in received:
                mine = [m for m in messages if m.startswith(b"mine")]
                assert mine == sorted(mine, key=lambda m: int(m[5:])), "each sender's order is kept"
            for peer in peers:
                peer.stop()
            end.close()
        finally:
            for peer in (*peers, helper):
                peer.kill()


def test_rule_10_a_killed_peer_is_noticed(kit):
    """The last rule of each mechanism: its peer is dead afterwards."""
    needs(kit, "noticed")
    kit.kill_peer()
    for index, (_, variant, end) in enumerate(kit.each()):
        if index % 2 == 0:
            with pytest.raises(PeerGone):
                end.recv()
        message = sample(variant.kind, 64)
        with pytest.raises(PeerGone):
            for _ in range(1000):  # TCP tells at the second one
                end.send(message)
    kit.abandon()
    kit.before.assert_nothing_left()
