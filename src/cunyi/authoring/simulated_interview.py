"""Simulated interviews: the engine asks from the chief complaint on, a simulated patient answers from the case.

The simulated patient knows what the engine reads in the whole case: what is there, what is not, and is not sure of the rest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cunyi.authoring.evaluate import TOP, is_covered
from cunyi.authoring.scoring import Outcome, Share, read_gold, score, share
from cunyi.domain.case import Case
from cunyi.domain.finding import Status
from cunyi.domain.intake import parse_case
from cunyi.domain.interview import Answer, Finish, Informant, Interview, Option, Question, QuestionKind, give_answer
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.assess import assess
from cunyi.reasoning.interviewing import answered, case_of_interview, next_step
from cunyi.reasoning.interviewing_questions import GAIN
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive

_LONGEST = 200
_EARLY = 15
_EMERGENCY = TriageLevel.EMERGENCY.code


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated interview (模拟问诊): what it asked, how it ended, how right the engine was after it and with everything.

    `milliseconds` has one entry for each next step; `known` counts the findings that the patient could answer yes or no.
    """

    id: str
    questions: int
    by_gain: int
    asked: int
    known: int
    finish: Finish
    milliseconds: tuple[float, ...]
    after: Outcome
    early: Outcome
    """After the complaint and the first 15 questions of any kind."""
    full: Outcome


class InterviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of simulated interviews of one file and split (模拟问诊报告)."""

    file: str
    split: str
    cases: int
    questions: float
    by_gain: float
    most_by_gain: int
    asked: float
    finished: dict[str, int]
    milliseconds_median: float
    milliseconds_95: float
    top_after: dict[str, Share]
    top_early: dict[str, Share]
    top_full: dict[str, Share]
    kept: dict[str, float]
    """Share of the accuracy with everything known that is left after the interview, by k."""
    kept_early: dict[str, float]
    must_not_miss_after: Share
    must_not_miss_full: Share
    emergencies_stopped: Share
    """Of the cases whose gold level is an emergency, how many the interview stopped as one."""
    others_stopped: Share


class Patient:
    """The simulated patient (模拟病人) of one case: answers what the case says, and nothing more."""

    def __init__(self, case: Case, knowledge: Knowledge) -> None:
        self._complaint = case.chief_complaint or _first_sentence(case.history_of_present_illness)
        self._presentation: Presentation = receive(case, knowledge).presentation

    def answer(self, question: Question) -> Answer:
        """The answer to any question of an interview."""
        match question.kind:
            case QuestionKind.TEXT if question.id == "complaint" and self._complaint:
                return give_answer(question, text=self._complaint)
            case QuestionKind.YES_NO | QuestionKind.SEVERAL:
                return give_answer(question, statuses={option.id: self._status(option) for option in question.options})
            case QuestionKind.CHOICE:
                fitting = [option for option in question.options if self._fits(option, question.about)]
                if not fitting:
                    return give_answer(question, unknown=True)
                return give_answer(question, chosen=(max(fitting, key=lambda option: len(option.findings)).id,))
            case QuestionKind.PLACE:
                places = tuple(o.id for o in question.options if o.findings and self._has(o.findings))
                return give_answer(question, chosen=places) if places else give_answer(question, unknown=True)
            case QuestionKind.DURATION if question.about is not None:
                fact = self._presentation.facts.get(question.about)
                days = fact.duration_days if fact is not None else None
                return give_answer(question, days=days) if days is not None else give_answer(question, unknown=True)
            case _:
                return give_answer(question, unknown=True)

    def _has(self, findings: Sequence[str]) -> bool:
        return all(self._presentation.status(finding) == Status.PRESENT for finding in findings)

    def _lacks(self, findings: Sequence[str]) -> bool:
        return all(self._presentation.status(finding) == Status.ABSENT for finding in findings)

    def _status(self, option: Option) -> Status:
        if option.findings and self._has(option.findings):
            return Status.PRESENT
        return Status.ABSENT if option.findings and self._lacks(option.findings) else Status.UNKNOWN

    def _fits(self, option: Option, about: str | None) -> bool:
        if option.findings:
            return self._has(option.findings)
        fact = self._presentation.facts.get(about) if about is not None else None
        if option.onset is not None or option.severity is not None:
            return fact is not None and (
                (option.onset is not None and fact.onset == option.onset)
                or (option.severity is not None and fact.severity == option.severity)
            )
        return bool(option.absent) and self._lacks(option.absent)


def _first_sentence(text: str) -> str:
    return re.split(r"[。！？!?\n]", text.strip(), maxsplit=1)[0]


def simulate(raw: Mapping[str, Any], knowledge: Knowledge) -> tuple[Interview, Finish, tuple[float, ...]]:
    """The interview of one case with its simulated patient, how it ended, and the milliseconds of each step."""
    case = parse_case(raw)
    patient = Patient(case, knowledge)
    child = case.age_years is not None and case.age_years < knowledge.settings.child_years
    interview = Interview(
        informant=Informant.CHILD if child else Informant.SELF,
        sex=case.sex,
        age_years=case.age_years,
        month=case.month,
    )
    spent: list[float] = []
    for _ in range(_LONGEST):
        began = time.perf_counter()
        step = next_step(interview, knowledge)
        spent.append((time.perf_counter() - began) * 1000)
        if step.question is None:
            break
        interview = answered(interview, patient.answer(step.question), knowledge)
    assert step.finish is not None, "an interview always ends"
    return interview, step.finish, tuple(spent)


def simulations(cases: Iterable[Mapping[str, Any]], knowledge: Knowledge) -> Iterator[Simulated]:
    """Simulates the interviews of labelled cases one by one."""
    diseases = list(knowledge.content.diseases.values())
    for raw in cases:
        gold = read_gold(raw["gold"])
        covered = is_covered(gold, diseases)
        interview, finish, spent = simulate(raw, knowledge)
        statuses = [status for answer in interview.answers for status in answer.statuses.values()]
        case_id = str(raw["id"])
        first = msgspec.structs.replace(interview, answers=interview.answers[: _EARLY + 1])
        yield Simulated(
            id=case_id,
            questions=len(interview.answers),
            by_gain=sum(answer.question.priority == GAIN for answer in interview.answers),
            asked=sum(len(answer.question.options) for answer in interview.answers),
            known=sum(status != Status.UNKNOWN for status in statuses),
            finish=finish,
            milliseconds=spent,
            after=score(case_id, gold, assess(case_of_interview(interview, knowledge), knowledge), covered),
            early=score(case_id, gold, assess(case_of_interview(first, knowledge), knowledge), covered),
            full=score(case_id, gold, assess(raw, knowledge), covered),
        )


def interview_report(file: str, split: str | None, simulated: Sequence[Simulated]) -> InterviewReport:
    """The figures of simulated interviews."""
    spent = sorted(ms for one in simulated for ms in one.milliseconds)
    number = max(1, len(simulated))
    finished: dict[str, int] = {}
    for one in simulated:
        finished[one.finish] = finished.get(one.finish, 0) + 1
    after = _top([one.after for one in simulated])
    early = _top([one.early for one in simulated])
    full = _top([one.full for one in simulated])
    levelled = [one for one in simulated if one.full.gold_level is not None]
    emergencies = [one for one in levelled if one.full.gold_level == _EMERGENCY]
    others = [one for one in levelled if one.full.gold_level != _EMERGENCY]
    return InterviewReport(
        file=file,
        split=split or "all",
        cases=len(simulated),
        questions=sum(one.questions for one in simulated) / number,
        by_gain=sum(one.by_gain for one in simulated) / number,
        most_by_gain=max((one.by_gain for one in simulated), default=0),
        asked=sum(one.asked for one in simulated) / number,
        finished=dict(sorted(finished.items())),
        milliseconds_median=spent[len(spent) // 2] if spent else 0.0,
        milliseconds_95=spent[int(len(spent) * 0.95)] if spent else 0.0,
        top_after=after,
        top_early=early,
        top_full=full,
        kept=_kept(after, full),
        kept_early=_kept(early, full),
        must_not_miss_after=share([one.after.captured for one in simulated if one.after.must_not_miss]),
        must_not_miss_full=share([one.full.captured for one in simulated if one.full.must_not_miss]),
        emergencies_stopped=share([one.finish == Finish.EMERGENCY for one in emergencies]),
        others_stopped=share([one.finish == Finish.EMERGENCY for one in others]),
    )


def _top(outcomes: Sequence[Outcome]) -> dict[str, Share]:
    return {str(k): share([0 < outcome.rank <= k for outcome in outcomes]) for k in TOP}


def _kept(part: Mapping[str, Share], whole: Mapping[str, Share]) -> dict[str, float]:
    return {k: part[k].value / whole[k].value if whole[k].value else 0.0 for k in whole}
