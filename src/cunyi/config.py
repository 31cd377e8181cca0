"""The configuration (配置): read from the environment, once, at the outermost layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import platformdirs

from cunyi.domain.errors import UserError
from cunyi.interop.language_model import ModelSettings

_HIGHEST_PORT = 65_535
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
# The page gives up after 20 seconds.
_USUAL_WAIT_S, _LONGEST_WAIT_S = 15, 18


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How this node runs (运行配置): the address it listens on, its knowledge, where its records are.

    `knowledge` None means the artefact that came with the program. `data` is the folder of an encrypted node; `database` the
    address of a PostgreSQL database in its place, which may hold a password and never shows. `language_model` None: none is asked.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    knowledge: Path | None = None
    data: Path | None = None
    database: str | None = None
    language_model: ModelSettings | None = None

    @property
    def data_folder(self) -> Path:
        """The folder of the records; the system's place for data of programs where none is given."""
        return self.data or Path(platformdirs.user_data_dir("cunyi", appauthor=False))

    def __repr__(self) -> str:
        """Without the address of the database."""
        return f"Config(host={self.host!r}, port={self.port})"


def read_config(environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of CUNYI_HOST, CUNYI_PORT, CUNYI_KNOWLEDGE, CUNYI_DATA, CUNYI_DATABASE and CUNYI_LLM_*.

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
        language_model=_language_model(environment),
    )


def _language_model(environment: Mapping[str, str]) -> ModelSettings | None:
    """CUNYI_LLM_URL and CUNYI_LLM_MODEL, with CUNYI_LLM_KEY and CUNYI_LLM_TIMEOUT; None where no address is given."""
    url, model = environment.get("CUNYI_LLM_URL"), environment.get("CUNYI_LLM_MODEL")
    if not url:
        return None
    try:
        address = urlsplit(url)
        usable = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or address.username or address.query:
        raise UserError("语言模型的地址要写成 https://主机/v1，里面不写用户名和密钥", field="CUNYI_LLM_URL")
    if address.scheme == "http" and address.hostname not in _THIS_MACHINE:
        raise UserError("语言模型在别的机器上时，地址要用 https://", field="CUNYI_LLM_URL")
    if not model:
        raise UserError("设置了语言模型的地址，还要写模型的名字", field="CUNYI_LLM_MODEL")
    seconds = environment.get("CUNYI_LLM_TIMEOUT") or str(_USUAL_WAIT_S)
    if not seconds.isascii() or not seconds.isdigit() or not 0 < int(seconds) <= _LONGEST_WAIT_S:
        raise UserError(f"等待语言模型的秒数要写 1 到 {_LONGEST_WAIT_S} 的整数", field="CUNYI_LLM_TIMEOUT")
    return ModelSettings(url=url, model=model, key=environment.get("CUNYI_LLM_KEY") or None, timeout_s=int(seconds))
