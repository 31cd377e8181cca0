"""Drafts: what a doctor is typing, kept as it is typed inside the encrypted store, and never overwritten unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from cunyi.store import packing, schema
from cunyi.store.unit import Writing

FormFields = dict[str, list[str]]
# What a page sends beside what was typed.
_COUNTS = ("revision", "window", "stroke", "over")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An encounter being written (草稿). `form` holds every value of each field of the page as it was sent.

    `window` names the page that kept it last, `stroke` counts its changes. `amends` is the document it will supersede. `aside_of` marks a copy that was
    put aside because the same draft was written in another window.
    """

    id: str
    organisation: str
    person_id: str
    account_id: str
    encounter_id: str
    amends: str | None
    aside_of: str | None
    revision: int
    window: str
    stroke: int
    form: FormFields
    begun_at: datetime
    kept_at: datetime

    def holds(self, form: Mapping[str, Sequence[str]]) -> bool:
        """Whether all of a form is kept here already, with whatever count of changes it is sent."""
        return _content(self.form) == _content(form)


def add_draft(writing: Writing, draft: Draft) -> None:
    """Begins a draft."""
    values = msgspec.structs.asdict(draft) | {"form": _packed(draft.form)}
    writing.connection.execute(insert(schema.draft).values(**values))


def keep_form(
    writing: Writing, draft_id: str, revision: int, window: str, stroke: int, form: Mapping[str, Sequence[str]]
) -> int | None:
    """Keeps what was typed over revision `revision`; the new revision, or None where another window kept one since."""
    table = schema.draft
    done = writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.id == draft_id, table.c.revision == revision)
        .values(revision=revision + 1, window=window, stroke=stroke, form=_packed(form), kept_at=writing.latest)
    )
    return revision + 1 if done.rowcount == 1 else None


def draft_by_id(connection: Connection, organisation: str, draft_id: str) -> Draft | None:
    """A draft by id."""
    table = schema.draft
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.id == draft_id)
    ).one_or_none()
    return None if row is None else _draft(row)


def drafts_of_account(connection: Connection, organisation: str, account_id: str) -> list[Draft]:
    """The drafts of an account, last kept first."""
    table = schema.draft
    rows = connection.execute(
        select(table)
        .where(table.c.organisation == organisation, table.c.account_id == account_id)
        .order_by(table.c.kept_at.desc(), table.c.id.desc())
    )
    return [_draft(row) for row in rows]


def discard_draft(writing: Writing, draft_id: str) -> None:
    """Takes a draft, the copies put aside from it and what was read from its papers away: signed, or discarded by the doctor."""
    table = schema.draft
    writing.connection.execute(
        delete(table).where(
            table.c.organisation == writing.organisation, (table.c.id == draft_id) | (table.c.aside_of == draft_id)
        )
    )
    kept = schema.unfinished
    writing.connection.execute(
        delete(kept).where(
            kept.c.organisation == writing.organisation, kept.c.page.startswith(f"/encounters/{draft_id}/paper")
        )
    )


def _content(form: Mapping[str, Sequence[str]]) -> FormFields:
    return {name: list(values) for name, values in form.items() if name not in _COUNTS}


def _packed(form: Mapping[str, Sequence[str]]) -> bytes:
    return packing.pack(msgspec.json.encode({name: list(values) for name, values in form.items()}))


def _draft(row: Any) -> Draft:
    values = dict(row._mapping) | {"form": msgspec.json.decode(packing.unpack(row.form), type=FormFields)}
    return Draft(**values)
