"""Enrolling: a code from the hub, a node that shows it, what both know afterwards; and everything that must not work."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from node_for_tests import CHEAP, LOGIN, PASSWORD, Clock, a_node
from township_for_tests import CENTRE, HUB_LOGIN, LOWER, LOWER_CLINIC, UPPER, UPPER_CLINIC, a_hub

from cunyi.domain.enrolment import Proven
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.journeys.confirming import confirm_after_contact
from cunyi.journeys.enrolling import grant_more_serials, make_code, waiting_codes
from cunyi.journeys.joining import deposit_escrow, join
from cunyi.journeys.revoking import open_escrow, revoke
from cunyi.journeys.safekeeping import reopen, verify
from cunyi.journeys.seat import Seat
from cunyi.store import schema
from cunyi.store.engine import open_postgresql
from cunyi.store.folder import Folder
from cunyi.store.known_nodes import HUB_SERIALS, directory_entry, known_nodes, node_by_id, receive_node
from cunyi.store.links import LinkRole, begin_epoch, hub_link, link_by_id
from cunyi.store.nodes import public_keys, serial_blocks, take_archive_code, villages

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def hub(tmp_path):
    with a_hub(tmp_path / "hub", Clock(MORNING)) as made:
        yield made


def blocks(store, village=UPPER):
    with store.reading() as connection:
        return [(block.first, block.last) for block in serial_blocks(connection, store.node.organisation, village)]


def directory(store):
    with store.reading() as connection:
        return known_nodes(connection, store.node.organisation)


def link_of(store):
    with store.reading() as connection:
        return hub_link(connection, store.node.organisation)


def shows(kit, hub, code, send=None):
    """A kit that is at work shows a code."""
    return join(
        kit.store,
        kit.seat.database_key,
        kit.account.id,
        code=code,
        send=send or hub.answer,
        address="https://hub.example",
    )


def test_a_new_kit_has_its_villages_serials_and_hub_from_the_code_alone(hub, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    node = kit.store.node
    assert (node.organisation, node.township, node.facility) == ("360731", "360731101", UPPER_CLINIC)
    assert node.facility_name == "上坪村卫生室"
    with kit.store.reading() as connection:
        assert villages(connection, node.organisation) == {UPPER: "上坪村"}
        assert public_keys(connection) == {node.id: kit.store.key.public, hub.store.node.id: hub.store.key.public}
    assert blocks(kit.store) == [(1, 500)]
    link = link_of(kit.store)
    assert (link.id, link.role, link.address) == (hub.store.node.id, LinkRole.HUB, "http://127.0.0.1:1")
    with hub.store.reading() as connection:
        known = link_by_id(connection, "360731", node.id)
    assert known.file_key == link.file_key and len(link.file_key) == 32
    assert [each.id for each in directory(hub.store)] == [node.id]
    _, me = kit.sign_in(LOGIN, PASSWORD)
    assert me.account.areas == (UPPER,) and me.account.facility == UPPER_CLINIC
    assert verify(kit.store).problems == () and verify(hub.store).problems == ()
    kit.close()


def test_two_kits_of_one_village_never_give_out_the_same_serial(hub, tmp_path):
    kits = [hub.kit(tmp_path / name) for name in ("first", "second")]
    assert [blocks(kit.store) for kit in kits] == [[(1, 500)], [(501, 1000)]]
    assert blocks(hub.store) == [HUB_SERIALS]
    granted = grant_more_serials(hub.store, hub.account, kits[0].store.node.id, UPPER, 100)
    assert (granted.first, granted.last) == (1001, 1100)
    with hub.store.reading() as connection:
        told = directory_entry(node_by_id(connection, "360731", kits[0].store.node.id))
    with kits[0].store.writing("system", working_state=True) as writing:
        receive_node(writing, told)
        receive_node(writing, told)
    assert blocks(kits[0].store) == [(1, 500), (1001, 1100)]
    for kit in kits:
        kit.close()


def test_serials_begin_after_those_of_people_who_are_there_already(hub, tmp_path):
    with hub.store.writing("system", working_state=True) as writing:
        writing.connection.execute(
            schema.person.insert().values(
                organisation="360731",
                id=writing.new_id(),
                village_code=UPPER,
                archive_code=f"{UPPER}00730",
                name="周大福",
                sort_key="zhou",
                status="active",
                revision=1,
                details=b"",
            )
        )
    kit = hub.kit(tmp_path / "kit")
    assert blocks(kit.store) == [(731, 1230)]
    kit.close()


def test_a_restored_hub_does_not_grant_again_what_it_has_forgotten(hub, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    with hub.store.writing("system") as writing:
        begin_epoch(writing)
    other = hub.kit(tmp_path / "other")
    assert blocks(kit.store) == [(1, 500)] and blocks(other.store) == [(5501, 6000)]
    for each in (kit, other):
        each.close()


def test_a_node_that_has_worked_joins_and_keeps_what_it_gave_out(hub, tmp_path):
    with a_node(tmp_path / "kit", hub.clock) as kit:
        assert blocks(kit.store) == blocks(kit.store, LOWER) == [(1, 500)]
        with kit.store.writing("system", working_state=True) as writing:
            assert [take_archive_code(writing, UPPER).serial for _ in range(3)] == [1, 2, 3]
        joined = shows(kit, hub, hub.code(UPPER_CLINIC, UPPER))
        assert joined.hub == "云水镇卫生院" and joined.villages == {UPPER: "上坪村"} and joined.escrowed
        # Of the other village it gives out nothing more: nobody granted it any.
        assert blocks(kit.store) == [(1, 3), (4, 503)] and blocks(kit.store, LOWER) == []
        with kit.store.writing("system", working_state=True) as writing:
            assert take_archive_code(writing, UPPER).serial == 4


def test_an_answer_that_got_lost_is_given_again(hub, tmp_path):
    answers = []

    def loses_the_first(message):
        answers.append(hub.answer(message))
        if len(answers) == 1:
            raise ConnectionError
        return answers[-1]

    code = hub.code()
    with a_node(tmp_path / "kit", hub.clock) as kit:
        with pytest.raises(ConnectionError):
            shows(kit, hub, code, loses_the_first)
        assert link_of(kit.store) is None
        shows(kit, hub, code, loses_the_first)
        assert [each.id for each in directory(hub.store)] == [kit.store.node.id]
        assert blocks(kit.store) == [(1, 500)]
        with hub.store.reading() as connection:
            assert link_by_id(connection, "360731", kit.store.node.id).file_key == link_of(kit.store).file_key


def test_a_code_is_used_once(hub, tmp_path):
    code = hub.code()
    with a_node(tmp_path / "first", hub.clock) as first, a_node(tmp_path / "second", hub.clock) as second:
        assert len(waiting_codes(hub.store, hub.account)) == 1
        shows(first, hub, code.lower().replace("-", " "))
        assert waiting_codes(hub.store, hub.account) == []
        with pytest.raises(UserError, match="已经用过"):
            shows(second, hub, code)
        assert [each.id for each in directory(hub.store)] == [first.store.node.id]


def test_a_code_ends_after_a_day(hub, tmp_path):
    code = hub.code()
    hub.clock.at = MORNING + timedelta(hours=24)
    with a_node(tmp_path / "kit", hub.clock) as kit, pytest.raises(UserError, match="已经过期"):
        shows(kit, hub, code)
    # Setting the clock back does not bring it to life again, once something was written later.
    hub.clock.at = MORNING
    with a_node(tmp_path / "other", Clock(MORNING)) as kit, pytest.raises(UserError, match="已经过期"):
        shows(kit, hub, code)


def test_five_wrong_tries_burn_a_code(hub, tmp_path):
    code = hub.code()
    guess = code[:-1] + ("0" if code[-1] != "0" else "1")
    with a_node(tmp_path / "kit", hub.clock) as kit:
        for _ in range(5):
            with pytest.raises(UserError, match="登记码不对"):
                shows(kit, hub, guess)
        with pytest.raises(UserError, match="登记码不对"):
            shows(kit, hub, code)
        assert directory(hub.store) == [] and link_of(kit.store) is None


def test_a_code_that_cannot_be_one_is_told_before_anything_is_sent(hub, tmp_path):
    with a_node(tmp_path / "kit", hub.clock) as kit:
        for typed in ("", "ABCD", "ABCD-EFGH-JKMN-PQRU", "0" * 17):
            with pytest.raises(UserError) as error:
                shows(kit, hub, typed, send=lambda message: pytest.fail("sent"))
            assert error.value.field == "code"


def test_a_code_of_another_facility_is_refused_with_what_to_do(hub, tmp_path):
    with a_node(tmp_path / "kit", hub.clock) as kit, pytest.raises(UserError, match="给另一家机构"):
        shows(kit, hub, hub.code(LOWER_CLINIC))


def test_whoever_answers_without_knowing_the_code_is_not_believed(hub, tmp_path):
    with a_hub(tmp_path / "impostor", Clock(MORNING)) as impostor, a_node(tmp_path / "kit", hub.clock) as kit:
        code, other = hub.code(), impostor.code()

        def changed(message):
            answer = msgspec.json.decode(hub.answer(message), type=Proven)
            body = answer.body.replace("上坪村卫生室".encode(), "下坪村卫生室".encode())
            return msgspec.json.encode(msgspec.structs.replace(answer, body=body))

        for send in (
            changed,
            lambda message: b"?",
            lambda message: msgspec.json.encode(Proven(kind="granted", body=b"{}", proof=b"")),
        ):
            with pytest.raises(UserError, match="不是发登记码的中心"):
                shows(kit, hub, code, send)
        with pytest.raises(UserError, match="登记码不对"):
            shows(kit, hub, code, impostor.answer)
        assert link_of(kit.store) is None and other


def test_whatever_comes_to_the_hub_is_answered(hub):
    for message in (
        b"",
        b"{}",
        b"\xff" * 100,
        msgspec.json.encode(Proven(kind="enrol", body=b"{}", proof=b"")),
        msgspec.json.encode(Proven(kind="escrow", body=b'{"node":"x","sealed":""}', proof=b"")),
    ):
        assert msgspec.json.decode(hub.answer(message), type=Proven).kind == "refused"


def test_only_administrators_make_codes_and_only_for_what_is_registered(hub, tmp_path):
    with pytest.raises(NotAllowedError):
        make_code(hub.store, hub.doctor("chen"), facility=UPPER_CLINIC, scope=())
    with pytest.raises(UserError, match="没有编号为 V-99 的机构"):
        make_code(hub.store, hub.account, facility="V-99", scope=())
    with pytest.raises(UserError, match="没有代码以 360731102 开头的村"):
        make_code(hub.store, hub.account, facility=UPPER_CLINIC, scope=("360731102",))
    with a_node(tmp_path / "kit", hub.clock) as kit, pytest.raises(UserError, match="不是中心"):
        make_code(kit.store, None, facility=UPPER_CLINIC, scope=())


def test_a_kit_whose_passwords_are_all_lost_is_opened_with_the_key_in_the_hubs_safe(hub, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    node_id = kit.store.node.id
    # Nobody but the hub can read it where it lies, and no other node is told of it.
    node = directory(hub.store)[0]
    assert node.escrow and kit.database_key.raw not in node.escrow and directory_entry(node).escrow == b""
    kit.close()
    key = open_escrow(hub.store, hub.account, node_id)
    assert key == kit.database_key
    reopen(Folder(tmp_path / "kit"), key, LOGIN, "river-bridge-77", clock=hub.clock, cost=CHEAP)
    again = Seat(clock=hub.clock, cost=CHEAP, folder=Folder(tmp_path / "kit"))
    with pytest.raises(UserError):
        again.sign_in(LOGIN, PASSWORD)
    again.sign_in(LOGIN, "river-bridge-77")
    again.close()
    with pytest.raises(NotAllowedError):
        open_escrow(hub.store, hub.doctor("chen"), node_id)


def test_a_key_that_did_not_reach_the_safe_is_brought_at_the_next_contact(hub, tmp_path):
    def line_dies_after_the_grant(message):
        if b'"escrow"' in message:
            raise ConnectionError
        return hub.answer(message)

    with a_node(tmp_path / "kit", hub.clock) as kit:
        assert not shows(kit, hub, hub.code(), line_dies_after_the_grant).escrowed
        assert deposit_escrow(kit.store, kit.seat.database_key, hub.answer)
        assert deposit_escrow(kit.store, kit.seat.database_key, lambda message: pytest.fail("sent twice"))
        assert open_escrow(hub.store, None, kit.store.node.id) == kit.seat.database_key


def test_accounts_of_a_kit_are_confirmed_by_a_contact_with_the_hub(hub, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    hub.clock.at = MORNING + timedelta(days=29)
    assert confirm_after_contact(kit.store) == 1 and confirm_after_contact(kit.store) == 0
    hub.clock.at = MORNING + timedelta(days=58)
    kit.sign_in(LOGIN, PASSWORD)
    kit.close()


def test_nobody_works_offline_at_a_hub(hub):
    hub.doctor("chen")
    hub.clock.at = MORNING + timedelta(days=400)
    assert hub.seat.sign_in("chen", PASSWORD)[1].account.login == "chen"


def test_an_account_works_at_a_facility_that_is_registered(hub):
    assert hub.doctor("chen", "C-01").facility == "C-01" and hub.doctor("wu", "").facility == CENTRE
    with pytest.raises(UserError, match="没有编号为 C-99 的机构"):
        hub.doctor("he", "C-99")


def test_a_hub_is_served_as_one_and_nothing_else_is(hub, tmp_path):
    def opened(path, *, as_hub):
        seat = Seat(clock=hub.clock, cost=CHEAP, folder=Folder(path), as_hub=as_hub)
        seat.sign_in(LOGIN if path.name == "kit" else HUB_LOGIN, PASSWORD)
        return seat

    hub.kit(tmp_path / "kit").close()
    opened(tmp_path / "hub", as_hub=True).close()
    opened(tmp_path / "kit", as_hub=False).close()
    with pytest.raises(UserError, match="--role hub 打开"):
        opened(tmp_path / "hub", as_hub=False)
    with pytest.raises(UserError, match="不是中心的"):
        opened(tmp_path / "kit", as_hub=True)


def test_a_hub_on_postgresql_enrols_a_kit(postgresql, tmp_path):
    with a_hub(open_postgresql(postgresql.new_address()), Clock(MORNING)) as hub:
        assert hub.seat.is_open
        kit = hub.kit(tmp_path / "kit")
        revoke(hub.store, hub.account, kit.store.node.id, reason="遗失")
        assert directory(hub.store)[0].revoked_reason == "遗失"
        assert verify(hub.store).problems == ()
        kit.close()
