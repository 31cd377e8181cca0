"""Names: one written form, no rare character lost, and what is no name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cunyi.domain.errors import UserError
from cunyi.domain.names import clean_name, has_private_use, is_chinese


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("曾小明", "曾小明"),
        ("\u3000曾小明\u3000\u3000", "曾小明"),
        ("张　三", "张三"),
        ("买买提•吐尔逊", "买买提·吐尔逊"),
        ("买买提‧吐尔逊", "买买提·吐尔逊"),
        ("买买提・吐尔逊", "买买提·吐尔逊"),
        ("买买提．吐尔逊", "买买提·吐尔逊"),
        ("买买提.吐尔逊", "买买提·吐尔逊"),
        ("买买提 · 吐尔逊", "买买提·吐尔逊"),
        ("John   Smith", "John Smith"),
        ("J. Smith Jr.", "J. Smith Jr."),
        ("O’Brien-Smith", "O'Brien-Smith"),
        ("Ｊｏｈｎ", "John"),
        ("Mu\u0308ller", "Müller"),
        ("阿Q", "阿Q"),
        ("李〇", "李〇"),
        ("㐀㐁", "㐀㐁"),
        ("王\U00020021\U000313aa", "王\U00020021\U000313aa"),
        ("王\ue863", "王\ue863"),
        ("王\U000f0000", "王\U000f0000"),
    ],
)
def test_a_name_has_one_written_form(text, name):
    assert clean_name(text) == name
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "请输入姓名"),
        ("\u3000 ", "请输入姓名"),
        ("张3", "数字"),
        ("张３", "数字"),
        ("张①", "数字"),
        ("张\x00三", "看不见的字符"),
        ("张\u200b三", "看不见的字符"),
        ("张\n三", "看不见的字符"),
        ("张三@", "“@”"),
        ("张三（大）", "“（”"),
        ("<b>", "“<”"),
        ("·张三", "间隔号"),
        ("张三·", "间隔号"),
        ("买买提··吐尔逊", "间隔号"),
        ("张" * 51, "最多 50 个字，现在是 51 个"),
    ],
)
def test_what_is_no_name_is_refused_with_the_way_out(text, words):
    with pytest.raises(UserError, match=words) as caught:
        clean_name(text)
    assert caught.value.field == "name"


def test_fifty_characters_are_enough_for_the_longest_names():
    assert len(clean_name("阿" * 50)) == 50


def test_rare_characters_of_a_card_are_kept_and_flagged():
    assert has_private_use(clean_name("王\ue863"))
    assert has_private_use("王\U00100000")
    assert not has_private_use("王\U00020021·Q")


def test_ideographs_and_private_use_are_chinese_and_letters_are_not():
    assert all(is_chinese(character) for character in "曾〇㐀\U00020021\ue863")
    assert not any(is_chinese(character) for character in ["a", "·", " ", "1", "，", "", "曾小"])


@given(st.text(max_size=60))
def test_any_text_is_a_stable_name_or_a_user_error(text):
    try:
        name = clean_name(text)
    except UserError:
        return
    assert clean_name(name) == name and name == name.strip() and 0 < len(name) <= 50
