"""Documents packed for the disk: the same bytes come out as went in."""

from __future__ import annotations

import zlib

from cunyi.domain.errors import UserError

_LEVEL = 6


def pack(body: bytes) -> bytes:
    """Fewer bytes of the same content."""
    return zlib.compress(body, _LEVEL)


def unpack(packed: bytes) -> bytes:
    """The content again; UserError where the bytes on the disk were damaged."""
    try:
        return zlib.decompress(packed)
    except zlib.error:
        raise UserError("有一份记录的存储已损坏；请运行 cunyi verify 核对，并用备份恢复", field="database") from None
