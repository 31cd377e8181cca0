"""Two medicines at once: interactions and duplications, within a prescription and with what the patient already takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from cunyi.domain.prescription import Concern
from cunyi.knowledge.drugs import DrugClass, Formulary
from cunyi.reasoning.concerns import Wording
from cunyi.reasoning.medicines import Medicine

Pair = tuple[Medicine, Medicine]


def check_pairs(
    medicines: Sequence[Medicine], current: Sequence[Medicine], formulary: Formulary, wording: Wording
) -> Iterator[Concern]:
    """Interactions of every two lines and every line with every drug in use; duplications of all of them at once."""
    pairs = [*combinations(medicines, 2), *((one, other) for one in medicines for other in current)]
    for one, other in pairs:
        yield from _interactions(one, other, formulary, wording)
    for one in medicines:
        if any(one.drugs and one.drugs == other.drugs for other in current):
            yield wording.about(one, "refill")
    yield from _shared_ingredients(pairs, formulary, wording)
    yield from _shared_classes(pairs, wording)


def _interactions(one: Medicine, other: Medicine, formulary: Formulary, wording: Wording) -> Iterator[Concern]:
    for interaction in formulary.interactions:
        first, second = interaction.between
        if (first in one.keys and second in other.keys) or (first in other.keys and second in one.keys):
            if first == second and one.ingredients & other.ingredients:
                # The same drug twice is a duplication.
                continue
            yield wording.about(
                one,
                "interaction",
                other=other,
                severity=interaction.severity,
                sources=interaction.sources,
                reason=(interaction.text, interaction.text_en),
            )


def _is_refill(one: Medicine, other: Medicine) -> bool:
    return other.line is None and one.drugs == other.drugs


def _may_stand_together(one: Medicine, other: Medicine) -> bool:
    return _is_refill(one, other) or any(kind.repeatable for kind in (*one.classes, *other.classes))


def _doubled(one: Medicine, other: Medicine) -> frozenset[str]:
    """The ingredients that two medicines both bring to the same place, the whole body or the skin."""
    if one.topical != other.topical or _may_stand_together(one, other):
        return frozenset()
    return one.ingredients & other.ingredients


def _shared_ingredients(pairs: Sequence[Pair], formulary: Formulary, wording: Wording) -> Iterator[Concern]:
    """One concern for the medicines that share an ingredient, however many they are."""
    holders: dict[str, list[Medicine]] = {}
    for one, other in pairs:
        for ingredient in sorted(_doubled(one, other)):
            holders.setdefault(ingredient, []).extend((one, other))
    together: dict[tuple[Medicine, ...], list[str]] = {}
    for ingredient, found in holders.items():
        together.setdefault(_in_order(found), []).append(ingredient)
    for medicines, ingredients in together.items():
        drugs = [formulary.drugs[ingredient] for ingredient in ingredients]
        what = ("、".join(drug.name for drug in drugs), ", ".join(drug.name_en for drug in drugs))
        yield wording.about_all(medicines, "duplicate_ingredient", what=what)


def _shared_classes(pairs: Sequence[Pair], wording: Wording) -> Iterator[Concern]:
    """One concern for different drugs of one class; what shares an ingredient was named already."""
    holders: dict[DrugClass, list[Medicine]] = {}
    for one, other in pairs:
        if one.ingredients & other.ingredients or _may_stand_together(one, other):
            continue
        theirs = {kind.id for kind in other.classes}
        for kind in one.classes:
            if kind.duplicates and kind.id in theirs:
                holders.setdefault(kind, []).extend((one, other))
    for kind, found in holders.items():
        yield wording.about_all(_in_order(found), "duplicate_class", what=(kind.name, kind.name_en))


def _in_order(medicines: Sequence[Medicine]) -> tuple[Medicine, ...]:
    """Each medicine once, lines first."""
    return tuple(sorted(dict.fromkeys(medicines), key=lambda m: (m.line is None, m.line or 0)))
