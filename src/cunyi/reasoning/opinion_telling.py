"""What to tell the patient in plain words, when to come back, when to go at once: the last three sections of an opinion."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cunyi.domain.finding import Status
from cunyi.domain.opinion import Statement
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.conditions import evaluate
from cunyi.knowledge.model import RedFlag
from cunyi.reasoning.following_up import next_visit
from cunyi.reasoning.opinion_ground import Ground, disease_slot
from cunyi.reasoning.opinion_wording import named, same, word


def _is_child(on: Ground) -> bool:
    age = on.presentation.age_years
    return age is not None and age < on.knowledge.settings.child_years


def tell(on: Ground) -> Iterator[Statement]:
    """What it looks like and what to do, as one would say it to the patient or to the parents of a child."""
    you = word(on.speaker.words.people["child" if _is_child(on) else "adult"])
    if on.likely:
        disease = on.likely[0]
        yield on.speaker.say("tell_likely", sources=disease.sources, you=you, disease=disease_slot(disease))
    else:
        yield on.speaker.say("tell_unsure", you=you)
    if on.understood or on.level > TriageLevel.SELF_CARE:
        yield on.speaker.say(f"tell_{on.given.triage.level}", you=you)


def come_back(on: Ground) -> Iterator[Statement]:
    """The interval of a follow-up programme where the likely disease has one, and the general rule of the level."""
    say = on.speaker.say
    programmes = {programme.disease: programme for programme in on.content.follow_ups.values()}
    for disease in on.likely:
        programme = programmes.get(disease.id)
        if programme is None:
            yield say("return_missing", sources=disease.sources, disease=disease_slot(disease))
            continue
        soon = next_visit(programme, on.case, on.knowledge)
        name, days = named(programme.name, programme.name_en), same(str(soon.days))
        if soon.why:
            why = on.speaker.prose(soon.why, soon.why_en)
            yield say("return_sooner", sources=programme.sources, programme=name, days=days, text=why)
        else:
            yield say("return_programme", sources=programme.sources, programme=name, days=days)
    yield say(f"return_{on.given.triage.level}")


def go_at_once(on: Ground) -> Iterator[Statement]:
    """When the likely diseases are referred, the danger signs of the complaint that are not there yet, and the general ones."""
    say, prose = on.speaker.say, on.speaker.prose
    for disease in on.treated:
        if disease.referral.when:
            text = prose(disease.referral.when)
            yield say("go_disease", sources=disease.sources, grave=True, disease=disease_slot(disease), text=text)
    signs = _signs_to_watch(on)
    for flag in signs[: on.shown["signs"]]:
        sign, why = named(flag.name, flag.name_en), prose(flag.why, flag.why_en)
        yield say("go_sign", sources=flag.sources, grave=True, sign=sign, text=why)
    if not signs:
        yield say("go_missing")
    yield say("go_child" if _is_child(on) else "go_adult", grave=True)
    if on.presentation.pregnant:
        yield say("go_pregnant", grave=True)


def _signs_to_watch(on: Ground) -> list[RedFlag]:
    """Red flags of the complaint that this patient could still get, of a disease that is in question first, gravest first."""
    present = {f: fact for f, fact in on.presentation.facts.items() if fact.status == Status.PRESENT}
    # What is denied today may come tomorrow; age, sex and what is there rule a flag out for good.
    open_ones = msgspec.structs.replace(on.presentation, facts=present)
    fired = {flag.id for flag in on.flags}
    asked = {disease.disease for disease in on.given.differential} | {d.disease for d in on.given.must_exclude}
    flags = {
        flag.id: flag
        for finding in present
        for flag in on.knowledge.flags_of_complaint.get(finding, ())
        if flag.id not in fired
        and TriageLevel.from_code(flag.triage) >= TriageLevel.URGENT
        and evaluate(flag.when, open_ones) is None
    }
    return sorted(
        flags.values(),
        key=lambda flag: (-TriageLevel.from_code(flag.triage), not asked.intersection(flag.suspect), flag.id),
    )
