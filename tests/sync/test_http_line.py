"""The line to a hub: one message there, one back, whatever stands in between; and what is told when it does not work."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.sync.bad_line import CuttingProxy, answering, reply

from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import HubLine, LineSettings, LineTrouble, NoAnswerError, check_address


def at(server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def trouble(line: HubLine, message: bytes = b"m") -> LineTrouble:
    with pytest.raises(NoAnswerError) as failed:
        line.send(message)
    return failed.value.trouble


def test_a_message_is_answered_and_the_connection_kept(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    ports = []

    def answer(handler, body):
        ports.append(handler.client_address[1])
        reply(handler, b"to " + body)

    with answering(answer) as server, HubLine(at(server) + "/clinic/") as line:
        assert [line.send(bytes([n])) for n in range(3)] == [b"to \0", b"to \1", b"to \2"]
        assert line.sent_bytes == 3 and line.received_bytes == 12
    assert len(set(ports)) == 1
    path, headers, _ = server.heard[0]
    assert path == "/clinic/sync" and headers["Content-Type"] == "application/octet-stream"
    assert "Cookie" not in headers and "Authorization" not in headers


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (413, "application/json", LineTrouble.TOO_LONG),
        (503, "application/json", LineTrouble.HUB_FAILED),
        (404, "application/json", LineTrouble.NO_HUB_THERE),
        (302, "application/octet-stream", LineTrouble.NO_HUB_THERE),
        (200, "text/html", LineTrouble.NO_HUB_THERE),
    ],
)
def test_an_answer_that_is_none_is_told_for_what_it_is(status, kind, told):
    with answering(lambda handler, _: reply(handler, b"x", status, kind)) as server, HubLine(at(server)) as line:
        assert trouble(line) is told
        server.answer = lambda handler, _: reply(handler, b"well")
        assert line.send(b"m") == b"well"


def test_nobody_there():
    with answering(reply) as server:
        address = at(server)
    assert trouble(HubLine(address)) is LineTrouble.UNREACHABLE
    assert trouble(HubLine("http://no-such-host.invalid")) is LineTrouble.UNREACHABLE


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("most", [0, 1, 90, 400])
def test_a_line_that_is_cut_is_told_and_the_next_message_goes(way, most):
    with answering(lambda handler, _: reply(handler, b"y" * 1000)) as server:
        proxy = CuttingProxy(server.server_address[1])
        try:
            with HubLine(proxy.address) as line:
                setattr(proxy, way, most)
                assert trouble(line, b"x" * 1000) is LineTrouble.CUT
                setattr(proxy, way, None)
                assert line.send(b"x" * 1000) == b"y" * 1000
        finally:
            proxy.close()


def test_bytes_that_trickle_do_not_hold_it_for_ever():
    def trickle(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b".")
            handler.wfile.flush()
            time.sleep(0.05)

    with answering(trickle) as server, HubLine(at(server), LineSettings(timeout_s=0.4)) as line:
        begun = time.monotonic()
        assert trouble(line) is LineTrouble.SLOW
        assert time.monotonic() - begun < 2


def test_a_line_that_hangs_is_ended_by_whoever_stops_it():
    held = threading.Event()
    with answering(lambda handler, _: held.wait(10)) as server, HubLine(at(server)) as line:
        stopping = threading.Timer(0.3, line.stop)
        stopping.start()
        assert trouble(line) is LineTrouble.STOPPED
        assert trouble(line) is LineTrouble.STOPPED
        held.set()


def test_an_answer_without_end_is_not_kept():
    def endless(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/octet-stream")
        handler.send_header("Content-Length", str(10**10))
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 1_000_000)

    with answering(endless) as server, HubLine(at(server)) as line:
        assert trouble(line) is LineTrouble.NO_HUB_THERE


@pytest.mark.parametrize(
    "words",
    ["hub", "ftp://hub", "https://", "https://a:b@hub", "https://hub?x=1", "http://hub.example", "http://10.0.0.1"],
)
def test_an_address_that_is_none_or_could_be_read_along_is_refused(words):
    with pytest.raises(UserError) as refused:
        check_address(words, "hub")
    assert refused.value.field == "hub"


def test_an_address_is_kept_without_its_end():
    assert check_address(" https://hub.example/clinic/ ", "hub") == "https://hub.example/clinic"
    assert check_address("http://127.0.0.1:8321", "hub") == "http://127.0.0.1:8321"
    assert check_address("http://[::1]:8321", "hub") == "http://[::1]:8321"


@contextmanager
def over_tls(folder, host):
    """A server whose certificate is for `host`, from an authority of its own in `authority.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(pem)
    (folder / "server.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    with answering(lambda handler, body: reply(handler, body)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield f"https://127.0.0.1:{server.server_address[1]}"


def test_only_a_hub_that_an_authority_vouches_for_is_talked_to(tmp_path):
    with over_tls(tmp_path, "127.0.0.1") as address:
        assert trouble(HubLine(address)) is LineTrouble.CERTIFICATE
        with HubLine(address, LineSettings(ca_file=tmp_path / "authority.pem")) as line:
            assert line.send(b"m") == b"m"


def test_a_certificate_for_another_host_is_none(tmp_path):
    with over_tls(tmp_path, "127.0.0.2") as address:
        line = HubLine(address, LineSettings(ca_file=tmp_path / "authority.pem"))
        assert trouble(line) is LineTrouble.CERTIFICATE
