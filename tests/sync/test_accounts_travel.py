"""What the hub knows of the accounts of its nodes: each node is the only author of its own, and nobody has to decide about them."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from tests.sync.nodes_in_process import COUNTY, DOCTOR, MORNING, TestNode, Village

from cunyi.domain.account import Account, Role
from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind
from cunyi.domain.conflict import Conflict, Disputed
from cunyi.store import schema
from cunyi.store.accounts import account_by_id, add_account, replace_account
from cunyi.store.conflicts import keep_conflict, open_conflicts
from cunyi.store.staff import staff_by_node
from cunyi.sync.deciding import decide


def employ(kit: TestNode) -> Account:
    with kit.writing(Action.CREATE_ACCOUNT) as writing:
        account = Account(
            id=writing.new_id(), organisation=COUNTY, login="li", name="李建国", role=Role.VILLAGE_DOCTOR,
            facility=kit.facility, confirmed_at=MORNING,
        )  # fmt: skip
        add_account(writing, account, "a hash that stays here")
    return account


def confirm(kit: TestNode, account: Account, hours: int, **fields: str) -> Account:
    with kit.writing(Action.CHANGE_ACCOUNT) as writing:
        stored = account_by_id(writing.connection, COUNTY, account.id)
        assert stored is not None
        changed = msgspec.structs.replace(stored.account, confirmed_at=MORNING + timedelta(hours=hours), **fields)
        replace_account(writing, changed)
    return changed


def known_at_hub(village: Village) -> dict[str, list[Account]]:
    with village.hub.store.reading() as connection:
        assert open_conflicts(connection, COUNTY) == []
        return staff_by_node(connection, COUNTY)


def test_an_account_of_a_restored_kit_stands_as_the_kit_says_last_and_nobody_has_to_decide(village: Village) -> None:
    kit = village.kit()
    account = employ(kit)
    village.sync()
    yesterday = kit.backup()
    confirm(kit, account, 1, phone="13907970001")
    village.sync()
    kit.restore(yesterday)
    latest = confirm(kit, account, 2, phone="13907970002")
    village.settle()
    assert known_at_hub(village) == {kit.id: [latest]}
    assert {row.outcome for row in kit.has(schema.change) if row.kind == ChangeKind.ACCOUNT} <= {
        "new",
        "updated",
        "identical",
    }


def test_an_account_at_a_restored_hub_stands_as_its_kit_says(village: Village) -> None:
    kit = village.kit()
    account = employ(kit)
    village.sync()
    yesterday = village.hub.backup()
    confirm(kit, account, 1)
    village.sync()
    village.hub.restore(yesterday)
    latest = confirm(kit, account, 2)
    village.settle()
    assert known_at_hub(village) == {kit.id: [latest]}


def test_a_conflict_about_an_account_can_be_decided_and_the_account_stays_its_nodes(village: Village) -> None:
    kit = village.kit()
    account = employ(kit)
    village.sync()
    with village.hub.writing(Action.CHANGE_ACCOUNT) as writing:
        conflict = Conflict(
            id=writing.new_id(), organisation=COUNTY, kind=ChangeKind.ACCOUNT, subject=account.id,
            disputed=(Disputed(field="phone", ours="", theirs="13907970001"),), by=DOCTOR, node=kit.id,
            made_at=MORNING, found_at=MORNING,
        )  # fmt: skip
        keep_conflict(writing.connection, conflict)
    with village.hub.writing(Action.CHANGE_ACCOUNT) as writing:
        decide(writing, conflict, {"phone": "13907970001"}, by=DOCTOR)
    assert known_at_hub(village) == {kit.id: [msgspec.structs.replace(account, phone="13907970001")]}


def test_no_node_takes_over_an_account_of_another_when_a_restored_hub_is_given_back_what_it_lost(
    village: Village,
) -> None:
    one, other = village.kit(), village.kit()
    account = employ(one)
    village.settle()
    yesterday = village.hub.backup()
    one.register()
    village.settle()
    with other.writing(Action.CREATE_ACCOUNT) as writing:
        taken = msgspec.structs.replace(account, name="别人", login="bie", confirmed_at=MORNING + timedelta(hours=3))
        add_account(writing, taken, "another hash")
    village.hub.restore(yesterday)
    village.settle()
    assert known_at_hub(village) == {one.id: [account]}
