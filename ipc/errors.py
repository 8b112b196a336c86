"""What can go wrong on a channel: few errors, each with what happened, the number and the next step."""

from __future__ import annotations

__all__ = [
    "DROPPED",
    "DamagedMessage",
    "DeadlinePassed",
    "EndClosed",
    "IpcError",
    "MessageTooLarge",
    "PeerGone",
    "Unsupported",
    "unexpected",
]


class IpcError(Exception):
    """Any failure of a channel; after it the channel can only be closed."""


class Unsupported(IpcError):
    """The mechanism can't do what was asked on this machine; the text says what and why."""


class MessageTooLarge(IpcError):
    """The message exceeds what the mechanism takes; the text gives the limit in bytes."""


class PeerGone(IpcError):
    """The other side closed its end or died."""


class DeadlinePassed(IpcError):
    """Nothing came within the deadline of the channel."""


class DamagedMessage(IpcError):
    """What arrived isn't a message of this channel: a wrong length, a cut or a merged message."""


class EndClosed(IpcError):
    """The end was closed on this side, or its ticket dropped."""


DROPPED = "a dropped ticket can't be attached"


def unexpected(length: int, agreed: int, what: str = "bytes") -> DamagedMessage:
    """The error for a whole message of another length than the one agreed on."""
    return DamagedMessage(f"a message of {length:,} {what} came where {agreed:,} were agreed on")
