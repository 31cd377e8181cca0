"""After a busy day no secret stands in plain bytes where it must not: files, output of the program, addresses, errors."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes
from uuid import uuid4

import httpx
import pytest
from clinic_day import Desk
from litestar import Litestar
from litestar.testing import RequestFactory
from msgspec.structs import replace
from node_for_tests import CHEAP, SETUP, VILLAGES, Clock
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cunyi.authoring.build import compile_library, to_bytes
from cunyi.journeys import keeping_accounts
from cunyi.journeys.registering import change_person, read_person
from cunyi.journeys.safekeeping import make_backup
from cunyi.journeys.setting_up import set_up
from cunyi.store import people, schema
from cunyi.store.engine import DatabaseDefectError
from cunyi.store.folder import Folder
from cunyi.web.gate import COOKIE
from cunyi.web.refusals import fail

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
VILLAGE = next(iter(VILLAGES))
WROTE = "wrote "

# What the database must hold, and nothing beside it. No real person: the number fits the rule by its check digit alone.
NAME, CONTACT, DOCTOR = "欧阳秋菊", "钟离大山", "李建国"
NUMBER, PHONE, CONTACT_PHONE = "360731196308174026", "13979786421", "15279713068"
LOGIN = "doctor-shangping"
COMPLAINT, CORRECTED, HISTORY = "咳嗽带黄痰五天", "咳嗽带白痰五天", "夜里盗汗并体重下降"
REACTION, TYPED = "全身起风团", "沙洲坝祠堂隔壁第三家"
IN_DATABASE = {
    "name": NAME,
    "name of a relative": CONTACT,
    "name of the doctor": DOCTOR,
    "ID number": NUMBER,
    "phone": PHONE,
    "login name": LOGIN,
    "complaint": COMPLAINT,
    "corrected complaint": CORRECTED,
    "allergy": REACTION,
    "phone of a relative": CONTACT_PHONE,
}
# What stands packed in it.
PACKED = {"history": HISTORY, "unfinished form": TYPED}
PASSWORD, NEW_PASSWORD, PIN = "camphor-by-the-brook-7", "ferry-under-the-bridge-4", "48205173"
# A password typed where the name belongs, a PIN that is nearly right.
MISTAKES = {
    "mistyped password": "camphor-by-the-brok-7",
    "login of nobody": "camphor-by-the-brook",
    "wrong PIN": "48205137",
}
WRITTEN = {
    "kind": "outpatient",
    "chief_complaint": COMPLAINT,
    "history_of_present_illness": HISTORY,
    "temperature_c": "38.6",
    "diagnosis_name": "肺炎",
    "diagnosis_certainty": "provisional",
    "diagnosis_chronic": "no",
    "drug_name": "对乙酰氨基酚",
    "drug_dose": "0.5g",
    "drug_days": "3",
    "advice": f"{NAME}多喝水",
    "window": "w1",
    "stroke": "1",
}


def written_forms(secret: str | bytes) -> set[bytes]:
    """Every way in which a secret may stand somewhere; numbers stand backwards in the index of the search."""
    raw = secret.encode() if isinstance(secret, str) else secret
    packed = {raw.hex(), raw.hex().upper()}
    packed |= {encode(raw).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    if isinstance(secret, bytes):
        return {raw, *(form.encode() for form in packed)}
    words = {secret, secret.upper(), secret[::-1], quote(secret), json.dumps(secret)[1:-1], repr(raw)[2:-1], *packed}
    return {form.encode(encoding) for form in words for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")}


def seen_in(content: bytes, secrets: Mapping[str, str | bytes]) -> list[str]:
    """The names of the secrets that stand in some bytes."""
    return [name for name, secret in secrets.items() if any(form in content for form in written_forms(secret))]


def leaks(folder: Path, secrets: Mapping[str, str | bytes]) -> list[str]:
    """Which secrets stand in which file, or in its name."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = path.name.encode() + path.read_bytes()
        found += [f"{name} in {path.relative_to(folder)}" for name in seen_in(content, secrets)]
    return found


@dataclass
class Visitor:
    """A browser that remembers every address it asked for, was sent to, or was shown."""

    client: httpx.Client
    addresses: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)

    def ask(self, method: str, path: str, status: int, **sent) -> httpx.Response:
        answer = self.client.request(method, path, **sent)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        self.addresses |= {str(answer.url), answer.headers.get("location", "")}
        if "html" in answer.headers.get("content-type", ""):
            self.addresses |= set(re.findall(r'\s(?:href|src|action|formaction|hx-[a-z]+)="([^"]*)"', answer.text))
            self.addresses |= set(re.findall(r'\s[\w-]+="(/[^"]*)"', answer.text))
            self.forms |= set(re.findall(r"<form\b.*?</form>", answer.text, re.DOTALL))
        return answer

    def get(self, path: str, status: int = 200) -> httpx.Response:
        return self.ask("GET", path, status)

    def post(self, path: str, status: int = 303, **fields: str) -> str:
        """Where the answer leads to."""
        return self.ask("POST", path, status, data=fields).headers.get("location", "")


@dataclass
class Day:
    """What a day left behind."""

    place: Path
    secrets: dict[str, str | bytes]
    recovery_code: str
    output: str = ""
    addresses: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)
    found_at_work: list[str] = field(default_factory=list)
    files_at_work: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Folder:
        return Folder(self.place / "node")


def work(visitor: Visitor, day: Day) -> None:
    """Everything that people do in a day."""
    log_in_after_mistakes(visitor, day)
    visitor.post("/me/pin", 400, pin_password=MISTAKES["mistyped password"], pin=PIN)
    visitor.post("/me/pin", 200, pin_password=PASSWORD, pin=PIN)
    visitor.post("/people/search", 200, words=NAME, everywhere="yes")
    visitor.post("/people/new/begin", 200, words=NUMBER)
    visitor.post("/people/read-identifier", 200, identifier=NUMBER)
    form = {"name": NAME, "identifier": NUMBER, "phone": PHONE, "village_code": VILLAGE, "household_id": "new"}
    form |= {"contact_name": CONTACT, "contact_phone": CONTACT_PHONE, "contact_relation": ""}
    visitor.post("/people/new", 400, **form, birth_on="2001-02-31")
    record = visitor.post("/people/new", **form)
    visitor.post("/people/typed", 200, name=CONTACT, phone=CONTACT_PHONE, address=TYPED)
    person = record.rsplit("/", 1)[1]
    for words in (NAME, NUMBER, NUMBER[-6:], PHONE, "oyqj"):
        assert person in visitor.ask("POST", "/people/search", 200, data={"words": words}).text
    visitor.post(f"{record}/check-in", why=COMPLAINT)
    for page in ("/", "/people", "/people/new", record, f"{record}/edit", f"{record}/audit", f"{record}/trends.json"):
        visitor.get(page)
    visitor.post(f"{record}/lists", kind="allergy", name="青霉素", detail=REACTION)
    visitor.post(f"{record}/lists", 400, kind="allergy", name=" ", detail=REACTION)

    draft = visitor.post(f"{record}/encounter")
    now = datetime.now().astimezone()
    visit = {**WRITTEN, "occurred_on": now.date().isoformat(), "occurred_time": f"{now:%H:%M}"}
    visitor.post(f"{draft}/keep", 200, **visit)
    store = day.folder.open(day.folder.keyring().open(LOGIN, PASSWORD), clock=lambda: datetime.now(UTC))
    make_backup(store, day.folder, day.place / "backups" / "cunyi.backup")
    store.close()
    visitor.post(f"{draft}/sign", 400, **visit | {"diagnosis_name": ""})
    signed = visitor.post(f"{draft}/sign", **visit)
    encounter = signed.rsplit("/", 1)[1]
    correction = visitor.post(f"{signed}/amend")
    visit["chief_complaint"] = CORRECTED
    visitor.post(f"{correction}/sign", 400, **visit)
    visitor.post(f"{correction}/sign", **visit, amendment_reason="听错了")
    for page in (signed, record, f"/print/encounter/{encounter}", f"/print/prescription/{encounter}"):
        visitor.get(page)
    visitor.get(f"/print/readings/{person}?paper=a4")
    visitor.post("/lock")
    visitor.get(record, 303)
    visitor.post("/unlock", 400, secret=MISTAKES["wrong PIN"])
    visitor.post("/unlock", secret=PIN, next=record)
    visitor.post("/me/password", 200, old_password=PASSWORD, password=NEW_PASSWORD, password_again=NEW_PASSWORD)


def log_in_after_mistakes(visitor: Visitor, day: Day) -> None:
    # Before the database is open, and after.
    for _ in range(2):
        visitor.post("/login", 400, login=LOGIN, password=MISTAKES["mistyped password"])
        visitor.post("/login", 400, login=MISTAKES["login of nobody"], password=PASSWORD)
        visitor.post("/login", 400, login=PASSWORD, password="")
        visitor.post("/login", login=LOGIN, password=PASSWORD)
    day.secrets["session token"] = visitor.client.cookies[COOKIE]


def go_wrong(visitor: Visitor, port: int) -> None:
    """Everything that a program is tempted to write down what was sent for."""
    body = {"name": NAME, "identifier": NUMBER, "chief_complaint": COMPLAINT}
    visitor.post("/broken", 500, name=f"{NAME} {NUMBER} {COMPLAINT}")
    visitor.post("/nowhere", 404, **body)
    visitor.get(f"/people/{uuid4()}", 400)
    visitor.ask("DELETE", "/people/search", 405)
    visitor.post("/people/new", 400, **body, birth_on=COMPLAINT, phone=PHONE + "x")
    visitor.post("/people/typed", 400, **body, person_id=NAME)
    visitor.post("/people/search", 413, words=NAME * 100_000)
    visitor.ask("POST", "/people/search", 403, data={"words": NAME}, headers={"origin": "http://elsewhere.example"})
    visitor.ask("POST", "/people/search", 200, files={"words": (NAME, NAME)})
    torn = {"content-type": "multipart/form-data; boundary=x"}
    visitor.ask("POST", "/people/search", 400, content=f"--x\r\n{NAME}".encode(), headers=torn)
    visitor.ask("POST", "/api/assess", 400, content=f'{{"chief_complaint": "{NAME}{COMPLAINT}'.encode())
    visitor.ask("POST", "/api/assess", 400, json={"chief_complaint": {"words": NAME}})
    # What somebody types into the address bar is not written down either; no page leads there.
    visitor.client.get(f"/people/{quote(NAME)}?phone={PHONE}")
    for request in (
        f"POST /{NAME} HTTP/9\r\n{NAME}\r\n\r\n",
        f"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nlogin={LOGIN}&password={PASSWORD}",
    ):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1000)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, mini_library) -> Iterator[Day]:
    place = tmp_path_factory.mktemp("day")
    for name in ("temporary", "home", "backups"):
        (place / name).mkdir()
    made = set_up(
        Folder(place / "node"), replace(SETUP, login=LOGIN, name=DOCTOR, password=PASSWORD), clock=Clock(), cost=CHEAP
    )
    made.seat.close()
    key = Folder(place / "node").keyring().open(LOGIN, PASSWORD)
    secrets = IN_DATABASE | PACKED | MISTAKES | {"password": PASSWORD, "new password": NEW_PASSWORD, "PIN": PIN}
    secrets |= {"database key": key.raw, "recovery code": made.recovery_code}
    secrets |= {"recovery code without dashes": made.recovery_code.replace("-", "")}
    day = Day(place, secrets, made.recovery_code)
    knowledge = tmp_path_factory.mktemp("knowledge") / "knowledge.json"
    knowledge.write_bytes(to_bytes(compile_library(mini_library)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home, temporary, said = str(place / "home"), str(place / "temporary"), place / "output.txt"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1",
        "HOME": home, "XDG_CACHE_HOME": home, "XDG_DATA_HOME": home, "XDG_STATE_HOME": home,
        "TMPDIR": temporary, "SQLITE_TMPDIR": temporary,
    }  # fmt: skip
    arguments = [sys.executable, str(HERE / "serving_child.py"), str(place / "node"), str(port), str(knowledge)]
    with said.open("wb") as output:
        child = subprocess.Popen(arguments, stdout=output, stderr=output, env=environment, cwd=home)
    try:
        accept = {"accept": "text/html"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=accept, timeout=30) as client:
            until_it_answers(client, child, said)
            visitor = Visitor(client)
            work(visitor, day)
            go_wrong(visitor, port)
        day.files_at_work = {path.name for path in (place / "node").iterdir()}
        day.found_at_work = leaks(place, day.secrets)
    finally:
        child.terminate()
        try:
            child.wait(20)
        finally:
            child.kill()
    day.output = said.read_text(encoding="utf-8")
    day.addresses, day.forms = visitor.addresses, visitor.forms
    yield day


def until_it_answers(client: httpx.Client, child: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert child.poll() is None and time.monotonic() < deadline, said.read_text(encoding="utf-8")
        try:
            client.get("/health")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


def test_no_file_of_a_node_at_work_holds_a_secret(day: Day) -> None:
    assert day.files_at_work >= {"cunyi.db", "cunyi.db-wal", "cunyi.db-shm", "keyring.json", "audit.head"}
    assert day.found_at_work == []


def test_no_file_that_the_day_left_holds_a_secret(day: Day) -> None:
    assert (day.place / "backups" / "cunyi.backup").stat().st_size > 100_000
    assert leaks(day.place, day.secrets) == []


def test_the_program_writes_nothing_beside_its_folder(day: Day) -> None:
    assert [path for name in ("temporary", "home") for path in (day.place / name).iterdir()] == []
    written = {Path(line.removeprefix(WROTE)) for line in day.output.splitlines() if line.startswith(WROTE)}
    assert any(path.name.startswith("audit.head") for path in written), "the child tells what it writes"
    assert {path.parent for path in written} == {day.folder.path}


def test_the_output_tells_of_the_defect_and_nothing_of_the_patient(day: Day) -> None:
    said = [line for line in day.output.splitlines() if not line.startswith(WROTE)]
    assert any(re.match(r"ValueError at serving_child\.py:\d+", line) for line in said)
    assert seen_in(day.output.encode(), day.secrets) == []
    assert "Traceback" not in day.output


def test_no_address_holds_what_was_typed(day: Day) -> None:
    assert len(day.addresses) > 40 and any("/print/prescription/" in address for address in day.addresses)
    # A telephone number is dialled, not asked for.
    asked_for = [address for address in day.addresses if not re.fullmatch(r"tel:[0-9]+", address)]
    assert [address for address in asked_for if seen_in(unquote_to_bytes(address), day.secrets)] == []
    by_address = [form for form in day.forms if not re.match(r'<form[^>]*method="post"', form)]
    typed_into = r'<textarea|<input(?![^>]*type="(?:hidden|checkbox|radio|submit|date)")'
    assert [form for form in by_address if re.search(typed_into, form)] == [], "such a form puts words into an address"


def test_the_search_finds_what_is_planted(day: Day, tmp_path: Path) -> None:
    for number, (name, secret) in enumerate(day.secrets.items()):
        plain = secret.encode("gbk") if isinstance(secret, str) else secret.hex().upper().encode()
        (tmp_path / str(number)).write_bytes(b"\x00\xff" + plain + b"\x81")
        assert f"{name} in {number}" in leaks(tmp_path, day.secrets)
    key = day.secrets["database key"]
    assert isinstance(key, bytes)
    for form in (key, key.hex().encode(), base64.b64encode(key), NAME.encode("utf-16-le"), NUMBER[::-1].encode()):
        assert len(seen_in(b"\x01" + form + b"\x01", day.secrets)) == 1
    address = f"/people?next=/people%3Fwords%3D{quote(NAME)}"
    assert seen_in(unquote_to_bytes(address), day.secrets) == ["name"]


def test_the_same_data_without_encryption_shows_the_patient_but_no_password(day: Day, tmp_path: Path) -> None:
    keyring = day.folder.keyring()
    key = keyring.open_with_recovery(day.recovery_code)
    assert key == keyring.open(LOGIN, NEW_PASSWORD)
    store = day.folder.open(key, clock=lambda: datetime.now(UTC))
    raw = store.engine.raw_connection()
    copying = raw.driver_connection
    assert copying is not None
    copying.execute("ATTACH DATABASE ? AS plain KEY ''", (str(tmp_path / "plain.db"),))
    copying.execute("SELECT sqlcipher_export('plain')").fetchall()
    copying.execute("DETACH DATABASE plain")
    raw.close()
    store.close()
    assert seen_in((tmp_path / "plain.db").read_bytes(), day.secrets) == list(IN_DATABASE)


LOGIN_OF_COLLEAGUE = "zhonglidashan"
VALUES = {"name": NAME, "ID number": NUMBER, "phone": PHONE, "other phone": CONTACT_PHONE, "login": LOGIN_OF_COLLEAGUE}


def database_errors(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """What leaves the store where steps of the program are broken: a key twice, a row that is not whole, no number."""
    desk.colleague(LOGIN_OF_COLLEAGUE)
    ouyang = desk.register(NAME, identifier=NUMBER, phone=PHONE)
    fields = {"name": [NAME], "village_code": [VILLAGE], "phone": [CONTACT_PHONE]}
    entry = read_person(fields, organisation="360731", person=ouyang, today=desk.today)

    def same_number_twice() -> None:
        monkeypatch.setattr(people, "index_again", lambda connection, person: people._index(connection, [person]))
        change_person(desk.store, desk.account, entry)

    def same_login_twice() -> None:
        monkeypatch.setattr(keeping_accounts, "account_by_login", lambda connection, organisation, login: None)
        desk.colleague(LOGIN_OF_COLLEAGUE)

    def half_a_person() -> None:
        with desk.store.writing(desk.account.id) as writing:
            row = {**people.person_row(ouyang), "id": str(uuid4()), "archive_code": None, "status": None}
            writing.connection.execute(schema.person.insert().values(**row))

    def no_number() -> None:
        # PostgreSQL refuses the words, SQLite the number that cannot be turned round.
        with desk.store.reading() as connection:
            asked = text("SELECT CAST(:words AS integer) + abs(:lowest)")
            connection.execute(asked, {"words": NAME, "lowest": -(2**63)})

    errors = {}
    for break_it in (same_number_twice, same_login_twice, half_a_person, no_number):
        with pytest.raises((SQLAlchemyError, DatabaseDefectError)) as caught:
            break_it()
        errors[break_it.__name__] = caught.value
    return errors


def test_a_database_error_is_logged_without_a_value(desk: Desk, monkeypatch, caplog) -> None:
    # An application of its own would set up logging anew.
    request = RequestFactory(Litestar(logging_config=None)).get("/")
    errors = database_errors(desk, monkeypatch)
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        for error in errors.values():
            assert fail(request, error).status_code == 500
    assert [record.name for record in caplog.records] == ["cunyi.web"] * len(errors)
    assert caplog.text.count("Error at ") == len(errors) and seen_in(caplog.text.encode(), VALUES) == []


def test_a_database_error_names_no_value(desk: Desk, monkeypatch) -> None:
    shown = {}
    for name, error in database_errors(desk, monkeypatch).items():
        words = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)
        shown[name] = seen_in(words.encode(), VALUES)
    assert not any(shown.values()), shown
