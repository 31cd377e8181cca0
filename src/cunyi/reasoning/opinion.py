"""The expert opinion on one assessment, from the knowledge base alone. Pure: the same case and knowledge, the same words.

It adds nothing to the assessment: the level, the diseases and their order are the assessment's own. Where the knowledge base
is silent, a sentence says so and the general rule follows.
"""

from __future__ import annotations

from cunyi.domain.assessment import Assessment
from cunyi.domain.case import Case
from cunyi.domain.errors import KnowledgeError
from cunyi.domain.opinion import SECTIONS, ExpertOpinion, OpinionSection, Statement
from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.opinion_acting import now, test, treat
from cunyi.reasoning.opinion_ground import Ground, ground
from cunyi.reasoning.opinion_judging import exclude, likely
from cunyi.reasoning.opinion_telling import come_back, go_at_once, tell
from cunyi.reasoning.opinion_wording import Slot, word
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.treating import all_read, checked, options_of, patient_of


def expert_opinion(case: Case, assessment: Assessment, knowledge: Knowledge) -> ExpertOpinion:
    """What a senior doctor would say of a case and its assessment. KnowledgeError where the knowledge has no words for it."""
    words = knowledge.content.opinion
    if words is None:
        raise KnowledgeError("知识库里没有专家意见用语（opinion.yaml），请补上后运行 cunyi knowledge build")
    on = ground(case, assessment, knowledge, words)
    patient = patient_of(case, assessment, on.presentation, knowledge, words)
    most = words.shown["options"]
    options = {
        disease.id: checked(options_of(disease, knowledge, words)[:most], patient, knowledge) for disease in on.treated
    }
    made = {
        "likely": likely(on),
        "exclude": exclude(on),
        "now": now(on),
        "test": test(on),
        "treat": treat(on, options, all_read(patient, knowledge)),
        "tell": tell(on),
        "return": come_back(on),
        "go": go_at_once(on),
    }
    diseases = [*(c.disease for c in on.ranked), *(m.disease for m in assessment.must_exclude)]
    diseases += [disease.id for disease in on.treated]
    return ExpertOpinion(
        level=assessment.triage.level,
        provisional=assessment.triage.provisional,
        understood=on.understood,
        verdict=_verdict(on),
        sections=tuple(OpinionSection(code, tuple(dict.fromkeys(made[code]))) for code in SECTIONS),
        notes=(
            on.speaker.say("note_draft"),
            on.speaker.say("note_doctor"),
            on.speaker.say("note_doses", mark=Slot(on.speaker.withheld.text, on.speaker.withheld.text_en)),
        ),
        diseases=tuple(dict.fromkeys(diseases)),
        drugs=tuple(dict.fromkeys(option.drug.id for each in options.values() for option in each)),
        knowledge_version=assessment.knowledge_version,
        engine_version=assessment.engine_version,
    )


def _verdict(on: Ground) -> Statement:
    # "Watch at home" because nothing was recognised would be a false comfort.
    if not on.understood and on.level == TriageLevel.SELF_CARE:
        return on.speaker.say("verdict_unknown")
    key = "verdict_provisional" if on.given.triage.provisional else "verdict"
    level = word(on.speaker.words.levels[on.given.triage.level])
    return on.speaker.say(key, level=level, grave=on.level >= TriageLevel.URGENT)
