"""Review sheets: one disease or finding of the knowledge base as a clinician reads it, Chinese with English names."""

from __future__ import annotations

from collections.abc import Iterator

from cunyi.knowledge.model import Disease, Finding
from cunyi.reasoning.prepared import Knowledge

_CRITICALITY = {"critical": "危急", "urgent": "急", "routine": "普通", "minor": "轻"}
_TRIAGE = {"emergency": "立即转诊/120", "urgent": "当日转诊", "routine": "门诊处理", "self_care": "居家观察"}
_OBTAIN = {"ask": "问诊", "village": "村卫生室查体或测量", "township": "乡镇卫生院检查", "county": "县级医院检查"}
_KIND = {
    "symptom": "症状",
    "sign": "体征",
    "history": "既往史",
    "exposure": "接触史",
    "drug": "用药史",
    "result": "检查结果",
}
_PLACE = {"village": "留村处理", "township": "乡镇卫生院", "county": "县级医院", "120": "呼叫120"}
_DEADLINE = {"now": "立即", "2h": "2小时内", "24h": "24小时内", "2w": "2周内", None: "不限"}
_SEX = {"male": "男", "female": "女"}


def disease_sheet(disease: Disease, knowledge: Knowledge) -> str:
    """The review sheet of a disease in Markdown."""
    return "\n".join(_disease_lines(disease, knowledge)) + "\n"


def _disease_lines(disease: Disease, knowledge: Knowledge) -> Iterator[str]:
    content = knowledge.content
    yield f"# {disease.name}（{disease.name_en}）"
    yield ""
    yield f"- 标识：`{disease.id}`　ICD-10：{disease.icd10}"
    if disease.aliases:
        yield f"- 同义名：{'、'.join(disease.aliases)}"
    yield f"- 危急程度：{_CRITICALITY[disease.criticality]}　级别：{_TRIAGE[disease.triage]}"
    yield f"- 科室：{content.departments[disease.department].name}"
    yield f"- 审核状态：{'草稿，待执业医师审核' if disease.review_status == 'draft' else disease.review_status}"
    yield ""
    yield "## 基础发病"
    yield ""
    yield f"- 每十万次基层就诊 {disease.base_rate:g} 例"
    for lower, upper, factor in disease.age:
        yield f"- {lower:g}–{upper:g} 岁：×{factor:g}"
    for sex, factor in disease.sex.items():
        yield f"- {_SEX[sex]}：×{factor:g}"
    if disease.season:
        yield "- 季节：" + "、".join(f"{month}月×{factor:g}" for month, factor in disease.season.items())
    for place, factor in disease.region.items():
        yield f"- 地区 {place}：×{factor:g}"
    for finding, risk in disease.risk_factors.items():
        yield f"- {content.findings[finding].name}（{content.findings[finding].name_en}）：相对危险度 {risk:g}"
    yield ""
    yield "## 征象"
    yield ""
    yield "| 征象 | Finding | 本病中 | 一般就诊者 | 有则（对数似然比） | 无则 |"
    yield "|---|---|---:|---:|---:|---:|"
    likelihoods = knowledge.likelihoods
    column = likelihoods.disease_index[disease.id]
    for finding, probability in sorted(disease.findings.items(), key=lambda item: -item[1]):
        row, record = likelihoods.finding_index[finding], content.findings[finding]
        yield (
            f"| {record.name} | {record.name_en} | {probability:.1%} | {record.background:.2%} |"
            f" {likelihoods.present[row, column]:+.2f} | {likelihoods.absent[row, column]:+.2f} |"
        )
    if disease.defining:
        names = "、".join(content.findings[finding].name for finding in disease.defining)
        yield f"\n至少有一项才据本病定就诊级别：{names}"
    yield ""
    yield f"## 危险\n\n{disease.danger}"
    if disease.exclude:
        yield f"\n最快确认或排除：{disease.exclude}"
    yield "\n## 检查\n"
    for step in disease.workup:
        examination = content.examinations[step.examination]
        yield f"- {examination.name}（{examination.name_en}，{_OBTAIN[examination.obtain]}）：{step.why}"
    yield "\n## 转诊\n"
    when = f"：{disease.referral.when}" if disease.referral.when else ""
    yield f"{_PLACE[disease.referral.to]}，{_DEADLINE[disease.referral.within]}{when}"
    yield "\n## 处置\n"
    for advice in disease.management:
        yield f"- {advice.text}（{_titles(advice.sources, knowledge)}）"
    yield f"\n来源：{_titles(disease.sources, knowledge)}"


def finding_sheet(finding: Finding, knowledge: Knowledge) -> str:
    """The review sheet of a finding in Markdown: its place in the tree, its question, the diseases that show it."""
    return "\n".join(_finding_lines(finding, knowledge)) + "\n"


def _finding_lines(finding: Finding, knowledge: Knowledge) -> Iterator[str]:
    content, likelihoods = knowledge.content, knowledge.likelihoods
    yield f"# {finding.name}（{finding.name_en}）"
    yield ""
    yield f"- 标识：`{finding.id}`　类别：{_KIND[finding.kind]}　获取：{_OBTAIN[finding.obtain]}"
    if finding.parents:
        yield f"- 上级：{'、'.join(content.findings[p].name for p in finding.parents)}"
    below = likelihoods.descendants[finding.id]
    if below:
        yield f"- 下级：{'、'.join(content.findings[d].name for d in below)}"
    yield f"- 一般就诊者中：{finding.background:.2%}"
    if finding.ask:
        yield f"- 问法：{finding.ask}"
    yield f"- 来源：{_titles(finding.sources, knowledge)}"
    yield ""
    yield "| 疾病 | Disease | 本病中 | 有则（对数似然比） |"
    yield "|---|---|---:|---:|"
    row = likelihoods.finding_index[finding.id]
    listing = [d for d in content.diseases.values() if finding.id in d.findings or finding.id in d.risk_factors]
    for disease in sorted(listing, key=lambda d: -likelihoods.probability[row, likelihoods.disease_index[d.id]]):
        column = likelihoods.disease_index[disease.id]
        yield (
            f"| {disease.name} | {disease.name_en} | {likelihoods.probability[row, column]:.1%} |"
            f" {likelihoods.present[row, column]:+.2f} |"
        )


def _titles(ids: tuple[str, ...], knowledge: Knowledge) -> str:
    sources = knowledge.content.sources
    return "；".join(sources[i].title if i in sources else i for i in ids)
