"""What a peer may do wrong, on the real thing: cut, merged, short and oversized messages, deadlines, forked owners."""

import gc
import os
import signal
import socket
import struct
import subprocess
import sys
from copy import copy
from multiprocessing import get_context

import psutil
import pytest
from conformance_kit import attached
from conformance_traces import Traces

from ipcbench.ipc import managers, registry
from ipcbench.ipc.contract import Spec
from ipcbench.ipc.errors import DamagedMessage, DeadlinePassed, PeerGone
from ipcbench.ipc.framing import fd_into, fd_recv, fd_send, socket_into, socket_recv, socket_send

pytestmark = pytest.mark.timeout(30)
HEADER = struct.Struct("<Q")


class Line:
    """A raw writing end and the framing's calls on the reading end."""

    def __init__(self, way):
        if way == "os-pipe":
            self.reading, self.writing = os.pipe()
            self.recv = fd_recv(self.reading, 1000)
            self.into = lambda buffer: fd_into(self.reading, buffer)
            self.send = fd_send(self.writing)
        else:
            near, far = socket.socketpair()
            self.recv, self.into = socket_recv(near, 1000), lambda buffer: socket_into(near, buffer)
            self.send = socket_send(far)
            self.reading, self.writing = near.detach, far.detach
            self.sockets = near, far
        self.way = way

    def write(self, data):
        os.write(self.writing, data) if self.way == "os-pipe" else self.sockets[1].sendall(data)

    def end_writing(self):
        os.close(self.writing) if self.way == "os-pipe" else self.sockets[1].close()

    def end_reading(self):
        os.close(self.reading) if self.way == "os-pipe" else self.sockets[0].close()


@pytest.fixture(params=["os-pipe", "socket"])
def line(request):
    line = Line(request.param)
    yield line
    for end in (line.end_reading, line.end_writing):
        try:
            end()
        except OSError:
            continue  # the test closed it


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 63])
@pytest.mark.parametrize("narrow", [False, True])
def test_rule_10_truncated_then_closed(line, cut, narrow):
    line.write((HEADER.pack(56) + bytes(56))[:cut])
    line.end_writing()
    with pytest.raises(PeerGone, match="middle" if cut else "closed its end$"):
        (line.into(bytearray(56)) if narrow else line.recv)()


@pytest.mark.parametrize("length", [1001, 1 << 40, (1 << 64) - 1])
def test_rule_9_oversized_header(line, length):
    line.write(HEADER.pack(length) + bytes(64))
    with pytest.raises(DamagedMessage, match=f"{length:,}"):
        line.recv()


@pytest.mark.parametrize("length", [0, 55, 57, 1 << 40])
def test_rule_8_short_or_merged_messages(line, length):
    line.write(HEADER.pack(length) + bytes(min(length, 100)))
    with pytest.raises(DamagedMessage, match=f"{length:,} bytes came where 56"):
        line.into(bytearray(56))()


def test_rule_7_merged_frames_are_told_apart(line):
    line.write(b"".join(HEADER.pack(n) + bytes([n]) * n for n in range(1, 20)))
    for n in range(1, 20):
        if n % 2:
            assert line.recv() == bytes([n]) * n
        else:
            buffer = bytearray(n)
            line.into(buffer)()
            assert buffer == bytes([n]) * n


def test_rule_10_sending_to_a_closed_end(line):
    line.end_reading()
    with pytest.raises(PeerGone):
        line.send(b"x" * 100)


SOCKETS = ["socketpair", "tcp", "udp", "unix-datagram", "unix-seqpacket", "unix-stream"]


@pytest.mark.parametrize("name", SOCKETS)
@pytest.mark.parametrize("narrow", [False, True])
def test_rule_12_a_silent_peer_ends_with_the_deadline(name, narrow):
    with registry.load(name).open(Spec(get_context("fork"), size=64, deadline=0.05)) as channel:
        near, far = attached(channel)
        with pytest.raises(DeadlinePassed):
            (near.into(bytearray(64)) if narrow else near.recv)()
        near.close()
        far.close()


@pytest.mark.parametrize("name", [name for name in SOCKETS if name != "udp"])
def test_rule_12_a_peer_that_never_reads_ends_with_the_deadline(name):
    with registry.load(name).open(Spec(get_context("fork"), size=60_000, deadline=0.05)) as channel:
        near, far = attached(channel)
        with pytest.raises(DeadlinePassed):
            for _ in range(10_000):
                near.send(bytes(60_000))
        near.close()
        far.close()


@pytest.mark.parametrize("name", ["fifo", "tcp", "unix-seqpacket", "unix-stream"])
def test_rule_4_a_peer_that_never_attaches(name):
    before = Traces()
    with (
        registry.load(name).open(Spec(get_context("fork"), size=64, deadline=0.05)) as channel,
        pytest.raises(DeadlinePassed, match="nobody"),
    ):
        channel.near[0].attach()
    del channel
    before.assert_nothing_left()


@pytest.mark.parametrize("name", ["fifo", "tcp", "unix-seqpacket", "unix-stream"])
def test_rule_4_a_peer_that_closed_before(name):
    before = Traces()
    with registry.load(name).open(Spec(get_context("fork"), size=64, deadline=0.2)) as channel:
        far = copy(channel.far[0])  # the channel's own will be dropped
    with pytest.raises(PeerGone):
        far.attach()
    del channel, far
    before.assert_nothing_left()


@pytest.mark.parametrize("name", ["unix-stream", "unix-datagram", "unix-seqpacket"])
def test_a_temporary_folder_on_a_long_path(name, monkeypatch, tmp_path):
    folder = tmp_path / ("long-" * 30)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with registry.load(name).open(Spec(get_context("fork"), size=64)) as channel:
        near, far = attached(channel)
        near.send(b"there")
        assert far.recv() == b"there"
        near.close()
        far.close()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["fifo", "shared-memory", "shared-memory-ring", "unix-stream", "manager-list"])
def test_rule_3_a_forked_copy_releases_nothing(name):
    """A child that unwinds its copy of `with` leaves the channel to its owner."""
    with registry.load(name).open(Spec(get_context("fork"), size=64)) as channel:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _unwind(name)
            finally:
                os._exit(code)  # nothing of the tests runs on in the child
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        near, far = attached(channel)
        kind = registry.load(name).traits.kinds[0]
        assert kind == "bytes"
        near.send(b"still here")
        assert bytes(far.recv()) == b"still here"
        near.close()
        far.close()


def _unwind(name):
    """Leave, in a forked child, every owner of that mechanism that it inherited."""
    from ipcbench.ipc.owner import Owner

    owners = [found for found in gc.get_objects() if isinstance(found, Owner) and found.name == name]
    for owner in owners:
        owner.__exit__(None, None, None)
    return 0 if owners else 1


PROGRAM = """
import sys
from copy import copy
from multiprocessing import get_context
from ipcbench.ipc.contract import Spec
from ipcbench.ipc.registry import load

def far(ticket, kept):
    end = ticket.attach()
    message = end.recv()
    end.send(message)
    if kept == "closed":
        end.close()

if __name__ == "__main__":
    name, method, kind, kept = sys.argv[1:]
    import numpy
    message = {"bytes": b"12345678" * 8, "array": numpy.ones(8), "scalar": 0.5}[kind]
    context = get_context(method)
    with load(name).open(Spec(context, size=8 if kind == "scalar" else 64, kind=kind)) as channel:
        peer = context.Process(target=far, args=(channel.far[0], kept))
        peer.start()
        channel.far[0].drop()
        end = channel.near[0].attach()
        end.send(message)
        received = end.recv()
        assert len(bytes(received) if kind == "bytes" else numpy.atleast_1d(received)) in (1, 8, 64)
        peer.join()
        assert peer.exitcode == 0
        if kept == "closed":
            end.close()
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("kept", ["closed", "kept"])
def test_rule_11_programs_end_without_a_word(method, kept, tmp_path):
    """No leak told by the resource tracker, no BufferError at exit, also where nobody closed the ends."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    subjects = [("shared-memory", "bytes"), ("shared-memory-numpy", "array"), ("shared-memory-ring", "array")]
    subjects += [("array", "array"), ("raw-array", "bytes"), ("value", "scalar"), ("queue", "bytes"), ("pipe", "bytes")]
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONWARNINGS": "default"}
    running = [
        subprocess.Popen(
            [sys.executable, str(program), name, method, kind, kept],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, kind in subjects
    ]
    for (name, _), process in zip(subjects, running, strict=True):
        said, _ = process.communicate(timeout=25)
        said = "\n".join(line for line in said.splitlines() if "fork" not in line)  # 3.12 warns of forks with threads
        assert (name, process.returncode, said) == (name, 0, "")


@pytest.mark.parametrize("name", ["manager-list", "manager-queue"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_rule_3_a_stopped_server_is_released_too(name, method, monkeypatch):
    monkeypatch.setattr(managers, "SHUTTING_DOWN", 0.1)
    before = Traces()
    with registry.load(name).open(Spec(get_context(method), size=64)) as channel:
        near, far = attached(channel)
        near.send(b"there")
        assert far.recv() == b"there"
        os.kill(channel.servers[0], signal.SIGSTOP)
        near.close()
        far.close()
    del channel, near, far
    before.assert_nothing_left()


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_server_ends_with_the_process_that_opened_the_channel_however_that_ended(method):
    code = (
        "import sys; from multiprocessing import get_context; from ipcbench.ipc import registry; "
        "from ipcbench.ipc.contract import Spec\n"
        "if __name__ == '__main__':\n"
        "    mechanism = registry.load('manager-queue')\n"
        f"    spec = Spec(context=get_context({method!r}), size=64)\n"
        "    with mechanism.open(spec) as channel:\n"
        "        print(*channel.servers, flush=True)\n"
        "        sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as opener:
        server = psutil.Process(int(opener.stdout.readline()))
        opener.kill()
    assert psutil.wait_procs([server], 10)[1] == []
