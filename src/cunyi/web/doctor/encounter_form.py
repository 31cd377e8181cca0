"""The encounter's form: read into what is signed, and filled again from what was signed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time

import msgspec

from cunyi.domain.case import VITAL_FIELDS
from cunyi.domain.encounter import (
    Agreement,
    Certainty,
    Decision,
    Diagnosis,
    Encounter,
    EncounterKind,
    Measured,
    Override,
)
from cunyi.domain.errors import InvalidFormError, UserError
from cunyi.domain.prescription import PrescriptionLine
from cunyi.journeys.assess_case import find_diseases
from cunyi.journeys.preconsulting_handover import CHECKED, SAID, Sentence, unchecked_in
from cunyi.journeys.typed_readings import plain_number
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.form import FASTING_GLUCOSE, GLUCOSE, Form

DRUG_FIELDS = ("drug", "strength", "dose", "route", "frequency", "days", "quantity", "note")
LEVELS = ("self_care", "routine", "urgent", "emergency")
_YES, _NO = "yes", "no"

Fields = Mapping[str, Sequence[str]]


def one(fields: Fields, name: str) -> str:
    """The first value of a field, without spaces around."""
    return next(iter(fields.get(name, ())), "").strip()


def kind_of(fields: Fields) -> EncounterKind:
    """Where doctor and patient meet; the clinic where nothing was chosen."""
    words = one(fields, "kind")
    return EncounterKind(words) if words in list(EncounterKind) else EncounterKind.OUTPATIENT


def prescription_of(fields: Fields) -> list[PrescriptionLine]:
    """The drugs written so far; rows without a name are left out, days that are no number count as not given."""
    columns = {name: list(fields.get(f"drug_{name}" if name != "drug" else "drug_name", ())) for name in DRUG_FIELDS}
    lines = []
    for index, drug in enumerate(columns["drug"]):
        if not drug.strip():
            continue
        row = {name: values[index].strip() if index < len(values) else "" for name, values in columns.items()}
        days = plain_number(row.pop("days"))
        lines.append(PrescriptionLine(**row, days=days if days and days > 0 else None))
    return lines


def reasons_given(fields: Fields) -> dict[str, str]:
    """The reasons for warnings by key; two warnings of one key share what was written for either."""
    written = zip(fields.get("override_key", ()), fields.get("override_reason", ()), strict=False)
    return {key: reason.strip() for key, reason in written if reason.strip()}


def overrides_of(fields: Fields, messages: Mapping[str, str]) -> list[Override]:
    """The reasons given for warnings; `messages` are those of the warnings there are, by key."""
    return [
        Override(concern=key, message=messages[key], reason=reason)
        for key, reason in reasons_given(fields).items()
        if key in messages
    ]


def read_encounter(
    fields: Fields,
    form: Form,
    knowledge: Knowledge,
    *,
    zone: datetime,
    by: str,
    proposed_level: str,
    proposed_diseases: Sequence[str],
    overrides: Sequence[Override],
) -> Encounter:
    """What the doctor signs. `zone` is now, in the clinic's time zone. InvalidFormError for what cannot be kept as it is written."""
    errors: list[UserError] = []
    occurred_at = _occurred_at(fields, zone, errors)
    # The two pressures of a pair share what is told of them.
    errors += dict.fromkeys(form.unusable.values())
    diagnoses = _diagnoses(fields, knowledge)
    next_visit_on = _next_visit_on(fields, errors)
    _check_days(fields, errors)
    if errors:
        raise InvalidFormError(errors)
    chosen = diagnoses[0].disease if diagnoses else None
    return Encounter(
        kind=kind_of(fields),
        occurred_at=occurred_at,
        texts={name: words for name, words in form.texts.items() if words.strip()},
        answers=form.answers,
        pregnant=form.case.pregnant,
        measured=_measured(form, knowledge, occurred_at, by),
        diagnoses=diagnoses,
        prescription=tuple(prescription_of(fields)),
        overrides=tuple(overrides),
        advice=one(fields, "advice"),
        plan=one(fields, "plan"),
        next_visit_on=next_visit_on,
        next_visit_reason=one(fields, "next_visit_reason"),
        decision=_decision(fields, chosen, proposed_level, proposed_diseases),
        unchecked=unchecked_in(fields) or msgspec.UNSET,
    )


def fields_of(encounter: Encounter) -> dict[str, list[str]]:
    """The form filled with what was signed, for a correction."""
    local = encounter.occurred_at.astimezone()
    fields: dict[str, list[str]] = {name: [words] for name, words in encounter.texts.items()}
    fields |= {
        "kind": [encounter.kind],
        "occurred_on": [local.date().isoformat()],
        "occurred_time": [f"{local:%H:%M}"],
        "answers": [msgspec.json.encode(encounter.answers).decode()] if encounter.answers else [""],
        "pregnant": [{True: _YES, False: _NO, None: ""}[encounter.pregnant]],
        "diagnosis_name": [each.name for each in encounter.diagnoses],
        "diagnosis_certainty": [each.certainty for each in encounter.diagnoses],
        "diagnosis_chronic": [_YES if each.chronic else _NO for each in encounter.diagnoses],
        "advice": [encounter.advice],
        "plan": [encounter.plan],
        "next_visit_on": [encounter.next_visit_on.isoformat() if encounter.next_visit_on else ""],
        "next_visit_reason": [encounter.next_visit_reason],
    }
    for each in encounter.measured:
        words = each.value if isinstance(each.value, str) else f"{each.value:g}"
        if each.laboratory:
            day = each.at.astimezone().date() if each.at is not None else local.date()
            on = day.isoformat() if day < local.date() else ""
            for part, value in (("name", each.item), ("value", words), ("unit", each.unit), ("on", on)):
                fields.setdefault(f"lab_{part}", []).append(value)
        elif each.item == FASTING_GLUCOSE:
            fields[GLUCOSE], fields["glucose_taken"] = [words], ["fasting"]
        else:
            fields[each.item] = [words]
    for line in encounter.prescription:
        for name in DRUG_FIELDS:
            value = getattr(line, name)
            words = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
            fields.setdefault("drug_name" if name == "drug" else f"drug_{name}", []).append(words)
    if encounter.decision is not None:
        fields |= {
            "agreement": [encounter.decision.agreement],
            "decided_level": [encounter.decision.triage],
            "decision_reason": [encounter.decision.reason],
        }
    if encounter.unchecked:
        said = [Sentence(field=each.field, text=each.text, denied=each.denied) for each in encounter.unchecked]
        fields |= {SAID: [msgspec.json.encode(said).decode()], CHECKED: [""]}
    fields["override_key"] = [each.concern for each in encounter.overrides]
    fields["override_reason"] = [each.reason for each in encounter.overrides]
    return fields


def _occurred_at(fields: Fields, zone: datetime, errors: list[UserError]) -> datetime:
    on, at = one(fields, "occurred_on"), one(fields, "occurred_time")
    if not on:
        errors.append(UserError("请填写就诊日期", field="occurred_on"))
        return zone
    try:
        return datetime.fromisoformat(f"{on}T{at or '00:00'}").replace(tzinfo=zone.tzinfo)
    except ValueError:
        errors.append(UserError("就诊日期或时间不对，要写成 2026-01-31 和 09:30 这样", field="occurred_on"))
        return zone


def _next_visit_on(fields: Fields, errors: list[UserError]) -> date | None:
    words = one(fields, "next_visit_on")
    if not words:
        return None
    try:
        return date.fromisoformat(words)
    except ValueError:
        errors.append(UserError("下次随访日期要写成 2026-01-31 这样，并且是真有的日子", field="next_visit_on"))
        return None


def _check_days(fields: Fields, errors: list[UserError]) -> None:
    names = list(fields.get("drug_name", ()))
    for index, words in enumerate(fields.get("drug_days", ())):
        number = plain_number(words) if words.strip() else 1.0
        if index < len(names) and names[index].strip() and (number is None or not 0 < number <= 366):
            errors.append(
                UserError(
                    "第 {position} 个药的天数要写大于 0 的数字；不定就空着", field="prescription", position=index + 1
                )
            )


def _diagnoses(fields: Fields, knowledge: Knowledge) -> tuple[Diagnosis, ...]:
    names, certainties, chronic = (
        list(fields.get(f"diagnosis_{part}", ())) for part in ("name", "certainty", "chronic")
    )
    found = []
    for index, words in enumerate(names):
        name = unicodedata.normalize("NFC", words).strip()
        if not name:
            continue
        ids = find_diseases(name, knowledge)
        disease = knowledge.content.diseases[ids[0]] if len(ids) == 1 else None
        known = disease is not None and name in (disease.name, disease.name_en, *disease.aliases)
        sure = index < len(certainties) and certainties[index] == Certainty.CONFIRMED
        found.append(
            Diagnosis(
                name=disease.name if known and disease else name,
                icd10=disease.icd10 if known and disease else "",
                disease=disease.id if known and disease else None,
                certainty=Certainty.CONFIRMED if sure else Certainty.PROVISIONAL,
                chronic=index < len(chronic) and chronic[index] == _YES,
            )
        )
    return tuple(found)


def _measured(form: Form, knowledge: Knowledge, at: datetime, by: str) -> tuple[Measured, ...]:
    found = []
    for name in VITAL_FIELDS:
        if name in form.case.vitals:
            item = knowledge.content.items.get(name)
            unit = (item.unit or "") if item else ""
            value = form.beyond.get(name, form.case.vitals[name])
            found.append(Measured(item=name, value=value, unit=unit, at=at, by=by))
    if form.fasting_glucose is not None:
        unit = knowledge.content.items[FASTING_GLUCOSE].unit or ""
        value = form.beyond.get(GLUCOSE, form.fasting_glucose)
        found.append(Measured(item=FASTING_GLUCOSE, value=value, unit=unit, at=at, by=by))
    for row in form.labs:
        if row.name and row.value:
            number = plain_number(row.value)
            value = row.value if number is None else number
            found.append(
                Measured(item=row.name, value=value, unit=row.unit, at=_of_day(row.on, at), by=by, laboratory=True)
            )
    return tuple(found)


def _of_day(words: str, at: datetime) -> datetime:
    """When a result was measured: on the day given with it, else in the encounter."""
    try:
        on = date.fromisoformat(words)
    except ValueError:
        return at
    return datetime.combine(on, time.min, at.tzinfo) if on < at.date() else at


def _decision(fields: Fields, chosen: str | None, proposed_level: str, proposed: Sequence[str]) -> Decision:
    words = one(fields, "agreement")
    level = one(fields, "decided_level")
    if words in list(Agreement):
        agreement = Agreement(words)
    elif not proposed:
        agreement = Agreement.NOT_USED
    else:
        agreement = Agreement.ACCEPTED if chosen in proposed else Agreement.CHANGED
    return Decision(
        agreement=agreement,
        triage=level if level in LEVELS else proposed_level,
        reason=one(fields, "decision_reason"),
    )
