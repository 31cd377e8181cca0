"""The household of a person: who lives there, who joins, who leaves, whose name it goes by."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import NeedsReasonError, UserError
from cunyi.journeys.finding_people import find
from cunyi.journeys.form_reading import record_id
from cunyi.journeys.keeping_households import (
    begin_household,
    join_household,
    leave_household,
    make_head,
    open_household,
)
from cunyi.journeys.seat import SignedIn
from cunyi.web.doctor.person_form import CHOICES
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form

_HTML = "text/html; charset=utf-8"


class HouseholdPages:
    """The work behind the handlers of the household (家庭页)."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def page(
        self,
        request: Request[Any, Any, Any],
        person_id: str,
        *,
        words: str = "",
        relation: str = "",
        errors: dict[str, str] | None = None,
    ) -> str:
        """The household as it is, with the people who could join for some words."""
        me = self.gate.me(request)
        store, account = self.gate.seat.store, me.account
        shown = open_household(store, account, person_id, reason=me.opened.get(person_id, ""))
        members = {member.id for member in shown.members}
        found = [line for line in find(store, account, words).lines if line.person.id not in members] if words else []
        return self.gate.page(
            request,
            me,
            "doctor/people_household.html",
            shown=shown,
            words_typed=words,
            relation=relation,
            found=found,
            errors=errors or {},
            relations=[each for each in CHOICES["relation"] if each != "head"],
            may_register=account.may(Permission.REGISTER_PEOPLE),
            today=self.gate.seat.now().astimezone().date(),
        )

    def act(self, request: Request[Any, Any, Any], person_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """One change of the household, or a search for who is to join."""
        me = self.gate.me(request)
        words, relation = first(sent, "words").strip(), first(sent, "relation")
        try:
            if first(sent, "step") != "find":
                self._change(me, person_id, sent)
                return Redirect(f"/people/{person_id}/household", status_code=303)
        except NeedsReasonError:
            raise
        except UserError as error:
            errors = messages_of(error, language_of(request))
            html = self.page(request, person_id, words=words, relation=relation, errors=errors)
            return Response(html, status_code=400, media_type=_HTML)
        return Response(self.page(request, person_id, words=words, relation=relation), media_type=_HTML)

    def _change(self, me: SignedIn, person_id: str, sent: dict[str, list[str]]) -> None:
        store, step = self.gate.seat.store, first(sent, "step")
        member = record_id(first(sent, "member")) if step in ("join", "leave", "head") else ""
        reason = me.opened.get(person_id, "")
        if step == "begin":
            begin_household(store, me.account, person_id, reason=reason)
        elif step == "join":
            join_household(store, me.account, person_id, member, first(sent, "relation"), reason=reason)
        elif step == "leave":
            leave_household(store, me.account, member, reason=reason)
        elif step == "head":
            make_head(store, me.account, member, reason=reason)
        else:
            raise UserError("请点页面上的按钮来改这一户", field="step")


def household_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of the household."""
    pages = HouseholdPages(gate)

    @get("/people/{person_id:uuid}/household", media_type=MediaType.HTML, include_in_schema=False)
    async def household(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        try:
            return Response(await sync_to_thread(pages.page, request, str(person_id)), media_type=_HTML)
        except NeedsReasonError:
            # The record's own page asks for the reason.
            return Redirect(f"/people/{person_id}", status_code=303)

    @post("/people/{person_id:uuid}/household", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def act(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(pages.act, request, str(person_id), await sent_form(request))

    return [household, act]
