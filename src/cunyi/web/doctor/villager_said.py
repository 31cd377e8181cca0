"""What a villager said before the consultation, beside the fields of the encounter: sentence by sentence, until it is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cunyi.domain.triage import TriageLevel
from cunyi.journeys.preconsulting_handover import (
    CHECKED,
    GAPS,
    LEVEL,
    SAID,
    GapShown,
    checked_in,
    gaps_in,
    level_before,
    said_in,
)
from cunyi.reasoning.contradicting import OnRecord, contradicted_by
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.view_model import ReasonView
from cunyi.web.doctor.wording import Wording


class SaidView(msgspec.Struct, frozen=True):
    """One sentence of a villager as the page shows it (村民自述). `state` is open, checked, or changed where it no longer stands so;
    `against` are the names on the record that it denies."""

    number: int
    text: str
    state: str
    source: str
    against: tuple[str, ...]


class VillagerView(msgspec.Struct, frozen=True):
    """All of them by field, what was not asked by kind, and the fields of the form that keep them."""

    by_field: dict[str, list[SaidView]]
    gaps: dict[str, list[GapShown]]
    said: str
    checked: str
    not_asked: str
    level: str

    @property
    def against(self) -> list[str]:
        """Everything on the record that they deny, each once."""
        said = (each for one in self.by_field.values() for each in one)
        return list(dict.fromkeys(name for each in said for name in each.against))

    @property
    def left(self) -> int:
        """How many are neither checked nor written otherwise."""
        return sum(each.state == "open" for said in self.by_field.values() for each in said)


def villager_view(
    fields: Mapping[str, Sequence[str]], on_record: OnRecord, knowledge: Knowledge
) -> VillagerView | None:
    """The sentences of a draft's form beside what the record says; None where no villager answered before."""
    said = said_in(fields)
    if not said:
        return None
    checked = next(iter(fields.get(CHECKED, ())), "")
    numbers = checked_in(fields)
    by_field: dict[str, list[SaidView]] = {}
    for number, each in enumerate(said):
        state = "changed" if not each.stands_in(fields) else "checked" if number in numbers else "open"
        against = contradicted_by(each.field, each.text, on_record, knowledge) if state != "changed" else ()
        view = SaidView(number, each.text, state, each.source, against)
        by_field.setdefault(each.field, []).append(view)
    gaps: dict[str, list[GapShown]] = {}
    for gap in gaps_in(fields):
        gaps.setdefault(gap.kind, []).append(gap)
    said_again, not_asked, level = (next(iter(fields.get(name, ())), "") for name in (SAID, GAPS, LEVEL))
    return VillagerView(by_field, gaps, said_again, checked, not_asked, level)


class ToldBeforeView(msgspec.Struct, frozen=True):
    """A graver level of care that the villager's own answers gave (预问诊时更重), and why."""

    level: str
    reasons: list[ReasonView]


def told_before(fields: Mapping[str, Sequence[str]], level: str, wording: Wording) -> ToldBeforeView | None:
    """What the interview of a draft gave where it is graver than the level of what is written now; None else."""
    before = level_before(fields)
    if before is None or TriageLevel.from_code(before.level) <= TriageLevel.from_code(level):
        return None
    return ToldBeforeView(before.level, [wording.red_flag(r.rule, r.text, r.source) for r in before.reasons])
