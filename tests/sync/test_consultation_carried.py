"""A consultation and a critical value over the real line: the question with its picture, the answer, what the hub passed on."""

from __future__ import annotations

import pytest
from tests.sync.served_township import a_township
from township_for_tests import CENTRE, HOSPITAL

from cunyi.domain.assessment import CriticalValueFound
from cunyi.domain.consultation import ConsultationAsked, ConsultationStep, ConsultationWritten
from cunyi.domain.critical_value import CriticalAct, CriticalStep, critical_details
from cunyi.journeys.attaching import keep_picture
from cunyi.journeys.consulting_experts import ask, open_consultation, picture_bytes, write_step
from cunyi.journeys.critical_values import answer_critical_value, critical_values_here, notify_found
from cunyi.journeys.drawn_picture import drawn_strip
from cunyi.journeys.escalating import escalate_overdue
from cunyi.journeys.ringing import Why, ringing

THREAD = "018f0000-0000-7000-8000-00000000c001"
ENCOUNTER = "018f0000-0000-7000-8000-00000000e001"


@pytest.fixture
def township(tmp_path):
    with a_township(tmp_path) as made:
        yield made


def test_both_sides_hear_of_it_at_the_next_contact(township, mini):
    kit, hub = township.kit(), township.hub
    rules = mini.content.answering
    doctor, county = hub.doctor("zhang"), hub.doctor("gao", HOSPITAL)
    person = kit.register("周大福")
    strip = drawn_strip()
    picture = keep_picture(kit.store, kit.account, person.id, THREAD, strip)
    asked = ConsultationAsked(to_facility=CENTRE, urgency="now", case="胸痛2小时", question="要不要转？")
    ask(kit.store, kit.account, person.id, THREAD, asked, pictures=[picture.id], rules=rules)
    with kit.store.writing(kit.account.id) as writing:
        found = CriticalValueFound("血钾", 6.8, "mmol/L", "≥6.2", "general", None)
        notify_found(writing, kit.account, person, ENCOUNTER, [found], rules)
    line = township.synchroniser(kit)
    assert line.contact().trouble.sentence == ""
    assert [each.why for each in ringing(hub.store, doctor, township.clock())] == [Why.ASKED]
    assert picture_bytes(hub.store, doctor, picture.id) == ("image/png", strip)

    write_step(hub.store, doctor, THREAD, ConsultationStep.ANSWER, ConsultationWritten(plan="立即转诊"))
    kit.pass_time(minutes=rules.acknowledge_minutes)
    assert escalate_overdue(hub.store, township.clock(), None) == 1
    line.contact()
    why = [each.why for each in ringing(kit.store, kit.account, township.clock())]
    assert sorted(why) == sorted([Why.CRITICAL, Why.ANSWERED])
    ours = open_consultation(kit.store, kit.account, THREAD)
    (value,) = critical_values_here(kit.store, kit.account, township.clock())
    assert critical_details(value).escalations == 1 and CENTRE in critical_details(value).facilities
    answer_critical_value(kit.store, kit.account, value.id, CriticalStep.ACKNOWLEDGE, CriticalAct(), rules)
    line.contact()
    assert ringing(hub.store, doctor, township.clock()) == [] == ringing(hub.store, county, township.clock())
    theirs = open_consultation(hub.store, doctor, THREAD)
    assert theirs.thread == ours.thread and [note.kind for note in theirs.notes] == ["ask", "answer", "read"]
