"""What sources call things: names, English spellings, wordings the text reader knows, and the table for the rest."""

import pytest
from tests.real_knowledge import real_knowledge

from cunyi.authoring.audit_names import Wanted, build_names
from cunyi.domain.errors import UserError


@pytest.fixture
def names(mini, tmp_path):
    table = tmp_path / "names.csv"
    table.write_text(
        "wording,kind,id\n"
        "Pneumonia/Rales,finding,crackles\n"
        "No Cough,finding,!cough\n"
        "Gout,disease,\n"
        "Chest infection,disease,pneumonia common_cold\n"
        "icd9:486,disease,pneumonia\n",
        encoding="utf-8",
    )
    return build_names(mini, table)


@pytest.mark.parametrize(
    ("wording", "wanted"),
    [
        ("肺炎", ("pneumonia",)),
        ("社区获得性肺炎", ("pneumonia",)),
        ("pneumonia", ("pneumonia",)),
        ("Myocardial Infarction", ("acute_myocardial_infarction",)),
        ("Common colds", ("common_cold",)),
        ("chest infection", ("pneumonia", "common_cold")),
        ("Gout", ()),
        ("Plague", ()),
    ],
)
def test_a_disease_is_found_by_any_of_its_names(names, wording, wanted):
    assert names.disease(wording) == wanted


def test_the_first_wording_that_is_known_wins(names):
    assert names.disease("鼠疫", "感冒") == ("common_cold",)


@pytest.mark.parametrize(
    ("wording", "scope", "wanted"),
    [
        ("Cough", "", Wanted(("cough",))),
        ("Pain in chest", "", Wanted(("chest_pain",))),
        ("胸口疼", "", Wanted(("chest_pain",))),
        ("无力", "", Wanted(("weakness",))),
        ("无发热", "", None),
        ("Rales", "", None),
        ("Rales", "Pneumonia", Wanted(("crackles",))),
        ("No cough", "", Wanted(("cough",), absent=True)),
    ],
)
def test_a_finding_is_found_by_name_reader_or_table(names, wording, scope, wanted):
    assert names.finding(wording, scope) == wanted


def test_codes_by_their_longest_known_beginning_and_by_category(names):
    assert names.coded("icd9", "4869") == ("pneumonia",)
    assert names.coded("icd9", "4019") == ()
    assert names.icd10_disease("J189") == ("pneumonia",)
    assert names.icd10_disease("J181") == ("pneumonia",), "J18.9 stands for its category"
    assert names.icd10_disease("K359") == ()


def test_a_table_that_names_what_we_do_not_have_is_told(mini, tmp_path):
    table = tmp_path / "names.csv"
    table.write_text("wording,kind,id\nRales,finding,rattling\n", encoding="utf-8")
    with pytest.raises(UserError) as told:
        build_names(mini, table)
    assert "rattling" in told.value.message and "第 2 行" in told.value.message


def test_the_table_of_the_project_fits_its_knowledge(knowledge_root):
    knowledge = real_knowledge()
    assert build_names(knowledge, knowledge_root / "audit_names.csv").disease("heart attack") == (
        "acute_myocardial_infarction",
    )
