"""Byte streams that cut their reads and writes by a given pattern, in place of the kernel's."""

import os
from itertools import chain, repeat


class Stream:
    """What was written, read back in pieces: the pattern gives the size of each piece, then whole reads follow."""

    def __init__(self, data=b"", pattern=()):
        self.data, self.cuts = bytearray(data), chain(pattern, repeat(1 << 40))

    def take(self, size):
        count = min(size, next(self.cuts))
        piece = bytes(self.data[:count])
        del self.data[:count]
        return piece

    def fill(self, parts):
        views = [memoryview(part).cast("B") for part in parts]
        piece = self.take(sum(map(len, views)))
        done = len(piece)
        for view in views:
            count = min(len(view), len(piece))
            view[:count] = piece[:count]
            piece = piece[count:]
        return done

    def give(self, parts):
        whole = b"".join(bytes(part) for part in parts)
        count = min(len(whole), next(self.cuts))
        self.data += whole[:count]
        return count


class CutSystem:
    """Stands for the module os in `framing`: descriptors are streams."""

    def __init__(self, stream):
        self.stream = stream

    def read(self, _fd, size):
        return self.stream.take(size)

    def readv(self, _fd, parts):
        return self.stream.fill(parts)

    def write(self, _fd, data):
        return self.stream.give([data])

    def writev(self, _fd, parts):
        return self.stream.give(parts)

    def __getattr__(self, name):
        return getattr(os, name)


class CutSocket:
    """Stands for a stream socket."""

    def __init__(self, stream):
        self.stream = stream

    def recv_into(self, view, _size=0, _flags=0):
        return self.stream.fill([view])

    def recvmsg_into(self, parts, _ancillary=0, _flags=0):
        return self.stream.fill(parts), [], 0, None

    def sendmsg(self, parts):
        return self.stream.give(parts)

    def sendall(self, data):
        self.stream.data += bytes(data)
