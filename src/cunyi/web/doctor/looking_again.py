"""A look at somebody who waits after something was written into their draft from elsewhere than the encounter's page."""

from __future__ import annotations

from datetime import datetime

from cunyi.domain.account import Account
from cunyi.domain.queue import QueueSource
from cunyi.journeys.case_of_person import background_of, case_of
from cunyi.journeys.consulting import open_draft
from cunyi.journeys.queueing import is_waiting, retriage, triaged
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.unit import Store
from cunyi.web.doctor.form import read_form


def look_again(store: Store, by: Account, draft_id: str, knowledge: Knowledge, now: datetime) -> None:
    """Puts whoever waits where their draft puts them as it is kept now; nothing for a person who does not wait."""
    shown = open_draft(store, by, draft_id)
    if not is_waiting(store, by, shown.person.id):
        return
    background = background_of(store, by, shown.person, knowledge, now)
    case = case_of(read_form(shown.draft.form, knowledge).case, shown.person, background, now.date())
    retriage(store, by, shown.person.id, triaged(assess(case, knowledge), QueueSource.DRAFT))
