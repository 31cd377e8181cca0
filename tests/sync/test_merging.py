"""The rules by which a change meets a state that is not the one it was made on."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cunyi.domain.change import Difference
from cunyi.sync.merging import Clash, merge, next_revision, undone

FIELDS = st.sampled_from(("phone", "address", "programmes", "contacts"))
VALUES = st.one_of(st.none(), st.integers(0, 2), st.lists(st.integers(0, 3), unique=True, max_size=3))
STATES = st.fixed_dictionaries({name: VALUES for name in ("phone", "address", "programmes", "contacts")})


def changed(before: dict[str, Any], **after: Any) -> Difference:
    return Difference(before={name: before.get(name) for name in after}, after=after)


def test_a_field_that_stands_as_it_stood_becomes_what_was_made_of_it() -> None:
    was = {"phone": "1", "address": "a"}
    merged = merge({"phone": "1", "address": "b"}, changed(was, phone="2"))
    assert (merged.state, merged.changed, merged.clashes) == ({"phone": "2", "address": "b"}, True, ())


def test_what_stands_already_changes_nothing() -> None:
    merged = merge({"phone": "2"}, changed({"phone": "1"}, phone="2"))
    assert not merged.changed and not merged.clashes


def test_a_field_that_both_changed_stays_and_is_told() -> None:
    merged = merge({"phone": "3", "address": "a"}, changed({"phone": "1", "address": "a"}, phone="2", address="b"))
    assert merged.state == {"phone": "3", "address": "b"}
    assert merged.clashes == (Clash(field="phone", ours="3", theirs="2"),)


def test_lists_take_what_both_added_and_removed() -> None:
    merged = merge({"programmes": ["a", "c"]}, changed({"programmes": ["a", "b"]}, programmes=["b", "d"]))
    assert merged.state == {"programmes": ["c", "d"]} and not merged.clashes


def test_what_made_a_thing_new_says_nothing_about_one_that_is_there() -> None:
    merged = merge({"phone": "2"}, Difference(before=None, after={"phone": "1"}))
    assert merged.state == {"phone": "2"} and not merged.changed


def test_the_revision_is_no_field() -> None:
    assert not merge({"revision": 5}, changed({"revision": 1}, revision=2)).changed


def test_a_revision_follows_where_it_can_and_is_later_where_not() -> None:
    assert next_revision(4, 5) == 5
    assert next_revision(5, 5) == 6
    assert next_revision(2, 7) == 8
    assert next_revision(7, 2) == 8


@given(STATES, STATES)
def test_a_change_on_the_state_it_was_made_on_gives_what_it_says(before: dict[str, Any], after: dict[str, Any]) -> None:
    merged = merge(before, changed(before, **after))
    assert merged.state == after and not merged.clashes


@given(STATES, STATES, STATES)
def test_making_a_change_twice_is_making_it_once(
    state: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    once = merge(state, changed(before, **after))
    again = merge(once.state, changed(before, **after))
    assert {clash.field for clash in again.clashes} <= {clash.field for clash in once.clashes}
    assert all(again.state[name] == once.state[name] for name in after if not isinstance(after[name], list))


@given(STATES, STATES, STATES)
def test_a_state_can_be_had_back_as_it_was(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    made = [changed(first, **second), changed(second, **third)]
    back = undone(third, made)
    assert back is not None
    for name, value in first.items():
        if isinstance(value, list) and isinstance(third[name], list):
            assert sorted(back[name]) == sorted(value)
        else:
            assert back[name] == value


def test_before_it_was_made_there_was_nothing() -> None:
    assert undone({"phone": "1"}, [Difference(before=None, after={"phone": "1"})]) is None


@given(STATES, st.dictionaries(FIELDS, st.integers(5, 6)), st.dictionaries(FIELDS, st.integers(7, 8)))
def test_changes_of_different_fields_may_come_in_any_order(
    state: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    other = {name: value for name, value in other.items() if name not in one}
    first, second = changed(state, **one), changed(state, **other)
    assert merge(merge(state, first).state, second).state == merge(merge(state, second).state, first).state
