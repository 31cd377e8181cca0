"""How an answer is scored against a gold label: right disease, level of care, must-not-miss, confidence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cunyi.domain.assessment import Assessment
from cunyi.domain.triage import TriageLevel

_PUNCTUATION = re.compile(r"[\s，,。.、；;：:（）()【】\[\]「」\-—·/]+")
_SUFFIX = re.compile("(综合征|症|病)$")
_CAPTURED_AMONG = 5


class Gold(msgspec.Struct, frozen=True):
    """What the right answer is (金标准)."""

    name: str
    accept_names: tuple[str, ...] = ()
    accept_icd10: tuple[str, ...] = ()
    urgency: str | None = None
    must_not_miss: bool | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How one case came out: rank of the right disease (0 for none shown), levels, confidence of the first."""

    id: str
    rank: int
    covered: bool
    confidence: float
    gold_level: str | None
    given_level: str
    must_not_miss: bool
    captured: bool
    gold_name: str
    first_name: str

    @property
    def level_error(self) -> int | None:
        """Given level minus gold level; negative is under-triage; None without a gold level."""
        if self.gold_level is None:
            return None
        return int(TriageLevel.from_code(self.given_level)) - int(TriageLevel.from_code(self.gold_level))


def split_of(case_id: str) -> str:
    """Which part of the open files a case belongs to: an even last hexadecimal digit of sha256(id) is tune."""
    return "tune" if int(hashlib.sha256(case_id.encode()).hexdigest()[-1], 16) % 2 == 0 else "hold"


def plain_name(name: str) -> str:
    """A name as compared: without blanks, punctuation, brackets and the suffixes 症, 病, 综合征."""
    return _SUFFIX.sub("", _PUNCTUATION.sub("", name).lower())


def is_right(gold: Gold, name: str, aliases: Iterable[str], icd10: str) -> bool:
    """Whether a listed disease is the gold diagnosis, by code prefix or by name."""
    if any(icd10.startswith(prefix) for prefix in gold.accept_icd10):
        return True
    accepted = {plain_name(accepted) for accepted in gold.accept_names}
    return any(plain_name(one) in accepted for one in (name, *aliases))


def read_gold(raw: Mapping[str, Any]) -> Gold:
    """The gold label of an evaluation case; msgspec.ValidationError for a malformed one."""
    return msgspec.convert(raw, Gold)


def score(case_id: str, gold: Gold, assessment: Assessment, covered: bool) -> Outcome:
    """One assessment against its gold label."""
    rank = next(
        (
            place
            for place, candidate in enumerate(assessment.differential, start=1)
            if is_right(gold, candidate.name, candidate.aliases, candidate.icd10)
        ),
        0,
    )
    excluded = any(is_right(gold, one.name, one.aliases, one.icd10) for one in assessment.must_exclude)
    first = assessment.differential[0] if assessment.differential else None
    return Outcome(
        id=case_id,
        rank=rank,
        covered=covered,
        confidence=first.probability if first else 0.0,
        gold_level=gold.urgency,
        given_level=assessment.triage.level,
        must_not_miss=bool(gold.must_not_miss),
        captured=excluded or 0 < rank <= _CAPTURED_AMONG,
        gold_name=gold.name,
        first_name=first.name if first else "",
    )


class Share(msgspec.Struct, frozen=True):
    """A share with its 95 % interval (Wilson, J Am Stat Assoc 1927; 22: 209-212)."""

    hits: int
    cases: int
    value: float
    low: float
    high: float


def share(hits: Sequence[bool]) -> Share:
    """The share of true values with Wilson's 95 % interval; all zero without any."""
    n, k = len(hits), sum(hits)
    if n == 0:
        return Share(0, 0, 0.0, 0.0, 0.0)
    z, p = 1.959964, k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return Share(k, n, p, max(0.0, centre - half), min(1.0, centre + half))
