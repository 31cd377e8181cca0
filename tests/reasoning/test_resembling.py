"""Wording: what the lexicon does not know still moves the order, never the danger, and is shown by its words."""

from __future__ import annotations

import msgspec

from cunyi.domain.intake import parse_case
from cunyi.reasoning.assess import assess
from cunyi.reasoning.presenting import receive
from cunyi.reasoning.resembling import resemble, telling_stretches

STONE = {"id": "x", "chief_complaint": "心窝子压了块大石板，咳嗽"}


def written(case, knowledge):
    return receive(parse_case(case), knowledge).written


def test_a_text_of_unknown_words_resembles_the_right_patients(taught):
    resemblance = resemble(written(STONE, taught), taught)
    assert resemblance is not None
    best = int(resemblance.score.argmax())
    assert taught.likelihoods.disease_ids[best] == "acute_myocardial_infarction"
    assert abs(float(resemblance.score.mean())) < 1e-3


def test_without_text_or_without_example_patients_there_is_no_resemblance(mini, taught):
    assert resemble(written({"id": "x"}, taught), taught) is None
    assert resemble(written(STONE, mini), mini) is None


def test_the_order_moves_and_triage_does_not(taught):
    # Nothing told speaks for an infarction here; what that costs it is left out.
    nothing = msgspec.structs.replace(taught.settings.unsupported, penalty=0.0)
    # Small shares are told as well.
    even = {n: msgspec.structs.replace(mix, sharpness=0.5) for n, mix in taught.settings.case_mixes.items()}
    settings = msgspec.structs.replace(taught.settings, unsupported=nothing, case_mixes=even)
    taught = msgspec.structs.replace(taught, settings=settings)
    plain = assess({"id": "x", "chief_complaint": "咳嗽"}, taught)
    worded = assess(STONE, taught)
    share = {c.disease: c.probability for c in plain.differential}
    moved = {c.disease: c.probability for c in worded.differential}
    assert moved["acute_myocardial_infarction"] > share["acute_myocardial_infarction"]
    assert worded.triage == plain.triage


def test_the_telling_words_are_shown_with_their_place(taught):
    case = parse_case(STONE)
    resemblance = resemble(written(STONE, taught), taught)
    assert resemblance is not None
    column = taught.likelihoods.disease_index["acute_myocardial_infarction"]
    stretches, other = telling_stretches(resemblance, [column, 1 - min(column, 1)], 3)
    assert sum(s.weight for s in other) < sum(s.weight for s in stretches)
    assert stretches and "石板" in stretches[0].text
    for stretch in stretches:
        assert stretch.span.field == "chief_complaint"
        assert case.chief_complaint[stretch.span.start : stretch.span.end] == stretch.text
        assert stretch.weight > 0
