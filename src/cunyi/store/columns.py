"""Column types that are the same on SQLite and PostgreSQL: moments, identities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import BigInteger, Dialect, LargeBinary, Uuid
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ID_BYTES = 16
_NAMES = UUID("5d1c1f0e-6f0b-5f63-9a0c-63756e796900")


class Moment(TypeDecorator[datetime]):
    """An aware time, kept as milliseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Milliseconds of an aware time; a naive one is a defect of the caller."""
        return None if value is None else (value - _EPOCH) // _MILLISECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The time in UTC."""
        return None if value is None else _EPOCH + value * _MILLISECOND


class Identity(TypeDecorator[str]):
    """A UUID, written as text by the program: 16 bytes in SQLite, the native type in PostgreSQL."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The native type where there is one."""
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """The value as the database keeps it."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return UUID(value)
        # Written out: a first synchronisation binds a million of them.
        raw = bytes.fromhex(value.replace("-", ""))
        if len(raw) != _ID_BYTES:
            raise ValueError("not a UUID")
        return raw

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """The value as text."""
        if value is None:
            return None
        if isinstance(value, UUID):
            return str(value)
        digits = bytes(value).hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_identity(words: str) -> bool:
    """Whether words that came from elsewhere are an id as the program writes it."""
    try:
        return str(UUID(words)) == words
    except ValueError:
        return False


def identity_of(*names: str) -> str:
    """The id of something that has names and no id of its own: the same on every node."""
    return str(uuid5(_NAMES, ":".join(names)))
