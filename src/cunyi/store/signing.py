"""Hashes and signatures: SM3 over the bytes of documents and audit lines, Ed25519 by the node."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SM3, Hash


def sm3(data: bytes) -> bytes:
    """The SM3 hash (GB/T 32905), 32 bytes."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


class NodeKey:
    """The signing key of a node (节点密钥). Its private part never shows in text."""

    def __init__(self, private: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private)

    @classmethod
    def make(cls) -> NodeKey:
        """A new key."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def private(self) -> bytes:
        """The private part, for the encrypted store only."""
        return self._key.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The public part."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`, 64 bytes."""
        return self._key.sign(data)

    def __repr__(self) -> str:
        """Says nothing of the key."""
        return "NodeKey(…)"


def is_signed(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether `signature` is that of the key's owner over `data`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True
