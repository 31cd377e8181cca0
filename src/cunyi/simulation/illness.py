"""What brings people to the doctor: diseases drawn by the knowledge's own frequencies, told in the knowledge's own words."""

from __future__ import annotations

import random

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.case import Sex
from cunyi.domain.person import Programme
from cunyi.knowledge.conditions import Bounds
from cunyi.knowledge.model import Content, Disease, Finding, Item
from cunyi.reasoning.prepared import Knowledge
from cunyi.simulation.population import Resident

_READINGS = ("temperature_c", "pulse_bpm", "respiratory_rate_bpm", "systolic_mmhg", "diastolic_mmhg", "spo2_pct")
_DAYS = (1, 1, 2, 2, 3, 3, 3, 4, 5, 7)
_WHOLE = ("temperature_c", "glucose_mmol_l", "weight_kg")
_TOLD = ("symptom",)
_MOST_COMPLAINTS, _MOST_TOLD = 2, 6


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Why somebody comes and what is found (虚构就诊): words and readings as a doctor types them, and what it really is."""

    complaint: str
    history: str
    examination: str
    readings: dict[str, str]
    disease: str
    disease_name: str
    urgent: bool
    chronic: bool = False
    follow_up: str = ""


class Illnesses:
    """Draws visits for people of an age and sex in a month (虚构疾病)."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._content: Content = knowledge.content
        self._diseases = [disease for disease in self._content.diseases.values() if not disease.requires_pregnancy]
        self._rates: dict[tuple[int, Sex, int], NDArray[np.float64]] = {}

    def falls_ill(self, resident: Resident, age: float, month: int, draw: random.Random) -> Visit:
        """A visit for something new."""
        disease = self._drawn(age, resident.sex, month, draw)
        told, seen = self._findings(disease, resident.sex, draw)
        content = self._content
        words = [finding.name for finding in told] or [disease.name]
        days = draw.choice(_DAYS)
        complaint = f"{'、'.join(words[:_MOST_COMPLAINTS])}{days}天"
        absent = [
            finding.name
            for name in draw.sample(sorted(disease.findings), len(disease.findings))
            if (finding := content.findings.get(name)) and finding.kind in _TOLD and finding not in told
        ][:3]
        history = f"{days}天前开始{'，'.join(words[:_MOST_TOLD])}。" + (f"无{'，无'.join(absent)}。" if absent else "")
        return Visit(
            complaint=complaint, history=history, examination="，".join(finding.name for finding in seen),
            readings=self._readings(disease, resident, age, draw), disease=disease.id, disease_name=disease.name,
            urgent=disease.triage in ("urgent", "emergency"),
        )  # fmt: skip

    def follow_up(self, resident: Resident, age: float, draw: random.Random) -> Visit | None:
        """A visit of a chronic disease's programme, None for whoever is in none."""
        programmes = [p for p in resident.programmes if p in self._content.follow_ups]
        if not programmes:
            return None
        programme = self._content.follow_ups[draw.choice(programmes)]
        disease = self._content.diseases[programme.disease]
        readings = self._readings(disease, resident, age, draw)
        for name in programme.readings:
            if name not in readings and (words := self._usual(name, age, draw)):
                readings[name] = words
        return Visit(
            complaint=programme.name, history=programme.no_complaints, examination="", readings=readings,
            disease=disease.id, disease_name=disease.name, urgent=False, chronic=True, follow_up=programme.id,
        )  # fmt: skip

    def _drawn(self, age: float, sex: Sex, month: int, draw: random.Random) -> Disease:
        key = (int(age // 5), sex, month)
        if key not in self._rates:
            rates = np.array([_rate(disease, age, sex, month) for disease in self._diseases])
            self._rates[key] = np.cumsum(rates)
        sums = self._rates[key]
        return self._diseases[int(np.searchsorted(sums, draw.random() * sums[-1], side="right"))]

    def _findings(self, disease: Disease, sex: Sex, draw: random.Random) -> tuple[list[Finding], list[Finding]]:
        """What the patient tells and what the doctor sees, the most frequent first."""
        told, seen = [], []
        for name, likelihood in sorted(disease.findings.items(), key=lambda pair: -pair[1]):
            finding = self._content.findings.get(name)
            if finding is None or finding.sex not in (None, sex) or draw.random() >= likelihood:
                continue
            if finding.kind in _TOLD:
                told.append(finding)
            elif finding.kind == "sign" and finding.obtain == "village":
                seen.append(finding)
        return told[:_MOST_TOLD], seen[:4]

    def _readings(self, disease: Disease, resident: Resident, age: float, draw: random.Random) -> dict[str, str]:
        """The usual readings, out of the usual where the disease makes them so and this patient shows it."""
        found = {}
        for name in _READINGS:
            item = self._content.items.get(name)
            if item is None or (name.endswith("_mmhg") and age < 14):
                continue
            shown = [
                band for band in item.bands
                if band.finding in disease.findings and _fits(band.age, age) and band.sex in (None, resident.sex)
                and draw.random() < disease.findings[band.finding or ""] * 0.6
            ]  # fmt: skip
            words = _between(shown[0].value, item, draw) if shown else self._usual(name, age, draw)
            if words:
                found[name] = words
        if Programme.HYPERTENSION in resident.programmes and "systolic_mmhg" in found and draw.random() < 0.4:
            found["systolic_mmhg"], found["diastolic_mmhg"] = str(draw.randint(142, 176)), str(draw.randint(84, 102))
        systolic, diastolic = float(found.get("systolic_mmhg", 120)), float(found.get("diastolic_mmhg", 70))
        if "diastolic_mmhg" in found and diastolic > systolic - 15:
            found["diastolic_mmhg"] = str(round(systolic - draw.randint(25, 45)))
        return found

    def _usual(self, name: str, age: float, draw: random.Random) -> str:
        item = self._content.items.get(name)
        normal = [band for band in item.normal if _fits(band.age, age) and band.value] if item else []
        return _between(normal[0].value, item, draw) if item and normal else ""


def _rate(disease: Disease, age: float, sex: Sex, month: int) -> float:
    at_age = next((factor for lower, upper, factor in disease.age if lower <= age < upper), 1.0)
    return float(disease.base_rate * at_age * disease.sex.get(sex, 1.0) * disease.season.get(month, 1.0))


def _fits(bounds: Bounds | None, age: float) -> bool:
    return bounds is None or bounds.holds(age)


def _between(bounds: Bounds | None, item: Item, draw: random.Random) -> str:
    """A value inside a band, near its inner edge where the other one is open."""
    lower, upper = (bounds.lower, bounds.upper) if bounds else (None, None)
    if lower is None and upper is None:
        return ""
    width = (upper - lower) if lower is not None and upper is not None else abs(lower or upper or 1) * 0.06
    low = lower if lower is not None else (upper or 0) - width
    value = low + width * draw.betavariate(2, 2)
    return f"{value:.1f}" if item.id in _WHOLE else str(round(value))
