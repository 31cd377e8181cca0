"""The HTTP API: POST /api/assess, the version of the knowledge, and whether the node is up."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.openapi import ResponseSpec
from litestar.types import ControllerRouterHandler

from cunyi.domain.assessment import Assessment
from cunyi.domain.errors import UserError
from cunyi.domain.intake import parse_case
from cunyi.journeys.assess_case import assess_case
from cunyi.reasoning.prepared import Knowledge
from cunyi.version import ENGINE_VERSION
from cunyi.web.api_schema import AssessOperation


class Refusal(msgspec.Struct, frozen=True):
    """Which field cannot be used and what to do."""

    field: str | None
    message: str


class RefusalAnswer(msgspec.Struct, frozen=True):
    """The one shape of an error."""

    error: Refusal


class Versions(msgspec.Struct, frozen=True):
    """What answers: the knowledge base by the hash of its bytes, and the engine."""

    knowledge_version: str
    engine_version: str
    diseases: int
    findings: int


class Health(msgspec.Struct, frozen=True):
    """The node is up and has its knowledge."""

    status: str
    knowledge_version: str


def api_routes(knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of the API over one knowledge base."""

    @post(
        "/api/assess",
        operation_class=AssessOperation,
        status_code=200,
        summary="Assess a case",
        description="One case in, one explained assessment out. Nothing of the case is stored or logged.",
        responses={400: ResponseSpec(RefusalAnswer, description="A field cannot be used")},
        tags=["assessment"],
    )
    async def assess_one(request: Request[Any, Any, Any]) -> Response[Assessment]:
        case = parse_case(_decode(await request.body()))
        # In a thread: one very long text must not make everybody else wait.
        return Response((await sync_to_thread(assess_case, case, knowledge)).assessment)

    @get("/api/knowledge/version", summary="Version of the knowledge in force", tags=["node"], sync_to_thread=False)
    def knowledge_version() -> Versions:
        return Versions(
            knowledge.version, ENGINE_VERSION, len(knowledge.content.diseases), len(knowledge.content.findings)
        )

    @get("/health", summary="Whether the node is up", tags=["node"], media_type=MediaType.JSON, sync_to_thread=False)
    def health() -> Health:
        return Health("ok", knowledge.version)

    return [assess_one, knowledge_version, health]


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UserError("请求正文不是完整的 JSON；请检查引号、括号和编码（UTF-8）", field="") from None
