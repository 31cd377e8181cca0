"""The door of the summary: from an interview to a draft of the record, every sentence with the answers it comes from. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from cunyi.domain.finding import Status
from cunyi.domain.interview import Answer, Interview, QuestionKind, Topic
from cunyi.domain.record_draft import Basis, DraftSentence, RecordDraft
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.summarising_answers import collect
from cunyi.reasoning.summarising_gaps import not_asked
from cunyi.reasoning.summarising_sentences import sentences_of
from cunyi.reasoning.summarising_words import RecordWords

__all__ = ["source_in_words", "summarise"]

_ANSWERS = {Status.PRESENT: "有", Status.ABSENT: "没有", Status.UNKNOWN: "不清楚"}


def summarise(interview: Interview, knowledge: Knowledge) -> RecordDraft:
    """An interview as a draft of the record, for the doctor to edit. KnowledgeError where the knowledge has no wording for it.

    The sentences are read back by the engine as what was answered; nothing is in them that nobody answered.
    """
    words = RecordWords(knowledge)
    collected = collect(interview, words)
    return RecordDraft(
        told_by=interview.informant,
        sentences=tuple(sentences_of(collected, words.part(Topic.COMPLAINT))),
        not_asked=tuple(not_asked(interview, knowledge, words)),
    )


def source_in_words(sentence: DraftSentence, interview: Interview) -> str:
    """The questions and answers that a sentence comes from, in words, for whoever checks it."""
    told = []
    for question in dict.fromkeys(basis.question for basis in sentence.basis):
        answer = interview.answer_to(question)
        if answer is not None:
            said = _said(answer, [basis for basis in sentence.basis if basis.question == question])
            told.append(f"{answer.question.wording} {'；'.join(dict.fromkeys(said))}")
    return "\n".join(told)


def _said(answer: Answer, used: Iterable[Basis]) -> list[str]:
    question = answer.question
    said = []
    for basis in used:
        option = question.option(basis.option) if basis.option is not None else None
        if basis.start is not None and basis.end is not None:
            said.append(f"“{answer.text[basis.start : basis.end]}”")
        elif option is not None and question.kind in (QuestionKind.YES_NO, QuestionKind.SEVERAL):
            status = Status.UNKNOWN if answer.unknown else answer.statuses.get(option.id, Status.UNKNOWN)
            said.append(f"{option.label}：{_ANSWERS.get(status, status.value)}")
        elif option is not None:
            said.append(option.label)
        elif answer.unknown:
            said.append(_ANSWERS[Status.UNKNOWN])
        elif answer.days is not None:
            said.append(f"{answer.days:.4g} 天")
        elif answer.number is not None:
            said.append(f"{answer.number:g}{question.unit or ''}")
    return said
