"""Signed records only ever become more: whatever a doctor does, those that are there stay byte for byte, and the tables follow from them."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from clinic_day import NEXT_VILLAGE, PROPOSED, Desk, encounter, in_folder, misfits
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from node_for_tests import CHEAP, LOGIN, PASSWORD
from sqlalchemy import select

from cunyi.domain.encounter import Certainty, Diagnosis, ListEntry, ListKind, Measured, SignedRecord
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person
from cunyi.domain.prescription import PrescriptionLine
from cunyi.journeys.consulting import begin_amendment, begin_draft, discard, keep_draft, my_drafts, sign
from cunyi.journeys.keeping_households import begin_household, join_household, leave_household
from cunyi.journeys.keeping_lists import add_to_list, end_entry
from cunyi.journeys.merging_people import merge, preview_merge, undo
from cunyi.journeys.registering import change_person, details_of, read_person
from cunyi.journeys.safekeeping import bring_back, confirm_clock, make_backup, rebuild_tables, snapshot
from cunyi.journeys.seat import Seat
from cunyi.journeys.today import check_in, leave_queue
from cunyi.store import schema
from cunyi.store.folder import Folder

ROUNDS = int(os.environ.get("CUNYI_TEST_ROUNDS", "6"))
STEPS = 20
NAMES = st.sampled_from(["曾明", "曾小明", "李桂花", "钟秀英", "欧阳建国"])
WORDS = st.sampled_from(["咳嗽3天", "头晕", "腹泻，无血便", "复诊开药", "𠮷村来的老人发热"])
MEASURED = st.lists(
    st.builds(
        Measured,
        item=st.sampled_from(["temperature_c", "systolic_mmhg", "尿蛋白"]),
        value=st.one_of(st.floats(30, 240), st.sampled_from(["+", "阴性"])),
        unit=st.just(""),
    ),
    max_size=4,
).map(tuple)
DIAGNOSES = st.lists(
    st.builds(
        Diagnosis,
        name=st.sampled_from(["上呼吸道感染", "高血压病", "2型糖尿病", "待查"]),
        certainty=st.sampled_from(Certainty),
        chronic=st.booleans(),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
DRUGS = st.lists(
    st.builds(PrescriptionLine, drug=st.sampled_from(["对乙酰氨基酚", "氨氯地平"]), days=st.sampled_from([3.0, 30.0])),
    max_size=3,
).map(tuple)
CONTENT = st.fixed_dictionaries(
    {"complaint": WORDS, "measured": MEASURED, "diagnoses": DIAGNOSES, "prescription": DRUGS}
)

CONTENTS = st.lists(CONTENT, min_size=1, max_size=3)


class Clinic(RuleBasedStateMachine):
    """Days at a desk in any order, with a look at the signed records after each step."""

    people = Bundle("people")
    records = Bundle("records")
    entries = Bundle("entries")
    merges = Bundle("merges")

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory(prefix="cunyi-grow-")
        self.restored = 0
        self.desk: Desk = in_folder(Path(self.place.name, "node"))
        self.kept: set[tuple[Any, ...]] = set()

    @property
    def told(self) -> tuple[Any, Any]:
        return self.desk.store, self.desk.account

    @initialize(target=people)
    def first_people(self) -> Any:
        return multiple(self.desk.register("曾明"), self.desk.register("李桂花", new_household="1"))

    @initialize(target=records)
    def first_records(self) -> Any:
        first, second = (self.desk.see(self.desk.register(name)) for name in ("钟秀英", "欧阳建国"))
        return multiple(first, second, self.desk.amend(second, "咳嗽5天"))

    @rule(target=people, name=NAMES, household=st.booleans(), village=st.sampled_from(["360731101201", NEXT_VILLAGE]))
    def register(self, name: str, household: bool, village: str) -> Person:
        return self.desk.register(name, new_household="1" if household else "", village_code=village)

    @rule(person=people, name=NAMES, phone=st.sampled_from(["", "13812345678"]))
    def change(self, person: Person, name: str, phone: str) -> None:
        known = details_of(*self.told, person.id)
        sent = {"name": [name], "village_code": [known.village_code], "birth_on": ["1960-05-05"], "phone": [phone]}
        change_person(
            *self.told, read_person(sent, organisation="360731", person=known, today=self.desk.clock().date())
        )

    @rule(target=records, person=people, contents=CONTENTS, days=st.none() | st.integers(1, 40))
    def sign(self, person: Person, contents: list[dict[str, Any]], days: int | None) -> Any:
        due = None if days is None else self.desk.today + timedelta(days=days)
        return multiple(*(self._visit(person, content | {"next_visit_on": due}) for content in contents))

    @rule(target=records, record=records, content=CONTENT)
    def see_again(self, record: SignedRecord, content: dict[str, Any]) -> SignedRecord:
        return self._visit(record.person, content)

    @rule(target=records, record=records, content=CONTENT)
    def amend(self, record: SignedRecord, content: dict[str, Any]) -> SignedRecord:
        draft = begin_amendment(*self.told, record.encounter_id, {})
        return self._signed(draft.id, content, reason="写错了")

    @rule(target=records, record=records, content=CONTENT)
    def amend_in_two_windows(self, record: SignedRecord, content: dict[str, Any]) -> SignedRecord:
        first = begin_amendment(*self.told, record.encounter_id, {})
        signed = self._signed(first.id, content, reason="写错了")
        with pytest.raises(UserError):
            self._signed(first.id, content | {"complaint": "后写的"}, reason="写错了")
        return signed

    @rule(record=records, content=CONTENT)
    def amend_without_a_reason(self, record: SignedRecord, content: dict[str, Any]) -> None:
        draft = begin_amendment(*self.told, record.encounter_id, {})
        with pytest.raises(UserError):
            self._signed(draft.id, content)

    @rule(person=people, words=WORDS, stroke=st.integers(0, 3), window=st.sampled_from(["first", "second"]))
    def type_into_a_draft(self, person: Person, words: str, stroke: int, window: str) -> None:
        draft = begin_draft(*self.told, person.id, {})
        form = {"chief_complaint": [words]}
        keep_draft(*self.told, draft.id, form, revision=draft.revision, window=window, stroke=stroke, over=True)

    @rule(which=st.integers(0, 5))
    def discard_a_draft(self, which: int) -> None:
        drafts = my_drafts(*self.told)
        if drafts:
            discard(*self.told, drafts[which % len(drafts)].draft.id)

    @rule(target=merges, kept=people, replaced=people)
    def merge(self, kept: Person, replaced: Person) -> Any:
        try:
            preview = preview_merge(*self.told, kept.id, replaced.id)
        except UserError as told:
            assert "同一份档案" in str(told)
            return multiple()
        return merge(*self.told, preview, reason="同一人")

    @rule(merge_id=merges)
    def part(self, merge_id: str) -> None:
        try:
            undo(*self.told, merge_id)
        except UserError as told:
            assert "已经撤销" in str(told)

    @rule(
        target=entries, person=people, kind=st.sampled_from([ListKind.ALLERGY, ListKind.MEDICATION, ListKind.PROBLEM])
    )
    def add_to_a_list(self, person: Person, kind: ListKind) -> ListEntry:
        return add_to_list(*self.told, person.id, kind, name="青霉素", today=self.desk.today)

    @rule(entry=entries)
    def end_an_entry(self, entry: ListEntry) -> None:
        try:
            end_entry(*self.told, entry.id, revision=entry.revision, why="误填", today=self.desk.today)
        except UserError as told:
            assert "在别处刚改过" in str(told)

    @rule(person=people, stays=st.booleans())
    def wait(self, person: Person, stays: bool) -> None:
        check_in(*self.told, person.id, "发热")
        if not stays:
            leave_queue(*self.told, person.id)

    @rule(person=people, other=people, step=st.sampled_from([begin_household, leave_household, join_household]))
    def move(self, person: Person, other: Person, step: Any) -> None:
        try:
            if step is join_household:
                step(*self.told, person.id, other.id, "son")
            else:
                step(*self.told, person.id)
        except UserError as told:
            assert told.field == "household_id"

    @rule(at=st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
    def set_the_clock(self, at: datetime) -> None:
        self.desk.clock.at = at

    @rule()
    def confirm_the_clock(self) -> None:
        confirm_clock(self.desk.store)

    @rule()
    def make_the_tables_anew(self) -> None:
        before = snapshot(self.desk.store)
        rebuild_tables(self.desk.store)
        assert snapshot(self.desk.store) == before

    @rule(restores=st.booleans())
    def start_again(self, restores: bool) -> None:
        """From the same folder, or from a backup."""
        clock, folder = self.desk.clock, self.desk.folder
        if restores:
            self.restored += 1
            backup = Path(self.place.name, f"backup{self.restored}")
            make_backup(self.desk.store, folder, backup)
            folder = Folder(Path(self.place.name, f"node{self.restored}"))
            found, _ = bring_back(
                backup, folder, lambda keyring: keyring.open(LOGIN, PASSWORD), replace=False, clock=clock
            )
            assert found.problems == ()
        self.desk.seat.close()
        key = folder.keyring().open(LOGIN, PASSWORD)
        seat = Seat(clock=clock, cost=CHEAP, folder=folder, store=folder.open(key, clock=clock), key=key)
        self.desk = Desk(seat, self.desk.account, self.desk.token, clock, folder)

    @invariant()
    def what_was_signed_is_there_as_it_was(self) -> None:
        with self.desk.store.reading() as connection:
            there = {tuple(row) for row in connection.execute(select(schema.document))}
        assert self.kept <= there
        self.kept = there

    def teardown(self) -> None:
        try:
            self.what_was_signed_is_there_as_it_was()
            before = snapshot(self.desk.store)
            records, _ = rebuild_tables(self.desk.store)
            assert snapshot(self.desk.store) == before
            assert records == len(self.kept)
            assert misfits(self.desk.store, self.desk.folder) == []
            kept = self.kept
            self.what_was_signed_is_there_as_it_was()
            assert self.kept == kept
        finally:
            self.desk.seat.close()
            self.place.cleanup()

    def _visit(self, person: Any, content: dict[str, Any]) -> SignedRecord:
        return self._signed(begin_draft(*self.told, person.id, {}).id, content)

    def _signed(self, draft_id: str, content: dict[str, Any], reason: str = "") -> SignedRecord:
        self.desk.pass_time(minutes=1)
        now, complaint = self.desk.clock(), content["complaint"]
        written = encounter(complaint, occurred_at=now, **{k: v for k, v in content.items() if k != "complaint"})
        return sign(*self.told, draft_id, written, [], proposed=PROPOSED, reason=reason, now=now)


def test_documents_only_grow_and_the_tables_follow_from_them() -> None:
    run_state_machine_as_test(
        Clinic,
        settings=settings(
            max_examples=ROUNDS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            # Finding the shortest day takes minutes, and a day is short as it is.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
