"""Cases that are only symptom slots and a label: turned into labelled cases whose answer is one of the file's labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from cunyi.authoring.scoring import Gold, is_right
from cunyi.domain.errors import UserError
from cunyi.knowledge.model import Disease

_DENIED = "无"
T = TypeVar("T")


LABELS = "label_codes.jsonl"
"""The file beside the cases that says which diagnoses each label stands for."""


class SlotCase(msgspec.Struct, frozen=True):
    """A row of such a file (症状槽病例): what was said at first, what came out by asking, each present,
    denied or (None) not known, and the label."""

    id: str
    explicit: dict[str, bool | None]
    implicit: dict[str, bool | None]
    label: str


class LabelCode(msgspec.Struct, frozen=True):
    """What a label means (标签编码): the codes and names of the diagnoses that it covers."""

    label: str
    accept_icd10: tuple[str, ...]
    accept_names: tuple[str, ...]

    def gold(self) -> Gold:
        """The label as a gold diagnosis."""
        return Gold(name=self.label, accept_names=self.accept_names, accept_icd10=self.accept_icd10)


def is_slot_case(row: Mapping[str, Any]) -> bool:
    """Whether a row has the shape of a slot case."""
    return "label" in row and "explicit" in row and "implicit" in row


def read_slot_cases(rows: Iterable[Mapping[str, Any]]) -> list[SlotCase]:
    """The rows of a file of slots. UserError names a malformed one."""
    return [_converted(row, SlotCase, number, "症状槽病例") for number, row in enumerate(rows, start=1)]


def read_label_codes(rows: Iterable[Mapping[str, Any]]) -> dict[str, LabelCode]:
    """The labels of a file of labels, by name. UserError names a malformed one."""
    codes = (_converted(row, LabelCode, number, "标签") for number, row in enumerate(rows, start=1))
    return {code.label: code for code in codes}


def _converted(row: Mapping[str, Any], kind: type[T], number: int, what: str) -> T:
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"第 {number} 个{what}写法不对：{error}；请对照 docs/evaluation.md", field=what) from error


def gold_of(label: str, labels: Mapping[str, LabelCode]) -> Gold:
    """What a label means. UserError for one without codes."""
    if label not in labels:
        raise UserError(f"标签“{label}”没有编码；把它加进标签文件，或用 --labels 指定另一份", field="--labels")
    return labels[label].gold()


def cases_of_slots(
    rows: Iterable[Mapping[str, Any]], labels: Mapping[str, LabelCode], diseases: Sequence[Disease]
) -> Iterator[dict[str, Any]]:
    """The rows as labelled cases. The explicit slots are the complaint, the implicit ones the history; what was denied
    stands as denied. `candidates` are the diseases of all labels of the file. UserError for a label without codes."""
    slots = read_slot_cases(rows)
    golds = {label: gold_of(label, labels) for label in dict.fromkeys(slot.label for slot in slots)}
    candidates = [d.id for d in diseases if any(is_right(g, d.name, d.aliases, d.icd10) for g in golds.values())]
    for slot in slots:
        yield {
            "id": slot.id,
            "chief_complaint": told(slot.explicit),
            "history_of_present_illness": told(slot.implicit),
            "candidates": candidates,
            "gold": msgspec.to_builtins(golds[slot.label]),
        }


def told(slots: Mapping[str, bool | None]) -> str:
    """Slots as a sentence each: what is there by its name, what was denied after 无; what is not known is not said."""
    return "".join(f"{name if there else _DENIED + name}。" for name, there in slots.items() if there is not None)
