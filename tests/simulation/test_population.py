"""The invented people are plausible, and what they come with is in the words of the knowledge."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest

from cunyi.domain.identity import read_identifier
from cunyi.domain.person import Relation
from cunyi.reasoning.prepared import Knowledge
from cunyi.simulation.illness import Illnesses
from cunyi.simulation.population import Resident, residents_of, villages_of

TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def residents() -> list[Resident]:
    draw = random.Random(5)
    return [each for village in villages_of(3) for each in residents_of(village, 700, draw, TODAY)]


def test_the_same_seed_gives_the_same_people() -> None:
    first, second = (residents_of("360731101201", 50, random.Random(3), TODAY) for _ in range(2))
    assert [(each.name, each.identifier) for each in first] == [(each.name, each.identifier) for each in second]


def test_many_are_old_and_many_are_children(residents: list[Resident]) -> None:
    ages = [each.age_on(TODAY) for each in residents]
    old, children = (sum(chosen) / len(ages) for chosen in ([a >= 65 for a in ages], [a < 15 for a in ages]))
    assert 0.18 < old < 0.4
    assert 0.12 < children < 0.35
    assert min(ages) > 0
    assert max(ages) < 100


def test_each_number_is_right_and_says_what_the_person_is(residents: list[Resident]) -> None:
    numbered = [each for each in residents if each.identifier]
    assert len({each.identifier for each in numbered}) == len(numbered)
    for each in numbered[:300]:
        said = read_identifier(each.identifier, None, today=TODAY)
        assert (said.birth_on, said.sex) == (each.birth_on, each.sex)


def test_each_household_has_one_head_and_children_somebody_who_answers_for_them(residents: list[Resident]) -> None:
    assert all((each.relation is Relation.HEAD) == (each.head is None) for each in residents)
    assert all(each.guardian for each in residents if each.age_on(TODAY) < 14 and each.head)


def test_visits_are_in_the_words_of_the_knowledge(residents: list[Resident], mini: Knowledge) -> None:
    illnesses, draw = Illnesses(mini), random.Random(1)
    seen: Counter[str] = Counter()
    for each in residents:
        visit = illnesses.falls_ill(each, each.age_on(TODAY), 1, draw)
        seen[visit.disease] += 1
        assert visit.complaint
        assert all(float(value) >= 0 for value in visit.readings.values())
        if "diastolic_mmhg" in visit.readings:
            assert float(visit.readings["diastolic_mmhg"]) < float(visit.readings["systolic_mmhg"])
    assert set(seen) <= set(mini.content.diseases)
