"""The data folder of a node: the encrypted database, its keyring, the end of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cunyi.domain.errors import UserError
from cunyi.store.audit_head import AuditHead
from cunyi.store.engine import open_sqlite
from cunyi.store.keyring import DatabaseKey, Keyring
from cunyi.store.migrating import bring_up_to_date
from cunyi.store.nodes import create_node, open_node
from cunyi.store.passwords import Cost
from cunyi.store.signing import NodeKey
from cunyi.store.unit import NodeFacts, Store

DATABASE, KEYRING, HEAD = "cunyi.db", "keyring.json", "audit.head"


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

    def set_up(
        self, node: NodeFacts, *, clock: Callable[[], datetime], cost: Cost
    ) -> tuple[Store, Keyring, DatabaseKey, str]:
        """Makes a node here: its store, keyring, database key, and the recovery code to be printed."""
        if self.is_set_up:
            raise UserError(f"{self.path} 里已经有一个节点；请换一个文件夹，或直接打开它", field="data")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        keyring, key, recovery = Keyring.create(self.path / KEYRING, cost=cost)
        engine = open_sqlite(self.database, key)
        bring_up_to_date(engine)
        store = create_node(engine, node, NodeKey.make(), clock=clock, head=self.head)
        return store, keyring, key, recovery

    def open(self, key: DatabaseKey, *, clock: Callable[[], datetime]) -> Store:
        """The store of the node that lives here, its tables brought up to date."""
        if not self.database.exists():
            raise UserError(f"{self.path} 里没有数据库；请用备份恢复（cunyi restore）", field="data")
        engine = open_sqlite(self.database, key)
        bring_up_to_date(engine)
        return open_node(engine, clock=clock, head=self.head)
