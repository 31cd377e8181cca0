"""The one-time codes by which nodes are enrolled: made, tried, used, burnt."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from cunyi.domain.encounter import canonical
from cunyi.domain.enrolment import EnrolmentCode
from cunyi.domain.errors import UserError
from cunyi.store.crockford import ALPHABET, grouped, letters, straightened
from cunyi.store.township_schema import enrolment as table
from cunyi.store.unit import Writing

# The first part finds the code, the rest proves it: 4 × 5 = 20 bits and 12 × 5 = 60 bits.
_LOOKUP, _SECRET = 4, 12


def new_code() -> tuple[str, str]:
    """A code as it is shown, and the part by which it is found."""
    code = letters(secrets.randbits(5 * (_LOOKUP + _SECRET)), _LOOKUP + _SECRET)
    return grouped(code), code[:_LOOKUP]


def read_code(typed: str) -> tuple[str, bytes]:
    """The part that finds a code, and the key that proves it, of what was typed. UserError (field `code`)."""
    code = straightened(typed)
    if len(code) != _LOOKUP + _SECRET:
        raise UserError(
            "登记码有 {expected} 个字符（不算短横），现在是 {length} 个；请对照卫生院给的码再输一遍",
            field="code",
            expected=_LOOKUP + _SECRET,
            length=len(code),
        )
    for character in code:
        if character not in ALPHABET:
            raise UserError(
                "登记码里没有“{character}”：只有数字和字母，没有 U；请对照卫生院给的码再输一遍",
                field="code",
                character=character,
            )
    return code[:_LOOKUP], hashlib.sha256(b"cunyi enrolment code " + code.encode()).digest()


def proof(key: bytes, purpose: bytes, *parts: bytes) -> bytes:
    """What only somebody with the code's secret can make of these parts."""
    whole = hmac.new(key, purpose, hashlib.sha256)
    for part in parts:
        whole.update(len(part).to_bytes(4, "big") + part)
    return whole.digest()


def is_proof(key: bytes, given: bytes, purpose: bytes, *parts: bytes) -> bool:
    """Whether a proof is the one of these parts."""
    return hmac.compare_digest(given, proof(key, purpose, *parts))


def keep_code(writing: Writing, code: EnrolmentCode) -> None:
    """Keeps a new code, or what became of one."""
    values = _row(code)
    if writing.connection.execute(update(table).where(_key(code)).values(**values)).rowcount == 0:
        writing.connection.execute(insert(table).values(**values))


def code_by_lookup(connection: Connection, organisation: str, lookup: str) -> EnrolmentCode | None:
    """A code by the part that finds it."""
    details = connection.execute(
        select(table.c.details).where(table.c.organisation == organisation, table.c.lookup == lookup)
    ).scalar_one_or_none()
    return None if details is None else _code(details)


def open_codes(connection: Connection, organisation: str, now: datetime) -> list[EnrolmentCode]:
    """The codes that nobody has used yet and that can still be used, the newest first."""
    rows = connection.execute(
        select(table.c.details)
        .where(table.c.organisation == organisation, table.c.used_at.is_(None), table.c.expires_at > now)
        .order_by(table.c.expires_at.desc())
    )
    return [_code(details) for details in rows.scalars()]


def forget_old_codes(writing: Writing, before: datetime) -> None:
    """Forgets the codes that ended before a time, so that what finds a code can be used again."""
    writing.connection.execute(
        delete(table).where(table.c.organisation == writing.organisation, table.c.expires_at < before)
    )


def _key(code: EnrolmentCode) -> Any:
    return (table.c.organisation == code.organisation) & (table.c.id == code.id)


def _row(code: EnrolmentCode) -> dict[str, Any]:
    return {
        "organisation": code.organisation,
        "id": code.id,
        "lookup": code.lookup,
        "expires_at": code.expires_at,
        "used_at": code.used_at,
        "node_id": code.node_id,
        "details": canonical(code),
    }


def _code(details: bytes) -> EnrolmentCode:
    return msgspec.json.decode(details, type=EnrolmentCode)
