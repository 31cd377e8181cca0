"""Learns from the example patients: how often each disease's texts tell of a finding, and the wordings they share."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.authoring import shapes
from cunyi.authoring.load import Library
from cunyi.authoring.shapes import check_shape, nearest
from cunyi.authoring.strict_yaml import LineDict, LineList, Problem
from cunyi.domain.finding import Status
from cunyi.domain.intake import parse_case
from cunyi.knowledge.patients import WEIGHT_STEP
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.presenting import receive
from cunyi.reasoning.resembling import written_in
from cunyi.text.grams import BITS, grams_of

_SECTIONS = {
    "主诉": "chief_complaint",
    "现病史": "history_of_present_illness",
    "既往史": "past_history",
    "个人史": "personal_history",
    "家族史": "family_history",
    "查体": "physical_examination",
    "体格检查": "physical_examination",
    "辅助检查": "auxiliary_examination",
}
_SECTION = re.compile(f"({'|'.join(_SECTIONS)})[：:]")
SPOKEN = "spoken"
_FEWEST_TEXTS = 3
_LARGEST_SHARE = 0.03
_ALWAYS_KEPT = 12
"""So many texts are few in any collection, a small one of the tests included."""
_SMOOTHING = 1.0
_HIGHEST = 255


class PatientText(msgspec.Struct, frozen=True):
    """One example text (示例病人): which disease it is of, what kind of text, and the text."""

    disease: str
    kind: str
    text: str


def patient_texts(library: Library) -> list[PatientText]:
    """Every example text, in the order of the files."""
    return [
        PatientText(entry.raw["disease"], part["kind"], part["text"])
        for entry in library.patients
        for part in entry.raw["texts"]
    ]


def case_of(patient: PatientText) -> dict[str, str]:
    """The text as a case: an admission record by its sections, anything else in the field where it would be written."""
    parts = _SECTION.split(patient.text)
    if len(parts) < 3:
        field = "chief_complaint" if patient.kind == SPOKEN else "history_of_present_illness"
        return {"id": patient.disease, field: patient.text}
    case = {"id": patient.disease, "history_of_present_illness": parts[0]}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        case[_SECTIONS[heading]] = case.get(_SECTIONS[heading], "") + text
    return case


def check_patients(library: Library) -> Iterator[Problem]:
    """Example patients of a disease that is not there or was there before, malformed texts, the same text twice."""
    diseases = {disease.id: disease for disease in library.diseases}
    taught: set[str] = set()
    written: set[str] = set()
    for entry in library.patients:
        disease, texts = str(entry.raw.get("disease")), entry.raw.get("texts")
        if disease not in diseases:
            yield entry.problem(f"没有登记疾病 {disease}（{nearest(disease, set(diseases))}）", "disease")
        if disease in taught:
            yield entry.problem(f"{disease} 的示例病人已经写过；合成一条", "disease")
        taught.add(disease)
        for index, part in enumerate(texts if isinstance(texts, LineList) else ()):
            yield from check_shape(part, shapes.PATIENT_TEXT, entry.file, entry.line("texts", index), "示例病人")
            text = str(part.get("text")) if isinstance(part, LineDict) else ""
            if text in written:
                yield entry.problem("这段文字已经写过", "texts", index)
            written.add(text)
    # Where some diseases have example patients, one without them is at a disadvantage.
    for disease, entry in diseases.items() if taught else ():
        if disease not in taught:
            yield entry.problem("没有示例病人（写进 patients/，见 docs/knowledge-format.md）", fatal=False)


def learn(texts: Sequence[PatientText], knowledge: Knowledge) -> dict[str, Any]:
    """The learned part of the compiled document. `knowledge` is the same knowledge base without it."""
    told: dict[str, dict[str, Any]] = {}
    codes: list[NDArray[np.int64]] = []
    columns: list[int] = []
    for patient in texts:
        case = parse_case(case_of(patient))
        reception = receive(case, knowledge)
        facts = reception.presentation.facts
        entry = told.setdefault(patient.disease, {"texts": 0, "findings": {}})
        entry["texts"] += 1
        for finding in sorted(f for f, fact in facts.items() if fact.status == Status.PRESENT):
            entry["findings"][finding] = entry["findings"].get(finding, 0) + 1
        codes.append(np.unique(grams_of(written_in(reception.written).text).codes))
        columns.append(knowledge.likelihoods.disease_index[patient.disease])
    return {"told": told, "wordings": wordings(codes, columns, len(knowledge.likelihoods.disease_ids)) if told else {}}


def wordings(codes: Sequence[NDArray[np.int64]], columns: Sequence[int], diseases: int) -> Mapping[str, str]:
    """The table of wordings: for each code that at least three texts and no more than three in a hundred have, its weight for each disease."""
    keys = np.concatenate([each * diseases + column for each, column in zip(codes, columns, strict=True)])
    pairs, counts = np.unique(keys, return_counts=True)
    code, disease = pairs // diseases, pairs % diseases
    texts = np.bincount(code, weights=counts, minlength=1 << BITS)
    share = texts / len(codes)
    # A disease with more texts than others must not look likelier for that.
    written = np.bincount(np.array(columns), minlength=diseases)
    evened = counts * (written[written > 0].mean() / written[disease])
    kept = (texts[code] >= _FEWEST_TEXTS) & (texts[code] <= max(_LARGEST_SHARE * len(codes), _ALWAYS_KEPT))
    code, disease, evened = code[kept], disease[kept], evened[kept]
    weights = np.log1p(evened / (_SMOOTHING * share[code])) / WEIGHT_STEP
    return {
        "counts": _packed(np.bincount(code, minlength=1 << BITS), np.uint16),
        "diseases": _packed(disease, np.uint16),
        "weights": _packed(np.minimum(np.rint(weights), _HIGHEST), np.uint8),
    }


def _packed(values: NDArray[Any], kind: type[np.generic]) -> str:
    return base64.b64encode(values.astype(np.dtype(kind).newbyteorder("<")).tobytes()).decode()
