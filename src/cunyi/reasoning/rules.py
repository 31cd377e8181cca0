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


def necessary_keys(condition: Condition) -> frozenset[str] | None:
    """Findings and items of which at least one must be present or measured for a condition to hold; None: it may hold
    without any."""
    match condition:
        case FindingIs(finding=finding, status=Status.PRESENT):
            return frozenset({finding})
        case ValueIs(item=item):
            return frozenset({item})
        case AtLeast(_, parts):
            keys = [necessary_keys(part) for part in parts]
            return None if None in keys else frozenset().union(*(k for k in keys if k is not None))
        case All(parts):
            known = [k for k in map(necessary_keys, parts) if k is not None]
            return min(known, key=len) if known else None
        case _:
            return None


class RuleIndex(Generic[R]):
    """Rules by the keys they need. Every rule that could hold for a presentation is among its candidates."""

    def __init__(self, rules: Iterable[R]) -> None:
        self._rules = list(rules)
        self._always: list[int] = []
        self._by_key: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            keys = necessary_keys(rule.when)
            if keys is None:
                self._always.append(number)
            else:
                for key in keys:
                    self._by_key.setdefault(key, []).append(number)

    def candidates(self, presentation: Presentation) -> Iterator[R]:
        """The rules that could hold, in the order they were given."""
        numbers = set(self._always)
        for finding, fact in presentation.facts.items():
            if fact.status == Status.PRESENT and finding in self._by_key:
                numbers.update(self._by_key[finding])
        for item in presentation.values:
            numbers.update(self._by_key.get(item, ()))
        return (self._rules[number] for number in sorted(numbers))


def by_complaint(flags: Mapping[str, R], complaints: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[R, ...]]:
    """The red flags that each complaint finding asks about."""
    index: dict[str, list[R]] = {}
    for flag_id, flag in flags.items():
        for finding in complaints[flag_id]:
            index.setdefault(finding, []).append(flag)
    return {finding: tuple(rules) for finding, rules in index.items()}
