"""From a case to a presentation: text read, readings ranged, statements resolved, consequences drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cunyi.domain.assessment import RefusedValue
from cunyi.domain.case import DIASTOLIC, SYSTOLIC, Case, Sex, is_swapped
from cunyi.domain.finding import Fact, Origin, Reading, Status, When, Who
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.conditions import evaluate
from cunyi.knowledge.model import Finding
from cunyi.reasoning.measuring import Person, facts_of, is_possible, possible_range
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.resolving import close_over_hierarchy, resolve
from cunyi.text.disease_names import NamedDisease
from cunyi.text.normalize import Normal
from cunyi.text.reader import TextReading, read_case

PREGNANCY = "pregnancy"
# To look a member up in its enumeration takes as long as to make a fact.
_PRESENT, _ABSENT = Status.PRESENT, Status.ABSENT


class Reception(msgspec.Struct):
    """What was taken from a case: the resolved presentation, every mention, and every reading of this encounter.

    `explicit` are the findings that were said, measured or derived by a rule, not merely implied by a variant;
    `named` are the diseases that the patient is said to have now.
    """

    presentation: Presentation
    mentions: tuple[Fact, ...]
    readings: tuple[Reading, ...]
    explicit: frozenset[str]
    written: Mapping[str, Normal]
    """The text fields that are filled in, normalised."""
    named: tuple[NamedDisease, ...]


def receive(case: Case, knowledge: Knowledge) -> Reception:
    """Reads a case into one presentation. Never fails on text; the case itself is already well-formed."""
    # Only where the record says so: a mother who bleeds after childbirth speaks of her child as well.
    of_child = case.age_years is not None and case.age_years < knowledge.settings.grown_from_years
    reading = read_case(case, knowledge.language, knowledge.name_finder, of_child=of_child)
    findings = knowledge.content.findings
    sex, age_years = _sex(case, reading), _age(case, reading)
    others = _mothers(knowledge) if of_child else ()
    mentions = tuple(
        f
        for f in reading.facts
        if f.finding in findings and f.finding not in others and _fits(findings[f.finding].sex, sex)
    )
    stated = tuple(f for f in case.findings if f.finding in findings)
    readings = _readings(case, reading, knowledge)
    pregnant = _pregnant(case, (*stated, *mentions), sex, knowledge)
    person = Person(sex, age_years, pregnant)
    current = [r for r in readings if r.when == When.NOW]
    marks = reading.marks
    measured = [
        fact
        for r in current
        for fact in facts_of(r, knowledge.content.items[r.item], person, marks.get(r.span) if r.span else None)
    ]
    facts, conflicts = resolve(mentions, stated, measured, findings)
    if pregnant is not None and PREGNANCY in findings:
        status = Status.PRESENT if pregnant else Status.ABSENT
        # That a man is not pregnant nobody told.
        origin = Origin.DERIVED if case.pregnant is None else Origin.STATED
        facts[PREGNANCY] = msgspec.structs.replace(
            facts.get(PREGNANCY, Fact(finding=PREGNANCY, status=status, origin=origin)), status=status
        )
    presentation = Presentation(
        facts=facts,
        values={r.item: r for r in sorted(current, key=lambda r: (-r.days_ago, r.span is None))},
        previous=tuple(
            sorted((*case.previous, *(r for r in readings if r.when == When.PAST)), key=lambda r: r.days_ago)
        ),
        conflicts=tuple(conflicts),
        sex=sex,
        age_years=age_years,
        pregnant=pregnant,
        month=case.month,
        own_words=case.own_words,
        supposed_years=(
            knowledge.settings.supposed_years if reading.supposed_years is None else reading.supposed_years
        ),
        supposed_sex=_supposed_sex((*mentions, *stated), findings),
    )
    explicit = set(facts)
    close_over_hierarchy(facts, knowledge.likelihoods.ancestors, knowledge.likelihoods.descendants)
    explicit |= _derive(presentation, knowledge)
    return Reception(
        presentation=presentation,
        mentions=mentions,
        readings=tuple(current),
        explicit=frozenset(explicit),
        written=reading.written,
        named=_named(reading.named, mentions, knowledge),
    )


def _supposed_sex(facts: Iterable[Fact], findings: Mapping[str, Finding]) -> Sex | None:
    """Whose alone is what the patient has now (停经); None where nothing is, or both."""
    sexes = {
        sex
        for fact in facts
        if fact.status is Status.PRESENT and fact.who is Who.PATIENT and fact.when is When.NOW
        if (sex := findings[fact.finding].sex) is not None
    }
    return Sex(sexes.pop()) if len(sexes) == 1 else None


def _mothers(knowledge: Knowledge) -> frozenset[str]:
    """What a talk about a child says of its mother."""
    descendants = knowledge.likelihoods.descendants
    roots = knowledge.settings.of_grown_women
    return frozenset(each for root in roots for each in (root, *descendants.get(root, ())))


def _named(
    named: tuple[NamedDisease, ...], mentions: tuple[Fact, ...], knowledge: Knowledge
) -> tuple[NamedDisease, ...]:
    """The named diseases, marked where the same words are the history of an illness of long standing."""
    if not named:
        return named
    spans = [m.span for m in mentions if m.span is not None and m.finding in knowledge.background_illnesses]
    return tuple(
        each._replace(
            beside=any(
                s.field == each.span.field and s.start < each.span.end and each.span.start < s.end for s in spans
            )
        )
        for each in named
    )


def _derive(presentation: Presentation, knowledge: Knowledge) -> set[str]:
    """Adds the findings that follow by a rule; returns those that are new."""
    derived = set()
    facts = presentation.facts
    for finding in knowledge.derived:
        known = facts.get(finding.id)
        if finding.when is None or (known is not None and known.status is _PRESENT):
            continue
        value = evaluate(finding.when, presentation)
        if value is None or (known is not None and not value):
            continue
        status = _PRESENT if value else _ABSENT
        facts[finding.id] = Fact(finding=finding.id, status=status, origin=Origin.DERIVED)
        # A rule that fails beside its parent says something (cough, but for three days only); otherwise nothing was said.
        if value or any(presentation.status(parent) is _PRESENT for parent in finding.parents):
            derived.add(finding.id)
        if value:
            close_over_hierarchy(facts, knowledge.likelihoods.ancestors, knowledge.likelihoods.descendants)
    return derived


def _fits(finding_sex: str | None, sex: Sex | None) -> bool:
    return finding_sex is None or sex is None or finding_sex == sex


def _sex(case: Case, reading: TextReading) -> Sex | None:
    return case.sex if case.sex is not None else reading.sex


def _age(case: Case, reading: TextReading) -> float | None:
    return case.age_years if case.age_years is not None else reading.age_years


def _pregnant(case: Case, told: tuple[Fact, ...], sex: Sex | None, knowledge: Knowledge) -> bool | None:
    """What the field says; else whether a pregnancy of hers, or one of its months, is told as there now."""
    if sex == Sex.MALE:
        return False
    if case.pregnant is not None:
        return case.pregnant
    months = knowledge.likelihoods.descendants.get(PREGNANCY, ())
    for fact in told:
        if fact.when is not When.NOW or fact.who is not Who.PATIENT:
            continue
        # Who is not in the last months may be in the first: only a pregnancy denied as such says no.
        if fact.finding == PREGNANCY and fact.status in (_PRESENT, _ABSENT):
            return fact.status is _PRESENT
        if fact.finding in months and fact.status is _PRESENT:
            return True
    return None


def _readings(case: Case, reading: TextReading, knowledge: Knowledge) -> list[Reading]:
    """Entered readings first, then those of the text for items that were not entered with the same value."""
    items = knowledge.content.items
    # Which of two swapped pressures is wrong cannot be told: neither says anything.
    doubtful = (SYSTOLIC, DIASTOLIC) if is_swapped(case.vitals) else ()
    entered = [
        Reading(item=item, value=float(value))
        for item, value in case.vitals.items()
        if item in items and item not in doubtful
    ]
    for lab in case.labs:
        read = knowledge.language.read_result(lab.name, lab.value, lab.unit)
        if read is not None:
            entered.append(read)
    known = {(r.item, r.value) for r in entered}
    found = [*entered, *(r for r in reading.readings if r.item in items and (r.item, r.value) not in known)]
    return [msgspec.structs.replace(r, unit=items[r.item].unit) for r in found if is_possible(items[r.item], r.value)]


def refused_values(case: Case, knowledge: Knowledge) -> list[RefusedValue]:
    """The entered vitals and results that cannot be, which are left out of everything else. A text's are only not read."""
    items = knowledge.content.items
    entered: list[tuple[str, str, float | str, float | str]] = [
        (f"vitals.{item}", item, value, value) for item, value in case.vitals.items()
    ]
    for index, lab in enumerate(case.labs):
        read = knowledge.language.read_result(lab.name, lab.value, lab.unit)
        if read is not None:
            entered.append((f"labs[{index}].value", read.item, read.value, lab.value))
    refused = []
    for field, item_id, value, written in entered:
        item = items.get(item_id)
        if item is None or item.possible is None or is_possible(item, value):
            continue
        message = f"{item.name} {written} 不可能（应{possible_range(item)}），没有采用；请核对数值和单位"
        refused.append(RefusedValue(field=field, item=item_id, name=item.name, message=message))
    if is_swapped(case.vitals):
        message = "收缩压应高于舒张压，是不是填反了？两个值都没有采用；请核对"
        refused += [
            RefusedValue(field=f"vitals.{each}", item=each, name=items[each].name, message=message)
            for each in (SYSTOLIC, DIASTOLIC)
            if each in items
        ]
    return refused
