"""A speech recogniser behind an OpenAI-compatible endpoint: one recording, its words. Off unless configured."""

from __future__ import annotations

import contextlib
import http.client
import secrets
import socket
import threading
from urllib.parse import urlsplit

import msgspec

from cunyi.domain.errors import UserError

AUDIO_KINDS = {"audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "m4a"}
"""The kinds of recording that browsers make, with the ending that the endpoint knows them by."""

_LARGEST_ANSWER_BYTES = 100_000
_MOST_AT_ONCE = 2
_OK = 200


class SpeechSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the recogniser is (语音识别设置): the address up to `/v1`, the model's name, its key (None: none is sent), seconds for one answer."""

    url: str
    model: str
    key: str | None = None
    timeout_s: float = 20

    def __repr__(self) -> str:
        """Without the key."""
        return f"SpeechSettings(model={self.model!r})"


class _Heard(msgspec.Struct):
    text: str


class SpeechService:
    """Asks the configured recogniser (语音识别). It follows no redirect, uses no proxy, keeps nothing, and gives up when its time is over."""

    def __init__(self, settings: SpeechSettings) -> None:
        self._settings = settings
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def words_of(self, recording: bytes, kind: str) -> str:
        """What was said in a recording of one of AUDIO_KINDS, in Chinese. UserError where nothing usable comes back; never with what was sent."""
        if kind not in AUDIO_KINDS:
            raise UserError("这种录音不能识别；请直接写", field="text")
        if not recording:
            raise _unheard()
        if not self._free.acquire(blocking=False):
            raise UserError("正在识别别人说的话；请等几秒再说，或者直接写", field="text")
        try:
            body = self._ask(recording, kind)
        finally:
            self._free.release()
        try:
            words = msgspec.json.decode(body, type=_Heard).text.strip()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _unheard() from error
        if not words:
            raise _unheard()
        return words

    def _ask(self, recording: bytes, kind: str) -> bytes:
        address = urlsplit(self._settings.url)
        connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = connect(address.hostname or "", address.port, timeout=self._settings.timeout_s)
        lines: list[socket.socket] = []

        def give_up() -> None:
            for line in lines:
                # It may be closed already by the other side.
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

        # A socket's own time-out starts anew with every byte; this one counts for the whole exchange.
        watch = threading.Timer(self._settings.timeout_s, give_up)
        watch.daemon = True
        watch.start()
        try:
            connection.connect()
            lines.append(connection.sock)
            return self._exchange(connection, f"{address.path.rstrip('/')}/audio/transcriptions", recording, kind)
        except (OSError, http.client.HTTPException) as error:
            raise UserError("语音识别现在用不了；请直接写", field="text") from error
        finally:
            watch.cancel()
            connection.close()

    def _exchange(self, connection: http.client.HTTPConnection, path: str, recording: bytes, kind: str) -> bytes:
        mark = secrets.token_hex(16)
        parts = {"model": self._settings.model, "language": "zh", "response_format": "json"}
        named = "".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts.items()
        )
        file = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="said.{AUDIO_KINDS[kind]}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        body = named.encode() + file.encode() + recording + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}", "Accept": "application/json"}
        if self._settings.key:
            headers["Authorization"] = f"Bearer {self._settings.key}"
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        if answer.status != _OK:
            raise http.client.HTTPException
        heard = answer.read(_LARGEST_ANSWER_BYTES + 1)
        if len(heard) > _LARGEST_ANSWER_BYTES:
            raise http.client.HTTPException
        return heard


def _unheard() -> UserError:
    return UserError("没有听清；请再说一遍，或者直接写", field="text")
