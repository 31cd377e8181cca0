"""A question as a form for a thumb, and what such a form sends back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from cunyi.domain.finding import Status
from cunyi.domain.interview import Answer, Option, Question, QuestionKind, Topic, give_answer
from cunyi.journeys.typed_readings import plain_number
from cunyi.web.language import ENGLISH

Sent = Mapping[str, Sequence[str]]

_STATUS = "status."
_DAYS = {"minutes": 1 / 1440, "hours": 1 / 24, "days": 1.0, "weeks": 7.0, "months": 30.0, "years": 365.0}
UNITS = tuple(_DAYS)
# What people say most often, by one tap: how much of which unit.
QUICK_TIMES = (("half_hour", 1 / 48), ("hours", 0.25), ("1", 1.0), ("2", 2.0), ("3", 3.0), ("7", 7.0), ("30", 30.0))
# The places of the body picture that are drawn (static/patient.css says where); others stand in the list alone.
_HEAD = frozenset(
    {"forehead", "temple", "eye_socket", "face", "mouth", "throat", "neck", "scalp", "back_of_head", "nape"}
)
_BELLY = frozenset(
    f"{side}{part}belly" for side in ("", "left_", "right_") for part in ("upper_", "lower_")
) | frozenset({"navel", "groin", "genitals"})
_TRUNK = _BELLY | frozenset({"chest_left", "chest_middle", "chest_right", "upper_back", "lower_back", "flank"})
_LIMBS = frozenset(
    {"shoulder", "elbow", "wrist", "hand", "hip", "thigh", "knee", "ankle", "foot", "big_toe", "calf", "heel"}
)
_DRAWN = _HEAD | _TRUNK | _LIMBS | frozenset({"tailbone", "buttock", "anus"})
PAIRED = _LIMBS | frozenset({"temple", "groin", "flank", "buttock"})
# The parts of an interview as a villager sees them, in their order.
PARTS: tuple[tuple[str, tuple[Topic, ...]], ...] = (
    ("trouble", (Topic.PERSON, Topic.COMPLAINT, Topic.DANGER, Topic.COURSE, Topic.SYMPTOM)),
    ("past", (Topic.PAST, Topic.FAMILY)),
    ("drugs", (Topic.DRUG, Topic.ALLERGY)),
    ("life", (Topic.PREGNANCY, Topic.HABIT, Topic.EXPOSURE, Topic.MORE)),
)


class OptionView(msgspec.Struct, frozen=True):
    """One option as the page shows it (选项), with what was answered before."""

    id: str
    label: str
    lang: str
    side: str
    status: str
    chosen: bool

    @property
    def asks_being(self) -> bool:
        """Whether one says 是 to it rather than 有."""
        return "是不是" in self.label


class QuestionView(msgspec.Struct, frozen=True, kw_only=True):
    """One question as the page shows it (问题页). `part` is the part of the interview it stands in, counted from 0."""

    id: str
    kind: str
    topic: str
    wording: str
    lang: str
    options: list[OptionView]
    own_words: bool
    unit: str
    lowest: str
    highest: str
    part: int
    text: str
    number: str
    amount: str
    amount_unit: str

    @property
    def asks_being(self) -> bool:
        """Whether one says 是 to it rather than 有."""
        return "是不是" in self.wording

    @property
    def drawn(self) -> list[str]:
        """The places of the picture, by id."""
        return [each.id for each in self.options if each.id in _DRAWN]

    @property
    def paired(self) -> frozenset[str]:
        """The places that the picture shows on both sides."""
        return PAIRED

    @property
    def sides(self) -> list[str]:
        """The sides of the body that have to be drawn."""
        shown = {each.side for each in self.options if each.id in _DRAWN}
        return [side for side in ("front", "back") if side in shown]

    @property
    def zoom(self) -> str:
        """The part of the body that is drawn, where it need not be the whole: targets stay as large and the page short."""
        drawn = frozenset(self.drawn)
        return "head" if drawn <= _HEAD else "trunk" if drawn <= _TRUNK else ""

    def filled(self, sent: Sent) -> QuestionView:
        """With what was sent in its places, where it could not be taken."""
        chosen = sent.get("chosen", ())
        options = [
            msgspec.structs.replace(
                each,
                status=_first(sent, _STATUS + each.id) or each.status,
                chosen=each.id in chosen if chosen else each.chosen,
            )
            for each in self.options
        ]
        typed = {name: _first(sent, name) for name in ("text", "number", "amount")}
        unit = _first(sent, "amount_unit")
        return msgspec.structs.replace(
            self,
            options=options,
            **{name: words for name, words in typed.items() if words},
            amount_unit=unit if unit in UNITS else self.amount_unit,
        )


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in words (回答一览): the question, each thing said with its status, what was typed."""

    id: str
    wording: str
    lang: str
    said: list[tuple[str, str]]
    text: str
    number: str
    unit: str
    amount: str
    amount_unit: str
    unknown: bool

    def labels(self, status: str) -> list[str]:
        """What was said to be so, or not, or not known."""
        return [label for label, given in self.said if given == status]


def view_of(question: Question, language: str, before: Answer | None = None) -> QuestionView:
    """A question in the reader's language, filled with what was answered `before`."""
    english = language == ENGLISH
    amount, unit = _amount(before.days) if before and before.days is not None else ("", "days")
    return QuestionView(
        id=question.id,
        kind=question.kind.value,
        topic=question.topic.value,
        wording=question.wording_en if english else question.wording,
        lang=language,
        options=[
            OptionView(
                option.id,
                _label(option, language),
                language,
                option.side or "front",
                before.statuses[option.id].value if before and option.id in before.statuses else "",
                bool(before and option.id in before.chosen),
            )
            for option in question.options
        ],
        own_words=question.own_words,
        unit=question.unit or "",
        lowest="" if question.lowest is None else f"{question.lowest:g}",
        highest="" if question.highest is None else f"{question.highest:g}",
        part=next((n for n, (_, topics) in enumerate(PARTS) if question.topic in topics), 0),
        text=before.text if before else "",
        number=f"{before.number:g}" if before and before.number is not None else "",
        amount=amount,
        amount_unit=unit,
    )


def answer_view(answer: Answer, language: str) -> AnswerView:
    """An answer for reading it over."""
    question = answer.question
    labels = {option.id: _label(option, language) for option in question.options}
    said = [(labels[option], status.value) for option, status in answer.statuses.items() if option in labels]
    said += [(labels[option], "chosen") for option in answer.chosen if option in labels]
    amount, unit = _amount(answer.days) if answer.days is not None else ("", "")
    return AnswerView(
        id=question.id,
        wording=question.wording_en if language == ENGLISH else question.wording,
        lang=language,
        said=said,
        text=answer.text,
        number="" if answer.number is None else f"{answer.number:g}",
        unit=question.unit or "",
        amount=amount,
        amount_unit=unit,
        unknown=answer.unknown,
    )


def reader_of(sent: Sent) -> Callable[[Question], Answer]:
    """Reads a sent form as the answer to whichever question it belongs to; UserError says in plain words what is missing."""

    def read(question: Question) -> Answer:
        if _first(sent, "unknown"):
            return give_answer(question, unknown=True)
        number = _first(sent, "number")
        return give_answer(
            question,
            text=_first(sent, "text").replace("\r\n", "\n") if _may_write(question) else "",
            chosen=tuple(value for value in sent.get("chosen", ()) if value),
            statuses=_statuses(question, sent),
            number=plain_number(number) if number else None,
            days=_days(sent),
        )

    return read


def _statuses(question: Question, sent: Sent) -> dict[str, Status]:
    rest = _first(sent, "rest")
    found = {}
    for option in question.options:
        words = _first(sent, _STATUS + option.id) or rest
        if words in (Status.PRESENT, Status.ABSENT, Status.UNKNOWN):
            found[option.id] = Status(words)
    return found


def _days(sent: Sent) -> float | None:
    quick = _first(sent, "days")
    if quick:
        return plain_number(quick)
    amount = _first(sent, "amount")
    number = plain_number(amount) if amount else None
    unit = _DAYS.get(_first(sent, "amount_unit"))
    return None if number is None or unit is None else number * unit


def _amount(days: float) -> tuple[str, str]:
    """A length of time in the largest unit that counts it in whole numbers, or nearly."""
    for unit in ("years", "months", "weeks", "days", "hours"):
        count = days / _DAYS[unit]
        if count >= 1 and abs(count - round(count)) < 0.05:
            return f"{round(count)}", unit
    return (f"{days * 24:.0f}", "hours") if days * 24 >= 1 else (f"{days * 1440:.0f}", "minutes")


def _may_write(question: Question) -> bool:
    return question.own_words or question.kind is QuestionKind.TEXT


def _label(option: Option, language: str) -> str:
    return option.label_en if language == ENGLISH else option.label


def _first(sent: Sent, name: str) -> str:
    return next(iter(sent.get(name, ())), "").strip()
