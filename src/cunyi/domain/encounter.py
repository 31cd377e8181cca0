"""An encounter (接诊记录) as a doctor signs it, and the lists of a person that outlive it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from cunyi.domain.prescription import PrescriptionLine


class EncounterKind(StrEnum):
    """Where doctor and patient met (就诊方式: 门诊 / 出诊、巡诊 / 电话)."""

    OUTPATIENT = "outpatient"
    HOME_VISIT = "home_visit"
    PHONE = "phone"


class Certainty(StrEnum):
    """How sure a diagnosis is (诊断把握: 初步 / 确诊)."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"


class Agreement(StrEnum):
    """What the doctor made of the proposal (对评估的处理: 采纳 / 修改 / 未用)."""

    ACCEPTED = "accepted"
    CHANGED = "changed"
    NOT_USED = "not_used"


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """A diagnosis (诊断) as the doctor wrote it; `disease` is the id of the knowledge base where it is known there.

    `chronic` puts it on the problem list.
    """

    name: str
    icd10: str = ""
    disease: str | None = None
    certainty: Certainty = Certainty.PROVISIONAL
    chronic: bool = False


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A reading or result with where it came from (读数、检验结果).

    `item` is the id of a reading (`systolic_mmhg`) or, for a laboratory result, its name as written; `value` a number or
    the text of an ordinal result. `device` is empty for what was typed; `by` names the person who took it. `raw` is what
    the instrument sent, in its own unit; it stands in the document only where an instrument sent something.
    """

    item: str
    value: float | str
    unit: str = ""
    at: datetime | None = None
    device: str = ""
    by: str = ""
    laboratory: bool = False
    raw: str | msgspec.UnsetType = msgspec.UNSET


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A warning about the prescription that the doctor overrode, and why (用药提醒的处理)."""

    concern: str
    message: str
    reason: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the doctor decided beside what was proposed (医生决定); `reason` is needed where it differs in level of care."""

    agreement: Agreement
    triage: str = ""
    reason: str = ""


class ShownAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """What the doctor saw at signing (签名时的评估), short: enough to judge the proposal, and the versions to repeat it.

    `differential` holds [disease id, name, icd10, probability]; the other lists hold names and words as shown.
    """

    triage: str
    provisional: bool
    reasons: tuple[str, ...]
    differential: tuple[tuple[str, str, str, float], ...]
    something_else: float
    must_exclude: tuple[str, ...]
    critical_values: tuple[str, ...]
    referral: tuple[str, str | None] | None
    knowledge_version: str
    engine_version: str


class Unchecked(msgspec.Struct, frozen=True, kw_only=True):
    """A villager's sentence that stands in a text of an encounter and that no doctor has checked (未核对的自述)."""

    field: str
    text: str
    denied: bool


class Encounter(msgspec.Struct, frozen=True, kw_only=True):
    """What happened and what was decided (接诊内容). Texts are those of the case format; nothing here is ever edited once signed.

    `unchecked` is left out where there was no interview before, so that what was signed earlier reads back as the same bytes.
    """

    kind: EncounterKind
    occurred_at: datetime
    texts: dict[str, str] = {}
    answers: dict[str, str] = {}
    pregnant: bool | None = None
    measured: tuple[Measured, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    prescription: tuple[PrescriptionLine, ...] = ()
    overrides: tuple[Override, ...] = ()
    advice: str = ""
    plan: str = ""
    next_visit_on: date | None = None
    next_visit_reason: str = ""
    decision: Decision | None = None
    assessment: ShownAssessment | None = None
    unchecked: tuple[Unchecked, ...] | msgspec.UnsetType = msgspec.UNSET


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed (签名医生)."""

    account: str
    name: str
    role: str


class PersonAsSigned(msgspec.Struct, frozen=True, kw_only=True):
    """Whose record it is, in the words of that day (签名时的居民信息)."""

    id: str
    name: str
    sex: str | None
    birth_on: date | None
    archive_code: str | None


class SignedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The document that a doctor signs (已签名记录). Its canonical bytes are hashed, signed by the node, stored and sent as they are.

    `version` counts from 1 within `encounter_id`; a later version names the document it `supersedes` and the `reason`.
    `clock_doubtful`: the computer's clock was known to be wrong at signing.
    """

    format: int
    id: str
    encounter_id: str
    organisation: str
    facility: str
    node: str
    version: int
    supersedes: str | None
    reason: str
    person: PersonAsSigned
    signer: Signer
    signed_at: datetime
    clock_doubtful: bool
    encounter: Encounter


class ListKind(StrEnum):
    """The lists of a person that go on from encounter to encounter (问题、过敏、长期用药、计划)."""

    PROBLEM = "problem"
    ALLERGY = "allergy"
    MEDICATION = "medication"
    PLAN = "plan"


NO_KNOWN_ALLERGY = "716186003"
"""SNOMED CT: no known allergy. The code of the entry that says so."""


class ListEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a person's list (清单条目): a chronic disease, an allergy, a long-term drug or a planned visit.

    `name` is what stands there; `detail` the reaction, the dose or the reason; `due_on` only for a plan. `ended_on` takes
    it off the list without deleting it. `source` is the document it came from, empty where a person entered it.
    """

    id: str
    organisation: str
    person_id: str
    kind: ListKind
    name: str
    code: str = ""
    detail: str = ""
    since_on: date | None = None
    due_on: date | None = None
    ended_on: date | None = None
    ended_reason: str = ""
    source: str = ""
    revision: int = 1

    @property
    def none_known(self) -> bool:
        """Whether it says that no allergy is known, and is itself none."""
        return self.kind is ListKind.ALLERGY and self.code == NO_KNOWN_ALLERGY


def canonical(record: Any) -> bytes:
    """The one way in which a document is written: JSON in UTF-8, keys in order, no spaces."""
    return msgspec.json.encode(record, order="sorted")
