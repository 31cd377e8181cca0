"""What a villager answered before the consultation: found by the secret of its link alone, kept encrypted, erased without a trace of words."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from clinic_day import Desk
from sqlalchemy import select

from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.finding import Status
from cunyi.domain.interview import Interview, Option, Question, QuestionKind, Slot, Topic, give_answer
from cunyi.journeys.preconsulting import erase
from cunyi.store import schema
from cunyi.store.interviews import (
    OVER,
    Claim,
    Consent,
    ConsentBy,
    InterviewRecord,
    InterviewState,
    Way,
    add_interview,
    alarms_of,
    close_link,
    codes_in_use,
    interview_by_code,
    interview_by_id,
    interview_by_token,
    interviews_in,
    replace_interview,
    token_digest,
)
from cunyi.store.unit import SYSTEM

ASKED = Question(
    id="complaint",
    topic=Topic.COMPLAINT,
    kind=QuestionKind.TEXT,
    wording="您哪里不舒服？",
    wording_en="What is wrong?",
    slot=Slot.CHIEF_COMPLAINT,
)
SEVERAL = Question(
    id="danger",
    topic=Topic.DANGER,
    kind=QuestionKind.SEVERAL,
    wording="还有下面这些吗？",
    wording_en="And these?",
    options=(Option(id="sweat", label="出冷汗", label_en="cold sweat", findings=("sweating",)),),
)


def answers() -> Interview:
    return Interview(
        sex=Sex.MALE,
        age_years=68.0,
        month=3,
        answers=(
            give_answer(ASKED, text="胸口痛半天"),
            give_answer(SEVERAL, statuses={"sweat": Status.ABSENT}),
        ),
    )


def keep(
    desk: Desk, token: str = "secret", code: str = "2346", state: InterviewState = InterviewState.ANSWERING, **said
):
    record = InterviewRecord(way=Way.DOOR, **said)
    with desk.store.writing(SYSTEM) as writing:
        made = add_interview(writing, token, record, state, pickup_code=code)
        writing.audit(Action.CONSENT_INTERVIEW, subject=made.id)
    return made


def change(desk: Desk, made, **values):
    with desk.store.writing(SYSTEM) as writing:
        changed = replace_interview(writing, msgspec.structs.replace(made, **values))
        writing.audit(Action.ANSWER_INTERVIEW, subject=made.id)
    return changed


def test_it_is_found_by_the_secret_of_its_link_and_comes_back_as_it_was(desk: Desk) -> None:
    said = {
        "consent": Consent(text="1", by=ConsentBy.GUARDIAN, at=desk.clock(), name="王桂花", relation="mother"),
        "claim": Claim(phone="13800001111", name="周大福"),
        "interview": answers(),
    }
    made = keep(desk, **said)
    organisation = desk.store.node.organisation
    with desk.store.reading() as connection:
        assert interview_by_token(connection, organisation, "secret") == made
        assert interview_by_id(connection, organisation, made.id) == made
        assert interview_by_token(connection, organisation, "Secret") is None
        assert interview_by_token(connection, "360732", "secret") is None
    assert made.record.interview == answers()
    assert made.facility == desk.store.node.facility


def test_the_secret_itself_is_nowhere_in_the_database(desk: Desk) -> None:
    token = "a-very-secret-link-token"
    keep(desk, token)
    with desk.store.reading() as connection:
        row = connection.execute(select(schema.interview)).one()
    assert all(token.encode() not in bytes(value) for value in row if isinstance(value, bytes | memoryview))
    assert all(token not in value for value in row if isinstance(value, str))
    assert bytes(row.token_hash) == token_digest(token)


def test_nothing_that_was_said_is_in_a_representation(desk: Desk) -> None:
    made = keep(desk, claim=Claim(number="11010519491231002X", name="周大福"), interview=answers())
    consent = Consent(text="1", by=ConsentBy.GUARDIAN, at=desk.clock(), name="王桂花", relation="mother")
    shown = f"{made!r} {made.record.claim!r} {consent!r}"
    assert not any(word in shown for word in ("周大福", "19491231", "王桂花", "胸口"))


def test_a_pickup_code_leads_to_it_until_the_link_is_closed(desk: Desk) -> None:
    made = keep(desk)
    organisation = desk.store.node.organisation
    with desk.store.reading() as connection:
        assert interview_by_code(connection, organisation, "2346") == made
        assert interview_by_code(connection, organisation, "") is None
        assert codes_in_use(connection, organisation) == {"2346"}
    with desk.store.writing(SYSTEM) as writing:
        close_link(writing, made.id)
        writing.audit(Action.EXPIRE_INTERVIEW, subject=made.id)
    with desk.store.reading() as connection:
        assert interview_by_code(connection, organisation, "2346") is None
        assert interview_by_token(connection, organisation, "secret") is None
        assert codes_in_use(connection, organisation) == set()


def test_two_without_a_link_or_code_do_not_hinder_each_other(desk: Desk) -> None:
    for token in ("one", "two"):
        made = keep(desk, token, code="")
        with desk.store.writing(SYSTEM) as writing:
            close_link(writing, made.id)
            writing.audit(Action.EXPIRE_INTERVIEW, subject=made.id)
    with desk.store.reading() as connection:
        found = interviews_in(
            connection, desk.store.node.organisation, desk.store.node.facility, [InterviewState.ANSWERING]
        )
    assert len(found) == 2


def test_the_time_of_a_change_is_kept_and_states_are_told_apart(desk: Desk) -> None:
    made = keep(desk)
    desk.pass_time(minutes=7)
    changed = change(desk, made, state=InterviewState.FINISHED, revision=3, level="routine")
    assert changed.updated_at - changed.created_at == timedelta(minutes=7)
    node = desk.store.node
    with desk.store.reading() as connection:
        assert interviews_in(connection, node.organisation, node.facility, [InterviewState.FINISHED]) == [changed]
        assert interviews_in(connection, node.organisation, node.facility, [InterviewState.ANSWERING]) == []
        assert interviews_in(connection, node.organisation, "another", [InterviewState.FINISHED]) == []


def test_an_alarm_rings_until_it_is_seen_whatever_is_answered_after_it(desk: Desk) -> None:
    made = keep(desk)
    ringing = change(desk, made, state=InterviewState.EMERGENCY, alarmed_at=desk.clock(), level="emergency")
    node = desk.store.node

    def ring() -> list[str]:
        with desk.store.reading() as connection:
            return [each.id for each in alarms_of(connection, node.organisation, node.facility)]

    assert ring() == [made.id]
    ringing = change(desk, ringing, state=InterviewState.ANSWERING)
    assert ring() == [made.id]
    change(desk, ringing, acknowledged_at=desk.clock())
    assert ring() == []


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_rings_no_more(desk: Desk, state: InterviewState) -> None:
    made = keep(desk)
    change(desk, made, state=state, alarmed_at=desk.clock())
    node = desk.store.node
    with desk.store.reading() as connection:
        assert alarms_of(connection, node.organisation, node.facility) == []


def test_erasing_leaves_that_there_was_consent_and_no_word_or_name(desk: Desk) -> None:
    consent = Consent(text="2026-11", by=ConsentBy.GUARDIAN, at=desk.clock(), name="王桂花", relation="mother")
    made = keep(desk, consent=consent, claim=Claim(phone="13800001111", name="周大福"), interview=answers())
    with desk.store.writing(SYSTEM) as writing:
        erase(writing, made, InterviewState.EXPIRED, "到期")
        writing.audit(Action.EXPIRE_INTERVIEW, subject=made.id)
    with desk.store.reading() as connection:
        left = interview_by_id(connection, desk.store.node.organisation, made.id)
        assert interview_by_token(connection, desk.store.node.organisation, "secret") is None
    assert left is not None and left.state is InterviewState.EXPIRED
    assert left.record.interview is None and left.record.claim is None
    assert (left.level, left.person_id, left.draft_id) == ("", None, None)
    assert left.record.consent == Consent(text="2026-11", by=ConsentBy.GUARDIAN, at=consent.at)
