"""Document numbers: what they say, what is refused, and that a mistyped one never passes."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.identity import (
    Identifier,
    IdentifierKind,
    canonical,
    check_digit,
    mask,
    read_identifier,
    upgraded,
)

TODAY = date(2026, 3, 1)
VALID = "360731198506154025"
WITH_X = "11010519491231002X"
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def refusal(text, kind=None):
    with pytest.raises(UserError) as caught:
        read_identifier(text, kind, today=TODAY)
    assert caught.value.field == "identifier"
    return caught.value.message


@st.composite
def resident_numbers(draw):
    born = draw(st.dates(date(1900, 1, 1), TODAY))
    place = draw(st.sampled_from(["110105", "360731", "440304", "659001"]))
    first17 = f"{place}{born:%Y%m%d}{draw(st.integers(0, 999)):03}"
    return first17 + check_digit(first17)


def test_a_resident_number_tells_birth_sex_and_county():
    facts = read_identifier(VALID, today=TODAY)
    assert facts.kind is IdentifierKind.RESIDENT_ID
    assert (facts.value, facts.birth_on, facts.sex) == (VALID, date(1985, 6, 15), Sex.FEMALE)
    assert (facts.county, facts.legacy) == ("360731", False)


@pytest.mark.parametrize("sign", ["X", "x", "Ⅹ", "ⅹ", "Ｘ", "ｘ", "×"])
def test_every_way_of_writing_the_check_digit_ten_is_read(sign):
    assert read_identifier(WITH_X[:-1] + sign, today=TODAY).value == WITH_X


def test_blanks_dashes_and_width_do_not_matter():
    assert canonical("\u3000１１０105-1949 1231\t002ｘ\u200b") == WITH_X


@given(resident_numbers())
def test_every_number_with_the_right_check_digit_is_accepted_in_every_writing(number):
    facts = read_identifier(number, today=TODAY)
    spaced = f" {number[:6]} {number[6:14]}\u3000{number[14:]} "
    assert read_identifier(spaced, today=TODAY) == facts
    assert read_identifier(number.translate(FULL_WIDTH), today=TODAY) == facts
    assert (facts.sex is Sex.MALE) == (number[16] in "13579")


@given(resident_numbers(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_digit_is_always_refused(number, position, digit):
    assume(number[position] != digit)
    refusal(number[:position] + digit + number[position + 1 :])


@given(resident_numbers(), st.integers(0, 16))
def test_two_neighbouring_digits_swapped_are_always_refused(number, position):
    first, second = number[position : position + 2]
    assume(first != second)
    refusal(number[:position] + second + first + number[position + 2 :])


@given(resident_numbers(), st.integers(14, 16), st.integers(1, 9))
def test_a_wrong_number_is_refused_without_repeating_it_or_telling_what_would_fit(number, position, step):
    wrong = number[:position] + str((int(number[position]) + step) % 10) + number[position + 1 :]
    message = refusal(wrong)
    assert "第 18 位" in message and "请对照证件再输一遍" in message
    assert wrong[6:] not in message
    assert {character for character in message if character in "0123456789X"} == set("178")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "请输入证件号码"),
        (" - ", "请输入证件号码"),
        (VALID[:-2], "少了 2 位"),
        (VALID + "1", "多了 1 位"),
        ("36073110110100025", "健康档案编码"),
        ("36O731198506154025", "第 3 位应为数字"),
        ("36073119850615402I", "第 18 位应为数字（最后一位可以是 X）"),
        ("3607311985061X4025", "第 14 位应为数字"),
        ("360731198502304025", "没有这一天"),
        ("360731189906154025", "早于 1900 年"),
        ("360731202603024025", "晚于今天"),
        ("160731198506154025", "前 2 位"),
        ("村医", "先选证件种类"),
        ("٣٦٠٧٣١١٩٨٥٠٦١٥٤٠٢٥", "第 1 位应为数字"),
    ],
)
def test_a_refusal_says_what_is_wrong(text, words):
    assert words in refusal(text)


def test_somebody_born_today_is_accepted_and_tomorrow_is_not():
    first17 = "36073120260301002"
    number = first17 + check_digit(first17)
    assert read_identifier(number, today=TODAY).birth_on == TODAY
    with pytest.raises(UserError, match="晚于今天"):
        read_identifier(number, today=date(2026, 2, 28))


def test_a_legacy_number_is_kept_as_printed_and_finds_the_same_person():
    facts = read_identifier("110105491231002", today=TODAY)
    assert (facts.value, facts.legacy, facts.birth_on) == ("110105491231002", True, date(1949, 12, 31))
    assert upgraded(facts.value) == WITH_X
    modern = read_identifier(WITH_X, today=TODAY)
    assert (modern.birth_on, modern.sex, modern.county) == (facts.birth_on, facts.sex, facts.county)
    assert "第 15 位应为数字" in refusal("11010549123100X")
    with pytest.raises(ValueError, match="15 digits"):
        upgraded(WITH_X)


@pytest.mark.parametrize(
    ("text", "kind", "born"),
    [
        ("911124198108030024", IdentifierKind.FOREIGN_PERMANENT, date(1981, 8, 3)),
        ("usa 110081030 024", IdentifierKind.FOREIGN_PERMANENT, None),
        ("H12345678", IdentifierKind.HK_MACAO_PERMIT, None),
        ("m1234567801", IdentifierKind.HK_MACAO_PERMIT, None),
        ("12345678", IdentifierKind.TAIWAN_PERMIT, None),
        ("0123456789（B）", IdentifierKind.TAIWAN_PERMIT, None),
        ("E12345678", IdentifierKind.PASSPORT, None),
        ("EA1234567", IdentifierKind.PASSPORT, None),
        ("T360123456", IdentifierKind.BIRTH_CERTIFICATE, None),
    ],
)
def test_the_kind_is_recognised_from_the_shape(text, kind, born):
    facts = read_identifier(text, today=TODAY)
    assert (facts.kind, facts.birth_on, facts.county) == (kind, born, None)
    assert read_identifier(text, kind, today=TODAY) == facts


@pytest.mark.parametrize("prefix", ["810000", "820000", "830000"])
def test_a_residence_permit_is_checked_like_a_resident_number_and_names_no_county(prefix):
    first17 = prefix + "19900101001"
    number = first17 + check_digit(first17)
    facts = read_identifier(number, today=TODAY)
    assert (facts.kind, facts.sex, facts.county) == (IdentifierKind.HKMT_RESIDENCE, Sex.MALE, None)
    assert "改选证件种类" in refusal(number, IdentifierKind.RESIDENT_ID)
    assert "改选证件种类" in refusal(VALID, IdentifierKind.HKMT_RESIDENCE)


def test_a_chosen_kind_decides_what_a_number_may_look_like():
    assert read_identifier("123456789", IdentifierKind.PASSPORT, today=TODAY).kind is IdentifierKind.PASSPORT
    assert read_identifier("军字第0012345号", IdentifierKind.OTHER, today=TODAY).value == "军字第0012345号"
    assert "H 或 M" in refusal("A12345678", IdentifierKind.HK_MACAO_PERMIT)
    assert "出生医学证明" in refusal("36012345", IdentifierKind.BIRTH_CERTIFICATE)
    assert "1 到 40" in refusal("证" * 41, IdentifierKind.OTHER)


def test_a_masked_number_shows_its_ends_only():
    assert mask(VALID) == "3607***********025"
    assert mask("110105491231002") == "1101********002"
    assert mask("E12345678") == "E1*****78"
    assert mask("12345") == "1***5"
    assert mask("123") == "***"
    assert mask("") == ""


def test_no_repr_shows_a_number():
    identifier = Identifier(kind=IdentifierKind.RESIDENT_ID, value=VALID)
    for shown in (repr(identifier), str(identifier), repr(read_identifier(VALID, today=TODAY))):
        assert "19850615" not in shown and "3607***********025" in shown
