"""Interviews before the consultation: what a villager answered, under a link that only they have, until the doctor takes it over."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from cunyi.domain.assessment import Reason
from cunyi.domain.identity import mask
from cunyi.domain.interview import Interview
from cunyi.store import packing, schema
from cunyi.store.unit import Writing


class InterviewState(StrEnum):
    """How far an interview is (预问诊进度). `INVITED`: a link was given out and nobody agreed to anything yet."""

    INVITED = "invited"
    CONSENTED = "consented"
    ANSWERING = "answering"
    FINISHED = "finished"
    EMERGENCY = "emergency"
    TAKEN_OVER = "taken_over"
    DISCARDED = "discarded"
    EXPIRED = "expired"


OPEN = (InterviewState.INVITED, InterviewState.CONSENTED, InterviewState.ANSWERING)
READY = (InterviewState.FINISHED, InterviewState.EMERGENCY)
OVER = (InterviewState.TAKEN_OVER, InterviewState.DISCARDED, InterviewState.EXPIRED)


class Way(StrEnum):
    """How the villager came to it (预问诊入口): the code at the door, a slip of the queue, a link, the clinic's tablet."""

    DOOR = "door"
    SLIP = "slip"
    LINK = "link"
    TABLET = "tablet"


class ConsentBy(StrEnum):
    """Who agreed (同意人): the patient, a child's guardian, a relative whom the patient asked to answer."""

    SELF = "self"
    GUARDIAN = "guardian"
    RELATIVE = "relative"


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed to, by whom and when (知情同意). `name` and `relation` are a guardian's or relative's."""

    text: str
    by: ConsentBy
    at: datetime
    name: str = ""
    relation: str = ""

    def __repr__(self) -> str:
        """Without names: reprs end in logs."""
        return f"Consent({self.text}, {self.by.value})"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who the villager says the patient is (自报身份), believed by nobody until the doctor has confirmed it. All empty: said nothing."""

    number: str = ""
    phone: str = ""
    name: str = ""

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing was said."""
        return not (self.number or self.phone or self.name)

    @property
    def masked_number(self) -> str:
        """The document number as it may be shown."""
        return mask(self.number)

    def __repr__(self) -> str:
        """Without anything said: reprs end in logs."""
        return f"Claim(anonymous={self.is_anonymous})"


class InterviewRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an interview (预问诊内容). `invited_person` is whom a slip was printed for, `why` the reason of a discard.

    `provisional`: the level is mild only as far as was asked. `reasons` are why the level was given, the gravest first.
    """

    way: Way
    consent: Consent | None = None
    claim: Claim | None = None
    interview: Interview | None = None
    invited_person: str = ""
    provisional: bool = False
    reasons: tuple[Reason, ...] = ()
    why: str = ""

    def __repr__(self) -> str:
        """Without anything said: reprs end in logs."""
        return f"InterviewRecord({self.way.value})"


class StoredInterview(msgspec.Struct, frozen=True, kw_only=True):
    """An interview as it is kept (预问诊). `revision` counts its answers; `level` is the code of the level of care, empty before there is one.

    `alarmed_at` is when an answer was an emergency, `acknowledged_at` when somebody of the clinic said that they saw it.
    """

    id: str
    facility: str
    state: InterviewState
    revision: int
    pickup_code: str
    level: str
    created_at: datetime
    updated_at: datetime
    alarmed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    person_id: str | None = None
    draft_id: str | None = None
    record: InterviewRecord


def token_digest(token: str) -> bytes:
    """What is kept of the token of a link."""
    return hashlib.sha256(b"interview:" + token.encode("utf-8", "surrogatepass")).digest()


def add_interview(
    writing: Writing, token: str, record: InterviewRecord, state: InterviewState, *, pickup_code: str
) -> StoredInterview:
    """Keeps a new interview of this clinic."""
    made = StoredInterview(
        id=writing.new_id(),
        facility=writing.node.facility,
        state=state,
        revision=0,
        pickup_code=pickup_code,
        level="",
        created_at=writing.latest,
        updated_at=writing.latest,
        record=record,
    )
    values = _row(made) | {"organisation": writing.organisation, "token_hash": token_digest(token)}
    writing.connection.execute(insert(schema.interview).values(values))
    return made


def replace_interview(writing: Writing, changed: StoredInterview) -> StoredInterview:
    """Keeps a changed interview; the time of the change is this write's."""
    changed = msgspec.structs.replace(changed, updated_at=writing.latest)
    table = schema.interview
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.id == changed.id)
        .values(_row(changed))
    )
    return changed


def close_link(writing: Writing, interview_id: str) -> None:
    """The link and the code of an interview open nothing any more."""
    table = schema.interview
    writing.connection.execute(
        update(table)
        .where(table.c.organisation == writing.organisation, table.c.id == interview_id)
        .values(token_hash=None, pickup_code="")
    )


def interview_by_token(connection: Connection, organisation: str, token: str) -> StoredInterview | None:
    """The interview that a link leads to."""
    table = schema.interview
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.token_hash == token_digest(token))
    ).one_or_none()
    return None if row is None else _stored(row)


def interview_by_id(connection: Connection, organisation: str, interview_id: str) -> StoredInterview | None:
    """An interview by id."""
    table = schema.interview
    row = connection.execute(
        select(table).where(table.c.organisation == organisation, table.c.id == interview_id)
    ).one_or_none()
    return None if row is None else _stored(row)


def interview_by_code(connection: Connection, organisation: str, pickup_code: str) -> StoredInterview | None:
    """The interview that goes on under a pick-up code."""
    table = schema.interview
    row = connection.execute(
        select(table)
        .where(table.c.organisation == organisation, table.c.pickup_code == pickup_code, table.c.pickup_code != "")
        .order_by(table.c.created_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _stored(row)


def interviews_in(
    connection: Connection, organisation: str, facility: str, states: Collection[InterviewState]
) -> list[StoredInterview]:
    """The interviews of a clinic in some states, in the order in which they began."""
    table = schema.interview
    rows = connection.execute(
        select(table)
        .where(
            table.c.organisation == organisation,
            table.c.facility == facility,
            table.c.state.in_([state.value for state in states]),
        )
        .order_by(table.c.created_at, table.c.id)
    )
    return [_stored(row) for row in rows]


def count_interviews(
    connection: Connection, organisation: str, facility: str, states: Collection[InterviewState]
) -> int:
    """How many interviews of a clinic are in some states."""
    table = schema.interview
    return connection.execute(
        select(func.count())
        .select_from(table)
        .where(
            table.c.organisation == organisation,
            table.c.facility == facility,
            table.c.state.in_([state.value for state in states]),
        )
    ).scalar_one()


def alarms_of(connection: Connection, organisation: str, facility: str) -> list[StoredInterview]:
    """The emergencies of a clinic that nobody has said they saw, the first first."""
    table = schema.interview
    rows = connection.execute(
        select(table)
        .where(
            table.c.organisation == organisation,
            table.c.facility == facility,
            table.c.alarmed_at.is_not(None),
            table.c.acknowledged_at.is_(None),
            table.c.state.not_in([state.value for state in OVER]),
        )
        .order_by(table.c.alarmed_at, table.c.id)
    )
    return [_stored(row) for row in rows]


def codes_in_use(connection: Connection, organisation: str) -> set[str]:
    """The pick-up codes that lead to an interview."""
    table = schema.interview
    rows = connection.execute(
        select(table.c.pickup_code).where(table.c.organisation == organisation, table.c.pickup_code != "")
    )
    return set(rows.scalars())


def _row(kept: StoredInterview) -> dict[str, Any]:
    values = msgspec.structs.asdict(kept)
    record = values.pop("record")
    return values | {"state": kept.state.value, "details": packing.pack(msgspec.json.encode(record))}


def _stored(row: Any) -> StoredInterview:
    values = dict(row._mapping)
    for name in ("organisation", "token_hash"):
        del values[name]
    record = msgspec.json.decode(packing.unpack(values.pop("details")), type=InterviewRecord)
    return StoredInterview(**values | {"state": InterviewState(row.state), "record": record})
