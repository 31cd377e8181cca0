"""Diseases: complete, consistent with the findings, told apart from each other, named by true synonyms only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from cunyi.authoring.check_references import known
from cunyi.authoring.load import Entry, Library
from cunyi.authoring.strict_yaml import Problem
from cunyi.knowledge.artefact import FREQUENCY_CLASSES, likelihood, parse_age_band

LEAST_FINDINGS = 8
_LEAST_MANAGEMENT = 3
_LEAST, _MOST = 0.001, 0.99
_SAME_PROFILE = 0.985
_RISK_KINDS = ("history", "exposure", "drug")
_COMPOSITE = re.compile("[、，,/＋+；;]|合并|并发|伴有|[和及或与](?!肽|平)")
_QUALIFIERS = (
    "急性",
    "慢性",
    "小儿",
    "新生儿",
    "老年",
    "妊娠",
    "重症",
    "重度",
    "轻度",
    "早期",
    "晚期",
    "复发性",
    "原发性",
    "继发性",
)
_PUNCTUATION = re.compile(r"[\s（）()·\-—,，、。]")


def check_diseases(library: Library) -> Iterator[Problem]:
    """Every disease by itself, then against the others."""
    findings = {entry.id: entry for entry in library.findings}
    departments = {entry.id for entry in library.departments}
    examinations = {entry.id for entry in library.examinations}
    for entry in library.diseases:
        yield from known(entry, [str(entry.raw.get("department"))], departments, "科室", "department")
        steps = [step for step in entry.raw.get("workup") or () if isinstance(step, dict)]
        yield from known(entry, [str(step.get("examination")) for step in steps], examinations, "检查", "workup")
        yield from _check_likelihoods(entry, findings)
        yield from _check_multipliers(entry, findings)
        yield from _check_complete(entry)
    yield from _check_names(library.diseases)
    yield from _check_copies(library.diseases)
    yield from _check_profiles(library.diseases, findings)


def _check_likelihoods(entry: Entry, findings: dict[str, Entry]) -> Iterator[Problem]:
    listed = entry.raw.get("findings")
    if not isinstance(listed, dict):
        return
    if len(listed) < LEAST_FINDINGS:
        yield entry.problem(f"只列了 {len(listed)} 个征象，至少 {LEAST_FINDINGS} 个（补典型的和鉴别用的）", "findings")
    yield from known(entry, listed, set(findings), "征象", "findings")
    values = {}
    for finding, value in listed.items():
        if isinstance(value, str) and value in FREQUENCY_CLASSES:
            values[finding] = likelihood(value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield entry.problem(f"{finding} 的概率要写数字或 {'、'.join(FREQUENCY_CLASSES)}", "findings", finding)
        elif not _LEAST <= value <= _MOST:
            yield entry.problem(f"{finding} 的概率 {value} 应在 {_LEAST} 到 {_MOST} 之间", "findings", finding)
        else:
            values[finding] = float(value)
    for finding, value in values.items():
        for parent in findings[finding].raw.get("parent") or () if finding in findings else ():
            if parent in values and values[parent] < value:
                yield entry.problem(
                    f"{finding} {value} 比上级 {parent} {values[parent]} 还常见（上级至少一样常见）",
                    "findings",
                    finding,
                )


def _check_multipliers(entry: Entry, findings: dict[str, Entry]) -> Iterator[Problem]:
    risks = entry.raw.get("risk_factors") or {}
    yield from known(entry, risks, set(findings), "征象", "risk_factors")
    for finding in entry.raw.get("defining") or ():
        if finding not in (entry.raw.get("findings") or {}) and finding not in risks:
            yield entry.problem(f"defining 里的 {finding} 要先写在 findings 或 risk_factors 里", "defining", finding)
    for finding, risk in risks.items():
        if isinstance(risk, bool) or not isinstance(risk, int | float) or not 0 < risk <= 500:
            yield entry.problem(f"{finding} 的相对危险度应是 0 到 500 之间的数", "risk_factors", finding)
    bands = []
    for band, factor in (entry.raw.get("age") or {}).items():
        try:
            bands.append((parse_age_band(str(band)), band))
        except ValueError:
            yield entry.problem(f"年龄段“{band}”要写成 15-45", "age", band)
        yield from _factor(entry, "age", band, factor)
    for ((a, b), _), ((c, d), band) in combinations(bands, 2):
        if max(a, c) < min(b, d):
            yield entry.problem(f"年龄段 {band} 与别的重叠", "age", band)
    for sex, factor in (entry.raw.get("sex") or {}).items():
        if sex not in ("male", "female"):
            yield entry.problem(f"sex 只有 male 和 female，没有 {sex}", "sex", sex)
        yield from _factor(entry, "sex", sex, factor)
    for month, factor in (entry.raw.get("season") or {}).items():
        if not str(month).isdigit() or not 1 <= int(month) <= 12:
            yield entry.problem(f"season 的月份 {month} 应是 1 到 12", "season", month)
        yield from _factor(entry, "season", month, factor)
    rate = entry.raw.get("base_rate")
    if isinstance(rate, int | float) and not 0 < rate <= 20_000:
        yield entry.problem(f"base_rate {rate} 应在 0 到 20000（每十万次就诊）之间", "base_rate")


def _factor(entry: Entry, key: str, part: Any, factor: Any) -> Iterator[Problem]:
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 <= factor <= 100:
        yield entry.problem(f"{key} {part} 的倍数应是 0 到 100 的数", key, part)


def _check_complete(entry: Entry) -> Iterator[Problem]:
    critical = entry.raw.get("criticality") == "critical"
    if critical and not entry.raw.get("exclude"):
        yield entry.problem("危急病要写 exclude（最快的确认或排除办法）")
    if not critical and len(entry.raw.get("management") or ()) < _LEAST_MANAGEMENT:
        yield entry.problem(f"处置至少 {_LEAST_MANAGEMENT} 条", "management")
    referral = entry.raw.get("referral")
    if isinstance(referral, dict):
        if referral.get("to") != "village" and referral.get("within") is None and not referral.get("when"):
            yield entry.problem("要转诊就写 within（now、2h、24h、2w），只在某些情况才转的写 when", "referral")
        if critical and str(referral.get("to")) == "village":
            yield entry.problem("危急病不能留在村里（to 写 120、county 或 township）", "referral")


def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", name)


def _check_names(diseases: list[Entry]) -> Iterator[Problem]:
    owner: dict[str, Entry] = {}
    names = {entry.id: _plain(str(entry.raw.get("name", ""))) for entry in diseases}
    for entry in diseases:
        for alias in dict.fromkeys([entry.raw.get("name"), *(entry.raw.get("aliases") or ())]):
            plain = _plain(str(alias))
            if plain in owner and owner[plain].id != entry.id:
                yield entry.problem(f"名称“{alias}”也属于 {owner[plain].id}（真同义词只能属于一个病）", "aliases")
            owner[plain] = entry
    for entry in diseases:
        own = names[entry.id]
        for index, alias in enumerate(entry.raw.get("aliases") or ()):
            plain = _plain(str(alias))
            if _COMPOSITE.search(str(alias)) and not _COMPOSITE.search(str(entry.raw.get("name"))):
                yield entry.problem(f"别名“{alias}”是复合诊断，不是同义词（删去）", "aliases", index)
            broader = [other for other, name in names.items() if other != entry.id and plain and name.endswith(plain)]
            if len(broader) >= 2:
                yield entry.problem(
                    f"别名“{alias}”比本病宽，也涵盖 {'、'.join(broader[:3])}（删去或写全）", "aliases", index
                )
            narrower = [q for q in _QUALIFIERS if plain.startswith(q) and q not in own and plain[len(q) :] == own]
            if narrower:
                yield entry.problem(f"别名“{alias}”比本病窄（多了“{narrower[0]}”，删去）", "aliases", index)


def _check_copies(diseases: list[Entry]) -> Iterator[Problem]:
    seen: dict[str, Entry] = {}
    for entry in diseases:
        texts: list[tuple[tuple[str | int, ...], Any]] = [
            (("danger",), entry.raw.get("danger")),
            (("exclude",), entry.raw.get("exclude")),
        ]
        steps = entry.raw.get("management") or ()
        texts += [(("management", i), step.get("text")) for i, step in enumerate(steps) if isinstance(step, dict)]
        for path, text in texts:
            plain = _plain(str(text or ""))
            if len(plain) < 12:
                continue
            if plain in seen and seen[plain].id != entry.id:
                yield entry.problem(
                    f"与 {seen[plain].id} 的文字一样，不能照抄（按本病重写）：“{str(text)[:24]}”", *path
                )
            seen[plain] = entry


def _check_profiles(diseases: list[Entry], findings: dict[str, Entry]) -> Iterator[Problem]:
    """Pairs that the knowledge cannot tell apart: their log likelihood ratios point the same way."""
    index = {finding: row for row, finding in enumerate(findings)}
    rows = np.zeros((len(diseases), len(index)))
    for position, entry in enumerate(diseases):
        for finding, value in (entry.raw.get("findings") or {}).items():
            if finding not in index or not isinstance(value, int | float | str) or isinstance(value, bool):
                continue
            if isinstance(value, str) and value not in FREQUENCY_CLASSES:
                continue
            background = float(findings[finding].raw.get("background") or 0.01)
            rows[position, index[finding]] = np.log(max(likelihood(value), 1e-4) / background)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(norms == 0, 1, norms)
    similar = unit @ unit.T
    for first, second in combinations(range(len(diseases)), 2):
        if similar[first, second] >= _SAME_PROFILE:
            entry = diseases[second]
            yield entry.problem(
                f"征象与 {diseases[first].id} 几乎一样（相似度 {similar[first, second]:.3f}），分不开（补鉴别征象）",
                "findings",
            )
