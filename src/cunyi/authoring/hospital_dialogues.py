"""Reads a hospital's pre-consultation dialogues as interviews: questions with their lists of answers, and what was tapped.

The shape: a prompt whose first line ends in department_complaint, then lines 医生: question and 患者: answer; the options stand
after the question, separated by half-width commas. 以上都没有 denies all of them. An empty answer to a yes-or-no question is
the no of these files: their summaries deny it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cunyi.authoring.spoken_findings import days_said, findings_said
from cunyi.domain.finding import Status
from cunyi.domain.interview import Answer, Interview, Option, Question, QuestionKind, Slot, Topic
from cunyi.reasoning.prepared import Knowledge

_TURN = re.compile(r"^医生[:：][ \t]*(?P<question>.*)\n患者[:：][ \t]*(?P<answer>.*)$", re.MULTILINE)
_ENDS_STEM = re.compile(r"[？?]|（多选）|哪些(?:情况|症状|因素|习惯|病史|部位)?(?![？?（])|什么情况会?")
_NO_OPTION = frozenset({"其他", "其它", "无", "其它药物", "其它治疗", "其它病史", "以上都没有"})
_NONE, _UNKNOWN, _NOTHING = frozenset({"以上都没有", "无", "都没有", "没有"}), "不清楚", ""
_YES, _NO = ("是", "有", "会", "能"), ("否", "没", "无", "不")
_QUOTES = "“”\"' \t"
_ASKS_YES_NO = re.compile(r"是否|有没有|有无|会不会")
_ASKS_LENGTH = re.compile(r"多久|多长时间|几天")
_POLITE = re.compile(r"^(?:请问|请|您)*")
_ALL_ARE_ASKED = re.compile(r"症状|伴|多选|病史|个人史")
_TOPICS = (
    (re.compile("使用过.*药物"), Topic.DRUG),
    (re.compile("是否对.*过敏"), Topic.ALLERGY),
    (re.compile("经常吸烟|有以下哪些习惯"), Topic.HABIT),
    (re.compile("(?:哪些|以下)病史|个人史|接受过.*治疗|治疗名称"), Topic.PAST),
    (re.compile("症状|伴"), Topic.SYMPTOM),
)
_OTHER = "其他"


def read_hospital_dialogue(prompt: str, knowledge: Knowledge) -> Interview:
    """The interview of one dialogue. What cannot be matched with an option stays in the person's own words."""
    title = prompt.split("\n", 1)[0].rsplit("_", 1)[-1].strip()
    complaint = "" if title.endswith(_OTHER) else title
    about = next(iter(findings_said(complaint, knowledge)), None) if complaint else None
    answers = []
    if complaint:
        question = Question(
            id="complaint", topic=Topic.COMPLAINT, kind=QuestionKind.TEXT, wording="哪里不舒服？", wording_en="",
            slot=Slot.CHIEF_COMPLAINT,
        )  # fmt: skip
        answers.append(Answer(question=question, text=complaint))
    answers += list(_answers(prompt, complaint, about, knowledge))
    return Interview(answers=tuple(answers))


def _answers(prompt: str, complaint: str, about: str | None, knowledge: Knowledge) -> Iterator[Answer]:
    named = set(findings_said(complaint, knowledge))
    for number, turn in enumerate(_TURN.finditer(prompt), start=1):
        stem, labels = _parts(turn["question"].strip())
        said = turn["answer"].strip(_QUOTES + "，,")
        topic = next((topic for pattern, topic in _TOPICS if pattern.search(stem + "".join(labels))), Topic.COURSE)
        if labels:
            yield _listed(f"q{number}", stem, labels, topic, said, named, knowledge)
        elif _ASKS_LENGTH.search(stem) and (days := days_said(said, knowledge)) is not None:
            asked = next((f for f in findings_said(stem, knowledge) if f not in named), about)
            yield Answer(
                question=_question(f"q{number}", Topic.COURSE, QuestionKind.DURATION, stem, about=asked), days=days
            )
        elif _ASKS_YES_NO.search(stem):
            yield _yes_no(f"q{number}", stem, topic, said, named, knowledge)
        elif said == _UNKNOWN:
            yield Answer(question=_question(f"q{number}", topic, QuestionKind.TEXT, stem), unknown=True)
        elif said:
            yield Answer(question=_question(f"q{number}", topic, QuestionKind.TEXT, stem), text=said)


def _question(
    question_id: str,
    topic: Topic,
    kind: QuestionKind,
    wording: str,
    *,
    options: tuple[Option, ...] = (),
    about: str | None = None,
) -> Question:
    return Question(
        id=question_id, topic=topic, kind=kind, wording=wording, wording_en="", options=options, about=about, own_words=bool(options)
    )  # fmt: skip


def _parts(question: str) -> tuple[str, list[str]]:
    """The question itself and its options."""
    ends = [match.end() for match in _ENDS_STEM.finditer(question)]
    if "," not in question or not ends:
        return question, []
    marks = [end for end in ends if question[end - 1] in "？?）"]
    cut = marks[-1] if marks else ends[-1]
    return question[:cut], [label.strip() for label in question[cut:].split(",") if label.strip()]


def _listed(
    question_id: str, stem: str, labels: list[str], topic: Topic, said: str, named: set[str], knowledge: Knowledge
) -> Answer:
    options = tuple(
        _option(f"o{number}", label, named, knowledge)
        for number, label in enumerate(labels, start=1)
        if label not in _NO_OPTION
    )
    question = _question(question_id, topic, QuestionKind.SEVERAL, stem, options=options)
    if said in (_UNKNOWN, _NOTHING):
        return Answer(question=question, unknown=True)
    denied = {option.id: Status.ABSENT for option in options} if _ALL_ARE_ASKED.search(stem) else {}
    if said in _NONE:
        return Answer(question=question, statuses={option.id: Status.ABSENT for option in options})
    chosen, left = _matched(said, options, knowledge)
    return Answer(question=question, statuses={**denied, **dict.fromkeys(chosen, Status.PRESENT)}, text="，".join(left))


def _option(option_id: str, label: str, named: set[str], knowledge: Knowledge) -> Option:
    """An option with its findings. 便血是否有周期性 asks for the period: the bleeding was told before and is not denied with it."""
    findings = tuple(finding for finding in findings_said(label, knowledge) if finding not in named)
    return Option(id=option_id, label=label, label_en="", findings=findings)


def _matched(said: str, options: tuple[Option, ...], knowledge: Knowledge) -> tuple[list[str], list[str]]:
    """The options that an answer names, by their words or by what they mean, and the words that name none."""
    chosen = [option.id for option in options if option.label in said]
    labels = [option.label for option in options if option.id in chosen]
    left = []
    for piece in re.split("[，,]", said):
        piece = piece.strip(_QUOTES)
        if not piece or piece in _NO_OPTION or any(label in piece or piece in label for label in labels):
            continue
        meant = set(findings_said(piece, knowledge))
        match = next(
            (
                option.id
                for option in options
                if piece in option.label or meant & {*option.findings, *findings_said(option.label, knowledge)}
            ),
            None,
        )
        if match is None:
            left.append(piece)
        else:
            chosen.append(match)
    return chosen, left


def _yes_no(question_id: str, stem: str, topic: Topic, said: str, named: set[str], knowledge: Knowledge) -> Answer:
    label = _ASKS_YES_NO.sub("", _POLITE.sub("", stem.rstrip("？? ")))
    option = _option("o1", label, named, knowledge)
    question = _question(question_id, topic, QuestionKind.YES_NO, stem, options=(option,))
    if said == _UNKNOWN:
        return Answer(question=question, unknown=True)
    if said == _NOTHING or said.startswith(_NO):
        return Answer(question=question, statuses={"o1": Status.ABSENT})
    if said.startswith(_YES) or said in label:
        return Answer(question=question, statuses={"o1": Status.PRESENT})
    return Answer(question=question, text=said)
