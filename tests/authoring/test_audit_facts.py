"""The fact files: each is read into rows, a missing one is named, a spoilt one is told without a traceback."""

import gzip
import json

import pytest

from cunyi.authoring.audit_facts import read_facts
from cunyi.domain.errors import UserError

RATIOS = (
    "name,chiefComplaint1,chiefComplaint2,chiefComplaint3,diagnosis,posLR,negLR,source\n"
    "Crackles,Cough,,,Pneumonia,5.0,0.3,Imaginary J. 2001;1:1 PMID: 12345678.\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "likelihood_ratios.csv").write_text(RATIOS, encoding="utf-8")
    return tmp_path


def test_a_ratio_keeps_its_complaint_and_its_pmid(folder):
    (ratio,) = read_facts(folder).ratios
    assert (ratio.name, ratio.complaints, ratio.positive, ratio.negative) == ("Crackles", ("Cough",), 5.0, 0.3)
    assert ratio.pmid == "12345678"


def test_what_is_not_there_is_named(folder):
    missing = read_facts(folder).missing
    assert "cmekg.jsonl.gz" in missing and "likelihood_ratios.csv" not in missing


def test_each_source_of_links_is_read_with_its_family_and_strength(folder):
    (folder / "cmekg.jsonl.gz").write_bytes(
        gzip.compress(json.dumps({"name": "肺炎", "别称": ["肺部感染"], "常见症状": ["咳嗽"]}).encode())
    )
    (folder / "health_knowledge_graph.csv").write_bytes(
        b'Diseases,Symptoms\rpneumonia,"coughing (0.620), chest pain (0.1)"\r'
    )
    (folder / "symcat_symptom_to_disorder_prob.json").write_text('{"Cough": {"Pneumonia": "18"}}', encoding="utf-8")
    (folder / "relations_respiration_all.txt").write_text("肺炎\t湿啰音\tSign\n", encoding="utf-8")
    (folder / "disease_aliases_departments.jsonl.gz").write_bytes(
        gzip.compress(json.dumps({"name": "肺炎", "alias": "肺部发炎，肺感染", "symptom": "咳嗽 发热"}).encode())
    )
    links = {(link.family, link.disease, link.finding, link.strength) for link in read_facts(folder).links}
    assert links == {
        ("cmekg", ("肺炎", "肺部感染"), "咳嗽", None),
        ("hkg", ("pneumonia",), "coughing", 0.62),
        ("hkg", ("pneumonia",), "chest pain", 0.1),
        ("symcat", ("Pneumonia",), "Cough", 0.18),
        ("baidu", ("肺炎",), "湿啰音", None),
        ("crawl", ("肺炎", "肺部发炎", "肺感染"), "咳嗽", None),
        ("crawl", ("肺炎", "肺部发炎", "肺感染"), "发热", None),
    }


def test_office_visits_count_by_weight(folder):
    (folder / "office_diagnoses_2011.tsv").write_text("visit_id\tdx_number\tdx\n1\t1\t486--\n2\t1\t486--\n", "utf-8")
    (folder / "office_visits_2011.tsv.gz").write_bytes(gzip.compress(b"visit_id\tweight\n1\t10\n2\t30\n"))
    assert read_facts(folder).office == {"486": 40.0}


def test_statutory_counts_are_the_mean_of_the_last_three_years_with_a_number(folder):
    (folder / "statutory_infectious_yearly-cases.csv").write_text(
        "年份,甲乙类传染病合计,麻疹\n2019,9,1000\n2020,9,30\n2021,9,\n2022,9,20\n2023,9,10\n", encoding="utf-8"
    )
    assert read_facts(folder).statutory == {"麻疹": 20.0}


def test_a_file_of_another_shape_is_told(folder):
    (folder / "likelihood_ratios.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError) as told:
        read_facts(folder)
    assert "likelihood_ratios.csv" in told.value.message and told.value.field == "--facts"


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_facts_is_told(tmp_path, there):
    folder = tmp_path / "facts"
    if there:
        folder.mkdir()
    with pytest.raises(UserError) as told:
        read_facts(folder)
    assert told.value.field == "--facts"
