"""Options of treatment for one patient: drugs that the management of a disease names, each checked against the patient."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from cunyi.domain.assessment import Assessment
from cunyi.domain.case import Case
from cunyi.domain.finding import Status, Who
from cunyi.domain.prescription import Concern, ConcernKind, ConcernSeverity, PatientForPrescribing, PrescriptionLine
from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.drugs import Drug
from cunyi.knowledge.model import Disease
from cunyi.knowledge.opinions import OpinionWords
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.prescribing import check_prescription

# A warning goes on over an enumeration: 不要吃布洛芬、去痛片 proposes neither.
_CLAUSES = re.compile(r"[，。；,;：:（）()\n]")
_HISTORY = ("chief_complaint", "history_of_present_illness", "past_history", "personal_history")
_SENTENCES = re.compile(r"[，。；,;\n]")
# An option is no prescription: nothing is said of days, of how many drugs there are, or of what else is on the list.
_LEFT_OUT = (ConcernKind.TOO_LONG, ConcernKind.TOO_MANY, ConcernKind.NOT_IN_LIST)


class DrugOption(msgspec.Struct, frozen=True):
    """A drug that could be considered (可选药品), with what speaks against it for this patient, gravest first."""

    drug: Drug
    concerns: tuple[Concern, ...]

    @property
    def unsuitable(self) -> bool:
        """Whether something stands against giving it at all."""
        return any(concern.severity is ConcernSeverity.STOP for concern in self.concerns)


def options_of(disease: Disease, knowledge: Knowledge, words: OpinionWords) -> list[Drug]:
    """The drugs that a disease's management proposes by name, in its order; those it only warns of are left out."""
    found: dict[str, Drug] = {}
    for step in disease.management:
        for clause in _CLAUSES.split(step.text):
            if any(word in clause for word in words.not_an_option):
                continue
            for drug in knowledge.drug_names.read(clause).drugs:
                if not drug.ingredient_only:
                    found.setdefault(drug.id, drug)
    return list(found.values())


def checked(drugs: Iterable[Drug], patient: PatientForPrescribing, knowledge: Knowledge) -> list[DrugOption]:
    """Each drug alone against the patient and the drugs in use."""
    options = []
    for drug in drugs:
        concerns = check_prescription([PrescriptionLine(drug=drug.name)], patient, knowledge)
        options.append(DrugOption(drug, tuple(c for c in concerns if c.kind not in _LEFT_OUT)))
    return options


def all_read(patient: PatientForPrescribing, knowledge: Knowledge) -> bool:
    """Whether everything of the patient's record was understood, so that it could be checked."""
    concerns = check_prescription([], patient, knowledge)
    return not any(concern.kind is ConcernKind.NOT_IN_LIST for concern in concerns)


def patient_of(
    case: Case, assessment: Assessment, presentation: Presentation, knowledge: Knowledge, words: OpinionWords
) -> PatientForPrescribing:
    """Whom options are checked for: the lists of the case, and what its text says of allergies, drugs and diseases."""
    patients = [f for f in assessment.findings if f.who == Who.PATIENT and f.status == Status.PRESENT]
    present = [finding for finding, fact in presentation.facts.items() if fact.status == Status.PRESENT]
    clauses = [c for field in _HISTORY for c in _SENTENCES.split(getattr(case, field)) if c.strip()]
    return PatientForPrescribing(
        age_years=presentation.age_years,
        sex=presentation.sex,
        pregnant=presentation.pregnant,
        previous=(*presentation.values.values(), *presentation.previous),
        allergies=(*case.allergies, *_saying(clauses, words.allergy_words, knowledge)),
        problems=tuple(dict.fromkeys([*case.problems, *(f.finding for f in patients), *present])),
        current_drugs=(*case.medications, *_in_use(clauses, words, knowledge)),
        emergency_visit=assessment.triage.level == TriageLevel.EMERGENCY.code,
    )


def _saying(clauses: Iterable[str], cues: tuple[str, ...], knowledge: Knowledge) -> list[str]:
    return [c for c in clauses if any(cue in c for cue in cues) and knowledge.drug_names.read(c).anything]


def _in_use(clauses: Iterable[str], words: OpinionWords, knowledge: Knowledge) -> list[str]:
    """The names of drugs that a history says the patient takes; a denied one is not taken."""
    rules = knowledge.content.formulary.rules
    denials = rules.denial_words if rules else ()
    said = [c for c in _saying(clauses, words.taking_words, knowledge) if not any(word in c for word in denials)]
    return [drug.name for clause in said for drug in knowledge.drug_names.read(clause).drugs]
