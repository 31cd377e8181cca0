"""Documents packed for the disk: the same bytes come out as went in."""

from __future__ import annotations

import zlib
from importlib.resources import files

from cunyi.domain.errors import UserError

_LEVEL = 9
_NUMBER = b"\x01"
# What nearly every document holds: the stock phrases of Chinese records, common illnesses, the names of its fields in their
# order, words of the program. Never a patient's word. Packed documents can only be read with the dictionary they were packed
# with: a new one gets a file and a number of its own.
_DICTIONARY = (files("cunyi.store") / "packing_1.txt").read_text("utf-8").replace("\n", "").encode()


def pack(body: bytes) -> bytes:
    """Fewer bytes of the same content."""
    packer = zlib.compressobj(_LEVEL, zdict=_DICTIONARY)
    return _NUMBER + packer.compress(body) + packer.flush()


def unpack(packed: bytes) -> bytes:
    """The content again; UserError where the bytes on the disk were damaged."""
    try:
        if packed[:1] != _NUMBER:
            raise zlib.error
        unpacker = zlib.decompressobj(zdict=_DICTIONARY)
        # All of it at once: nothing is left to be flushed, and room for that would be made each time.
        body = unpacker.decompress(packed[1:])
        if not unpacker.eof:
            raise zlib.error
    except zlib.error:
        raise UserError("有一份记录的存储已损坏；请运行 cunyi verify 核对，并用备份恢复", field="database") from None
    return body
