"""What the demonstration shows of a township: its facilities, a consultation with its answer, a critical value that was acted on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from cunyi.domain.account import Account
from cunyi.domain.audit import Action
from cunyi.domain.consultation import CaseReading, ConsultationAsked, ConsultationStep, ConsultationWritten
from cunyi.domain.critical_value import CriticalAct, CriticalStep
from cunyi.domain.organisation import Facility
from cunyi.domain.person import Person
from cunyi.journeys.attaching import keep_picture
from cunyi.journeys.consulting_experts import ask, write_step
from cunyi.journeys.critical_values import answer_critical_value, critical_values_here
from cunyi.journeys.drawn_picture import drawn_strip
from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.facilities import facility_by_code, keep_facility
from cunyi.store.unit import SYSTEM

_THREAD = "0190a7c0-0000-7000-8000-00000000d001"

Told = tuple[int, int, Callable[[], None]]
"""Something that happens: how many days ago, how many minutes after the morning began, and what."""


def keep_demonstrated_facilities(seat: Seat, story: Mapping[str, Any]) -> None:
    """The invented facilities of the demonstration, where they are not here yet."""
    store = seat.store
    with store.writing(SYSTEM) as writing:
        for told in story["facilities"]:
            made = msgspec.convert({**told, "organisation": store.node.organisation}, Facility)
            if facility_by_code(writing.connection, store.node.organisation, made.code) is None:
                keep_facility(writing, made)
        writing.audit(Action.LOAD_ORGANISATION)


def told_threads(
    seat: Seat, story: Mapping[str, Any], people: Mapping[str, Person], seen_at: Mapping[str, int], knowledge: Knowledge
) -> Iterator[Told]:
    """The consultation and the critical value as they happen; `people` holds whom they are about by the time they do.

    `seen_at` is the minute of a morning at which somebody is seen.
    """
    told, rules = story["consultation"], knowledge.content.answering
    store = seat.store
    asked = ConsultationAsked(
        to_facility=told["to"],
        urgency=told["urgency"],
        case=told["case"],
        question=told["question"],
        readings=tuple(CaseReading(name=name, value=value, unit=unit) for name, value, unit in told["readings"]),
    )
    answer = ConsultationWritten(diagnosis=told["diagnosis"], plan=told["plan"])

    def ask_it() -> None:
        by, person = _account(seat, told["asker"]), people[told["person"]]
        picture = keep_picture(store, by, person.id, _THREAD, drawn_strip())
        ask(store, by, person.id, _THREAD, asked, pictures=[picture.id], rules=rules)

    def answer_it() -> None:
        write_step(store, _account(seat, told["expert"]), _THREAD, ConsultationStep.ANSWER, answer)

    asked_at = max(seen_at.values()) + 1
    yield told["days_ago"], asked_at, ask_it
    yield told["days_ago"], asked_at + told["answered_after"], answer_it

    value = story["critical_value"]

    def see_to(login: str, step: CriticalStep, written: CriticalAct) -> Callable[[], None]:
        def happens() -> None:
            by = _account(seat, login)
            for thread in critical_values_here(store, by, seat.now()):
                if thread.person_id == people[value["person"]].id:
                    answer_critical_value(store, by, thread.id, step, written, rules)

        return happens

    found_at = seen_at[value["person"]]
    act = CriticalAct(act=value["act"], words=value["words"])
    yield (
        value["days_ago"],
        found_at + value["acknowledged_after"],
        see_to(value["nurse"], CriticalStep.ACKNOWLEDGE, CriticalAct()),
    )
    yield value["days_ago"], found_at + value["acted_after"], see_to(value["by"], CriticalStep.ACT, act)


def _account(seat: Seat, login: str) -> Account:
    return next(account for account in seat.names_of_accounts() if account.login == login)
