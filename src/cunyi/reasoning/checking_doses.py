"""The doses written on a prescription against the figures that two authors agree on. It compares; it never proposes a dose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cunyi.domain.prescription import Concern, ConcernSeverity, PatientForPrescribing, PrescriptionLine
from cunyi.knowledge.doses import Amount, Dose, DoseRules
from cunyi.knowledge.drugs import PrescribingRules
from cunyi.reasoning.concerns import Pair, Wording
from cunyi.reasoning.medicines import Medicine, read_problems
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.weight_and_kidneys import kidney_function, weight_of
from cunyi.reasoning.written_doses import DoseWords, WrittenDose

_ROUNDING = 1e-9


class _Taken(NamedTuple):
    """A line that can be compared: its limits, its written dose, how often a day (None: not known)."""

    medicine: Medicine
    limits: Dose
    dose: WrittenDose
    times: float | None
    strength: dict[str, float]


class _Excess(NamedTuple):
    """How many times a limit an amount is, and the message for it."""

    key: str
    ratio: float
    by_weight: bool = False


class DoseCheck:
    """Checks the doses of one prescription for one patient."""

    def __init__(self, patient: PatientForPrescribing, knowledge: Knowledge, rules: PrescribingRules) -> None:
        self._patient, self._knowledge, self._all_rules = patient, knowledge, rules
        self._rules: DoseRules = rules.doses
        self._doses = knowledge.content.formulary.doses
        self._wording = Wording(rules)
        self._words = DoseWords(rules.doses)
        self._weight = weight_of(patient, knowledge, rules.doses)

    def amounts(self, medicines: Sequence[Medicine], lines: Sequence[PrescriptionLine]) -> Iterator[Concern]:
        """Doses above and far below the limits, and every written dose that could not be compared."""
        taken: list[_Taken] = []
        for one in medicines:
            assert one.line is not None
            line = lines[one.line]
            if one.exact and line.dose.strip():
                yield from self._read(one, line, taken)
        yield from self._unread(medicines, lines)
        unweighed = [each.medicine for each in taken if self._weight is None and _by_weight(each)]
        if unweighed:
            yield self._wording.about_all(unweighed, "dose_no_weight")
        together: dict[tuple[str, str, float], list[_Taken]] = {}
        for each in taken:
            together.setdefault((each.limits.drug, each.limits.route, each.limits.age_from), []).append(each)
        for several in together.values():
            yield from self._judge(several)

    def organs(self, medicines: Sequence[Medicine], lines: Sequence[PrescriptionLine]) -> Iterator[Concern]:
        """Drugs to be reduced or avoided with this patient's kidneys, or in severe liver disease."""
        limits = [(one, dose) for one in medicines for dose in self._limits_of(one, lines)]
        if not limits:
            return
        egfr = kidney_function(self._patient, self._knowledge, self._rules)
        liver = self._liver_disease() if any(dose.liver for _, dose in limits) else None
        for one, dose in limits:
            label = self._label(dose)
            if egfr is not None and dose.kidney is not None and egfr < dose.kidney.below:
                key = f"kidney_{dose.kidney.action}"
                yield self._wording.about(one, key, sources=dose.sources, egfr=f"{egfr:.0f}", label=label)
            if liver is not None and dose.liver is not None:
                yield self._wording.about(one, f"liver_{dose.liver}", sources=dose.sources, what=liver, label=label)

    def _limits_of(self, one: Medicine, lines: Sequence[PrescriptionLine]) -> list[Dose]:
        """The figures for a medicine by the route written; by any route where none was read."""
        age = self._patient.age_years
        if not one.exact or age is None or one.line is None:
            return []
        route = self._words.route(lines[one.line].route)
        fitting = [dose for dose in self._doses.get(one.drugs[0].id, ()) if dose.fits(age)]
        return [dose for dose in fitting if dose.route == route] if route else fitting

    def _liver_disease(self) -> Pair | None:
        content = self._knowledge.content
        said = read_problems(self._patient, self._knowledge, self._all_rules).said
        for problem in self._rules.liver_problems:
            if problem in said:
                known = content.diseases.get(problem) or content.findings[problem]
                return known.name, known.name_en
        return None

    def _read(self, one: Medicine, line: PrescriptionLine, taken: list[_Taken]) -> Iterator[Concern]:
        """Adds the line to `taken` where it can be compared, or says why it cannot."""
        dose, text = self._words.dose(line.dose), line.dose.strip()
        limits = self._doses.get(one.drugs[0].id, ())
        if not limits or self._patient.age_years is None:
            # Said once for all such lines.
            return
        if dose is None:
            yield self._wording.about(one, "dose_not_read", text=text)
            return
        route = self._route(one, line)
        if route is None:
            yield self._wording.about(one, "dose_route_not_read", text=line.route.strip())
            return
        fitting = self._fitting(one, route)
        if fitting is None:
            return
        frequency = self._words.frequency(line.frequency) if line.frequency.strip() else dose.frequency
        has_daily = fitting.daily is not None or fitting.daily_per_kg is not None
        matters = dose.parts is None if dose.per_day else has_daily
        if frequency is None and (line.frequency.strip() or matters):
            yield self._wording.about(one, "dose_frequency_not_read", text=line.frequency.strip())
        strength = self._words.strength(line.strength) or self._words.strength(line.drug)
        each = _Taken(one, fitting, dose, frequency.times if frequency else None, strength)
        bases = [amount.unit for amount in fitting.amounts]
        if any(self._words.amount(dose, base, strength) is None for base in bases):
            yield self._wording.about(one, "dose_strength_missing", text=text)
        taken.append(each)

    def _unread(self, medicines: Sequence[Medicine], lines: Sequence[PrescriptionLine]) -> Iterator[Concern]:
        """Doses without a most to compare them with. What is put on the skin or in the eye has no such figure."""
        unaged, unknown = [], []
        for one in medicines:
            assert one.line is not None
            line = lines[one.line]
            if not one.exact or not line.dose.strip():
                continue
            limits = self._doses.get(one.drugs[0].id, ())
            if limits and self._patient.age_years is None:
                unaged.append(one)
            elif not one.topical and not self._has_most(one, line):
                unknown.append(one)
        if unaged:
            yield self._wording.about_all(unaged, "dose_age_unknown")
        if unknown:
            yield self._wording.about_all(unknown, "dose_not_known")

    def _has_most(self, one: Medicine, line: PrescriptionLine) -> bool:
        """Whether a most is known by the route written; a route that could not be read was said already."""
        limits = self._doses.get(one.drugs[0].id, ())
        route = self._route(one, line)
        fitting = self._fitting(one, route) if limits and route else None
        return (bool(limits) and route is None) or (fitting is not None and fitting.has_most)

    def _route(self, one: Medicine, line: PrescriptionLine) -> str | None:
        """The route written, or the only one where none is written."""
        routes = {each.route for each in self._doses.get(one.drugs[0].id, ())}
        only = routes.pop() if len(routes) == 1 and not line.route.strip() else None
        return self._words.route(line.route) or only

    def _fitting(self, one: Medicine, route: str) -> Dose | None:
        age = self._patient.age_years
        assert age is not None
        limits = self._doses.get(one.drugs[0].id, ())
        return next((dose for dose in limits if dose.route == route and dose.fits(age)), None)

    def _judge(self, several: Sequence[_Taken]) -> Iterator[Concern]:
        """The lines with one drug by one route: the worst of each, and their day's total where that is worse still."""
        day = _worst(self._excesses_of_day(several))
        lines = [(each, _worst(self._excesses(each))) for each in several]
        is_worse = day is not None and all(excess is None or excess.ratio < day.ratio for _, excess in lines)
        if day is not None and is_worse:
            yield self._too_much(several, day)
        for each, excess in lines:
            if excess is not None and not (is_worse and len(several) == 1):
                yield self._too_much([each], excess)
            elif excess is None and day is None and self._is_far_below(each):
                label = self._label(each.limits)
                yield self._wording.about(each.medicine, "dose_low", sources=each.limits.sources, label=label)

    def _excesses(self, each: _Taken) -> list[_Excess]:
        once, by_weight = each.limits.single, each.limits.single_per_kg
        ratio = self._times_too_often(each)
        too_often = ratio is not None and ratio >= self._rules.often_times * (1 - _ROUNDING)
        return [
            *self._excess("dose_single", self._single(each, once), once, by_weight=False),
            *self._excess("dose_single_per_kg", self._single(each, by_weight), by_weight, by_weight=True),
            *([_Excess("dose_often", ratio)] if ratio is not None and too_often else []),
        ]

    def _times_too_often(self, each: _Taken) -> float | None:
        """How many times as often as agreed; None where the day's total says it better.

        It does not for a drug that is not for every day: what is right once a week is deadly every day.
        """
        often = each.limits.times.high if each.limits.times is not None else None
        if not often or each.times is None:
            return None
        has_daily = each.limits.daily is not None or each.limits.daily_per_kg is not None
        return None if has_daily and often >= 1 else each.times / often

    def _excesses_of_day(self, several: Sequence[_Taken]) -> list[_Excess]:
        limits = several[0].limits
        found = []
        for key, amount, by_weight in (
            ("dose_daily", limits.daily, False),
            ("dose_daily_per_kg", limits.daily_per_kg, True),
        ):
            totals = [self._day(each, amount) for each in several]
            known = [total for total in totals if total is not None]
            found += self._excess(key, sum(known) if known else None, amount, by_weight=by_weight)
        return found

    def _too_much(self, several: Sequence[_Taken], excess: _Excess) -> Concern:
        limits = several[0].limits
        stops = excess.ratio >= self._rules.stop_times * (1 - _ROUNDING)
        slots: dict[str, str | Pair] = {"times": _times(excess.ratio), "label": self._label(limits)}
        if excess.by_weight:
            slots["weight"] = f"{self._weight:g}"
        return self._wording.about_all(
            [each.medicine for each in several],
            excess.key,
            severity=ConcernSeverity.STOP if stops else ConcernSeverity.WARN,
            sources=limits.sources,
            **slots,
        )

    def _excess(self, key: str, given: float | None, amount: Amount | None, *, by_weight: bool) -> list[_Excess]:
        if given is None or amount is None or amount.high is None or (by_weight and self._weight is None):
            return []
        ratio = given / (amount.high * (self._weight if by_weight and self._weight else 1.0))
        allowed = self._rules.over_times_per_kg if by_weight else self._rules.over_times
        return [_Excess(key, ratio, by_weight)] if ratio > allowed * (1 + _ROUNDING) else []

    def _is_far_below(self, each: _Taken) -> bool:
        limits = each.limits
        for amount, given, weight in (
            (limits.single, self._single(each, limits.single), 1.0),
            (limits.single_per_kg, self._single(each, limits.single_per_kg), self._weight),
            (limits.daily_per_kg, self._day(each, limits.daily_per_kg) if each.times else None, self._weight),
        ):
            if amount is not None and amount.low is not None and given is not None and weight is not None:
                return given < amount.low * weight * self._rules.low_times
        return False

    def _given(self, each: _Taken, amount: Amount | None) -> float | None:
        """What is written, in the unit of a limit, for this patient's weight where it is written by weight."""
        if amount is None or (each.dose.per_kg and self._weight is None):
            return None
        given = self._words.amount(each.dose, amount.unit, each.strength)
        return given if given is None or not each.dose.per_kg else given * (self._weight or 0.0)

    def _single(self, each: _Taken, amount: Amount | None) -> float | None:
        given = self._given(each, amount)
        if given is None or not each.dose.per_day:
            return given
        parts = each.dose.parts or each.times
        return given / max(parts, 1.0) if parts else None

    def _day(self, each: _Taken, amount: Amount | None) -> float | None:
        """What is taken in 24 hours: at least one administration, on a day when the drug is taken."""
        given = self._given(each, amount)
        if given is None or each.dose.per_day:
            return given
        return given * max(each.dose.parts or each.times or 1.0, 1.0)

    def _label(self, limits: Dose) -> Pair:
        verified = set(limits.sources) - set(self._rules.unverified_sources)
        return ("", "") if verified else (self._rules.unverified.text, self._rules.unverified.text_en)


def _worst(excesses: Sequence[_Excess]) -> _Excess | None:
    return max(excesses, key=lambda excess: excess.ratio, default=None)


def _by_weight(each: _Taken) -> bool:
    return each.dose.per_kg or each.limits.single_per_kg is not None or each.limits.daily_per_kg is not None


def _times(ratio: float) -> str:
    """A multiple, rounded up to hundredths so that no excess reads as none."""
    return f"{math.ceil(round(ratio * 100, 6)) / 100:.6g}"
