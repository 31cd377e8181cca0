"""Which department sees this patient: from the whole differential and the words of the complaint, at a county and a township hospital."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from cunyi.domain.assessment import DepartmentChosen
from cunyi.domain.case import Sex
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import Criticality, TriageLevel
from cunyi.knowledge.departments import Department, DepartmentHints, HintWord, Patients
from cunyi.reasoning.care_words import Words, say
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.prepared import Knowledge, SeenBy
from cunyi.reasoning.triage import Triage
from cunyi.text.normalize import Normal

EMERGENCY = "emergency"
_TOWNSHIP = "township"
_CHILDREN, _PREGNANT = "pediatrics", "obstetrics"
_COMPLAINTS = ("chief_complaint", "history_of_present_illness")
_SHOWN = 3


class DepartmentChoice(msgspec.Struct, frozen=True):
    """Where the patient belongs at a county hospital and at a township hospital (科室选择); None where nothing says."""

    county: DepartmentChosen | None
    township: DepartmentChosen | None


class _Weighed(msgspec.Struct):
    """What speaks for one department: its share of the differential, the words that hint at it, its place in the list where it
    sees a disease at all."""

    share: float = 0.0
    bonus: float = 0.0
    hints: dict[str, HintWord] = {}
    number: int | None = None


def choose_departments(
    written: Mapping[str, Normal],
    presentation: Presentation,
    differential: Differential,
    triage: Triage,
    knowledge: Knowledge,
) -> DepartmentChoice:
    """First the department of the first level of the national list, then the one below it that most speaks for.

    An emergency goes to emergency medicine first. A department that a township hospital lacks has another stand in.
    """
    departments = knowledge.content.departments
    found = _words_of(written, knowledge)
    child = _is_child(presentation, found, knowledge)
    patients = Patients(
        child=child,
        grown_up=presentation.age_years is not None and not child,
        male=presentation.sex == Sex.MALE,
    )
    seen = knowledge.seen_by[patients]
    weighed = _weigh(presentation, differential, found, seen, child=child, knowledge=knowledge)
    best = _best(weighed, knowledge)
    if best is None and triage.level < TriageLevel.EMERGENCY:
        return DepartmentChoice(None, None)
    why: list[Words] = []
    if best is not None:
        likely = _likeliest(weighed[best.id], differential, seen)
        why = _why(weighed[best.id], likely, presentation, differential, child=child, knowledge=knowledge)
    seen_first = best
    if triage.level == TriageLevel.EMERGENCY and EMERGENCY in departments:
        seen_first = departments[EMERGENCY]
        if best is None or best.id == EMERGENCY:
            why.insert(0, say(knowledge, "first_emergency_alone"))
        else:
            why.insert(0, say(knowledge, "first_emergency", name=(best.name, best.name_en)))
    if seen_first is None:
        return DepartmentChoice(None, None)
    specialty = (best or seen_first).id
    stand_in = at_level(seen_first, departments, _TOWNSHIP)
    here = why
    if stand_in.id != seen_first.id:
        here = [say(knowledge, "stands_in", name=(seen_first.name, seen_first.name_en)), *why]
    return DepartmentChoice(_chosen(seen_first, specialty, why), _chosen(stand_in, specialty, here))


def at_level(department: Department, departments: Mapping[str, Department], level: str) -> Department:
    """The department itself where hospitals of the level usually have it, else the nearest one that stands in for it."""
    here = department
    for _ in departments:
        if level != _TOWNSHIP or here.level == _TOWNSHIP or here.parent is None:
            break
        here = departments[here.parent]
    return here


def _words_of(written: Mapping[str, Normal], knowledge: Knowledge) -> dict[str, int]:
    if knowledge.hint_finder is None:
        return {}
    found: dict[str, int] = {}
    for field in _COMPLAINTS:
        if field in written:
            for word, at in knowledge.hint_finder.find(written[field].text).items():
                found.setdefault(word, at)
    return found


def _is_child(presentation: Presentation, found: Iterable[str], knowledge: Knowledge) -> bool:
    if presentation.age_years is not None:
        return presentation.age_years < knowledge.settings.child_years
    hints = knowledge.content.department_hints
    return hints is not None and any(word in hints.child_words for word in found)


def _weigh(
    presentation: Presentation,
    differential: Differential,
    found: Mapping[str, int],
    seen: SeenBy,
    *,
    child: bool,
    knowledge: Knowledge,
) -> dict[str, _Weighed]:
    content = knowledge.content
    weighed: dict[str, _Weighed] = defaultdict(lambda: _Weighed(hints={}))
    names = list(content.departments)
    shares = np.bincount(seen.of_disease, weights=differential.probability, minlength=len(names)).tolist()
    grave = differential.probability * (knowledge.harm >= knowledge.settings.harm[Criticality.URGENT.code])
    dangers = np.bincount(seen.of_disease, weights=grave, minlength=len(names)).tolist()
    for number, (name, share) in enumerate(zip(names, shares, strict=True)):
        if share > 0:
            weighed[name] = _Weighed(share=share, hints={}, number=number)
    hints = content.department_hints
    if hints is not None:
        for name, danger in zip(names, dangers, strict=True):
            if danger >= hints.danger_share:
                weighed[name].bonus = hints.danger
        for word in sorted(found, key=found.__getitem__):
            for hint in hints.words.get(word, ()):
                if hint.department in content.departments:
                    weighed[seen.names[hint.department]].hints[word] = hint
        if child and _CHILDREN in content.departments:
            weighed[_CHILDREN].bonus += hints.child
        if presentation.pregnant and _PREGNANT in content.departments:
            weighed[_PREGNANT].bonus += hints.pregnant
    return weighed


def _best(weighed: Mapping[str, _Weighed], knowledge: Knowledge) -> Department | None:
    departments, hints = knowledge.content.departments, knowledge.content.department_hints
    if not weighed:
        return None
    if hints is None:
        return departments[max(weighed, key=lambda each: (weighed[each].share, each))]
    groups: dict[str, list[str]] = defaultdict(list)
    for each in weighed:
        groups[knowledge.first_levels[each]].append(each)
    scores = {group: _score([weighed[each] for each in members], hints) for group, members in groups.items()}
    best = max(scores, key=lambda group: (scores[group], group))
    if scores[best] - _score([], hints) < hints.something:
        return None
    chosen = max(groups[best], key=lambda each: (_score([weighed[each]], hints), departments[each].code, each))
    return departments[chosen]


def _score(parts: Iterable[_Weighed], hints: DepartmentHints) -> float:
    """Log-odds of departments together: their share of the differential, and their words up to the limit of each kind."""
    share = bonus = 0.0
    said: dict[str, HintWord] = {}
    for part in parts:
        share += part.share
        bonus += part.bonus
        if part.hints:
            for word, hint in part.hints.items():
                if word not in said or hint.weight > said[word].weight:
                    said[word] = hint
    words = 0.0
    if said:
        sums = dict.fromkeys(hints.most, 0.0)
        for hint in said.values():
            sums[hint.kind] += hint.weight
        for kind, total in sums.items():
            words += min(total, hints.most[kind])
    return words + bonus + hints.evidence_weight * math.log(share + hints.evidence_floor)


def _why(
    one: _Weighed,
    likely: list[int],
    presentation: Presentation,
    differential: Differential,
    *,
    child: bool,
    knowledge: Knowledge,
) -> list[Words]:
    why: list[Words] = []
    if child:
        why.append(say(knowledge, "child"))
    if presentation.pregnant:
        why.append(say(knowledge, "pregnant"))
    probable = [
        column for column in likely if differential.probability[column] >= knowledge.settings.referral_probability
    ]
    if likely and (one.share >= knowledge.settings.advice_probability or not one.hints):
        named = [knowledge.diseases[column] for column in probable or likely[:1]]
        chinese, english = "、".join(d.name for d in named), ", ".join(d.name_en for d in named)
        why.append(say(knowledge, "diseases", names=(chinese, english)))
    strongest = sorted(one.hints, key=lambda word: -one.hints[word].weight)[:_SHOWN]
    if strongest:
        words = "、".join(f"“{word}”" for word in strongest)
        why.append(say(knowledge, "words", words=(words, words)))
    return why


def _likeliest(one: _Weighed, differential: Differential, seen: SeenBy) -> list[int]:
    """The most probable diseases that a department sees, at most as many as are told."""
    if one.number is None:
        return []
    own = differential.first(_SHOWN, among=np.flatnonzero(seen.of_disease == one.number))
    return [column for column in own if differential.probability[column] > 0]


def _chosen(department: Department, specialty: str, why: list[Words]) -> DepartmentChosen:
    return DepartmentChosen(
        code=department.code,
        name=department.name,
        name_en=department.name_en,
        department=department.id,
        specialty=specialty,
        why="；".join(words for words, _ in why if words),
        why_en="; ".join(words for _, words in why if words),
    )
