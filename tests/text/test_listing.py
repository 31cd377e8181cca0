"""Denials whose list goes on: past a verb of having, over commas with examples or with 或, over stray blanks."""

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "我没有患有高血压、糖尿病",
        "没有被诊断出有高血压或者糖尿病",
        "从来没有被告知有高血压、糖尿病",
        "他没有得过高血压、糖尿病",
        "没有糖尿病、高血压或其他慢性疾病的病史",
    ],
)
def test_a_denial_of_having_reaches_the_whole_list(statuses_in, text):
    assert statuses_in(text) == {"history_hypertension": "absent", "history_diabetes": "absent"}


def test_a_word_for_having_that_begins_a_term_is_half_of_the_denial(statuses_in):
    assert statuses_in("没有痰、发烧") == {"sputum": "absent", "fever": "absent"}


@pytest.mark.parametrize(
    "text",
    [
        "没有别的症状，比如发烧、咳嗽",
        "没发现其他毛病，例如发烧或者咳嗽",
        "没有其他不适，如发热、咳嗽",
        "没有其他症状，像发烧、咳嗽",
        "没有发热，咳嗽等症状",
        "没有胸痛，发热，咳嗽或者无力等不适",
        "没有觉得怕冷或者有发烧、咳嗽的情况",
    ],
)
def test_a_list_that_says_that_it_goes_on_is_denied(statuses_in, text):
    found = statuses_in(text)
    assert found["fever"] == found["cough"] == "absent" and set(found.values()) == {"absent"}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("没有头晕，比较咳嗽", "cough"),
        ("没有发烧，咳嗽三天", "cough"),
        ("没有发烧，咳嗽、无力三天", "cough"),
        ("没有发烧，就是咳嗽、无力等症状", "cough"),
        ("没有发烧，有时咳嗽或无力", "cough"),
        ("没有其他症状。比如咳嗽", "cough"),
    ],
)
def test_a_list_that_does_not_go_on_is_not_denied(statuses_in, text, finding):
    assert statuses_in(text)[finding] == "present"


def test_signs_that_are_worded_alike_between_two_denials_are_denied(statuses_in):
    text = "皮肤无腹股沟淋巴结肿大，淋巴结肿大，未见咽部充血"
    assert set(statuses_in(text, "physical_examination").values()) == {"absent"}
    assert statuses_in(text)["node"] == "present"


def test_a_sign_between_two_denials_that_is_worded_otherwise_is_there(statuses_in):
    assert statuses_in("无淋巴结肿大，咽部充血，无咳嗽", "physical_examination")["pharyngeal_congestion"] == "present"


@pytest.mark.parametrize("text", ["全身无 淋巴结肿大", "未触及 淋巴结肿大", "淋巴结肿大：无 咽部充血：无"])
def test_a_blank_after_a_denial_is_none(statuses_in, text):
    assert statuses_in(text, "physical_examination")["node"] == "absent"


def test_an_answer_before_a_blank_says_nothing_of_what_follows(statuses_in):
    assert statuses_in("发烧吗 无 咳嗽两天了") == {"fever": "absent", "cough": "present"}


def test_blanks_inside_a_list_do_not_end_its_denial(statuses_in):
    assert statuses_in("否认结核、肝 炎症 、 高血压、糖尿病", "past_history") == {
        "history_hypertension": "absent",
        "history_diabetes": "absent",
    }


@pytest.mark.parametrize(
    "text",
    ["咳嗽未见减轻", "咳嗽未见好转", "咳嗽无明显改善", "咳嗽也没有好转", "咳嗽并无缓解", "咳嗽未见加重"],
)
def test_what_does_not_get_better_is_there(statuses_in, text):
    assert statuses_in(text) == {"cough": "present"}


@pytest.mark.parametrize(
    "text",
    ["没有咳嗽和发烧交替", "没有发烧咳嗽轮着来", "没吃过可能导致咳嗽的东西", "无长时间咳嗽", "否认其他部位咳嗽"],
)
def test_a_denial_of_something_else_says_nothing(statuses_in, text):
    assert statuses_in(text) == {}


def test_what_alternates_is_there(statuses_in):
    assert statuses_in("咳嗽和发烧交替") == {"cough": "present", "fever": "present"}


@pytest.mark.parametrize("text", ["就像咳嗽一样", "以为是咳嗽", "像发烧似的咳嗽似的"])
def test_what_is_only_likened_or_guessed_is_possible(statuses_in, text):
    assert statuses_in(text)["cough"] == "possible"


@pytest.mark.parametrize(
    "text",
    [
        "我需要使用青霉素",
        "可以服用青霉素",
        "我会按照您的指导去用青霉素",
        "需要住院治疗，禁食，静脉输液和青霉素",
        "打算用青霉素",
    ],
)
def test_a_plan_is_no_drug_taken(statuses_in, text):
    assert statuses_in(text) == {}


def test_a_plan_says_nothing_against_symptoms_and_illnesses(statuses_in):
    assert statuses_in("打算看看咳嗽") == {"cough": "present"}
    assert statuses_in("我需要住院治疗，我有高血压，糖尿病") == {
        "history_hypertension": "present",
        "history_diabetes": "present",
    }
