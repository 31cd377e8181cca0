"""Two kits that meet in the field: one shows its code, the other comes; what one had reaches the hub by the other."""

from __future__ import annotations

import pytest
from clinic_day import count, in_folder
from litestar import Litestar
from tests.sync.bad_line import CuttingProxy, answering, reply
from tests.sync.served_township import a_township, people, running, signed_records, waiting

from cunyi.domain.change import Outcome
from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import LineSettings
from cunyi.journeys.meeting_kits import Meetings
from cunyi.journeys.revoking import revoke
from cunyi.store import schema
from cunyi.web.hub_api import meeting_routes

LINE = LineSettings(timeout_s=10)


@pytest.fixture
def township(tmp_path):
    with a_township(tmp_path) as made:
        made.first, made.second = made.kit("first"), made.kit("second")
        for kit in (made.first, made.second, made.first):
            made.synchroniser(kit).contact()
        yield made


@pytest.fixture
def host(township):
    """The first kit's meetings, and where the second finds them."""
    meetings = Meetings(township.first.seat, port=8321, host="0.0.0.0")
    with running(Litestar(meeting_routes(meetings), openapi_config=None, logging_config=None)) as port:
        meetings.at = f"127.0.0.1:{port}"
        meetings.port = port
        yield meetings


@pytest.fixture
def guest(township):
    return Meetings(township.second.seat, port=8321, host="127.0.0.1")


def come(guest, township, address, code):
    return guest.visit(township.second.account, address, code, LINE)


def refused(*arguments):
    with pytest.raises(UserError) as told:
        come(*arguments)
    return told.value.field, told.value.message


def test_what_one_had_reaches_the_other_and_by_it_the_hub(township, host, guest):
    record = township.first.see(township.first.register("周大福"))
    other = township.second.see(township.second.register("曾小明"))
    code = host.show(township.first.account).code
    met = come(guest, township, f"http://{host.at}/", f"{code[:4]} {code[4:]}")
    assert met.taken >= 2 and met.given >= 2 and met.name
    assert {row[0] for row in signed_records(township.second.store)} == {record.id, other.id}
    assert {row[0] for row in signed_records(township.first.store)} == {record.id, other.id}
    assert host.shown().visitors
    assert not township.synchroniser(township.second).contact().trouble.sentence
    assert signed_records(township.hub.store) == signed_records(township.second.store)
    outcomes = township.synchroniser(township.first).contact().outcomes
    assert outcomes.get(Outcome.IDENTICAL, 0) >= 2 and not outcomes.get(Outcome.NEW, 0)
    assert waiting(township.first.store) == waiting(township.second.store) == 0
    assert people(township.first.store) == people(township.second.store) == people(township.hub.store)
    assert count(township.first.store, schema.document) == 2


def test_a_meeting_that_is_cut_is_gone_on_with_at_the_next(township, host, guest):
    for name in "甲乙丙丁":
        township.first.see(township.first.register(f"周{name}"))
    proxy = CuttingProxy(host.port)
    try:
        for most in (300, 900, 1_500):
            proxy.down = most
            code = host.show(township.first.account).code
            assert refused(guest, township, proxy.address, code)[0] == "address"
        proxy.down = None
        come(guest, township, proxy.address, host.show(township.first.account).code)
    finally:
        proxy.close()
    assert signed_records(township.second.store) == signed_records(township.first.store)
    assert people(township.second.store) == people(township.first.store)


def test_nobody_comes_in_without_a_code_that_is_shown_now(township, host, guest):
    assert refused(guest, township, host.at, "12345678")[1].startswith("对方没有在显示见面码")
    code = host.show(township.first.account).code
    wrong = f"{(int(code) + 1) % 10**8:08}"
    assert refused(guest, township, host.at, wrong) == ("code", "见面码不对；请对照对方的屏幕再输一遍")
    assert refused(guest, township, host.at, "123")[0] == "code"
    township.first.pass_time(minutes=11)
    assert host.shown() is None
    assert refused(guest, township, host.at, code)[1].startswith("对方没有在显示见面码")
    code = host.show(township.first.account).code
    host.hide()
    assert refused(guest, township, host.at, code)[0] == "address"
    code = host.show(township.first.account).code
    for _ in range(5):
        last = refused(guest, township, host.at, f"{(int(code) + 1) % 10**8:08}")
    assert last[1].startswith("见面码输错太多次")
    assert host.shown() is None
    assert refused(guest, township, host.at, code)[1].startswith("对方没有在显示见面码")


def test_a_revoked_kit_is_not_met(township, host, guest):
    revoke(township.hub.store, township.hub.account, township.second.store.node.id, reason="遗失")
    township.synchroniser(township.first).contact()
    code = host.show(township.first.account).code
    field, words = refused(guest, township, host.at, code)
    assert field == "address" and words.startswith("两台电脑互相不认识")


def test_an_address_that_is_none_is_told(tmp_path):
    alone = in_folder(tmp_path / "alone")
    meetings = Meetings(alone.seat, port=8321, host="127.0.0.1")
    for words in ("", "http://", "对方", "a/b", "10.0.0.1:99999999", "u@10.0.0.1"):
        with pytest.raises(UserError, match=r"192\.168\.1\.8:8321") as told:
            meetings.visit(alone.account, words, "12345678", LINE)
        assert told.value.field == "address"
    alone.seat.close()


def test_something_else_at_that_address_is_told(tmp_path):
    alone = in_folder(tmp_path / "alone")
    meetings = Meetings(alone.seat, port=8321, host="127.0.0.1")
    with answering(lambda handler, _: reply(handler, b"hello", kind="text/plain")) as server:
        for at in (f"127.0.0.1:{server.server_address[1]}", "127.0.0.1:9"):
            with pytest.raises(UserError, match="连不上") as told:
                meetings.visit(alone.account, at, "12345678", LINE)
            assert told.value.field == "address"
    alone.seat.close()


def test_the_addresses_that_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *_: [(0, 0, 0, "", ("127.0.1.1", 0)), (0, 0, 0, "", ("10.0.0.7", 0))]
    )
    alone = in_folder(tmp_path / "alone")
    seat = alone.seat
    assert Meetings(seat, port=8321, host="127.0.0.1").addresses("192.168.1.8") == []
    everywhere = Meetings(seat, port=8321, host="0.0.0.0", public_host="192.168.1.8")
    assert everywhere.addresses("192.168.1.9") == ["192.168.1.8:8321", "192.168.1.9:8321", "10.0.0.7:8321"]
    assert everywhere.addresses("127.0.0.1") == ["192.168.1.8:8321", "10.0.0.7:8321"]
    assert Meetings(seat, port=80, host="10.0.0.7").addresses("x") == ["10.0.0.7:80"]
    seat.close()
