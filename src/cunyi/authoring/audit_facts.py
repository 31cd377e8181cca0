"""Reads the fact files that the audit compares with: each into plain rows, none of it kept in the project."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cunyi.domain.errors import UserError

_PMID = re.compile(r"PMID:?\s*(\d{4,9})", re.IGNORECASE)
_WEIGHTED = re.compile(r"([^,()]+?)\s*\(([0-9.]+)\)")
_VARIANT = re.compile(r"\s*<.*")
_BODHI_WORDS = {"very_high": 0.8, "high": 0.6, "medium": 0.35, "low": 0.15, "rare": 0.05}
_ED_LEAST_CASES = 10
_ED_LEAST_SHARE = 0.02
_YEARS = 3
INDEPENDENT = ("cmekg", "crawl", "baidu", "ddxplus", "hkg", "symcat", "nhamcs", "bodhi")
"""Families of sources; two crawls of the same kind of site are one family, because they copy from each other."""


class Ratio(NamedTuple):
    """One published likelihood ratio: LR+ without its decimals, LR- with one, both cut off rather than rounded."""

    name: str
    complaints: tuple[str, ...]
    diagnosis: str
    positive: float
    negative: float
    pmid: str | None
    source: str


class Link(NamedTuple):
    """A source says that a disease shows a finding; `strength` is the source's own measure, 0 to 1, where it has one."""

    family: str
    disease: tuple[str, ...]
    finding: str
    strength: float | None


class Facts(msgspec.Struct):
    """Everything the audit compares with, and which files of the folder were not there."""

    ratios: list[Ratio] = []
    links: list[Link] = []
    probabilities: dict[str, dict[str, float]] = {}
    """DDXPlus: condition → evidence code → P(evidence | condition), evidence of yes or no only."""
    questions: dict[str, str] = {}
    office: dict[str, float] = {}
    emergency: dict[str, float] = {}
    statutory: dict[str, float] = {}
    """Notifiable disease → cases a year, mean of the last three years that have a number."""
    statutory_names: dict[str, tuple[str, ...]] = {}
    missing: list[str] = []


def read_facts(folder: Path) -> Facts:
    """Reads what there is in a folder. UserError for a folder without any of the files, or a file of another shape."""
    if not folder.is_dir():
        raise UserError(f"{folder} 不是文件夹；写放事实文件的文件夹", field="--facts")
    facts = Facts()
    for name, read in _READERS.items():
        path = folder / name
        if not path.is_file():
            facts.missing.append(name)
            continue
        try:
            read(path, facts)
        except (KeyError, ValueError, TypeError, IndexError, EOFError, OSError) as error:
            raise UserError(
                f"{path} 不是所说的格式（{type(error).__name__}：{error}）；请核对或从文件夹里拿走", field="--facts"
            ) from error
    if len(facts.missing) == len(_READERS):
        raise UserError(f"{folder} 里没有一个认得的事实文件（如 likelihood_ratios.csv）", field="--facts")
    return facts


def _text(path: Path) -> str:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("utf-8-sig")


def _rows(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(_text(path)), delimiter=delimiter)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in _text(path).splitlines():
        if line.strip():
            yield json.loads(line)


def _ratios(path: Path, facts: Facts) -> None:
    for row in _rows(path):
        pmid = _PMID.search(row["source"])
        facts.ratios.append(
            Ratio(
                name=row["name"].strip(),
                complaints=tuple(row[f"chiefComplaint{n}"].strip() for n in (1, 2, 3) if row[f"chiefComplaint{n}"]),
                diagnosis=row["diagnosis"].strip(),
                positive=float(row["posLR"]),
                negative=float(row["negLR"]),
                pmid=pmid[1] if pmid else None,
                source=row["source"].strip(),
            )
        )


def _ddxplus(path: Path, facts: Facts) -> None:
    facts.probabilities = json.loads(_text(path))["probabilities"]


def _ddxplus_evidence(path: Path, facts: Facts) -> None:
    facts.questions = {
        code: entry["question_en"] for code, entry in json.loads(_text(path)).items() if entry["data_type"] == "B"
    }


def _ddxplus_conditions(path: Path, facts: Facts) -> None:
    for condition, entry in json.loads(_text(path)).items():
        for code in (*entry["symptoms"], *entry["antecedents"]):
            facts.links.append(Link("ddxplus", (condition,), code, None))


def _knowledge_graph(path: Path, facts: Facts) -> None:
    rows = csv.reader(_text(path).splitlines())
    next(rows)
    for disease, symptoms in rows:
        for symptom, weight in _WEIGHTED.findall(symptoms):
            facts.links.append(Link("hkg", (disease,), symptom.strip(), float(weight)))


def _symcat(path: Path, facts: Facts) -> None:
    for symptom, disorders in json.loads(_text(path)).items():
        for disorder, share in disorders.items():
            facts.links.append(Link("symcat", (disorder,), symptom, float(share) / 100))


def _cmekg(path: Path, facts: Facts) -> None:
    for entry in _lines(path):
        symptoms = [s for key in ("常见症状", "临床症状及体征", "相关症状") for s in entry.get(key) or ()]
        names = (entry["name"], *(entry.get("别称") or ()))
        facts.links += [Link("cmekg", names, symptom, None) for symptom in dict.fromkeys(symptoms)]


def _crawled(path: Path, facts: Facts) -> None:
    for entry in _lines(path):
        facts.links += [Link("crawl", (entry["name"],), symptom, None) for symptom in entry.get("symptoms") or ()]


def _crawled_with_aliases(path: Path, facts: Facts) -> None:
    for entry in _lines(path):
        names = (entry["name"], *filter(None, re.split("[,，、]", entry.get("alias") or "")))
        facts.links += [Link("crawl", names, symptom, None) for symptom in (entry.get("symptom") or "").split()]


def _relations(path: Path, facts: Facts) -> None:
    for line in _text(path).splitlines():
        if line.strip():
            disease, symptom = line.split("\t")[:2]
            facts.links.append(Link("baidu", (disease,), symptom, None))


def _bodhi(path: Path, facts: Facts) -> None:
    conditions = {row["snomed_id"]: row["name"] for row in _rows(path.with_name("bodhi_nodes_condition.csv"))}
    symptoms = {row["uuid"]: _VARIANT.sub("", row["name"]) for row in _rows(path.with_name("bodhi_nodes_symptom.csv"))}
    for row in _rows(path):
        condition, symptom = conditions.get(row["condition_snomed_id"]), symptoms.get(row["symptom_uuid"])
        if condition and symptom:
            strength = _BODHI_WORDS.get(row["likelihood_symptom_given_condition"])
            facts.links.append(Link("bodhi", (condition,), symptom, strength))


def _emergency(path: Path, facts: Facts) -> None:
    for row in _rows(path):
        code, weight = row["DIAG1"].rstrip("-"), float(row["w"])
        facts.emergency[code] = facts.emergency.get(code, 0.0) + weight
        if float(row["n"]) >= _ED_LEAST_CASES and float(row["p_w"]) >= _ED_LEAST_SHARE:
            facts.links.append(Link("nhamcs", (f"icd10:{code}",), row["label"], float(row["p_w"])))


def _office(path: Path, facts: Facts) -> None:
    visits = path.with_name("office_visits_2011.tsv.gz")
    weights = {row["visit_id"]: float(row["weight"]) for row in _rows(visits, "\t")} if visits.is_file() else {}
    for row in _rows(path, "\t"):
        code = row["dx"].strip("- ")
        if code:
            facts.office[code] = facts.office.get(code, 0.0) + weights.get(row["visit_id"], 1.0)


def _statutory(path: Path, facts: Facts) -> None:
    years = list(_rows(path))
    for name in list(years[0])[1:] if years else ():
        counts = [float(year[name]) for year in years if year[name]]
        if counts and not name.endswith(("总计", "合计")):
            facts.statutory[name] = sum(counts[-_YEARS:]) / len(counts[-_YEARS:])


def _statutory_names(path: Path, facts: Facts) -> None:
    for row in _rows(path):
        facts.statutory_names[row["local_name"]] = tuple(filter(None, (row["aliases"] or "").split("|")))


_READERS: dict[str, Callable[[Path, Facts], None]] = {
    "likelihood_ratios.csv": _ratios,
    "ddxplus_symptom_condition_probs.json": _ddxplus,
    "ddxplus_release_evidences.json": _ddxplus_evidence,
    "ddxplus_release_conditions.json": _ddxplus_conditions,
    "health_knowledge_graph.csv": _knowledge_graph,
    "symcat_symptom_to_disorder_prob.json": _symcat,
    "cmekg.jsonl.gz": _cmekg,
    "xywy_facts.jsonl.gz": _crawled,
    "disease_aliases_departments.jsonl.gz": _crawled_with_aliases,
    "relations_respiration_all.txt": _relations,
    "relations_gynaecology_all.txt": _relations,
    "bodhi_edges_present_in.csv": _bodhi,
    "ed_complaint_to_icd10.csv": _emergency,
    "office_diagnoses_2011.tsv": _office,
    "statutory_infectious_yearly-cases.csv": _statutory,
    "statutory_infectious_names.csv": _statutory_names,
}
