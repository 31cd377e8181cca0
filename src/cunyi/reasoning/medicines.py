"""A patient's side of a prescription check: medicines with their ingredients, what was an allergy, which problems there are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from cunyi.domain.case import Case
from cunyi.domain.finding import Status, Who
from cunyi.domain.prescription import PatientForPrescribing
from cunyi.knowledge.drugs import AllergyGroup, Drug, DrugClass, Formulary, PrescribingRules
from cunyi.reasoning.drug_names import Mentioned, left_over
from cunyi.reasoning.prepared import Knowledge
from cunyi.text.normalize import plain
from cunyi.text.reader import read_case

_LIST_MARKS = re.compile(r"[、,，;；。/+＋\n]")
_CLAUSE_MARKS = re.compile(r"[,，;；。\n]")
_UNREAD = 2
_FAMILY_FINDINGS = "family_history"


class Medicine(msgspec.Struct, frozen=True, kw_only=True):
    """A drug prescribed (`line` from 0) or in use (`line` None), with all that rules may name it by (用药).

    `ingredients` are drug ids; `keys` ids of the drug, its ingredients and classes, those of ingredients only where it
    acts on the whole body; `groups` its allergy groups. `parts` are the drugs and ingredients that act so, `named_classes` classes named
    in place of a drug, and `exact` says that the text named one drug of the list and nothing else.
    """

    line: int | None
    name: str
    name_en: str
    drugs: tuple[Drug, ...]
    parts: tuple[Drug, ...]
    classes: tuple[DrugClass, ...]
    named_classes: tuple[DrugClass, ...]
    ingredients: frozenset[str]
    keys: frozenset[str]
    groups: frozenset[str]
    topical: bool
    exact: bool

    @property
    def rules(self) -> tuple[Drug | DrugClass, ...]:
        """The drugs, ingredients and classes whose age limits and contraindications hold for it."""
        return (*self.parts, *self.classes)


def medicine(mentioned: Mentioned, formulary: Formulary, *, line: int | None, written: str) -> Medicine:
    """The medicine that a text names; named as written where the text is not exactly one drug."""
    one = mentioned.drugs[0] if len(mentioned.drugs) == 1 and not mentioned.left else None
    parts = {part.id: part for drug in mentioned.drugs for part in _parts(drug, formulary)}
    acting = {drug.id: drug for drug in mentioned.drugs}
    acting |= {part.id: part for drug in mentioned.drugs if not drug.topical for part in _parts(drug, formulary)}
    classes = {c: formulary.classes[c] for drug in acting.values() for c in (drug.drug_class, *drug.also)}
    classes |= {kind.id: kind for kind in mentioned.classes}
    return Medicine(
        line=line,
        name=one.name if one else written,
        name_en=one.name_en if one else written,
        drugs=mentioned.drugs,
        parts=tuple(acting.values()),
        classes=tuple(classes.values()),
        named_classes=mentioned.classes,
        ingredients=frozenset(id for drug in mentioned.drugs for id in (drug.ingredients or (drug.id,))),
        keys=frozenset(acting) | frozenset(classes),
        groups=frozenset(group.id for group in mentioned.groups)
        | frozenset(
            group for drug in (*mentioned.drugs, *parts.values()) for group in _allergy_groups(drug, formulary)
        ),
        exact=one is not None,
        topical=bool(mentioned.drugs) and all(drug.topical for drug in mentioned.drugs),
    )


def _parts(drug: Drug, formulary: Formulary) -> list[Drug]:
    return [drug, *(formulary.drugs[id] for id in drug.ingredients if id != drug.id)]


def _allergy_groups(drug: Drug, formulary: Formulary) -> set[str]:
    of_classes = (formulary.classes[c].allergy_group for c in (drug.drug_class, *drug.also))
    return {*drug.allergy_groups, *(group for group in of_classes if group)}


class InUse(NamedTuple):
    """The drugs a patient takes, and the words of the record that could not be read."""

    medicines: tuple[Medicine, ...]
    unread: tuple[str, ...]


def read_current(texts: Iterable[str], knowledge: Knowledge, rules: PrescribingRules) -> InUse:
    """The drugs in use, one medicine a drug or class named."""
    formulary, names = knowledge.content.formulary, knowledge.drug_names
    medicines, unread = [], []
    ignored = (*rules.form_words, *rules.salt_words, *rules.dosing_words, *rules.nothing_words)
    for piece in _pieces(texts, _LIST_MARKS):
        mentioned = names.read(piece)
        for drug in mentioned.drugs:
            medicines.append(medicine(Mentioned((drug,), (), (), ""), formulary, line=None, written=drug.name))
        for kind in mentioned.classes:
            medicines.append(medicine(Mentioned((), (), (kind,), ""), formulary, line=None, written=kind.name))
        if not (mentioned.drugs or mentioned.classes) and len(left_over(piece, ignored)) >= _UNREAD:
            unread.append(piece.strip())
    return InUse(tuple(medicines), tuple(unread))


class Allergies(NamedTuple):
    """What a patient is allergic to, as far as it was read, and the texts that were not."""

    ingredients: frozenset[str]
    groups: dict[str, AllergyGroup]
    classes: dict[str, DrugClass]
    unread: tuple[str, ...]


def read_allergies(texts: Iterable[str], knowledge: Knowledge, rules: PrescribingRules) -> Allergies:
    """Allergies as written in a record. Denied ones do not count; what is not understood is reported, never dropped."""
    formulary, names = knowledge.content.formulary, knowledge.drug_names
    ingredients: set[str] = set()
    groups: set[str] = set()
    classes: dict[str, DrugClass] = {}
    unread = []
    ignored = (*rules.allergy_words, *rules.other_allergens, *rules.nothing_words, *rules.form_words, *rules.salt_words)
    for clause in _pieces(texts, _CLAUSE_MARKS):
        mentioned = names.read(_without_denials(clause, rules))
        found = medicine(mentioned, formulary, line=None, written=clause)
        ingredients |= found.ingredients | {drug.id for drug in mentioned.drugs}
        groups |= found.groups
        classes |= {kind.id: kind for kind in mentioned.classes}
        classes |= {kind.id: kind for kind in found.classes if kind.duplicates}
        if len(left_over(mentioned.left, ignored)) >= _UNREAD:
            unread.append(clause.strip())
    by_id = formulary.allergy_groups
    return Allergies(frozenset(ingredients), {g: by_id[g] for g in sorted(groups)}, classes, tuple(unread))


def denies_allergies(text: str, rules: PrescribingRules) -> bool:
    """Whether what was written where an allergy is wanted says that there is none (无, 否认药物过敏史)."""
    return _bare(text) in {_bare(word) for word in rules.no_known_allergy.words}


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", plain(text))


def _without_denials(clause: str, rules: PrescribingRules) -> str:
    """A clause without what it denies: 无食物过敏史、青霉素过敏 still says penicillin."""
    denials = "|".join(map(re.escape, rules.denial_words))
    return re.sub(rf"^\s*({denials}).*?(过敏史|过敏|$)", "", plain(clause), count=1)


def _pieces(texts: Iterable[str], marks: re.Pattern[str]) -> list[str]:
    return [piece for text in texts for piece in marks.split(text) if piece.strip()]


class Problems(NamedTuple):
    """Ids of the findings and diseases a patient has, with the text that said so, and the texts not understood."""

    said: dict[str, str]
    unread: tuple[str, ...]


def read_problems(patient: PatientForPrescribing, knowledge: Knowledge, rules: PrescribingRules) -> Problems:
    """The problem list as ids (ids themselves, names of diseases, findings as read in a history), and today's findings."""
    content = knowledge.content
    said: dict[str, str] = {}
    unread = []
    for problem in patient.problems:
        entry = content.diseases.get(problem) or content.findings.get(problem)
        if entry is not None:
            said.setdefault(entry.id, entry.name)
        for clause in _pieces([entry.name if entry else problem], _CLAUSE_MARKS):
            found, understood = _read_problem(clause, knowledge, rules)
            for id in sorted(found):
                said.setdefault(id, clause)
            if entry is None and not understood and len(left_over(clause, rules.nothing_words)) >= _UNREAD:
                unread.append(clause.strip())
    # Today's findings are ids already; their names are not read once more, as 接触过肺结核 would be a tuberculosis.
    for finding in patient.findings:
        said.setdefault(finding, content.findings[finding].name)
    return Problems(said, tuple(unread))


def _read_problem(clause: str, knowledge: Knowledge, rules: PrescribingRules) -> tuple[set[str], bool]:
    """The findings and diseases that a clause says the patient has, and whether anything in it was understood."""
    findings = knowledge.content.findings
    facts = read_case(Case(past_history=clause), knowledge.language).facts
    present = [f for f in facts if f.who == Who.PATIENT and f.status in (Status.PRESENT, Status.POSSIBLE)]
    found = {id for f in present if f.finding in findings for id in _with_ancestors(f.finding, knowledge)}
    text = plain(clause)
    # What is denied, or is a relative's, is not the patient's because a disease is called so.
    own = [f for f in present if not f.finding.startswith(_FAMILY_FINDINGS)]
    if (own or not facts) and not text.startswith(tuple(rules.denial_words)):
        found |= {disease for name, disease in knowledge.disease_names.items() if name in text}
    return found, bool(found or facts)


def _with_ancestors(finding: str, knowledge: Knowledge) -> tuple[str, ...]:
    return (finding, *knowledge.likelihoods.ancestors[finding])
