"""A kit that is busy with what it received does not find its line cut: the hub closed an idle connection, no more."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cunyi.interop import hub_http
from cunyi.interop.hub_http import MEDIA_TYPE, HubLine


class Impatient(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 0.2

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", MEDIA_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_connection_that_lay_idle_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_http, "_KEPT_OPEN_S", 0.1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Impatient)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    try:
        with HubLine(f"http://127.0.0.1:{server.server_address[1]}") as line:
            assert line.send(b"one") == b"one"
            time.sleep(0.5)
            assert line.send(b"two") == b"two"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
