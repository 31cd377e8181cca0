"""Asking the experts: the question with the case from an encounter or the record, and the pictures that go along."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.consultation import ConsultationAsked
from cunyi.domain.errors import UserError
from cunyi.journeys.access import require
from cunyi.journeys.attaching import MOST_BYTES, MOST_PICTURES, forget_picture, keep_picture
from cunyi.journeys.consulting_experts import ask, facilities_to_ask, picture_bytes
from cunyi.journeys.form_reading import record_id
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.consultation_case import ProposedCase, propose_case
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form
from cunyi.web.language import ENGLISH

_HTML = "text/html; charset=utf-8"
# The limits of a request around the picture.
_FRAME_BYTES = 4_000


class ConsultationFormPages:
    """The work behind the handlers of a question (会诊申请页)."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge

    def form(
        self,
        request: Request[Any, Any, Any],
        person_id: str,
        given: dict[str, list[str]],
        *,
        errors: dict[str, str] | None = None,
    ) -> str:
        """The form; `given` says which encounter it is about, and holds what was typed where it could not be sent."""
        me = self.gate.me(request)
        require(me.account, Permission.CONSULT)
        proposed = self._proposed(request, person_id, given)
        person = proposed.record.person
        language = language_of(request)
        content = self.knowledge.content
        rules = content.answering
        return self.gate.page(
            request,
            me,
            "doctor/consultation_form.html",
            person=person,
            proposed=proposed,
            thread=first(given, "thread") or str(uuid4()),
            draft=first(given, "draft"),
            encounter=first(given, "encounter"),
            case=first(given, "case") or ("" if errors else proposed.words),
            question=first(given, "question"),
            to_facility=first(given, "to_facility"),
            department=first(given, "department"),
            urgency=first(given, "urgency"),
            plain=bool(errors) and first(given, "with_readings") != "yes",
            unassessed=bool(errors) and first(given, "with_assessment") != "yes",
            picture_ids=given.get("picture", []),
            facilities=facilities_to_ask(self.gate.seat.store, me.account, person.village_code),
            departments=[
                (each.id, each.name_en if language == ENGLISH else each.name) for each in content.departments.values()
            ],
            urgencies=[
                (each.id, each.name_en if language == ENGLISH else each.name, each.answer_minutes)
                for each in (reversed(rules.urgencies) if rules else ())
            ],
            most_pictures=MOST_PICTURES,
            errors=errors or {},
            today=self.gate.seat.now().astimezone().date(),
        )

    def send(self, request: Request[Any, Any, Any], person_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Sends the question; shows the form again with everything typed where something is missing."""
        me = self.gate.me(request)
        try:
            thread_id = record_id(first(sent, "thread"))
            proposed = self._proposed(request, person_id, sent)
            department = self.knowledge.content.departments.get(first(sent, "department"))
            asked = ConsultationAsked(
                to_facility=first(sent, "to_facility"),
                department=department.id if department else "",
                department_name=department.name if department else "",
                urgency=first(sent, "urgency"),
                case=first(sent, "case"),
                question=first(sent, "question"),
                readings=proposed.readings if first(sent, "with_readings") == "yes" else (),
                assessment=proposed.assessment if first(sent, "with_assessment") == "yes" else None,
                encounter=proposed.encounter,
            )
            thread = ask(
                self.gate.seat.store,
                me.account,
                proposed.record.person.id,
                thread_id,
                asked,
                pictures=sent.get("picture", []),
                rules=self.knowledge.content.answering,
                reason=me.opened.get(person_id, ""),
            )
        except UserError as error:
            html = self.form(request, person_id, sent, errors=messages_of(error, language_of(request)))
            return Response(html, status_code=400, media_type=_HTML)
        return Redirect(f"/consultations/{thread.id}", status_code=303)

    def keep_picture(
        self, request: Request[Any, Any, Any], person_id: str, thread_id: str, data: bytes
    ) -> dict[str, Any]:
        """Keeps a picture that the page has made small; its id."""
        me = self.gate.me(request)
        kept = keep_picture(
            self.gate.seat.store, me.account, person_id, thread_id, data, reason=me.opened.get(person_id, "")
        )
        return {"id": kept.id, "bytes": kept.bytes_total}

    def picture(self, request: Request[Any, Any, Any], picture_id: str) -> Response[bytes]:
        """A picture for the page."""
        me = self.gate.me(request)
        media_type, data = picture_bytes(self.gate.seat.store, me.account, picture_id)
        return Response(data, media_type=media_type)

    def _proposed(self, request: Request[Any, Any, Any], person_id: str, given: dict[str, list[str]]) -> ProposedCase:
        me = self.gate.me(request)
        draft, encounter = (
            record_id(words) if words else "" for words in (first(given, "draft"), first(given, "encounter"))
        )
        now = self.gate.seat.now().astimezone()
        store = self.gate.seat.store
        return propose_case(store, me, person_id, self.knowledge, now, draft=draft, encounter=encounter)


def consultation_form_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of asking."""
    pages = ConsultationFormPages(gate, knowledge)

    @get("/people/{person_id:uuid}/consult", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def form(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> str:
        given = {name: [request.query_params.get(name, "")] for name in ("draft", "encounter")}
        return pages.form(request, str(person_id), given)

    @post("/people/{person_id:uuid}/consult", media_type=MediaType.HTML, include_in_schema=False)
    async def send(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.send, request, str(person_id), sent)

    @post(
        "/people/{person_id:uuid}/consult/{thread_id:uuid}/pictures",
        status_code=200,
        include_in_schema=False,
        request_max_body_size=MOST_BYTES + _FRAME_BYTES,
    )
    async def take_picture(
        request: Request[Any, Any, Any], person_id: FromPath[UUID], thread_id: FromPath[UUID]
    ) -> dict[str, Any]:
        # Asked before a large body is taken from somebody unknown.
        await sync_to_thread(gate.me, request)
        data = await request.body()
        return await sync_to_thread(pages.keep_picture, request, str(person_id), str(thread_id), data)

    @get("/pictures/{picture_id:uuid}", include_in_schema=False, sync_to_thread=True)
    def picture(request: Request[Any, Any, Any], picture_id: FromPath[UUID]) -> Response[bytes]:
        return pages.picture(request, str(picture_id))

    @post("/pictures/{picture_id:uuid}/forget", status_code=204, include_in_schema=False)
    async def forget(request: Request[Any, Any, Any], picture_id: FromPath[UUID]) -> None:
        await sync_to_thread(lambda: forget_picture(gate.seat.store, gate.me(request).account, str(picture_id)))

    return [form, send, take_picture, picture, forget]
