"""Check-ups: measuring many people in a row, each one's readings in a draft that a doctor signs later."""

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

from cunyi.domain.case import VITAL_FIELDS
from cunyi.domain.encounter import EncounterKind
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person
from cunyi.journeys.bench import Bench
from cunyi.journeys.consulting import begin_draft, keep_draft, my_drafts, open_draft
from cunyi.journeys.finding_people import find
from cunyi.journeys.receiving import waiting_unassigned
from cunyi.journeys.seat import SignedIn
from cunyi.journeys.swiping import swipe
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.drafts import Draft
from cunyi.web.doctor.arriving import ArrivingPages, ValueView, filled
from cunyi.web.doctor.looking_again import look_again
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import Gate, first, language_of, sent_form
from cunyi.web.language import LANGUAGES, catalogue
from cunyi.web.rendering import render

_KINDS = (EncounterKind.HOME_VISIT, EncounterKind.OUTPATIENT)
_COMPLAINT = "健康体检"
_WINDOW = "checkup"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody measured today (今天测过的人), with what stands in the draft."""

    draft: Draft
    person: Person
    values: list[ValueView]


class CheckupPages:
    """The work behind the handlers of check-ups."""

    def __init__(self, gate: Gate, knowledge: Knowledge, bench: Bench) -> None:
        self.gate = gate
        self.bench = bench
        self.knowledge = knowledge
        self.items = knowledge.content.items
        self.arriving = ArrivingPages(gate, knowledge, bench)
        self.wordings = {language: Wording(knowledge, language) for language in LANGUAGES}

    def page(
        self,
        request: Request[Any, Any, Any],
        *,
        draft_id: str = "",
        errors: tuple[str, ...] = (),
        sent: dict[str, list[str]] | None = None,
    ) -> str:
        """Who is being measured, or the question who is next; and who was measured today."""
        me = self.gate.me(request)
        now = self._now()
        if not draft_id:
            self.bench.focus(None)
        shown = open_draft(self.gate.seat.store, me.account, draft_id) if draft_id else None
        asked = sent if sent is not None else {"kind": [request.query_params.get("kind") or ""]}
        words = first(asked, "words").strip()
        return self.gate.page(
            request,
            me,
            "doctor/checkup.html",
            draft=shown.draft if shown else None,
            person=shown.person if shown else None,
            taken=self.values_of(shown.draft, language_of(request)) if shown else [],
            arriving=self.arriving.panel(request, me, draft_id) if shown else None,
            kind=first(shown.draft.form, "kind") if shown else kind_of(asked),
            token=request.query_params.get("card") or "",
            differences=self._differences(request, me),
            looked_for=words,
            found=find(self.gate.seat.store, me.account, words) if words else None,
            done=self._done(me, now, language_of(request)),
            errors=errors,
            unassigned=len(waiting_unassigned(self.gate.seat.store, me.account)),
            today=now.date(),
        )

    def look(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> str:
        """The people found, for the page that asks as words are typed."""
        me = self.gate.me(request)
        words = first(sent, "words").strip()
        return render(
            "doctor/checkup_found.html",
            language_of(request),
            found=find(self.gate.seat.store, me.account, words) if words else None,
            kind=kind_of(sent),
            today=self._now().date(),
        )

    def begin(self, request: Request[Any, Any, Any], person_id: str, sent: dict[str, list[str]]) -> str:
        """The draft that a person's readings go into; its id."""
        me = self.gate.me(request)
        now = self._now()
        fields = {
            "kind": [kind_of(sent)],
            "occurred_on": ["" if self.gate.seat.clock_is_doubtful() else now.date().isoformat()],
            "occurred_time": [f"{now:%H:%M}"],
            "chief_complaint": [_COMPLAINT],
        }
        reason = me.opened.get(person_id, "")
        draft = begin_draft(self.gate.seat.store, me.account, person_id, fields, reason=reason)
        self.arriving.claim(request, draft.id)
        return draft.id

    def card(self, request: Request[Any, Any, Any], token: str, sent: dict[str, list[str]]) -> str:
        """Where a swiped card leads: to the measuring of its person, or to the page of the card of somebody unknown."""
        me = self.gate.me(request)
        card = self.bench.card(token)
        if card is None:
            raise UserError("这次刷卡已经过了十分钟；请再刷一次", field="card")
        swiped = swipe(self.gate.seat.store, me.account, card, today=self._now().date())
        if swiped.found is None:
            return f"/card/{token}"
        where = f"/checkup/{self.begin(request, swiped.found.id, sent)}"
        return f"{where}?card={token}" if swiped.differences else where

    def confirm(self, request: Request[Any, Any, Any], draft_id: str, reading_id: str) -> dict[str, Any]:
        """Confirms a reading and keeps its values in the draft."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        done = self.arriving.confirm(request, draft_id, reading_id)
        draft = open_draft(store, me.account, draft_id).draft
        kept = keep_draft(
            store,
            me.account,
            draft_id,
            filled(draft.form, done["fields"]),
            revision=draft.revision,
            window=_WINDOW,
            stroke=draft.stroke + 1,
        )
        look_again(store, me.account, draft_id, self.knowledge, self._now())
        language = language_of(request)
        html = render("doctor/checkup_taken.html", language, taken=self.values_of(kept, language))
        return {**done, "taken_html": html}

    def values_of(self, draft: Draft, language: str) -> list[ValueView]:
        """The readings and results that stand in a draft."""
        wording = self.wordings[language]
        found = [
            ValueView(name=wording.item(item), words=words, unit=wording.unit(self.items[item].unit))
            for item in VITAL_FIELDS
            if item in self.items and (words := first(draft.form, item).strip())
        ]
        columns = (draft.form.get(f"lab_{part}", []) for part in ("name", "value", "unit"))
        for name, value, unit in zip(*columns, strict=False):
            if name.strip() and value.strip():
                found.append(ValueView(name=name, words=value, unit=unit))
        return found

    def _differences(self, request: Request[Any, Any, Any], me: SignedIn) -> list[str]:
        """What differs between the card that led here and the record, and is not in the way of measuring."""
        card = self.bench.card(request.query_params.get("card") or "")
        if card is None:
            return []
        told = catalogue(language_of(request)).gettext
        swiped = swipe(self.gate.seat.store, me.account, card, today=self._now().date())
        return [each.told(told) for each in swiped.differences]

    def _done(self, me: SignedIn, now: datetime, language: str) -> list[Measured]:
        today = [
            each
            for each in my_drafts(self.gate.seat.store, me.account)
            if each.draft.kept_at.astimezone().date() == now.date() and not each.draft.aside_of
        ]
        measured = [
            Measured(draft=each.draft, person=each.person, values=self.values_of(each.draft, language))
            for each in today
        ]
        return [each for each in measured if each.values]

    def _now(self) -> datetime:
        return self.gate.seat.now().astimezone()


def kind_of(sent: dict[str, list[str]]) -> str:
    """Where people are measured; in their homes where nothing was chosen."""
    words = first(sent, "kind")
    return words if words in _KINDS else EncounterKind.HOME_VISIT


def checkup_routes(gate: Gate, knowledge: Knowledge, bench: Bench) -> list[ControllerRouterHandler]:
    """The handlers of check-ups."""
    pages = CheckupPages(gate, knowledge, bench)

    @get("/checkup", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def next_one(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @get("/checkup/{draft_id:uuid}", media_type=MediaType.HTML, include_in_schema=False)
    async def measuring(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        return await sync_to_thread(lambda: pages.page(request, draft_id=str(draft_id)))

    @post("/checkup/find", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def look(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(pages.look, request, await sent_form(request))

    @post("/checkup/people/{person_id:uuid}", include_in_schema=False)
    async def begin(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Redirect:
        sent = await sent_form(request)
        return Redirect(f"/checkup/{await sync_to_thread(pages.begin, request, str(person_id), sent)}", status_code=303)

    @post("/checkup/card/{token:str}", media_type=MediaType.JSON, status_code=200, include_in_schema=False)
    async def card(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        sent = await sent_form(request)
        return Response({"to": await sync_to_thread(pages.card, request, token, sent)}, media_type=MediaType.JSON)

    @post("/checkup/{draft_id:uuid}/{reading_id:uuid}/confirm", status_code=200, include_in_schema=False)
    async def confirm(
        request: Request[Any, Any, Any], draft_id: FromPath[UUID], reading_id: FromPath[UUID]
    ) -> Response[Any]:
        done = await sync_to_thread(pages.confirm, request, str(draft_id), str(reading_id))
        return Response(done, media_type=MediaType.JSON)

    return [next_one, measuring, look, begin, card, confirm]
