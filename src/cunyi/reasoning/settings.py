"""The engine's settings, read from the knowledge base: nothing clinical is a number in code."""

from __future__ import annotations

from typing import Any

import msgspec


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a disease's absolute evidence sets a level of care: log-odds and the share of its typical evidence."""

    log_odds: float
    typical_share: float


class LevelThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a disease sets its own level of care: `Thresholds`, and `beyond_milder`, the log-odds by which this patient must speak for it
    beyond what speaks for any one milder disease. Where it is `clear`, less of a typical picture is enough: who tells little that nothing
    milder explains has not told the rest yet; least of all in `own_words`, where nobody has asked."""

    log_odds: float
    typical_share: float
    beyond_milder: float
    clear: Clear
    own_words: OwnWords


class Clear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is enough of a typical picture (`share`) with so many log-odds beyond any milder disease (`beyond`)."""

    share: float
    beyond: float


class OwnWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same for what a patient or relative tells in his own words, and the log-odds beyond any milder disease (`undefined`) for a
    disease none of whose defining findings was told."""

    share: float
    beyond: float
    undefined: float


class PriorWeight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much base rates count: `few` while little was told, `step` less for each finding above `told_from`, never below `least`.

    A denied finding is `denied` of one that is there. Who is described at length was chosen for it: the base rates of everybody who comes
    through the door say less of such a patient. Where the answer is limited to some diseases, somebody has narrowed it already, and all
    of it counts `limited`.
    """

    few: float
    least: float
    told_from: float
    step: float
    denied: float
    limited: float


class Unsupported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A disease that nothing of this patient speaks for: no finding by `ratio` (log), nor its wording or its name by `wording`
    (log-odds). It is worth `penalty` less, so that what is merely common does not stand before what was told of."""

    ratio: float
    wording: float
    penalty: float


class Untold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much it counts (`weight`) that nobody told of a complaint that patients with a disease have, of which they tell the share
    `volunteered` unasked. Danger and level of care never see it."""

    volunteered: float
    weight: float


class AlarmOfLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From how many log-odds on the net sounds for a level, where and how soon it sends then, and what it says, with the telling words."""

    threshold: float
    to: str
    within: str
    text: str
    text_en: str


class SpokenAlarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The net over how a case is told: it sounds for its levels in any stretch of `window` characters, in a doctor's text where no more
    than the share `little_understood` of it was understood. It was learned with this `ridge`, sentences of example patients counting
    `patient_weight`."""

    levels: dict[str, AlarmOfLevel]
    window: int
    little_understood: float
    patient_weight: float
    ridge: float


class NamedBeside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An illness of long standing that the text names beside something that ails the patient counts `weight` of a named disease. It is one
    whose history puts at risk of at least `at_risk` other diseases."""

    at_risk: int
    weight: float


class Lapse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of patients of whom the picture misleads, however clear it is: of those who only told (`told`), and of those who were
    measured as well (`measured`)."""

    told: float
    measured: float


class Misled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What they have instead: something that is not in the list (`outside`, a share of them), or one of the list, which says little
    then: p' ∝ p^flatness. Who has readings of at least `measured_from` items counts as measured."""

    flatness: float
    outside: float
    measured_from: int


class CaseMix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How confidence is calibrated for one kind of patients (病例构成): p' ∝ p^sharpness over the whole differential, something else
    included (Guo et al., ICML 2017), for all but the `lapse`, so that shares still sum to one."""

    name: str
    name_en: str
    sharpness: float
    lapse: Lapse


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `knowledge/case_mix.yaml` holds (引擎设置). Weights are dimensionless, shares are 0–1, scores log-odds."""

    region: str
    reading_error: float
    pregnant_share: float
    possible_weight: float
    repeat_weight: float
    prior_weight: PriorWeight
    evidence_weight: float
    unsupported: Unsupported
    untold: Untold
    wording_weight: float
    wording_runs: float
    named_weight: float
    named_explains: float
    """A disease that the text names counts in full when it accounts for this share of what the best disease does."""
    named_beside: NamedBeside
    told_weight_listed: float
    told_weight_unlisted: float
    other_prior: float
    pair_candidates: int
    sharpness: float
    """The exponent of the shares that the engine reasons with."""
    case_mix: str
    case_mixes: dict[str, CaseMix]
    misled: Misled
    triage: dict[str, LevelThresholds]
    spoken_alarm: SpokenAlarm
    suspected: Thresholds
    """What a critical disease's evidence must reach for the patient to be at least urgent."""
    defining_probability: float
    defining_log_ratio: float
    harm: dict[str, float]
    must_exclude_probability: float
    must_exclude_raise: float
    suspect_weight: float
    referral_probability: float
    advice_probability: float
    possibly_pregnant_years: tuple[float, float]
    child_years: float
    supposed_years: float
    """The age that red flags go by where neither the record nor a word for the patient says it."""
    grown_from_years: float
    of_grown_women: tuple[str, ...]
    """Findings that nobody has below `grown_from_years`: in the record of such a child they are its mother's."""
    shown: dict[str, int]
    sources: tuple[str, ...]


def read_settings(raw: dict[str, Any]) -> Settings:
    """The settings of a knowledge base; msgspec.ValidationError where one is missing or of the wrong kind."""
    return msgspec.convert(raw, Settings)
