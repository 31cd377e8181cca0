"""How the API describes a case in OpenAPI, and where a fact stands in its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar._openapi.schema_generation import SchemaCreator
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from cunyi.domain.case import TEXT_FIELDS, VITAL_FIELDS
from cunyi.domain.finding import Onset, Severity, Span, Status, When, Who

_OPEN_TEXT = Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL])
_EXAMPLE: dict[str, Any] = {
    "id": "1",
    "sex": "female",
    "age_years": 62,
    "chief_complaint": "咳嗽、发热3天",
    "history_of_present_illness": "3天前受凉后咳嗽，咳黄痰，发热，无胸痛。",
    "vitals": {"temperature_c": 38.6, "respiratory_rate_bpm": 24},
    "labs": [{"name": "白细胞", "value": 13.2, "unit": "10^9/L"}],
}


def _text_list() -> Schema:
    named = Schema(type=OpenAPIType.OBJECT, properties={"name": Schema(type=OpenAPIType.STRING)}, required=["name"])
    entry = Schema(one_of=[Schema(type=OpenAPIType.STRING), named])
    return Schema(type=[OpenAPIType.ARRAY, OpenAPIType.NULL], items=entry)


def _number(lowest: float, highest: float) -> Schema:
    return Schema(type=[OpenAPIType.NUMBER, OpenAPIType.NULL], minimum=lowest, maximum=highest)


def _words(kind: Any, *, empty: bool = True) -> Schema:
    words: list[Any] = [word.value for word in kind]
    return Schema(enum=[*words, None] if empty else words)


def _objects(properties: dict[str, Schema], required: list[str]) -> Schema:
    entry = Schema(type=OpenAPIType.OBJECT, properties=dict(properties), required=required)
    return Schema(type=[OpenAPIType.ARRAY, OpenAPIType.NULL], items=entry)


def case_schema() -> Schema:
    """A case as the API takes it; every field but the object itself may be missing."""
    result = Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.NUMBER)])
    laboratory = {"name": Schema(type=OpenAPIType.STRING), "value": result, "unit": _OPEN_TEXT}
    finding = {
        "finding": Schema(type=OpenAPIType.STRING, description="Id of a finding of the knowledge in force"),
        "status": _words(Status, empty=False),
        "who": _words(Who),
        "when": _words(When),
        "onset": _words(Onset),
        "severity": _words(Severity),
        "duration_days": _number(0, 50_000),
    }
    previous = {
        "item": Schema(type=OpenAPIType.STRING),
        "value": Schema(type=OpenAPIType.NUMBER, minimum=0, maximum=1_000_000),
        "days_ago": Schema(type=OpenAPIType.NUMBER, minimum=0, maximum=50_000),
    }
    vitals = Schema(
        type=[OpenAPIType.OBJECT, OpenAPIType.NULL],
        properties={name: _number(0, 1000) for name in VITAL_FIELDS},
        additional_properties=False,
    )
    properties: dict[str, Any] = {
        "id": Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)]),
        "sex": Schema(enum=["male", "female", None]),
        "age_years": _number(0, 130),
        **{name: _OPEN_TEXT for name in TEXT_FIELDS},
        "vitals": vitals,
        "labs": _objects(laboratory, ["name", "value"]),
        "findings": _objects(finding, ["finding"]),
        "medications": _text_list(),
        "allergies": _text_list(),
        "problems": _text_list(),
        "previous": _objects(previous, ["item", "value", "days_ago"]),
        "pregnant": Schema(type=[OpenAPIType.BOOLEAN, OpenAPIType.NULL]),
        "month": Schema(type=[OpenAPIType.INTEGER, OpenAPIType.NULL], minimum=1, maximum=12),
        "candidates": _text_list(),
    }
    return Schema(type=OpenAPIType.OBJECT, title="Case", properties=properties)


@dataclass
class AssessOperation(Operation):
    """The operation with its request body, which is read and checked by the case reader and not by the framework."""

    def __post_init__(self) -> None:
        """Adds the description of the body."""
        example = Example(summary="A cough with fever", value=_EXAMPLE)
        media = OpenAPIMediaType(schema=case_schema(), examples={"cough": example})
        self.request_body = RequestBody(content={"application/json": media}, required=True)


class SpanSchemaPlugin(OpenAPISchemaPlugin):
    """Describes a span as it is written: field name, start, end (code points, end exclusive)."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Only spans."""
        return value is Span

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """A list of a text and two numbers."""
        part = Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)])
        return Schema(type=OpenAPIType.ARRAY, items=part, min_items=3, max_items=3)
