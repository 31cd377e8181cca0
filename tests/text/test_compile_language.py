"""Compiling the wording: same input, same output; wrong terms are told, not skipped."""

import json

import pytest

from cunyi.authoring.language import compile_language, term_problems


def finding(finding_id, *terms, **more):
    return {"id": finding_id, "name": finding_id, "kind": "symptom", "terms": list(terms), **more}


def problems(*findings, classes=None):
    return [(f, term) for f, term, _ in term_problems(findings, classes or {"胸": ["胸", "胸口"]})]


def test_the_same_wording_compiles_to_the_same_bytes(tables):
    findings = [finding("a", "<胸>闷", "<胸>…痛"), finding("b", "咳")]
    first, second = (json.dumps(compile_language(findings, [], {"胸": ["胸", "胸口"]}, tables)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("term", ["<腿>痛", "<胸", "胸>痛", "…痛", "胸…", "胸&", "胸…痛&闷"])
def test_a_wrong_term_is_a_problem(term):
    assert problems(finding("a", term)) == [("a", term)]


def test_a_term_of_two_findings_is_a_problem_of_the_second():
    assert problems(finding("a", "胸口痛"), finding("b", "<胸>痛")) == [("b", "<胸>痛")]


def test_a_term_may_be_shared_with_an_ancestor():
    assert problems(finding("a", "胸口痛"), finding("b", "胸口痛", parent=["a"])) == []


def test_an_explosion_of_expansions_is_a_problem():
    classes = {"多": [str(number) for number in range(80)]}
    assert problems(finding("a", "<多><多>"), classes=classes) == [("a", "<多><多>")]


def test_a_pattern_of_large_classes_is_no_explosion():
    classes = {"多": [str(number) for number in range(80)]}
    assert problems(finding("a", "<多>…<多>"), classes=classes) == []


def test_compiling_wrong_terms_fails_and_names_them():
    with pytest.raises(ValueError, match="<腿>痛"):
        compile_language([finding("a", "<腿>痛")], [], {}, {})


def test_a_derived_finding_is_not_found_by_its_name(tables):
    compiled = compile_language([finding("超过2周", when={"finding": "cough"})], [], {}, tables)
    assert compiled["literals"] == {}
