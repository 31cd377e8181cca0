"""Wordings that the example patients contradict: read mostly in texts of diseases that do not have the finding."""

from __future__ import annotations

from collections import Counter

import msgspec

from cunyi.authoring.load import Library
from cunyi.authoring.patients import case_of, patient_texts
from cunyi.domain.finding import Fact, Status, When, Who
from cunyi.domain.intake import parse_case
from cunyi.knowledge.likelihoods import Likelihoods
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive

_LEAST_SHARE = 0.5
_FEWEST = 4


class Contradicted(msgspec.Struct, frozen=True, kw_only=True):
    """Words that are read as a finding (被示例病人否定的说法) in `texts` example texts, of which only `fitting` are of a disease that lists
    the finding or a variant of it. `diseases` are the others, the most frequent first."""

    finding: str
    words: str
    texts: int
    fitting: int
    diseases: tuple[str, ...]


def contradicted(library: Library, knowledge: Knowledge) -> list[Contradicted]:
    """Such wordings, those that are wrong most often first. A finding is read once a text, where it is said first."""
    likelihoods = knowledge.likelihoods
    fitting: Counter[tuple[str, str]] = Counter()
    others: dict[tuple[str, str], Counter[str]] = {}
    for patient in patient_texts(library):
        column = likelihoods.disease_index.get(patient.disease)
        if column is None:
            continue
        case = case_of(patient)
        first: dict[str, Fact] = {}
        for fact in receive(parse_case(case), knowledge).mentions:
            if (fact.status, fact.who, fact.when) == (Status.PRESENT, Who.PATIENT, When.NOW) and fact.span is not None:
                first.setdefault(fact.finding, fact)
        for finding, fact in first.items():
            assert fact.span is not None
            key = (finding, case[fact.span.field][fact.span.start : fact.span.end])
            if _lists(finding, column, likelihoods):
                fitting[key] += 1
            else:
                others.setdefault(key, Counter())[patient.disease] += 1
    found = []
    for (finding, words), elsewhere in others.items():
        right, texts = fitting[finding, words], fitting[finding, words] + elsewhere.total()
        if elsewhere.total() >= _FEWEST and right < _LEAST_SHARE * texts:
            most = tuple(disease for disease, _ in elsewhere.most_common())
            found.append(Contradicted(finding=finding, words=words, texts=texts, fitting=right, diseases=most))
    return sorted(found, key=lambda one: (one.fitting - one.texts, one.finding, one.words))


def _lists(finding: str, column: int, likelihoods: Likelihoods) -> bool:
    """Whether a disease lists a finding, or a variant of it."""
    family = (finding, *likelihoods.descendants.get(finding, ()))
    return any(bool(likelihoods.listed[likelihoods.finding_index[each], column]) for each in family)
