"""The drugs as the prescription check reads them: plain records, indexed by id. Doses are apart, in `doses`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cunyi.domain.prescription import ConcernKind, ConcernSeverity
from cunyi.knowledge.doses import Dose, DoseRules, read_doses


class AgeLimit(msgspec.Struct, frozen=True, kw_only=True):
    """An age in years below which a drug is not given, and why (年龄限制)."""

    below: float
    severity: ConcernSeverity
    reason: str
    reason_en: str


class ElderlyCaution(msgspec.Struct, frozen=True, kw_only=True):
    """What to mind in old people (老年人慎用)."""

    reason: str
    reason_en: str


class Contraindication(msgspec.Struct, frozen=True, kw_only=True):
    """Diseases and findings of the knowledge base that speak against a drug (禁忌)."""

    problems: tuple[str, ...]
    severity: ConcernSeverity
    reason: str
    reason_en: str


class DrugClass(msgspec.Struct, frozen=True, kw_only=True):
    """A class of drugs (药物类别): by structure and use, or by an effect that matters in combinations.

    `duplicates`: two drugs of it are a duplication. `long_term` false: not for long prescriptions; `repeatable`: the same
    drug may stand twice on a prescription (infusions as solvents).
    """

    id: str
    name: str
    name_en: str
    words: tuple[str, ...] = ()
    allergy_group: str | None = None
    duplicates: bool = False
    long_term: bool = True
    repeatable: bool = False
    ages: tuple[AgeLimit, ...] = ()
    elderly: ElderlyCaution | None = None
    contraindications: tuple[Contraindication, ...] = ()
    sources: tuple[str, ...]


class AllergyGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Drugs of which none is given to a patient allergic to one (过敏类别). `cross`: groups to be careful with as well."""

    id: str
    name: str
    name_en: str
    words: tuple[str, ...]
    cross: tuple[str, ...] = ()
    sources: tuple[str, ...]


MESSAGE_SLOTS: Mapping[str, frozenset[str]] = {
    "allergy": frozenset({"drug", "what"}),
    "cross_allergy": frozenset({"drug", "what"}),
    "allergy_not_read": frozenset({"text"}),
    "interaction": frozenset({"drug", "other", "reason"}),
    "contraindication": frozenset({"drug", "what", "reason"}),
    "problems_not_read": frozenset({"text"}),
    "age": frozenset({"drug", "reason"}),
    "age_unknown": frozenset({"drug"}),
    "elderly": frozenset({"drug", "reason"}),
    "pregnancy_avoid": frozenset({"drug"}),
    "pregnancy_caution": frozenset({"drug"}),
    "pregnancy_unknown": frozenset({"drug"}),
    "pregnancy_not_asked": frozenset({"drug"}),
    "lactation_avoid": frozenset({"drug"}),
    "lactation_caution": frozenset({"drug"}),
    "lactation_unknown": frozenset({"drug"}),
    "duplicate_ingredient": frozenset({"drug", "what"}),
    "duplicate_class": frozenset({"drug", "what"}),
    "refill": frozenset({"drug"}),
    "antimicrobial_level": frozenset({"drug"}),
    "intravenous": frozenset({"drug"}),
    "too_long": frozenset({"drug", "days", "limit"}),
    "too_long_emergency": frozenset({"drug", "days", "limit"}),
    "too_long_not_allowed": frozenset({"drug", "days", "limit"}),
    "long_term": frozenset({"drug", "days", "limit"}),
    "long_term_extended": frozenset({"drug", "days", "limit"}),
    "longest": frozenset({"drug", "days", "limit"}),
    "too_many": frozenset({"count", "limit"}),
    "skin_test": frozenset({"drug"}),
    "not_in_list": frozenset({"text"}),
    "partly_in_list": frozenset({"text", "what"}),
    "current_not_read": frozenset({"text"}),
    "dose_single": frozenset({"drug", "times", "label"}),
    "dose_single_per_kg": frozenset({"drug", "times", "label", "weight"}),
    "dose_daily": frozenset({"drug", "times", "label"}),
    "dose_daily_per_kg": frozenset({"drug", "times", "label", "weight"}),
    "dose_often": frozenset({"drug", "times", "label"}),
    "dose_low": frozenset({"drug", "label"}),
    "dose_no_weight": frozenset({"drug"}),
    "dose_not_read": frozenset({"drug", "text"}),
    "dose_frequency_not_read": frozenset({"drug", "text"}),
    "dose_route_not_read": frozenset({"drug", "text"}),
    "dose_strength_missing": frozenset({"drug", "text"}),
    "dose_age_unknown": frozenset({"drug"}),
    "dose_not_known": frozenset({"drug"}),
    "kidney_avoid": frozenset({"drug", "egfr", "label"}),
    "kidney_reduce": frozenset({"drug", "egfr", "label"}),
    "liver_avoid": frozenset({"drug", "what", "label"}),
    "liver_reduce": frozenset({"drug", "what", "label"}),
}
"""The messages that the check may give, with the slots each may use."""


class Drug(msgspec.Struct, frozen=True, kw_only=True, rename={"drug_class": "class"}):
    """A drug as it is prescribed (药品), or an ingredient that only compounds contain (`ingredient_only`).

    `ingredients` are drug ids, its own where none are written; `also` further classes. `pregnancy` and `lactation` are
    avoid, caution, ok or unknown; `antimicrobial_level` unrestricted, restricted or special, None for other drugs.
    """

    id: str
    name: str
    name_en: str
    aliases: tuple[str, ...] = ()
    drug_class: str
    also: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    ingredient_only: bool = False
    allergy_groups: tuple[str, ...] = ()
    antimicrobial_level: str | None = None
    injection: bool = False
    topical: bool = False
    skin_test: bool = False
    pregnancy: str
    lactation: str
    ages: tuple[AgeLimit, ...] = ()
    elderly: ElderlyCaution | None = None
    contraindications: tuple[Contraindication, ...] = ()
    sources: tuple[str, ...]


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """Two drugs or classes that do not go together (相互作用). Twice the same class: two different drugs of it."""

    between: tuple[str, str]
    severity: ConcernSeverity
    text: str
    text_en: str
    sources: tuple[str, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The wording and weight of a concern (提醒用语); `severity` None where each case brings its own."""

    kind: ConcernKind
    severity: ConcernSeverity | None = None
    text: str
    text_en: str
    sources: tuple[str, ...]


class NoKnownAllergy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a record says that nobody knows of an allergy (没有已知过敏), and the `words` by which it is typed."""

    name: str
    words: tuple[str, ...]


class InUseRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a prescribed drug counts as in use (正在用): its days and `margin_days`; with `once_words` that day only."""

    margin_days: float
    once_words: tuple[str, ...]


class PrescribingRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of a prescription and the words of the check (处方规则). Days and drugs are counts, ages years."""

    most_drugs: int
    usual_days: float
    emergency_days: float
    long_term_days: float
    longest_days: float
    elderly_years: float
    lowest_role: str
    levels: dict[str, tuple[str, ...]]
    intravenous_words: tuple[str, ...]
    county_approval_roles: tuple[str, ...]
    form_words: tuple[str, ...]
    salt_words: tuple[str, ...]
    injection_words: tuple[str, ...]
    denial_words: tuple[str, ...]
    allergy_words: tuple[str, ...]
    nothing_words: tuple[str, ...]
    no_known_allergy: NoKnownAllergy
    in_use: InUseRules
    dosing_words: tuple[str, ...]
    other_allergens: tuple[str, ...]
    routes: tuple[str, ...]
    frequencies: tuple[str, ...]
    doses: DoseRules
    messages: dict[str, Message]
    sources: tuple[str, ...]


class Formulary(msgspec.Struct, frozen=True, kw_only=True):
    """The list of drugs with everything the check knows about them (药品表), by id. `rules` None: no rules were compiled.

    `doses` are the agreed figures by drug, in a fixed order.
    """

    drugs: dict[str, Drug]
    classes: dict[str, DrugClass]
    allergy_groups: dict[str, AllergyGroup]
    interactions: tuple[Interaction, ...]
    doses: dict[str, tuple[Dose, ...]]
    rules: PrescribingRules | None


def read_formulary(raw: Mapping[str, Any]) -> Formulary:
    """The formulary of a compiled document. msgspec.ValidationError where an entry has not its shape."""
    return Formulary(
        drugs={entry.id: entry for entry in msgspec.convert(raw["drugs"], list[Drug])},
        classes={entry.id: entry for entry in msgspec.convert(raw["drug_classes"], list[DrugClass])},
        allergy_groups={entry.id: entry for entry in msgspec.convert(raw["allergy_groups"], list[AllergyGroup])},
        interactions=msgspec.convert(raw["interactions"], tuple[Interaction, ...]),
        doses=read_doses(raw["doses"]),
        rules=msgspec.convert(raw["prescribing"], PrescribingRules) if raw["prescribing"] else None,
    )
