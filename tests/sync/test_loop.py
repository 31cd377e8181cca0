"""The thread that talks with the hub: when it does, what it remembers, and that nobody waits for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from clinic_day import count
from litestar.testing import TestClient
from tests.sync.bad_line import answering
from tests.sync.pictures import a_question
from tests.sync.served_township import a_township, link_of, set_address, waiting

from cunyi import app
from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.audit import Action
from cunyi.domain.change import Outcome, Reason
from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import LineSettings
from cunyi.journeys.revoking import revoke
from cunyi.journeys.synchronising import Pace
from cunyi.store import schema
from cunyi.store.accounts import account_by_id, replace_account
from cunyi.store.unit import SYSTEM
from cunyi.sync.errors import RevokedError
from cunyi.web.doctor.synchronisation import Ways
from cunyi.web.gate import COOKIE

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def township(tmp_path):
    with a_township(tmp_path) as made:
        yield made


def until(true, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def problem(kit) -> str:
    return Reason.of(link_of(kit.store).problem).told()


def test_a_day_reaches_the_hub_and_the_page_knows(township):
    kit = township.kit()
    record = kit.see(kit.register("周大福"))
    contact = township.synchroniser(kit).contact()
    assert not contact.trouble.sentence and contact.outcomes[Outcome.NEW] >= 2 and contact.bytes_sent > 1000
    assert waiting(kit.store) == 0 and link_of(kit.store).contact_at is not None
    with township.hub.store.reading() as connection:
        assert record.id in {row.id for row in connection.execute(schema.document.select())}
    again = township.synchroniser(kit).contact()
    assert again.sent == 0 and again.received == 0


def test_without_a_line_everything_stays_and_the_reason_is_kept_until_it_works(township):
    kit = township.kit()
    kit.register("周大福")
    before = waiting(kit.store)
    set_address(kit.store, "http://127.0.0.1:9")
    synchroniser = township.synchroniser(kit)
    assert synchroniser.contact().trouble.sentence
    assert problem(kit).startswith("现在连不上中心") and waiting(kit.store) == before
    set_address(kit.store, township.proxy.address)
    assert not synchroniser.contact().trouble.sentence
    assert problem(kit) == "" and waiting(kit.store) == 0


def test_it_talks_by_itself_and_at_once_when_the_doctor_asks(township):
    kit = township.kit()
    synchroniser = township.synchroniser(kit, every_s=3600)
    synchroniser.start()
    try:
        until(lambda: link_of(kit.store).contact_at is not None)
        kit.register("周大福")
        assert waiting(kit.store) > 0
        synchroniser.wake()
        until(lambda: waiting(kit.store) == 0)
    finally:
        synchroniser.stop()


def test_a_served_node_talks_for_as_long_as_it_is_served(township):
    kit = township.kit()
    with app._reaching(Config(data=kit.folder.path, public_address="http://192.168.1.8:9"), kit.seat) as ways:
        until(lambda: link_of(kit.store).contact_at is not None)
        assert ways.meetings.addresses() == []
    assert not ways.synchroniser._thread.is_alive()


def test_an_urgent_note_does_not_wait_even_where_the_last_try_failed(township):
    kit = township.kit()
    person = kit.register("周大福")
    set_address(kit.store, "http://127.0.0.1:9")
    synchroniser = township.synchroniser(kit, every_s=36_000)
    synchroniser.start()
    try:
        until(lambda: problem(kit) != "")
        set_address(kit.store, township.proxy.address)
        a_question(kit, person, urgency=0)
        time.sleep(1.5)
        assert waiting(kit.store) > 0
        a_question(kit, person, urgency=2)
        until(lambda: waiting(kit.store) == 0, 6)
    finally:
        synchroniser.stop()


def test_a_page_answers_and_a_record_is_signed_while_the_line_hangs(township, mini):
    kit = township.kit()
    person = kit.register("周大福")
    held = threading.Event()
    with answering(lambda handler, _: held.wait(30)) as server:
        set_address(kit.store, f"http://127.0.0.1:{server.server_address[1]}")
        synchroniser = township.synchroniser(kit, settings=LineSettings(timeout_s=30))
        synchroniser.start()
        try:
            until(lambda: bool(server.heard))
            ways = Ways(synchroniser=synchroniser)
            with TestClient(create_app(Config(), mini, seat=kit.seat, ways=ways)) as client:
                client.cookies.set(COOKIE, kit.token)
                begun = time.monotonic()
                for path in ("/", f"/people/{person.id}", "/synchronisation", "/synchronisation/state"):
                    assert client.get(path).status_code == 200
                assert client.post("/synchronisation/now", follow_redirects=False).status_code == 303
                kit.see(person)
                assert time.monotonic() - begun < 5
                assert "正在同步" in client.get("/synchronisation").text
            assert count(kit.store, schema.document) == 1 and synchroniser.is_working
            begun = time.monotonic()
        finally:
            synchroniser.stop()
            held.set()
        assert time.monotonic() - begun < 3


def test_somebody_who_asks_the_hub_meanwhile_is_told_and_does_not_wait_for_ever(township, monkeypatch):
    monkeypatch.setattr("cunyi.journeys.synchronising._PATIENCE_S", 0.1)
    kit = township.kit()
    synchroniser = township.synchroniser(kit)
    with synchroniser.asking(), pytest.raises(UserError, match="正在和中心同步"), synchroniser.asking():
        pass
    set_address(kit.store, "http://127.0.0.1:9")
    with pytest.raises(UserError, match="现在连不上中心"), synchroniser.asking() as side:
        side.find(kit.account.id, name="周大福", birth_on="1960-05-05")


def test_of_two_programs_one_talks(township):
    kit = township.kit()
    held = threading.Event()
    with answering(lambda handler, _: held.wait(10)) as server:
        set_address(kit.store, f"http://127.0.0.1:{server.server_address[1]}")
        first, second = township.synchroniser(kit), township.synchroniser(kit)
        first.start()
        try:
            until(lambda: bool(server.heard))
            assert second.contact() is None
        finally:
            first.stop()
            held.set()


def test_a_wrong_clock_stops_nothing(township):
    kit = township.kit()
    kit.register("周大福")
    for at in (datetime(2001, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC), MORNING):
        kit.clock.at = at
        kit.register(f"曾{at.year}".translate(str.maketrans("0125", "零一二五")).replace("6", "六"))
        assert not township.synchroniser(kit).contact().trouble.sentence
        assert waiting(kit.store) == 0


def test_a_contact_confirms_the_accounts_for_further_use(township):
    kit = township.kit()
    township.synchroniser(kit).contact()
    kit.pass_time(days=29)
    township.synchroniser(kit).contact()
    with kit.store.reading() as connection:
        confirmed = account_by_id(connection, kit.account.organisation, kit.account.id).account.confirmed_at
    assert kit.clock() - confirmed < timedelta(days=1)


def test_a_revoked_kit_destroys_what_it_has_and_the_thread_ends(township):
    kit = township.kit()
    kit.see(kit.register("周大福"))
    revoke(township.hub.store, township.hub.account, kit.store.node.id, reason="遗失")
    synchroniser = township.synchroniser(kit)
    synchroniser.start()
    until(lambda: kit.seat.revoked is not None)
    until(lambda: not synchroniser._thread.is_alive())
    assert not kit.seat.is_open and not kit.folder.database.exists()


def test_a_contact_of_a_revoked_kit_says_so(township):
    kit = township.kit()
    revoke(township.hub.store, township.hub.account, kit.store.node.id, reason="遗失")
    with pytest.raises(RevokedError):
        township.synchroniser(kit).contact()


def test_a_disk_that_is_full_or_a_defect_does_not_end_the_thread(township, monkeypatch):
    kit = township.kit()
    synchroniser = township.synchroniser(kit)
    calls = []

    def broken():
        calls.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(synchroniser, "contact", broken)
    synchroniser.start()
    try:
        until(lambda: bool(calls))
        synchroniser.wake()
        until(lambda: len(calls) > 1)
    finally:
        synchroniser.stop()


def test_pauses_grow_after_failures_and_differ_between_kits():
    pace = Pace(60, chance=lambda: 1.0)
    assert [pace.after(success=False) for _ in range(10)] == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert pace.after(success=True) == pytest.approx(66)
    assert pace.after(success=False) == 5
    assert Pace(60, chance=lambda: 0.0).after(success=False) == 2.5


def test_an_account_is_not_confirmed_by_a_failed_contact(township):
    kit = township.kit()
    old = msgspec.structs.replace(kit.account, confirmed_at=MORNING - timedelta(days=20))
    with kit.store.writing(SYSTEM) as writing:
        replace_account(writing, old)
        writing.audit(Action.CHANGE_ACCOUNT)
    set_address(kit.store, "http://127.0.0.1:9")
    township.synchroniser(kit).contact()
    with kit.store.reading() as connection:
        assert account_by_id(connection, kit.account.organisation, old.id).account.confirmed_at == old.confirmed_at
