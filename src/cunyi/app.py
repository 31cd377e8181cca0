"""The composition root: knowledge loaded once, rooms wired together, the server started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from cunyi.config import Config, read_config
from cunyi.domain.errors import KnowledgeError, UserError
from cunyi.domain.organisation import NodeRole
from cunyi.reasoning.prepared import Knowledge, prepare

if TYPE_CHECKING:
    from litestar import Litestar

    from cunyi.journeys.bench import Bench
    from cunyi.journeys.seat import Seat
    from cunyi.web.doctor.synchronisation import Ways

_LARGEST_BODY_BYTES = 256_000
_LONGEST_ENDING_S = 10
_LONGEST_START_S = 20
_EVERY_ADDRESS = "0.0.0.0"
_NOT_STARTED = 3


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


def create_app(
    config: Config,
    knowledge: Knowledge | None = None,
    *,
    seat: Seat | None = None,
    shown_account: tuple[str, str] | None = None,
    bench: Bench | None = None,
    ways: Ways | None = None,
) -> Litestar:
    """The web application of a configuration: a node's pages, or without a `seat` the workbench alone.

    `knowledge` spares loading it where it is at hand; `shown_account` stands on the login page of a demonstration. `bench`
    are the instruments of the node, `ways` how it reaches its hub and other kits; whoever starts and stops them is the caller.
    """
    # Only here, so that commands without pages do not pay for the web framework.
    from cunyi.interop.language_model import LanguageModel
    from cunyi.web.site import create_site

    return create_site(
        knowledge or load_knowledge(config.knowledge),
        largest_body_bytes=_LARGEST_BODY_BYTES,
        seat=seat,
        shown_account=shown_account,
        bench=bench,
        writer=LanguageModel(config.language_model) if config.language_model else None,
        public_address=config.public_address or "",
        hear=_hearing(config),
        hub=config.role is NodeRole.HUB,
        line=config.line,
        ways=ways,
    )


def _hearing(config: Config) -> Callable[[bytes, str], str] | None:
    from cunyi.interop.speech import SpeechService

    return SpeechService(config.speech).words_of if config.speech else None


def serve(config: Config) -> None:
    """Serves the workbench alone, without records, until it is interrupted."""
    _run(config, create_app(config), "村医工作台已就绪")


def serve_node(config: Config, *, clock: Callable[[], datetime]) -> None:
    """Serves a node's pages until it is interrupted. UserError where no node was set up yet."""
    from cunyi.journeys.bench import Bench

    seat, knowledge = _seat(config, clock), load_knowledge(config.knowledge)
    bench = Bench(seat, knowledge)
    bench.start()
    try:
        with _reaching(config, seat) as ways:
            application = create_app(config, knowledge, seat=seat, bench=bench, ways=ways)
            with _for_phones(config, knowledge, seat, bench):
                _run(config, application, "村医已就绪，请登录", ending=bench.end_streams)
    finally:
        bench.stop()
        seat.close()


@contextlib.contextmanager
def _reaching(config: Config, seat: Seat) -> Iterator[Ways]:
    """What talks with the hub, and lets other kits in, for as long as the node is served."""
    from urllib.parse import urlsplit

    from cunyi.journeys.meeting_kits import Meetings
    from cunyi.journeys.synchronising import Synchroniser
    from cunyi.web.doctor.synchronisation import Ways

    folder = None if config.database is not None else config.data_folder
    public = urlsplit(config.public_address or "").hostname or ""
    synchroniser = Synchroniser(seat, settings=config.line, every_s=config.sync_every_s, folder=folder)
    meetings = Meetings(seat, port=config.port, host=config.host, public_host=public)
    synchroniser.start()
    try:
        yield Ways(synchroniser=synchroniser, meetings=meetings)
    finally:
        synchroniser.stop()


def serve_hub(config: Config, *, clock: Callable[[], datetime], workers: int = 1) -> None:
    """Serves a hub: its users' pages and what its nodes say, until it is interrupted. It has no instruments.

    Several `workers` keep nothing that another would lack; they need a database server, as an encrypted folder is opened by each
    process that somebody logs in to.
    """
    if workers > 1 and config.database is None:
        raise UserError("几个进程同时服务要用 PostgreSQL（--database）；数据文件夹只能用一个进程", field="--workers")
    seat = _seat(config, clock)
    try:
        if workers == 1:
            application = create_app(config, seat=seat)
            _run(config, application, "村医中心已就绪，请登录")
            return
    finally:
        seat.close()
    _run_workers(config, workers)


def hub_application() -> Litestar:
    """The application of one of several workers of a hub, as the environment configures it."""
    from datetime import UTC

    config = read_config()
    return create_app(config, seat=_seat(config, lambda: datetime.now(UTC)))


def serve_demonstration(config: Config, data: Path | None, *, clock: Callable[[], datetime]) -> None:
    """Serves a node with a small invented village, made at the first start in `data`, or beside the real data."""
    from cunyi.journeys.demonstration import SHOWN_ACCOUNT, open_demonstration
    from cunyi.journeys.simulated_bench import open_simulated_bench
    from cunyi.store.folder import Folder
    from cunyi.store.passwords import Cost

    knowledge = load_knowledge(config.knowledge)
    beside = config.data_folder.with_name(config.data_folder.name + "-demonstration")
    folder = Folder(data or beside)
    if not folder.is_set_up:
        print("第一次运行：正在建立演示村（虚构的村民和记录）……", flush=True)
    seat = open_demonstration(folder, knowledge, clock=clock, cost=Cost())
    try:
        login, password = SHOWN_ACCOUNT
        with open_simulated_bench(seat, knowledge) as bench:
            application = create_app(config, knowledge, seat=seat, shown_account=SHOWN_ACCOUNT, bench=bench)
            with _for_phones(config, knowledge, seat, bench):
                _run(
                    config, application, f"村医演示已就绪（用户名 {login}，密码 {password}）", ending=bench.end_streams
                )
    finally:
        seat.close()


def _seat(config: Config, clock: Callable[[], datetime]) -> Seat:
    # Only here, so that commands without records do not pay for the database.
    from cunyi.journeys.seat import Seat
    from cunyi.store.engine import open_postgresql
    from cunyi.store.folder import Folder
    from cunyi.store.migrating import bring_up_to_date
    from cunyi.store.nodes import open_node
    from cunyi.store.passwords import Cost

    as_hub = config.role is NodeRole.HUB
    if config.database is not None:
        engine = open_postgresql(config.database)
        bring_up_to_date(engine)
        store = open_node(engine, clock=clock, county=config.county)
        return Seat(clock=clock, cost=Cost(), store=store, as_hub=as_hub)
    folder = Folder(config.data_folder)
    folder.end_erasing()
    if not folder.is_set_up and folder.revocation() is None:
        raise UserError(
            f"{folder.path} 里还没有节点。先建立：cunyi init（--help 看写法）；只想试用：cunyi serve --demonstration",
            field="data",
        )
    return Seat(clock=clock, cost=Cost(), folder=folder, as_hub=as_hub)


@contextlib.contextmanager
def _for_phones(config: Config, knowledge: Knowledge, seat: Seat, bench: Bench) -> Iterator[None]:
    """The villager's pages on their own port, for as long as the node is served; nothing where no port is set."""
    if config.public_port is None:
        yield
        return
    import uvicorn

    from cunyi.web.public_site import create_public_site

    application = create_public_site(
        knowledge, seat, bench.tell_alarm, largest_body_bytes=_LARGEST_BODY_BYTES, hear=_hearing(config)
    )
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            host=_EVERY_ADDRESS,
            port=config.public_port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_LONGEST_ENDING_S,
        )
    )
    serving = threading.Thread(target=server.run, name="phones", daemon=True)
    serving.start()
    deadline = time.monotonic() + _LONGEST_START_S
    while not server.started and serving.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    if not server.started:
        raise UserError(f"村民用的端口 {config.public_port} 打不开；请换一个", field="CUNYI_PUBLIC_PORT")
    print(f"村民预问诊页已在端口 {config.public_port} 打开（只有预问诊，没有医生的页面）", flush=True)
    try:
        yield
    finally:
        server.should_exit = True
        serving.join(2 * _LONGEST_ENDING_S)


def _run(config: Config, application: Litestar, ready: str, *, ending: Callable[[], None] | None = None) -> None:
    """Serves until it is interrupted. `ending` is called then, before the server waits for the answers under way."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # A stream of events is an answer under way for as long as its page is open.
            if ending is not None:
                ending()
            await super().shutdown(sockets)

    shown = f"[{config.host}]" if ":" in config.host else config.host
    print(f"{ready}：http://{shown}:{config.port}/ （按 Ctrl+C 停止）", flush=True)
    # No access log: what a doctor does is not written down by the way.
    settings = uvicorn.Config(
        application,
        host=config.host,
        port=config.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_LONGEST_ENDING_S,
    )
    server = Server(settings)
    if threading.current_thread() is threading.main_thread():
        # How a service is stopped: what is open is closed as after Ctrl+C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    # uvicorn raises the signal again once it has ended.
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(_NOT_STARTED)


def _run_workers(config: Config, workers: int) -> None:
    """Serves with several processes that share one socket; one that dies is replaced."""
    import uvicorn

    # What the command line said reaches the workers as the environment would have said it.
    os.environ["CUNYI_DATABASE"] = config.database or ""
    os.environ["CUNYI_ROLE"] = NodeRole.HUB
    os.environ["CUNYI_COUNTY"] = config.county or ""
    shown = f"[{config.host}]" if ":" in config.host else config.host
    print(f"村医中心已就绪，请登录：http://{shown}:{config.port}/ （{workers} 个进程；按 Ctrl+C 停止）", flush=True)
    uvicorn.run(
        "cunyi.app:hub_application",
        factory=True,
        host=config.host,
        port=config.port,
        workers=workers,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_LONGEST_ENDING_S,
    )
