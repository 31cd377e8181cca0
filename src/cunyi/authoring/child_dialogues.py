"""Reads online talks between parents and a paediatrician as interviews: what was asked with its answer, what was said unasked.

The shape: turns `{"from": "user"|"assistant", "value": …}`, the parent's complaint first. A finding that a question names
and its answer settles becomes an option of that question; the rest of the parent's words are read as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cunyi.authoring.spoken_findings import findings_said, statuses_said
from cunyi.domain.finding import Status
from cunyi.domain.interview import Answer, Informant, Interview, Option, Question, QuestionKind, Slot, Topic
from cunyi.reasoning.prepared import Knowledge

_PARENT = "user"
_ASKS = re.compile(r"[？?吗么呢]|几|多少|有没有|是不是|有无|是否|什么|哪")
_SENTENCE = re.compile(r"[^。！!；;]+")
_SHORT = 12
_NO = re.compile(r"^(?:没有|没|无|不是|不|否|都没)")
_YES = re.compile(r"^(?:有|是|对|嗯|恩|会)")


def read_child_dialogue(turns: Sequence[tuple[str, str]], knowledge: Knowledge) -> Interview:
    """The interview of one talk; `turns` are (who, words). The child's age and sex are only what the words say."""
    first = next((number for number, (who, words) in enumerate(turns) if who == _PARENT and words.strip()), None)
    if first is None:
        return Interview(informant=Informant.CHILD)
    complaint = Question(
        id="complaint", topic=Topic.COMPLAINT, kind=QuestionKind.TEXT, wording="孩子哪里不舒服？", wording_en="",
        slot=Slot.CHIEF_COMPLAINT,
    )  # fmt: skip
    answers = [Answer(question=complaint, text=turns[first][1].strip())]
    answers += list(_answers(turns[first + 1 :], knowledge))
    return Interview(informant=Informant.CHILD, answers=tuple(answers))


def _answers(turns: Sequence[tuple[str, str]], knowledge: Knowledge) -> Iterator[Answer]:
    asked = ""
    for number, (who, words) in enumerate(turns, start=1):
        words = words.strip()
        if who != _PARENT:
            asked = _last_question(words)
            continue
        if not words:
            continue
        rest = words
        if asked:
            question = _settled(f"q{number}", asked, words, knowledge)
            if question is not None:
                yield question
                rest = _rest(words)
        if rest:
            free = Question(
                id=f"t{number}", topic=Topic.MORE, kind=QuestionKind.TEXT, wording=asked or "还有什么要说的？", wording_en="",
                slot=Slot.PRESENT_ILLNESS,
            )  # fmt: skip
            yield Answer(question=free, text=rest)
        asked = ""


def _last_question(words: str) -> str:
    asking = [sentence.strip() for sentence in _SENTENCE.findall(words) if _ASKS.search(sentence)]
    return asking[-1] if asking else ""


def _settled(question_id: str, asked: str, words: str, knowledge: Knowledge) -> Answer | None:
    """What a question names and a short answer settles; None where it names nothing or the answer goes its own way."""
    head = re.split("[，。,！!？? ]", words, maxsplit=1)[0]
    if len(head) > _SHORT:
        return None
    if _NO.match(head):
        status = Status.ABSENT
    elif _YES.match(head):
        status = Status.PRESENT
    else:
        return None
    named = dict.fromkeys([*findings_said(_statement(asked), knowledge), *statuses_said(_statement(asked), knowledge)])
    options = tuple(
        Option(id=finding, label=knowledge.content.findings[finding].name, label_en="", findings=(finding,))
        for finding in named
        if finding in knowledge.content.findings
    )
    if not options:
        return None
    question = Question(
        id=question_id, topic=Topic.SYMPTOM, kind=QuestionKind.SEVERAL, wording=asked, wording_en="", options=options
    )
    return Answer(question=question, statuses={option.id: status for option in options})


def _statement(asked: str) -> str:
    """A question as the statement that it asks for: without the words that ask."""
    return re.sub(r"有没有|是不是|有无|是否|会不会|[吗么呢？?]", "", asked)


def _rest(words: str) -> str:
    """What an answer says after its yes or no."""
    parts = re.split("[，。,！!？? ]", words, maxsplit=1)
    return parts[1].strip(" ，。,") if len(parts) > 1 else ""
