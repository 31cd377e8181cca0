"""The encrypted file that carries messages on a stick: what was changed, cut short or meant for another is told, and nothing of it read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Annotated, BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_MARK = b"cunyi carried file 1\n"
_LONGEST_HEADER, _LONGEST_PART = 1_000, 1_000_000
_PART_BYTES = 256_000
_LENGTH_BYTES = 4
_MARK_BYTES = 16
_MORE, _LAST = b"\x00", b"\x01"


class Direction(StrEnum):
    """Where a carried file goes (摆渡方向: 送往中心 / 带回)."""

    TO_HUB = "to_hub"
    BACK = "back"


class FileHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What stands open on a carried file (摆渡文件头): which nodes it goes between, its own mark, that of the file it answers."""

    direction: Direction
    from_node: str
    to_node: str
    mark: Annotated[bytes, msgspec.Meta(min_length=_MARK_BYTES, max_length=_MARK_BYTES)]
    answers: bytes = b""


class FileTrouble(StrEnum):
    """Why a carried file cannot be taken (摆渡文件问题)."""

    NOT_OURS = "not_ours"
    DAMAGED = "damaged"
    CUT_SHORT = "cut_short"


class CarriedFileError(Exception):
    """A carried file that cannot be taken (摆渡文件不能用)."""

    def __init__(self, trouble: FileTrouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def new_header(direction: Direction, from_node: str, to_node: str, *, answers: bytes = b"") -> FileHeader:
    """The header of a new file, with a mark of its own."""
    return FileHeader(
        direction=direction,
        from_node=from_node,
        to_node=to_node,
        mark=secrets.token_bytes(_MARK_BYTES),
        answers=answers,
    )


def write_file(target: BinaryIO, header: FileHeader, key: bytes, messages: Iterable[bytes]) -> int:
    """Writes messages sealed with the key that both nodes share; how many bytes the file has."""
    opened = msgspec.msgpack.encode(header)
    cipher = _cipher(key, opened)
    written = target.write(_MARK + _framed(opened))
    number, waiting = 0, bytearray()
    for message in messages:
        waiting += _framed(message)
        while len(waiting) > _PART_BYTES:
            written += target.write(_framed(cipher.encrypt(_nonce(number), bytes(waiting[:_PART_BYTES]), _MORE)))
            del waiting[:_PART_BYTES]
            number += 1
    return written + target.write(_framed(cipher.encrypt(_nonce(number), bytes(waiting), _LAST)))


def read_header(source: BinaryIO) -> FileHeader:
    """The open part of a file, whose messages are read next. CarriedFileError where it is no such file."""
    if source.read(len(_MARK)) != _MARK:
        raise CarriedFileError(FileTrouble.NOT_OURS)
    try:
        return msgspec.msgpack.decode(_piece(source, _LONGEST_HEADER), type=FileHeader)
    except msgspec.DecodeError:
        raise CarriedFileError(FileTrouble.DAMAGED) from None


def read_file(source: BinaryIO, key_for: Callable[[FileHeader], bytes]) -> tuple[FileHeader, Iterator[bytes]]:
    """The header and the messages of a file that can be gone back in, all of them checked before the first is given.

    `key_for` gives the key that is shared with the node of the header. CarriedFileError where it is no such file, was changed,
    or has no end.
    """
    header = read_header(source)
    key, begin = key_for(header), source.tell()
    for _ in _messages(source, header, key):
        pass
    source.seek(begin)
    return header, _messages(source, header, key)


def _messages(source: BinaryIO, header: FileHeader, key: bytes) -> Iterator[bytes]:
    cipher = _cipher(key, msgspec.msgpack.encode(header))
    number, waiting, last = 0, bytearray(), False
    while not last:
        sealed = _piece(source, _LONGEST_PART)
        part, last = _opened(cipher, number, sealed)
        waiting += part
        number += 1
        while len(waiting) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(waiting[:_LENGTH_BYTES])
            if len(waiting) < end:
                break
            yield bytes(waiting[_LENGTH_BYTES:end])
            del waiting[:end]
    if waiting or source.read(1):
        raise CarriedFileError(FileTrouble.DAMAGED)


def _opened(cipher: ChaCha20Poly1305, number: int, sealed: bytes) -> tuple[bytes, bool]:
    for kind in (_MORE, _LAST):
        try:
            return cipher.decrypt(_nonce(number), sealed, kind), kind == _LAST
        except InvalidTag:
            continue
    raise CarriedFileError(FileTrouble.DAMAGED)


def _piece(source: BinaryIO, longest: int) -> bytes:
    length = source.read(_LENGTH_BYTES)
    if len(length) < _LENGTH_BYTES:
        raise CarriedFileError(FileTrouble.CUT_SHORT)
    wanted = int.from_bytes(length)
    if wanted > longest:
        raise CarriedFileError(FileTrouble.DAMAGED)
    piece = source.read(wanted)
    if len(piece) < wanted:
        raise CarriedFileError(FileTrouble.CUT_SHORT)
    return piece


def _cipher(key: bytes, opened: bytes) -> ChaCha20Poly1305:
    """A key for this file alone, bound to its header: the parts can be counted from zero."""
    return ChaCha20Poly1305(HKDF(SHA256(), 32, salt=opened, info=b"cunyi carried file").derive(key))


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH_BYTES) + data


def _nonce(number: int) -> bytes:
    return number.to_bytes(12)
