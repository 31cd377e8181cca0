"""Lines for tests: a server that answers as it was told, and a proxy that cuts after so many bytes in either direction."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, dict(self.headers), body))
        self.server.answer(self, body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A line that breaks is what these tests are about."""


def reply(
    handler: http.server.BaseHTTPRequestHandler, body: bytes, status: int = 200, kind: str = "application/octet-stream"
) -> None:
    """An ordinary answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def answering(answer: Callable[[http.server.BaseHTTPRequestHandler, bytes], None]) -> Iterator[_Server]:
    """A server on loopback; what it was asked is in `heard`, its port in `server_address`."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer, server.heard = answer, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class CuttingProxy:
    """Passes bytes on to a port, and cuts each connection once `up` bytes went there or `down` bytes came back (None: never)."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.up: int | None = None
        self.down: int | None = None
        self.passed = {"up": 0, "down": 0}
        self.cuts = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._to), timeout=10)
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                for source, target, way in ((near, far, "up"), (far, near, "down")):
                    threading.Thread(target=self._pass, args=(source, target, way), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, way: str) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(16_384):
                most = getattr(self, way)
                if most is not None and passed + len(data) > most:
                    with contextlib.suppress(OSError):
                        target.sendall(data[: most - passed])
                    self.cuts += 1
                    self._hang_up(source, target)
                    return
                target.sendall(data)
                passed += len(data)
                self.passed[way] += len(data)
        self._hang_up(source, target)

    @staticmethod
    def _hang_up(*lines: socket.socket) -> None:
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def close(self) -> None:
        """Ends every connection."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._hang_up(*self._open)
