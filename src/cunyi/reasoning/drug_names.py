"""From the words on a prescription or in a record to drugs: exact where possible, and honest about what was not read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from cunyi.knowledge.drugs import AllergyGroup, Drug, DrugClass, Formulary
from cunyi.text.normalize import plain

_OPENING = re.compile(r"[\s()\[\]【】〔〕·.,，。;；:：、/+_\"'“”*-]+")
_UNITS = "mg|ug|μg|mcg|ml|kg|g|iu|u|mmol|万单位|单位|%|毫克|微克|毫升|克|片|粒|支|袋|瓶|盒|丸"
_STRENGTH = re.compile(rf"(?<![a-z0-9.])[0-9.]+ ?({_UNITS})([x*:/][0-9.]+ ?({_UNITS}|s)?)*(?![a-z0-9])")
_BRACKETED = re.compile(r"\(([^()]*)\)")
_SHORTEST_INSIDE = 2
_SHORTEST_LATIN_INSIDE = 4


class Mentioned(NamedTuple):
    """What a text names: drugs, allergy groups, whole classes; `left` is what of it was not read."""

    drugs: tuple[Drug, ...]
    groups: tuple[AllergyGroup, ...]
    classes: tuple[DrugClass, ...]
    left: str

    @property
    def anything(self) -> bool:
        """Whether any drug, group or class was recognised."""
        return bool(self.drugs or self.groups or self.classes)


class DrugNames:
    """The names, aliases and class words of a formulary, ready to be looked up."""

    def __init__(self, formulary: Formulary) -> None:
        rules = formulary.rules
        self._forms = _any_of(rules.form_words if rules else ())
        self._salts = _any_of(rules.salt_words if rules else ())
        self._injected = _any_of(rules.injection_words if rules else ())
        self._drugs: dict[str, Drug] = {}
        for drug in formulary.drugs.values():
            for name in (drug.name, drug.name_en, *drug.aliases):
                self._drugs.setdefault(_key(name), drug)
        self._without_form = self._stripped(self._drugs, self._forms)
        self._without_salt = self._stripped(self._without_form, self._salts)
        self._groups = {_key(word): group for group in formulary.allergy_groups.values() for word in group.words}
        self._classes = {
            _key(word): kind for kind in formulary.classes.values() for word in (kind.name, *kind.words) if word
        }

    @cached_property
    def _inside(self) -> re.Pattern[str]:
        """Any name within a text, the longest first. Made when the first prescription is checked, not at every start."""
        # A group of one character (碘) is still read in an allergy; no drug is called by so little.
        inside = [*self._groups, *(name for name in {*self._drugs, *self._classes} if _is_long_enough(name))]
        longest_first = sorted(inside, key=lambda name: (-len(name), name))
        return re.compile("|".join(map(_bounded, longest_first)) or "(?!)")

    def find(self, words: str) -> Drug | None:
        """The one drug that a text names, whatever its salt, form, strength; None where it is none or may be another."""
        text = _STRENGTH.sub(" ", plain(words))
        drug = self._drugs.get(_key(words)) or self._named(_key(text))
        inside = _BRACKETED.search(text)
        if drug is None and inside is not None:
            # 阿司匹林肠溶片(拜阿司匹灵): a trade name in brackets must be the same drug, 阿莫西林(克拉维酸钾) is another.
            outside = self._named(_key(_BRACKETED.sub("", text)))
            return outside if outside is not None and self._named(_key(inside[1])) is outside else None
        return drug

    def _named(self, key: str) -> Drug | None:
        bare = self._forms.sub("", key)
        drug = self._drugs.get(key) or self._without_form.get(bare) or self._without_salt.get(self._salts.sub("", bare))
        if drug is not None and not drug.injection and self._injected.search(key):
            # An injection of something that is only known as tablets is another product.
            return drug if key in self._drugs else None
        return drug

    def read(self, words: str) -> Mentioned:
        """Everything that a text names. `exact` where the whole text is one drug, group or class."""
        drug = self.find(words)
        if drug is not None:
            return Mentioned((drug,), (), (), "")
        key = _key(words)
        drugs: dict[str, Drug] = {}
        groups: dict[str, AllergyGroup] = {}
        classes: dict[str, DrugClass] = {}
        for match in self._inside.finditer(key):
            name = match.group()
            if name in self._drugs:
                drugs[self._drugs[name].id] = self._drugs[name]
            if name in self._groups:
                groups[self._groups[name].id] = self._groups[name]
            if name in self._classes:
                classes[self._classes[name].id] = self._classes[name]
        left = self._inside.sub("", key)
        return Mentioned(tuple(drugs.values()), tuple(groups.values()), tuple(classes.values()), left)

    def suggest(self, words: str, limit: int) -> list[Drug]:
        """Drugs whose names begin with or contain a text: beginnings first, then the shorter name."""
        key = _key(words)
        if not key or limit < 1:
            return []
        best: dict[str, tuple[bool, int, str]] = {}
        for name, drug in self._drugs.items():
            if key in name and not drug.ingredient_only:
                rank = (not name.startswith(key), len(name), name)
                best[drug.id] = min(rank, best.get(drug.id, rank))
        by_id = {drug.id: drug for drug in self._drugs.values()}
        return [by_id[drug] for drug in sorted(best, key=best.__getitem__)[:limit]]

    @staticmethod
    def _stripped(names: Mapping[str, Drug], words: re.Pattern[str]) -> dict[str, Drug]:
        stripped: dict[str, Drug] = {}
        ambiguous = set()
        for name, drug in names.items():
            core = words.sub("", name)
            if core and stripped.setdefault(core, names.get(core, drug)) is not drug and core not in names:
                # Two drugs that differ only in their salt or form are told apart by the whole name alone.
                ambiguous.add(core)
        return {core: drug for core, drug in stripped.items() if core not in ambiguous}


def left_over(text: str, words: Iterable[str]) -> str:
    """What remains of a text without amounts, figures and some words of no importance to the check."""
    return _any_of(words).sub("", re.sub(r"[a-z0-9%]+", "", _key(_STRENGTH.sub(" ", plain(text)))))


def _key(name: str) -> str:
    return _OPENING.sub("", plain(name))


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    keys = sorted({_key(word) for word in words}, key=lambda key: (-len(key), key))
    return re.compile("|".join(map(re.escape, keys)) or "(?!)")


def _is_long_enough(name: str) -> bool:
    return len(name) >= (_SHORTEST_LATIN_INSIDE if name.isascii() else _SHORTEST_INSIDE)


def _bounded(name: str) -> str:
    before = "(?<![a-z0-9])" if name[0].isascii() and name[0].isalnum() else ""
    after = "(?![0-9])" if name[-1].isdigit() else "(?![a-z])" if name[-1].isascii() and name[-1].isalpha() else ""
    return before + re.escape(name) + after
