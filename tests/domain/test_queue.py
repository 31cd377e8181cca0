"""Which level holds for somebody who waits, whatever is looked at and in whatever order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cunyi.domain.queue import QueueSource, QueueTriage, Triaged, gravity

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LEVELS = ["", "self_care", "routine", "urgent", "emergency"]


def look(level, source=QueueSource.DRAFT, *reasons, provisional=False):
    return Triaged(level=level, provisional=provisional, reasons=reasons, source=source)


def queue(*looks):
    triage = QueueTriage()
    for minute, each in enumerate(looks):
        triage = triage.looked(each, at=NOON + timedelta(minutes=minute), by="李建国")
    return triage


def test_nobody_looked_yet():
    nothing = queue()
    assert (nothing.level, nothing.provisional, nothing.reasons, nothing.change) == ("", True, (), None)


def test_the_gravest_of_what_each_source_says_last_holds():
    triage = queue(
        look("urgent", QueueSource.ARRIVAL, "胸口闷"),
        look("routine", QueueSource.DRAFT, "血压偏高"),
        look("routine", QueueSource.INTERVIEW),
    )
    assert triage.level == "urgent"
    assert triage.reasons == ("胸口闷",)


def test_a_new_reading_raises_the_level_and_the_change_is_told():
    triage = queue(look("routine", QueueSource.ARRIVAL), look("emergency", QueueSource.DRAFT, "血氧 84 %"))
    assert triage.level == "emergency"
    assert triage.change is not None
    assert (triage.change.before, triage.change.after, triage.change.reasons) == (
        "routine",
        "emergency",
        ("血氧 84 %",),
    )
    assert triage.change.at == NOON + timedelta(minutes=1)


def test_a_corrected_reading_lowers_an_urgent_one_by_itself():
    triage = queue(look("urgent", QueueSource.DRAFT, "体温 40 ℃"), look("routine", QueueSource.DRAFT))
    assert triage.level == "routine"


def test_an_emergency_stays_until_staff_decide():
    hot = look("emergency", QueueSource.DRAFT, "血氧 54 %")
    calm = look("routine", QueueSource.DRAFT)
    assert queue(hot, calm).level == "emergency"
    assert queue(hot, calm).reasons == ("血氧 54 %",)
    decided = queue(hot, calm, look("routine", QueueSource.STAFF, "探头没夹好，重测 97"))
    assert (decided.level, decided.provisional) == ("routine", False)
    assert decided.reasons == ("探头没夹好，重测 97",)


def test_what_staff_knew_when_they_lowered_does_not_come_up_again_but_something_new_does():
    known = look("emergency", QueueSource.DRAFT, "胸痛")
    lowered = queue(known, look("routine", QueueSource.STAFF, "肋骨按压痛"))
    written_on = lowered.looked(look("emergency", QueueSource.INTERVIEW, "胸痛"), at=NOON, by="")
    assert written_on.level == "routine"
    worse = written_on.looked(look("emergency", QueueSource.DRAFT, "胸痛", "晕厥"), at=NOON, by="")
    assert worse.level == "emergency"


def test_staff_may_raise_and_what_is_milder_later_does_not_lower_it():
    triage = queue(
        look("routine", QueueSource.ARRIVAL), look("urgent", QueueSource.STAFF, "脸色很差"), look("self_care")
    )
    assert triage.level == "urgent"
    assert triage.deciding[0].source is QueueSource.STAFF


def test_the_same_look_again_is_no_change():
    once = queue(look("urgent", QueueSource.DRAFT, "发热"))
    assert once.looked(look("urgent", QueueSource.DRAFT, "发热"), at=NOON, by="") is once
    nothing = queue()
    assert nothing.looked(look(""), at=NOON, by="") is nothing


def test_who_may_be_well_but_was_not_asked_is_not_put_behind_others():
    assert (
        gravity("self_care", provisional=True) == gravity("routine", provisional=False) == gravity("", provisional=True)
    )
    assert gravity("self_care", provisional=False) < gravity("routine", provisional=True)


LOOKS = st.builds(
    lambda level, source, reasons: look(level, source, *reasons),
    st.sampled_from(LEVELS),
    st.sampled_from([QueueSource.ARRIVAL, QueueSource.INTERVIEW, QueueSource.DRAFT]),
    st.lists(st.sampled_from(["甲", "乙", "丙"]), max_size=2),
)


@given(st.lists(LOOKS, max_size=8))
def test_an_emergency_is_never_lost_without_staff(looks):
    triage = queue(*looks)
    if any(each.level == "emergency" for each in looks):
        assert triage.level == "emergency"
        assert any(each.level == "emergency" for each in triage.deciding)


@given(st.lists(LOOKS, max_size=6), st.sampled_from(LEVELS[1:]))
def test_a_decision_of_staff_holds_at_least_until_something_new(looks, level):
    decided = queue(*looks, look(level, QueueSource.STAFF, "看过了"))
    assert decided.level == level
    again = decided
    for each in looks:
        again = again.looked(each, at=NOON, by="")
    if not {reason for each in looks for reason in each.reasons}:
        assert LEVELS.index(again.level) <= max(
            LEVELS.index(level), max((LEVELS.index(e.level) for e in looks), default=0)
        )
    assert LEVELS.index(again.level) >= LEVELS.index(level)
