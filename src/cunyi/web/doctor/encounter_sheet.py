"""Everything that one state of the encounter's form gives: the assessment, the warnings, the next visit, as the page shows them."""

from __future__ import annotations

import msgspec

from cunyi.domain.assessment import Assessment
from cunyi.domain.prescription import Concern
from cunyi.web.doctor.form import Form
from cunyi.web.doctor.view_model import AssessmentView
from cunyi.web.doctor.villager_said import ToldBeforeView


class ConcernView(msgspec.Struct, frozen=True):
    """A warning about the prescription as the page shows it (用药提醒), with the reason given so far."""

    key: str
    severity: str
    message: str
    message_lang: str
    needs_reason: bool
    reason: str


class NextVisitView(msgspec.Struct, frozen=True):
    """A next visit that today's values bring forward (提前随访), offered with one tap."""

    on: str
    why: str
    why_lang: str


class Sheet(msgspec.Struct, frozen=True):
    """Everything that one state of the form gives (接诊页)."""

    form: Form
    assessment: Assessment
    view: AssessmentView
    concerns: list[Concern]
    concern_views: list[ConcernView]
    choices: list[tuple[str, str]]
    next_visit: NextVisitView | None
    told_before: ToldBeforeView | None
