"""The words of a record made ready: names, sentences, lengths of time, and which part of the record an answer belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cunyi.domain.errors import KnowledgeError
from cunyi.domain.interview import Option, Question, Slot, Topic
from cunyi.knowledge.model import Finding
from cunyi.knowledge.summaries import Part, SummaryWords
from cunyi.reasoning.prepared import Knowledge
from cunyi.text.reader import Language

_NEARLY_WHOLE = 0.02
_FAMILY_FINDINGS = "family_history"
_ILLNESS = frozenset({Topic.COMPLAINT, Topic.DANGER, Topic.COURSE, Topic.SYMPTOM, Topic.MORE})
_FELT = frozenset({"symptom", "sign"})
_SPOKEN = frozenset({Topic.COMPLAINT, Topic.MORE})


class RecordWords:
    """The wording of records of one knowledge base (病历用语)."""

    def __init__(self, knowledge: Knowledge) -> None:
        words = knowledge.content.summary
        if words is None:
            raise KnowledgeError("知识库里没有病历用语（knowledge/interview/summary.yaml），请更新知识库")
        self.written: SummaryWords = words
        self.findings: Mapping[str, Finding] = knowledge.content.findings
        self.language: Language = knowledge.language
        self.nothing_more = frozenset(words.nothing_more)
        self.small_pattern = re.compile("|".join(map(re.escape, sorted(words.small_words, key=len, reverse=True))))
        self._names = {entry.finding: entry.text for entry in words.names}
        self._options = {(entry.question, entry.option): entry.text for entry in words.options}
        self._places = {entry.place: entry.text for entry in words.places}
        self._questions = {entry.question: entry.text for entry in words.questions}
        self._by_slot = {slot: part for part in words.parts for slot in part.slots}
        self._by_topic = {topic: part for part in words.parts for topic in part.topics}
        self._by_kind = {kind: part for part in words.parts for kind in part.kinds}

    def name(self, finding: str) -> str:
        """A finding as it is written in a record; its id where the knowledge no longer has it."""
        known = self.findings.get(finding)
        return self._names.get(finding) or (known.name if known else finding)

    def sentence(self, key: str, **slots: str) -> str:
        """One of the sentences with its slots filled."""
        return self.written.sentences[key].text.format(**slots)

    def part(self, topic: Topic, slot: Slot | None = None) -> Part:
        """The part of the record for a slot, or else for a topic."""
        by_slot = self._by_slot.get(slot) if slot is not None else None
        return by_slot or self._by_topic.get(topic) or self.written.parts[0]

    def part_of(self, question: Question) -> Part:
        """The part of the record that the answers to a question belong to."""
        return self.part(question.topic, question.slot)

    def part_for(self, finding: str, question: Question) -> Part:
        """The part that a finding belongs to: what was asked along with the symptoms goes where its kind belongs."""
        known = self.findings.get(finding)
        if known is None or question.topic not in _ILLNESS or question.slot in self._by_slot:
            return self.part_of(question)
        if finding.startswith(_FAMILY_FINDINGS):
            return self.part(Topic.FAMILY)
        if question.topic in _SPOKEN and known.kind == "drug":
            return self.part(question.topic, Slot.TAKEN)
        if question.topic == Topic.COMPLAINT and known.kind == "exposure":
            return self.part_of(question)
        return self._by_kind.get(known.kind) or self.part_of(question)

    def option(self, question: Question, option: Option) -> str | None:
        """An option in a doctor's words, where it has words of its own."""
        text = self._options.get((question.id, option.id))
        if text is None:
            return None
        known = self.findings.get(question.about or "")
        what = self.name(known.id) if known and known.kind in _FELT else self.sentence("trouble")
        return self._ended(text.format(what=what))

    def place(self, option: Option) -> str:
        """A place of the body picture in a doctor's words."""
        return self._places.get(option.id, option.label)

    def answered(self, question: Question, text: str) -> str:
        """An answer that has no words of its own, with its question."""
        return self.sentence("chosen", what=_bare(question.wording), text=text)

    def unclear(self, question: Question) -> str:
        """That the answer to a question was 不清楚."""
        about = self._questions.get(question.id)
        if about is not None:
            return self.sentence("part_unclear", what=about)
        return self.sentence("quoted_unclear", what=_bare(question.wording))

    def whole_length(self, days: float) -> str | None:
        """A length of time in the first unit of which it is a whole number; None where it is none."""
        for unit in self.written.units:
            number = days / unit.days
            if 1 - _NEARLY_WHOLE <= number <= unit.most and abs(number - round(number)) <= _NEARLY_WHOLE * number:
                return unit.text.format(number=round(number))
        return None

    def length(self, days: float) -> str:
        """A length of time in a unit of which it is a whole number; else with one decimal in the longest that fits."""
        whole = self.whole_length(days)
        if whole is not None:
            return whole
        unit = next((unit for unit in self.written.units if days >= unit.days), self.written.units[-1])
        return unit.text.format(number=f"{days / unit.days:.1f}".removesuffix(".0"))

    @staticmethod
    def _ended(text: str) -> str:
        return text if text.endswith("。") else f"{text}。"


def _bare(wording: str) -> str:
    return wording.rstrip("？?。 ")
