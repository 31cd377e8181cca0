"""The demonstration village: made once through the ordinary journeys, nothing wrong in it, opened again at once."""

from datetime import UTC, datetime, timedelta

import pytest
from node_for_tests import CHEAP, Clock

from cunyi.app import artefact_path, load_knowledge
from cunyi.config import read_config
from cunyi.journeys.demonstration import SHOWN_ACCOUNT, open_demonstration
from cunyi.journeys.opening_record import open_record
from cunyi.journeys.safekeeping import verify
from cunyi.journeys.today import open_today, search
from cunyi.store.folder import Folder

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def knowledge():
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    return load_knowledge(path)


@pytest.fixture(scope="module")
def made(knowledge, tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("demonstration") / "node")
    clock = Clock(NOW)
    seat = open_demonstration(folder, knowledge, clock=clock, cost=CHEAP)
    yield folder, seat, clock
    seat.close()


def account(seat):
    return seat.sign_in(*SHOWN_ACCOUNT)[1].account


def test_nothing_is_wrong_with_it(made):
    folder, seat, _ = made
    found = verify(seat.store, folder)
    assert found.problems == () and found.records > 40


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


def test_it_opens_again_later_and_somebody_waits(made, knowledge):
    folder, seat, clock = made
    seat.close()
    clock.at = NOW + timedelta(days=200)
    again = open_demonstration(folder, knowledge, clock=clock, cost=CHEAP)
    assert len(open_today(again.store, account(again), clock()).queue) == 4
    again.close()
