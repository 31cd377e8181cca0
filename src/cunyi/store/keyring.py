"""The keyring of an encrypted node: its database key, wrapped once for each user and once for the recovery sheet."""

from __future__ import annotations

import errno
import hmac
import os
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cunyi.domain.errors import UserError
from cunyi.store.crockford import ALPHABET, grouped, straightened
from cunyi.store.passwords import Cost, secret_bytes
from cunyi.store.signing import sm3

_FORMAT: Final = 1
_KEY_BYTES, _SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 16, 12, 16
_WRAPPED_BYTES = _KEY_BYTES + _TAG_BYTES
_WRONG = "用户名或口令不对；请再输一遍。口令忘了，请系统管理员重设，或用恢复单上的恢复码打开"
# The recovery code opens nothing without the file; any copy of it, however old, does.
_WAY_OUT = (
    "请从备份中恢复 keyring.json（旧备份里的也可以，用当时的口令或恢复单上的恢复码打开）；"
    "没有备份就不要删除任何文件，请联系系统管理员"
)

# Without the check character: 27 × 5 = 135 bits.
_CODE_CHARACTERS = 27

_Salt = Annotated[bytes, msgspec.Meta(min_length=_SALT_BYTES, max_length=_SALT_BYTES)]
_Nonce = Annotated[bytes, msgspec.Meta(min_length=_NONCE_BYTES, max_length=_NONCE_BYTES)]
_Wrapped = Annotated[bytes, msgspec.Meta(min_length=_WRAPPED_BYTES, max_length=_WRAPPED_BYTES)]


class DatabaseKey:
    """The key of a node's database (数据库密钥): 32 bytes that no text, format or pickle of it shows.

    Compared in constant time. ValueError for another length.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != _KEY_BYTES:
            raise ValueError(f"a database key has {_KEY_BYTES} bytes")
        self._raw = bytes(raw)

    @property
    def hex(self) -> str:
        """64 hexadecimal digits, for the key PRAGMA of a connection and nothing else."""
        return self._raw.hex()

    @property
    def raw(self) -> bytes:
        """The bytes, for wrapping them and nothing else."""
        return self._raw

    def __eq__(self, other: object) -> bool:
        """Whether both are the same key."""
        return hmac.compare_digest(self._raw, other._raw) if isinstance(other, DatabaseKey) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Says nothing of the key."""
        return "DatabaseKey(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuses to be pickled or copied."""
        raise TypeError("a database key is not pickled")


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The database key under a key that is derived from a secret (密钥信封)."""

    salt: _Salt
    nonce: _Nonce
    wrapped: _Wrapped


class _Slot(_Envelope, frozen=True, kw_only=True):
    """The envelope of one user (用户密钥位), under an id from which the login name cannot be read."""

    slot: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds (密钥环内容): `kdf` is the cost of every derivation, `salt` goes into the ids of the slots."""

    format: Literal[1]
    kdf: Cost
    salt: _Salt
    slots: tuple[_Slot, ...]
    recovery: _Envelope

    def __post_init__(self) -> None:
        """Refuses two slots for one user."""
        if len({slot.slot for slot in self.slots}) != len(self.slots):
            raise ValueError("two slots have one id")


class _Header(msgspec.Struct):
    """The part of the file that every version of the program can read (密钥环格式号)."""

    format: int


class Keyring:
    """The file `keyring.json` of a node (密钥环): who knows a passphrase, or holds the recovery code, gets the database key.

    Each change is on the disk when the method returns; one that could not be written leaves file and object as they were.
    Copies of the file (backups) are still opened by the passphrases and the recovery code of their day.
    """

    def __init__(self, path: Path, contents: _Contents, random: Callable[[int], bytes]) -> None:
        self._path = path
        self._contents = contents
        self._random = random

    @classmethod
    def create(
        cls, path: Path, *, cost: Cost, random: Callable[[int], bytes] = secrets.token_bytes
    ) -> tuple[Keyring, DatabaseKey, str]:
        """A new keyring without users, its database key, and the recovery code to be printed and locked away.

        UserError (field `data`) where the file is already there: writing over it would lose the data for ever.
        """
        if path.exists():
            raise UserError("{path} 已经存在；请换一个文件夹，或直接打开原来的数据", field="data", path=path)
        key = DatabaseKey(random(_KEY_BYTES))
        code = _new_code(random)
        contents = _Contents(
            format=_FORMAT,
            kdf=cost,
            salt=random(_SALT_BYTES),
            slots=(),
            recovery=_Envelope(**_seal(key, code.encode(), b"recovery", cost=cost, random=random)),
        )
        _write(path, contents)
        return cls(path, contents, random), key, grouped(code)

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """The keyring of a node. UserError (field `keyring`) where it is missing, damaged or of a newer program."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise UserError("找不到密钥文件 {path}；" + _WAY_OUT, field="keyring", path=path) from None
        except OSError as error:
            raise UserError(
                "密钥文件 {path} 读不出来（{why}）；请检查文件权限和磁盘",
                field="keyring",
                path=path,
                why=error.strerror,
            ) from None
        try:
            if msgspec.json.decode(data, type=_Header).format > _FORMAT:
                raise UserError("密钥文件是更新版本的程序写的；请升级程序再打开", field="keyring")
            contents = msgspec.json.decode(data, type=_Contents)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise UserError("密钥文件 {path} 已损坏；" + _WAY_OUT, field="keyring", path=path) from None
        return cls(path, contents, secrets.token_bytes)

    def has(self, login: str) -> bool:
        """Whether this user has a slot."""
        return self._find(self._slot_id(login)) is not None

    def add(self, login: str, passphrase: str, key: DatabaseKey) -> None:
        """Gives a user a slot. UserError (field `login`) where they have one."""
        if self.has(login):
            raise UserError("这个用户名已有打开数据的口令；请换一个用户名，或改用“修改口令”", field="login")
        self._put(login, passphrase, key)

    def change(self, login: str, passphrase: str, key: DatabaseKey) -> None:
        """A user's new passphrase; the old one opens nothing any more. UserError (field `login`) where they have no slot."""
        self._require(login)
        self._put(login, passphrase, key)

    @contextmanager
    def trying(self, login: str, passphrase: str, key: DatabaseKey) -> Iterator[None]:
        """A user's passphrase, first or new, if all that is done meanwhile succeeds; else what opened the data before does."""
        before = self._contents
        self._put(login, passphrase, key)
        try:
            yield
        except BaseException:
            _write(self._path, before)
            self._contents = before
            raise

    def remove(self, login: str) -> None:
        """Takes a user's slot away. UserError (field `login`) where they have none."""
        slot_id = self._require(login)
        self._keep(slots=tuple(slot for slot in self._contents.slots if slot.slot != slot_id))

    def open(self, login: str, passphrase: str) -> DatabaseKey:
        """The database key. UserError (field `password`), the same and as late for an unknown user as for a wrong passphrase."""
        slot_id = self._slot_id(login)
        slot = self._find(slot_id)
        # The recovery envelope stands in for a slot that is not there: its label is another, so nothing opens it.
        key = _unseal(slot or self._contents.recovery, secret_bytes(passphrase), _label(slot_id), self._contents.kdf)
        if key is None:
            raise UserError(_WRONG, field="password")
        return key

    def open_with_recovery(self, code: str) -> DatabaseKey:
        """The database key, by the recovery code as it was typed. UserError (field `recovery_code`)."""
        key = _unseal(self._contents.recovery, _read_code(code).encode(), b"recovery", self._contents.kdf)
        if key is None:
            raise UserError(
                "这不是这个节点现在的恢复码：换过恢复码以后，旧的就作废了；请找出最近一次打印的恢复单",
                field="recovery_code",
            )
        return key

    def new_recovery(self, key: DatabaseKey) -> str:
        """A new recovery code to be printed; the one before it stops working."""
        code = _new_code(self._random)
        self._keep(
            recovery=_Envelope(**_seal(key, code.encode(), b"recovery", cost=self._contents.kdf, random=self._random))
        )
        return grouped(code)

    def _slot_id(self, login: str) -> str:
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login).casefold()).strip()
        return sm3(self._contents.salt + secret_bytes(name)).hex()

    def _find(self, slot_id: str) -> _Slot | None:
        return next((slot for slot in self._contents.slots if slot.slot == slot_id), None)

    def _require(self, login: str) -> str:
        slot_id = self._slot_id(login)
        if self._find(slot_id) is None:
            raise UserError("这个用户名没有打开数据的口令；请核对用户名", field="login")
        return slot_id

    def _put(self, login: str, passphrase: str, key: DatabaseKey) -> None:
        slot_id = self._slot_id(login)
        sealed = _seal(key, secret_bytes(passphrase), _label(slot_id), cost=self._contents.kdf, random=self._random)
        others = (slot for slot in self._contents.slots if slot.slot != slot_id)
        self._keep(slots=(*others, _Slot(slot=slot_id, **sealed)))

    def _keep(self, **changes: object) -> None:
        contents = msgspec.structs.replace(self._contents, **changes)
        _write(self._path, contents)
        self._contents = contents


def _label(slot_id: str) -> bytes:
    return f"slot {slot_id}".encode()


def _derived(secret: bytes, salt: bytes, cost: Cost) -> AESGCM:
    return AESGCM(
        hash_secret_raw(
            secret=secret,
            salt=salt,
            time_cost=cost.time_cost,
            memory_cost=cost.memory_kib,
            parallelism=cost.parallelism,
            hash_len=_KEY_BYTES,
            type=Type.ID,
        )
    )


def _associated(label: bytes) -> bytes:
    """What an envelope is bound to, so that it opens in its own place alone."""
    return f"cunyi keyring {_FORMAT} ".encode() + label


def _seal(
    key: DatabaseKey, secret: bytes, label: bytes, *, cost: Cost, random: Callable[[int], bytes]
) -> dict[str, bytes]:
    salt, nonce = random(_SALT_BYTES), random(_NONCE_BYTES)
    wrapped = _derived(secret, salt, cost).encrypt(nonce, key.raw, _associated(label))
    return {"salt": salt, "nonce": nonce, "wrapped": wrapped}


def _unseal(envelope: _Envelope, secret: bytes, label: bytes, cost: Cost) -> DatabaseKey | None:
    cipher = _derived(secret, envelope.salt, cost)
    try:
        return DatabaseKey(cipher.decrypt(envelope.nonce, envelope.wrapped, _associated(label)))
    except InvalidTag:
        return None


def _write(path: Path, contents: _Contents) -> None:
    """Puts a complete file in the place of the old one, or leaves the old one."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(msgspec.json.encode(contents))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise UserError("磁盘已满，密钥没有改动；请删去不用的文件，腾出空间后再试", field="disk") from None
        raise
    finally:
        draft.unlink(missing_ok=True)


def _new_code(random: Callable[[int], bytes]) -> str:
    number = int.from_bytes(random((_CODE_CHARACTERS * 5 + 7) // 8))
    digits = [number >> 5 * place & 31 for place in range(_CODE_CHARACTERS)]
    return "".join(ALPHABET[digit] for digit in (*digits, _times_x(_folded(digits))))


def _read_code(typed: str) -> str:
    """A recovery code as it was made, from what was typed; slips are told before the expensive derivation."""
    code = straightened(typed)
    for position, character in enumerate(code, start=1):
        if character not in ALPHABET:
            raise UserError(
                "恢复码第 {position} 个字符（不算短横）“{character}”不对：恢复码只有数字和字母，没有 U；请对照恢复单再输一遍",
                field="recovery_code",
                position=position,
                character=character,
            )
    if len(code) != _CODE_CHARACTERS + 1:
        raise UserError(
            "恢复码应有 {expected} 个字符（不算短横），现在是 {length} 个；请对照恢复单再输一遍",
            field="recovery_code",
            expected=_CODE_CHARACTERS + 1,
            length=len(code),
        )
    if _folded([ALPHABET.index(character) for character in code]):
        raise UserError("恢复码有字符输错或颠倒了；请对照恢复单再输一遍", field="recovery_code")
    return code


def _folded(digits: Sequence[int]) -> int:
    """Zero for a whole code, never for one with a wrong character or with two that changed places.

    A sum over GF(32) in which each place has a weight of its own.
    """
    total = 0
    for digit in digits:
        total = _times_x(total) ^ digit
    return total


def _times_x(value: int) -> int:
    # x⁵ + x² + 1 is primitive: the weights differ over 31 places.
    return value << 1 if value < 16 else (value << 1) ^ 0b100101
