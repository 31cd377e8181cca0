"""What waits for an answer, on both databases: rung, passed on once, and counted."""

from __future__ import annotations

import threading
from datetime import timedelta

from clinic_day import VILLAGE, Desk

from cunyi.domain.assessment import CriticalValueFound
from cunyi.domain.audit import Action
from cunyi.domain.critical_value import critical_details
from cunyi.domain.organisation import Facility, FacilityLevel
from cunyi.journeys.critical_values import critical_values_here, notify_found
from cunyi.journeys.escalating import escalate_overdue
from cunyi.journeys.ringing import ringing, thread_counts, threads_about
from cunyi.knowledge.answering import AnsweringRules
from cunyi.store.facilities import keep_facility
from cunyi.store.notes import notes_of, rebuild_threads
from cunyi.store.unit import SYSTEM

RULES = AnsweringRules(urgencies=(), acknowledge_minutes=10, act_minutes=30, close_minutes=600, acts=())
FOUND = CriticalValueFound("血钾", 6.8, "mmol/L", "≥6.2", "general", None)


def test_a_critical_value_rings_and_is_passed_on_once_however_many_look(desk: Desk):
    store, me = desk.store, desk.account
    person = desk.register("周大福")
    with store.writing(SYSTEM) as writing:
        for code, level, reach in (
            ("T1", FacilityLevel.TOWNSHIP, VILLAGE[:9]),
            ("X1", FacilityLevel.COUNTY, VILLAGE[:6]),
        ):
            keep_facility(
                writing, Facility(code=code, organisation="360731", name=code, level=level, catchment=(reach,))
            )
        writing.audit(Action.LOAD_ORGANISATION)
        notify_found(writing, me, person, "018f0000-0000-7000-8000-00000000e001", [FOUND], RULES)
    assert len(ringing(store, me, desk.clock())) == 1 and thread_counts(store, me, desk.clock()).critical == 1
    assert escalate_overdue(store, desk.clock(), None) == 0
    desk.clock.at += timedelta(minutes=11)
    done: list[int] = []
    looking = [
        threading.Thread(target=lambda: done.append(escalate_overdue(store, desk.clock(), None))) for _ in range(4)
    ]
    for each in looking:
        each.start()
    for each in looking:
        each.join()
    assert sorted(done) == [0, 0, 0, 1]
    (thread,) = critical_values_here(store, me, desk.clock())
    assert thread.to_facility == "T1" and critical_details(thread).escalations == 1
    with store.reading() as connection:
        assert [kept.note.kind for kept in notes_of(connection, "360731", thread.id)] == ["notify", "escalate"]
    assert [about.thread for about in threads_about(store, me, person.id, desk.clock())] == [thread]
    with store.writing(SYSTEM, working_state=True) as writing:
        assert rebuild_threads(writing) == 1
    assert critical_values_here(store, me, desk.clock()) == [thread]
