"""The queue by triage, on both databases: who comes first, why, what changes it, who may move whom, what the log holds."""

import threading
import time
from datetime import timedelta

import pytest
from clinic_day import Desk, misfits
from sqlalchemy import select

from cunyi.domain.account import Role
from cunyi.domain.errors import NeedsReasonError, NotAllowedError, UserError
from cunyi.domain.queue import QueueSource, Triaged
from cunyi.journeys.consulting import begin_draft
from cunyi.journeys.queueing import (
    FIRST_SHOWN,
    InQueue,
    arrive,
    join_queue,
    leave_queue,
    retriage,
    set_level,
    show_queue,
    the_queue,
    triaged,
)
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge
from cunyi.store import schema


def look(level: str, *reasons: str, source: QueueSource = QueueSource.DRAFT, provisional: bool = False) -> Triaged:
    return Triaged(level=level, provisional=provisional, reasons=reasons, source=source)


def queue_of(desk: Desk) -> list[InQueue]:
    return the_queue(desk.store, desk.account, desk.clock())


def names(desk: Desk) -> list[str]:
    return [each.person.name for each in queue_of(desk)]


def details(desk: Desk) -> list[str]:
    table = schema.audit_entry
    with desk.store.reading() as connection:
        found = connection.execute(
            select(table.c.detail).where(table.c.action == "retriage").order_by(table.c.sequence)
        )
        return list(found.scalars())


def wait(desk: Desk, name: str, level: str, *reasons: str, source: QueueSource = QueueSource.ARRIVAL) -> str:
    person = desk.register(name)
    join_queue(desk.store, desk.account, person.id, "不舒服", triage=look(level, *reasons, source=source))
    desk.pass_time(minutes=5)
    return person.id


def test_two_windows_that_look_again_at_once_leave_one_look(desk: Desk) -> None:
    person = wait(desk, "胸闷的", "routine")
    at_once = threading.Barrier(4, timeout=20)
    failed: list[BaseException] = []

    def keep() -> None:
        try:
            at_once.wait()
            retriage(desk.store, desk.account, person, look("emergency", "胸痛"))
        except BaseException as error:
            failed.append(error)

    before = details(desk)
    with desk.store.writing(desk.account.id):
        threads = [threading.Thread(target=keep) for _ in range(4)]
        for thread in threads:
            thread.start()
        # All four have looked at the queue as it was and wait for the writer.
        time.sleep(0.5)
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(details(desk)) == len(before) + 1


def test_the_gravest_come_first_then_who_came_first(desk: Desk) -> None:
    wait(desk, "早来", "routine")
    wait(desk, "轻的", "self_care")
    wait(desk, "没评估", "")
    wait(desk, "急的", "urgent")
    wait(desk, "急症", "emergency", "胸痛伴冷汗", source=QueueSource.INTERVIEW)
    wait(desk, "晚来", "routine")
    assert names(desk) == ["急症", "急的", "早来", "没评估", "晚来", "轻的"]
    first = queue_of(desk)[0]
    assert first.waiting.triage.reasons == ("胸痛伴冷汗",)
    assert first.minutes == 10
    assert misfits(desk.store, desk.folder) == []


def test_a_change_moves_somebody_and_is_shown_and_logged_without_a_word_of_the_patient(desk: Desk) -> None:
    wait(desk, "早来", "routine")
    person = wait(desk, "后来", "routine")
    assert retriage(desk.store, desk.account, person, look("emergency", "血氧 84 %"))
    assert not retriage(desk.store, desk.account, person, look("emergency", "血氧 84 %"))
    assert names(desk) == ["后来", "早来"]
    change = queue_of(desk)[0].waiting.triage.change
    assert change is not None
    assert (change.before, change.after, change.source) == ("routine", "emergency", QueueSource.DRAFT)
    assert details(desk)[-1] == "自动改重：门诊→急症"
    assert not any("血氧" in each for each in details(desk))
    assert misfits(desk.store, desk.folder) == []


def test_who_does_not_wait_is_not_put_in_the_queue_by_a_look(desk: Desk) -> None:
    person = desk.register("曾小明")
    assert not retriage(desk.store, desk.account, person.id, look("emergency", "胸痛"))
    assert queue_of(desk) == []


def test_who_waits_already_keeps_the_time_of_arrival_and_gets_the_new_level(desk: Desk) -> None:
    person = wait(desk, "曾小明", "routine")
    entry = join_queue(
        desk.store, desk.account, person, "又来", triage=look("urgent", "高热", source=QueueSource.INTERVIEW)
    )
    (waiting,) = queue_of(desk)
    assert waiting.waiting.id == entry
    assert (waiting.minutes, waiting.waiting.triage.level) == (5, "urgent")


def test_staff_move_somebody_only_with_a_reason_and_lowering_is_told_in_the_log(desk: Desk) -> None:
    person = wait(desk, "曾小明", "urgent", "高热")
    for level, why in (("emergency", " "), ("", "脸色差"), ("grave", "脸色差")):
        with pytest.raises(UserError):
            set_level(desk.store, desk.account, person, level, why)
    set_level(desk.store, desk.account, person, "emergency", "脸色灰白")
    assert queue_of(desk)[0].waiting.triage.reasons == ("脸色灰白",)
    set_level(desk.store, desk.account, person, "routine", "量错了，重测正常")
    held = queue_of(desk)[0].waiting.triage
    assert (held.level, held.steps[-1].by) == ("routine", desk.account.name)
    assert details(desk)[-2:] == ["人工改重：当日→急症", "人工改轻：急症→门诊"]
    leave_queue(desk.store, desk.account, person)
    with pytest.raises(UserError, match="不在候诊"):
        set_level(desk.store, desk.account, person, "urgent", "脸色差")
    assert misfits(desk.store, desk.folder) == []


def test_signing_ends_the_waiting_and_the_looks_stay_with_the_entry(desk: Desk) -> None:
    person = desk.register("曾小明")
    join_queue(desk.store, desk.account, person.id, "咳嗽", triage=look("routine", "咳嗽"))
    desk.see(person)
    assert queue_of(desk) == []
    with desk.store.reading() as connection:
        row = connection.execute(select(schema.waiting)).one()
    assert (row.level, row.done_at is not None, row.triage is not None) == ("routine", True, True)


def test_yesterday_is_not_waiting_any_more(desk: Desk) -> None:
    person = wait(desk, "曾小明", "emergency", "胸痛")
    desk.pass_time(minutes=60 * 24)
    assert queue_of(desk) == []
    assert not retriage(desk.store, desk.account, person, look("urgent", "发热"))


def test_an_emergency_is_neither_filtered_out_nor_folded_away(desk: Desk) -> None:
    for number in range(FIRST_SHOWN + 3):
        wait(desk, "居民" + "甲乙丙丁戊己庚辛壬癸子丑寅卯辰"[number], "routine")
    grave = wait(desk, "急症", "emergency", "胸痛")
    shown = show_queue(queue_of(desk), "360731101299")
    assert [each.person.id for each in shown.first] == [grave]
    assert (shown.folded, shown.hidden, shown.waiting, shown.emergencies) == ([], FIRST_SHOWN + 3, FIRST_SHOWN + 4, 1)
    everybody = show_queue(queue_of(desk))
    assert everybody.first[0].person.id == grave
    assert len(everybody.first) == FIRST_SHOWN
    assert len(everybody.folded) == 4
    for each in queue_of(desk):
        set_level(desk.store, desk.account, each.person.id, "urgent", "都急")
    assert show_queue(queue_of(desk)).folded == []


def test_only_those_who_treat_people_move_them_and_elsewhere_needs_a_reason(desk: Desk) -> None:
    person = wait(desk, "曾小明", "routine")
    clerk = desk.colleague("zhang", role=Role.ADMINISTRATOR)
    for step in (
        lambda: set_level(desk.store, clerk, person, "urgent", "脸色差"),
        lambda: retriage(desk.store, clerk, person, look("urgent", "高热")),
        lambda: join_queue(desk.store, clerk, person, "咳嗽"),
    ):
        with pytest.raises(NotAllowedError):
            step()
    assert the_queue(desk.store, clerk, desk.clock()) == []
    far = desk.colleague("wang", areas=("360731101202",))
    other = desk.register("李桂花")
    with pytest.raises(NeedsReasonError):
        join_queue(desk.store, far, other.id, "", triage=None)


def test_the_words_at_arrival_give_a_level_with_age_and_record(desk: Desk, knowledge: Knowledge) -> None:
    person = desk.register("曾小明")
    arrive(desk.store, desk.account, person.id, "突发胸痛，出冷汗，左臂痛", knowledge, now=desk.clock())
    (waiting,) = queue_of(desk)
    assert waiting.waiting.triage.level == "emergency"
    assert waiting.waiting.triage.reasons
    quiet = desk.register("李桂花")
    arrive(desk.store, desk.account, quiet.id, "", knowledge, now=desk.clock())
    assert [each.waiting.triage.level for each in queue_of(desk)] == ["emergency", ""]


@pytest.mark.parametrize(("age", "level"), [(0.1, "emergency"), (30, "routine")])
def test_vitals_are_judged_by_age(knowledge: Knowledge, age: float, level: str) -> None:
    hot = assess({"age_years": age, "chief_complaint": "发热1天", "vitals": {"temperature_c": 38.6}}, knowledge)
    given = triaged(hot, QueueSource.DRAFT).level
    assert given == level if level == "emergency" else given != "emergency"


def test_an_assessment_of_nothing_gives_no_level(knowledge: Knowledge) -> None:
    given = triaged(assess({}, knowledge), QueueSource.ARRIVAL)
    assert (given.level, given.reasons, given.provisional) == ("", (), True)


def test_a_draft_that_was_begun_does_not_take_anybody_out_of_the_queue(desk: Desk) -> None:
    person = wait(desk, "曾小明", "urgent", "高热")
    begin_draft(desk.store, desk.account, person, {})
    assert names(desk) == ["曾小明"]
    assert queue_of(desk)[0].minutes == timedelta(minutes=5).seconds // 60
