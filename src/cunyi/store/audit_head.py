"""The head of the audit log outside the database: how long the log was, signed, so that a shortened log is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from cunyi.store.signing import NodeKey, is_signed


class Head(msgspec.Struct, frozen=True):
    """How far the log went (日志末端): sequence and hash of the last line, and the node's signature over both."""

    sequence: int
    hash: str
    signature: str


class AuditHead:
    """The file `audit.head` (日志末端文件). It may lag behind the log by what was written when the power went, never lead."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def advance(self, sequence: int, line_hash: bytes, key: NodeKey) -> None:
        """Writes the new end in place of the old one; the log itself is already on the disk."""
        signature = key.sign(_signed(sequence, line_hash.hex()))
        # Another program may be writing to the same node: each has a draft of its own.
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(Head(sequence, line_hash.hex(), signature.hex())))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        finally:
            draft.unlink(missing_ok=True)

    def read(self, public: bytes) -> Head | None:
        """The end as it was written; None where there is none or the node did not sign it."""
        try:
            head = msgspec.json.decode(self.path.read_bytes(), type=Head)
            signature = bytes.fromhex(head.signature)
        except (OSError, msgspec.DecodeError, ValueError):
            return None
        return head if is_signed(public, signature, _signed(head.sequence, head.hash)) else None


def _signed(sequence: int, line_hash: str) -> bytes:
    return f"cunyi audit {sequence} {line_hash}".encode()
