"""A speech recogniser of the tests: an endpoint on loopback that keeps what it was asked and answers what the test set."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cunyi.interop.speech import SpeechSettings

_FILE = re.compile(rb'name="file"; filename="([^"]+)"\r\nContent-Type: ([^\r]+)\r\n\r\n', re.S)


class Recogniser(ThreadingHTTPServer):
    """A recogniser of the test: what it answers can be set, what it was asked is kept."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: bytes = '{"text": " 肚子痛两天了 "}'.encode()
        self.status = 200
        self.wait = 0.0
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    def files(self) -> list[tuple[str, str, bytes]]:
        """The name, the kind and the sound of every recording that came."""
        found = []
        for _, headers, body in self.asked:
            mark = headers["Content-Type"].partition("boundary=")[2].encode()
            [part] = [each for each in body.split(b"--" + mark) if b'name="file"' in each]
            head = _FILE.search(part)
            assert head is not None
            found.append((head[1].decode(), head[2].decode(), part[head.end() :].removesuffix(b"\r\n")))
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Recogniser

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        time.sleep(self.server.wait)
        # Who asked may have given up.
        with contextlib.suppress(OSError):
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.answer)))
            self.end_headers()
            self.wfile.write(self.server.answer)

    def log_message(self, *args: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def a_recogniser() -> Iterator[Recogniser]:
    """A recogniser that listens on loopback."""
    server = Recogniser()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def settings(server: Recogniser, **changes) -> SpeechSettings:
    """The settings of a clinic that has this recogniser."""
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    return SpeechSettings(**{"url": address, "model": "listener", "key": "k-1", "timeout_s": 2, **changes})
