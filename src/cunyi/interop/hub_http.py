"""The line to a hub, or to a kit nearby: one sealed message there, one back, over HTTPS. What the bytes mean is not known here."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import msgspec

from cunyi.domain.errors import UserError

MEDIA_TYPE = "application/octet-stream"
SYNC_PATH = "/sync"
ENROL_PATH = f"{SYNC_PATH}/enrol"
LARGEST_ANSWER_BYTES = 8_000_000
_CHUNK_BYTES = 65_536
# Servers close a connection that lies idle for five seconds, and keeping a large page can take longer.
_KEPT_OPEN_S = 4.0
_OK, _TOO_LONG, _LOWEST_FAULT = 200, 413, 500


class LineTrouble(StrEnum):
    """Why no answer came (线路问题): what a person can do differs for each."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    CUT = "cut"
    CERTIFICATE = "certificate"
    NO_HUB_THERE = "no_hub_there"
    TOO_LONG = "too_long"
    HUB_FAILED = "hub_failed"
    STOPPED = "stopped"


class NoAnswerError(OSError):
    """No usable answer came (线路不通). Whether the message arrived is not known, so it is safe to send what it held again."""

    def __init__(self, trouble: LineTrouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


class LineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How lines are opened (线路设置): authorities besides the system's for checking who answers, seconds for one answer."""

    ca_file: Path | None = None
    timeout_s: float = 60


def check_address(words: str, field: str) -> str:
    """The address of a hub as it is kept. UserError where it is none, or where somebody on the way could read along."""
    cleaned = words.strip().rstrip("/")
    try:
        address = urlsplit(cleaned)
        usable = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or address.username or address.query or address.fragment:
        raise UserError("中心的地址要写成 https://域名 这样，里面不写用户名和密码", field=field)
    if address.scheme == "http" and not _is_this_machine(address.hostname or ""):
        raise UserError("中心的地址要用 https:// 开头：档案不能在网上明着传", field=field)
    return cleaned


class HubLine:
    """A line to one address (线路): each message is answered by one. The connection is kept for the next until it is closed.

    It follows no redirect and uses no proxy. Nothing of a message is in an address, a header or an error.
    """

    def __init__(self, address: str, settings: LineSettings | None = None, path: str = SYNC_PATH) -> None:
        self._settings = settings or LineSettings()
        self._address = urlsplit(address)
        self._path = self._address.path.rstrip("/") + path
        self._connection: http.client.HTTPConnection | None = None
        self._connected = False
        self._used = 0.0
        self._stopped = threading.Event()
        self.sent_bytes = 0
        self.received_bytes = 0

    def __enter__(self) -> HubLine:
        """Opens nothing yet: the first message does."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connection."""
        self.close()

    def send(self, message: bytes) -> bytes:
        """The answer to a message. NoAnswerError says why none came; the next message opens a new connection."""
        late = threading.Event()
        watch = threading.Timer(self._settings.timeout_s, self._give_up, [late])
        watch.daemon = True
        watch.start()
        try:
            return self._exchange(message)
        except NoAnswerError:
            self.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            trouble = self._trouble(error, late=late.is_set())
            self.close()
            raise NoAnswerError(trouble) from None
        finally:
            watch.cancel()

    def stop(self) -> None:
        """Ends a message under way and every later one, from any thread."""
        self._stopped.set()
        self._cut()

    def close(self) -> None:
        """Closes the connection; the next message opens another."""
        connection, self._connection, self._connected = self._connection, None, False
        if connection is not None:
            connection.close()

    def _exchange(self, message: bytes) -> bytes:
        if self._stopped.is_set():
            raise NoAnswerError(LineTrouble.STOPPED)
        if time.monotonic() - self._used > _KEPT_OPEN_S:
            self.close()
        if self._connection is None:
            self._connection = self._new_connection()
            self._connection.connect()
            self._connected = True
        connection = self._connection
        connection.request("POST", self._path, message, {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE})
        self.sent_bytes += len(message)
        answer = connection.getresponse()
        body, headed = bytearray(), answer.length is not None
        while chunk := answer.read1(_CHUNK_BYTES):
            body += chunk
            self.received_bytes += len(chunk)
            if len(body) > LARGEST_ANSWER_BYTES:
                raise NoAnswerError(LineTrouble.NO_HUB_THERE)
        if answer.length or not (headed or answer.chunked):
            # `read1` ends quietly where the line was cut, and headers end where the line does.
            raise http.client.IncompleteRead(b"", answer.length)
        # Only then is the connection free for the next message.
        answer.close()
        self._used = time.monotonic()
        if answer.status == _TOO_LONG:
            raise NoAnswerError(LineTrouble.TOO_LONG)
        if answer.status >= _LOWEST_FAULT:
            raise NoAnswerError(LineTrouble.HUB_FAILED)
        if answer.status != _OK or answer.headers.get_content_type() != MEDIA_TYPE:
            raise NoAnswerError(LineTrouble.NO_HUB_THERE)
        return bytes(body)

    def _new_connection(self) -> http.client.HTTPConnection:
        host, port, timeout = self._address.hostname or "", self._address.port, self._settings.timeout_s
        if self._address.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=timeout)
        authorities = ssl.create_default_context()
        if self._settings.ca_file is not None:
            authorities.load_verify_locations(self._settings.ca_file)
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=authorities)

    def _give_up(self, late: threading.Event) -> None:
        # A socket's own time-out starts anew with every byte; this one counts for the whole exchange.
        late.set()
        self._cut()

    def _cut(self) -> None:
        connection = self._connection
        line = connection.sock if connection is not None else None
        if line is not None:
            # It may be closed already by the other side.
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _trouble(self, error: Exception, *, late: bool) -> LineTrouble:
        if self._stopped.is_set():
            return LineTrouble.STOPPED
        if late or isinstance(error, TimeoutError):
            return LineTrouble.SLOW
        if isinstance(error, ssl.SSLCertVerificationError):
            return LineTrouble.CERTIFICATE
        return LineTrouble.CUT if self._connected else LineTrouble.UNREACHABLE


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
