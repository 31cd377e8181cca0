"""Assessments and evaluation reports as readable tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from cunyi.authoring.evaluate import TOP, Interval, Report
from cunyi.authoring.evaluate_departments import DepartmentReport
from cunyi.authoring.evaluate_summary import Match, SummaryReport
from cunyi.authoring.scoring import Share
from cunyi.authoring.simulated_interview import InterviewReport
from cunyi.authoring.slot_interview import SlotReport
from cunyi.domain.assessment import Assessment

OUT = Console(highlight=False)
ERRORS = Console(stderr=True, highlight=False)

_LEVELS = {
    "emergency": "⬣ 立即转诊/120",
    "urgent": "▲ 当日转诊",
    "routine": "■ 门诊处理",
    "self_care": "● 居家观察",
}
_FINISHES = {"enough": "问够了", "limit": "到了上限", "stopped": "不想答了", "emergency": "急症叫停"}
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
    for where, chosen in (("县级医院", assessment.department), ("乡镇卫生院", assessment.township_department)):
        if chosen:
            OUT.print(f"科室（{where}）：{chosen.name}{f'（{chosen.why}）' if chosen.why else ''}", markup=False)
    if assessment.care_step:
        step = assessment.care_step
        OUT.print(f"分级诊疗：{_PLACES[step.step]}；{step.reason}", markup=False)
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


def print_interviews(reports: Sequence[InterviewReport]) -> None:
    """Simulated interviews, one column a file and split."""
    if not reports:
        return
    table = Table("")
    for one in reports:
        table.add_column(f"{one.file}\n{one.split}", justify="right")
    rows: list[tuple[str, list[str]]] = [
        ("病例", [str(r.cases) for r in reports]),
        (
            "平均问题数（按价值问的，最多）",
            [f"{r.questions:.1f}（{r.by_gain:.1f}，{r.most_by_gain}）" for r in reports],
        ),
        ("平均问到的征象", [f"{r.asked:.1f}" for r in reports]),
        ("结束原因", ["、".join(f"{_FINISHES[k]} {n}" for k, n in r.finished.items()) for r in reports]),
        ("下一问毫秒（中位，95%）", [f"{r.milliseconds_median:.1f}，{r.milliseconds_95:.1f}" for r in reports]),
    ]
    for name, shares, kept in (
        ("问诊后", [r.top_after for r in reports], [r.kept for r in reports]),
        ("主诉后只问15题", [r.top_early for r in reports], [r.kept_early for r in reports]),
    ):
        for k in ("1", "3", "5"):
            cells = [f"{_percent(s[k])} 保住 {p[k]:.0%}" for s, p in zip(shares, kept, strict=True)]
            rows.append((f"前{k} {name}", cells))
    rows += [(f"前{k} 全部已知", [_percent(r.top_full[k]) for r in reports]) for k in ("1", "3", "5")]
    rows += [
        ("不可漏已抓住 问诊后", [_percent(r.must_not_miss_after) for r in reports]),
        ("不可漏已抓住 全部已知", [_percent(r.must_not_miss_full) for r in reports]),
        ("急症中叫停的", [_percent(r.emergencies_stopped) for r in reports]),
        ("非急症中叫停的", [_percent(r.others_stopped) for r in reports]),
    ]
    for name, cells in rows:
        table.add_row(name, *cells)
    OUT.print(table)


def print_slots(reports: Sequence[SlotReport]) -> None:
    """Records of slots, one column a file and split."""
    if not reports:
        return
    table = Table("")
    for one in reports:
        table.add_column(f"{one.file}\n{one.split}", justify="right")
    rows = [
        ("病例（标签，槽位）", [f"{r.records}（{r.labels}，{r.slots}）" for r in reports]),
        ("只凭自诉", [_percent(r.at_first) for r in reports]),
        ("问诊后", [_percent(r.after) for r in reports]),
        ("全部槽位已知", [_percent(r.with_all) for r in reports]),
        ("平均轮数（答得上的）", [f"{r.turns:.1f}（{r.answered:.1f}）" for r in reports]),
        ("没有认出的槽位", ["、".join(r.unmapped) or "无" for r in reports]),
    ]
    for name, cells in rows:
        table.add_row(name, *cells)
    OUT.print(table)


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
    for level in _LEVELS:
        rows += [
            (
                f"{words}：{_LEVELS[level]}",
                [_percent(r.triage_by_level[level][key]) if level in r.triage_by_level else "—" for r in reports],
            )
            for words, key in (("偏轻", "under"), ("偏重", "over"))
        ]
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


def print_department_reports(reports: Sequence[DepartmentReport]) -> None:
    """One column a file and split: first-level accuracy, then each name of the file, then what was taken for what."""
    table = Table("")
    for one in reports:
        table.add_column(f"{one.file}\n{one.split}", justify="right")
    rows: list[tuple[str, list[str]]] = [
        ("问诊", [str(r.cases) for r in reports]),
        ("一级科室正确", [_percent(r.accepted) for r in reports]),
        ("只认本名", [_percent(r.own) for r in reports]),
        ("给出了科室", [_percent(r.named) for r in reports]),
        ("全猜最多的", [_percent(r.baseline) for r in reports]),
    ]
    for name in sorted({name for r in reports for name in r.by_name}):
        rows.append((f"  {name}", [_percent(r.by_name[name]) if name in r.by_name else "—" for r in reports]))
    for name, values in rows:
        table.add_row(name, *values)
    OUT.print(table)
    for one in reports:
        if one.confusions:
            OUT.print(f"{one.file} 判错最多：{'、'.join(f'{k}×{n}' for k, n in one.confusions.items())}", markup=False)
        for miss in one.misses:
            OUT.print(f"  {miss.id}：应为 {miss.gold}，答 {miss.given or '没有科室'}", markup=False)


def print_summaries(reports: Sequence[SummaryReport]) -> None:
    """Summaries against what hospitals wrote, one column a file and split; below, the tune dialogues that differ most."""
    table = Table("")
    for one in reports:
        table.add_column(f"{one.file}\n{one.split}", justify="right")
    table.add_row("对话", *(str(one.dialogues) for one in reports))
    table.add_row("平均句数", *(f"{one.sentences:.1f}" for one in reports))
    for name, matches in (
        ("有的", [one.present for one in reports]),
        ("没有的", [one.absent for one in reports]),
        ("字词", [one.tokens for one in reports]),
    ):
        table.add_row(f"{name} 召回", *(_recalled(match) for match in matches))
        table.add_row(f"{name} 精确", *(_interval(match.precision) for match in matches))
    for name, matches in (
        ("说了的有 召回", [one.said_present for one in reports]),
        ("说了的没有 召回", [one.said_absent for one in reports]),
    ):
        table.add_row(name, *(_recalled(match) for match in matches))
    OUT.print(table)
    for one in reports:
        for outcome in one.worst:
            OUT.print(
                f"{one.file} {outcome.id}：漏 {'、'.join(outcome.missed) or '无'}；多 {'、'.join(outcome.added) or '无'}",
                markup=False,
            )


def _recalled(match: Match) -> str:
    return _interval(match.recall) if match.wanted else "—"


def _interval(value: Interval) -> str:
    return f"{value.value:.1%} [{value.low:.0%}–{value.high:.0%}]"
