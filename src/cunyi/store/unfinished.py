"""Forms that were begun and not saved yet: kept as they are typed, one for each account and page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, insert, select

from cunyi.store import packing, schema
from cunyi.store.drafts import FormFields
from cunyi.store.unit import Writing


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was begun (没填完的表单): every value of each field as it was typed, and when it was last kept."""

    form: FormFields
    kept_at: datetime


def keep_unfinished(writing: Writing, account_id: str, page: str, form: Mapping[str, Sequence[str]]) -> None:
    """Keeps what was typed in place of what this account typed on this page before."""
    drop_unfinished(writing, account_id, page)
    packed = packing.pack(msgspec.json.encode({name: list(values) for name, values in form.items()}))
    writing.connection.execute(
        insert(schema.unfinished).values(
            organisation=writing.organisation, account_id=account_id, page=page, form=packed, kept_at=writing.latest
        )
    )


def drop_unfinished(writing: Writing, account_id: str, page: str) -> None:
    """Forgets what was typed: it was saved, or is not wanted."""
    table = schema.unfinished
    writing.connection.execute(
        delete(table).where(
            table.c.organisation == writing.organisation, table.c.account_id == account_id, table.c.page == page
        )
    )


def unfinished_form(connection: Connection, organisation: str, account_id: str, page: str) -> Unfinished | None:
    """What this account began on this page."""
    table = schema.unfinished
    row = connection.execute(
        select(table.c.form, table.c.kept_at).where(
            table.c.organisation == organisation, table.c.account_id == account_id, table.c.page == page
        )
    ).one_or_none()
    if row is None:
        return None
    return Unfinished(form=msgspec.json.decode(packing.unpack(row.form), type=FormFields), kept_at=row.kept_at)
