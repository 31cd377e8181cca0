"""The doses on which two authors agree, and how written doses are read. They feed checks; nothing shows them as advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Organ = Literal["reduce", "avoid"]
"""What a failing organ asks of a drug: less of it, or none."""


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """The usual and the most of a dose (用量): `unit` is a key of `DoseRules.units`; what was not agreed is None."""

    low: float | None = None
    high: float | None = None
    unit: str


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """How often a day (每日次数); 0.5 is every other day."""

    low: float | None = None
    high: float | None = None


class KidneyLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Below which eGFR (mL/min/1.73 m²) a drug is reduced or avoided (肾功能限制)."""

    below: float
    action: Organ


class Dose(msgspec.Struct, frozen=True, kw_only=True):
    """The agreed figures of one drug by one route at one age (剂量). Ages in years, half-open; `age_below` None: no end.

    `single` is one administration, `daily` 24 hours, the others are per kg of body weight.
    """

    drug: str
    route: str
    age_from: float
    age_below: float | None = None
    single: Amount | None = None
    times: Times | None = None
    daily: Amount | None = None
    single_per_kg: Amount | None = None
    daily_per_kg: Amount | None = None
    kidney: KidneyLimit | None = None
    liver: Organ | None = None
    sources: tuple[str, ...]

    def fits(self, age_years: float) -> bool:
        """Whether it is for this age."""
        return self.age_from <= age_years and (self.age_below is None or age_years < self.age_below)

    @property
    def amounts(self) -> list[Amount]:
        """The amounts that a written dose is compared with."""
        found = (self.single, self.daily, self.single_per_kg, self.daily_per_kg)
        return [amount for amount in found if amount is not None]

    @property
    def has_most(self) -> bool:
        """Whether the most that may be given was agreed in any way."""
        return any(amount.high is not None for amount in self.amounts)


class KidneyFormula(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The constants of eGFR from creatinine (肾小球滤过率公式), by sex where they differ; for ages from `youngest` years.

    eGFR = scale · min(c/kappa, 1)^alpha · max(c/kappa, 1)^beta · yearly^age · factor, c in mg/dL (`mg_dl` μmol/L each).
    """

    youngest: float
    mg_dl: float
    scale: float
    kappa: dict[str, float]
    alpha: dict[str, float]
    beta: float
    yearly: float
    factor: dict[str, float]
    sources: tuple[str, ...]


class Label(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A remark in both languages (标注)."""

    text: str
    text_en: str


class DoseRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How doses are joined, read and judged (剂量核对规则).

    `agreement` is the relative difference that two authors may have; the `*_times` multiples of a limit from which an
    amount is a warning, a stop, too often or far below. `units` gives for each unit compared in the factors of others. `withheld` stands
    in place of an amount that is not shown.
    """

    agreement: float
    over_times: float
    over_times_per_kg: float
    stop_times: float
    often_times: float
    low_times: float
    child_weight_days: float
    creatinine_days: float
    units: dict[str, dict[str, float]]
    forms: tuple[str, ...]
    kilogram_words: tuple[str, ...]
    day_words: tuple[str, ...]
    daily_words: tuple[str, ...]
    every_words: tuple[str, ...]
    hour_words: tuple[str, ...]
    filler_words: tuple[str, ...]
    as_needed_words: tuple[str, ...]
    frequency_words: dict[str, float]
    periods: dict[str, float]
    route_words: dict[str, tuple[str, ...]]
    liver_problems: tuple[str, ...]
    kidney: KidneyFormula
    unverified_sources: tuple[str, ...]
    unverified: Label
    withheld: Label


def read_doses(raw: list[Mapping[str, Any]]) -> dict[str, tuple[Dose, ...]]:
    """The compiled doses by drug id. msgspec.ValidationError where one has not its shape."""
    doses: dict[str, list[Dose]] = {}
    for dose in msgspec.convert(raw, list[Dose]):
        doses.setdefault(dose.drug, []).append(dose)
    return {drug: tuple(found) for drug, found in doses.items()}
