"""The HTTP API over a small knowledge base."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CASE = {"id": "7", "sex": "male", "age_years": 60, "chief_complaint": "胸痛、冷汗2小时"}


def test_a_case_gives_an_assessment(client):
    answer = client.post("/api/assess", json=CASE)
    assert answer.status_code == 200
    given = answer.json()
    assert given["id"] == "7"
    assert given["triage"]["level"] == "emergency"
    assert given["differential"][0]["for"][0]["span"][0] == "chief_complaint"
    assert answer.headers["cache-control"] == "no-store"


def test_the_same_case_gives_the_same_bytes(client):
    assert client.post("/api/assess", json=CASE).content == client.post("/api/assess", json=CASE).content


def test_a_bad_field_is_named(client):
    answer = client.post("/api/assess", json={"id": "1", "age_years": 200})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["field"] == "age_years" and "200" in error["message"]


def test_an_unknown_finding_is_named(client):
    answer = client.post("/api/assess", json={"id": "1", "findings": [{"finding": "no_such"}]})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "findings[0].finding"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"1e999", b"[" * 20_000, b'{"id": NaN}'])
def test_a_body_that_is_no_case_is_refused(client, body):
    answer = client.post("/api/assess", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"field", "message"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/api/assess", 405), ("PUT", "/health", 405)]
)
def test_every_refusal_has_the_one_shape(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"field", "message"}
    assert answer.headers["cache-control"] == "no-store" and "content-security-policy" in answer.headers


def test_too_long_a_body_is_refused(client):
    answer = client.post("/api/assess", json={"id": "1", "chief_complaint": "咳" * 1_000_000})
    assert answer.status_code == 413
    assert set(answer.json()["error"]) == {"field", "message"}


def test_a_defect_tells_nothing_of_the_patient(client, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("王小明 胸痛")

    monkeypatch.setattr("cunyi.web.api.assess_case", broken)
    answer = client.post("/api/assess", json=CASE)
    assert answer.status_code == 500
    assert "王小明" not in answer.text and "王小明" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_the_version_and_health_name_the_knowledge(client, mini):
    assert client.get("/api/knowledge/version").json()["knowledge_version"] == mini.version
    assert client.get("/health").json() == {"status": "ok", "knowledge_version": mini.version}


def test_the_description_shows_the_case_and_an_example(client):
    described = client.get("/schema").json()
    body = described["paths"]["/api/assess"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["chief_complaint"]
    assert client.post("/api/assess", json=body["examples"]["cough"]["value"]).status_code == 200


def test_nothing_breaks_whatever_is_sent(client):
    """Schemathesis over every described operation, with good and bad data."""
    schema = schemathesis.openapi.from_asgi("/schema", client.app)
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    for found in schema.get_all_operations():

        @given(case=found.ok().as_strategy())
        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def send(case):
            case.call_and_validate(checks=checks)

        send()
