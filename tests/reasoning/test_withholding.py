"""No amount of a drug reaches the advice of an assessment."""

from __future__ import annotations

import pytest

from cunyi.app import load_knowledge
from cunyi.reasoning.assess import assess
from cunyi.reasoning.withholding import has_amount, withheld_mark


@pytest.mark.parametrize("disease", ["anaphylaxis", "acute_gastroenteritis", "hypoglycemia"])
def test_advice_shows_the_mark_in_place_of_amounts(disease):
    knowledge = load_knowledge()
    findings = knowledge.content.diseases[disease].findings
    typical = sorted(findings, key=lambda f: -findings[f])[:6]
    case = {"id": "x", "age_years": 40, "findings": [{"finding": f, "status": "present"} for f in typical]}
    advice = assess(case, knowledge).advice
    assert advice
    assert not [a.text for a in advice if has_amount(a.text)]


def test_shipped_prose_has_amounts_and_they_become_the_mark():
    knowledge = load_knowledge()
    mark = withheld_mark(knowledge.content.formulary).text
    prose = [a.text for d in knowledge.content.diseases.values() for a in d.management]
    assert mark == "〔剂量略〕"
    assert any(has_amount(text) for text in prose)
