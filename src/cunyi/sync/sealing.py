"""Envelopes: a message, compressed, with who sent it to whom, its number, and the sender's signature over all of it."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from cunyi.store.signing import NodeKey, is_signed, sm3
from cunyi.sync.messages import PROTOCOL, Answer, OtherVersion, Refusal, Request, TravellingChange

_PURPOSE = b"cunyi exchange "
_CHANGE = b"cunyi change "
# What one message may become when it is unpacked: a small one that grows without end is no message.
MOST_BYTES = 64 * 1024 * 1024
_FAST = 1

REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """What goes over the line (信封). `answers` is the hash of the request that it answers, empty in a request.

    Its shape is the same in every version, so that the versions can be told.
    """

    protocol: int
    sender: str
    receiver: str
    counter: int
    answers: bytes
    body: bytes
    signature: bytes = b""

    def is_from(self, public: bytes) -> bool:
        """Whether the owner of a key signed it."""
        return is_signed(public, self.signature, _to_sign(self))


class UnreadableError(Exception):
    """Bytes that are no message of any known kind (读不懂的消息)."""


def seal(
    key: NodeKey,
    message: Any,
    *,
    sender: str,
    receiver: str,
    counter: int,
    answers: bytes = b"",
    protocol: int = PROTOCOL,
) -> bytes:
    """A message in its envelope."""
    unsigned = Envelope(
        protocol=protocol,
        sender=sender,
        receiver=receiver,
        counter=counter,
        answers=answers,
        body=zlib.compress(msgspec.msgpack.encode(message), _FAST),
    )
    return msgspec.msgpack.encode(msgspec.structs.replace(unsigned, signature=key.sign(_to_sign(unsigned))))


def opened(data: bytes) -> Envelope:
    """The envelope of some bytes; UnreadableError where they are none."""
    try:
        return msgspec.msgpack.decode(data, type=Envelope)
    except msgspec.MsgspecError:
        raise UnreadableError from None


def content(envelope: Envelope, decoder: msgspec.msgpack.Decoder[Any], most: int = MOST_BYTES) -> Any:
    """The message in an envelope; UnreadableError where there is none that is known here."""
    try:
        unpacker = zlib.decompressobj()
        body = unpacker.decompress(envelope.body, most)
        if not unpacker.eof:
            raise UnreadableError
        return decoder.decode(body)
    except (zlib.error, msgspec.MsgspecError):
        raise UnreadableError from None


def mark_of(data: bytes) -> bytes:
    """By what an answer names the request that it answers."""
    return sm3(data)


def is_refusal(answer: Any) -> bool:
    """Whether the other side did nothing of what was asked."""
    return isinstance(answer, Refusal)


def signed_change(key: NodeKey, change: TravellingChange) -> TravellingChange:
    """A change with the signature of the node that made it."""
    return msgspec.structs.replace(change, signature=key.sign(_change_to_sign(change)))


def is_true(change: TravellingChange, public: bytes) -> bool:
    """Whether a change was made by the node whose key this is."""
    return is_signed(public, change.signature, _change_to_sign(change))


def understood(protocol: int, oldest: int) -> OtherVersion | None:
    """None where a version is served here."""
    return None if oldest <= protocol <= PROTOCOL else OtherVersion(oldest=oldest, newest=PROTOCOL)


def _to_sign(envelope: Envelope) -> bytes:
    return _PURPOSE + msgspec.msgpack.encode(msgspec.structs.replace(envelope, signature=b""))


def _change_to_sign(change: TravellingChange) -> bytes:
    # Not the place in the log: whoever carries it has another one.
    parts = (change.id, change.kind, change.subject, change.origin, change.at, change.person, change.body)
    return _CHANGE + msgspec.msgpack.encode(parts)
