"""Passwords and PINs: what is refused and why, and hashes that only the right secret fits."""

import msgspec
import pytest
from argon2.exceptions import InvalidHashError

from cunyi.domain.errors import UserError
from cunyi.store.passwords import Cost, check_password, check_pin, hash_secret, needs_rehash, verify_secret

CHEAP = Cost(time_cost=1, memory_kib=64)


def refusal(check, *arguments, **options):
    with pytest.raises(UserError) as caught:
        check(*arguments, **options)
    return caught.value


def test_only_the_right_secret_fits_its_hash():
    hashed = hash_secret("山路 mountain 9", CHEAP)
    assert hashed.startswith("$argon2id$")
    assert verify_secret(hashed, "山路 mountain 9")
    assert not verify_secret(hashed, "山路 mountain 8")
    assert not verify_secret(hashed, "")
    assert "mountain" not in hashed


def test_two_hashes_of_one_secret_differ():
    assert hash_secret("mountain-road", CHEAP) != hash_secret("mountain-road", CHEAP)


def test_a_secret_is_the_same_in_full_width_and_decomposed():
    assert verify_secret(hash_secret("mountain12", CHEAP), "ｍｏｕｎｔａｉｎ１２")
    assert verify_secret(hash_secret("caf\u00e9-road", CHEAP), "cafe\u0301-road")


def test_half_a_surrogate_pair_is_a_wrong_secret_and_no_crash():
    assert not verify_secret(hash_secret("mountain-road", CHEAP), "mountain-road\ud83d")


def test_what_is_no_hash_is_a_defect_and_not_a_wrong_password():
    with pytest.raises(InvalidHashError):
        verify_secret("mountain-road", "mountain-road")


def test_a_hash_of_another_cost_is_to_be_made_again():
    hashed = hash_secret("mountain-road", CHEAP)
    assert not needs_rehash(hashed, CHEAP)
    assert needs_rehash(hashed, Cost(time_cost=2, memory_kib=64))
    assert needs_rehash(hashed, Cost(time_cost=1, memory_kib=128))


def test_the_ordinary_cost():
    assert msgspec.structs.astuple(Cost()) == (3, 65_536, 1)


def test_a_cost_that_cannot_be_computed_is_refused():
    with pytest.raises(ValueError):
        Cost(memory_kib=16, parallelism=4)
    for wrong in (b'{"time_cost":0}', b'{"memory_kib":999999999}', b'{"parallelism":0}', b'{"parallelism":65}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=Cost)


@pytest.mark.parametrize(
    "password", ["mountain-road-9", "青山绿水好人家呀", "xk29 vq7", "correct horse", "Ｍountain九号路"]
)
def test_passwords_that_may_be_chosen(password):
    check_password(password, login="li")


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("", "至少要 8 个字符"),
        ("short-7", "现在是 7 个"),
        ("山路山路山路", "现在是 6 个"),
        ("12345678", "太常见"),
        ("１２３４５６７８", "太常见"),
        ("88888888", "太常见"),
        ("password", "太常见"),
        ("PassWord", "太常见"),
        ("ｐａｓｓｗｏｒｄ", "太常见"),
        ("呀呀呀呀呀呀呀呀", "太常见"),
        ("        ", "太常见"),
        ("li-jianguo", "用户名"),
        ("LI-Jianguo", "用户名"),
        ("ｌｉ-jianguo", "用户名"),
        (" li-jianguo ", "用户名"),
    ],
)
def test_passwords_that_are_refused_with_the_way_out(password, word):
    error = refusal(check_password, password, login="Li-Jianguo")
    assert error.field == "password"
    assert word in error.message
    assert "请" in error.message
    assert not password.strip() or password not in error.message


@pytest.mark.parametrize("pin", ["2580", "1357", "90210", "13572468", "1123", "1243", "２５８０"])
def test_pins_that_may_be_chosen(pin):
    check_pin(pin)


@pytest.mark.parametrize(
    ("pin", "word"),
    [
        ("", "4 到 8 位"),
        ("258", "4 到 8 位"),
        ("135724680", "4 到 8 位"),
        ("25a0", "4 到 8 位"),
        ("25 0", "4 到 8 位"),
        ("٢٥٨٠", "4 到 8 位"),
        ("-258", "4 到 8 位"),
        ("0000", "同一个数字"),
        ("77777777", "同一个数字"),
        ("１１１１", "同一个数字"),
        ("1234", "连续"),
        ("23456789", "连续"),
        ("8765", "连续"),
        ("7890", "连续"),
        ("0987", "连续"),
    ],
)
def test_pins_that_are_refused_with_the_way_out(pin, word):
    error = refusal(check_pin, pin)
    assert error.field == "pin"
    assert word in error.message
    assert "请" in error.message
