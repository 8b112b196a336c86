"""Framing and codec: any payloads survive any pattern of short reads and writes."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import CutSocket, CutSystem, Stream

from ipcbench.ipc import framing
from ipcbench.ipc.codec import dress
from ipcbench.ipc.contract import Endpoint, Spec
from ipcbench.ipc.errors import DamagedMessage, PeerGone

pytestmark = pytest.mark.timeout(60)
settings.register_profile("ipc", deadline=None)
settings.load_profile("ipc")

PAYLOADS = st.lists(st.binary(max_size=300), min_size=1, max_size=8)
PATTERN = st.lists(st.integers(1, 40), max_size=60)
LIMIT = 1000


def sides(stream, monkeypatch, way):
    """send, recv and into of one framing over the stream."""
    if way == "socket":
        sock = CutSocket(stream)
        return (
            framing.socket_send(sock),
            framing.socket_recv(sock, LIMIT),
            lambda buffer: framing.socket_into(sock, buffer),
        )
    monkeypatch.setattr(framing, "os", CutSystem(stream))
    return framing.fd_send(3), framing.fd_recv(3, LIMIT), lambda buffer: framing.fd_into(3, buffer)


WAYS = pytest.mark.parametrize("way", ["descriptor", "socket"])


@WAYS
@given(payloads=PAYLOADS, pattern=PATTERN, narrow=st.lists(st.booleans(), min_size=8, max_size=8))
def test_rule_7_any_payloads_in_any_pieces(way, payloads, pattern, narrow):
    with pytest.MonkeyPatch.context() as monkeypatch:
        stream = Stream(pattern=pattern)
        send, recv, into = sides(stream, monkeypatch, way)
        for payload in payloads:
            send(payload)
        for payload, exact in zip(payloads, narrow, strict=False):
            if exact:
                buffer = bytearray(len(payload))
                into(buffer)()
                assert buffer == payload
            else:
                assert recv() == payload
        assert not stream.data


@WAYS
@given(payload=st.binary(min_size=1, max_size=300), pattern=PATTERN, data=st.data())
def test_rule_10_a_stream_cut_anywhere_is_a_peer_gone(way, payload, pattern, data):
    with pytest.MonkeyPatch.context() as monkeypatch:
        stream = Stream()
        send, *_ = sides(stream, monkeypatch, way)
        send(payload)
        cut = data.draw(st.integers(0, len(stream.data) - 1))
        for narrow in (False, True):
            _, recv, into = sides(Stream(stream.data[:cut], pattern), monkeypatch, way)
            with pytest.raises(PeerGone, match="middle" if cut else "closed its end$"):
                (into(bytearray(len(payload))) if narrow else recv)()


@WAYS
@given(sent=st.integers(0, 200), expected=st.integers(0, 200), following=st.binary(max_size=300), pattern=PATTERN)
def test_rule_8_any_other_length_is_damage(way, sent, expected, following, pattern):
    with pytest.MonkeyPatch.context() as monkeypatch:
        stream = Stream(pattern=pattern)
        send, _, into = sides(stream, monkeypatch, way)
        send(bytes(sent))
        send(following)
        receive = into(bytearray(expected))
        if sent == expected:
            receive()
            return
        with pytest.raises(DamagedMessage, match=rf"\b{sent}\b.*\b{expected}\b"):
            receive()


@WAYS
@given(length=st.integers(LIMIT + 1, 2**64 - 1))
def test_rule_9_a_header_beyond_the_limit_allocates_nothing(way, length):
    with pytest.MonkeyPatch.context() as monkeypatch:
        _, recv, _ = sides(Stream(length.to_bytes(8, "little") + bytes(100)), monkeypatch, way)
        with pytest.raises(DamagedMessage, match=f"{length:,}"):
            recv()


def queue_endpoint():
    """An endpoint that receives what it sends."""
    waiting = deque()

    def into(buffer):
        def receive():
            buffer[:] = waiting.popleft()

        return receive

    return Endpoint(lambda payload: waiting.append(bytes(payload)), waiting.popleft, waiting.clear, into)


OBJECTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(objects=st.lists(OBJECTS, max_size=5))
def test_codec_any_object(objects):
    end = dress(queue_endpoint(), Spec(None, size=1, kind="object"))
    for each in objects:
        end.send(each)
    assert [end.recv() for _ in objects] == objects


@pytest.mark.parametrize("transfer", ["pickle", "buffers"])
@given(shapes=st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=3), max_size=5))
def test_codec_any_array(transfer, shapes):
    import numpy as np

    end = dress(queue_endpoint(), Spec(None, size=8, kind="array", transfer=transfer))
    arrays = [np.random.default_rng(0).random(shape) for shape in shapes]
    for array in arrays:
        end.send(array)
        target = np.zeros(array.shape)
        receive = end.into(target)
        received = receive() if receive else end.recv()
        assert received.shape == array.shape
        assert (received == array).all()
        assert receive is None or (target == array).all()


def test_codec_bytes_pass_as_they_are():
    end = queue_endpoint()
    assert dress(end, Spec(None, size=1)) is end
