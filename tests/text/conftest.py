"""A lexicon of a dozen findings over the real language tables: what the text room is tested on."""

import csv
from pathlib import Path

import pytest

from cunyi.authoring.language import compile_language
from cunyi.domain.case import Case
from cunyi.text.reader import Language, read_case

TABLES = Path(__file__).parents[2] / "knowledge" / "language"

FINDINGS = [
    {"id": "abdominal_pain", "name": "腹痛", "kind": "symptom", "terms": ["<肚><痛>"]},
    {"id": "chest_pain", "name": "胸痛", "kind": "symptom", "terms": ["<胸><痛>", "<胸>…<痛>"]},
    {
        "id": "tearing_chest_pain",
        "name": "撕裂样胸痛",
        "kind": "symptom",
        "parent": ["chest_pain"],
        "in_context": ["像撕开一样"],
    },
    {
        "id": "retrosternal_pain",
        "name": "胸骨后疼痛",
        "kind": "symptom",
        "parent": ["chest_pain"],
        "terms": ["<痛>&胸部正中"],
    },
    {"id": "cough", "name": "咳嗽", "kind": "symptom", "terms": ["咳"]},
    {"id": "sputum", "name": "咳痰", "kind": "symptom", "terms": ["有痰"]},
    {"id": "hemoptysis", "name": "咯血", "kind": "symptom", "terms": ["咳血"]},
    {"id": "hematuria", "name": "血尿", "kind": "symptom"},
    {"id": "hematemesis", "name": "呕血", "kind": "symptom", "terms": ["吐血"]},
    {"id": "vomiting", "name": "呕吐", "kind": "symptom", "terms": ["有吐"]},
    {"id": "fever", "name": "发热", "kind": "symptom", "terms": ["发烧"], "absent_terms": ["体温正常"]},
    {"id": "dyspnea", "name": "呼吸困难", "kind": "symptom", "terms": ["气紧"]},
    {"id": "orthopnea", "name": "端坐呼吸", "kind": "symptom", "terms": ["不能平卧"]},
    {"id": "weakness", "name": "无力", "kind": "symptom"},
    {"id": "pharyngeal_congestion", "name": "咽部充血", "kind": "sign", "terms": ["咽红"]},
    {"id": "node", "name": "淋巴结肿大", "kind": "sign", "absent_terms": ["淋巴结不大"]},
    {"id": "groin_node", "name": "腹股沟淋巴结肿大", "kind": "sign", "terms": ["腹股沟淋巴结"]},
    {"id": "meningism", "name": "脑膜刺激征", "kind": "sign"},
    {"id": "history_hypertension", "name": "高血压病史", "kind": "history", "terms": ["高血压"]},
    {"id": "history_diabetes", "name": "糖尿病病史", "kind": "history", "terms": ["糖尿病"]},
    {"id": "history_stroke", "name": "脑卒中病史", "kind": "history", "terms": ["脑梗死病史"]},
    {"id": "dry_cough", "name": "干咳", "kind": "symptom", "parent": ["cough"], "in_context": ["没痰"]},
    {"id": "history_drug_allergy", "name": "药物过敏史", "kind": "history", "terms": ["青霉素过敏"]},
    {"id": "family_history_hypertension", "name": "高血压家族史", "kind": "history", "terms": ["<家属>…高血压"]},
    {"id": "penicillin_use", "name": "用青霉素", "kind": "drug", "terms": ["青霉素"]},
    {"id": "nsaid_use", "name": "用非甾体抗炎药", "kind": "drug", "terms": ["非甾体抗炎药"]},
    {"id": "smoking", "name": "吸烟", "kind": "exposure", "terms": ["抽烟"]},
]
ITEMS = [
    {"id": "temperature_c", "name": "体温", "names": ["T"], "unit": "℃", "possible": {"from": 25, "below": 45}},
    {
        "id": "pulse_bpm",
        "name": "脉搏",
        "names": ["P", "心率"],
        "unit": "次/分",
        "units": {"次": 1},
        "possible": {"from": 15, "below": 350},
    },
    {"id": "respiratory_rate_bpm", "name": "呼吸频率", "names": ["R", "呼吸"], "unit": "次/分", "units": {"次": 1}},
    {
        "id": "systolic_mmhg",
        "name": "收缩压",
        "names": ["高压"],
        "unit": "mmHg",
        "possible": {"from": 30, "below": 300},
    },
    {
        "id": "diastolic_mmhg",
        "name": "舒张压",
        "names": ["低压"],
        "unit": "mmHg",
        "possible": {"from": 10, "below": 200},
    },
    {"id": "spo2_pct", "name": "血氧饱和度", "names": ["SpO2"], "unit": "%", "possible": {"from": 30, "below": 101}},
    {"id": "weight_kg", "name": "体重", "unit": "kg", "possible": {"from": 0.3, "below": 350}},
    {"id": "glucose_mmol_l", "name": "血糖", "names": ["空腹血糖"], "unit": "mmol/L", "units": {"mg/dL": 0.0555}},
    {
        "id": "white_blood_cells",
        "name": "白细胞",
        "names": ["WBC"],
        "unit": "10^9/L",
        "units": {"/μL": 0.001},
        "possible": {"from": 0.05, "below": 500},
    },
    {
        "id": "neutrophil_pct",
        "name": "中性粒细胞百分比",
        "unit": "%",
        "units": {"fraction": 100},
        "possible": {"from": 0, "below": 100.1},
    },
    {"id": "creatinine", "name": "肌酐", "names": ["Cr"], "unit": "μmol/L", "units": {"mg/dL": 88.4}},
    {"id": "urine_protein", "name": "尿蛋白", "scale": ["-", "±", "1+", "2+", "3+", "4+"]},
]
CLASSES = {
    "胸": ["胸", "胸口", "心口"],
    "肚": ["腹", "肚子"],
    "痛": ["痛", "疼", "疼痛"],
    "家属": ["父亲", "母亲", "哥哥"],
}


@pytest.fixture(scope="session")
def tables():
    found = {}
    for path in sorted(TABLES.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as lines:
            found[path.stem] = [dict(row) for row in csv.DictReader(lines)]
    return found


@pytest.fixture(scope="session")
def language(tables):
    return Language.from_compiled(compile_language(FINDINGS, ITEMS, CLASSES, tables))


@pytest.fixture(scope="session")
def facts_in(language):
    """Facts of one field by finding; of several mentions the first."""

    def read(text, field="history_of_present_illness", **case):
        found = {}
        for fact in read_case(Case(**{field: text}, **case), language).facts:
            found.setdefault(fact.finding, fact)
        return found

    return read


@pytest.fixture(scope="session")
def statuses_in(facts_in):
    """Statuses of one field by finding."""

    def read(text, field="history_of_present_illness", **case):
        return {finding: fact.status.value for finding, fact in facts_in(text, field, **case).items()}

    return read


@pytest.fixture(scope="session")
def readings_in(language):
    def read(text, field="history_of_present_illness"):
        return read_case(Case(**{field: text}), language).readings

    return read
