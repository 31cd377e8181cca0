"""Column types that are the same on SQLite and PostgreSQL: moments, identities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Dialect, LargeBinary, Uuid
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


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
        return UUID(value) if dialect.name == "postgresql" else UUID(value).bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """The value as text."""
        if value is None:
            return None
        return str(value if isinstance(value, UUID) else UUID(bytes=bytes(value)))
