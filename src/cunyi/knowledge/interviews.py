"""What `knowledge/interview` says (预问诊知识): spoken words, complaints, follow-ups, findings asked together, first aid, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cunyi.domain.finding import Onset, Severity
from cunyi.domain.interview import QuestionKind, Slot, Topic
from cunyi.knowledge.conditions import Condition, parse_condition

FIXED_QUESTIONS = ("sex", "age_years", "age_months", "complaint", "menu", "more")
"""The questions of `wording.yaml` that every interview may need."""
SENTENCES = ("together", "danger", "sentences", "together_again", "danger_again", "sentences_again")
"""The other sentences of `wording.yaml`: over a list of findings, of danger signs, of whole sentences, and over every further such list."""


PROVISIONAL = "provisional"
"""The words of `levels` in place of a mild level that is not sure yet."""
UNHEARD = "unheard"
"""The words of `levels` in place of a mild level where it was not understood what is wrong."""
BACKGROUND_TOPICS = frozenset(
    {Topic.PAST, Topic.DRUG, Topic.ALLERGY, Topic.PREGNANCY, Topic.HABIT, Topic.EXPOSURE, Topic.FAMILY}
)
"""What `background.yaml` asks about."""


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Words(_Written, frozen=True, kw_only=True):
    """One sentence in both languages; `{you}` is the person, `{what}` the finding, `{count}` the number of the list (用语)."""

    text: str
    text_en: str


class Person(_Written, frozen=True, kw_only=True):
    """How the person who is ill is spoken of (称呼): `you` in a sentence, `prefix` before a sentence without a person."""

    you: str
    you_en: str
    prefix: str
    below_years: float | None = None


class Label(_Written, frozen=True, kw_only=True):
    """A finding in a few spoken words, for lists and inside sentences (口头说法)."""

    finding: str
    label: str
    label_en: str


class Choice(_Written, frozen=True, kw_only=True):
    """One option as written (选项), with what it means when it is chosen."""

    id: str
    label: str
    label_en: str
    findings: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    onset: Onset | None = None
    severity: Severity | None = None


class AgeLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"lower": "from", "upper": "below"}):
    """Years from (included) to below (年龄范围)."""

    lower: float | None = None
    upper: float | None = None


class Limits(_Written, frozen=True, kw_only=True):
    """Whom a question is for (问谁): a sex, years. What is not known of the person excludes nobody."""

    sex: str | None = None
    age: AgeLimits | None = None


class Asked(_Written, frozen=True, kw_only=True):
    """A question as written (问题). It is asked when `when` holds, for `only` these people, and while none of `known_by` is
    present. `part` picks what the places of a place question mean; `places` which of them are offered."""

    id: str
    topic: Topic
    kind: QuestionKind
    text: str
    text_en: str
    options: tuple[Choice, ...] = ()
    slot: Slot | None = None
    own_words: bool = False
    unit: str | None = None
    lowest: float | None = None
    highest: float | None = None
    when: dict[str, Any] | None = None
    only: Limits | None = None
    known_by: tuple[str, ...] = ()
    part: str | None = None
    places: tuple[str, ...] = ()


class Family(_Written, frozen=True, kw_only=True):
    """A family of complaints (主诉类别): its findings with their variants, and the follow-ups to ask, in order."""

    id: str
    name: str
    name_en: str
    findings: tuple[str, ...]
    ask: tuple[str, ...]


class Group(_Written, frozen=True, kw_only=True):
    """Findings that are naturally asked together (同问)."""

    id: str
    name: str
    name_en: str
    findings: tuple[Label, ...]


class Place(_Written, frozen=True, kw_only=True):
    """A place of the body picture (部位) and which findings it means, by what is felt there."""

    id: str
    label: str
    label_en: str
    side: str
    means: dict[str, tuple[str, ...]] = {}


class Aid(_Written, frozen=True, kw_only=True):
    """One thing to do until the ambulance comes (急救措施); without `when` it holds for every emergency. It is left out where one of
    `not_with`, which forbids it, fits too."""

    id: str
    text: str
    text_en: str
    sources: tuple[str, ...]
    when: dict[str, Any] | None = None
    not_with: tuple[str, ...] = ()


class CareWords(_Written, frozen=True, kw_only=True):
    """What a villager is told of a level of care (就医建议). `for_another` in place of `text` where somebody answers for the patient,
    from whom they may be far away."""

    title: str
    title_en: str
    text: str
    text_en: str
    for_another: str | None = None
    for_another_en: str | None = None


class Premise(_Written, frozen=True, kw_only=True):
    """Findings, with their variants, that are asked for only where `when` holds (问的前提): a stuck lump where there is a lump."""

    findings: tuple[str, ...]
    when: dict[str, Any]


class Rules(_Written, frozen=True, kw_only=True):
    """When to ask and when to stop (问诊规则).

    `most_*` are counts of questions (`most_together` of findings in one list, `most_sentences` of those that have no few words), `least_questions` of those for their worth that
    are asked even where little is gained, unless the first disease reaches `clear`; after `most_empty` in a row that found nothing no more
    are asked; `least_gain` is in harm-weighted impurity, `sure` a
    probability, `together_share` (in a list) and `sentences_share` (of whole sentences) of the best
    finding's gain that another must have to be asked with it; `harm` weighs what a
    question may clear up; `review` are the findings of which the first `most_review` that are still open are asked once at the
    end, whatever the complaint; `general_dangers` are asked for where it was not understood what is wrong; `ask_if` says what is asked
    only where something holds, `not_with` what is not asked where its contrary was told; `told_from_years` says from which age a finding (with its variants) can be told at all; `first_aid_shown` is a count.
    """

    most_gain: int
    least_questions: int
    most_empty: int
    most_danger: int
    most_together: int
    most_sentences: int
    most_follow_ups: int
    most_families: int
    least_gain: float
    sure: float
    clear: float
    together_share: float
    sentences_share: float
    harm: dict[str, float]
    review: tuple[str, ...]
    most_review: int
    general_dangers: tuple[Label, ...]
    told_from_years: dict[str, float]
    first_aid_shown: int
    sources: tuple[str, ...]
    ask_if: tuple[Premise, ...] = ()
    not_with: dict[str, tuple[str, ...]] = {}


class InterviewWords(_Written, frozen=True, kw_only=True):
    """Everything of `knowledge/interview` (预问诊知识)."""

    people: dict[str, tuple[Person, ...]]
    children_start: tuple[str, ...]
    sentences: dict[str, Words]
    fixed: dict[str, Asked]
    follow_ups: tuple[Asked, ...]
    families: tuple[Family, ...]
    groups: tuple[Group, ...]
    places: tuple[Place, ...]
    background: tuple[Asked, ...]
    first_aid: tuple[Aid, ...]
    levels: dict[str, CareWords]
    rules: Rules


def read_interview_words(raw: Mapping[str, Any]) -> InterviewWords | None:
    """The interview's knowledge of a compiled document; None where none was compiled. msgspec.ValidationError for a wrong shape."""
    return msgspec.convert(raw, InterviewWords) if raw else None


def condition_of(written: Asked | Aid | Premise) -> Condition | None:
    """The condition of a question, of a first-aid line or of a premise; None where it has none."""
    return None if written.when is None else parse_condition(written.when)
