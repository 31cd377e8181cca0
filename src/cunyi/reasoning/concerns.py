"""Words a concern from the knowledge base's messages, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

from cunyi.domain.prescription import Concern, ConcernSeverity
from cunyi.knowledge.drugs import PrescribingRules
from cunyi.reasoning.medicines import Medicine

Pair = tuple[str, str]
"""The same words in Chinese and in English."""


class Wording:
    """Makes concerns of the messages of `prescribing.yaml`. A slot is one text, or a pair (Chinese, English)."""

    def __init__(self, rules: PrescribingRules) -> None:
        self._messages = rules.messages

    def about(
        self,
        one: Medicine,
        key: str,
        *,
        severity: ConcernSeverity | None = None,
        other: Medicine | None = None,
        sources: tuple[str, ...] = (),
        **slots: str | Pair,
    ) -> Concern:
        """A concern about one medicine, or about it together with another; `sources` in place of the message's own."""
        involved = [one] if other is None else [one, other]
        pairs: dict[str, str | Pair] = {"drug": (one.name, one.name_en), **slots}
        if other is not None:
            pairs["other"] = (other.name, other.name_en)
        return self._concern(key, involved, pairs, severity, sources)

    def about_all(
        self,
        medicines: Sequence[Medicine],
        key: str,
        *,
        severity: ConcernSeverity | None = None,
        sources: tuple[str, ...] = (),
        **slots: str | Pair,
    ) -> Concern:
        """One concern about several lines; its `drug` slot lists them."""
        names = ("、".join(m.name for m in medicines), ", ".join(m.name_en for m in medicines))
        return self._concern(key, medicines, {"drug": names, **slots}, severity, sources)

    def record(self, key: str, **slots: str | Pair) -> Concern:
        """A concern about the patient's record, not about a line."""
        return self._concern(key, (), slots, None, ())

    def _concern(
        self,
        key: str,
        medicines: Sequence[Medicine],
        slots: dict[str, str | Pair],
        severity: ConcernSeverity | None,
        sources: tuple[str, ...],
    ) -> Concern:
        message = self._messages[key]
        chinese = {name: value if isinstance(value, str) else value[0] for name, value in slots.items()}
        english = {name: value if isinstance(value, str) else value[1] for name, value in slots.items()}
        return Concern(
            kind=message.kind,
            severity=severity or message.severity or ConcernSeverity.WARN,
            lines=tuple(m.line for m in medicines if m.line is not None),
            drugs=tuple(m.name for m in medicines),
            drugs_en=tuple(m.name_en for m in medicines),
            message=message.text.format(**chinese),
            message_en=message.text_en.format(**english),
            source=(sources or message.sources)[0],
        )
