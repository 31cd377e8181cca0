"""What the sections of one opinion share: the case as it was read, the diseases worth a word, and the speaker."""

from __future__ import annotations

import msgspec

from cunyi.domain.assessment import Assessment, Candidate
from cunyi.domain.case import Case
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.model import Content, Disease, RedFlag
from cunyi.knowledge.opinions import OpinionWords
from cunyi.reasoning.opinion_wording import Slot, Speaker, named
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.reasoning.withholding import withheld_mark

_DISEASE_RULE = "disease."
_MOST_TREATED = 2


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """One case and its assessment, ready to be told (意见依据).

    `understood` is false where nothing was recognised; `ranked` the first diseases, `likely` those sure enough for measures,
    `treated` these and the one whose evidence reaches an urgent level; `flags` the danger signs that fired.
    """

    case: Case
    given: Assessment
    knowledge: Knowledge
    presentation: Presentation
    speaker: Speaker
    understood: bool
    ranked: tuple[Candidate, ...]
    likely: tuple[Disease, ...]
    treated: tuple[Disease, ...]
    flags: tuple[RedFlag, ...]

    @property
    def content(self) -> Content:
        """The knowledge base's records."""
        return self.knowledge.content

    @property
    def shown(self) -> dict[str, int]:
        """How many of what are told."""
        return self.speaker.words.shown

    @property
    def level(self) -> TriageLevel:
        """The level of care of the assessment."""
        return TriageLevel.from_code(self.given.triage.level)

    def finding(self, finding: str) -> Slot:
        """A finding by its id."""
        entry = self.content.findings[finding]
        return named(entry.name, entry.name_en)


def disease_slot(disease: Disease) -> Slot:
    """A disease's name."""
    return named(disease.name, disease.name_en)


def ground(case: Case, assessment: Assessment, knowledge: Knowledge, words: OpinionWords) -> Ground:
    """The ground of an opinion."""
    content, level = knowledge.content, TriageLevel.from_code(assessment.triage.level)
    understood = assessment.recognised
    rules = [reason.rule for reason in assessment.triage.reasons]
    ranked = assessment.differential if understood else []
    worth = [c for n, c in enumerate(ranked) if n == 0 or c.probability >= words.percent_least]
    sure = [c for c in worth if c.probability >= knowledge.settings.advice_probability][:_MOST_TREATED]
    reached = [rule.removeprefix(_DISEASE_RULE) for rule in rules if rule.startswith(_DISEASE_RULE)]
    grave = reached[:1] if level >= TriageLevel.URGENT else []
    return Ground(
        case=case,
        given=assessment,
        knowledge=knowledge,
        presentation=receive(case, knowledge).presentation,
        speaker=Speaker(words, withheld_mark(knowledge.content.formulary)),
        understood=understood,
        ranked=tuple(worth[: words.shown["diseases"]]),
        likely=tuple(content.diseases[c.disease] for c in sure),
        treated=tuple(content.diseases[d] for d in dict.fromkeys([*(c.disease for c in sure), *grave])),
        flags=tuple(content.red_flags[rule] for rule in rules if rule in content.red_flags),
    )
