"""Passwords and PINs: which may be chosen, and the hashes that stand in for them (Argon2id)."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Annotated

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from cunyi.domain.errors import UserError

_SHORTEST_PASSWORD = 8
_SHORTEST_PIN, _LONGEST_PIN = 4, 8
# Argon2 asks for so much memory for each lane.
_KIB_A_LANE = 8
# What is tried first. Shorter ones and repetitions of one character are refused by rules of their own.
_COMMONEST = frozenset({
    "12345678", "123456789", "1234567890", "0123456789", "87654321", "987654321", "0987654321", "11223344",
    "12341234", "12344321", "11112222", "123123123", "147258369", "password", "password1", "password123",
    "passw0rd", "p@ssw0rd", "qwertyui", "qwertyuiop", "qwerty123", "asdfghjkl", "1q2w3e4r", "1qaz2wsx",
    "1234qwer", "qwer1234", "abcd1234", "1234abcd", "abc12345", "abc123456", "abcdefgh", "a1234567",
    "a12345678", "a123456789", "aa123456", "aa12345678", "q1234567", "iloveyou", "woaini1314", "woaini520",
    "woaini123", "5201314520", "admin123", "admin1234", "admin888", "administrator",
})  # fmt: skip


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one guess costs (口令推导代价), for whoever steals a hash and for us: passes, memory in KiB, lanes.

    The bounds keep a damaged number in a file from taking the whole machine. ValueError for less memory than the lanes need.
    """

    time_cost: Annotated[int, msgspec.Meta(ge=1, le=64)] = 3
    memory_kib: Annotated[int, msgspec.Meta(ge=_KIB_A_LANE, le=4_194_304)] = 65_536
    parallelism: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1

    def __post_init__(self) -> None:
        """Refuses what Argon2 cannot compute."""
        if self.memory_kib < _KIB_A_LANE * self.parallelism:
            raise ValueError(f"each lane needs {_KIB_A_LANE} KiB")


def secret_bytes(secret: str) -> bytes:
    """A password, passphrase or PIN as it is hashed: the same bytes from every keyboard and input method (NFKC)."""
    # A form can send half a surrogate pair: a wrong password, not a defect.
    return unicodedata.normalize("NFKC", secret).encode("utf-8", "surrogatepass")


def hash_secret(secret: str, cost: Cost) -> str:
    """The hash that stands in for a password or PIN, with its cost and a salt of its own."""
    return _hasher(cost).hash(secret_bytes(secret))


def verify_secret(hashed: str, secret: str) -> bool:
    """Whether `secret` is the one that was hashed. argon2's InvalidHashError where `hashed` is no hash at all."""
    try:
        return PasswordHasher().verify(hashed, secret_bytes(secret))
    except VerifyMismatchError:
        return False


def needs_rehash(hashed: str, cost: Cost) -> bool:
    """Whether a hash was made at another cost than is asked for today."""
    return _hasher(cost).check_needs_rehash(hashed)


def check_password(password: str, *, login: str) -> None:
    """Refuses a password that would be guessed at once. UserError (field `password`) says what to do."""
    chosen = unicodedata.normalize("NFKC", password).casefold()
    if len(chosen) < _SHORTEST_PASSWORD:
        raise UserError(
            "密码至少要 {shortest} 个字符，现在是 {length} 个；请加长，例如用几个不相干的词连起来",
            field="password",
            shortest=_SHORTEST_PASSWORD,
            length=len(chosen),
        )
    if chosen.strip() == unicodedata.normalize("NFKC", login).casefold().strip():
        raise UserError("密码不能和用户名一样；请换一个别人猜不到的", field="password")
    if chosen in _COMMONEST or len(set(chosen)) == 1:
        raise UserError("这个密码太常见，很容易被猜到；请换一个，例如用几个不相干的词连起来", field="password")


def check_pin(pin: str) -> None:
    """Refuses a PIN that is not 4–8 digits or would be guessed at once. UserError (field `pin`) says what to do."""
    chosen = unicodedata.normalize("NFKC", pin)
    if not (chosen.isascii() and chosen.isdigit() and _SHORTEST_PIN <= len(chosen) <= _LONGEST_PIN):
        raise UserError(
            "PIN 要用 {shortest} 到 {longest} 位数字；请重新设一个",
            field="pin",
            shortest=_SHORTEST_PIN,
            longest=_LONGEST_PIN,
        )
    # 9 and 0 are neighbours on the keys.
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(chosen)}
    if steps == {0}:
        raise UserError("PIN 不能是同一个数字；请换一个不容易猜到的", field="pin")
    if steps in ({1}, {9}):
        raise UserError("PIN 不能是连续的数字（如 1234、4321）；请换一个不容易猜到的", field="pin")


def _hasher(cost: Cost) -> PasswordHasher:
    return PasswordHasher(time_cost=cost.time_cost, memory_cost=cost.memory_kib, parallelism=cost.parallelism)
