"""Which rules can matter for a patient: an index by what must be there for a rule to hold, so that few are evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from cunyi.domain.finding import Status
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.conditions import All, AtLeast, Condition, FindingIs, ValueIs


class _Ruled(Protocol):
    @property
    def when(self) -> Condition: ...


R = TypeVar("R", bound=_Ruled)


def necessary_keys(condition: Condition) -> list[frozenset[str]]:
    """Sets of findings and items, the smallest first: of each at least one must be present or measured for a condition to
    hold. Without any it may hold for anybody."""
    match condition:
        case FindingIs(finding=finding, status=Status.PRESENT):
            return [frozenset({finding})]
        case ValueIs(item=item):
            return [frozenset({item})]
        case AtLeast(_, parts):
            keys = [necessary_keys(part) for part in parts]
            return [frozenset().union(*(sets[0] for sets in keys))] if all(keys) else []
        case All(parts):
            return sorted((keys for part in parts for keys in necessary_keys(part)), key=len)
        case _:
            return []


class RuleIndex(Generic[R]):
    """Rules by the keys they need. Every rule that could hold for a presentation is among its candidates."""

    def __init__(self, rules: Iterable[R]) -> None:
        self._rules = list(rules)
        self._always: list[int] = []
        self._by_key: dict[str, list[int]] = {}
        # What each rule needs besides the keys it is found by.
        self._further: list[list[frozenset[str]]] = []
        for number, rule in enumerate(self._rules):
            keys = necessary_keys(rule.when)
            self._further.append(keys[1:])
            if not keys:
                self._always.append(number)
            else:
                for key in keys[0]:
                    self._by_key.setdefault(key, []).append(number)

    def candidates(self, presentation: Presentation) -> Iterator[R]:
        """The rules that could hold, in the order they were given."""
        known = presentation.present
        known.update(presentation.values)
        numbers = set(self._always)
        for key in known:
            if key in self._by_key:
                numbers.update(self._by_key[key])
        for number in sorted(numbers):
            if not any(map(known.isdisjoint, self._further[number])):
                yield self._rules[number]


def by_complaint(flags: Mapping[str, R], complaints: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[R, ...]]:
    """The red flags that each complaint finding asks about."""
    index: dict[str, list[R]] = {}
    for flag_id, flag in flags.items():
        for finding in complaints[flag_id]:
            index.setdefault(finding, []).append(flag)
    return {finding: tuple(rules) for finding, rules in index.items()}
