"""What happens to a measurement between the instrument and the record: received, shown with whose it is, confirmed by a person."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from cunyi.devices.driver import Description
from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.case import is_swapped
from cunyi.domain.device import (
    ArrivedReading,
    FlagWords,
    Focus,
    ReadingState,
    ReceivingPolicy,
    RegisteredDevice,
)
from cunyi.domain.encounter import canonical
from cunyi.domain.errors import UserError
from cunyi.domain.measurement import Measurement
from cunyi.domain.person import Person
from cunyi.journeys.access import require
from cunyi.journeys.consulting import open_draft
from cunyi.journeys.critical_values import notify_reading
from cunyi.journeys.judging_readings import FIRST_YEAR, entered_fits, judged_again, judged_time, judged_value
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.accounts import account_by_id
from cunyi.store.arrived import (
    add_arrived,
    arrived_before,
    arrived_by_id,
    arrived_for_draft,
    arrived_for_nobody,
    replace_arrived,
)
from cunyi.store.devices import count_control_test, receiving_policy
from cunyi.store.drafts import Draft, draft_by_id
from cunyi.store.people import person_in_use
from cunyi.store.signing import sm3
from cunyi.store.unit import SYSTEM, Store, Writing

_LONGEST_REASON = 100
_MARK_BYTES = 16


def receive(
    store: Store,
    knowledge: Knowledge,
    device: RegisteredDevice,
    description: Description,
    measurement: Measurement,
    *,
    focus: Focus | None,
    now: datetime,
) -> ArrivedReading | None:
    """Takes a measurement in; None for a value of a running stream, a test with control solution, or one that is here already.

    It goes to the encounter in `focus` and waits there for a tap. It is nobody's where there is no such encounter, where
    the instrument's time is of earlier, or where another patient was entered at the instrument. `now` is local time with a
    zone. Where the rules ask for no tap, what leaves nothing in doubt comes back confirmed.
    """
    content = measurement.values or measurement.conclusion or measurement.flags
    if not measurement.final or not content:
        return None
    account = SYSTEM if focus is None else focus.account_id
    with store.writing(account, working_state=True) as writing:
        if measurement.control_solution:
            count_control_test(writing, device.id, now)
            return None
        policy = receiving_policy(writing.connection, writing.organisation)
        mark = _mark(measurement)
        if arrived_before(
            writing.connection, writing.organisation, device.id, mark, since=_since(measurement, policy, now)
        ):
            return None
        draft, person = _in_focus(writing, focus)
        reading = _arrived(writing, knowledge, device, description, measurement, now)
        timed = judged_time(
            measurement.clock_at,
            now,
            begun=None if draft is None else _came_in_front(draft, focus, policy, now),
            policy=policy,
            clock_doubtful=writing.clock_doubtful,
        )
        if draft is not None and person is not None and not timed.earlier and _is_theirs(measurement.patient, person):
            reading = _for(reading, knowledge, draft.id, person)
        reading = msgspec.structs.replace(
            reading,
            measured_at=timed.at,
            earlier=timed.earlier,
            doubts=timed.doubts + _other_patient(measurement.patient, person) + _swapped(reading),
        )
        add_arrived(writing, reading, mark)
    if focus is None or policy.confirm_readings or not reading.is_clean:
        return reading
    with store.writing(account) as writing:
        stored = account_by_id(writing.connection, writing.organisation, account)
        confirmed = _confirm(writing, reading, "" if stored is None else stored.account.name, "自动")
        if stored is not None:
            _tell(writing, stored.account, confirmed, knowledge)
        return confirmed


def waiting_for(store: Store, by: Account, draft_id: str) -> list[ArrivedReading]:
    """The readings that wait for a tap in an encounter, in order of arrival."""
    open_draft(store, by, draft_id)
    with store.reading() as connection:
        return arrived_for_draft(connection, by.organisation, draft_id, ReadingState.WAITING)


def confirmed_for(store: Store, by: Account, draft_id: str) -> list[ArrivedReading]:
    """The readings that were confirmed into an encounter, in order of arrival."""
    open_draft(store, by, draft_id)
    with store.reading() as connection:
        return arrived_for_draft(connection, by.organisation, draft_id, ReadingState.CONFIRMED)


def waiting_unassigned(store: Store, by: Account) -> list[ArrivedReading]:
    """The readings that are nobody's yet, newest first; those with `earlier` were measured before."""
    require(by, Permission.WRITE_DRAFT)
    with store.reading() as connection:
        return arrived_for_nobody(connection, by.organisation)


def confirm_reading(
    store: Store, by: Account, reading_id: str, draft_id: str, *, knowledge: Knowledge | None = None
) -> ArrivedReading:
    """One tap: the reading belongs into this encounter. `into_form` of it is what goes into the form.

    With `knowledge` a critical value in it is told at once, before anything is signed.

    UserError where it is another encounter's or nobody's yet, was discarded, or has nothing that could go in.
    """
    open_draft(store, by, draft_id)
    with store.reading() as connection:
        known = _known(arrived_by_id(connection, by.organisation, reading_id))
    if known.state is ReadingState.CONFIRMED and known.draft_id == draft_id:
        return known
    with store.writing(by.id) as writing:
        reading = _still_waiting(writing, reading_id)
        _expect_draft(writing, draft_id)
        if reading.draft_id != draft_id:
            raise UserError("这次读数还没有归到这位居民；请先选“是这位的”，再确认", field="reading")
        if not reading.has_content:
            raise UserError("这次读数没有能用的值；请重测，或手工填写", field="reading")
        confirmed = _confirm(writing, reading, by.name, "")
        if knowledge is not None:
            _tell(writing, by, confirmed, knowledge)
        return confirmed


def give_to(
    store: Store,
    by: Account,
    reading_id: str,
    draft_id: str,
    *,
    knowledge: Knowledge | None = None,
    measured_now: bool = False,
) -> ArrivedReading:
    """A person says whose a reading is: it waits for the tap in that encounter from now on.

    With `knowledge` its values are judged anew for that person. `measured_now`: it was taken just now and the instrument's
    time is wrong.
    """
    shown = open_draft(store, by, draft_id)
    _expect_reachable(store, by, reading_id)
    with store.writing(by.id) as writing:
        reading = _still_waiting(writing, reading_id)
        _expect_draft(writing, draft_id)
        person = shown.person
        given = msgspec.structs.replace(reading, draft_id=draft_id, person_id=person.id, person_name=person.name)
        if knowledge is not None:
            given = _for(given, knowledge, draft_id, person)
        doubts = tuple(doubt for doubt in given.doubts if doubt.field != "patient")
        given = msgspec.structs.replace(given, doubts=doubts + _other_patient(given.entered, person))
        if measured_now:
            kept = tuple(doubt for doubt in given.doubts if doubt.field not in ("earlier", "before"))
            given = msgspec.structs.replace(given, measured_at=given.received_at, earlier=False, doubts=kept)
        replace_arrived(writing, given)
        writing.audit(Action.GIVE_READING, person=person.id, subject=reading.id)
    return given


def discard_reading(store: Store, by: Account, reading_id: str, why: str) -> None:
    """Throws a reading away, with the reason. It is not taken in again when the instrument sends it once more."""
    require(by, Permission.WRITE_DRAFT)
    why = why.strip()
    if not why:
        raise UserError("请写明为什么不要这次读数，如“测错了”“不是这里的病人”", field="why")
    if len(why) > _LONGEST_REASON:
        raise UserError("原因最多 {longest} 字；请写短些", field="why", longest=_LONGEST_REASON)
    _expect_reachable(store, by, reading_id)
    with store.writing(by.id) as writing:
        reading = _still_waiting(writing, reading_id)
        gone = msgspec.structs.replace(reading, state=ReadingState.DISCARDED, settled_by=by.name, settled_why=why)
        replace_arrived(writing, gone)
        writing.audit(Action.DISCARD_READING, person=reading.person_id, subject=reading.id)


def into_form(reading: ArrivedReading) -> dict[str, list[str]]:
    """What a reading puts into the encounter's form, by the names of its fields.

    Vital signs have a box each; other items are rows of `lab_name`, `lab_value`, `lab_unit` to be added to those there;
    `auxiliary_examination` is text to be added to what stands there.
    """
    fields: dict[str, list[str]] = {}
    for value in reading.values:
        if not value.usable:
            continue
        if value.is_reading:
            fields[value.item] = [value.words]
        else:
            for name, words in (("lab_name", value.name_zh), ("lab_value", value.words), ("lab_unit", value.unit)):
                fields.setdefault(name, []).append(words)
    if reading.conclusion:
        fields["auxiliary_examination"] = [reading.conclusion]
    return fields


def _arrived(
    writing: Writing,
    knowledge: Knowledge,
    device: RegisteredDevice,
    description: Description,
    measurement: Measurement,
    now: datetime,
) -> ArrivedReading:
    words = [(flag, description.flags.get(flag)) for flag in measurement.flags]
    return ArrivedReading(
        id=writing.new_id(),
        organisation=writing.organisation,
        device_id=device.id,
        device_name=device.name,
        device_label=device.label,
        kind=description.kind,
        received_at=now,
        measured_at=now,
        values=tuple(judged_value(value, knowledge, None, now.date()) for value in measurement.values),
        flags=tuple(
            FlagWords(zh=flag, en=flag) if known is None else FlagWords(zh=known.zh, en=known.en)
            for flag, known in words
        ),
        conclusion=measurement.conclusion.strip(),
        entered=measurement.patient.strip(),
    )


def _for(reading: ArrivedReading, knowledge: Knowledge, draft_id: str, person: Person) -> ArrivedReading:
    on = reading.received_at.date()
    return msgspec.structs.replace(
        reading,
        draft_id=draft_id,
        person_id=person.id,
        person_name=person.name,
        values=tuple(judged_again(value, knowledge, person, on) for value in reading.values),
    )


def _in_focus(writing: Writing, focus: Focus | None) -> tuple[Draft | None, Person | None]:
    """The encounter in front and whose it is; neither where it was signed or thrown away meanwhile."""
    draft = None if focus is None else draft_by_id(writing.connection, writing.organisation, focus.draft_id)
    if draft is None:
        return None, None
    return draft, person_in_use(writing.connection, writing.organisation, draft.person_id)


def _came_in_front(draft: Draft, focus: Focus | None, policy: ReceivingPolicy, now: datetime) -> datetime:
    since = None if focus is None else focus.since
    # An encounter that has been open all day says little about whose a reading of this morning is.
    return max(draft.begun_at, since or now - timedelta(minutes=policy.stale_minutes))


def _is_theirs(entered: str, person: Person) -> bool:
    return not entered.strip() or entered_fits(entered, person)


def _other_patient(entered: str, person: Person | None) -> tuple[UserError, ...]:
    if person is None or _is_theirs(entered, person):
        return ()
    return (UserError("仪器上登记的是另一个人；请核对是谁的，再选归到哪位", field="patient"),)


def _swapped(reading: ArrivedReading) -> tuple[UserError, ...]:
    numbers = {value.item: value.value for value in reading.values if value.usable and isinstance(value.value, float)}
    return (UserError("收缩压不高于舒张压；请重测", field="pressure"),) if is_swapped(numbers) else ()


def _since(measurement: Measurement, policy: ReceivingPolicy, now: datetime) -> datetime | None:
    """From when on the same values are the same reading: always where the instrument gives a time or a number."""
    clock = measurement.clock_at
    if measurement.sequence is not None or (clock is not None and clock.year >= FIRST_YEAR):
        return None
    return now - timedelta(seconds=policy.duplicate_seconds)


def _mark(measurement: Measurement) -> bytes:
    told = (
        measurement.clock_at,
        measurement.sequence,
        measurement.patient,
        [(value.item, value.value, value.raw) for value in measurement.values],
        measurement.conclusion,
    )
    return sm3(canonical(told))[:_MARK_BYTES]


def _confirm(writing: Writing, reading: ArrivedReading, by_name: str, how: str) -> ArrivedReading:
    confirmed = msgspec.structs.replace(reading, state=ReadingState.CONFIRMED, settled_by=by_name)
    replace_arrived(writing, confirmed)
    writing.audit(Action.CONFIRM_READING, person=reading.person_id, subject=reading.id, detail=how)
    return confirmed


def _tell(writing: Writing, by: Account, reading: ArrivedReading, knowledge: Knowledge) -> None:
    """A critical value of a reading that belongs to an encounter now."""
    draft = draft_by_id(writing.connection, writing.organisation, reading.draft_id or "")
    person = None if draft is None else person_in_use(writing.connection, writing.organisation, draft.person_id)
    if draft is not None and person is not None:
        notify_reading(writing, by, person, draft.encounter_id, reading.values, knowledge)


def _known(reading: ArrivedReading | None) -> ArrivedReading:
    if reading is None:
        raise UserError("没有这次读数；请重新打开页面", field="reading")
    return reading


def _still_waiting(writing: Writing, reading_id: str) -> ArrivedReading:
    reading = _known(arrived_by_id(writing.connection, writing.organisation, reading_id))
    if reading.state is ReadingState.CONFIRMED:
        raise UserError("这次读数已经记进一份接诊；那里不对就在那里改，这里请重测或手工填写", field="reading")
    if reading.state is ReadingState.DISCARDED:
        raise UserError("这次读数已经丢弃；请重测，或手工填写", field="reading")
    return reading


def _expect_draft(writing: Writing, draft_id: str) -> None:
    if draft_by_id(writing.connection, writing.organisation, draft_id) is None:
        raise UserError("这份草稿刚在另一个窗口签名或放弃了；请到居民档案里看", field="draft")


def _expect_reachable(store: Store, by: Account, reading_id: str) -> None:
    """NotAllowedError for a reading that waits in an encounter of somebody else."""
    with store.reading() as connection:
        reading = _known(arrived_by_id(connection, by.organisation, reading_id))
        open_there = reading.draft_id is not None and draft_by_id(connection, by.organisation, reading.draft_id)
    if open_there and reading.draft_id is not None:
        open_draft(store, by, reading.draft_id)
