"""A form about a person that was begun and not saved: kept while it is typed, brought back after a crash or a power cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cunyi.domain.account import Account, Permission
from cunyi.journeys.access import require
from cunyi.store.unfinished import Unfinished, drop_unfinished, keep_unfinished, unfinished_form
from cunyi.store.unit import Store


def keep_typed(store: Store, by: Account, page: str, form: Mapping[str, Sequence[str]]) -> Unfinished:
    """Keeps what was typed on a page so far."""
    require(by, Permission.REGISTER_PEOPLE)
    with store.writing(by.id, working_state=True) as writing:
        keep_unfinished(writing, by.id, page, form)
        return Unfinished(form={name: list(values) for name, values in form.items()}, kept_at=writing.latest)


def typed_before(store: Store, by: Account, page: str) -> Unfinished | None:
    """What was typed on a page and never saved."""
    with store.reading() as connection:
        return unfinished_form(connection, by.organisation, by.id, page)


def forget_typed(store: Store, by: Account, page: str) -> None:
    """Forgets it: it was saved, or is not wanted any more."""
    with store.writing(by.id, working_state=True) as writing:
        drop_unfinished(writing, by.id, page)
