"""What stands on each sheet, as plain data for its template; names of readings and findings are Chinese whatever the page's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from cunyi.domain.case import TEXT_FIELDS, Case
from cunyi.domain.encounter import Measured, SignedRecord
from cunyi.domain.person import Person
from cunyi.domain.prescription import ConcernKind, PatientForPrescribing, PrescriptionLine
from cunyi.journeys.opening_record import PersonRecord
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.prescribing import check_prescription
from cunyi.store.records import Kept
from cunyi.web.doctor.record_view import latest_values
from cunyi.web.doctor.wording import Wording

DRUGS_ON_A_SHEET = 5
_LABEL = "本记录由村医系统辅助整理；系统只提供支持，不代替医生的判断，以医生签名为准。"
_DAYS_COUNTED, _YEARS_OF_MONTHS, _YEARS_OF_WEIGHT = 28, 6, 14


def encounter_sheet(versions: Sequence[Kept], shown: Kept, *, facility: str, wording: Wording) -> dict[str, Any]:
    """A signed encounter (接诊记录)."""
    record, content = shown.record, shown.record.encounter
    named = {status: _found(content.answers, status, wording) for status in ("present", "absent")}
    return {
        **_person(record),
        "facility": facility,
        "footer": _LABEL,
        "void": _void(versions, shown),
        "kind": content.kind.value,
        "at": f"{content.occurred_at.astimezone():%Y-%m-%d %H:%M}",
        "archive_code": record.person.archive_code or "未编",
        "texts": [(field, content.texts[field]) for field in TEXT_FIELDS if content.texts.get(field)],
        "present": named["present"],
        "absent": named["absent"],
        "pregnant": "" if content.pregnant is None else "yes" if content.pregnant else "no",
        "measured": [(_item(each, wording), _value(each), wording.unit(each.unit)) for each in content.measured],
        "diagnoses": [
            {"name": each.name, "icd10": each.icd10, "confirmed": each.certainty == "confirmed"}
            for each in content.diagnoses
        ],
        "prescription": [_drug(line) for line in content.prescription],
        "overrides": [{"message": each.message, "reason": each.reason} for each in content.overrides],
        "advice": content.advice,
        "plan": content.plan,
        "next_visit": _visit(content.next_visit_on, content.next_visit_reason),
        "level": content.decision.triage if content.decision else "",
        "level_reason": content.decision.reason if content.decision else "",
        "doctor": record.signer.name,
        "signed_at": f"{record.signed_at.astimezone():%Y-%m-%d %H:%M}",
        "version": record.version,
        "hash": shown.hash.hex()[:12],
        "clock_doubtful": record.clock_doubtful,
        "reason": record.reason,
    }


def prescription_sheet(
    versions: Sequence[Kept], shown: Kept, *, facility: str, person: Person | None, knowledge: Knowledge
) -> dict[str, Any]:
    """A signed prescription (处方笺), at most five drugs on a sheet."""
    record, content = shown.record, shown.record.encounter
    tested = _skin_tested(content.prescription, knowledge)
    drugs = [{**_drug(line), "skin_test": n in tested} for n, line in enumerate(content.prescription)]
    weight = next((each for each in content.measured if each.item == "weight_kg"), None)
    age = _whole_years(record.person.birth_on, content.occurred_at.astimezone().date())
    return {
        **_person(record),
        "facility": facility,
        "footer": f"签名时间 {record.signed_at.astimezone():%Y-%m-%d %H:%M}  第 {record.version} 版  校验 {shown.hash.hex()[:12]}",
        "void": _void(versions, shown),
        "number": f"{content.occurred_at.astimezone():%Y%m%d}-{record.id[-8:].upper()}",
        "kind": content.kind.value,
        "on": f"{content.occurred_at.astimezone():%Y-%m-%d}",
        "payments": [each.value for each in person.insurance] if person else [],
        "weight": f"{_value(weight)} kg" if weight and age is not None and age < _YEARS_OF_WEIGHT else "",
        "diagnosis": "；".join(each.name for each in content.diagnoses),
        "sheets": [drugs[n : n + DRUGS_ON_A_SHEET] for n in range(0, len(drugs), DRUGS_ON_A_SHEET)],
        "doctor": record.signer.name,
    }


def readings_sheet(
    record: PersonRecord,
    latest: SignedRecord | None,
    *,
    facility: str,
    phone: str,
    today: date,
    knowledge: Knowledge,
    wording: Wording,
) -> dict[str, Any]:
    """The villager's last readings in plain words (测量结果); what to do is only what the doctor wrote when signing."""
    case = Case(sex=record.person.sex, age_years=record.age_years)
    plan = next((each for each in record.plans if each.due_on and each.due_on >= today), None)
    return {
        "facility": facility,
        "footer": "测量结果供您了解身体情况，不代替医生的诊断。",
        "name": record.person.name,
        "on": today.isoformat(),
        "readings": [
            {
                "name": each.name,
                "on": each.on,
                "value": each.value,
                "unit": each.unit,
                "flag": each.flag or ("normal" if each.normal and _is_number(each.value) else ""),
            }
            for each in latest_values(record, case, knowledge, wording)
        ],
        "advice": latest.encounter.advice if latest else "",
        "advised_on": f"{latest.encounter.occurred_at.astimezone():%Y-%m-%d}" if latest else "",
        "next_visit": _visit(plan.due_on, plan.name) if plan else "",
        "phone": phone,
    }


def age_in_words(birth_on: date | None, on: date) -> str:
    """The age as a prescription gives it: days for the newborn, months with years for small children, then years."""
    years = _whole_years(birth_on, on)
    if birth_on is None or years is None:
        return "不详"
    if (on - birth_on).days < _DAYS_COUNTED:
        return f"{(on - birth_on).days} 天"
    months = (on.year - birth_on.year) * 12 + on.month - birth_on.month - (on.day < birth_on.day)
    if years == 0:
        return f"{months} 个月"
    return f"{years} 岁 {months % 12} 个月" if years < _YEARS_OF_MONTHS and months % 12 else f"{years} 岁"


def born_in_words(person: Person) -> str:
    """The birth date, which tells two people of one name and age apart; the year where only that is sure."""
    if person.birth_on is None:
        return "不详"
    return f"约 {person.birth_on.year} 年" if person.birth_estimated else person.birth_on.isoformat()


def _whole_years(birth_on: date | None, on: date) -> int | None:
    if birth_on is None or birth_on > on:
        return None
    return on.year - birth_on.year - ((on.month, on.day) < (birth_on.month, birth_on.day))


def _person(record: SignedRecord) -> dict[str, Any]:
    on = record.encounter.occurred_at.astimezone().date()
    return {
        "name": record.person.name,
        "sex": record.person.sex or "",
        "age": age_in_words(record.person.birth_on, on),
    }


def _void(versions: Sequence[Kept], shown: Kept) -> str:
    newest = versions[-1].record
    if newest.version == shown.record.version:
        return ""
    return f"已作废：这是第 {shown.record.version} 版，已由第 {newest.version} 版代替"


def _drug(line: PrescriptionLine) -> dict[str, Any]:
    days = f"{line.days:g} 天" if line.days is not None else ""
    usage = (line.dose, line.route, line.frequency, days, line.note)
    return {
        "drug": line.drug,
        "amount": " × ".join(each for each in (line.strength, line.quantity) if each),
        "usage": "  ".join(each for each in usage if each),
    }


def _skin_tested(lines: Sequence[PrescriptionLine], knowledge: Knowledge) -> set[int]:
    if knowledge.content.formulary.rules is None:
        return set()
    concerns = check_prescription(lines, PatientForPrescribing(), knowledge)
    return {n for each in concerns if each.kind is ConcernKind.SKIN_TEST for n in each.lines}


def _found(answers: dict[str, str], status: str, wording: Wording) -> str:
    return "、".join(_finding(each, wording) for each, given in answers.items() if given == status)


def _finding(finding: str, wording: Wording) -> str:
    try:
        return wording.finding(finding)
    except KeyError:
        return finding


def _item(measured: Measured, wording: Wording) -> str:
    try:
        return wording.item(measured.item)
    except KeyError:
        return measured.item


def _value(measured: Measured) -> str:
    return measured.value if isinstance(measured.value, str) else f"{measured.value:g}"


def _visit(on: date | None, why: str) -> str:
    return f"{on.isoformat()} {why}".strip() if on else ""


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).lstrip("-").isdigit()
