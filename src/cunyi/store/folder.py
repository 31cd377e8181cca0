"""The data folder of a node: the encrypted database, its keyring, the end of the audit log."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from cunyi.domain.errors import UserError
from cunyi.domain.organisation import Revocation
from cunyi.store.audit_head import AuditHead
from cunyi.store.engine import open_sqlite
from cunyi.store.keyring import DatabaseKey, Keyring
from cunyi.store.migrating import bring_up_to_date
from cunyi.store.nodes import create_node, open_node
from cunyi.store.passwords import Cost
from cunyi.store.signing import NodeKey
from cunyi.store.unit import NodeFacts, Store

DATABASE, KEYRING, HEAD, REVOKED = "cunyi.db", "keyring.json", "audit.head", "revoked.json"


class Folder:
    """Where a kit or clinic keeps everything (数据文件夹)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / DATABASE

    @property
    def head(self) -> AuditHead:
        """The end of the audit log outside the database."""
        return AuditHead(self.path / HEAD)

    @property
    def is_set_up(self) -> bool:
        """Whether a node lives here."""
        return self.database.exists() or (self.path / KEYRING).exists()

    def keyring(self) -> Keyring:
        """The wrapped keys."""
        return Keyring.load(self.path / KEYRING)

    def revocation(self) -> Revocation | None:
        """Why there is no data here any more, where the node was revoked."""
        try:
            return msgspec.json.decode((self.path / REVOKED).read_bytes(), type=Revocation)
        except (OSError, msgspec.DecodeError):
            return None

    def erase_keys(self, told: Revocation) -> None:
        """Destroys what opens the data, here and in what restoring a backup put beside it.

        The word of it is written first: where the power goes meanwhile, the next start ends what was begun.
        """
        # A full disk stops the word, never the erasing.
        with contextlib.suppress(OSError):
            self._tell(told)
        for place in self._places():
            for path in place.glob(f"{KEYRING}*"):
                _overwrite(path)

    def erase_files(self, told: Revocation) -> None:
        """Takes away every file of the data, which nothing opens any more. What is still in use goes at the next start."""
        for place in self._places():
            for pattern in (f"{DATABASE}*", f"{HEAD}*"):
                for path in place.glob(pattern):
                    with contextlib.suppress(OSError):
                        path.unlink()
            if place != self.path:
                with contextlib.suppress(OSError):
                    place.rmdir()
        if self.revocation() is None:
            self._tell(told)

    def _tell(self, told: Revocation) -> None:
        with (self.path / REVOKED).open("wb") as file:
            file.write(msgspec.json.encode(told))
            file.flush()
            os.fsync(file.fileno())

    def end_erasing(self) -> None:
        """Ends what a revocation began and the power cut off, or what was in use then."""
        told = self.revocation()
        if told is not None:
            self.erase_keys(told)
            self.erase_files(told)

    def _places(self) -> list[Path]:
        return [self.path, *(path for path in self.path.parent.glob(f"{self.path.name}.*") if path.is_dir())]

    def set_up(
        self, node: NodeFacts, *, clock: Callable[[], datetime], cost: Cost, signing: NodeKey | None = None
    ) -> tuple[Store, Keyring, DatabaseKey, str]:
        """Makes a node here: its store, keyring, database key, and the recovery code to be printed.

        `signing` is the node's key where it was shown to somebody already.
        """
        self.end_erasing()
        if self.is_set_up:
            raise UserError(f"{self.path} 里已经有一个节点；请换一个文件夹，或直接打开它", field="data")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.path / REVOKED).unlink(missing_ok=True)
        keyring, key, recovery = Keyring.create(self.path / KEYRING, cost=cost)
        engine = open_sqlite(self.database, key)
        bring_up_to_date(engine)
        store = create_node(engine, node, signing or NodeKey.make(), clock=clock, head=self.head)
        return store, keyring, key, recovery

    def open(self, key: DatabaseKey, *, clock: Callable[[], datetime]) -> Store:
        """The store of the node that lives here, its tables brought up to date."""
        if not self.database.exists():
            raise UserError(f"{self.path} 里没有数据库；请用备份恢复（cunyi restore）", field="data")
        engine = open_sqlite(self.database, key)
        bring_up_to_date(engine)
        return open_node(engine, clock=clock, head=self.head)


def _overwrite(path: Path) -> None:
    """Puts noise in the place of a key before its file is taken away: a deleted file can still be read from the disk."""
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
