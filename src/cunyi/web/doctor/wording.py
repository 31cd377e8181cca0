"""The knowledge base's names and prose in the language of the page; prose that has no translation says so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from cunyi.reasoning.explaining import SPOKEN_ALARM
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.view_model import Phrase, ReasonView
from cunyi.web.language import CHINESE, ENGLISH, catalogue

_CHINESE_SCRIPT = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class Wording:
    """Names by id, prose by what the engine said, for one language over one knowledge base (措辞)."""

    def __init__(self, knowledge: Knowledge, language: str) -> None:
        self._content = knowledge.content
        self._mix = knowledge.settings.case_mixes
        self._alarms = knowledge.settings.spoken_alarm.levels.values()
        self.language = language

    def finding(self, finding: str) -> str:
        """A finding's name."""
        entry = self._content.findings[finding]
        return entry.name_en if self.language == ENGLISH else entry.name

    def disease(self, disease: str) -> str:
        """A disease's name."""
        entry = self._content.diseases[disease]
        return entry.name_en if self.language == ENGLISH else entry.name

    def item(self, item: str) -> str:
        """A reading's or laboratory item's name."""
        entry = self._content.items[item]
        return entry.name_en if self.language == ENGLISH else entry.name

    def case_mix(self, mix: str) -> str:
        """The name of a case mix."""
        return self._mix[mix].name_en if self.language == ENGLISH else self._mix[mix].name

    def unit(self, unit: str | None) -> str:
        """A unit as this language writes it; most are the same everywhere."""
        return str(catalogue(self.language).gettext(unit)) if unit else ""

    def prose(self, text: str) -> Phrase:
        """A sentence of the knowledge base, marked where it is in the other language."""
        lang = CHINESE if _CHINESE_SCRIPT.search(text) else ENGLISH
        return Phrase(text, lang, lang == CHINESE and self.language != CHINESE)

    def translated(self, chinese: str, english: str) -> Phrase:
        """A sentence that exists in both languages."""
        return Phrase(english, ENGLISH) if self.language == ENGLISH and english else self.prose(chinese)

    def sources(self, sources: Iterable[str]) -> list[Phrase]:
        """Source titles in their own language, each once; ids and titles joined by ；are both understood."""
        titles: dict[str, None] = {}
        for joined in sources:
            for source in joined.split("；"):
                known = self._content.sources.get(source)
                titles[known.title if known else source] = None
        return [Phrase(p.text, p.lang) for p in (self.prose(title) for title in titles if title)]

    def finding_named(self, name: str) -> str:
        """A finding's name in this language, from its Chinese name."""
        return self._from_chinese.get(name, name)

    def disease_named(self, name: str) -> str | None:
        """A disease's name in this language, from its Chinese name; None where it is no disease."""
        return self._disease_from_chinese.get(name)

    def item_named(self, name: str) -> str:
        """An item's name in this language, from its Chinese name."""
        return self._item_from_chinese.get(name, name)

    def clause(self, text: str) -> tuple[str | None, Phrase | None]:
        """A sentence "disease：why" as the disease's name and the rest; (None, sentence) where it names no disease."""
        name, _, why = text.partition("：")
        disease = self.disease_named(name)
        if disease is None:
            return None, self.prose(text)
        return disease, self.prose(why) if why else None

    def red_flag(self, flag_id: str, text: str, source: str) -> ReasonView:
        """A reason of the triage: a red flag's by its id, a disease's by its name."""
        flag = self._content.red_flags.get(flag_id)
        if flag is not None:
            name = flag.name_en if self.language == ENGLISH else flag.name
            return ReasonView(name, self.translated(flag.why, flag.why_en), self.sources([source]))
        if flag_id == SPOKEN_ALARM:
            return ReasonView("", self.translated(text, self._alarm_in_english(text)), [])
        disease, why = self.clause(text)
        return ReasonView(disease or "", why, self.sources([source]))

    def _alarm_in_english(self, text: str) -> str:
        for alarm in self._alarms:
            before, after = alarm.text.split("{words}")
            if text.startswith(before) and text.endswith(after):
                return alarm.text_en.format(words=text[len(before) : len(text) - len(after)])
        return text

    def referral_reason(self, text: str, text_en: str) -> ReasonView:
        """A reason for a referral: a red flag's, a criterion's, or a likely disease."""
        return ReasonView("", self.translated(text, text_en), [])

    @cached_property
    def _from_chinese(self) -> dict[str, str]:
        return {entry.name: self.finding(entry.id) for entry in self._content.findings.values()}

    @cached_property
    def _disease_from_chinese(self) -> dict[str, str]:
        return {entry.name: self.disease(entry.id) for entry in self._content.diseases.values()}

    @cached_property
    def _item_from_chinese(self) -> dict[str, str]:
        return {entry.name: self.item(entry.id) for entry in self._content.items.values()}
