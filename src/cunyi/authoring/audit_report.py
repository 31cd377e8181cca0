"""The audit as a page that authors work through: each point with its evidence and where in the files it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cunyi.authoring.audit import Audit
from cunyi.authoring.audit_links import LinkAudit
from cunyi.authoring.audit_priors import PriorAudit
from cunyi.authoring.audit_ratios import RatioAudit, RatioFinding
from cunyi.authoring.load import Library
from cunyi.knowledge.model import Content

_SOURCES = {"office": "门诊（按 ICD-9 计数）", "emergency": "急诊（按 ICD-10 计数）", "statutory": "法定传染病报告数"}
_EXAMPLES = 3
_FAMILIES = {
    "cmekg": "CMeKG",
    "crawl": "网站资料",
    "baidu": "百度关系",
    "ddxplus": "DDXPlus",
    "hkg": "健康知识图谱",
    "symcat": "SymCat",
    "nhamcs": "急诊登记",
    "bodhi": "BODHI（只比对）",
}


class _Page:
    """Names and places of what the report speaks of."""

    def __init__(self, content: Content, library: Library, limit: int) -> None:
        self.content, self.limit = content, limit
        self._diseases = {entry.id: entry for entry in library.diseases}
        self._findings = {entry.id: entry for entry in library.findings}

    def disease(self, *ids: str) -> str:
        """Names of diseases."""
        return "、".join(f"{self.content.diseases[one].name} `{one}`" for one in ids)

    def finding(self, *ids: str) -> str:
        """Names of findings."""
        return "或".join(f"{self.content.findings[one].name} `{one}`" for one in ids)

    def place(self, disease: str, finding: str = "", key: str = "findings") -> str:
        """File and line where a disease says something about a finding, or where it could."""
        entry = self._diseases[disease]
        for part in ("findings", "risk_factors"):
            if finding in (entry.raw.get(part) or {}):
                return f"{entry.file}:{entry.line(part, finding)}"
        return f"{entry.file}:{entry.line(key)}"

    def finding_place(self, finding: str) -> str:
        """File and line of a finding."""
        return f"{self._findings[finding].file}:{self._findings[finding].line('id')}"


def report_lines(audit: Audit, content: Content, library: Library, limit: int) -> Iterator[str]:
    """The page in Markdown, at most `limit` points a list."""
    page = _Page(content, library, limit)
    yield "# 知识库审核"
    yield ""
    yield "事实文件只用来比对。每一条都是给作者的问题，不是改动；改之前先看来源。"
    if audit.missing_files:
        yield f"文件夹里没有、因此没有比的：{'、'.join(audit.missing_files)}。"
    yield from _ratios(audit.ratios, audit.limits.factor, page)
    yield from _missing(audit.links, page)
    yield from _unknown(audit.links, page)
    yield from _apart(audit.links, page)
    for prior in audit.priors:
        yield from _priors(prior, page)
    yield from _unreached(audit, page)
    yield from _alike(audit, page)
    yield from _unused(audit, page)
    yield from _contradicted(audit, page)


def _heading(title: str, number: int, limit: int) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield f"{number} 条" + (f"，列出前 {limit} 条" if number > limit else "") + "。"
    yield ""


def _ratios(audit: RatioAudit, factor: float, page: _Page) -> Iterator[str]:
    yield from _heading("似然比与发表的不符", len(audit.implausible), page.limit)
    yield (
        f"共 {audit.rows} 行：疾病对不上 {audit.unmapped_disease}，征象对不上 {audit.unmapped_finding}，"
        f"自相矛盾不用 {audit.contradictory}；比了 {audit.compared} 对。差 {factor:g} 倍以上或方向相反的列在下面。"
    )
    yield "敏感度（患者中有这征象的）也不符的在前；只有 LR+ 不符的多半是对照的人不同，不必改。"
    yield "“我们的”按同年龄性别、同一主诉而患别的病的人来比；没有主诉可比的按一般就诊者来比。"
    yield ""
    for one in audit.implausible[: page.limit]:
        yield f"- {_ratio(one, page)}"


def _ratio(one: RatioFinding, page: _Page) -> str:
    wrong = "、".join(one.wrong)
    papers = "、".join(f"PMID {pmid}" for pmid in one.pmids) or "没有 PMID"
    compared = "同主诉的其他病" if one.compared_with_complaint else "一般就诊者"
    how = "方向相反" if one.direction else f"差 {min(one.factor, 999):.1f} 倍"
    listed = "" if one.listed else "；我们没有列"
    low, high = one.sensitivity
    implied = f"，推算敏感度 {low:.0%}–{high:.0%}" if (low, high) != (0.0, 1.0) else ""
    places = "、".join(page.place(disease, one.findings[0]) for disease in one.diseases)
    return (
        f"{page.disease(*one.diseases)}｜{page.finding(*one.findings)}（“{one.wording}”）：{wrong} {how}；"
        f"发表 LR+ {_span(one.published_positive)}、LR- {_span(one.published_negative)}{implied}，"
        f"我们的 {one.ours_positive:.2g}、{one.ours_negative:.2g}（本病 {one.probability:.0%}，{compared} {one.others:.1%}）"
        f"{listed}；{papers}；{places}"
    )


def _span(span: tuple[float, float]) -> str:
    low, high = span
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _families(families: Sequence[str]) -> str:
    return "、".join(_FAMILIES[family] for family in families)


def _missing(audit: LinkAudit, page: _Page) -> Iterator[str]:
    yield from _heading("几个来源都有而我们没有的征象", len(audit.missing), page.limit)
    yield (
        f"共 {audit.links} 条联系，对上 {audit.mapped} 条（{audit.pairs} 对）；"
        f"疾病名对不上 {audit.unmapped_diseases} 个，征象名对不上 {audit.unmapped_findings} 个。"
    )
    yield ""
    for one in audit.missing[: page.limit]:
        above = f"；只列了上级 {page.finding(one.above)}" if one.above else ""
        strength = f"；最强 {one.strength:.2f}" if one.strength else ""
        yield (
            f"- {page.disease(one.disease)}｜{page.finding(one.finding)}：{_families(one.families)}{strength}{above}；"
            f"{page.place(one.disease)}"
        )


def _unknown(audit: LinkAudit, page: _Page) -> Iterator[str]:
    yield from _heading("我们认为常见而没有一个来源提到的征象（是问题，不是错）", len(audit.unknown), page.limit)
    for one in audit.unknown[: page.limit]:
        yield (
            f"- {page.disease(one.disease)}｜{page.finding(one.finding)}：我们 {one.probability:.0%}；"
            f"知道这个病也知道这个征象而没提的：{_families(one.families)}；{page.place(one.disease, one.finding)}"
        )


def _apart(audit: LinkAudit, page: _Page) -> Iterator[str]:
    yield from _heading("与 DDXPlus 的概率相差很大", len(audit.apart), page.limit)
    for one in audit.apart[: page.limit]:
        listed = "" if one.listed else "（没有列）"
        yield (
            f"- {page.disease(*one.diseases)}｜{page.finding(one.finding)}：DDXPlus {one.theirs:.0%}，"
            f"我们 {one.ours:.0%}{listed}；{page.place(one.diseases[0], one.finding)}"
        )


def _priors(audit: PriorAudit, page: _Page) -> Iterator[str]:
    yield from _heading(f"频率：{_SOURCES[audit.source]}", len(audit.apart), page.limit)
    yield f"对上的占全部计数的 {audit.covered:.0%}，比了 {audit.compared} 组，等级相关（Spearman）{audit.spearman:.2f}。"
    yield ""
    for one in audit.apart[: page.limit]:
        more = f"我们多 {one.factor:.1f} 倍" if one.factor > 1 else f"我们少 {1 / one.factor:.1f} 倍"
        yield (
            f"- {page.disease(*one.diseases)}（{one.name}）：{more}；我们每十万就诊 {one.ours:.3g}，"
            f"计数占对上的每十万 {one.theirs:.3g}；{page.place(one.diseases[0], key='base_rate')}"
        )
    lacking = "、".join(f"{name} {count:,.0f}" for name, count in audit.lacking[:20])
    if lacking:
        yield f"\n计数里有而对不上的，最多的：{lacking}。"


def _unreached(audit: Audit, page: _Page) -> Iterator[str]:
    if audit.unreached is None:
        yield from ("", "## 没有病例排进前十的疾病", "", "没有给病例（--cases），没有查。")
        return
    yield from _heading("没有病例排进前十的疾病", len(audit.unreached), page.limit)
    yield f"看了 {audit.cases} 个调试用病例。有标准答案而从未进前十的排在前面。"
    yield ""
    for one in audit.unreached[: page.limit]:
        gold = f"，是 {one.gold} 个病例的标准答案" if one.gold else ""
        yield f"- {page.disease(one.disease)}：每十万就诊 {one.frequency:.3g}{gold}；{page.place(one.disease)}"


def _alike(audit: Audit, page: _Page) -> Iterator[str]:
    yield from _heading("几乎分不开的疾病", len(audit.alike), page.limit)
    yield (
        f"问诊和村里能查的征象双向期望证据不到 {audit.limits.evidence:g}（自然对数单位），"
        f"年龄性别重合 {audit.limits.overlap:.0%} 以上。"
    )
    yield ""
    for one in audit.alike[: page.limit]:
        levels = "；分诊级别不同" if one.levels_differ else ""
        yield (
            f"- {page.disease(one.first)}与{page.disease(one.second)}：村里 {one.here:.1f}，加上所有检查 {one.everywhere:.1f}，"
            f"年龄性别重合 {one.overlap:.0%}{levels}；{page.place(one.first)}、{page.place(one.second)}"
        )


def _unused(audit: Audit, page: _Page) -> Iterator[str]:
    yield from _heading("没有疾病和规则用到的征象", len(audit.unused), page.limit)
    for one in audit.unused[: page.limit]:
        above = f"；只代表上级 {page.finding(one.above)}" if one.above else ""
        yield f"- {page.finding(one.finding)}{above}；{page.finding_place(one.finding)}"


def _contradicted(audit: Audit, page: _Page) -> Iterator[str]:
    yield from _heading("读错的说法：示例病人里多见于没有这个征象的病", len(audit.contradicted), page.limit)
    for one in audit.contradicted[: page.limit]:
        yield (
            f"- “{one.words}”读成 {page.finding(one.finding)}：{one.texts} 段里只有 {one.fitting} 段的病有它；"
            f"例如 {page.disease(*one.diseases[:_EXAMPLES])}；{page.finding_place(one.finding)}"
        )
