"""The encounter: a draft that is kept as it is typed, signed once, and after that only superseded by a further version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.assessment import Assessment
from cunyi.domain.audit import Action
from cunyi.domain.encounter import (
    Encounter,
    ListEntry,
    ListKind,
    PersonAsSigned,
    ShownAssessment,
    SignedRecord,
    Signer,
)
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.domain.person import Person
from cunyi.domain.prescription import Concern
from cunyi.journeys.access import person_for, require
from cunyi.journeys.critical_values import notify_found
from cunyi.journeys.tracing_values import traced
from cunyi.knowledge.answering import AnsweringRules
from cunyi.store.arrived import release_confirmed
from cunyi.store.drafts import (
    Draft,
    add_draft,
    discard_draft,
    draft_by_id,
    drafts_of_account,
    keep_form,
)
from cunyi.store.lists import add_entry, entries_of, replace_entry
from cunyi.store.people import persons_by_id, same_person
from cunyi.store.records import keep_record, next_version, versions
from cunyi.store.unit import Store, Writing
from cunyi.store.waiting import end_waiting

RECORD_FORMAT = 1
_SHOWN_DISEASES = 10


class DraftOfElsewhereError(UserError):
    """The draft was changed in another window (草稿在另一个窗口改过). Both texts are kept; `aside` is the id of this one's copy."""

    def __init__(self, aside: str, kept_at: datetime) -> None:
        super().__init__(
            "这份草稿在另一个窗口也改过。两边写的都存着：可以继续用这里的，也可以打开另一个窗口的", field="draft"
        )
        self.aside = aside
        self.kept_at = kept_at


class DraftShown(msgspec.Struct, frozen=True, kw_only=True):
    """A draft with whose it is (草稿一览)."""

    draft: Draft
    person: Person


def begin_draft(
    store: Store, by: Account, person_id: str, form: Mapping[str, Sequence[str]], *, reason: str = ""
) -> Draft:
    """The draft of a person's encounter by this account: the one that is there, or a new one filled with `form`."""
    require(by, Permission.WRITE_DRAFT)
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id, reason=reason)
        for known in drafts_of_account(writing.connection, by.organisation, by.id):
            if known.person_id == person.id and known.amends is None and known.aside_of is None:
                writing.audit(Action.OPEN_DRAFT, person=person.id, subject=known.id)
                return known
        draft = _new_draft(writing, by, person.id, form, encounter_id=writing.new_id())
        writing.audit(Action.OPEN_DRAFT, person=person.id, subject=draft.id, detail=reason.strip())
    return draft


def begin_amendment(store: Store, by: Account, encounter_id: str, form: Mapping[str, Sequence[str]]) -> Draft:
    """A draft that will supersede a signed encounter, filled with its words. Only those who may sign may begin it."""
    require(by, Permission.SIGN_RECORD)
    with store.writing(by.id) as writing:
        kept = versions(writing.connection, by.organisation, encounter_id)
        if not kept:
            raise UserError("没有这条记录；请重新打开居民的档案", field="encounter")
        record = kept[-1].record
        person_for(writing.connection, by, record.person.id, reason="更正记录")
        for known in drafts_of_account(writing.connection, by.organisation, by.id):
            if known.amends == record.id and known.aside_of is None:
                writing.audit(Action.OPEN_DRAFT, person=record.person.id, subject=known.id)
                return known
        draft = _new_draft(writing, by, record.person.id, form, encounter_id=encounter_id, amends=record.id)
        writing.audit(Action.OPEN_DRAFT, person=record.person.id, subject=draft.id, detail="更正")
    return draft


def open_draft(store: Store, by: Account, draft_id: str) -> DraftShown:
    """A draft to go on with. Doctors may open the drafts of nurses of their villages, to sign them."""
    require(by, Permission.WRITE_DRAFT)
    with store.reading() as connection:
        draft = draft_by_id(connection, by.organisation, draft_id)
        if draft is None:
            raise UserError("没有这份草稿：它已经签名或放弃；请到居民档案里看", field="draft")
        person = person_for(connection, by, draft.person_id, reason="打开草稿")
    if draft.account_id != by.id and not (by.may(Permission.SIGN_RECORD) and by.looks_after(person.village_code)):
        raise NotAllowedError("这是别人的草稿，您不能打开", field="draft")
    return DraftShown(draft=draft, person=person)


def my_drafts(store: Store, by: Account) -> list[DraftShown]:
    """The account's drafts, last kept first, copies put aside included."""
    with store.reading() as connection:
        drafts = drafts_of_account(connection, by.organisation, by.id)
        people = persons_by_id(connection, by.organisation, [draft.person_id for draft in drafts])
    return [DraftShown(draft=draft, person=people[draft.person_id]) for draft in drafts]


def keep_draft(
    store: Store,
    by: Account,
    draft_id: str,
    form: Mapping[str, Sequence[str]],
    *,
    revision: int,
    window: str,
    stroke: int = 0,
    over: bool = False,
) -> Draft:
    """Keeps what was typed in one window (page) of the draft.

    `revision` is the one the window last heard of; a window that kept last may go on without having heard. `stroke` counts
    the changes of a window, so that a request that was overtaken on its way does not bring old words back. `over` keeps it
    in spite of another window, whose words are put aside. DraftOfElsewhereError where another window kept something since:
    what was typed here is put aside and nothing is lost.
    """
    require(by, Permission.WRITE_DRAFT)
    open_draft(store, by, draft_id)
    with store.writing(by.id, working_state=True) as writing:
        known = draft_by_id(writing.connection, by.organisation, draft_id)
        if known is None:
            raise UserError("没有这份草稿：它已经签名或放弃；请到居民档案里看", field="draft")
        # Sent twice as a page is left: a second time changes nothing, not even the revision that the next page begins with.
        if known.window == window and (stroke < known.stroke or known.holds(form)):
            return known
        if known.window not in ("", window) and revision != known.revision and not over:
            aside, kept = _put_aside(writing, known, form, window, stroke), None
        else:
            if over and known.window != window:
                _put_aside(writing, known, known.form, known.window, known.stroke)
            aside, kept = "", keep_form(writing, draft_id, known.revision, window, stroke, form)
    if kept is None:
        raise DraftOfElsewhereError(aside, known.kept_at)
    return msgspec.structs.replace(
        known, revision=kept, window=window, stroke=stroke, form=_lists(form), kept_at=writing.latest
    )


def discard(store: Store, by: Account, draft_id: str) -> None:
    """Throws a draft away at the doctor's wish."""
    shown = open_draft(store, by, draft_id)
    with store.writing(by.id) as writing:
        release_confirmed(writing, draft_id)
        discard_draft(writing, draft_id)
        writing.audit(Action.DISCARD_DRAFT, person=shown.person.id, subject=draft_id)


def sign(
    store: Store,
    by: Account,
    draft_id: str,
    encounter: Encounter,
    concerns: Sequence[Concern],
    *,
    proposed: Assessment,
    reason: str = "",
    now: datetime,
    answering: AnsweringRules | None = None,
) -> SignedRecord:
    """Signs an encounter: from then on it is never edited. InvalidFormError says what is missing; the draft stays.

    `concerns` are those of the prescription as it is; each grave one needs an override with a reason. `proposed` is what
    the doctor saw. `reason` is needed where a signed record is superseded. `answering` are the limits for its critical values.
    """
    require(by, Permission.SIGN_RECORD)
    if encounter.prescription:
        require(by, Permission.PRESCRIBE)
    shown = open_draft(store, by, draft_id)
    draft, person = shown.draft, shown.person
    encounter = msgspec.structs.replace(encounter, assessment=shown_assessment(proposed))
    _complete(encounter, concerns, proposed, amends=draft.amends is not None, reason=reason, now=now)
    with store.writing(by.id) as writing:
        if draft_by_id(writing.connection, by.organisation, draft_id) is None:
            raise UserError("这份草稿刚在另一个窗口签名或放弃了；请到居民档案里看", field="draft")
        version, latest = next_version(writing.connection, by.organisation, draft.encounter_id)
        if latest != draft.amends:
            raise UserError("这条记录在别处已经更正过；请打开最新的一份再改，这份草稿还留着", field="encounter")
        record = SignedRecord(
            format=RECORD_FORMAT,
            id=writing.new_id(),
            encounter_id=draft.encounter_id,
            organisation=by.organisation,
            facility=by.facility or writing.node.facility,
            node=writing.node.id,
            version=version,
            supersedes=latest,
            reason=reason.strip(),
            person=PersonAsSigned(
                id=draft.person_id,
                name=person.name,
                sex=person.sex,
                birth_on=person.birth_on,
                archive_code=person.archive_code,
            ),
            signer=Signer(account=by.id, name=by.name, role=by.role),
            signed_at=writing.at,
            clock_doubtful=writing.clock_doubtful,
            encounter=traced(writing.connection, draft, encounter),
        )
        keep_record(writing, record)
        notify_found(writing, by, person, record.encounter_id, proposed.critical_values, answering)
        _carry_forward(writing, record, person)
        discard_draft(writing, draft_id)
        end_waiting(writing, person.id)
        writing.audit(Action.AMEND_RECORD if version > 1 else Action.SIGN_RECORD, person=person.id, subject=record.id)
    return record


def shown_assessment(given: Assessment) -> ShownAssessment:
    """The assessment in short, as it is kept with the signed record."""
    return ShownAssessment(
        triage=given.triage.level,
        provisional=given.triage.provisional,
        reasons=tuple(reason.text for reason in given.triage.reasons),
        differential=tuple(
            (c.disease, c.name, c.icd10, round(c.probability, 4)) for c in given.differential[:_SHOWN_DISEASES]
        ),
        something_else=round(given.something_else, 4),
        must_exclude=tuple(each.name for each in given.must_exclude),
        critical_values=tuple(f"{each.item} {each.value} {each.unit or ''}".strip() for each in given.critical_values),
        referral=(given.referral.to, given.referral.within) if given.referral.needed else None,
        knowledge_version=given.knowledge_version,
        engine_version=given.engine_version,
    )


def _complete(
    encounter: Encounter,
    concerns: Sequence[Concern],
    proposed: Assessment,
    *,
    amends: bool,
    reason: str,
    now: datetime,
) -> None:
    errors = []
    if not encounter.texts.get("chief_complaint", "").strip():
        errors.append(UserError("请填写主诉：病人为什么来", field="chief_complaint"))
    if not encounter.diagnoses:
        errors.append(UserError("请写诊断；还不清楚就写“待查”，并选“初步”", field="diagnosis"))
    if encounter.decision is None:
        errors.append(UserError("请选择您的处理：采纳、修改还是未用系统的建议", field="agreement"))
    elif not encounter.decision.reason.strip() and _milder(encounter.decision.triage, proposed.triage.level):
        errors.append(UserError("您定的级别比系统建议的轻；请写明理由，会和记录一起保存", field="decision_reason"))
    if encounter.occurred_at > now + timedelta(minutes=5):
        errors.append(UserError("就诊时间在现在以后；请核对日期和电脑时间", field="occurred_at"))
    if encounter.next_visit_on is not None and encounter.next_visit_on < encounter.occurred_at.date():
        errors.append(UserError("下次随访日期早于这次就诊；请核对", field="next_visit_on"))
    answered = {override.concern for override in encounter.overrides if override.reason.strip()}
    for concern in concerns:
        if concern.needs_reason and concern_key(concern) not in answered:
            errors.append(
                UserError(
                    "用药提醒：{concern}。请改处方，或写明为什么仍然这样用",
                    field="prescription",
                    concern=concern.message,
                    concern_en=concern.message_en or concern.message,
                )
            )
    if amends and not reason.strip():
        errors.append(UserError("请写明更正的原因", field="amendment_reason"))
    if errors:
        raise InvalidFormError(errors)


def concern_key(concern: Concern) -> str:
    """What an override is tied to: this warning, as grave as it is, about these drugs, whichever line they stand on."""
    return f"{concern.kind.value}:{concern.severity.value}:{'+'.join(sorted(concern.drugs))}"


_LEVELS = ("self_care", "routine", "urgent", "emergency")


def _milder(decided: str, proposed: str) -> bool:
    if decided not in _LEVELS or proposed not in _LEVELS:
        return False
    return _LEVELS.index(decided) < _LEVELS.index(proposed)


def _carry_forward(writing: Writing, record: SignedRecord, person: Person) -> None:
    """What the encounter changes in the person's lists: chronic diagnoses, the plan for the next visit."""
    content = record.encounter
    on = content.occurred_at.date()
    persons = same_person(writing.connection, record.organisation, person.id)
    entries = entries_of(writing.connection, record.organisation, persons)
    problems = {entry.name for entry in entries if entry.kind is ListKind.PROBLEM}
    for diagnosis in content.diagnoses:
        if diagnosis.chronic and diagnosis.name not in problems:
            add_entry(writing, _entry(writing, record, person, ListKind.PROBLEM, diagnosis.name, diagnosis.icd10, on))
    for entry in entries:
        kept_visit = entry.kind is ListKind.PLAN and entry.due_on is not None and entry.due_on <= on + _EARLY
        if kept_visit or (entry.kind is ListKind.PLAN and entry.source == (record.supersedes or "-")):
            replace_entry(writing, msgspec.structs.replace(entry, ended_on=on, ended_reason="已随访"))
    if content.next_visit_on is not None:
        name = content.next_visit_reason.strip() or "复诊"
        add_entry(writing, _entry(writing, record, person, ListKind.PLAN, name, "", on, due_on=content.next_visit_on))


# A planned visit that took place up to two weeks early is that visit.
_EARLY = timedelta(days=14)


def _entry(
    writing: Writing,
    record: SignedRecord,
    person: Person,
    kind: ListKind,
    name: str,
    code: str,
    since_on: date,
    *,
    due_on: date | None = None,
) -> ListEntry:
    return ListEntry(
        id=writing.new_id(),
        organisation=record.organisation,
        person_id=person.id,
        kind=kind,
        name=name,
        code=code,
        since_on=since_on,
        due_on=due_on,
        source=record.id,
    )


def _new_draft(
    writing: Writing,
    by: Account,
    person_id: str,
    form: Mapping[str, Sequence[str]],
    *,
    encounter_id: str,
    amends: str | None = None,
) -> Draft:
    draft = Draft(
        id=writing.new_id(),
        organisation=by.organisation,
        person_id=person_id,
        account_id=by.id,
        encounter_id=encounter_id,
        amends=amends,
        aside_of=None,
        revision=1,
        window="",
        stroke=0,
        form=_lists(form),
        begun_at=writing.latest,
        kept_at=writing.latest,
    )
    add_draft(writing, draft)
    return draft


def _put_aside(writing: Writing, of: Draft, form: Mapping[str, Sequence[str]], window: str, stroke: int) -> str:
    """Keeps what one window wrote as a copy of its own; a window has one copy, which is written over."""
    for known in drafts_of_account(writing.connection, of.organisation, of.account_id):
        if known.aside_of == of.id and known.window == window:
            keep_form(writing, known.id, known.revision, window, stroke, form)
            return known.id
    copy = msgspec.structs.replace(
        of,
        id=writing.new_id(),
        aside_of=of.id,
        revision=1,
        window=window,
        stroke=stroke,
        form=_lists(form),
        kept_at=writing.latest,
    )
    add_draft(writing, copy)
    return copy.id


def _lists(form: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {name: list(values) for name, values in form.items()}
