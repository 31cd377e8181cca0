"""Revoking: the hub refuses the node from then on, and a node that hears of it leaves nothing that anybody can read."""

from datetime import UTC, datetime

import pytest
from node_for_tests import CHEAP, LOGIN, PASSWORD, Clock
from township_for_tests import ORGANISATION, UPPER, a_hub

from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.domain.organisation import NodeState
from cunyi.journeys.hub_home import nodes_of
from cunyi.journeys.registering import read_person, register_person
from cunyi.journeys.revoking import revoke, wipe
from cunyi.journeys.seat import LockedNodeError, Seat
from cunyi.journeys.setting_up import JoiningSetup, set_up_from_hub
from cunyi.store import folder as folder_module
from cunyi.store.engine import open_postgresql, open_sqlite
from cunyi.store.facilities import receive_facility
from cunyi.store.folder import Folder
from cunyi.store.known_nodes import known_nodes, receive_node
from cunyi.store.nodes import public_keys
from cunyi.sync.errors import RevokedError
from cunyi.sync.hub_side import HubSide
from cunyi.sync.kit_side import KitSide

MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
REASON = "在去下坪村的路上遗失"


@pytest.fixture
def hub(tmp_path):
    with a_hub(tmp_path / "hub", Clock(MORNING)) as made:
        yield made


def register(seat, name):
    _, me = seat.sign_in(LOGIN, PASSWORD)
    sent = {"name": [name], "village_code": [UPPER], "birth_on": ["1960-05-05"], "sex": ["male"]}
    entry = read_person(sent, organisation="360731", person=None, today=MORNING.date())
    return register_person(seat.store, me.account, entry, not_the_same=True)


def test_the_hub_keeps_why_and_the_key_so_that_what_was_signed_stays_valid(hub, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    node = kit.store.node.id
    revoked = revoke(hub.store, hub.account, node, reason=REASON)
    assert revoked.state is NodeState.REVOKED and revoked.revoked_reason == REASON and not revoked.retired
    with hub.store.reading() as connection:
        assert public_keys(connection)[node] == kit.store.key.public
        (known,) = known_nodes(connection, "360731")
    assert known == revoked
    # The others learn of it as of any other change of the directory.
    other = hub.kit(tmp_path / "other")
    with other.store.writing("system", working_state=True) as writing:
        receive_node(writing, revoked)
    with other.store.reading() as connection:
        assert revoked in known_nodes(connection, "360731")
    with pytest.raises(UserError, match="已经停用了"):
        revoke(hub.store, hub.account, node, reason=REASON)
    other.close()
    kit.close()


def test_only_an_administrator_revokes_and_says_why(hub, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    with pytest.raises(NotAllowedError):
        revoke(hub.store, hub.doctor("chen"), kit.store.node.id, reason=REASON)
    with pytest.raises(UserError, match="写明停用的原因"):
        revoke(hub.store, hub.account, kit.store.node.id, reason=" ")
    with pytest.raises(UserError, match="没有这台设备"):
        revoke(hub.store, hub.account, hub.store.node.id, reason=REASON)
    with pytest.raises(UserError, match="不是中心"):
        revoke(kit.store, None, hub.store.node.id, reason=REASON)
    kit.close()


def test_after_wiping_nothing_can_be_read(hub, tmp_path):
    place = tmp_path / "kit"
    kit = hub.kit(place)
    register(kit, "周大福")
    store, key = kit.store, kit.database_key
    with store.writing("system", working_state=True) as writing:
        receive_facility(writing, ORGANISATION.facilities[0])
    # What a restored backup put beside it goes, too.
    aside = place.with_name("kit.before-restore-20260101000000")
    aside.mkdir()
    for name in ("keyring.json", "cunyi.db"):
        (aside / name).write_bytes((place / name).read_bytes())
    before = (place / "keyring.json").read_bytes()

    told = wipe(kit, REASON)

    assert (told.reason, told.hub, told.phone) == (REASON, "云水镇卫生院", "07970000001")
    assert [path.name for path in place.iterdir()] == ["revoked.json"] and not aside.exists()
    assert "周大福" not in (place / "revoked.json").read_text(encoding="utf-8")
    assert Folder(place).revocation() == told and kit.revoked == told
    for use in (store.reading, lambda: store.writing("system")):
        with pytest.raises(UserError, match="已清除"), use():
            pass
    assert not (place / "cunyi.db").exists()
    with pytest.raises(LockedNodeError):
        _ = kit.store
    with pytest.raises(UserError, match="已被停用"):
        kit.sign_in(LOGIN, PASSWORD)
    assert kit.database_key is None and key is not None and before
    # The next start tells it, too, and the folder can become a new node.
    again = Seat(clock=hub.clock, cost=CHEAP, folder=Folder(place))
    assert again.revoked == told
    with pytest.raises(UserError, match="已被停用"):
        again.sign_in(LOGIN, PASSWORD)
    new = hub.kit(place)
    assert new.revoked is None and new.store.node.id != store.node.id
    new.close()


def test_what_the_power_cut_off_is_ended_at_the_next_start(hub, tmp_path, monkeypatch):
    place = tmp_path / "kit"
    kit = hub.kit(place)

    def power_fails(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(folder_module, "_overwrite", power_fails)
        wipe(kit, REASON)
    assert (place / "keyring.json").exists()
    Folder(place).end_erasing()
    assert [path.name for path in place.iterdir()] == ["revoked.json"]
    with pytest.raises(UserError, match="已被停用"):
        Seat(clock=hub.clock, cost=CHEAP, folder=Folder(place)).sign_in(LOGIN, PASSWORD)


def test_a_copy_of_the_database_opens_with_nothing_that_is_left(hub, tmp_path):
    place = tmp_path / "kit"
    kit = hub.kit(place)
    copy = tmp_path / "copy.db"
    copy.write_bytes((place / "cunyi.db").read_bytes())
    wipe(kit, REASON)
    with pytest.raises(UserError):
        open_sqlite(copy, None)
    with pytest.raises(UserError, match="找不到密钥文件"):
        Folder(place).keyring()


def test_a_clinic_on_postgresql_is_emptied(hub, postgresql):
    engine = open_postgresql(postgresql.new_address())
    joining = JoiningSetup(code=hub.code(), address="a", login=LOGIN, name="李建国", password=PASSWORD)
    seat = set_up_from_hub(engine, joining, hub.answer, clock=hub.clock, cost=CHEAP).seat
    wipe(seat, REASON)
    assert seat.revoked.reason == REASON
    with engine.connect() as connection:
        left = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        assert left.scalar_one() == 0
    engine.dispose()


def test_the_hub_knows_that_the_node_was_told(hub, tmp_path):
    kit = hub.kit(tmp_path / "kit")
    node = kit.store.node.id
    revoke(hub.store, hub.account, node, reason=REASON)
    (line,) = nodes_of(hub.store, MORNING)
    assert line.contact_at is None
    side = KitSide(kit.store, HubSide(hub.store).answer, revoked=lambda reason: wipe(kit, reason))
    with pytest.raises(RevokedError):
        side.pull()
    assert kit.revoked.reason == REASON and not kit.is_open
    (line,) = nodes_of(hub.store, MORNING)
    assert line.contact_at is not None and line.contact_at >= line.node.revoked_at
