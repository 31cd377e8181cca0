"""A swiped identity card on both databases: whose it is, what differs from the record, and what is taken over."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from clinic_day import VILLAGE, Desk, misfits
from sqlalchemy import select

from cunyi.domain.account import Role
from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.errors import NeedsReasonError, NotAllowedError, UserError
from cunyi.domain.identity import Identifier, IdentifierKind, check_digit, upgraded
from cunyi.domain.measurement import IdentityCard
from cunyi.domain.person import Person
from cunyi.journeys.merging_people import merge, preview_merge
from cunyi.journeys.registering import (
    DuplicatesFoundError,
    PersonEntry,
    change_person,
    details_of,
    read_person,
    register_person,
)
from cunyi.journeys.swiping import Swiped, apply_card, swipe
from cunyi.store import schema
from cunyi.store.people import StaleError

CARD = IdentityCard(
    kind=IdentifierKind.RESIDENT_ID,
    number="360731195604121231",
    name="刘福生",
    sex=Sex.MALE,
    birth_on=date(1956, 4, 12),
    ethnic_group="畲族",
    address="江西省赣州市于都县上坪村石背组12号",
    issuer="于都县公安局",
    valid_from=date(2016, 5, 1),
    valid_until=None,
)


def card(**other: object) -> IdentityCard:
    """The card, with something else on it."""
    return msgspec.structs.replace(CARD, **other)


def swiped(desk: Desk, on_reader: IdentityCard = CARD) -> Swiped:
    return swipe(desk.store, desk.account, on_reader, today=desk.today)


def about(found: Swiped) -> list[str | None]:
    return [difference.field for difference in found.differences]


def registered(desk: Desk, on_reader: IdentityCard = CARD, **fields: str) -> Person:
    """Registers whoever was swiped, with the form as it was filled in."""
    sent = swiped(desk, on_reader).fields | {name: [words] for name, words in fields.items()}
    entry = read_person(sent, organisation="360731", person=None, today=desk.today)
    return register_person(desk.store, desk.account, entry, not_the_same=True)


def log(desk: Desk, action: Action) -> list[str | None]:
    """About whom an action was written down."""
    table = schema.audit_entry
    with desk.store.reading() as connection:
        rows = connection.execute(
            select(table.c.person).where(table.c.action == action.value).order_by(table.c.sequence)
        )
        return [row.person for row in rows]


def test_a_new_card_fills_in_the_form_and_the_next_swipe_finds_the_person(desk: Desk) -> None:
    first = swiped(desk)
    assert (first.found, first.differences, first.likely) == (None, (), ())
    assert (first.name, first.birth_on) == ("刘福生", date(1956, 4, 12))
    person = registered(desk)
    assert (person.name, person.sex, person.birth_on) == ("刘福生", Sex.MALE, date(1956, 4, 12))
    assert person.identifiers == (Identifier(kind=IdentifierKind.RESIDENT_ID, value=CARD.number),)
    assert (person.ethnic_group, person.address, person.village_code) == ("畲族", CARD.address, VILLAGE)
    again = swiped(desk)
    assert again.found == person
    assert (again.differences, again.likely, again.fields) == ((), (), {})
    assert log(desk, Action.SEARCH_PEOPLE) == [None, None, person.id]
    assert misfits(desk.store, desk.folder) == []


def test_a_card_shows_nothing_of_its_holder_in_a_log(desk: Desk) -> None:
    registered(desk)
    found = swiped(desk)
    assert found.found is not None
    for secret in ("刘福生", CARD.number, "石背组"):
        assert secret not in repr(found)


def test_a_village_is_filled_in_only_where_the_address_names_it(desk: Desk) -> None:
    everywhere = msgspec.structs.replace(desk.account, areas=("360731",))
    for address, village in (
        ("江西省于都县上坪村12号", VILLAGE),
        ("江西省于都县下坪村12号", "360731101202"),
        ("江西省于都县大坪村12号", ""),
        ("江西省于都县上坪村下坪村12号", ""),
        ("浙江省温州市某街道1号", ""),
        ("", ""),
    ):
        found = swipe(desk.store, everywhere, card(address=address), today=desk.today)
        assert found.fields["village_code"] == [village], address


def test_a_person_registered_with_the_old_number_is_found(desk: Desk) -> None:
    old = "360731560412123"
    person = desk.register("刘福生", identifier=old)
    assert swiped(desk, card(number=upgraded(old))).found == person


def test_a_merged_record_leads_to_the_one_in_use(desk: Desk) -> None:
    person = registered(desk)
    other = desk.register("刘富生")
    preview = preview_merge(desk.store, desk.account, other.id, person.id)
    merge(desk.store, desk.account, preview, reason="同一个人")
    found = swiped(desk)
    assert found.found is not None
    assert found.found.id == preview.kept.id
    assert details_of(desk.store, desk.account, person.id).id == found.found.id


def test_every_difference_is_listed_and_none_is_applied(desk: Desk) -> None:
    person = registered(desk)
    other = card(
        name="刘福升",
        sex=Sex.FEMALE,
        birth_on=date(1956, 4, 21),
        ethnic_group="汉族",
        address="江西省赣州市于都县下坪村1号",
    )
    found = swiped(desk, other)
    assert found.found == person
    # Twice where the number on the card tells it too.
    assert about(found) == ["birth_on", "sex", "name", "sex", "birth_on", "ethnic_group", "address"]
    assert "刘福升" in found.differences[2].message
    assert "刘福生" in found.differences[2].message
    assert details_of(desk.store, desk.account, person.id) == person
    assert log(desk, Action.CHANGE_PERSON) == []


def test_ways_of_writing_are_no_differences(desk: Desk) -> None:
    person = registered(desk, ethnic_group="畲", address="石背组 12号")
    found = swiped(desk, card(name="刘　福生"))
    assert (found.found, found.differences) == (person, ())


def test_what_the_record_does_not_have_is_no_difference_and_can_be_taken_over(desk: Desk) -> None:
    person = desk.register("刘福生", identifier=CARD.number)
    assert swiped(desk).differences == ()
    changed = apply_card(desk.store, desk.account, person.id, CARD, ["ethnic_group", "address"])
    assert (changed.ethnic_group, changed.address) == ("畲族", CARD.address)
    assert changed == details_of(desk.store, desk.account, person.id)
    assert changed.revision == person.revision + 1
    assert log(desk, Action.CHANGE_PERSON) == [person.id]
    assert misfits(desk.store, desk.folder) == []


def test_only_what_was_ticked_is_taken_over(desk: Desk) -> None:
    person = registered(desk, name="刘富生", address="下坪村1号", birth_estimated="1")
    changed = apply_card(desk.store, desk.account, person.id, CARD, ["name"])
    assert changed == msgspec.structs.replace(person, name="刘福生", revision=2)
    assert apply_card(desk.store, desk.account, person.id, CARD, []) == changed
    exact = apply_card(desk.store, desk.account, person.id, CARD, ["birth_on"])
    assert (exact.birth_on, exact.birth_estimated, exact.address) == (date(1956, 4, 12), False, "下坪村1号")


def test_the_number_of_the_card_can_be_given_to_somebody_registered_without(desk: Desk) -> None:
    person = desk.register("刘福生", birth_on="1956-04-12")
    found = swiped(desk)
    assert found.found is None
    assert [other.id for other in found.likely] == [person.id]
    apply_card(desk.store, desk.account, person.id, CARD, ["identifiers"])
    assert swiped(desk).found == details_of(desk.store, desk.account, person.id)


def test_a_number_that_somebody_has_is_not_given_to_another(desk: Desk) -> None:
    owner = registered(desk)
    other = desk.register("刘富生")
    with pytest.raises(DuplicatesFoundError) as told:
        apply_card(desk.store, desk.account, other.id, CARD, ["identifiers"])
    assert [person.id for person in told.value.people] == [owner.id]
    assert details_of(desk.store, desk.account, other.id) == other


def test_a_twin_with_papers_of_their_own_is_not_offered(desk: Desk) -> None:
    first17 = "36073119560412125"
    desk.register("刘福升", identifier=first17 + check_digit(first17))
    namesake = desk.register("刘福升", birth_on="1956-01-01")
    desk.register("刘福升", birth_on="1956-01-01", village_code="360731101202")
    assert [other.id for other in swiped(desk).likely] == [namesake.id]


def test_what_is_doubtful_about_a_card_is_said_and_stops_nothing(desk: Desk) -> None:
    doubtful: list[tuple[dict[str, object], list[str]]] = [
        ({"valid_until": date(2026, 3, 1)}, ["valid_until"]),
        ({"valid_until": date(2026, 3, 2)}, []),
        ({"valid_from": None}, ["valid_until"]),
        ({"valid_from": date(2026, 3, 3)}, ["valid_from"]),
        ({"birth_on": date(1956, 4, 21)}, ["birth_on"]),
        ({"sex": Sex.FEMALE}, ["sex"]),
        ({"sex": None}, []),
        ({"birth_on": None}, []),
        ({"number": "360731195604121230"}, ["identifiers"]),
        ({"name": "刘\ufffd生"}, ["name"]),
        ({"name": "刘\ue863生"}, []),
    ]
    for other, fields in doubtful:
        found = swiped(desk, card(**other))
        assert about(found) == fields, other
        assert found.fields["identifier"] == [other.get("number", CARD.number)]
        # What the card does not say is taken from the number.
        assert found.fields["sex"] == [other.get("sex") or "male"]
        assert found.fields["birth_on"] == [str(other.get("birth_on") or "1956-04-12")]


def test_the_card_of_somebody_who_died_or_moved_away_is_asked_about(desk: Desk) -> None:
    for status, first17 in (("died", "36073119560412105"), ("moved_away", "36073119560412107")):
        number = first17 + check_digit(first17)
        person = registered(desk, card(number=number), status=status)
        found = swiped(desk, card(number=number))
        assert found.found == person
        assert about(found)[0] == "status"


def test_foreigners_and_permits_are_found_by_every_number(desk: Desk) -> None:
    mary = card(
        kind=IdentifierKind.FOREIGN_PERMANENT,
        number="CAN110081061501",
        name="SMITH, MARY",
        name_en="SMITH, MARY",
        sex=Sex.FEMALE,
        birth_on=date(1981, 6, 15),
        ethnic_group="",
        address="",
        nationality="CAN",
    )
    person = registered(desk, mary, village_code=VILLAGE)
    assert person.name == "SMITH MARY"
    assert (swiped(desk, mary).found, swiped(desk, mary).differences) == (person, ())
    first17 = "91112419810615022"
    renewed = msgspec.structs.replace(mary, number=first17 + check_digit(first17))
    assert [other.id for other in swiped(desk, renewed).likely] == [person.id]

    first17 = "81000019900307001"
    permit = card(
        kind=IdentifierKind.HKMT_RESIDENCE,
        number=first17 + check_digit(first17),
        name="陳大文",
        birth_on=date(1990, 3, 7),
        ethnic_group="",
        permit_number="H12345678",
    )
    only_permit = card(kind=IdentifierKind.HK_MACAO_PERMIT, number="H12345678", name="陈文", birth_on=date(1990, 3, 7))
    with_permit = registered(desk, only_permit)
    assert [other.id for other in swiped(desk, permit).likely] == [with_permit.id]
    changed = apply_card(desk.store, desk.account, with_permit.id, permit, ["identifiers"])
    assert {each.kind for each in changed.identifiers} == {
        IdentifierKind.HKMT_RESIDENCE,
        IdentifierKind.HK_MACAO_PERMIT,
    }
    assert swiped(desk, permit).found == changed


def test_what_cannot_be_taken_over_is_refused_and_nothing_changes(desk: Desk) -> None:
    person = registered(desk)
    refused: list[tuple[str, dict[str, object]]] = [
        ("ethnic_group", {"ethnic_group": ""}),
        ("sex", {"sex": None}),
        ("birth_on", {"birth_on": None}),
        ("birth_on", {"birth_on": date(2026, 3, 3)}),
        ("birth_on", {"birth_on": date(1899, 12, 31)}),
        ("name", {"name": "刘\ufffd生"}),
        ("identifiers", {"number": "360731195604121230"}),
        ("note", {}),
        ("id", {}),
        ("organisation", {}),
    ]
    for field, other in refused:
        with pytest.raises(UserError):
            apply_card(desk.store, desk.account, person.id, card(**other), ["address", field])
    assert details_of(desk.store, desk.account, person.id) == person


def test_a_record_changed_since_it_was_looked_at_is_not_overwritten(desk: Desk) -> None:
    person = registered(desk, address="下坪村1号")
    corrected = msgspec.structs.replace(person, note="已改")
    change_person(desk.store, desk.account, PersonEntry(person=corrected, differences=(), new_household=False))
    with pytest.raises(StaleError):
        apply_card(desk.store, desk.account, person.id, CARD, ["address"], revision=person.revision)
    changed = apply_card(desk.store, desk.account, person.id, CARD, ["address"], revision=person.revision + 1)
    assert (changed.note, changed.address) == ("已改", CARD.address)


def test_the_role_and_the_villages_of_an_account_hold_for_cards_too(desk: Desk) -> None:
    person = registered(desk)
    manager = desk.colleague("wang", Role.MANAGER)
    with pytest.raises(NotAllowedError):
        swipe(desk.store, manager, CARD, today=desk.today)
    neighbour = desk.colleague("zhao", areas=("360731101202",))
    assert swipe(desk.store, neighbour, CARD, today=desk.today).found == person
    with pytest.raises(NeedsReasonError):
        apply_card(desk.store, neighbour, person.id, CARD, ["name"])
    apply_card(desk.store, neighbour, person.id, CARD, ["name"], reason="邻村来看病")
    new = swipe(desk.store, neighbour, card(number="360731198506154025"), today=desk.today)
    assert new.fields["village_code"] == [""]
