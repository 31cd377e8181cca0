"""An interview (预问诊): what a villager was asked before seeing the doctor, and what they answered. Plain, immutable data."""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Onset, Severity, Status

_LONGEST_TEXT = 2000
_LONGEST_DAYS = 120 * 365.0


class Informant(StrEnum):
    """Who answers for whom (本人 / 家长替孩子 / 家属替老人)."""

    SELF = "self"
    CHILD = "child"
    RELATIVE = "relative"


class QuestionKind(StrEnum):
    """How a question is answered (答法): words, yes or no, several yes or no at once, one choice, a number, a length of
    time, places on a body picture."""

    TEXT = "text"
    YES_NO = "yes_no"
    SEVERAL = "several"
    CHOICE = "choice"
    NUMBER = "number"
    DURATION = "duration"
    PLACE = "place"


class Topic(StrEnum):
    """What a question belongs to (问题的类别)."""

    PERSON = "person"
    COMPLAINT = "complaint"
    DANGER = "danger"
    COURSE = "course"
    SYMPTOM = "symptom"
    PAST = "past"
    DRUG = "drug"
    ALLERGY = "allergy"
    PREGNANCY = "pregnancy"
    HABIT = "habit"
    EXPOSURE = "exposure"
    FAMILY = "family"
    MORE = "more"


class Slot(StrEnum):
    """Which part of a case an answer's own words, number or days go to (答案归入)."""

    SEX = "sex"
    AGE_YEARS = "age_years"
    AGE_MONTHS = "age_months"
    PREGNANT = "pregnant"
    CHIEF_COMPLAINT = "chief_complaint"
    PRESENT_ILLNESS = "history_of_present_illness"
    PAST_HISTORY = "past_history"
    PERSONAL_HISTORY = "personal_history"
    FAMILY_HISTORY = "family_history"
    MEDICATIONS = "medications"
    ALLERGIES = "allergies"
    DURATION = "duration"
    ONSET = "onset"
    SEVERITY = "severity"
    COURSE = "course"
    BETTER = "better"
    WORSE = "worse"
    TAKEN = "taken"


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be chosen or said yes to (选项), and what it means for the case when it is.

    `findings` are then present and `absent` are not there; `onset` and `severity` are of the finding that the question is
    about. `side` is `front` or `back` for a place on the body picture.
    """

    id: str
    label: str
    label_en: str
    findings: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    onset: Onset | None = None
    severity: Severity | None = None
    side: str | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question as it was put (问题), complete in itself: an answer keeps it, so that later knowledge changes nothing.

    `about` is the finding that a follow-up belongs to, `slot` where words, a number or days go. A yes-or-no question has one
    option. `own_words` allows words beside the options. Numbers lie within `lowest` and `highest` (both included).
    """

    id: str
    topic: Topic
    kind: QuestionKind
    wording: str
    wording_en: str
    options: tuple[Option, ...] = ()
    about: str | None = None
    slot: Slot | None = None
    own_words: bool = False
    unit: str | None = None
    lowest: float | None = None
    highest: float | None = None
    complaints: tuple[str, ...] = ()
    """Of a question about danger signs: the complaints that they belong to; none where everybody is asked for them."""
    priority: str | None = None
    """Why it is asked now: `fixed` in its turn, `early` for a background question before its turn, `gain` for its worth."""

    def option(self, option_id: str) -> Option | None:
        """The option of an id; None for any other."""
        return next((option for option in self.options if option.id == option_id), None)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to one question (回答). `unknown` is 不清楚 to the whole of it.

    `statuses` holds for each option of a yes-or-no or several question present, absent or unknown, by option id; `chosen` the
    option ids of a choice (at most one) or of places.
    """

    question: Question
    text: str = ""
    chosen: tuple[str, ...] = ()
    statuses: dict[str, Status] = {}
    number: float | None = None
    days: float | None = None
    unknown: bool = False


class Interview(msgspec.Struct, frozen=True, kw_only=True):
    """One interview so far (预问诊): for whom, and the answers in the order of the questions.

    Sex, age, pregnancy and month may be known beforehand; what is None is asked where it matters. `stopped` says that the
    person did not want to go on.
    """

    informant: Informant = Informant.SELF
    sex: Sex | None = None
    age_years: float | None = None
    pregnant: bool | None = None
    month: int | None = None
    answers: tuple[Answer, ...] = ()
    stopped: bool = False

    def answer_to(self, question_id: str) -> Answer | None:
        """The answer to a question; None where it was not asked."""
        return next((answer for answer in self.answers if answer.question.id == question_id), None)


class Finish(StrEnum):
    """Why an interview ends (结束原因): enough is known, the limit is reached, the person stopped, an emergency."""

    ENOUGH = "enough"
    LIMIT = "limit"
    STOPPED = "stopped"
    EMERGENCY = "emergency"


class FirstAid(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do until help comes (急救措施), with the ids of its sources."""

    text: str
    text_en: str
    sources: tuple[str, ...]


class Care(msgspec.Struct, frozen=True, kw_only=True):
    """The level of care in the villager's words (就医建议): all that a villager is told.

    `level` is a word of `TriageLevel`; where `provisional` a mild level is not yet sure, and `title` and `text` say only to
    let the doctor see.
    """

    level: str
    provisional: bool
    title: str
    title_en: str
    text: str
    text_en: str
    first_aid: tuple[FirstAid, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What comes next (下一步): a question, or the end with its reason and the level of care.

    Exactly one of `question` and `finish` is set, `care` with `finish`. `asked` counts the answers, `most_left` how many
    more questions there can be at most.
    """

    question: Question | None = None
    finish: Finish | None = None
    care: Care | None = None
    asked: int = 0
    most_left: int = 0


def give_answer(
    question: Question,
    *,
    text: str = "",
    chosen: tuple[str, ...] = (),
    statuses: dict[str, Status] | None = None,
    number: float | None = None,
    days: float | None = None,
    unknown: bool = False,
) -> Answer:
    """A checked answer to a question as it came from a page. UserError says in Chinese what is missing or cannot be.

    With `unknown` everything else is dropped. In a several question an option without a status counts as unknown.
    """
    if unknown:
        return Answer(question=question, unknown=True)
    text = text.strip()
    if len(text) > _LONGEST_TEXT:
        raise UserError("写得太长了，请少于 {most} 个字", field="text", most=_LONGEST_TEXT)
    if text and question.kind != QuestionKind.TEXT and not question.own_words:
        raise UserError("这一题不用写字，点一个答案就行", field="text")
    match question.kind:
        case QuestionKind.TEXT:
            if not text:
                raise UserError("还没有写；说不清可以点“不清楚”", field="text")
            return Answer(question=question, text=text)
        case QuestionKind.YES_NO | QuestionKind.SEVERAL:
            return _statuses(question, statuses or {}, text)
        case QuestionKind.CHOICE | QuestionKind.PLACE:
            return _chosen(question, chosen, text)
        case QuestionKind.NUMBER:
            return Answer(question=question, number=_number(question, number))
        case QuestionKind.DURATION:
            if days is None or not math.isfinite(days) or not 0 <= days <= _LONGEST_DAYS:
                raise UserError("请选多久了；说不清可以点“不清楚”", field="days")
            return Answer(question=question, days=days)


def _statuses(question: Question, statuses: dict[str, Status], text: str) -> Answer:
    known = {option.id for option in question.options}
    for option_id, status in statuses.items():
        if option_id not in known or status == Status.POSSIBLE:
            raise UserError("请点“有”“没有”或“不清楚”", field="statuses")
    if not statuses and not text:
        raise UserError("请点“有”“没有”或“不清楚”", field="statuses")
    full = {option.id: statuses.get(option.id, Status.UNKNOWN) for option in question.options}
    return Answer(question=question, statuses=full, text=text)


def _chosen(question: Question, chosen: tuple[str, ...], text: str) -> Answer:
    known = {option.id for option in question.options}
    if any(option_id not in known for option_id in chosen):
        raise UserError("请点一个列出来的答案", field="chosen")
    if not chosen and not text:
        raise UserError("请点一个答案；说不清可以点“不清楚”", field="chosen")
    if question.kind == QuestionKind.CHOICE and len(chosen) > 1:
        raise UserError("这一题只能点一个答案", field="chosen")
    return Answer(question=question, chosen=tuple(dict.fromkeys(chosen)), text=text)


def _number(question: Question, number: float | None) -> float:
    if number is None or not math.isfinite(number):
        raise UserError("请写数字；说不清可以点“不清楚”", field="number")
    lowest = -math.inf if question.lowest is None else question.lowest
    highest = math.inf if question.highest is None else question.highest
    if not lowest <= number <= highest:
        raise UserError(
            "请写 {lowest} 到 {highest} 之间的数字", field="number", lowest=f"{lowest:g}", highest=f"{highest:g}"
        )
    return number
