"""What to do in the village clinic now, what to test elsewhere, and which drugs may be considered for this patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from cunyi.domain.assessment import ExaminationProposed
from cunyi.domain.opinion import Statement
from cunyi.domain.prescription import Concern, ConcernSeverity
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.model import RedFlag
from cunyi.reasoning.opinion_ground import Ground, disease_slot
from cunyi.reasoning.opinion_wording import Slot, listed, named, word
from cunyi.reasoning.treating import DrugOption
from cunyi.text.normalize import plain

_HERE = "village"
_ELSEWHERE = ("township", "county")


def now(on: Ground) -> Iterator[Statement]:
    """The referral, the danger signs to ask about, first aid and management, and the examinations of a village clinic."""
    say, prose = on.speaker.say, on.speaker.prose
    yield from _referral(on)
    if on.given.triage.ask_first:
        yield say("ask_first", grave=True, findings=listed(map(on.finding, on.given.triage.ask_first)))
    actions = [
        say("do_for_sign", sources=f.sources, grave=_is_grave(f), sign=named(f.name, f.name_en), text=prose(f.advice))
        for f in on.flags
        if f.advice
    ]
    for disease in on.treated:
        for step in disease.management:
            name = disease_slot(disease)
            actions.append(say("do_for_disease", sources=step.sources, disease=name, text=prose(step.text)))
    yield from actions[: on.shown["actions"]]
    if not actions:
        yield say("do_unsure")
    for proposed in _proposed(on, (_HERE,)):
        yield _examination("examine_here", proposed, on)


def _is_grave(flag: RedFlag) -> bool:
    return TriageLevel.from_code(flag.triage) >= TriageLevel.URGENT


def _referral(on: Ground) -> Iterator[Statement]:
    say, words, referral = on.speaker.say, on.speaker.words, on.given.referral
    if not referral.needed:
        if on.understood:
            yield say("refer_not")
        return
    place, sources = word(words.places[referral.to]), referral.sources
    if referral.within is None:
        yield say("refer_open", sources=sources, grave=True, place=place)
    else:
        yield say("refer", sources=sources, grave=True, place=place, within=word(words.within[referral.within]))
    department = on.given.township_department if referral.to == "township" else on.given.department
    if department is not None and on.understood:
        yield say("refer_department", department=named(department.name, department.name_en))
    for reason, reason_en in islice(zip(referral.reasons, referral.reasons_en, strict=True), on.shown["reasons"]):
        yield say("refer_why", sources=sources, text=on.speaker.prose(reason, reason_en))


def _proposed(on: Ground, places: Sequence[str]) -> list[ExaminationProposed]:
    if not on.understood:
        return []
    return [each for each in on.given.examinations if each.available_at in places][: on.shown["tests"]]


def _examination(key: str, proposed: ExaminationProposed, on: Ground, **place: Slot) -> Statement:
    disease_name, _, why = proposed.why.partition("：")
    disease = on.content.diseases[on.knowledge.disease_names[plain(disease_name)]]
    return on.speaker.say(
        key,
        sources=disease.sources,
        grave=False,
        examination=named(proposed.name, proposed.name_en),
        disease=disease_slot(disease),
        text=on.speaker.prose(why),
        **place,
    )


def test(on: Ground) -> Iterator[Statement]:
    """What to test at the township health centre, then at the county hospital, each with what for."""
    places = on.speaker.words.places
    proposed = [each for place in _ELSEWHERE for each in _proposed(on, (place,))]
    for each in proposed:
        yield _examination("test", each, on, place=word(places[each.available_at]))
    if not proposed:
        yield on.speaker.say("test_none")


def treat(on: Ground, options: Mapping[str, Sequence[DrugOption]], all_read: bool) -> Iterator[Statement]:
    """Drugs by name for each disease, then what speaks against them for this patient, gravest first. No amounts.

    `options` by disease id; `all_read` is false where something of the record was not understood; a drug with a grave concern is not among the names but among the warnings.
    """
    say = on.speaker.say
    if not on.treated:
        yield say("options_unsure")
    against: dict[Concern, None] = {}
    for disease in on.treated:
        name = disease_slot(disease)
        offered = [option for option in options[disease.id] if not option.unsuitable]
        if offered:
            drugs = listed(named(option.drug.name, option.drug.name_en) for option in offered)
            yield say("options", sources=disease.sources, disease=name, drugs=drugs)
        else:
            yield say("options_none", sources=disease.sources, disease=name)
        against |= dict.fromkeys(concern for option in options[disease.id] for concern in option.concerns)
    for concern in sorted(against, key=lambda concern: not concern.needs_reason)[: on.shown["cautions"]]:
        stop = concern.severity is ConcernSeverity.STOP
        text = on.speaker.prose(concern.message, concern.message_en)
        yield say("unsuitable" if stop else "caution", sources=[concern.source], grave=stop, text=text)
    if any(options.values()):
        yield say("checked")
        if not all_read:
            yield say("not_read")
