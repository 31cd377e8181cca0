"""Critical values: the list, and one with everything that was done about it, to the minute; the same pages on both sides."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.consultation import content_of
from cunyi.domain.critical_value import (
    CriticalAct,
    CriticalDetails,
    CriticalState,
    CriticalStep,
    critical_details,
)
from cunyi.domain.errors import UserError
from cunyi.domain.thread import Thread
from cunyi.journeys.critical_values import answer_critical_value, critical_values_here, open_critical_value
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.unit import SYSTEM
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form
from cunyi.web.language import ENGLISH

_HTML = "text/html; charset=utf-8"
_STEPS = (CriticalStep.ACKNOWLEDGE, CriticalStep.ACT, CriticalStep.CLOSE)


class CriticalLine(msgspec.Struct, frozen=True):
    """A critical value as a line of a list (危急值一览). `late` are the minutes since its next step was due."""

    thread: Thread
    details: CriticalDetails
    item: str
    late: int


class CriticalValuePages:
    """The work behind the handlers of critical values (危急值页)."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge

    def listing(self, request: Request[Any, Any, Any]) -> str:
        """The critical values that concern this facility, by what is to be done."""
        me = self.gate.me(request)
        now, language = self.gate.seat.now(), language_of(request)
        threads = critical_values_here(self.gate.seat.store, me.account, now)
        lines = [self._line(thread, now, language) for thread in threads]
        return self.gate.page(
            request,
            me,
            "doctor/critical_values.html",
            groups=[(state.value, [line for line in lines if line.thread.state == state]) for state in CriticalState],
            today=now.astimezone().date(),
        )

    def one(
        self,
        request: Request[Any, Any, Any],
        thread_id: str,
        *,
        sent: dict[str, list[str]] | None = None,
        errors: dict[str, str] | None = None,
    ) -> str:
        """One critical value; `sent` and `errors` of a step that could not be kept."""
        me = self.gate.me(request)
        now, language = self.gate.seat.now(), language_of(request)
        opened = open_critical_value(self.gate.seat.store, me.account, thread_id)
        rules = self.knowledge.content.answering
        return self.gate.page(
            request,
            me,
            "doctor/critical_value.html",
            it=opened,
            line=self._line(opened.thread, now, language),
            notes=[(note, content_of(note, CriticalAct), note.author.account == SYSTEM) for note in opened.notes],
            steps=[each.value for each in opened.steps],
            acts=[
                (each.id, each.name_en if language == ENGLISH else each.name) for each in (rules.acts if rules else ())
            ],
            sent={name: first(sent or {}, name) for name in ("act", "words")},
            errors=errors or {},
            today=now.astimezone().date(),
        )

    def take_step(
        self, request: Request[Any, Any, Any], thread_id: str, step: str, sent: dict[str, list[str]]
    ) -> Response[Any]:
        """Keeps a step; shows the page again with what was typed where it cannot be."""
        me = self.gate.me(request)
        try:
            if step not in _STEPS:
                raise UserError("没有这一步；请重新打开页面", field="step")
            written = CriticalAct(act=first(sent, "act"), words=first(sent, "words"))
            rules = self.knowledge.content.answering
            answer_critical_value(self.gate.seat.store, me.account, thread_id, CriticalStep(step), written, rules)
        except UserError as error:
            html = self.one(request, thread_id, sent=sent, errors=messages_of(error, language_of(request)))
            return Response(html, status_code=400, media_type=_HTML)
        return Redirect(f"/critical-values/{thread_id}", status_code=303)

    def _line(self, thread: Thread, now: datetime, language: str) -> CriticalLine:
        details = critical_details(thread)
        late = 0
        if thread.due_at is not None and thread.due_at < now and not thread.closed:
            late = max(1, int((now - thread.due_at).total_seconds() // 60))
        named = {item.name: item.name_en for item in self.knowledge.content.items.values()}
        item = named.get(details.item, details.item) if language == ENGLISH else details.item
        return CriticalLine(thread, details, item, late)


def critical_value_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of critical values."""
    pages = CriticalValuePages(gate, knowledge)

    @get("/critical-values", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def listing(request: Request[Any, Any, Any]) -> str:
        return pages.listing(request)

    @get("/critical-values/{thread_id:uuid}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def one(request: Request[Any, Any, Any], thread_id: FromPath[UUID]) -> str:
        return pages.one(request, str(thread_id))

    @post("/critical-values/{thread_id:uuid}/{step:str}", media_type=MediaType.HTML, include_in_schema=False)
    async def take_step(
        request: Request[Any, Any, Any], thread_id: FromPath[UUID], step: FromPath[str]
    ) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.take_step, request, str(thread_id), step, sent)

    return [listing, one, take_step]
