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
    Sentence,
    gaps_in,
    level_before,
    said_in,
)
from cunyi.web.doctor.view_model import ReasonView
from cunyi.web.doctor.wording import Wording


class SaidView(msgspec.Struct, frozen=True):
    """One sentence of a villager as the page shows it (村民自述). `state` is open, checked, or changed where it no longer stands so."""

    number: int
    text: str
    state: str
    source: str


class VillagerView(msgspec.Struct, frozen=True):
    """All of them by field, what was not asked by kind, and the fields of the form that keep them."""

    by_field: dict[str, list[SaidView]]
    gaps: dict[str, list[GapShown]]
    said: str
    checked: str
    not_asked: str
    level: str

    @property
    def left(self) -> int:
        """How many are neither checked nor written otherwise."""
        return sum(each.state == "open" for said in self.by_field.values() for each in said)


def villager_view(fields: Mapping[str, Sequence[str]]) -> VillagerView | None:
    """The sentences of a draft's form; None where no villager answered before."""
    said = said_in(fields)
    if not said:
        return None
    checked = next(iter(fields.get(CHECKED, ())), "")
    numbers = {int(each) for each in checked.split(",") if each.strip().isascii() and each.strip().isdigit()}
    by_field: dict[str, list[SaidView]] = {}
    for number, each in enumerate(said):
        written = next(iter(fields.get(each.field, ())), "")
        view = SaidView(number, each.text, _state(each, written, number in numbers), each.source)
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


def _state(sentence: Sentence, written: str, checked: bool) -> str:
    if sentence.text.strip() not in written:
        return "changed"
    return "checked" if checked else "open"
