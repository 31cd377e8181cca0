"""The configuration (配置): read from the environment, once, at the outermost layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import platformdirs

from cunyi.domain.errors import UserError
from cunyi.domain.organisation import NodeRole
from cunyi.interop.hub_http import LineSettings
from cunyi.interop.language_model import ModelSettings
from cunyi.interop.speech import SpeechSettings

_HIGHEST_PORT = 65_535
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
# The page gives up after 20 seconds.
_USUAL_WAIT_S, _LONGEST_WAIT_S = 15, 18
_LONGEST_LINE_S, _LONGEST_PAUSE_S = 600, 86_400


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How this node runs (运行配置): the address it listens on, its knowledge, where its records are.

    `knowledge` None means the artefact that came with the program. `data` is the folder of an encrypted node; `database` the
    address of a PostgreSQL database in its place, which may hold a password and never shows. `language_model` None: none is asked.
    `county` tells the node where the database has those of several counties. `public_address` is where villagers' phones reach this node, for the codes that it prints;
    `public_port` a port on which every address of this computer answers them, and nobody else. `speech` None: no
    recogniser turns what villagers say into words. `role` is what the node is in its township; `line` is how the hub is reached, `sync_every_s` how often it is looked for.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    knowledge: Path | None = None
    data: Path | None = None
    database: str | None = None
    county: str | None = None
    language_model: ModelSettings | None = None
    public_address: str | None = None
    public_port: int | None = None
    speech: SpeechSettings | None = None
    role: NodeRole = NodeRole.KIT
    line: LineSettings = LineSettings()
    sync_every_s: int = 60

    @property
    def data_folder(self) -> Path:
        """The folder of the records; the system's place for data of programs where none is given."""
        return self.data or Path(platformdirs.user_data_dir("cunyi", appauthor=False))

    def __repr__(self) -> str:
        """Without the address of the database."""
        return f"Config(host={self.host!r}, port={self.port})"


def read_config(environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of CUNYI_HOST, CUNYI_PORT, CUNYI_KNOWLEDGE, CUNYI_DATA, CUNYI_DATABASE, CUNYI_COUNTY, CUNYI_ROLE, CUNYI_PUBLIC_ADDRESS, CUNYI_PUBLIC_PORT, CUNYI_SPEECH_*,
    CUNYI_HUB_*, CUNYI_SYNC_EVERY and CUNYI_LLM_*.

    UserError names the one that cannot be used.
    """
    defaults = Config()
    port = _port(environment.get("CUNYI_PORT") or str(defaults.port), "CUNYI_PORT")
    public = environment.get("CUNYI_PUBLIC_PORT")
    public_port = _port(public, "CUNYI_PUBLIC_PORT") if public else None
    if public_port == port:
        raise UserError("村民用的端口要和医生用的端口不同", field="CUNYI_PUBLIC_PORT")
    knowledge, data = environment.get("CUNYI_KNOWLEDGE"), environment.get("CUNYI_DATA")
    database = environment.get("CUNYI_DATABASE")
    if database and not database.startswith("postgresql://"):
        raise UserError("数据库地址要写成 postgresql://用户@主机/库名", field="CUNYI_DATABASE")
    return Config(
        host=environment.get("CUNYI_HOST") or defaults.host,
        port=port,
        knowledge=Path(knowledge) if knowledge else None,
        data=Path(data) if data else None,
        database=database or None,
        county=environment.get("CUNYI_COUNTY") or None,
        language_model=_language_model(environment),
        public_address=_public_address(environment.get("CUNYI_PUBLIC_ADDRESS")),
        public_port=public_port,
        speech=_speech(environment),
        role=_role(environment.get("CUNYI_ROLE")),
        line=_line(environment),
        sync_every_s=_seconds(environment, "CUNYI_SYNC_EVERY", defaults.sync_every_s, _LONGEST_PAUSE_S, "两次同步之间"),
    )


def _port(words: str, field: str) -> int:
    if not words.isascii() or not words.isdigit() or not 0 < int(words) <= _HIGHEST_PORT:
        raise UserError(f"端口要写 1 到 {_HIGHEST_PORT} 的整数，不是“{words}”", field=field)
    return int(words)


def _role(words: str | None) -> NodeRole:
    if words and words not in list(NodeRole):
        raise UserError("角色要写 kit、clinic 或 hub", field="CUNYI_ROLE")
    return NodeRole(words) if words else NodeRole.KIT


def _line(environment: Mapping[str, str]) -> LineSettings:
    """CUNYI_HUB_CA_FILE and CUNYI_HUB_TIMEOUT."""
    authority = environment.get("CUNYI_HUB_CA_FILE")
    if authority and not Path(authority).is_file():
        raise UserError(f"没有 {authority} 这个证书文件；请核对路径", field="CUNYI_HUB_CA_FILE")
    usual = LineSettings()
    return LineSettings(
        ca_file=Path(authority) if authority else None,
        timeout_s=_seconds(environment, "CUNYI_HUB_TIMEOUT", int(usual.timeout_s), _LONGEST_LINE_S, "等中心回答"),
    )


def _seconds(environment: Mapping[str, str], name: str, usual: int, longest: int, what: str) -> int:
    words = environment.get(name) or str(usual)
    if not words.isascii() or not words.isdigit() or not 0 < int(words) <= longest:
        raise UserError(f"{what}的秒数要写 1 到 {longest} 的整数", field=name)
    return int(words)


def _public_address(words: str | None) -> str | None:
    """An address without a path, as a phone would open it."""
    if not words:
        return None
    try:
        address = urlsplit(words.rstrip("/"))
        usable = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or address.username or address.path or address.query or address.fragment:
        raise UserError(
            "村民手机打开用的地址要写成 http://192.168.1.8:8321 或 https://域名 这样，后面不写路径",
            field="CUNYI_PUBLIC_ADDRESS",
        )
    return words.rstrip("/")


def _speech(environment: Mapping[str, str]) -> SpeechSettings | None:
    """CUNYI_SPEECH_URL and CUNYI_SPEECH_MODEL, with CUNYI_SPEECH_KEY; None where no address is given."""
    url, model = environment.get("CUNYI_SPEECH_URL"), environment.get("CUNYI_SPEECH_MODEL")
    if not url:
        return None
    _expect_service(url, "CUNYI_SPEECH_URL", "语音识别")
    if not model:
        raise UserError("设置了语音识别的地址，还要写模型的名字", field="CUNYI_SPEECH_MODEL")
    return SpeechSettings(url=url, model=model, key=environment.get("CUNYI_SPEECH_KEY") or None)


def _expect_service(url: str, field: str, name: str) -> None:
    """UserError where it is no address of a service, or one of another machine that could be listened to on its way."""
    try:
        address = urlsplit(url)
        usable = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or address.username or address.query:
        raise UserError(f"{name}的地址要写成 https://主机/v1，里面不写用户名和密钥", field=field)
    if address.scheme == "http" and address.hostname not in _THIS_MACHINE:
        raise UserError(f"{name}在别的机器上时，地址要用 https://", field=field)


def _language_model(environment: Mapping[str, str]) -> ModelSettings | None:
    """CUNYI_LLM_URL and CUNYI_LLM_MODEL, with CUNYI_LLM_KEY and CUNYI_LLM_TIMEOUT; None where no address is given."""
    url, model = environment.get("CUNYI_LLM_URL"), environment.get("CUNYI_LLM_MODEL")
    if not url:
        return None
    _expect_service(url, "CUNYI_LLM_URL", "语言模型")
    if not model:
        raise UserError("设置了语言模型的地址，还要写模型的名字", field="CUNYI_LLM_MODEL")
    seconds = _seconds(environment, "CUNYI_LLM_TIMEOUT", _USUAL_WAIT_S, _LONGEST_WAIT_S, "等待语言模型")
    return ModelSettings(url=url, model=model, key=environment.get("CUNYI_LLM_KEY") or None, timeout_s=seconds)
