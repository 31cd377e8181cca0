"""The line between two kits that meet: nobody in between, both are known nodes, and whoever asks was told the code by the other."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MEETING_PATH = "/meet"
_KEY_BYTES = 32
_MOST_BEGUN = 16
_GUEST, _HOST = b"guest", b"host"

_Key = Annotated[bytes, msgspec.Meta(min_length=_KEY_BYTES, max_length=_KEY_BYTES)]


class MeetingTrouble(StrEnum):
    """Why two kits did not come together (见面问题)."""

    NOT_OPEN = "not_open"
    UNKNOWN_NODE = "unknown_node"
    NOT_PROVEN = "not_proven"
    WRONG_CODE = "wrong_code"
    TOO_MANY_TRIES = "too_many_tries"
    NOT_READABLE = "not_readable"


class MeetingError(Exception):
    """Two kits did not come together (见面不成)."""

    def __init__(self, trouble: MeetingTrouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


class Opening(msgspec.Struct, frozen=True, kw_only=True, tag="opening"):
    """The first word of the one who typed the address (问候)."""

    guest: str
    key: _Key


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag="welcome"):
    """The answer of the one who shows the code, with its signature over both keys (应答)."""

    host: str
    key: _Key
    signature: bytes


class Sealed(msgspec.Struct, frozen=True, kw_only=True, tag="sealed"):
    """A sealed message of a meeting (密封消息), numbered so that none counts twice."""

    meeting: bytes
    number: int
    data: bytes


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """Why the other will not talk (谢绝)."""

    trouble: MeetingTrouble


class _Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Who the guest is, and the code that it was told (出示)."""

    code: str
    signature: bytes


_Word = Opening | Welcome | Sealed | Refusal
_WORDS: msgspec.msgpack.Decoder[_Word] = msgspec.msgpack.Decoder(_Word)
Verify = Callable[[str, bytes, bytes], bool]
"""Whether a signature is that of a node which the directory knows and which was not revoked, over some bytes."""


class Keys:
    """What both have after they exchanged their keys (会话密钥): a mark, and a cipher for each direction."""

    def __init__(self, own: X25519PrivateKey, other: bytes, transcript: bytes) -> None:
        shared = own.exchange(X25519PublicKey.from_public_bytes(other))
        salt = hashlib.sha256(transcript).digest()
        self.mark = salt[:16]
        self._ciphers = {
            side: ChaCha20Poly1305(HKDF(SHA256(), 32, salt=salt, info=b"cunyi meeting " + side).derive(shared))
            for side in (_GUEST, _HOST)
        }

    def seal(self, side: bytes, number: int, data: bytes) -> bytes:
        """A sealed message of one side."""
        sealed = self._ciphers[side].encrypt(number.to_bytes(12), data, self.mark)
        return msgspec.msgpack.encode(Sealed(meeting=self.mark, number=number, data=sealed))

    def open(self, side: bytes, sealed: Sealed) -> bytes:
        """What one side sealed; MeetingError where it was somebody else."""
        try:
            return self._ciphers[side].decrypt(sealed.number.to_bytes(12), sealed.data, self.mark)
        except (InvalidTag, OverflowError):
            raise MeetingError(MeetingTrouble.NOT_PROVEN) from None


class Guest:
    """The kit whose doctor typed address and code (来访方). Every message goes out over `carry` and is answered."""

    def __init__(
        self, node: str, sign: Callable[[bytes], bytes], verify: Verify, carry: Callable[[bytes], bytes]
    ) -> None:
        self._node, self._sign, self._verify, self._carry = node, sign, verify, carry
        self._number = 0
        self._keys: Keys | None = None

    def come_in(self, code: str) -> str:
        """Proves who this is and that the code is known; the id of the host. MeetingError says why not."""
        own = X25519PrivateKey.generate()
        opening = Opening(guest=self._node, key=own.public_key().public_bytes_raw())
        welcome = self._asked(msgspec.msgpack.encode(opening))
        if not isinstance(welcome, Welcome):
            raise MeetingError(MeetingTrouble.NOT_READABLE)
        transcript = _transcript(opening, welcome.host, welcome.key)
        if not self._verify(welcome.host, welcome.signature, _HOST + transcript):
            raise MeetingError(MeetingTrouble.UNKNOWN_NODE)
        self._keys = _keys(own, welcome.key, transcript)
        self.send(msgspec.msgpack.encode(_Proof(code=code, signature=self._sign(_GUEST + transcript))))
        return welcome.host

    def send(self, message: bytes) -> bytes:
        """The host's answer to a message."""
        if self._keys is None:
            raise MeetingError(MeetingTrouble.NOT_PROVEN)
        number, self._number = self._number, self._number + 1
        answer = self._asked(self._keys.seal(_GUEST, number, message))
        if not isinstance(answer, Sealed) or answer.number != number:
            raise MeetingError(MeetingTrouble.NOT_READABLE)
        return self._keys.open(_HOST, answer)

    def _asked(self, message: bytes) -> _Word:
        word = _read(self._carry(message))
        if isinstance(word, Refusal):
            raise MeetingError(word.trouble)
        return word


class Host:
    """The kit that shows its code (接待方), for as long as it shows it. `answer` gives the answer to a proven guest's message."""

    def __init__(
        self,
        node: str,
        code: str,
        tries: int,
        sign: Callable[[bytes], bytes],
        verify: Verify,
        answer: Callable[[str, bytes], bytes],
    ) -> None:
        self._node, self._code, self._tries_left = node, code, tries
        self._sign, self._verify, self._answer = sign, verify, answer
        self._turn = threading.Lock()
        self._begun: dict[bytes, tuple[Keys, str, bytes]] = {}
        self._guest: tuple[Keys, str, int] | None = None

    def hear(self, message: bytes) -> bytes:
        """The answer to whatever came."""
        with self._turn:
            try:
                return self._heard(_read(message))
            except MeetingError as error:
                return msgspec.msgpack.encode(Refusal(trouble=error.trouble))

    @property
    def is_closed(self) -> bool:
        """Whether the code was guessed at too often."""
        return self._tries_left <= 0

    def _heard(self, word: _Word) -> bytes:
        if isinstance(word, Opening):
            return self._welcome(word)
        if not isinstance(word, Sealed):
            raise MeetingError(MeetingTrouble.NOT_READABLE)
        if self._guest is not None and hmac.compare_digest(self._guest[0].mark, word.meeting):
            return self._answered(word)
        return self._proven(word)

    def _welcome(self, opening: Opening) -> bytes:
        own = X25519PrivateKey.generate()
        key = own.public_key().public_bytes_raw()
        transcript = _transcript(opening, self._node, key)
        keys = _keys(own, opening.key, transcript)
        while len(self._begun) >= _MOST_BEGUN:
            del self._begun[next(iter(self._begun))]
        self._begun[keys.mark] = (keys, opening.guest, transcript)
        return msgspec.msgpack.encode(Welcome(host=self._node, key=key, signature=self._sign(_HOST + transcript)))

    def _proven(self, word: Sealed) -> bytes:
        begun = self._begun.pop(word.meeting, None)
        if begun is None or word.number != 0:
            raise MeetingError(MeetingTrouble.NOT_PROVEN)
        keys, guest, transcript = begun
        try:
            proof = msgspec.msgpack.decode(keys.open(_GUEST, word), type=_Proof)
        except msgspec.DecodeError:
            raise MeetingError(MeetingTrouble.NOT_READABLE) from None
        if not self._verify(guest, proof.signature, _GUEST + transcript):
            raise MeetingError(MeetingTrouble.UNKNOWN_NODE)
        if self.is_closed:
            raise MeetingError(MeetingTrouble.TOO_MANY_TRIES)
        if not hmac.compare_digest(proof.code.encode(), self._code.encode()):
            self._tries_left -= 1
            raise MeetingError(MeetingTrouble.WRONG_CODE if self._tries_left else MeetingTrouble.TOO_MANY_TRIES)
        # Whoever comes in last is the guest: one whose line broke comes in anew.
        self._guest = (keys, guest, 0)
        return keys.seal(_HOST, 0, b"")

    def _answered(self, word: Sealed) -> bytes:
        if self._guest is None or word.number != self._guest[2] + 1:
            raise MeetingError(MeetingTrouble.NOT_PROVEN)
        keys, guest, _ = self._guest
        message = keys.open(_GUEST, word)
        self._guest = (keys, guest, word.number)
        return keys.seal(_HOST, word.number, self._answer(guest, message))


def refusal(trouble: MeetingTrouble) -> bytes:
    """What a kit says that shows no code."""
    return msgspec.msgpack.encode(Refusal(trouble=trouble))


def _read(message: bytes) -> _Word:
    try:
        return _WORDS.decode(message)
    except msgspec.DecodeError:
        raise MeetingError(MeetingTrouble.NOT_READABLE) from None


def _transcript(opening: Opening, host: str, host_key: bytes) -> bytes:
    return msgspec.msgpack.encode(("cunyi meeting 1", host, host_key, opening.guest, opening.key))


def _keys(own: X25519PrivateKey, other: bytes, transcript: bytes) -> Keys:
    try:
        return Keys(own, other, transcript)
    except ValueError:
        # A key without any secret in it.
        raise MeetingError(MeetingTrouble.NOT_PROVEN) from None
