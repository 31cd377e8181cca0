"""The configuration (配置): read from the environment, once, at the outermost layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cunyi.domain.errors import UserError

_HIGHEST_PORT = 65_535


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How this node runs (运行配置): the address it listens on and which compiled knowledge it reads.

    `knowledge` None means the artefact that came with the program.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    knowledge: Path | None = None


def read_config(environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of CUNYI_HOST, CUNYI_PORT and CUNYI_KNOWLEDGE; UserError names the one that cannot be used."""
    defaults = Config()
    port = environment.get("CUNYI_PORT") or str(defaults.port)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
        raise UserError(f"端口要写 1 到 {_HIGHEST_PORT} 的整数，不是“{port}”", field="CUNYI_PORT")
    knowledge = environment.get("CUNYI_KNOWLEDGE")
    return Config(
        host=environment.get("CUNYI_HOST") or defaults.host,
        port=int(port),
        knowledge=Path(knowledge) if knowledge else None,
    )
