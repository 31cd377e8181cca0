"""The visit round: who is to be visited this week and why, hamlet by hamlet; putting a visit off; the way along the hamlets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.encounter import ListEntry, ListKind
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person
from cunyi.domain.visit_round import PUT_OFF, LastReading, PlannedVisit, VisitReason, VisitUrgency
from cunyi.journeys.access import person_for, require
from cunyi.knowledge.visit_rounds import VisitRules
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.visiting import RoundRules
from cunyi.store.lists import add_entry, entries_of, replace_entry
from cunyi.store.nodes import villages
from cunyi.store.people import persons_by_id, same_person
from cunyi.store.unit import Store
from cunyi.store.visit_rounds import Neighbourhood, Resident, count_residents, hamlet_ways, keep_way, seen_lately

_LONGEST_WHY = 100
_NUMERALS = "〇一二三四五六七八九"
_NUMBER = re.compile(r"\d+|[〇零一二三四五六七八九十]+")
_NAME = "巡诊"


class ToVisit(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to be visited (巡诊对象), once, with every reason; the gravest first. `put_off` where the visit was put off."""

    person: Person
    hamlet: str
    reasons: list[VisitReason]
    readings: list[LastReading]
    last_seen: date | None
    put_off: PlannedVisit | None

    @property
    def where(self) -> str:
        """Hamlet and address, which often begins with the hamlet itself."""
        address = self.person.address
        return address if address.startswith(self.hamlet) else f"{self.hamlet} {address}".strip()

    @property
    def urgency(self) -> VisitUrgency:
        """That of the gravest reason."""
        return self.reasons[0].urgency


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A hamlet on the way (一站), with those to be visited there, the gravest first. `here` counts those of the whole list in it."""

    village_code: str
    village: str
    hamlet: str
    people: list[ToVisit]
    here: int


class Visited(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was seen lately (已看)."""

    person: Person
    at: datetime


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """The list of a week (巡诊单). `first` are those who cannot wait until the way leads to them; they are not repeated at their stop.

    `villages` are those of the account with their number of residents; `village` the one that is shown, empty for all
    of them, `hamlet` the one that is shown alone.
    """

    on: date
    first: list[ToVisit]
    stops: list[Stop]
    put_off: list[ToVisit]
    visited: list[Visited]
    villages: dict[str, str]
    village: str
    hamlet: str | None

    @property
    def number(self) -> int:
        """How many are to be visited."""
        return len(self.first) + sum(len(stop.people) for stop in self.stops)


def rules_of(knowledge: Knowledge) -> VisitRules:
    """The rules of visit rounds; UserError where the knowledge base was built without them."""
    rules = knowledge.content.visit_rounds
    if rules is None:
        raise UserError("知识库里没有巡诊规则；请重新生成知识库（cunyi knowledge build）", field="knowledge")
    return rules


def the_round(
    store: Store,
    by: Account,
    knowledge: Knowledge,
    *,
    now: datetime,
    village: str = "",
    hamlet: str | None = None,
    printed: bool = False,
) -> Round:
    """The list of the account's villages, of one of them or of one hamlet, and a line in the audit log that it was seen.

    `now` is local time. Of a long list only those have their last readings whom the page shows at first: nobody is left out
    where it is `printed` or of one `hamlet`.
    """
    require(by, Permission.READ_RECORD)
    rules = rules_of(knowledge)
    with store.writing(by.id) as writing:
        writing.audit(Action.PRINT if printed else Action.VIEW_ROUND, detail="巡诊单")
    with store.reading() as connection:
        known = villages(connection, by.organisation)
        numbers = count_residents(connection, by.organisation, by.areas) if by.areas else {}
        if village not in numbers:
            # So many people are not read at once: the round is gone village by village.
            village = next(iter(numbers), "") if sum(numbers.values()) > rules.most_residents else ""
        areas = (village,) if village else by.areas
        names = {code: known.get(code, code) for code in numbers}
        if not numbers:
            return Round(
                on=now.date(), first=[], stops=[], put_off=[], visited=[], villages=names, village="", hamlet=None
            )
        prepared = RoundRules(rules, knowledge, now.date(), sensitive=by.may(Permission.SEE_SENSITIVE))
        around = Neighbourhood(connection, by.organisation, areas, today=now.date())
        _look_at_readings(around, prepared, now)
        listed = [(each, reasons) for each in around.people if (reasons := prepared.reasons_of(each.standing))]
        if hamlet is not None:
            listed = [(each, reasons) for each, reasons in listed if each.hamlet == hamlet]
        persons = persons_by_id(connection, by.organisation, [each.person_id for each, _ in listed])
        listed = _by_gravity(listed, persons, rules)
        at_first = listed if printed or hamlet is not None else _shown_at_first(listed, rules.first_shown)
        around.add_readings([each.standing for each, _ in at_first], rules.readings_shown)
        shown = [_to_visit(each, reasons, persons) for each, reasons in listed]
        seen = seen_lately(connection, by.organisation, areas, _days_before(now, rules.done_days))
        persons |= persons_by_id(connection, by.organisation, list(seen))
        ways = hamlet_ways(connection, by.organisation)
    waiting = [each for each in shown if each.put_off is None]
    first = [each for each in waiting if each.urgency is VisitUrgency.TODAY]
    return Round(
        on=now.date(),
        first=first,
        stops=_stops(waiting, ways, known),
        put_off=[each for each in shown if each.put_off is not None],
        visited=[Visited(person=persons[key], at=at) for key, at in sorted(seen.items(), key=lambda one: one[1])],
        villages=names,
        village=village,
        hamlet=hamlet,
    )


def put_off(
    store: Store, by: Account, knowledge: Knowledge, person_id: str, *, until: date | None, why: str, now: datetime
) -> ListEntry:
    """Puts somebody's visit off to a day, with why: a planned visit in their record. UserError where that is too long to wait."""
    require(by, Permission.WRITE_DRAFT)
    rules, today, why = rules_of(knowledge), now.date(), why.strip()
    if not why:
        raise UserError("请写明为什么推迟，如“家里没有人”“路不通”", field="why")
    if len(why) > _LONGEST_WHY:
        raise UserError("推迟的原因最多 {longest} 字；请写短些", field="why", longest=_LONGEST_WHY)
    if until is None:
        raise UserError("请选择推迟到哪一天", field="until")
    if until <= today:
        raise UserError("推迟到的日期要在今天以后；请重新选择", field="until")
    prepared = RoundRules(rules, knowledge, today, sensitive=by.may(Permission.SEE_SENSITIVE))
    with store.writing(by.id) as writing:
        person = person_for(writing.connection, by, person_id)
        around = Neighbourhood(
            writing.connection, by.organisation, (person.village_code,), today=today, person_id=person.id
        )
        standings = [each.standing for each in around.people]
        around.add_readings(standings, sorted(prepared.items))
        reasons = prepared.reasons_of(standings[0]) if standings else []
        if not reasons:
            raise UserError("这位居民已经不在巡诊单上；请刷新巡诊单", field="person")
        longest = rules.put_off.longest_days[reasons[0].urgency]
        if until > today + timedelta(days=longest):
            raise UserError(
                "这位“{urgency}”，最多推迟 {longest} 天；去不了请转给同事或请卫生院派人",
                field="until",
                urgency=rules.urgencies[reasons[0].urgency].name,
                urgency_en=rules.urgencies[reasons[0].urgency].name_en,
                longest=longest,
            )
        entries = entries_of(
            writing.connection, by.organisation, same_person(writing.connection, by.organisation, person.id)
        )
        known = next((each for each in entries if each.kind is ListKind.PLAN and each.code == PUT_OFF), None)
        if known is not None:
            entry = replace_entry(writing, msgspec.structs.replace(known, due_on=until, detail=why, since_on=today))
        else:
            entry = ListEntry(
                id=writing.new_id(),
                organisation=by.organisation,
                person_id=person.id,
                kind=ListKind.PLAN,
                name=_NAME,
                code=PUT_OFF,
                detail=why,
                since_on=today,
                due_on=until,
            )
            add_entry(writing, entry)
        writing.audit(Action.CHANGE_LIST, person=person.id, subject=entry.id, detail="推迟巡诊")
    return entry


def go_earlier(store: Store, by: Account, village_code: str, hamlet: str, *, before: str) -> None:
    """Puts a hamlet before another one on the way through their village."""
    require(by, Permission.WRITE_DRAFT)
    if not by.looks_after(village_code):
        raise UserError("这个村不在您负责的村里；请从巡诊单上选择", field="village")
    with store.writing(by.id) as writing:
        ways = hamlet_ways(writing.connection, by.organisation)
        around = Neighbourhood(writing.connection, by.organisation, (village_code,), today=store.clock().date())
        names = sorted({each.hamlet for each in around.people}, key=lambda name: way_key(ways, village_code, name))
        if hamlet not in names or before not in names or hamlet == before:
            raise UserError("没有这个村民小组；请刷新巡诊单", field="hamlet")
        names.remove(hamlet)
        names.insert(names.index(before), hamlet)
        keep_way(writing, village_code, names)
        writing.audit(Action.CHANGE_ROUND, detail="村民小组的先后")


def way_key(ways: dict[tuple[str, str], int], village_code: str, hamlet: str) -> tuple[int, int, int, str]:
    """Where a hamlet comes on the way: as somebody set it, else by its number, else by its name; those without a name last."""
    return (ways.get((village_code, hamlet), len(ways)), not hamlet, _number(hamlet), hamlet)


def _number(hamlet: str) -> int:
    found = _NUMBER.search(hamlet)
    if found is None:
        return 1000
    words = found.group().replace("零", "〇")
    if words.isdigit():
        return int(words)
    tens, ten, ones = words.rpartition("十")
    if not ten:
        return int("".join(str(_NUMERALS.index(each)) for each in words))
    return (_NUMERALS.index(tens[-1]) if tens and tens[-1] in _NUMERALS else 1) * 10 + (
        _NUMERALS.index(ones[0]) if ones else 0
    )


def _days_before(now: datetime, days: int) -> datetime:
    """The beginning of the day so many days ago."""
    return (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _look_at_readings(around: Neighbourhood, prepared: RoundRules, now: datetime) -> None:
    """Puts the readings to those for whom one may be a reason: a few of thousands."""
    by_days: dict[float, list[str]] = {}
    for item, days in sorted(prepared.items.items()):
        by_days.setdefault(days, []).append(item)
    wanted = {}
    for days, items in by_days.items():
        since = None if days == float("inf") else now - timedelta(days=days + 1)
        for standing, item, value in around.last_values(items, since=since):
            if prepared.may_matter(standing, item, value):
                wanted[id(standing)] = standing
    around.add_readings(list(wanted.values()), sorted(prepared.items))


Listed = list[tuple[Resident, list[VisitReason]]]


def _by_gravity(listed: Listed, persons: Mapping[str, Person], rules: VisitRules) -> Listed:
    """By urgency, then by the order of the rules, then the more reasons; a household together."""
    order = {rule.id: place for place, rule in enumerate(rules.rules)}

    def gravity(one: tuple[Resident, list[VisitReason]]) -> tuple[int, int, int, str, str]:
        resident, reasons = one
        household = persons[resident.person_id].household_id or resident.person_id
        return (reasons[0].urgency.rank, order[reasons[0].rule], -len(reasons), household, resident.name_key)

    return sorted(listed, key=gravity)


def _shown_at_first(listed: Listed, most: int) -> Listed:
    """Whom a page shows without being asked for more: those who cannot wait, and the first of every hamlet."""
    shown: Listed = []
    number: dict[tuple[str, str], int] = {}
    for resident, reasons in listed:
        place = (resident.village_code, resident.hamlet)
        waits = reasons[0].urgency is not VisitUrgency.TODAY and _put_off(resident, reasons) is None
        number[place] = number.get(place, 0) + waits
        if not waits or number[place] <= most:
            shown.append((resident, reasons))
    return shown


def _to_visit(resident: Resident, reasons: list[VisitReason], persons: Mapping[str, Person]) -> ToVisit:
    return ToVisit(
        person=persons[resident.person_id],
        hamlet=resident.hamlet,
        reasons=reasons,
        readings=resident.standing.readings,
        last_seen=resident.standing.last_seen,
        put_off=_put_off(resident, reasons),
    )


def _put_off(resident: Resident, reasons: Sequence[VisitReason]) -> PlannedVisit | None:
    """The day that the visit was put off to, while it holds: not once they were seen, nor where something urgent is newer."""
    seen = resident.standing.last_seen
    for plan in resident.standing.plans:
        if not plan.put_off or plan.since_on is None or (seen is not None and seen > plan.since_on):
            continue
        newer = any(
            each.urgency is VisitUrgency.TODAY and each.on is not None and each.on > plan.since_on for each in reasons
        )
        own = [each for each in reasons if each.words == _NAME and each.on == plan.due_on]
        if not newer and not (own and own[0].days is not None and own[0].days >= 0):
            return plan
    return None


def _stops(waiting: Sequence[ToVisit], ways: dict[tuple[str, str], int], known: dict[str, str]) -> list[Stop]:
    by_hamlet: dict[tuple[str, str], list[ToVisit]] = {}
    for each in waiting:
        by_hamlet.setdefault((each.person.village_code, each.hamlet), []).append(each)
    return [
        Stop(
            village_code=code,
            village=known.get(code, code),
            hamlet=hamlet,
            people=[each for each in by_hamlet[code, hamlet] if each.urgency is not VisitUrgency.TODAY],
            here=len(by_hamlet[code, hamlet]),
        )
        for code, hamlet in sorted(by_hamlet, key=lambda key: (key[0], way_key(ways, *key)))
    ]
