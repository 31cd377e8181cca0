"""What a patient most likely has and why, and what must be excluded and how: the first two sections of an opinion."""

from __future__ import annotations

from collections.abc import Iterator

from cunyi.domain.assessment import Candidate, WeighedFinding
from cunyi.domain.finding import Status
from cunyi.domain.opinion import Statement
from cunyi.reasoning.opinion_ground import Ground, disease_slot
from cunyi.reasoning.opinion_wording import Slot, absent, listed, named, percent, same


def likely(on: Ground) -> Iterator[Statement]:
    """The first diseases with the findings that weigh for and against each."""
    say, words = on.speaker.say, on.speaker.words
    if not on.ranked:
        yield say("likely_none")
        return
    for number, candidate in enumerate(on.ranked):
        weak = candidate.probability < words.weak_below
        key = "likely_also" if number else "likely_weak" if weak else "likely"
        yield from _candidate(candidate, key, on)
        if number == 0:
            yield from _more_of_the_first(candidate, on)
    if on.given.something_else >= words.percent_least:
        yield say("likely_other", percent=same(percent(on.given.something_else)))


def _candidate(candidate: Candidate, key: str, on: Ground) -> Iterator[Statement]:
    name, sources, say = named(candidate.name, candidate.name_en), candidate.sources, on.speaker.say
    yield say(key, sources=sources, disease=name, percent=same(percent(candidate.probability)))
    for told, weighed in (("supports", candidate.supports), ("against", candidate.against)):
        if weighed:
            yield say(told, sources=sources, disease=name, findings=_weighed(weighed, on))


def _more_of_the_first(candidate: Candidate, on: Ground) -> Iterator[Statement]:
    disease = on.content.diseases[candidate.disease]
    name, sources = disease_slot(disease), disease.sources
    if candidate.unknown:
        unknown = listed(on.finding(finding) for finding in candidate.unknown[: on.shown["unknown"]])
        yield on.speaker.say("not_known", sources=sources, disease=name, findings=unknown)
    yield on.speaker.say("danger", sources=sources, disease=name, text=on.speaker.prose(disease.danger))


def _weighed(weighed: list[WeighedFinding], on: Ground) -> Slot:
    return listed(_as_it_is(one.finding, on) for one in weighed[: on.shown["findings"]])


def _as_it_is(finding: str, on: Ground) -> Slot:
    """A finding as present, or as absent where that is what weighs."""
    name = on.finding(finding)
    return absent(name, on.speaker.words) if on.presentation.status(finding) == Status.ABSENT else name


def exclude(on: Ground) -> Iterator[Statement]:
    """Critical values, then each disease to exclude, how, and what raised it."""
    say = on.speaker.say
    yield from _critical_values(on)
    for one in on.given.must_exclude:
        name = named(one.name, one.name_en)
        yield say("exclude", sources=one.sources, grave=True, disease=name, text=on.speaker.prose(one.how))
        if one.raised_by:
            raised = listed(_finding_called(name_of, on) for name_of in one.raised_by[: on.shown["findings"]])
            yield say("exclude_raised", sources=one.sources, disease=name, findings=raised)
    if not on.given.must_exclude:
        yield say("exclude_none" if on.understood else "exclude_unknown")


def _critical_values(on: Ground) -> Iterator[Statement]:
    english = {item.name: item.name_en for item in on.content.items.values()}
    for found in on.given.critical_values:
        value = found.value if isinstance(found.value, str) else f"{found.value:g}"
        yield on.speaker.say(
            "critical_value",
            sources=found.source.split("；"),
            grave=True,
            item=named(found.item, english.get(found.item, found.item)),
            value=same(f"{value} {found.unit}" if found.unit else value),
            threshold=same(found.threshold) if found.unit else Slot(found.threshold, None),
        )


def _finding_called(name: str, on: Ground) -> Slot:
    found = next((f for f in on.content.findings.values() if f.name == name), None)
    return named(name, found.name_en if found else name)
