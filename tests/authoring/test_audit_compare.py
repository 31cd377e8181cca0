"""The comparisons, on the small knowledge base and invented facts: ratios, links, DDXPlus, priors."""

import numpy as np
import pytest

from cunyi.authoring.audit_facts import Facts, Link, Ratio
from cunyi.authoring.audit_links import audit_links
from cunyi.authoring.audit_names import build_names
from cunyi.authoring.audit_priors import audit_priors, spearman
from cunyi.authoring.audit_profile import build_profile
from cunyi.authoring.audit_ratios import audit_ratios


@pytest.fixture
def profile(mini):
    return build_profile(mini)


@pytest.fixture
def names(mini):
    return build_names(mini, None)


def ratio(name, positive, negative, *, diagnosis="Pneumonia", complaints=("Cough",), pmid="1234567"):
    return Ratio(name, complaints, diagnosis, positive, negative, pmid, f"PMID {pmid}")


def ratios(papers, names, profile, factor=3.0):
    return audit_ratios(papers, names, profile, factor)


def test_a_ratio_is_compared_with_other_diseases_of_the_same_complaint(names, profile):
    # Half of those with pneumonia are weak, three in ten of those with a cold, who are nearly all others that cough.
    audit = ratios([ratio("Weakness", 9.0, 0.5)], names, profile)
    (found,) = audit.implausible
    assert found.compared_with_complaint and 1.5 < found.ours_positive < 1.8
    assert found.wrong == ("LR+",) and found.factor > 3 and not found.direction
    assert found.pmids == ("1234567",) and found.listed


def test_a_ratio_that_agrees_is_not_listed(names, profile):
    audit = ratios([ratio("Weakness", 1.0, 0.7)], names, profile)
    assert audit.compared == 1 and audit.implausible == []


def test_the_factor_decides_what_is_listed(names, profile):
    papers = [ratio("Weakness", 4.0, 0.6)]
    assert ratios(papers, names, profile, 3.0).implausible == []
    assert len(ratios(papers, names, profile, 2.0).implausible) == 1


def test_a_ratio_that_points_the_other_way_is_listed_whatever_the_factor(names, profile):
    (found,) = ratios([ratio("Runny nose", 2.0, 0.6)], names, profile, 100.0).implausible
    assert found.direction and found.ours_positive < 1


def test_an_infinite_ratio_of_a_study_without_control_says_only_that_it_is_high(names, profile):
    # 70 % of the patients and no control: the list writes 700, our ratio need not be that high.
    assert ratios([ratio("Crackles", 700.0, 0.3)], names, profile).implausible == []


def test_how_many_patients_have_a_finding_follows_from_both_ratios(names, profile):
    (found,) = ratios([ratio("Crackles", 10.0, 0.7)], names, profile).implausible
    low, high = found.sensitivity
    assert "敏感度" in found.wrong and 0.2 < low < high < 0.4 < found.probability


def test_ratios_that_may_both_be_one_say_nothing_of_how_many_have_it(names, profile):
    (found,) = ratios([ratio("Crackles", 2.0, 0.9)], names, profile).implausible
    assert found.sensitivity == (0.0, 1.0) and "敏感度" not in found.wrong


def test_several_papers_give_a_span(names, profile):
    audit = ratios([ratio("Weakness", 9.0, 0.5, pmid="1111111"), ratio("Weakness", 1.0, 0.7)], names, profile)
    assert audit.compared == 1 and audit.implausible == []


def test_what_does_not_map_is_counted(names, profile):
    audit = ratios([ratio("Whiff test", 2.0, 0.5), ratio("Cough", 2.0, 0.5, diagnosis="Plague")], names, profile)
    assert (audit.rows, audit.unmapped_disease, audit.unmapped_finding, audit.compared) == (2, 1, 1, 0)
    assert audit.unmapped == [("Pneumonia", "Whiff test")]


def test_a_row_that_contradicts_itself_is_not_used(names, profile):
    audit = ratios([ratio("Crackles", 5.0, 1.6)], names, profile)
    assert audit.contradictory == 1 and audit.compared == 0


def links(names, profile, *rows):
    return audit_links(
        Facts(links=[Link(family, (disease,), finding, None) for family, disease, finding in rows]), names, profile
    )


def test_a_pair_that_two_independent_sources_know_and_we_lack_is_missing(names, profile):
    audit = links(names, profile, ("cmekg", "感冒", "腹痛"), ("hkg", "common cold", "Abdominal pain"))
    (found,) = audit.missing
    assert (found.disease, found.finding, found.families) == ("common_cold", "abdominal_pain", ("cmekg", "hkg"))


@pytest.mark.parametrize(
    "rows",
    [
        [("crawl", "感冒", "腹痛"), ("crawl", "普通感冒", "肚子痛")],
        [("cmekg", "感冒", "腹痛"), ("bodhi", "common cold", "Abdominal pain")],
        [("cmekg", "感冒", "咳嗽"), ("hkg", "common cold", "cough")],
        [("cmekg", "心肌梗死", "腹痛"), ("hkg", "鼠疫", "腹痛")],
    ],
    ids=["one family", "one and one that only compares", "we have it", "of diseases we lack"],
)
def test_no_pair_is_missing_for_less(names, profile, rows):
    assert links(names, profile, *rows).missing == []


def test_a_variant_of_what_we_list_is_told_as_that(names, profile):
    audit = links(names, profile, ("cmekg", "肺炎", "压榨样胸痛"), ("hkg", "pneumonia", "Crushing chest pain"))
    (found,) = audit.missing
    assert (found.finding, found.above) == ("crushing_chest_pain", "chest_pain")


def test_a_usual_finding_that_no_source_mentions_is_a_question(names, profile):
    known = ["发热", "畏寒", "咳嗽", "乏力", "胸痛"]
    rows = [(family, "肺炎", finding) for family in ("cmekg", "crawl") for finding in known]
    rows += [(family, "感冒", "湿啰音") for family in ("cmekg", "crawl")]
    (found,) = links(names, profile, *rows).unknown
    assert (found.disease, found.finding, found.probability) == ("pneumonia", "crackles", 0.7)


def test_a_probability_of_ddxplus_far_from_ours_is_listed(mini, tmp_path, profile):
    table = tmp_path / "names.csv"
    table.write_text("wording,kind,id\nE_1,finding,fever\nE_2,finding,cough\n", encoding="utf-8")
    facts = Facts(
        probabilities={"Common cold": {"E_1": 0.9, "E_2": 0.7, "E_3": 0.9}},
        questions={"E_1": "Fever?", "E_2": "Cough?", "E_3": "Rash?"},
    )
    (found,) = audit_links(facts, build_names(mini, table), profile).apart
    assert (found.diseases, found.finding, found.theirs) == (("common_cold",), "fever", 0.9)
    assert found.ours == pytest.approx(0.25) and found.listed


def test_priors_are_compared_after_both_are_brought_to_the_same_middle(mini, tmp_path, profile):
    table = tmp_path / "names.csv"
    table.write_text(
        "wording,kind,id\nicd9:460,disease,common_cold\nicd9:486,disease,pneumonia\n"
        "icd9:410,disease,acute_myocardial_infarction\n",
        encoding="utf-8",
    )
    facts = Facts(office={"460": 12000.0, "4869": 400.0, "4109": 3000.0, "401": 500.0})
    (audit,) = audit_priors(facts, build_names(mini, table), profile)
    assert (audit.source, audit.compared, audit.lacking) == ("office", 3, [("401", 500.0)])
    assert audit.covered == pytest.approx(15400 / 15900)
    assert audit.apart[0].diseases == ("acute_myocardial_infarction",) and audit.apart[0].factor < 0.1
    assert audit.spearman == pytest.approx(0.5)


def test_notifiable_diseases_are_found_by_their_other_names(names, profile):
    facts = Facts(statutory={"非典型肺炎": 5.0, "鼠疫": 1.0}, statutory_names={"非典型肺炎": ("肺炎",)})
    (audit,) = audit_priors(facts, names, profile)
    assert audit.compared == 1 and audit.lacking == [("鼠疫", 1.0)]


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 1, 2], [5, 5, 9], 1.0),
        ([1, 2], [1, 2], 0.0),
    ],
)
def test_rank_correlation(first, second, wanted):
    assert spearman(np.array(first, dtype=float), np.array(second, dtype=float)) == pytest.approx(wanted)
