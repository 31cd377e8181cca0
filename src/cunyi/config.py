"""The configuration (配置): read from the environment, once, at the outermost layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

from cunyi.domain.errors import UserError

_HIGHEST_PORT = 65_535


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How this node runs (运行配置): the address it listens on, its knowledge, where its records are.

    `knowledge` None means the artefact that came with the program. `data` is the folder of an encrypted node; `database` the
    address of a PostgreSQL database in its place, which may hold a password and never shows.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    knowledge: Path | None = None
    data: Path | None = None
    database: str | None = None

    @property
    def data_folder(self) -> Path:
        """The folder of the records; the system's place for data of programs where none is given."""
        return self.data or Path(platformdirs.user_data_dir("cunyi", appauthor=False))

    def __repr__(self) -> str:
        """Without the address of the database."""
        return f"Config(host={self.host!r}, port={self.port})"


def read_config(environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of CUNYI_HOST, CUNYI_PORT, CUNYI_KNOWLEDGE, CUNYI_DATA and CUNYI_DATABASE.

    UserError names the one that cannot be used.
    """
    defaults = Config()
    port = environment.get("CUNYI_PORT") or str(defaults.port)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
        raise UserError(f"端口要写 1 到 {_HIGHEST_PORT} 的整数，不是“{port}”", field="CUNYI_PORT")
    knowledge, data = environment.get("CUNYI_KNOWLEDGE"), environment.get("CUNYI_DATA")
    database = environment.get("CUNYI_DATABASE")
    if database and not database.startswith("postgresql://"):
        raise UserError("数据库地址要写成 postgresql://用户@主机/库名", field="CUNYI_DATABASE")
    return Config(
        host=environment.get("CUNYI_HOST") or defaults.host,
        port=int(port),
        knowledge=Path(knowledge) if knowledge else None,
        data=Path(data) if data else None,
        database=database or None,
    )
