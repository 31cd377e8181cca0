"""The 256 bytes of the four sorts of identity cards."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cunyi.devices.drivers.id_card.layouts import read_card_text, read_latest_address
from cunyi.devices.simulation.card_text import encode_address, encode_card
from cunyi.domain.case import Sex
from cunyi.domain.ethnic_groups import ETHNIC_GROUPS, ethnic_group, same_ethnic_group
from cunyi.domain.identity import IdentifierKind, check_digit
from cunyi.domain.measurement import IdentityCard

RESIDENT = IdentityCard(
    kind=IdentifierKind.RESIDENT_ID,
    number="11010519491231002X",
    name="𠀋\ue863玥",
    sex=Sex.FEMALE,
    birth_on=date(1949, 12, 31),
    ethnic_group="土家族",
    address="一" * 35,
    issuer="于都县公安局",
    valid_from=date(2016, 5, 1),
    valid_until=None,
)
FROM_HONG_KONG = msgspec.structs.replace(
    RESIDENT,
    kind=IdentifierKind.HKMT_RESIDENCE,
    number="81000019900307" + "001" + check_digit("81000019900307001"),
    name="陳大文",
    birth_on=date(1990, 3, 7),
    ethnic_group="",
    permit_number="H12345678",
    valid_until=date(2029, 2, 28),
)
FOREIGN_2017 = IdentityCard(
    kind=IdentifierKind.FOREIGN_PERMANENT,
    number="CAN110081061501",
    name="玛丽",
    name_en="SMITH, MARY ELIZABETH ALEXANDRA",
    sex=Sex.FEMALE,
    birth_on=date(1981, 6, 15),
    nationality="CAN",
    issuer="1500",
    valid_from=date(2018, 1, 1),
    valid_until=date(2028, 1, 1),
)
FOREIGN_2023 = IdentityCard(
    kind=IdentifierKind.FOREIGN_PERMANENT,
    number="911124198106150" + "30" + check_digit("91112419810615030"),
    name="BARTHOLOMEW MAXIMILIAN CHRISTOPHERSON-WU",
    name_en="BARTHOLOMEW MAXIMILIAN CHRISTOPHERSON-WU",
    sex=Sex.MALE,
    birth_on=date(1981, 6, 15),
    nationality="GBR",
    valid_from=date(2023, 12, 1),
    valid_until=date(2033, 12, 1),
)


@pytest.mark.parametrize("card", [RESIDENT, FROM_HONG_KONG, FOREIGN_2017, FOREIGN_2023])
def test_every_layout_comes_back_as_it_was_written(card: IdentityCard) -> None:
    text = encode_card(card)
    assert len(text) == 256
    assert read_card_text(text) == card
    assert card.name not in repr(read_card_text(text))
    assert card.number not in repr(read_card_text(text))


def test_the_fields_stand_where_the_standard_has_them() -> None:
    text = encode_card(RESIDENT)
    assert text[30:36].decode("utf-16-le") == "215"
    assert text[36:52].decode("utf-16-le") == "19491231"
    assert text[122:158].decode("utf-16-le") == "11010519491231002X"
    assert text[204:220].decode("utf-16-le") == "长期      "
    permit = encode_card(FROM_HONG_KONG)
    assert permit[220:238].decode("utf-16-le") == "H12345678"
    assert permit[248:250] == b"J\0"
    old = encode_card(FOREIGN_2017)
    assert old[120:152].decode("utf-16-le") == "2CAN110081061501"
    assert old[152:158].decode("utf-16-le") == "CAN"
    assert (old[220:236].decode("utf-16-le"), old[240:250].decode("utf-16-le")) == ("19810615", "1500I")
    new = encode_card(FOREIGN_2023)
    assert new[52:122].decode("utf-16-le") + new[220:242].decode("utf-16-le").rstrip() == FOREIGN_2023.name_en
    assert (new[242:248].decode("utf-16-le"), new[248:250]) == ("GBR", b"Y\0")


def put(text: bytes, at: int, words: str) -> bytes:
    """The text with a field written over."""
    written = words.encode("utf-16-le", errors="surrogatepass")
    return text[:at] + written + text[at + len(written) :]


def test_padding_and_characters_that_no_card_prints_go_and_rare_ones_stay() -> None:
    blank = put(encode_card(RESIDENT), 0, " " * 15)
    for written, read in (
        ("张三\u3000\u3000", "张三"),
        ("张三\0\0\0", "张三"),
        ("\u200b张\u0007三\u202e\ufeff", "张三"),
        ("\uffff张三\ufdd0", "张三"),
        ("买买提·吐尔逊", "买买提·吐尔逊"),
        ("𠀋\ue863㐀\uf8ff", "𠀋\ue863㐀\uf8ff"),
        ("张\ud840", "张\ufffd"),
    ):
        card = read_card_text(put(blank, 0, written))
        assert card is not None
        assert card.name == read


@pytest.mark.parametrize(("code", "sex"), [("1", Sex.MALE), ("2", Sex.FEMALE), ("9", None), ("0", None), ("男", None)])
def test_a_sex_that_is_not_told_is_not_guessed(code: str, sex: Sex | None) -> None:
    card = read_card_text(put(encode_card(RESIDENT), 30, code))
    assert card is not None
    assert card.sex is sex


@pytest.mark.parametrize("flag", ["Z", "j", "0", "\0", "\u3000"])
def test_an_unknown_layout_is_no_card(flag: str) -> None:
    assert read_card_text(put(encode_card(RESIDENT), 248, flag)) is None


def test_a_card_without_name_or_number_is_no_card() -> None:
    text = encode_card(RESIDENT)
    assert read_card_text(put(text, 0, " " * 15)) is None
    assert read_card_text(put(text, 122, " " * 18)) is None
    assert read_card_text(text[:-1]) is None
    assert read_card_text(text + b"\0\0") is None


def test_an_end_that_cannot_be_read_is_not_taken_for_ever() -> None:
    for words in ("        ", "20261301", "永久      "):
        card = read_card_text(put(encode_card(RESIDENT), 204, words))
        assert card is not None
        assert (card.valid_from, card.valid_until) == (None, None)


@pytest.mark.parametrize("words", ["19490230", "1949 231", "１９４９１２３１", "        "])
def test_a_birth_date_that_is_none_is_none(words: str) -> None:
    card = read_card_text(put(encode_card(RESIDENT), 36, words))
    assert card is not None
    assert card.birth_on is None


def test_the_ethnic_groups() -> None:
    assert len(ETHNIC_GROUPS) == 58
    assert [ethnic_group(code) for code in ("01", "11", "15", "22", "56")] == [
        "汉族",
        "满族",
        "土家族",
        "畲族",
        "基诺族",
    ]
    assert [ethnic_group(code) for code in ("97", "98")] == ["其他", "外国血统中国籍人士"]
    assert [ethnic_group(code) for code in ("", "00", "57", "1", "99", "汉")] == [""] * 6
    assert same_ethnic_group("汉", "汉族")
    assert not same_ethnic_group("汉族", "回族")


def test_a_later_address() -> None:
    assert read_latest_address(encode_address("江西省于都县上坪村1号")) == "江西省于都县上坪村1号"
    assert read_latest_address(b"") == ""
    assert read_latest_address(" ".encode("utf-16-le") * 35) == ""
    assert read_latest_address(b"\x00") == ""


NAMES = st.text(st.characters(categories=["Lo", "Co"], max_codepoint=0x323AF), min_size=1, max_size=7)


@given(NAMES, st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.sampled_from(sorted(ETHNIC_GROUPS.values())))
def test_any_name_date_and_group_comes_back(name: str, born: date, group: str) -> None:
    card = msgspec.structs.replace(RESIDENT, name=name, birth_on=born, ethnic_group=group)
    assert read_card_text(encode_card(card)) == card


@given(st.binary(min_size=256, max_size=256), st.sampled_from(["", " ", "J", "I", "Y"]))
def test_no_256_bytes_raise(data: bytes, flag: str) -> None:
    card = read_card_text(put(data, 248, flag))
    if card is not None:
        words = (card.name, card.number, card.address, card.issuer, card.name_en, card.nationality, card.permit_number)
        assert not any(ord(c) < 0x20 for word in words for c in word)


def test_what_has_no_chip_or_does_not_fit_is_not_simulated() -> None:
    with pytest.raises(ValueError, match="no card"):
        encode_card(msgspec.structs.replace(RESIDENT, kind=IdentifierKind.PASSPORT))
    with pytest.raises(ValueError, match="too short"):
        encode_card(msgspec.structs.replace(RESIDENT, name="张" * 16))
