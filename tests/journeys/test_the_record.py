"""What a clinic does in a day, on both databases: people, merges, lists, drafts, signed records, their versions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from clinic_day import MORNING, PROPOSED, VILLAGE, Desk, count, encounter, misfits, rows

from cunyi.domain.account import Role
from cunyi.domain.encounter import NO_KNOWN_ALLERGY, Diagnosis, ListKind, canonical
from cunyi.domain.errors import InvalidFormError, NeedsReasonError, NotAllowedError, UserError
from cunyi.journeys.consulting import (
    DraftOfElsewhereError,
    begin_amendment,
    begin_draft,
    discard,
    keep_draft,
    my_drafts,
    open_draft,
    sign,
)
from cunyi.journeys.keeping_lists import add_to_list, end_entry
from cunyi.journeys.merging_people import merge, preview_merge, undo
from cunyi.journeys.opening_record import PersonRecord, encounter_versions, open_record, trends, who_saw
from cunyi.journeys.registering import DuplicatesFoundError, change_person, read_person, register_person
from cunyi.journeys.safekeeping import rebuild_tables, snapshot
from cunyi.journeys.today import check_in, leave_queue, open_today, search
from cunyi.store import schema
from cunyi.store.people import StaleError
from cunyi.store.signing import is_signed, sm3

NUMBER = "11010519491231002X"


def test_a_person_is_found_by_name_initials_phone_and_document(desk: Desk) -> None:
    person = desk.register("曾小明", identifier=NUMBER, phone="13800138000")
    other = desk.register("李桂花")
    for words in ("曾小明", "zengxiaoming", "zxm", "13800138000", "8000", NUMBER, "002x"):
        assert [found.id for found in search(desk.store, desk.account, words).people] == [person.id], words
    assert [found.id for found in search(desk.store, desk.account, "桂花").people] in ([other.id], [])
    assert misfits(desk.store, desk.folder) == []


def test_the_same_document_is_never_registered_twice(desk: Desk) -> None:
    person = desk.register("曾小明", identifier=NUMBER)
    entry = read_person(
        {"name": ["曾晓明"], "village_code": [VILLAGE], "identifier": [NUMBER]},
        organisation="360731",
        person=None,
        today=desk.today,
    )
    for not_the_same in (False, True):
        with pytest.raises(DuplicatesFoundError) as told:
            register_person(desk.store, desk.account, entry, not_the_same=not_the_same)
        assert [known.id for known in told.value.people] == [person.id]
    assert count(desk.store, schema.person) == 1
    assert misfits(desk.store, desk.folder) == []


def test_a_change_over_a_newer_change_is_refused(desk: Desk) -> None:
    person = desk.register("曾小明")
    fields = {"name": ["曾小明"], "village_code": [VILLAGE], "birth_on": ["1960-05-05"], "sex": ["male"]}

    def entry(phone: str):
        return read_person({**fields, "phone": [phone]}, organisation="360731", person=person, today=desk.today)

    change_person(desk.store, desk.account, entry("13800138000"))
    with pytest.raises(StaleError):
        change_person(desk.store, desk.account, entry("13900139000"))
    assert open_record(desk.store, desk.account, person.id, today=desk.today).person.phone == "13800138000"
    assert misfits(desk.store, desk.folder) == []


def test_a_merge_joins_two_records_and_is_undone_without_touching_what_was_signed(desk: Desk) -> None:
    kept, replaced = desk.register("曾小明", identifier=NUMBER), desk.register("曾晓明", phone="13800138000")
    first, second = desk.see(kept), desk.see(replaced, "头晕")
    documents, projections = rows(desk.store, schema.document), snapshot(desk.store)
    merge_id = merge(
        desk.store, desk.account, preview_merge(desk.store, desk.account, kept.id, replaced.id), reason="同一人"
    )
    for asked in (kept.id, replaced.id):
        record = open_record(desk.store, desk.account, asked, today=desk.today)
        assert record.person.id == kept.id and record.person.phone == "13800138000"
        assert {visit.encounter_id for visit in record.visits} == {first.encounter_id, second.encounter_id}
    third = desk.see(replaced, "复诊")
    assert misfits(desk.store, desk.folder) == []
    undo(desk.store, desk.account, merge_id)
    apart = open_record(desk.store, desk.account, replaced.id, today=desk.today)
    assert apart.person.id == replaced.id and second.encounter_id in {visit.encounter_id for visit in apart.visits}
    left = open_record(desk.store, desk.account, kept.id, today=desk.today)
    assert left.person.phone == ""
    seen = {visit.encounter_id for visit in (*left.visits, *apart.visits)}
    assert seen == {first.encounter_id, second.encounter_id, third.encounter_id}
    assert [row for row in rows(desk.store, schema.document) if row in documents] == documents
    assert set(projections["encounter"]) < set(snapshot(desk.store)["encounter"])
    with pytest.raises(UserError, match="已经撤销"):
        undo(desk.store, desk.account, merge_id)
    assert misfits(desk.store, desk.folder) == []


def test_no_known_allergy_is_no_allergy_and_ends_with_one(desk: Desk) -> None:
    person = desk.register("曾小明")

    def add(name: str, code: str = "") -> None:
        add_to_list(
            desk.store, desk.account, person.id, ListKind.ALLERGY, name=name, code=code, since_on=desk.today,
            today=desk.today,
        )  # fmt: skip

    def opened() -> PersonRecord:
        return open_record(desk.store, desk.account, person.id, today=desk.today)

    assert opened().no_known_allergy is None
    for _ in range(2):
        add("没有已知过敏", NO_KNOWN_ALLERGY)
    assert opened().allergies == [] and opened().no_known_allergy.since_on == desk.today
    add("青霉素")
    assert [each.name for each in opened().allergies] == ["青霉素"] and opened().no_known_allergy is None
    with pytest.raises(UserError, match="已经记有过敏"):
        add("没有已知过敏", NO_KNOWN_ALLERGY)
    assert misfits(desk.store, desk.folder) == []


def test_lists_go_on_from_visit_to_visit(desk: Desk) -> None:
    person = desk.register("曾小明")
    allergy = add_to_list(
        desk.store, desk.account, person.id, ListKind.ALLERGY, name="青霉素", detail="皮疹", today=desk.today
    )
    record = desk.see(
        person,
        diagnoses=(Diagnosis(name="高血压", chronic=True),),
        next_visit_on=desk.today + timedelta(days=28),
        next_visit_reason="量血压",
    )
    opened = open_record(desk.store, desk.account, person.id, today=desk.today)
    assert [entry.name for entry in opened.problems] == ["高血压"]
    assert [(entry.name, entry.source) for entry in opened.plans] == [("量血压", record.id)]
    end_entry(desk.store, desk.account, allergy.id, revision=1, why="误填", today=desk.today)
    with pytest.raises(StaleError):
        end_entry(desk.store, desk.account, allergy.id, revision=1, why="误填", today=desk.today)
    desk.pass_time(days=27)
    desk.see(person, diagnoses=(Diagnosis(name="高血压", chronic=True),))
    opened = open_record(desk.store, desk.account, person.id, today=desk.today)
    assert (len(opened.problems), opened.allergies, opened.plans) == (1, [], [])
    assert misfits(desk.store, desk.folder) == []


def test_a_draft_that_two_windows_write_keeps_both_texts(desk: Desk) -> None:
    person = desk.register("曾小明")
    draft = begin_draft(desk.store, desk.account, person.id, {})
    assert begin_draft(desk.store, desk.account, person.id, {"advice": ["x"]}).id == draft.id
    keep_draft(desk.store, desk.account, draft.id, {"advice": ["多喝水"]}, revision=1, window="a", stroke=1)
    with pytest.raises(DraftOfElsewhereError) as told:
        keep_draft(desk.store, desk.account, draft.id, {"advice": ["卧床"]}, revision=1, window="b", stroke=1)
    texts = {shown.draft.id: shown.draft.form for shown in my_drafts(desk.store, desk.account)}
    assert texts == {draft.id: {"advice": ["多喝水"]}, told.value.aside: {"advice": ["卧床"]}}
    keep_draft(desk.store, desk.account, draft.id, {"advice": ["卧床"]}, revision=1, window="b", stroke=2, over=True)
    assert sorted(shown.draft.form["advice"][0] for shown in my_drafts(desk.store, desk.account)) == [
        "卧床", "卧床", "多喝水",
    ]  # fmt: skip
    # A request that was overtaken on its way brings nothing back.
    late = keep_draft(desk.store, desk.account, draft.id, {"advice": ["卧"]}, revision=1, window="b", stroke=1)
    assert late.form == {"advice": ["卧床"]}
    discard(desk.store, desk.account, draft.id)
    assert my_drafts(desk.store, desk.account) == []
    assert misfits(desk.store, desk.folder) == []


def test_a_signed_record_is_canonical_hashed_and_signed_by_the_node(desk: Desk) -> None:
    person = desk.register("曾小明", identifier=NUMBER)
    record = desk.see(person)
    (kept,) = encounter_versions(desk.store, desk.account, record.encounter_id)
    assert kept.body == canonical(record) and kept.record == record
    assert kept.hash == sm3(kept.body)
    assert is_signed(desk.store.key.public, kept.signature, kept.body)
    assert not is_signed(desk.store.key.public, kept.signature, kept.body + b" ")
    assert my_drafts(desk.store, desk.account) == []
    assert not record.clock_doubtful and record.signed_at == MORNING
    opened = open_record(desk.store, desk.account, person.id, today=desk.today)
    assert [(visit.complaint, visit.diagnoses) for visit in opened.visits] == [("咳嗽3天", ["上呼吸道感染"])]
    assert [drug.drug for drug in opened.prescribed] == ["对乙酰氨基酚"]
    found = trends(desk.store, desk.account, person.id, ["temperature_c", "尿蛋白"])
    assert [point.number for point in found["temperature_c"]] == [38.5]
    assert [point.words for point in found["尿蛋白"]] == ["+"]
    assert misfits(desk.store, desk.folder) == []


def test_what_is_missing_is_told_and_the_draft_stays(desk: Desk) -> None:
    person = desk.register("曾小明")
    draft = begin_draft(desk.store, desk.account, person.id, {"chief_complaint": ["咳"]})
    bare = encounter("", occurred_at=MORNING, diagnoses=(), decision=None)
    with pytest.raises(InvalidFormError) as told:
        sign(desk.store, desk.account, draft.id, bare, [], proposed=PROPOSED, now=MORNING)
    assert set(told.value.by_field()) == {"chief_complaint", "diagnosis", "agreement"}
    assert open_draft(desk.store, desk.account, draft.id).draft.form == {"chief_complaint": ["咳"]}
    assert count(desk.store, schema.document) == 0


def test_an_amendment_supersedes_with_a_reason_and_the_first_version_stays(desk: Desk) -> None:
    person = desk.register("曾小明")
    first = desk.see(person)
    draft = begin_amendment(desk.store, desk.account, first.encounter_id, {})
    changed = encounter("咳嗽5天", occurred_at=MORNING)
    with pytest.raises(InvalidFormError) as told:
        sign(desk.store, desk.account, draft.id, changed, [], proposed=PROPOSED, now=MORNING)
    assert set(told.value.by_field()) == {"amendment_reason"}
    second = sign(desk.store, desk.account, draft.id, changed, [], proposed=PROPOSED, reason="问清了天数", now=MORNING)
    assert (second.version, second.supersedes, second.reason) == (2, first.id, "问清了天数")
    kept = encounter_versions(desk.store, desk.account, first.encounter_id)
    assert [each.record for each in kept] == [first, second]
    (visit,) = open_record(desk.store, desk.account, person.id, today=desk.today).visits
    assert (visit.version, visit.complaint, visit.document_id) == (2, "咳嗽5天", second.id)
    assert misfits(desk.store, desk.folder) == []


def test_of_two_doctors_who_amend_one_version_the_second_is_refused_and_loses_nothing(desk: Desk) -> None:
    person, other = desk.register("曾小明"), desk.colleague("wang")
    first = desk.see(person)
    theirs = begin_amendment(desk.store, other, first.encounter_id, {"advice": ["卧床"]})
    desk.amend(first, "咳嗽5天")
    changed = encounter("咳嗽7天", occurred_at=MORNING)
    with pytest.raises(UserError, match="这份草稿还留着"):
        sign(desk.store, other, theirs.id, changed, [], proposed=PROPOSED, reason="问清了", now=MORNING)
    assert open_draft(desk.store, other, theirs.id).draft.form == {"advice": ["卧床"]}
    assert len(encounter_versions(desk.store, other, first.encounter_id)) == 2
    assert misfits(desk.store, desk.folder) == []


def test_tables_made_anew_are_the_same(desk: Desk) -> None:
    kept, replaced = desk.register("曾小明", identifier=NUMBER), desk.register("曾晓明")
    record = desk.see(kept)
    desk.see(replaced)
    desk.amend(record, "咳嗽5天", reason="一")
    merge_id = merge(
        desk.store, desk.account, preview_merge(desk.store, desk.account, kept.id, replaced.id), reason="同一人"
    )
    desk.amend(record, "咳嗽6天", reason="二")
    before = snapshot(desk.store)
    assert rebuild_tables(desk.store) == (4, 2)
    assert snapshot(desk.store) == before
    undo(desk.store, desk.account, merge_id)
    before = snapshot(desk.store)
    rebuild_tables(desk.store)
    assert snapshot(desk.store) == before
    assert misfits(desk.store, desk.folder) == []


def test_the_queue_of_a_day(desk: Desk) -> None:
    first, second = desk.register("曾小明"), desk.register("李桂花")
    check_in(desk.store, desk.account, first.id, "咳嗽")
    desk.pass_time(minutes=5)
    check_in(desk.store, desk.account, second.id, "量血压")
    check_in(desk.store, desk.account, first.id, "又来")
    shown = open_today(desk.store, desk.account, desk.clock())
    assert [each.person.id for each in shown.queue] == [first.id, second.id]
    desk.see(first)
    leave_queue(desk.store, desk.account, second.id)
    assert open_today(desk.store, desk.account, desk.clock()).queue == []
    assert misfits(desk.store, desk.folder) == []


def test_people_of_other_villages_need_a_reason_which_is_written_down(desk: Desk) -> None:
    person, other = desk.register("曾小明"), desk.colleague("wang", areas=("360731101202",))
    with pytest.raises(NeedsReasonError):
        open_record(desk.store, other, person.id, today=desk.today)
    opened = open_record(desk.store, other, person.id, today=desk.today, reason="来赶集时发病")
    assert opened.outside_area
    line = who_saw(desk.store, desk.account, person.id)[1]
    assert (line.action, line.account, line.detail) == ("view_outside_area", other.id, "来赶集时发病")


def test_a_nurse_writes_and_a_doctor_signs(desk: Desk) -> None:
    person, nurse = desk.register("曾小明"), desk.colleague("zhang", role=Role.NURSE)
    draft = begin_draft(desk.store, nurse, person.id, {"chief_complaint": ["咳"]})
    visit = encounter("咳", occurred_at=MORNING)
    with pytest.raises(NotAllowedError):
        sign(desk.store, nurse, draft.id, visit, [], proposed=PROPOSED, now=MORNING)
    record = sign(desk.store, desk.account, draft.id, visit, [], proposed=PROPOSED, now=MORNING)
    assert record.signer.account == desk.account.id
    mine = begin_draft(desk.store, desk.account, person.id, {})
    with pytest.raises(NotAllowedError, match="别人的草稿"):
        open_draft(desk.store, nurse, mine.id)


def test_a_draft_that_was_signed_in_another_window_is_not_signed_again(desk: Desk, monkeypatch) -> None:
    """Both windows looked at the draft before either signed it."""
    person = desk.register("曾小明")
    draft = begin_draft(desk.store, desk.account, person.id, {})
    shown = open_draft(desk.store, desk.account, draft.id)
    visit = encounter("咳", occurred_at=MORNING)
    sign(desk.store, desk.account, draft.id, visit, [], proposed=PROPOSED, now=MORNING)
    monkeypatch.setattr("cunyi.journeys.consulting.open_draft", lambda *_: shown)
    with pytest.raises(UserError, match="刚在另一个窗口签名或放弃了"):
        sign(desk.store, desk.account, draft.id, visit, [], proposed=PROPOSED, now=MORNING)
    assert count(desk.store, schema.document) == 1
