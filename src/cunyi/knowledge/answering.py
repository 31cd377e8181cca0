"""How soon somebody has to answer: the limits of consultations by urgency, those of critical values, and what can be done about one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

# The urgencies of a consultation, from the mildest on: their place is the urgency of the thread.
URGENCIES = ("routine", "soon", "now")


class Urgency(msgspec.Struct, frozen=True, kw_only=True):
    """How soon a consultation wants its answer (会诊紧急程度), with its limits in minutes. `rings`: it is heard on every page."""

    id: str
    level: int
    name: str
    name_en: str
    rings: bool
    see_minutes: int
    answer_minutes: int
    take_up_minutes: int
    close_minutes: int


class ActChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be done about a critical value (处置选项)."""

    id: str
    name: str
    name_en: str


class AnsweringRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of answering (应答时限): urgencies from the mildest on, and the limits of critical values in minutes."""

    urgencies: tuple[Urgency, ...]
    acknowledge_minutes: int
    act_minutes: int
    close_minutes: int
    acts: tuple[ActChoice, ...]

    def urgency(self, name: str) -> Urgency | None:
        """An urgency by its id."""
        return next((each for each in self.urgencies if each.id == name), None)

    def act(self, name: str) -> ActChoice | None:
        """Something that can be done, by its id."""
        return next((each for each in self.acts if each.id == name), None)


def read_answering(raw: Mapping[str, Any]) -> AnsweringRules | None:
    """The rules of a compiled document; None where it has none."""
    if not raw:
        return None
    critical = raw["critical_value"]
    return AnsweringRules(
        urgencies=tuple(
            Urgency(
                id=name,
                level=level,
                name=raw["consultation"][name]["name"],
                name_en=raw["consultation"][name]["name_en"],
                rings=bool(raw["consultation"][name]["rings"]),
                see_minutes=int(raw["consultation"][name]["see_minutes"]),
                answer_minutes=int(raw["consultation"][name]["answer_minutes"]),
                take_up_minutes=int(raw["consultation"][name]["take_up_minutes"]),
                close_minutes=int(raw["consultation"][name]["close_minutes"]),
            )
            for level, name in enumerate(URGENCIES)
        ),
        acknowledge_minutes=int(critical["acknowledge_minutes"]),
        act_minutes=int(critical["act_minutes"]),
        close_minutes=int(critical["close_minutes"]),
        acts=tuple(ActChoice(id=act["id"], name=act["name"], name_en=act["name_en"]) for act in critical["acts"]),
    )
