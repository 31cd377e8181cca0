"""The level of care: the gravest of red flags and of dangerous diseases whose absolute evidence passes a threshold.

Only what is present can raise it and nothing present can lower it; what nobody asked makes it provisional. A danger must have more for
itself than any one milder disease has (`_beyond_milder`), which is compared without what speaks for the milder one alone.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from cunyi.domain.presentation import Presentation
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.conditions import evaluate, undecided
from cunyi.knowledge.likelihoods import Matrix
from cunyi.knowledge.model import Finding, RedFlag
from cunyi.reasoning.alarming import Sounded
from cunyi.reasoning.differential import Differential
from cunyi.reasoning.evidence import Evidence
from cunyi.reasoning.prepared import DiseasesOfLevel, Knowledge
from cunyi.reasoning.settings import LevelThresholds, Thresholds

_NEAREST = 6
_ROUNDING = 1e-3
"""More than sums of log-odds in single precision are off by."""


class RaisedFlag(msgspec.Struct, frozen=True):
    """A red flag that fires for this patient (已触发的危险信号)."""

    flag: RedFlag
    level: TriageLevel


class Triage(msgspec.Struct):
    """The level of what is known, why, and what must be asked before it can be trusted (分诊)."""

    level: TriageLevel
    understood: TriageLevel
    """The level without what only sounds like more."""
    flags: list[RaisedFlag]
    diseases: list[int]
    """Columns of the diseases whose evidence reaches the level, the strongest first."""
    alarm: Sounded | None
    """What alone raised the level, or nothing: words that sound like a case of that level, without being understood as one."""
    provisional: bool
    ask_first: list[str]


def judge(
    presentation: Presentation,
    evidence: Evidence,
    differential: Differential,
    knowledge: Knowledge,
    alarm: Sounded | None = None,
) -> Triage:
    """The triage of one presentation; `alarm` is what its own words sound like."""
    if presentation.age_years is None:
        # A chest pain with cold sweat is none the less one because nobody said how old the mother is.
        presentation = msgspec.structs.replace(presentation, age_years=presentation.supposed_years)
    if presentation.sex is None:
        presentation = msgspec.structs.replace(presentation, sex=presentation.supposed_sex)
    raised = [
        RaisedFlag(flag, knowledge.flag_levels[flag.id])
        for flag in knowledge.flag_index.candidates(presentation)
        if evaluate(flag.when, presentation)
    ]
    raised.sort(key=lambda r: -r.level)
    flagged = max((r.level for r in raised), default=TriageLevel.SELF_CARE)
    present = presentation.present
    reached = _levels_reached(present, evidence, differential, knowledge, flagged, in_own_words=presentation.own_words)
    understood = max(flagged, *reached.values()) if reached else flagged
    heard = alarm if alarm is not None and alarm.level > understood else None
    level = understood if heard is None else heard.level
    strongest_first = sorted(reached, key=lambda column: (-differential.danger[column], column))
    ask_first = _ask_first(understood, present, presentation, knowledge)
    return Triage(
        level=level,
        understood=understood,
        flags=raised,
        diseases=[column for column in strongest_first if reached[column] == level],
        alarm=heard,
        provisional=bool(ask_first) or heard is not None,
        ask_first=ask_first[: knowledge.settings.shown["ask_first"]],
    )


def _levels_reached(
    present: set[str],
    evidence: Evidence,
    differential: Differential,
    knowledge: Knowledge,
    flagged: TriageLevel,
    *,
    in_own_words: bool,
) -> dict[int, TriageLevel]:
    """The level of care that the own evidence of diseases (columns) asks for, of those that pass.

    A disease passes with enough absolute evidence, a fair share of what a typical patient shows, enough beyond what speaks for any one
    milder disease (`_own_level`), and, where it has defining findings, at least one of them. All four only grow with further present findings. What is
    milder than `flagged`, or than what another disease asks for, is left out: it changes nothing.
    """
    suspected = _passing(knowledge.critical, knowledge.settings.suspected, differential, knowledge)
    levels = {column: TriageLevel.URGENT for column in suspected.tolist() if _is_defined(column, present, knowledge)}
    gravest = max(flagged, TriageLevel.URGENT) if levels else flagged
    for code, diseases in knowledge.of_level.items():
        threshold = knowledge.settings.triage.get(code)
        if threshold is None:
            continue
        if diseases.level < gravest:
            break
        passing = _own_level(diseases, threshold, present, evidence, differential, knowledge, in_own_words=in_own_words)
        if passing:
            levels.update(dict.fromkeys(passing, diseases.level))
            gravest = diseases.level
    return levels


def _own_level(
    diseases: DiseasesOfLevel,
    threshold: LevelThresholds,
    present: set[str],
    evidence: Evidence,
    differential: Differential,
    knowledge: Knowledge,
    *,
    in_own_words: bool,
) -> list[int]:
    """Those of the diseases of one level that set it: a fair share of the typical picture and enough beyond any milder disease, or less of
    the picture and clearly more beyond; a defining finding, or in own words, where nobody has asked for it, more beyond."""
    own, clear = threshold.own_words, threshold.clear
    share = own.share if in_own_words else clear.share
    least_share = Thresholds(threshold.log_odds, min(share, threshold.typical_share))
    likely = _passing(diseases.columns, least_share, differential, knowledge)
    if not len(likely):
        return []
    defined = np.array([_is_defined(column, present, knowledge) for column in likely.tolist()], dtype=np.bool_)
    if not in_own_words:
        likely, defined = likely[defined], defined[defined]
    fair = differential.danger_support[likely] >= threshold.typical_share * knowledge.typical_support[likely]
    least = np.where(fair, threshold.beyond_milder, own.beyond if in_own_words else clear.beyond)
    least[~defined] = own.undefined
    return _beyond_milder(likely, diseases.milder, least, evidence, differential)


def _is_defined(column: int, present: set[str], knowledge: Knowledge) -> bool:
    """Whether a disease has no defining findings or the patient has one of them."""
    defining = knowledge.defining[column]
    return not defining or not defining.isdisjoint(present)


def _passing(
    columns: NDArray[np.int64], threshold: Thresholds, differential: Differential, knowledge: Knowledge
) -> NDArray[np.int64]:
    """Those of the diseases that reach the threshold; milder diseases are not looked at here."""
    columns = columns[differential.danger[columns] >= threshold.log_odds]
    enough = differential.danger_support[columns] >= threshold.typical_share * knowledge.typical_support[columns]
    return columns[enough]


def _beyond_milder(
    columns: NDArray[np.int64],
    milder: NDArray[np.int64],
    least: NDArray[np.float64],
    evidence: Evidence,
    differential: Differential,
) -> list[int]:
    """Those of the diseases for which `least` log-odds (of each) speak beside the milder one that comes nearest, by what speaks more for
    them.

    What speaks more for the milder disease is left out: a sum of what is not negative, whose least over a fixed set of diseases never
    falls by a further present finding, as a posterior would.
    """
    if not len(columns):
        return []
    own = differential.danger[columns] - differential.danger_support[columns] + evidence.danger_against[columns]
    # What was denied does not speak against a milder disease here: taking a denial back would make it the nearer one.
    calm, rows = differential.calm_prior, evidence.told_rows
    # What speaks more for one disease than for another is no less than the difference of all that speaks for each. So a milder one
    # with too little in all keeps none of these back, and few are near enough to be compared finding by finding.
    speaks = np.maximum(rows, 0).sum(axis=0)
    loud = (calm + speaks)[milder]
    # Most are kept back by the few milder ones that come nearest in all, before the others are looked at.
    nearest = milder[np.argpartition(loud, -_NEAREST)[-_NEAREST:]] if len(milder) > _NEAREST else milder
    beyond = own + _more(rows, columns, nearest, calm)
    kept = beyond >= least
    columns, own, least, beyond = columns[kept], own[kept], least[kept], beyond[kept]
    if not len(columns):
        return []
    too_little = float((own + speaks[columns] - least).min()) - _ROUNDING
    beyond = np.minimum(beyond, own + _more(rows, columns, milder[loud > too_little], calm))
    passing: list[int] = columns[beyond >= least].tolist()
    return passing


def _more(rows: Matrix, columns: NDArray[np.int64], milder: NDArray[np.int64], calm: Matrix) -> NDArray[np.float64]:
    """For each of the columns what speaks more for it than for a milder disease, less that one's prior: the least of all."""
    more = np.maximum(rows[:, columns, None] - rows[:, None, milder], 0).sum(axis=0)
    least: NDArray[np.float64] = (more - calm[milder]).min(axis=1, initial=np.inf).astype(np.float64)
    return least


def _ask_first(level: TriageLevel, present: set[str], presentation: Presentation, knowledge: Knowledge) -> list[str]:
    """Unknown findings of graver undecided flags of the complaint that can be asked or looked for here, gravest first: not fewer
    than are shown."""
    graver: dict[str, RedFlag] = {}
    for finding in present:
        for flag in knowledge.flags_of_complaint.get(finding, ()):
            if knowledge.flag_levels[flag.id] > level:
                graver[flag.id] = flag
    shown = knowledge.settings.shown["ask_first"]
    asked: dict[str, None] = {}
    for flag in sorted(graver.values(), key=lambda f: (-knowledge.flag_levels[f.id], f.id)):
        if evaluate(flag.when, presentation) is None:
            for finding in undecided(knowledge.findings_of_flag[flag.id], presentation):
                entry = knowledge.content.findings[finding]
                if entry.obtain in ("ask", "village") and _can_have(entry, presentation):
                    asked[finding] = None
            if asked and len(asked) >= shown:
                break
    return list(asked)


def _can_have(finding: Finding, presentation: Presentation) -> bool:
    """Whether the patient's sex allows the finding: no man is asked about his last period."""
    return finding.sex is None or presentation.sex is None or finding.sex == presentation.sex
