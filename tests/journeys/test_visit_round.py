"""The visit round, its queries on both databases: who is listed and why, once; in which order; what takes somebody off the list."""

from datetime import date, timedelta

import msgspec
import pytest
from clinic_day import NEXT_VILLAGE, VILLAGE, Desk, misfits
from sqlalchemy import insert

from cunyi.domain.account import Role
from cunyi.domain.audit import Action
from cunyi.domain.encounter import EncounterKind, ListKind, Measured
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.person import Person
from cunyi.domain.visit_round import PUT_OFF
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.journeys.merging_people import merge, preview_merge
from cunyi.journeys.visiting_round import Round, ToVisit, go_earlier, put_off, the_round, way_key
from cunyi.reasoning.prepared import Knowledge
from cunyi.store import schema
from cunyi.store.lists import entries_of
from cunyi.store.people import replace_person
from cunyi.store.township_schema import thread
from cunyi.store.visit_rounds import hamlet_ways


def round_of(desk: Desk, knowledge: Knowledge, village: str = "", by=None) -> Round:
    return the_round(desk.store, by or desk.account, knowledge, now=desk.clock().astimezone(), village=village)


def listed(found: Round) -> dict[str, ToVisit]:
    everybody = [*found.first, *(each for stop in found.stops for each in stop.people)]
    assert len({each.person.id for each in everybody}) == len(everybody) == found.number
    return {each.person.name: each for each in everybody}


def rules_of(each: ToVisit) -> list[str]:
    return [reason.rule for reason in each.reasons]


def measure(desk: Desk, person: Person, **values: float):
    return desk.see(
        person, "量血压", measured=tuple(Measured(item=item, value=value) for item, value in values.items())
    )


def plan(desk: Desk, person: Person, name: str, days: int) -> None:
    add_to_list(
        desk.store, desk.account, person.id, ListKind.PLAN,
        name=name, due_on=desk.today + timedelta(days=days), today=desk.today,
    )  # fmt: skip


def change(desk: Desk, person: Person, **fields) -> Person:
    with desk.store.writing(desk.account.id) as writing:
        writing.audit(Action.CHANGE_PERSON, person=person.id)
        return replace_person(writing, msgspec.structs.replace(person, **fields))


def open_thread(desk: Desk, person: Person, kind: str, state: str) -> None:
    with desk.store.writing(desk.account.id) as writing:
        writing.audit(Action.VIEW_RECORD, person=person.id)
        writing.connection.execute(
            insert(thread).values(
                organisation="360731", id=writing.new_id(), kind=kind, person_id=person.id, village_code=VILLAGE,
                state=state, closed=False, urgency=2, from_facility="a", to_facility="b", opened_at=desk.clock(),
                changed_at=desk.clock(), due_at=None, details=b"",
            )
        )  # fmt: skip


def test_each_reason_lists_who_it_is_for_and_nobody_else(desk: Desk, knowledge: Knowledge) -> None:
    young = desk.register("青年", birth_on="1990-01-01")
    desk.register("老人", birth_on="1950-01-01")
    seen = desk.register("看过的老人", birth_on="1950-01-01")
    bedridden = desk.register("卧床", birth_on="1975-01-01")
    desk.register("高血压", birth_on="1970-01-01", programmes="hypertension")
    desk.register("糖尿病", birth_on="1970-01-01", programmes="diabetes")
    back = desk.register("出院", birth_on="1980-01-01")
    mother = desk.register("产妇", birth_on="1995-01-01", sex="female")
    change(desk, desk.register("新生儿", birth_on="2026-02-20"), mother_id=mother.id)
    overdue = desk.register("逾期", birth_on="1980-01-01")
    grave = desk.register("血压高", birth_on="1980-01-01")
    alarm = desk.register("危急", birth_on="1980-01-01")
    add_to_list(
        desk.store, desk.account, bedridden.id, ListKind.PROBLEM, name="脑梗死后遗症，长期卧床", today=desk.today
    )
    plan(desk, overdue, "复查", 1)
    for person in (young, seen, grave):
        measure(desk, person, systolic_mmhg=190 if person is grave else 120, diastolic_mmhg=80)
    open_thread(desk, back, "referral", "returned")
    open_thread(desk, alarm, "critical_value", "notified")
    desk.pass_time(days=3)
    found = listed(round_of(desk, knowledge))
    assert {name: rules_of(each) for name, each in found.items()} == {
        "老人": ["old"],
        "卧床": ["bedridden"],
        "高血压": ["follow_up_missed"],
        "糖尿病": ["follow_up_missed"],
        "出院": ["returned_from_hospital"],
        "产妇": ["postpartum_first", "postpartum"],
        "新生儿": ["newborn_first", "newborn"],
        "逾期": ["overdue"],
        "血压高": ["grave_reading"],
        "危急": ["critical_value"],
    }
    reason = found["血压高"].reasons[0]
    assert (reason.item, reason.value, reason.days) == ("systolic_mmhg", 190, 3)
    assert [each.value for each in found["血压高"].readings] == [190, 80]
    assert found["逾期"].reasons[0].days == 2


def test_who_cannot_wait_comes_first_then_the_hamlets_in_the_order_of_the_way(kit: Desk, knowledge: Knowledge) -> None:
    for name, hamlet in (("甲", "十二组"), ("乙", "二组"), ("丙", "老屋组"), ("丁", ""), ("戊", "十组")):
        kit.register(name, birth_on="1950-01-01", villager_group=hamlet)
    grave = kit.register("急", birth_on="1950-01-01", villager_group="老屋组")
    measure(kit, grave, systolic_mmhg=200)
    kit.pass_time(days=2)
    found = round_of(kit, knowledge)
    assert [each.person.name for each in found.first] == ["急"]
    assert [(stop.hamlet, stop.here) for stop in found.stops] == [
        ("二组", 1),
        ("十组", 1),
        ("十二组", 1),
        ("老屋组", 2),
        ("", 1),
    ]
    go_earlier(kit.store, kit.account, VILLAGE, "老屋组", before="十组")
    assert [stop.hamlet for stop in round_of(kit, knowledge).stops] == ["二组", "老屋组", "十组", "十二组", ""]
    with kit.store.reading() as connection:
        ways = hamlet_ways(connection, "360731")
    assert way_key(ways, VILLAGE, "二组") < way_key(ways, VILLAGE, "老屋组")
    with pytest.raises(UserError, match="没有这个村民小组"):
        go_earlier(kit.store, kit.account, VILLAGE, "没有的组", before="二组")
    with pytest.raises(UserError, match="不在您负责的村里"):
        go_earlier(kit.store, kit.account, "360731999999", "二组", before="十组")


def test_a_signed_visit_takes_somebody_off_the_list_a_call_does_not(kit: Desk, knowledge: Knowledge) -> None:
    old = kit.register("老人", birth_on="1950-01-01")
    kit.see(old, "电话问候", kind=EncounterKind.PHONE)
    assert rules_of(listed(round_of(kit, knowledge))["老人"]) == ["old"]
    kit.pass_time(hours=1)
    kit.see(old, "上门看", kind=EncounterKind.HOME_VISIT)
    after = round_of(kit, knowledge)
    assert after.number == 0
    assert [each.person.name for each in after.visited] == ["老人"]
    kit.pass_time(days=10)
    assert round_of(kit, knowledge).visited == []


def test_a_follow_up_that_was_kept_is_seen_and_no_longer_due(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("随访", birth_on="1980-01-01")
    plan(desk, person, "高血压随访", 0)
    assert rules_of(listed(round_of(desk, knowledge))["随访"]) == ["due"]
    desk.see(person, "高血压随访")
    after = round_of(desk, knowledge)
    assert after.number == 0 and [each.person.id for each in after.visited] == [person.id]


def test_a_bad_reading_is_forgotten_only_when_a_better_one_was_taken(kit: Desk, knowledge: Knowledge) -> None:
    person = kit.register("血压高", birth_on="1980-01-01")
    measure(kit, person, systolic_mmhg=190)
    assert round_of(kit, knowledge).number == 0, "seen today"
    kit.pass_time(days=20)
    assert rules_of(listed(round_of(kit, knowledge))["血压高"]) == ["grave_reading_before"]
    measure(kit, person, systolic_mmhg=130)
    kit.pass_time(days=2)
    assert round_of(kit, knowledge).number == 0


def test_a_reading_is_judged_by_age(kit: Desk, knowledge: Knowledge) -> None:
    child, grown = kit.register("孩子", birth_on="2023-01-01"), kit.register("大人", birth_on="1980-01-01")
    for person in (child, grown):
        measure(kit, person, systolic_mmhg=135)
    kit.pass_time(days=2)
    assert list(listed(round_of(kit, knowledge))) == ["孩子"]


def test_putting_off_needs_a_reason_has_a_limit_and_ends(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("老人", birth_on="1950-01-01")
    now = desk.clock().astimezone()

    def off(until: date | None, why: str = "路不通"):
        return put_off(desk.store, desk.account, knowledge, person.id, until=until, why=why, now=now)

    for until, why, message in (
        (desk.today + timedelta(days=5), " ", "为什么推迟"),
        (desk.today + timedelta(days=5), "长" * 101, "最多 100 字"),
        (None, "路不通", "推迟到哪一天"),
        (desk.today, "路不通", "今天以后"),
        (desk.today + timedelta(days=31), "路不通", "最多推迟 30 天"),
    ):
        with pytest.raises(UserError) as refused:
            off(until, why)
        assert message in refused.value.told(lambda words: words)
    off(desk.today + timedelta(days=9), "家里没有人")
    off(desk.today + timedelta(days=5))
    found = round_of(desk, knowledge)
    assert found.number == 0
    assert [(each.person.name, each.put_off.detail) for each in found.put_off if each.put_off] == [("老人", "路不通")]
    with desk.store.reading() as connection:
        kept = [each for each in entries_of(connection, "360731", [person.id]) if each.code == PUT_OFF]
    assert len(kept) == 1 and kept[0].due_on == desk.today + timedelta(days=5)
    desk.pass_time(days=5)
    assert rules_of(listed(round_of(desk, knowledge))["老人"]) == ["due", "old"]
    assert misfits(desk.store, desk.folder) == []


def test_what_is_urgent_can_be_put_off_by_a_day_only_and_something_newer_brings_it_back(
    kit: Desk, knowledge: Knowledge
) -> None:
    person = kit.register("老人", birth_on="1950-01-01")
    put_off(
        kit.store, kit.account, knowledge, person.id,
        until=kit.today + timedelta(days=20), why="外出", now=kit.clock().astimezone(),
    )  # fmt: skip
    kit.pass_time(days=2)
    open_thread(kit, person, "critical_value", "notified")
    found = round_of(kit, knowledge)
    assert [each.person.id for each in found.first] == [person.id] and found.put_off == []
    with pytest.raises(UserError, match="最多推迟"):
        put_off(
            kit.store, kit.account, knowledge, person.id,
            until=kit.today + timedelta(days=2), why="路不通", now=kit.clock().astimezone(),
        )  # fmt: skip


def test_a_merged_record_counts_for_the_one_in_use(desk: Desk, knowledge: Knowledge) -> None:
    kept, double = desk.register("老人", birth_on="1950-01-01"), desk.register("老人", birth_on="1950-01-01")
    measure(desk, double, systolic_mmhg=195)
    desk.pass_time(days=2)
    merge(desk.store, desk.account, preview_merge(desk.store, desk.account, kept.id, double.id), reason="同一人")
    found = listed(round_of(desk, knowledge))
    assert found["老人"].person.id == kept.id and rules_of(found["老人"]) == ["grave_reading"]


def test_only_the_villages_of_the_account_and_what_it_may_see(kit: Desk, knowledge: Knowledge) -> None:
    kit.register("本村", birth_on="1950-01-01")
    kit.register("下坪", birth_on="1950-01-01", village_code=NEXT_VILLAGE)
    ill = kit.register("肺病", birth_on="1990-01-01", programmes="tuberculosis")
    doctor, nurse = kit.colleague("wang"), kit.colleague("hu", role=Role.NURSE)
    assert set(listed(round_of(kit, knowledge, by=doctor))) == {"本村", "肺病"}
    assert set(listed(round_of(kit, knowledge, by=nurse))) == {"本村"}
    assert set(listed(round_of(kit, knowledge, village=NEXT_VILLAGE))) == {"下坪"}
    assert round_of(kit, knowledge, by=doctor, village=NEXT_VILLAGE).village == ""
    with pytest.raises(NotAllowedError):
        round_of(kit, knowledge, by=kit.colleague("admin", role=Role.ADMINISTRATOR))
    assert round_of(kit, knowledge, by=kit.colleague("fern", areas=())).number == 0
    change(kit, ill, status="died")
    assert set(listed(round_of(kit, knowledge, by=doctor))) == {"本村"}


def test_looking_at_the_round_is_in_the_log_without_a_name(kit: Desk, knowledge: Knowledge) -> None:
    kit.register("老人", birth_on="1950-01-01")
    round_of(kit, knowledge)
    with kit.store.reading() as connection:
        last = connection.execute(schema.audit_entry.select().order_by(schema.audit_entry.c.sequence.desc())).first()
    assert last is not None and (last.action, last.person, last.detail) == ("view_round", None, "巡诊单")


def test_a_large_area_is_gone_village_by_village_and_a_hamlet_can_be_shown_alone(
    kit: Desk, knowledge: Knowledge
) -> None:
    for name, hamlet in (("甲", "一组"), ("乙", "一组"), ("丙", "二组")):
        kit.register(name, birth_on="1950-01-01", villager_group=hamlet)
    kit.register("丁", birth_on="1950-01-01", village_code=NEXT_VILLAGE)
    rules = knowledge.content.visit_rounds
    assert rules is not None
    small = msgspec.structs.replace(
        knowledge,
        content=msgspec.structs.replace(
            knowledge.content, visit_rounds=msgspec.structs.replace(rules, most_residents=3, first_shown=1)
        ),
    )
    first = round_of(kit, small)
    assert (first.village, set(listed(first))) == (VILLAGE, {"甲", "乙", "丙"})
    assert list(first.villages) == [VILLAGE, NEXT_VILLAGE]
    assert set(listed(round_of(kit, small, NEXT_VILLAGE))) == {"丁"}
    alone = the_round(kit.store, kit.account, small, now=kit.clock().astimezone(), village=VILLAGE, hamlet="一组")
    assert [(stop.hamlet, len(stop.people)) for stop in alone.stops] == [("一组", 2)]
