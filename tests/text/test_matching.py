"""Which words are found: longest first, gap patterns, free order, small words between, pseudo-terms, context."""

import pytest

from cunyi.domain.case import Case
from cunyi.text.reader import read_case


def test_a_word_inside_a_longer_word_is_not_found(statuses_in):
    assert statuses_in("血尿酸偏高") == {}


def test_of_two_words_that_share_a_character_the_longer_or_later_is_found(statuses_in):
    assert statuses_in("没有吐血") == {"hematemesis": "absent"}


def test_a_gap_pattern_spans_a_few_words(statuses_in):
    assert statuses_in("胸口走快点就疼") == {"chest_pain": "present"}


def test_a_gap_pattern_spans_at_most_eight_characters(statuses_in):
    assert statuses_in("胸口拍了一个光片以后肚皮疼") == {}


def test_a_gap_pattern_does_not_cross_a_comma(statuses_in):
    assert statuses_in("胸口闷，头疼") == {}


def test_a_gap_pattern_does_not_cross_a_long_enumeration(statuses_in):
    assert statuses_in("胸片、血常规、腿痛") == {}


def test_a_gap_with_a_negation_inside_is_absent(statuses_in):
    assert statuses_in("胸口倒是不疼") == {"chest_pain": "absent"}


def test_pieces_in_free_order_are_found_within_a_clause(statuses_in):
    assert statuses_in("疼痛位于胸部正中")["retrosternal_pain"] == "present"


def test_two_word_classes_may_have_small_words_between(statuses_in):
    assert statuses_in("肚子也有点疼") == {"abdominal_pain": "present"}


def test_two_word_classes_with_a_denial_between_are_absent(statuses_in):
    assert statuses_in("肚子倒是不怎么疼") == {"abdominal_pain": "absent"}


def test_two_word_classes_with_other_words_between_are_no_term(statuses_in):
    assert statuses_in("肚子上长个包疼") == {}


@pytest.mark.parametrize("text", ["吃止咳药", "去了发热门诊", "止咳糖浆"])
def test_a_term_inside_a_pseudo_term_is_not_found(statuses_in, text):
    assert statuses_in(text) == {}


@pytest.mark.parametrize("text", ["无力", "吃非甾体抗炎药", "不能平卧"])
def test_a_term_may_begin_like_a_negation(statuses_in, text):
    assert set(statuses_in(text).values()) == {"present"}


def test_a_negated_term_that_begins_like_a_negation_is_absent(statuses_in):
    assert statuses_in("无不能平卧") == {"orthopnea": "absent"}


def test_a_context_term_does_not_hide_what_always_counts(statuses_in):
    assert statuses_in("肚子痛，像撕开一样") == {"abdominal_pain": "present"}


def test_a_context_term_counts_where_its_parent_stands_in_another_field(statuses_in):
    found = statuses_in("像撕开一样", chief_complaint="胸痛")
    assert found["tearing_chest_pain"] == "present"


def test_a_context_term_does_not_count_where_its_parent_is_absent(statuses_in):
    assert "tearing_chest_pain" not in statuses_in("无胸痛，腿像撕开一样")


def test_every_mention_is_given(language):
    facts = read_case(
        Case(chief_complaint="咳嗽3天", history_of_present_illness="咳嗽，无发热，夜里咳嗽"), language
    ).facts
    assert [f.finding for f in facts].count("cough") == 3


def test_a_list_member_with_its_own_part_and_complaint_ends_a_gap(statuses_in):
    assert "chest_pain" not in statuses_in("胸闷、头痛")
    assert statuses_in("胸、背痛")["chest_pain"] == statuses_in("胸闷、痛")["chest_pain"] == "present"
