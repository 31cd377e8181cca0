"""The case that goes with a question to the experts: filled from the encounter or the record, for the asker to look over and change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from cunyi.domain.case import TEXT_FIELDS, Case
from cunyi.domain.consultation import AssessmentSent, CaseReading
from cunyi.domain.encounter import Encounter, ShownAssessment
from cunyi.domain.errors import UserError
from cunyi.journeys.case_of_person import background_of, case_of
from cunyi.journeys.consulting import open_draft, shown_assessment
from cunyi.journeys.opening_record import PersonRecord, encounter_versions, open_record
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.unit import Store
from cunyi.web.doctor.form import LabRow, read_form
from cunyi.web.doctor.record_view import latest_values
from cunyi.web.doctor.wording import Wording

# The words of the record are Chinese whatever the language of the page.
_TEXTS = {
    "chief_complaint": "主诉",
    "history_of_present_illness": "现病史",
    "past_history": "既往史",
    "personal_history": "个人史",
    "family_history": "家族史",
    "physical_examination": "查体",
    "auxiliary_examination": "辅助检查",
}
_SEXES = {"male": "男", "female": "女"}
_NO_ASSESSMENT_BELOW = 0.05
_MOST_READINGS = 16


class ProposedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it is proposed to go with a question (会诊病情): its words to be changed, readings and assessment as they are."""

    record: PersonRecord
    words: str
    readings: tuple[CaseReading, ...]
    assessment: AssessmentSent | None
    encounter: str


def propose_case(
    store: Store,
    me: SignedIn,
    person_id: str,
    knowledge: Knowledge,
    now: datetime,
    *,
    draft: str = "",
    encounter: str = "",
) -> ProposedCase:
    """The case of a draft, of a signed encounter, or of the record alone where neither is there (any more)."""
    record = open_record(store, me.account, person_id, today=now.date(), reason=me.opened.get(person_id, ""))
    proposed = None
    if draft:
        proposed = _of_draft(store, me, record, draft, knowledge, now)
    elif encounter:
        proposed = _of_encounter(store, me, record, encounter, knowledge)
    return proposed or _of_record(record, knowledge, now.date())


def _of_draft(
    store: Store, me: SignedIn, record: PersonRecord, draft_id: str, knowledge: Knowledge, now: datetime
) -> ProposedCase | None:
    try:
        shown = open_draft(store, me.account, draft_id)
    except UserError:
        # Signed or thrown away meanwhile: what was typed about it goes on with the record.
        return None
    if shown.person.id != record.person.id:
        return None
    form = read_form(shown.draft.form, knowledge)
    background = background_of(store, me.account, shown.person, knowledge, now)
    case = case_of(form.case, shown.person, background, now.date())
    items = knowledge.content.items
    vitals = [
        CaseReading(name=items[item].name, value=form.beyond.get(item, f"{value:g}"), unit=items[item].unit or "")
        for item, value in form.case.vitals.items()
        if item in items
    ]
    labs = [_lab(row) for row in form.labs if row.name and row.value]
    return ProposedCase(
        record=record,
        words=_words(record, form.texts, now.date()),
        readings=(*vitals, *labs),
        assessment=None if form.is_empty else _sent(shown_assessment(assess(case, knowledge))),
        encounter=shown.draft.encounter_id,
    )


def _of_encounter(
    store: Store, me: SignedIn, record: PersonRecord, encounter_id: str, knowledge: Knowledge
) -> ProposedCase | None:
    kept = encounter_versions(store, me.account, encounter_id, opened=me.opened)
    if not kept:
        return None
    signed = kept[-1].record
    content: Encounter = signed.encounter
    diagnoses = "；".join(each.name for each in content.diagnoses)
    words = _words(record, content.texts, content.occurred_at.astimezone().date())
    items = knowledge.content.items
    return ProposedCase(
        record=record,
        words=f"{words}\n诊断：{diagnoses}" if diagnoses else words,
        readings=tuple(
            CaseReading(
                name=items[each.item].name if each.item in items else each.item,
                value=each.value if isinstance(each.value, str) else f"{each.value:g}",
                unit=each.unit,
                on=f"{content.occurred_at.astimezone():%Y-%m-%d}",
            )
            for each in content.measured
        ),
        assessment=_sent(content.assessment) if content.assessment else None,
        encounter=encounter_id,
    )


def _of_record(record: PersonRecord, knowledge: Knowledge, today: date) -> ProposedCase:
    case = Case(sex=record.person.sex, age_years=record.age_years)
    values = latest_values(record, case, knowledge, Wording(knowledge, "zh"))
    return ProposedCase(
        record=record,
        words=_words(record, {}, today),
        readings=tuple(
            CaseReading(name=each.name, value=each.value, unit=each.unit, on=each.on)
            for each in values[:_MOST_READINGS]
        ),
        assessment=None,
        encounter="",
    )


def _words(record: PersonRecord, texts: Mapping[str, str], today: date) -> str:
    """Who it is without a name, what is known, and what was written today."""
    lists = (
        ("慢性病", record.problems),
        ("过敏", record.told_of_allergies),
        ("长期用药", record.medications),
    )
    first = "，".join(filter(None, (_SEXES.get(record.person.sex or "", ""), _age(record.person.birth_on, today))))
    known = [f"{title}：{'、'.join(each.name for each in entries)}" for title, entries in lists if entries]
    written = [f"{_TEXTS[field]}：{texts[field].strip()}" for field in TEXT_FIELDS if texts.get(field, "").strip()]
    return "\n".join(filter(None, ("。".join(filter(None, (first, "；".join(known)))), *written)))


def _age(birth_on: date | None, today: date) -> str:
    if birth_on is None:
        return ""
    months = (today.year - birth_on.year) * 12 + today.month - birth_on.month - (today.day < birth_on.day)
    if months < 1:
        return f"{(today - birth_on).days}天"
    return f"{months}个月" if months < 36 else f"{months // 12}岁"


def _lab(row: LabRow) -> CaseReading:
    return CaseReading(name=row.name, value=row.value, unit=row.unit)


def _sent(shown: ShownAssessment) -> AssessmentSent:
    return AssessmentSent(
        triage=shown.triage,
        reasons=shown.reasons,
        differential=tuple((name, share) for _, name, _, share in shown.differential if share >= _NO_ASSESSMENT_BELOW),
        must_exclude=shown.must_exclude,
        critical_values=shown.critical_values,
    )
