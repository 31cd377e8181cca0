"""The people of an invented mountain township: households of the old and of the children who were left with them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.identity import check_digit
from cunyi.domain.person import Programme, Relation
from cunyi.simulation.names import GROUPS, MEN, SURNAMES, WOMEN

TOWNSHIP = "360731101"
TOWNSHIP_NAME = "云岭镇"
_FIRST_VILLAGE = 201
_VILLAGE_NAMES = (
    "上坪", "下坪", "石壁", "竹源", "高排", "黄沙", "龙头", "水背", "枫树", "大坳", "半山", "茶亭", "松岗", "溪口", "油山",
    "马鞍", "桐坑", "梅子", "白石", "长滩",
)  # fmt: skip
# Born in a year, as a share of those born in a usual one: who is of working age has mostly gone to the towns.
_SHARES = ((0, 0.9), (6, 1.1), (15, 0.5), (22, 0.35), (35, 0.5), (45, 0.9), (55, 1.5), (65, 1.5), (75, 0.9), (85, 0.3))
_OLDEST = 97
_COUNTY = TOWNSHIP[:6]


class Resident(msgspec.Struct, kw_only=True):
    """One invented villager (虚构居民): what the village doctor types at registering, and how often they come.

    `leads` is the name of the household's head, whom the form finds the household by; empty for a head. `person` is the id
    that the node gave.
    """

    name: str
    sex: Sex
    birth_on: date
    identifier: str
    village: str
    group: str
    address: str
    phone: str
    relation: Relation
    head: Resident | None
    programmes: tuple[Programme, ...]
    guardian: tuple[str, str] | None
    person: str = ""
    household: str = ""

    def age_on(self, day: date) -> float:
        """Age in years."""
        return (day - self.birth_on).days / 365.25


def villages_of(clinics: int) -> dict[str, str]:
    """The villages, 12-digit code to name, one for each clinic."""
    return {
        f"{TOWNSHIP}{_FIRST_VILLAGE + number}": f"{_VILLAGE_NAMES[number % len(_VILLAGE_NAMES)]}{'' if number < len(_VILLAGE_NAMES) else number}村"
        for number in range(clinics)
    }


def residents_of(village: str, count: int, draw: random.Random, today: date) -> list[Resident]:
    """So many residents of a village, household after household, the head of each first."""
    found: list[Resident] = []
    serials: set[str] = set()
    while len(found) < count:
        found += list(_household(village, draw, today, serials))[: count - len(found)]
    return found


def _household(village: str, draw: random.Random, today: date, serials: set[str]) -> Iterator[Resident]:
    """A couple or one who is left of it, and with some of them grandchildren, grown children or an old parent."""
    surname, group = _surname(draw), draw.choice(GROUPS)
    address = f"{group}{draw.randint(1, 120)}号"
    age = _grown_age(draw)
    head_sex = Sex.MALE if draw.random() < 0.75 else Sex.FEMALE

    def somebody(name: str, sex: Sex, years: float, relation: Relation, head: Resident | None) -> Resident:
        years = min(max(years, 0.02), _OLDEST)
        born = today - timedelta(days=round(years * 365.25))
        guardian = (head.name, head.phone) if head is not None and years < 14 else None
        return Resident(
            name=name + draw.choice(MEN if sex is Sex.MALE else WOMEN), sex=sex, birth_on=born,
            identifier=_number(born, sex, draw, serials) if draw.random() < 0.97 else "",
            village=village, group=group, address=address,
            phone=f"1{draw.choice('3578')}{draw.randint(0, 999_999_999):09}" if years > 14 and draw.random() < 0.85 else "",
            relation=relation, head=head, programmes=_programmes(years, draw), guardian=guardian,
        )  # fmt: skip

    head = somebody(surname, head_sex, age, Relation.HEAD, None)
    yield head
    other = Sex.FEMALE if head_sex is Sex.MALE else Sex.MALE
    if draw.random() < (0.45 if age > 78 else 0.8):
        yield somebody(_surname(draw), other, age + draw.uniform(-6, 3), Relation.SPOUSE, head)
    if 48 < age < 80:
        # The parents work far away; the children stay.
        for _ in range(draw.choices((0, 1, 2, 3), (45, 28, 20, 7))[0]):
            yield somebody(surname, _either(draw), draw.uniform(0, 16), Relation.GRANDCHILD, head)
        if draw.random() < 0.3:
            yield somebody(surname, _either(draw), age - draw.uniform(22, 32), Relation.SON, head)
    elif age <= 48:
        for _ in range(draw.choices((0, 1, 2, 3), (20, 35, 35, 10))[0]):
            yield somebody(surname, _either(draw), draw.uniform(0, max(1.0, age - 21)), Relation.SON, head)
    if age < 66 and draw.random() < 0.25:
        yield somebody(surname, _either(draw), age + draw.uniform(21, 30), Relation.PARENT, head)


def _grown_age(draw: random.Random) -> float:
    starts = [start for start, _ in _SHARES if start >= 22]
    ends = [*starts[1:], 92]
    weights = [share * (end - start) for (start, share), end in zip(_SHARES[-len(starts) :], ends, strict=True)]
    chosen = draw.choices(range(len(starts)), weights)[0]
    return draw.uniform(starts[chosen], ends[chosen])


def _programmes(years: float, draw: random.Random) -> tuple[Programme, ...]:
    found = []
    if years >= 65:
        found.append(Programme.OLD_AGE)
    for programme, from_years, share in (
        (Programme.HYPERTENSION, 45, 0.35), (Programme.DIABETES, 45, 0.13), (Programme.COPD, 55, 0.08), (Programme.STROKE, 60, 0.05),
    ):  # fmt: skip
        if years >= from_years and draw.random() < share:
            found.append(programme)
    if years < 7:
        found.append(Programme.CHILD)
    return tuple(found)


def _number(born: date, sex: Sex, draw: random.Random, serials: set[str]) -> str:
    """A resident's number with a right check digit, that nobody else of the township has."""
    while True:
        serial = draw.randint(0, 499) * 2 + (sex is Sex.MALE)
        first17 = f"{_COUNTY}{born:%Y%m%d}{serial:03}"
        if first17 not in serials:
            serials.add(first17)
            return first17 + check_digit(first17)


def _surname(draw: random.Random) -> str:
    return draw.choices(list(SURNAMES), list(SURNAMES.values()))[0]


def _either(draw: random.Random) -> Sex:
    return Sex.MALE if draw.random() < 0.52 else Sex.FEMALE
