"""The composition root: knowledge loaded once, rooms wired together, the server started."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from cunyi.config import Config
from cunyi.domain.errors import KnowledgeError
from cunyi.reasoning.prepared import Knowledge, prepare

if TYPE_CHECKING:
    from litestar import Litestar

_LARGEST_BODY_BYTES = 256_000


def artefact_path() -> Path:
    """Where the compiled knowledge of this installation lies (or will, before it is built)."""
    return Path(str(files("cunyi") / "data" / "knowledge.json"))


def load_knowledge(path: Path | None = None) -> Knowledge:
    """The compiled knowledge at `path`, or the one that came with the program. KnowledgeError says what to do."""
    path = path or artefact_path()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KnowledgeError(f"找不到知识库 {path}；请运行 cunyi knowledge build 生成，或重新安装") from error
    try:
        return prepare(data)
    except (LookupError, TypeError, ValueError) as error:
        raise KnowledgeError(
            f"知识库 {path} 是另一个版本的程序生成的；请运行 cunyi knowledge build 重新生成"
        ) from error


def create_app(config: Config, knowledge: Knowledge | None = None) -> Litestar:
    """The web application of a configuration. `knowledge` spares loading it where it is at hand."""
    # Only here, so that commands without pages do not pay for the web framework.
    from cunyi.web.site import create_site

    return create_site(knowledge or load_knowledge(config.knowledge), largest_body_bytes=_LARGEST_BODY_BYTES)


def serve(host: str, port: int, knowledge: Path | None = None) -> None:
    """Serves the workbench until it is interrupted, and says where it is."""
    import uvicorn

    application = create_app(Config(host=host, port=port, knowledge=knowledge))
    shown = f"[{host}]" if ":" in host else host
    print(f"村医工作台已就绪：http://{shown}:{port}/ （按 Ctrl+C 停止）", flush=True)
    # No access log: what a doctor does is not written down by the way.
    uvicorn.run(application, host=host, port=port, log_level="warning", access_log=False)
