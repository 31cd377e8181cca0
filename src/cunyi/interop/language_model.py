"""A language model behind an OpenAI-compatible endpoint: one question, one answer, within a time and a size. Off unless configured."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from urllib.parse import urlsplit

import msgspec

from cunyi.domain.opinion import WordingRefusal, WordingRefusedError

_LARGEST_ANSWER_BYTES = 200_000
_CHUNK_BYTES = 16_384
_MOST_AT_ONCE = 2
_OK = 200
_REDIRECTS = range(300, 400)


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the model is (语言模型设置): the address up to `/v1`, its name, its key (None: none is sent), seconds for one answer."""

    url: str
    model: str
    key: str | None = None
    timeout_s: float = 15

    def __repr__(self) -> str:
        """Without the key."""
        return f"ModelSettings(model={self.model!r})"


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: list[_Choice]


class LanguageModel:
    """Asks the configured model (语言模型). It follows no redirect, uses no proxy, and gives up when its time is over."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)

    @property
    def name(self) -> str:
        """The model's name, to be shown beside what it wrote."""
        return self._settings.model

    def reply(self, instruction: str, text: str) -> str:
        """What the model says to `text`. WordingRefusedError says why there is no usable answer; never with what was sent."""
        if not self._free.acquire(blocking=False):
            raise WordingRefusedError(WordingRefusal.BUSY)
        try:
            body = self._ask(instruction, text)
        finally:
            self._free.release()
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WordingRefusedError(WordingRefusal.NOT_READABLE) from error
        if not answer.choices:
            raise WordingRefusedError(WordingRefusal.NOT_READABLE)
        return answer.choices[0].message.content

    def _ask(self, instruction: str, text: str) -> bytes:
        settings, address = self._settings, urlsplit(self._settings.url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=settings.timeout_s)
        late, lines = threading.Event(), list[socket.socket]()

        def give_up() -> None:
            late.set()
            for line in lines:
                # It may be closed already by the other side.
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

        # A socket's own time-out starts anew with every byte; this one counts for the whole exchange.
        watch = threading.Timer(settings.timeout_s, give_up)
        watch.daemon = True
        watch.start()
        try:
            connection.connect()
            # The connection forgets its socket once an answer without a length has begun.
            lines.append(connection.sock)
            return self._exchange(connection, f"{address.path.rstrip('/')}/chat/completions", instruction, text, late)
        except TimeoutError as error:
            raise WordingRefusedError(WordingRefusal.SLOW) from error
        except (OSError, http.client.HTTPException, ssl.SSLError) as error:
            raise WordingRefusedError(WordingRefusal.SLOW if late.is_set() else WordingRefusal.UNREACHABLE) from error
        finally:
            watch.cancel()
            connection.close()

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, instruction: str, text: str, late: threading.Event
    ) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._settings.key:
            headers["Authorization"] = f"Bearer {self._settings.key}"
        asked = {
            "model": self._settings.model,
            "messages": [{"role": "system", "content": instruction}, {"role": "user", "content": text}],
            "temperature": 0,
            "stream": False,
            "response_format": {"type": "json_object"},
        }
        connection.request("POST", path, json.dumps(asked, ensure_ascii=False).encode(), headers)
        answer = connection.getresponse()
        if answer.status in _REDIRECTS:
            raise WordingRefusedError(WordingRefusal.REDIRECTED)
        if answer.status != _OK:
            raise WordingRefusedError(WordingRefusal.UNREACHABLE)
        body = b""
        while chunk := answer.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > _LARGEST_ANSWER_BYTES:
                raise WordingRefusedError(WordingRefusal.TOO_LONG)
        if late.is_set():
            raise WordingRefusedError(WordingRefusal.SLOW)
        return body
