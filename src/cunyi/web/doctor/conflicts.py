"""Disagreements between two who changed the same field apart: the list, and each with both values and a third."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.journeys.deciding_conflicts import THIRD, conflicts_for, decide_conflict, open_conflict
from cunyi.journeys.finding_people import every_village
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form

_HTML = "text/html; charset=utf-8"
_CHOICE, _TYPED = "choice_", "typed_"


class ConflictPages:
    """The work behind the handlers of disagreements (分歧页)."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def listed(self, request: Request[Any, Any, Any]) -> str:
        """Those that the account may decide."""
        me = self.gate.me(request)
        return self.gate.page(
            request,
            me,
            "doctor/conflicts.html",
            conflicts=conflicts_for(self.gate.seat.store, me.account),
            today=self.gate.seat.now().astimezone().date(),
        )

    def one(
        self,
        request: Request[Any, Any, Any],
        conflict_id: str,
        *,
        errors: dict[str, str] | None = None,
        chosen: dict[str, str] | None = None,
        typed: dict[str, str] | None = None,
    ) -> str:
        """One, with what was `chosen` and `typed` where it was refused."""
        me = self.gate.me(request)
        return self.gate.page(
            request,
            me,
            "doctor/conflict.html",
            shown=open_conflict(self.gate.seat.store, me.account, conflict_id),
            villages=every_village(self.gate.seat.store, me.account),
            today=self.gate.seat.now().astimezone().date(),
            errors=errors or {},
            chosen=chosen or {},
            typed=typed or {},
        )

    def decide(self, request: Request[Any, Any, Any], conflict_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Decides it; whoever comes second is shown what was decided."""
        me = self.gate.me(request)
        typed = {name.removeprefix(_TYPED): first(sent, name) for name in sent if name.startswith(_TYPED)}
        chosen = {name: THIRD for name, words in typed.items() if words.strip()} | {
            name.removeprefix(_CHOICE): first(sent, name) for name in sent if name.startswith(_CHOICE)
        }
        today = self.gate.seat.now().astimezone().date()
        try:
            decide_conflict(self.gate.seat.store, me.account, conflict_id, chosen, typed, today=today)
        except NotAllowedError:
            raise
        except UserError as error:
            errors = messages_of(error, language_of(request))
            html = self.one(request, conflict_id, errors=errors, chosen=chosen, typed=typed)
            return Response(html, status_code=400, media_type=_HTML)
        return Redirect("/conflicts", status_code=303)


def conflict_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of disagreements."""
    pages = ConflictPages(gate)

    @get("/conflicts", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def listed(request: Request[Any, Any, Any]) -> str:
        return pages.listed(request)

    @get("/conflicts/{conflict_id:uuid}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def one(request: Request[Any, Any, Any], conflict_id: FromPath[UUID]) -> str:
        return pages.one(request, str(conflict_id))

    @post("/conflicts/{conflict_id:uuid}", media_type=MediaType.HTML, include_in_schema=False)
    async def decide(request: Request[Any, Any, Any], conflict_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(pages.decide, request, str(conflict_id), await sent_form(request))

    return [listed, one, decide]
