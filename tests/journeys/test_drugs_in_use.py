"""Which drugs count as current: the long-term list, and a course that can still be running."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.real_knowledge import real_knowledge

from cunyi.journeys.drugs_in_use import Prescribed, drugs_in_use

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def given(drug: str, ago: float, days: float | None, usage: str = "1片 口服 每日1次") -> Prescribed:
    return Prescribed(drug=drug, usage=usage, days=days, at=NOW - timedelta(days=ago))


@pytest.mark.parametrize(
    ("prescribed", "running"),
    [
        (given("氨氯地平", 20, 28), True),
        (given("氨氯地平", 34, 28), True),
        (given("氨氯地平", 60, 28), False),
        (given("阿莫西林", 5, None), True),
        (given("阿莫西林", 30, None), False),
        (given("破伤风人免疫球蛋白", 2, None, "250IU 肌内注射 立即"), False),
        (given("破伤风人免疫球蛋白", 2, None, "250IU 肌内注射"), False),
        (given("破伤风人免疫球蛋白", 2, 1, "250IU 肌内注射"), False),
        (given("破伤风人免疫球蛋白", 0.1, 1, "250IU 肌内注射"), True),
        (given("精蛋白人胰岛素", 10, 28, "10U 皮下注射 每日2次"), True),
    ],
)
def test_a_course_counts_while_it_can_be_running(prescribed: Prescribed, running: bool) -> None:
    assert bool(drugs_in_use([], [prescribed], real_knowledge(), NOW)) is running


def test_each_drug_stands_once_and_the_list_first() -> None:
    past = [given("氨氯地平", ago, 28) for ago in (1, 29, 57)] + [given("苯磺酸氨氯地平片", 3, 28)]
    assert drugs_in_use(["阿司匹林"], past, real_knowledge(), NOW) == ("阿司匹林", "氨氯地平")
    assert drugs_in_use(["氨氯地平片"], past, real_knowledge(), NOW) == ("氨氯地平片",)
