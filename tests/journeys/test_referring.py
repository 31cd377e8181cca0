"""Referring and answering over two nodes: the slip from the record, the loop, lateness, closed places, what came of it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from clinic_day import encounter
from node_for_tests import PASSWORD
from referrals_for_tests import CLINIC, COUNTY, FACILITIES, TOWNSHIP, carry, register_facilities, two_nodes

from cunyi.domain.account import Role
from cunyi.domain.encounter import Diagnosis, ListKind, Measured
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.domain.prescription import PrescriptionLine
from cunyi.domain.referral import (
    HomePlan,
    PlannedCheck,
    ReferralContent,
    ReferralDirection,
    ReferralPlace,
    ReferralReturn,
    ReferralUrgency,
)
from cunyi.domain.referral import ReferralStep as Step
from cunyi.domain.referral_comparing import Match
from cunyi.journeys.consulting import begin_draft, sign
from cunyi.journeys.escalating import escalate_overdue
from cunyi.journeys.filling_slip import SlipGround, fill_slip
from cunyi.journeys.hub_home import open_hub_home
from cunyi.journeys.opening_record import open_record
from cunyi.journeys.referral_lists import Pile, counts_of, my_referrals, referrals_about, whom_to_ring
from cunyi.journeys.referral_statistics import referral_statistics
from cunyi.journeys.referring import open_referral, send_referral, write_step
from cunyi.reasoning.assess import assess
from cunyi.reasoning.choosing_facility import Merit

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PNEUMONIA = Diagnosis(name="社区获得性肺炎", icd10="J18.9", disease="pneumonia")


@pytest.fixture
def nodes(tmp_path):
    with two_nodes(tmp_path) as (village, township):
        village.clock.at = NOON
        yield village, township


def filled(node, person, mini, *, ground=None, direction=ReferralDirection.UP):
    now = node.clock()
    record = open_record(node.store, node.account, person.id, today=now.date(), reason="转诊")
    return fill_slip(node.store, node.account, record, ground or SlipGround(), mini, direction=direction, now=now)


def slip(node, person, mini, **changes):
    proposed = filled(node, person, mini).slip
    values = {
        "place": ReferralPlace(facility=TOWNSHIP, name="坪山镇卫生院", department="内科"),
        "reason": "发热咳嗽三天不退",
        "complaint": "咳嗽发热3天",
        "urgency": ReferralUrgency.SOON,
        "diagnoses": (Diagnosis(name="普通感冒", icd10="J00"),),
    }
    return msgspec.structs.replace(proposed, **{**values, **changes})


def sent(node, mini, name="周大福", **changes):
    person = node.register(name, phone="13900000001")
    thread = send_referral(node.store, node.account, person.id, slip(node, person, mini, **changes), mini)
    return person, thread


def step(node, mini, thread, kind, **content):
    today = node.clock().date()
    return write_step(node.store, node.account, thread, kind, ReferralContent(**content), mini, today=today)


def piles(node, mini):
    return [each.pile for each in my_referrals(node.store, node.account, mini, node.clock())]


def test_the_slip_is_filled_from_a_signed_encounter(nodes, mini):
    village, _ = nodes
    person = village.register("周大福", phone="13900000001", address="12号")
    draft = begin_draft(village.store, village.account, person.id, {})
    told = encounter(
        "胸痛1小时",
        occurred_at=NOON,
        texts={"chief_complaint": "胸痛1小时", "past_history": "高血压", "physical_examination": "大汗"},
        measured=(Measured(item="systolic_mmhg", value=162.0, unit="mmHg", at=NOON, by="李建国"),),
        prescription=(PrescriptionLine(drug="阿司匹林", dose="300mg", route="嚼服", frequency="一次"),),
    )
    proposed = assess({"id": "", "chief_complaint": "胸痛1小时"}, mini)
    record = sign(village.store, village.account, draft.id, told, [], proposed=proposed, now=village.clock())
    ground = SlipGround(encounter=record.encounter, record=record.id)
    found = filled(village, person, mini, ground=ground)
    assert (found.slip.complaint, found.slip.findings, found.slip.record) == ("胸痛1小时", "大汗", record.id)
    assert "收缩压 162 mmHg" in found.slip.results and found.slip.diagnoses[0].name == "上呼吸道感染"
    assert "阿司匹林" in found.slip.treatment and found.slip.patient_phone == "13900000001"
    assert found.slip.thought.differential and found.slip.thought.knowledge_version == mini.version
    assert "12号" in found.slip.patient_address


def test_a_place_is_proposed_for_its_department_and_a_closed_one_is_not(nodes, mini):
    village, _ = nodes
    person = village.register("周大福")
    assert [each.facility.code for each in filled(village, person, mini).places] == [TOWNSHIP, COUNTY]
    register_facilities(village.store, msgspec.structs.replace(FACILITIES[1], open=False, closed_reason="停电"))
    assert [each.facility.code for each in filled(village, person, mini).places] == [COUNTY]
    with pytest.raises(InvalidFormError) as refused:
        send_referral(village.store, village.account, person.id, slip(village, person, mini), mini)
    assert refused.value.errors[0].field == "place" and "停诊" in refused.value.message
    with pytest.raises(InvalidFormError):
        send_referral(
            village.store, village.account, person.id, slip(village, person, mini, reason=" ", complaint=""), mini
        )
    assert referrals_about(village.store, village.account, person.id) == []


def test_the_whole_loop_between_two_nodes(nodes, mini):
    village, township = nodes
    person, thread = sent(village, mini)
    assert piles(village, mini) == [Pile.THEIRS]
    carry(village.store, township.store)
    assert piles(township, mini) == [Pile.MINE]
    step(township, mini, thread, Step.ACCEPT, words="今天来", come_at="今天下午内科门诊")
    step(township, mini, thread, Step.ARRIVE)
    step(township, mini, thread, Step.ADMIT)
    check = PlannedCheck(on=NOON.date() + timedelta(days=7), what="复查胸片")
    back = ReferralReturn(diagnoses=(PNEUMONIA,), treatment="抗感染", home=HomePlan(plan="继续口服", checks=(check,)))
    step(township, mini, thread, Step.RETURN, returned=back)
    carry(township.store, village.store)
    opened = open_referral(village.store, village.account, thread)
    assert opened.referral.state == "returned" and piles(village, mini) == [Pile.MINE]
    step(village, mini, thread, Step.FOLLOW_UP, words="不烧了")
    record = open_record(village.store, village.account, person.id, today=NOON.date())
    assert [(plan.name, plan.due_on) for plan in record.plans] == [("复查胸片", check.on)]
    step(village, mini, thread, Step.CLOSE)
    carry(village.store, township.store)
    for node in nodes:
        assert open_referral(node.store, node.account, thread).referral.state == "closed"
        assert my_referrals(node.store, node.account, mini, NOON) == []


def test_nobody_else_sees_or_answers(nodes, mini):
    village, township = nodes
    person, thread = sent(village, mini)
    carry(village.store, township.store)
    with pytest.raises(UserError):
        step(village, mini, thread, Step.RECEIVE)
    nurse = village.seat.add_account(
        "system", login="hu", name="护士", role=Role.NURSE, password=PASSWORD, areas=("360731101201",)
    )
    assert open_referral(village.store, nurse, thread).steps == ()
    with pytest.raises(NotAllowedError):
        send_referral(village.store, nurse, person.id, slip(village, person, mini), mini)
    stranger = township.seat.add_account(
        "system", login="wai", name="外人", role=Role.VILLAGE_DOCTOR, password=PASSWORD, areas=("360731999",)
    )
    stranger = msgspec.structs.replace(stranger, facility="elsewhere")
    with pytest.raises(NotAllowedError):
        open_referral(township.store, stranger, thread)


def test_what_nobody_answers_is_late_on_both_sides_and_says_whom_to_ring(nodes, mini):
    village, township = nodes
    _, thread = sent(village, mini, urgency=ReferralUrgency.EMERGENCY)
    carry(village.store, township.store)
    limit = mini.content.referral_loop.limits["requested"][ReferralUrgency.EMERGENCY]
    rung = []
    for times in (1, 2, 3):
        village.clock.at = NOON + timedelta(minutes=times * limit, seconds=1)
        for node in nodes:
            (line,) = my_referrals(node.store, node.account, mini, node.clock())
            assert line.late is not None and counts_of([line]).late == 1
            # Who is to answer is not told to ring itself up.
            assert (line.reminder is None) == (node is township)
        referral = open_referral(village.store, village.account, thread).referral
        rung.append(whom_to_ring(village.store, village.account, referral, mini, village.clock())[0])
    assert [(each.reminder.whom, each.phone) for each in rung] == [
        ("receiver", "07970001"),
        ("emergency", "07970120"),
        # The township is the one who is silent: whoever stands above both is asked.
        ("manager", "07971000"),
    ]


def test_a_call_is_shown_with_when_to_try_again(nodes, mini):
    village, _ = nodes
    _, thread = sent(village, mini, urgency=ReferralUrgency.SOON)
    loop = mini.content.referral_loop
    village.clock.at = NOON + timedelta(minutes=loop.limits["requested"][ReferralUrgency.SOON] + 1)
    (line,) = my_referrals(village.store, village.account, mini, village.clock())
    assert line.again_at is None and line.reminder.whom == "receiver"
    step(village, mini, thread, Step.CALL, called="内科", words="没人接")
    again = village.clock() + timedelta(minutes=loop.call_again[ReferralUrgency.SOON])
    (line,) = my_referrals(village.store, village.account, mini, village.clock())
    assert line.again_at == again
    step(village, mini, thread, Step.ACCEPT, told_by="内科来电", come_at="明早八点")
    assert open_referral(village.store, village.account, thread).referral.last_call is None


def test_whoever_coordinates_is_told_by_the_program_once_until_somebody_acts(nodes, mini):
    village, hub = nodes
    loop = mini.content.referral_loop
    _, thread = sent(
        village, mini, urgency=ReferralUrgency.SOON, place=ReferralPlace(facility=COUNTY, name="县人民医院")
    )
    carry(village.store, hub.store)
    told = next(each.times for each in loop.reminders if each.whom == "manager" and "requested" in each.states)
    limit = timedelta(minutes=loop.limits["requested"][ReferralUrgency.SOON])
    village.clock.at = NOON + (told * limit) - timedelta(seconds=1)
    assert escalate_overdue(hub.store, hub.clock(), loop) == 0
    assert my_referrals(hub.store, hub.account, mini, hub.clock()) == []
    village.clock.at = NOON + (told * limit)
    assert escalate_overdue(hub.store, hub.clock(), loop) == 1
    assert escalate_overdue(hub.store, hub.clock(), loop) == 0, "once for each step that nobody takes"
    (line,) = my_referrals(hub.store, hub.account, mini, hub.clock())
    assert line.pile is Pile.COORDINATE and line.late == (told - 1) * limit and line.reminder.whom == "receiver"
    assert counts_of([line]).mine == 1
    opened = open_referral(hub.store, hub.account, thread)
    assert opened.steps == (Step.CALL, Step.SAY) and opened.referral.state == "requested"
    last = opened.referral.events[-1]
    assert (last.note.author.role, last.content.to_facility, last.counted) == ("program", TOWNSHIP, False)
    step(hub, mini, thread, Step.CALL, called="县医院内科", words="答应今天收")
    carry(hub.store, village.store)
    assert open_referral(village.store, village.account, thread).referral.escalated
    step(village, mini, thread, Step.ACCEPT, told_by="县医院内科赖医生")
    carry(village.store, hub.store)
    assert my_referrals(hub.store, hub.account, mini, hub.clock()) == []
    assert not open_referral(hub.store, hub.account, thread).referral.escalated


def test_the_county_is_told_where_the_township_does_not_answer(nodes, mini):
    village, hub = nodes
    loop = mini.content.referral_loop
    _, thread = sent(village, mini, urgency=ReferralUrgency.EMERGENCY)
    carry(village.store, hub.store)
    village.clock.at = NOON + timedelta(days=1)
    assert escalate_overdue(hub.store, hub.clock(), loop) == 1
    referral = open_referral(hub.store, hub.account, thread).referral
    assert referral.coordinators == {COUNTY}
    surgeon = hub.seat.add_account(
        "system", login="xian", name="县医生", role=Role.TOWNSHIP_DOCTOR, password=PASSWORD, areas=("360731",)
    )
    surgeon = msgspec.structs.replace(surgeon, facility=COUNTY)
    assert [each.pile for each in my_referrals(hub.store, surgeon, mini, hub.clock())] == [Pile.COORDINATE]
    home = open_hub_home(hub.store, surgeon, hub.clock())
    assert [line.thread.id for line in home.lines["referral"]] == [thread]


def test_only_the_program_tells_a_coordinator(nodes, mini):
    village, _ = nodes
    _, thread = sent(village, mini)
    with pytest.raises(UserError):
        step(village, mini, thread, Step.ESCALATE, to_facility=COUNTY, to_name="县人民医院")


def test_a_place_that_closed_meanwhile_is_told_with_others_to_choose(nodes, mini):
    village, _ = nodes
    person, thread = sent(village, mini)
    register_facilities(village.store, msgspec.structs.replace(FACILITIES[1], open=False, closed_reason="装修"))
    (line,) = my_referrals(village.store, village.account, mini, NOON)
    assert line.place_closed and line.pile is Pile.MINE
    opened = open_referral(village.store, village.account, thread)
    assert opened.place_closed == "装修" and Step.REDIRECT in opened.steps
    step(village, mini, thread, Step.REDIRECT, place=ReferralPlace(facility=COUNTY, name="县人民医院"))
    assert open_referral(village.store, village.account, thread).place_closed == ""
    assert referrals_about(village.store, village.account, person.id)[0].to_facility == COUNTY


def test_both_answered_while_apart_ends_the_same_everywhere(nodes, mini):
    village, township = nodes
    _, thread = sent(village, mini)
    carry(village.store, township.store)
    step(township, mini, thread, Step.ACCEPT, come_at="现在就来，内科")
    step(village, mini, thread, Step.DECLINE, words="说没有床", told_by="前台电话")
    carry(village.store, township.store)
    carry(township.store, village.store)
    states = [open_referral(node.store, node.account, thread).referral for node in nodes]
    assert states[0] == states[1] and states[0].state == "accepted" and states[0].disputed


def test_home_again_makes_planned_visits(nodes, mini):
    village, township = nodes
    person = village.register("周大福")
    carry(village.store, township.store)
    check = PlannedCheck(on=NOON.date() + timedelta(days=14), what="量血压")
    down = msgspec.structs.replace(
        filled(township, person, mini, direction=ReferralDirection.DOWN).slip,
        place=ReferralPlace(facility=CLINIC, name="上坪村卫生室"),
        reason="病情平稳",
        home=HomePlan(plan="每月量血压", drugs=("氨氯地平 5mg",), targets="<140/90", checks=(check,)),
    )
    thread = send_referral(township.store, township.account, person.id, down, mini, reason="转诊")
    carry(township.store, village.store)
    assert piles(village, mini) == [Pile.MINE]
    step(village, mini, thread, Step.ACCEPT)
    record = open_record(village.store, village.account, person.id, today=NOON.date())
    assert [(plan.kind, plan.name, plan.due_on) for plan in record.plans] == [(ListKind.PLAN, "量血压", check.on)]


def test_what_the_hospital_found_is_compared_with_what_was_thought(nodes, mini):
    village, _ = nodes
    thought = (("pneumonia", "社区获得性肺炎", "J18.9", 0.6),)
    for name, doctor in (("周大福", PNEUMONIA), ("李桂兰", Diagnosis(name="普通感冒", icd10="J00"))):
        proposed = slip(village, village.register(name), mini)
        _, thread = sent(
            village,
            mini,
            name=name + "二",
            complaint=f"{name}二咳嗽",
            diagnoses=(doctor,),
            thought=msgspec.structs.replace(proposed.thought, differential=thought),
        )
        back = ReferralReturn(diagnoses=(PNEUMONIA,))
        step(village, mini, thread, Step.RETURN, returned=back, told_by="内科来电")
    found = referral_statistics(
        village.store, village.account, since=NOON - timedelta(days=1), until=NOON + timedelta(days=1)
    )
    assert (found.sent, found.came_back) == (2, 2)
    assert (found.total.doctor_same, found.total.program_first) == (1, 2)
    (case,) = found.learning
    assert case.compared.doctor is Match.OTHER and "李桂兰" not in case.complaint and "某" in case.complaint


def test_a_higher_place_is_told_as_such(nodes, mini):
    village, _ = nodes
    county = filled(village, village.register("周大福"), mini).places[1]
    assert county.minutes == 70 and Merit.HIGHER in county.merits


def test_lists_and_statistics_are_the_same_on_either_database(desk, mini):
    for name, urgency in (("周大福", ReferralUrgency.ROUTINE), ("李桂兰", ReferralUrgency.EMERGENCY)):
        person = desk.register(name)
        hand = ReferralPlace(name="外省医院")
        thread = send_referral(
            desk.store, desk.account, person.id, slip(desk, person, mini, place=hand, urgency=urgency), mini
        )
    desk.pass_time(days=30)
    found = [each.thread.details["name"] for each in my_referrals(desk.store, desk.account, mini, desk.clock())]
    assert found == ["李桂兰", "周大福"]
    back = ReferralReturn(diagnoses=(PNEUMONIA,))
    step(desk, mini, thread, Step.RETURN, returned=back, told_by="来电")
    since = desk.clock() - timedelta(days=31)
    told = referral_statistics(desk.store, desk.account, since=since, until=desk.clock() + timedelta(days=1))
    assert (told.people, told.sent, told.came_back, told.waiting) == (2, 2, 1, 1)
    step(desk, mini, thread, Step.CLOSE)
    assert len(my_referrals(desk.store, desk.account, mini, desk.clock())) == 1


def test_statistics_count_people_and_put_apart_what_cannot_be_compared(nodes, mini):
    village, township = nodes
    back = ReferralReturn(diagnoses=(PNEUMONIA,))
    proposed = slip(village, village.register("周大福"), mini)
    known = msgspec.structs.replace(proposed.thought, differential=(("pneumonia", "社区获得性肺炎", "J18.9", 0.9),))
    person, thread = sent(village, mini, "李桂兰", diagnoses=(PNEUMONIA,), thought=known)
    step(village, mini, thread, Step.RETURN, returned=back, told_by="内科来电")
    again = send_referral(village.store, village.account, person.id, slip(village, person, mini, diagnoses=()), mini)
    step(village, mini, again, Step.RETURN, returned=back, told_by="内科来电")
    withdrawn = send_referral(village.store, village.account, person.id, slip(village, person, mini), mini)
    step(village, mini, withdrawn, Step.WITHDRAW, words="不去了")
    sent(village, mini, "赖春梅")
    carry(village.store, township.store)
    own = ReferralPlace(facility=COUNTY, name="县人民医院")
    theirs = slip(township, person, mini, place=own, diagnoses=(Diagnosis(name="普通感冒", icd10="J00"),))
    up = send_referral(township.store, township.account, person.id, theirs, mini, reason="转诊")
    step(township, mini, up, Step.RETURN, returned=back, told_by="县医院来电")
    told = referral_statistics(
        township.store, township.account, since=NOON - timedelta(days=1), until=NOON + timedelta(days=1)
    )
    assert (told.people, told.sent, told.came_back) == (2, 5, 3)
    assert (told.waiting, told.withdrawn, told.ended_without) == (1, 1, 0)
    assert (told.total.doctor_same, told.total.doctor_compared, told.total.count) == (1, 2, 3)
    assert (told.total.program_first, told.total.program_compared) == (1, 1)
    assert [(each.name, each.count, each.doctor_same) for each in told.senders] == [
        ("village", 2, 1),
        ("township", 1, 0),
    ]


def test_nobody_is_sent_twice_to_one_place_unawares(nodes, mini):
    village, _ = nodes
    person, thread = sent(village, mini)
    again = slip(village, person, mini)
    with pytest.raises(InvalidFormError) as refused:
        send_referral(village.store, village.account, person.id, again, mini)
    assert [error.field for error in refused.value.errors] == ["again"] and "坪山镇卫生院" in str(refused.value)
    elsewhere = msgspec.structs.replace(again, place=ReferralPlace(facility=COUNTY, name="县人民医院"))
    send_referral(village.store, village.account, person.id, elsewhere, mini)
    send_referral(village.store, village.account, person.id, again, mini, again=True)
    step(village, mini, thread, Step.RETURN, returned=ReferralReturn(diagnoses=(PNEUMONIA,)), told_by="内科来电")


def test_whoever_accepts_says_when_and_where_to_come(nodes, mini):
    village, township = nodes
    _, thread = sent(village, mini)
    carry(village.store, township.store)
    with pytest.raises(InvalidFormError) as refused:
        step(township, mini, thread, Step.ACCEPT, words="可以来")
    assert [error.field for error in refused.value.errors] == ["come_at"]
    step(township, mini, thread, Step.ACCEPT, come_at="明早八点内科门诊")


@pytest.mark.parametrize("words", ["abc123", "abc", "12"])
def test_what_is_no_telephone_number_is_refused_with_the_way_out(nodes, mini, words):
    village, _ = nodes
    person = village.register("周大福")
    by_hand = ReferralPlace(name="外省医院", phone=words)
    with pytest.raises(InvalidFormError) as refused:
        wrong = slip(village, person, mini, patient_phone=words, place=by_hand)
        send_referral(village.store, village.account, person.id, wrong, mini)
    assert [error.field for error in refused.value.errors] == ["place_phone", "patient_phone"]
    right = slip(village, person, mini, patient_phone="0797-1234567", place=ReferralPlace(name="外省医院"))
    assert send_referral(village.store, village.account, person.id, right, mini)


def test_the_township_sends_on_with_what_it_received(nodes, mini):
    village, township = nodes
    person, thread = sent(
        village,
        mini,
        history="三天前受凉",
        past_history="高血压病",
        current_drugs=("氨氯地平 5mg",),
        treatment="物理降温",
    )
    carry(village.store, township.store)
    onward = filled(township, person, mini).slip
    assert (onward.onward_of, onward.complaint, onward.history) == (thread, "咳嗽发热3天", "三天前受凉")
    assert onward.past_history == "高血压病" and onward.current_drugs == ("氨氯地平 5mg",)
    assert onward.treatment == "上坪村卫生室：物理降温" and onward.diagnoses[0].name == "普通感冒"
    onward = msgspec.structs.replace(onward, place=ReferralPlace(facility=COUNTY, name="县人民医院"))
    further = send_referral(township.store, township.account, person.id, onward, mini, reason="转诊")
    (told,) = open_referral(township.store, township.account, thread).onward
    assert told.id == further and told.details["to_name"] == "县人民医院"
    step(township, mini, thread, Step.RETURN, returned=ReferralReturn(diagnoses=(PNEUMONIA,)))
    assert filled(township, person, mini).slip.onward_of == "", "who was sent back begins anew"
