"""The demonstration village: made once through the ordinary journeys, nothing wrong in it, opened again at once."""

from datetime import UTC, datetime, timedelta

import pytest
from node_for_tests import CHEAP, Clock
from sqlalchemy import select

from cunyi.domain.consultation import consultation_details
from cunyi.domain.critical_value import critical_details
from cunyi.domain.person import PersonStatus, Programme
from cunyi.journeys.consulting_experts import consultations_here
from cunyi.journeys.critical_values import critical_values_here
from cunyi.journeys.demonstration import SHOWN_ACCOUNT, open_demonstration
from cunyi.journeys.opening_record import open_record
from cunyi.journeys.referral_lists import my_referrals
from cunyi.journeys.ringing import ringing
from cunyi.journeys.safekeeping import verify
from cunyi.journeys.today import open_today, search
from cunyi.store import schema
from cunyi.store.folder import Folder
from cunyi.store.records import versions

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(knowledge, tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("demonstration") / "node")
    clock = Clock(NOW)
    seat = open_demonstration(folder, knowledge, clock=clock, cost=CHEAP)
    yield folder, seat, clock
    seat.close()


def account(seat):
    return seat.sign_in(*SHOWN_ACCOUNT)[1].account


def everybody(seat):
    """The records of all who live there, in the order of their registration."""
    me = account(seat)
    with seat.store.reading() as connection:
        ids = sorted(connection.execute(select(schema.person.c.id)).scalars())
    return [open_record(seat.store, me, person_id, today=NOW.date()) for person_id in ids]


def test_nothing_is_wrong_with_it(made):
    folder, seat, _ = made
    found = verify(seat.store, folder)
    assert found.problems == () and found.records == 152


def test_every_record_was_signed_with_a_clock_that_is_right(made):
    _, seat, _ = made
    visits = [visit for record in everybody(seat) for visit in record.visits]
    assert len(visits) == 152 and len({visit.encounter_id for visit in visits}) == 152
    with seat.store.reading() as connection:
        kept = [versions(connection, "369999", visit.encounter_id)[0].record for visit in visits]
    assert not any(record.clock_doubtful for record in kept)
    assert all(timedelta(0) <= NOW - record.signed_at < timedelta(days=550) for record in kept)


def test_all_sorts_of_people_live_there(made):
    _, seat, _ = made
    people = [record.person for record in everybody(seat)]
    assert len(people) == 54 and len({person.household_id for person in people}) == 20
    assert any(person.status is PersonStatus.MOVED_AWAY for person in people)
    assert any("·" in person.name for person in people) and any("𠮷" in person.name for person in people)
    assert any(allergy.name == "青霉素" for record in everybody(seat) for allergy in record.allergies)
    assert {Programme.HYPERTENSION, Programme.DIABETES, Programme.COPD, Programme.PREGNANCY, Programme.CHILD} <= {
        programme for person in people for programme in person.programmes
    }
    assert len([person for person in people if person.name == "翟有田"]) == 2


def test_nobody_can_be_taken_for_somebody_real(made):
    _, seat, _ = made
    for person in (record.person for record in everybody(seat)):
        assert person.phone == "" or person.phone.startswith("100000001")
        assert person.village_code.startswith("369999")
        assert all(identifier.value.startswith("369999") for identifier in person.identifiers)


def test_it_is_the_same_wherever_it_is_made(made, knowledge, tmp_path):
    _, seat, _ = made
    again = open_demonstration(Folder(tmp_path / "node"), knowledge, clock=Clock(NOW), cost=CHEAP)

    def told(of):
        return [
            (
                record.person.name,
                record.person.birth_on,
                record.person.archive_code,
                [(visit.occurred_at, visit.complaint, visit.diagnoses, visit.triage) for visit in record.visits],
                [(entry.name, entry.due_on) for entry in (*record.problems, *record.plans)],
            )
            for record in everybody(of)
        ]

    assert told(seat) == told(again)
    again.close()


def test_there_is_something_to_do(made):
    _, seat, _ = made
    today = open_today(seat.store, account(seat), NOW)
    assert len(today.queue) == 4 and len(today.drafts) == 1
    overdue = [visit for visit in today.visits if visit.days_overdue > 0]
    assert overdue and any(visit.days_overdue == 0 for visit in today.visits)
    assert len({(visit.person.id, visit.plan.name) for visit in today.visits}) == len(today.visits)


def test_a_record_has_a_past(made):
    _, seat, _ = made
    me = account(seat)
    person = search(seat.store, me, "zengmt").people or search(seat.store, me, "zmt").people
    record = open_record(seat.store, me, person[0].id, today=NOW.date())
    assert len(record.visits) == 7 and record.problems[0].name == "高血压病" and record.prescribed


def test_a_newborn_without_papers_is_linked_to_the_mother(made):
    _, seat, _ = made
    me = account(seat)
    child = next(person for person in search(seat.store, me, "婴").people)
    record = open_record(seat.store, me, child.id, today=NOW.date())
    assert record.mother is not None and child.name.startswith(record.mother.name) and child.identifiers == ()


def test_a_colleague_has_answered_and_a_critical_value_was_acted_on(made):
    _, seat, clock = made
    me = account(seat)
    (asked,) = consultations_here(seat.store, me, clock())
    details = consultation_details(asked)
    assert asked.state == "answered" and details.unread and details.pictures == 1 and details.minutes == 190
    assert [ring.loud for ring in ringing(seat.store, me, clock())] == [False], "told on every page, heard by nobody"
    (value,) = critical_values_here(seat.store, me, clock())
    assert value.state == "acted" and critical_details(value).acknowledge_minutes == 3


def test_referrals_stand_in_three_states(made, knowledge):
    _, seat, clock = made
    lines = my_referrals(seat.store, account(seat), knowledge, clock())
    found = {(each.thread.details["direction"], each.thread.state, each.pile.value): each for each in lines}
    assert set(found) == {("up", "returned", "mine"), ("down", "requested", "mine"), ("up", "requested", "theirs")}
    assert found["up", "requested", "theirs"].reminder is not None
    assert found["up", "returned", "mine"].thread.details["compared"]["doctor"] == "other"


def test_it_opens_again_later_and_somebody_waits(made, knowledge):
    folder, seat, clock = made
    seat.close()
    clock.at = NOW + timedelta(days=200)
    again = open_demonstration(folder, knowledge, clock=clock, cost=CHEAP)
    assert len(open_today(again.store, account(again), clock()).queue) == 4
    again.close()
