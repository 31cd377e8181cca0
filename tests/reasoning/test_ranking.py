"""The order of the differential beside the evidence: base rates that count less the more is told, and what nothing speaks for."""

import msgspec
import numpy as np
import pytest

from cunyi.domain.finding import Fact, Origin, Status
from cunyi.domain.presentation import Presentation
from cunyi.reasoning.differential import log_prior, prior_weight, rank
from cunyi.reasoning.evidence import gather
from cunyi.reasoning.settings import PriorWeight


def told(knowledge, **statuses):
    """The presentation and evidence of findings said to be there or not."""
    facts = {f: Fact(finding=f, status=status, origin=Origin.STATED) for f, status in statuses.items()}
    presentation = Presentation(facts=facts, values={})
    evidence = gather(
        presentation,
        frozenset(facts),
        knowledge.likelihoods,
        knowledge.content.findings,
        knowledge.settings.possible_weight,
    )
    return presentation, evidence


@pytest.mark.parametrize(
    ("present", "denied", "expected"),
    [
        (("cough",), (), 0.8),
        (("cough", "fever", "chills"), (), 0.7),
        (("cough", "fever"), ("chest_pain", "rhinorrhea"), 0.7),
        (("cough", "fever", "chills", "crackles", "rhinorrhea", "cold_sweat"), (), 0.5),
    ],
)
def test_base_rates_count_less_the_more_is_told(mini, present, denied, expected):
    weight = PriorWeight(few=0.8, least=0.5, told_from=2, step=0.1, denied=0.5, limited=1.0)
    settings = msgspec.structs.replace(mini.settings, prior_weight=weight)
    statuses = {**dict.fromkeys(present, Status.PRESENT), **dict.fromkeys(denied, Status.ABSENT)}
    assert prior_weight(told(mini, **statuses)[1], settings) == pytest.approx(expected)


def test_what_nothing_speaks_for_is_worth_less_alone_and_in_pairs(mini):
    presentation, evidence = told(mini, cold_sweat=Status.PRESENT)
    nothing = msgspec.structs.replace(mini.settings.unsupported, penalty=0.0)
    before = rank(
        presentation, evidence, mini.likelihoods, msgspec.structs.replace(mini.settings, unsupported=nothing), None
    )
    after = rank(presentation, evidence, mini.likelihoods, mini.settings, None)
    speaks = evidence.for_rows.max(axis=0) >= mini.settings.unsupported.ratio
    assert speaks.any() and not speaks.all()
    assert np.allclose(before.score[speaks], after.score[speaks])
    assert np.allclose(before.score[~speaks] - after.score[~speaks], mini.settings.unsupported.penalty)
    assert after.probability[~speaks].sum() < before.probability[~speaks].sum() / 4


def test_who_does_not_tell_of_a_running_nose_hardly_has_a_cold(mini):
    def cold_beside_pneumonia(weight, **statuses):
        presentation, evidence = told(mini, **statuses)
        untold = msgspec.structs.replace(mini.settings.untold, weight=weight)
        settings = msgspec.structs.replace(mini.settings, untold=untold)
        judged = rank(presentation, evidence, mini.likelihoods, settings, None)
        of = mini.likelihoods.disease_index
        return judged.score[of["common_cold"]] - judged.score[of["pneumonia"]], judged.danger

    feverish = dict.fromkeys(("cough", "fever", "chills"), Status.PRESENT)
    silent, danger = cold_beside_pneumonia(0.5, **feverish)
    unheard, same_danger = cold_beside_pneumonia(0.0, **feverish)
    assert silent < unheard - 0.1
    assert np.array_equal(danger, same_danger)
    # What was spoken of, either way, is silent no longer.
    for status in (Status.PRESENT, Status.ABSENT):
        _, evidence = told(mini, cough=Status.PRESENT, rhinorrhea=status)
        untold = mini.likelihoods.untold
        (place,) = untold.places["rhinorrhea"]
        assert np.allclose(told(mini, cough=Status.PRESENT)[1].untold - evidence.untold, untold.rows[place], atol=1e-5)


def test_a_known_pregnancy_never_makes_the_harmless_alternative_likelier(mini):
    facts, evidence = told(mini, cough=Status.PRESENT)
    known = msgspec.structs.replace(facts, pregnant=True)
    unknown = msgspec.structs.replace(facts, pregnant=None)
    calm = rank(known, evidence, mini.likelihoods, mini.settings, None).calm_prior
    assert (calm <= log_prior(unknown, mini.likelihoods) + 1e-6).all()
