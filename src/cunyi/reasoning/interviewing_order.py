"""Which question comes next: the complaint, its danger signs, its follow-ups, what is worth most to know, the background."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import msgspec
import numpy as np

from cunyi.domain.finding import Fact, Status
from cunyi.domain.interview import Question, QuestionKind, Topic
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.conditions import evaluate, undecided_findings
from cunyi.knowledge.interviews import Family
from cunyi.knowledge.model import RedFlag
from cunyi.reasoning.asking import question_gains
from cunyi.reasoning.interviewing_questions import FIXED, GAIN, can_have, is_for, question_about, written_question
from cunyi.reasoning.interviewing_standing import (
    REVIEW,
    Standing,
    asked_before,
    background_for,
    can_ask,
    complaints,
    in_background,
    is_heard,
    own_words,
    told_in_words,
)

_ABOUT_ATTRIBUTES = {"onset": "onset", "severity": "severity", "duration": "duration_days"}
_DANGER_KINDS = frozenset({"symptom", "sign", "exposure"})
"""What is asked for as a danger sign; long-standing illness and drugs have their own questions (pregnancy excepted)."""


def person_question(standing: Standing) -> Question | None:
    """Sex and age, where nobody knows them."""
    presentation = standing.presentation
    if presentation.sex is None and (question := _fixed("sex", standing)) is not None:
        return question
    if standing.interview.age_years is not None:
        return None
    if presentation.age_years is None and (question := _fixed("age_years", standing)) is not None:
        return question
    years = standing.interview.answer_to("age_years")
    return _fixed("age_months", standing) if years is not None and years.number == 0 else None


def complaint_question(standing: Standing) -> Question | None:
    """What is wrong, in own words first; a list to choose from where no words were understood."""
    question = _fixed("complaint", standing)
    if question is not None:
        return question
    return _fixed("menu", standing) if not complaints(standing) else None


def more_question(standing: Standing) -> Question | None:
    """Whatever the person still wants to say."""
    return _fixed("more", standing)


def _fixed(question_id: str, standing: Standing) -> Question | None:
    if question_id in standing.asked:
        return None
    return written_question(
        standing.plan.words.fixed[question_id], standing.listener, standing.knowledge, standing.plan
    )


def danger_question(standing: Standing) -> Question | None:
    """The danger signs of the complaint that are not known yet, the gravest and likeliest first, a few at once.

    Signs that alone would decide a red flag come before those that need another one. Pregnancy is asked for on its own. Where no
    complaint was understood, everybody is asked for the gravest there are.
    """
    asked, rules = danger_asked(standing), standing.plan.words.rules
    if asked >= rules.most_danger:
        return None
    told, general = tuple(complaints(standing)), {label.finding: label for label in rules.general_dangers}
    signs = _danger_signs(standing) if told else [finding for finding in general if can_ask(finding, standing)]
    for sign in signs:
        question = background_for(sign, standing)
        if question is not None and question.topic == Topic.PREGNANCY:
            return question
    left = [s for s in signs if s not in standing.plan.background_of][: rules.most_together]
    if not left:
        return None
    return question_about(
        next(name for number in count(1) if (name := f"danger.{number}") not in standing.asked),
        Topic.DANGER, "danger", left, standing.listener, standing.knowledge, standing.plan,
        priority=FIXED, count=1 + standing.count(topic=Topic.DANGER), complaints=told,
        labels=None if told else general,
    )  # fmt: skip


def danger_asked(standing: Standing) -> int:
    """How many questions there were about danger signs of what is the complaint now. Those of another one do not count: its dangers
    are others."""
    told = set(complaints(standing))
    return sum(
        told <= set(answer.question.complaints) if told else not answer.question.complaints
        for answer in standing.interview.answers
        if answer.question.topic == Topic.DANGER
    )


def _danger_signs(standing: Standing) -> list[str]:
    presentation, knowledge = standing.presentation, standing.knowledge
    flags: dict[str, RedFlag] = {}
    for finding in complaints(standing):
        for known in (finding, *knowledge.likelihoods.ancestors[finding]):
            for flag in knowledge.flags_of_complaint.get(known, ()):
                if TriageLevel.from_code(flag.triage) > standing.triage.understood:
                    flags[flag.id] = flag
    rank: dict[str, tuple[int, int]] = {}
    for flag in flags.values():
        if evaluate(flag.when, presentation) is not None:
            continue
        level = int(TriageLevel.from_code(flag.triage))
        for finding in undecided_findings(flag.when, presentation):
            decides = int(_decides(finding, flag, presentation))
            for first in asked_before(finding, standing) or [finding]:
                if _may_warn(first, standing) and can_ask(first, standing):
                    rank[first] = max(rank.get(first, (0, 0)), (level, decides))
    deciding = [finding for finding, (_, decides) in rank.items() if decides]
    chance = dict(zip(deciding, _chances(deciding, standing), strict=True))
    return sorted(deciding, key=lambda f: (-rank[f][0], -chance[f], f))


def _may_warn(finding: str, standing: Standing) -> bool:
    asked = standing.plan.background_of.get(finding, ())
    if any(written.topic == Topic.PREGNANCY for written in asked):
        return True
    return standing.knowledge.content.findings[finding].kind in _DANGER_KINDS


def _decides(finding: str, flag: RedFlag, presentation: Presentation) -> bool:
    facts = {**presentation.facts, finding: Fact(finding=finding, status=Status.PRESENT)}
    return evaluate(flag.when, msgspec.structs.replace(presentation, facts=facts)) is True


def _chances(findings: list[str], standing: Standing) -> list[float]:
    """How likely each finding is in this patient, a dangerous disease counting by its harm."""
    likelihoods, plan = standing.knowledge.likelihoods, standing.plan
    rows = [likelihoods.finding_index[finding] for finding in findings]
    weight = standing.differential.probability * plan.harm
    chances = likelihoods.probability[rows] @ weight + likelihoods.background[rows]
    return [float(chance) for chance in chances]


def follow_up_question(standing: Standing) -> Question | None:
    """The next follow-up of the main complaints: since when, how it began, where, what it is like, what was taken."""
    rules = standing.plan.words.rules
    if standing.count(topic=Topic.COURSE) >= rules.most_follow_ups:
        return None
    return next(follow_ups(standing), None)


def follow_ups(standing: Standing) -> Iterator[Question]:
    """Every follow-up that is still open, in order. A question that two families share is asked once."""
    chosen: list[tuple[Family, str]] = []
    for finding in complaints(standing):
        for family in standing.plan.families_of.get(finding, ()):
            if all(family is not known for known, _ in chosen):
                chosen.append((family, finding))
    asked = set(standing.asked)
    for family, about in chosen[: standing.plan.words.rules.most_families]:
        for question_id in family.ask:
            if question_id in asked:
                continue
            written = standing.plan.follow_ups[question_id]
            if written.slot is not None and _is_told(written.slot, about, standing.presentation):
                continue
            question = written_question(
                written,
                standing.listener,
                standing.knowledge,
                standing.plan,
                about=about,
                own=own_words(about, standing),
            )
            if question is not None:
                asked.add(question_id)
                yield question


def _is_told(slot: str, about: str, presentation: Presentation) -> bool:
    attribute = _ABOUT_ATTRIBUTES.get(slot)
    fact = presentation.facts.get(about)
    return attribute is not None and fact is not None and getattr(fact, attribute) is not None


def gain_question(standing: Standing) -> Question | None:
    """The question about the unknown finding that is worth most, with others of its group that are worth asking too."""
    rules, plan = standing.plan.words.rules, standing.plan
    if in_background(standing) or standing.count(priority=GAIN) >= rules.most_gain or not is_heard(standing):
        return None
    if standing.differential.probability.max(initial=0) >= rules.sure or _empty_in_a_row(standing) >= rules.most_empty:
        return None
    worth = _worth(standing)
    best = next(iter(worth), None)
    if best is None:
        return None
    if best in plan.background_of:
        return background_for(best, standing)
    group = plan.group_of.get(best)
    most = rules.most_together if group is not None else rules.most_sentences
    least = worth[best] * (rules.together_share if group is not None else rules.sentences_share)
    together = [best]
    for finding, gain in worth.items():
        if len(together) >= most or gain < least:
            break
        of_group = plan.group_of.get(finding) is group and finding not in plan.background_of
        if of_group and finding != best and not _related(finding, together, standing):
            together.append(finding)
    kind = "ask" if group is None else f"group.{group.id}"
    question_id = f"{kind}.{1 + sum(known.startswith(f'{kind}.') for known in standing.asked)}"
    return question_about(
        question_id,
        Topic.SYMPTOM,
        "together" if group else "sentences",
        together,
        standing.listener,
        standing.knowledge,
        plan,
        priority=GAIN,
        count=1 + _lists(standing, of_labels=group is not None),
    )


def _lists(standing: Standing, *, of_labels: bool) -> int:
    """How many lists of findings in a few words, or of whole sentences, were asked already, so that the next is not headed alike."""
    return sum(
        answer.question.priority == GAIN
        and answer.question.topic == Topic.SYMPTOM
        and answer.question.kind == QuestionKind.SEVERAL
        and answer.question.id.startswith("group.") is of_labels
        for answer in standing.interview.answers
    )


def _empty_in_a_row(standing: Standing) -> int:
    """How many of the last questions for their worth found nothing."""
    asked = [answer for answer in standing.interview.answers if answer.question.priority == GAIN]
    empty = 0
    for answer in reversed(asked):
        if Status.PRESENT in answer.statuses.values():
            break
        empty += 1
    return empty


def review_question(standing: Standing) -> Question | None:
    """Once, whatever the complaint: what a doctor asks everybody (fever, appetite, sleep …), as far as it is open."""
    rules = standing.plan.words.rules
    if REVIEW in standing.asked or in_background(standing):
        return None
    left = [finding for finding in rules.review if can_ask(finding, standing)][: rules.most_review]
    if not left:
        return None
    return question_about(
        REVIEW, Topic.SYMPTOM, "together", left, standing.listener, standing.knowledge, standing.plan,
        priority=FIXED, count=1 + _lists(standing, of_labels=True),
    )  # fmt: skip


def _worth(standing: Standing) -> dict[str, float]:
    """The findings worth asking for with their gain, the best first. A variant waits until its parent is known."""
    plan, likelihoods = standing.plan, standing.knowledge.likelihoods
    rows = [row for row in plan.rows.tolist() if can_ask(likelihoods.finding_ids[row], standing)]
    gains = question_gains(rows, standing.presentation, standing.differential, standing.knowledge, plan.harm)
    if not gains.any():
        # Nothing speaks for any disease yet: what people come with most is asked first.
        gains = likelihoods.background[rows].astype(np.float64)
    worth: dict[str, float] = {}
    clear = standing.differential.probability.max(initial=0) >= plan.words.rules.clear
    enough = clear or standing.count(priority=GAIN) >= plan.words.rules.least_questions
    for position in np.argsort(-gains, kind="stable").tolist():
        gain = float(gains[position])
        if gain <= 0 or (not worth and enough and gain < plan.words.rules.least_gain):
            break
        finding = _asked_first(likelihoods.finding_ids[rows[position]], standing)
        if finding is not None and finding not in worth:
            worth[finding] = gain
    return worth


def _asked_first(finding: str, standing: Standing) -> str | None:
    """The finding itself, or the open parent that must be known first; None where the parent was asked in vain."""
    for above in reversed(standing.knowledge.likelihoods.ancestors[finding]):
        if standing.presentation.status(above) in (Status.PRESENT, Status.POSSIBLE):
            continue
        if above in standing.listener.settled:
            return None
        if can_ask(above, standing):
            return above
    return finding


def _related(finding: str, others: list[str], standing: Standing) -> bool:
    """Whether one says the other already, or a villager would take them for the same (烦躁 beside 烦躁、乱动)."""
    ancestors = standing.knowledge.likelihoods.ancestors
    words = _said_words(finding, standing)
    return any(
        finding in ancestors[other] or other in ancestors[finding] or words & _said_words(other, standing)
        for other in others
    )


def _said_words(finding: str, standing: Standing) -> set[str]:
    label = standing.plan.labels.get(finding)
    return set(label.label.split("、")) if label is not None else set()


def makes_sense(question: Question, standing: Standing) -> bool:
    """Whether an answered question still fits what the other answers say."""
    presentation, knowledge = standing.presentation, standing.knowledge
    if question.about is not None and presentation.status(question.about) != Status.PRESENT:
        return False
    if question.id == "age_months":
        years = standing.interview.answer_to("age_years")
        return years is not None and years.number == 0
    if question.id == "menu":
        return not told_in_words(standing)
    if question.id in standing.plan.words.fixed:
        return True
    named = [finding for option in question.options for finding in option.findings]
    if question.kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL) and named:
        return any(can_have(finding, presentation, knowledge) for finding in named)
    written = next((a for a in standing.plan.words.background if a.id == question.id), None)
    return written is None or is_for(written.only, presentation)
