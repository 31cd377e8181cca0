"""Assessments and evaluation reports as readable tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from cunyi.authoring.evaluate import TOP, Report
from cunyi.authoring.scoring import Share
from cunyi.domain.assessment import Assessment

OUT = Console(highlight=False)
ERRORS = Console(stderr=True, highlight=False)

_LEVELS = {
    "emergency": "⬣ 立即转诊/120",
    "urgent": "▲ 当日转诊",
    "routine": "■ 门诊处理",
    "self_care": "● 居家观察",
}
_CRITICALITY = {"critical": "危急", "urgent": "急", "routine": "", "minor": ""}
_PLACES = {"village": "村", "township": "乡镇", "county": "县"}
_TARGETS = {"village": "留村", "township": "乡镇卫生院", "county": "县级医院", "120": "呼叫120"}
_DEADLINES = {"now": "立即", "2h": "2小时内", "24h": "24小时内", "2w": "2周内", None: ""}
NOTICE = "仅供有资质医务人员参考，不能替代医师诊断；知识内容为草稿，待执业医师审核。"


def print_assessment(assessment: Assessment) -> None:
    """One assessment, the most urgent first."""
    triage = assessment.triage
    provisional = "（暂定：还有危险信号没有问清）" if triage.provisional else ""
    OUT.print(f"分诊：{_LEVELS[triage.level]}{provisional}", markup=False)
    for reason in triage.reasons:
        OUT.print(f"  · {reason.text}", markup=False)
    for value in assessment.critical_values:
        OUT.print(f"危急值：{value.item} {value.value} {value.unit or ''}（{value.threshold}）", markup=False)
    for refused in assessment.refused:
        OUT.print(f"未采用：{refused.message}", markup=False)
    for conflict in assessment.conflicts:
        OUT.print(f"矛盾：{conflict.name}，说法与测得的 {conflict.value} {conflict.unit or ''} 不符", markup=False)
    if assessment.must_exclude:
        OUT.print("需排除：")
        for one in assessment.must_exclude:
            OUT.print(f"  ! {one.name}（{one.icd10}）：{'、'.join(one.raised_by)}；{one.how}", markup=False)
    table = Table("可能疾病", "ICD-10", "把握", "危急", "支持", "不支持", title=None)
    for candidate in assessment.differential:
        table.add_row(
            candidate.name,
            candidate.icd10,
            f"{candidate.probability:.0%}",
            _CRITICALITY[candidate.criticality],
            "、".join(f.name for f in candidate.supports[:5]),
            "、".join(f.name for f in candidate.against[:3]),
        )
    OUT.print(table)
    OUT.print(f"不在列表中的其他病：{assessment.something_else:.0%}", markup=False)
    referral = assessment.referral
    if referral.needed:
        OUT.print(f"转诊：{_TARGETS[referral.to]} {_DEADLINES[referral.within]}", markup=False)
    if assessment.department:
        OUT.print(f"科室：{assessment.department.name}", markup=False)
    for heading, lines in (
        ("建议追问", [q.ask for q in assessment.questions]),
        ("建议检查", [f"[{_PLACES[e.available_at]}] {e.name}：{e.why}" for e in assessment.examinations]),
        ("处置", [f"{a.text}（{a.source}）" for a in assessment.advice]),
    ):
        if lines:
            OUT.print(f"{heading}：")
            for line in lines:
                OUT.print(f"  · {line}", markup=False)
    OUT.print(NOTICE, markup=False)


def _percent(value: Share) -> str:
    return f"{value.value:.1%} [{value.low:.0%}–{value.high:.0%}]" if value.cases else "—"


def print_reports(reports: Sequence[Report]) -> None:
    """One column a file and split."""
    table = Table("")
    for one in reports:
        table.add_column(f"{one.file}\n{one.split}", justify="right")
    rows: list[tuple[str, list[str]]] = [
        ("病例（不可用）", [f"{r.cases}（{r.unusable}）" for r in reports]),
        ("知识库覆盖", [_percent(r.coverage) for r in reports]),
    ]
    rows += [(f"前{k} 全部", [_percent(r.top[str(k)]) for r in reports]) for k in TOP]
    rows += [(f"前{k} 已覆盖", [_percent(r.top_covered[str(k)]) for r in reports]) for k in TOP]
    names = {"exact": "分诊一致", "under": "分诊偏轻", "severe_under": "严重偏轻", "over": "分诊偏重"}
    rows += [(name, [_percent(r.triage[key]) for r in reports]) for key, name in names.items()]
    rows.append(("不可漏已抓住", [_percent(r.must_not_miss_captured) for r in reports]))
    rows.append(
        (
            "把握度误差",
            [
                f"{r.calibration_error.value:.3f} [{r.calibration_error.low:.2f}–{r.calibration_error.high:.2f}]"
                for r in reports
            ],
        )
    )
    rows.append(("Brier", [f"{r.brier.value:.3f} [{r.brier.low:.2f}–{r.brier.high:.2f}]" for r in reports]))
    for name, values in rows:
        table.add_row(name, *values)
    OUT.print(table)
    for one in reports:
        if one.uncovered:
            listing = "、".join(f"{name}×{count}" for name, count in one.uncovered.items())
            OUT.print(f"{one.file} 未覆盖：{listing}", markup=False)
        for outcome in one.worst:
            OUT.print(
                f"  {outcome.id}：应为 {outcome.gold_name}（{outcome.gold_level or '—'}），"
                f"答 {outcome.first_name}（{outcome.given_level}），名次 {outcome.rank or '—'}",
                markup=False,
            )
