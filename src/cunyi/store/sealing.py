"""Sealing a few bytes for one node: X25519 with a key of the moment, HKDF, ChaCha20-Poly1305."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cunyi.store.signing import NodeKey

_PUBLIC_BYTES, _NONCE_BYTES, _KEY_BYTES = 32, 12, 32
_FOR_SEALS = b"cunyi key for what is sealed to this node"


class SealingKey:
    """The key that opens what was sealed for its owner (拆封密钥). Its private part never shows in text."""

    def __init__(self, private: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(private)

    @classmethod
    def make(cls) -> SealingKey:
        """A key of the moment."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def of_node(cls, key: NodeKey) -> SealingKey:
        """The key of a node for what is sealed to it: made from its signing key, so that nothing more has to be kept."""
        return cls(HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_FOR_SEALS).derive(key.private))

    @property
    def public(self) -> bytes:
        """The public part."""
        return self._key.public_key().public_bytes_raw()

    def open(self, sealed: bytes, purpose: bytes) -> bytes | None:
        """What was sealed for this purpose; None where it was not sealed for this key, or was changed."""
        made, nonce = sealed[:_PUBLIC_BYTES], sealed[_PUBLIC_BYTES : _PUBLIC_BYTES + _NONCE_BYTES]
        try:
            cipher = _cipher(self._key.exchange(X25519PublicKey.from_public_bytes(made)), made, self.public)
            return cipher.decrypt(nonce, sealed[_PUBLIC_BYTES + _NONCE_BYTES :], purpose)
        except (InvalidTag, ValueError):
            return None

    def __repr__(self) -> str:
        """Says nothing of the key."""
        return "SealingKey(…)"


def seal(public: bytes, data: bytes, purpose: bytes) -> bytes:
    """Data that only the owner of a public key can open, and only for this purpose. ValueError where it is no such key."""
    moment, nonce = X25519PrivateKey.generate(), secrets.token_bytes(_NONCE_BYTES)
    made = moment.public_key().public_bytes_raw()
    cipher = _cipher(moment.exchange(X25519PublicKey.from_public_bytes(public)), made, public)
    return made + nonce + cipher.encrypt(nonce, data, purpose)


def _cipher(shared: bytes, made: bytes, public: bytes) -> ChaCha20Poly1305:
    key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"cunyi seal" + made + public).derive(shared)
    return ChaCha20Poly1305(key)
