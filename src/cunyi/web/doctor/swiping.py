"""A swiped identity card: to the person's record, to what differs from it, or to a new registration; nothing is taken over unasked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.errors import UserError
from cunyi.domain.identity import mask
from cunyi.domain.measurement import IdentityCard
from cunyi.domain.person import Person
from cunyi.journeys.bench import Bench
from cunyi.journeys.consulting import open_draft
from cunyi.journeys.finding_people import shown
from cunyi.journeys.form_reading import record_id
from cunyi.journeys.registering import details_of
from cunyi.journeys.seat import SignedIn
from cunyi.journeys.swiping import Swiped, apply_card, swipe
from cunyi.web.doctor.person_form import revision_of
from cunyi.web.doctor.registering import RegisteringPages
from cunyi.web.gate import Gate, first, language_of, sent_form
from cunyi.web.language import catalogue
from cunyi.web.rendering import render

_HTML = "text/html; charset=utf-8"
_SHOWN = ("name", "sex", "birth_on", "identifiers", "ethnic_group", "address")


class CardRow(msgspec.Struct, frozen=True, kw_only=True):
    """One detail, on the card and in the record (证件与档案对照)."""

    field: str
    card: str
    record: str
    differs: bool
    offered: bool
    ticked: bool


class SwipingPages:
    """The work behind the handlers of a card."""

    def __init__(self, gate: Gate, bench: Bench) -> None:
        self.gate = gate
        self.bench = bench
        self.registering = RegisteringPages(gate)

    def card(self, request: Request[Any, Any, Any], token: str) -> Response[Any]:
        """Where a card leads: the record, the comparison, the people it may be, or the form of registering."""
        me = self.gate.me(request)
        card, swiped = self._swiped(me, token)
        chosen = request.query_params.get("person") or ""
        if chosen:
            person = details_of(self.gate.seat.store, me.account, record_id(chosen), reason=me.opened.get(chosen, ""))
            return self._compare(request, me, token, card, swiped, person, linking=True)
        if swiped.found is not None:
            elsewhere = not me.account.looks_after(swiped.found.village_code) and swiped.found.id not in me.opened
            # Somebody of elsewhere is shown once there is a reason; the record's own page asks for it.
            if elsewhere or not swiped.differences:
                return Redirect(f"/people/{swiped.found.id}", status_code=303)
            return self._compare(request, me, token, card, swiped, swiped.found)
        if swiped.likely or swiped.differences:
            html = self.gate.page(
                request,
                me,
                "doctor/swiped.html",
                token=token,
                person=None,
                name=card.name,
                differences=self._told(request, swiped),
                likely=shown(self.gate.seat.store, me.account, swiped.likely),
                today=self._today(),
            )
            return Response(html, media_type=_HTML)
        return Response(self.registering.prefilled(request, swiped.fields), media_type=_HTML)

    def register(self, request: Request[Any, Any, Any], token: str) -> str:
        """The form of registering, filled in from the card."""
        me = self.gate.me(request)
        _, swiped = self._swiped(me, token)
        return self.registering.prefilled(request, swiped.fields)

    def apply(self, request: Request[Any, Any, Any], token: str, sent: dict[str, list[str]]) -> str:
        """Takes over what was ticked; the person's id."""
        me = self.gate.me(request)
        card, _ = self._swiped(me, token)
        person_id = record_id(first(sent, "person_id"))
        apply_card(
            self.gate.seat.store,
            me.account,
            person_id,
            card,
            sent.get("accepted", []),
            revision=revision_of(sent),
            reason=me.opened.get(person_id, ""),
        )
        return person_id

    def beside(self, request: Request[Any, Any, Any], token: str, draft_id: str) -> str:
        """A card swiped while an encounter is written: whose it is, and whether it is the same person."""
        me = self.gate.me(request)
        card, swiped = self._swiped(me, token)
        writing_of = open_draft(self.gate.seat.store, me.account, draft_id).person
        return render(
            "doctor/swiped_beside.html",
            language_of(request),
            token=token,
            name=swiped.found.name if swiped.found else card.name,
            known=swiped.found is not None,
            same=swiped.found is not None and swiped.found.id == writing_of.id,
            writing_of=writing_of.name,
            differences=self._told(request, swiped),
        )

    def _compare(
        self,
        request: Request[Any, Any, Any],
        me: SignedIn,
        token: str,
        card: IdentityCard,
        swiped: Swiped,
        person: Person,
        *,
        linking: bool = False,
    ) -> Response[Any]:
        html = self.gate.page(
            request,
            me,
            "doctor/swiped.html",
            token=token,
            person=person,
            rows=rows_of(card, person, {each.field for each in swiped.differences}, linking=linking),
            linking=linking,
            differences=self._told(request, swiped),
            today=self._today(),
        )
        return Response(html, media_type=_HTML)

    def _swiped(self, me: SignedIn, token: str) -> tuple[IdentityCard, Swiped]:
        card = self.bench.card(token)
        if card is None:
            raise UserError("这次刷卡已经过了十分钟；请再刷一次", field="card")
        return card, swipe(self.gate.seat.store, me.account, card, today=self._today())

    def _told(self, request: Request[Any, Any, Any], swiped: Swiped) -> list[str]:
        told = catalogue(language_of(request)).gettext
        return [difference.told(told) for difference in swiped.differences]

    def _today(self) -> date:
        return self.gate.seat.now().astimezone().date()


def rows_of(card: IdentityCard, person: Person, differing: Collection[str | None], *, linking: bool) -> list[CardRow]:
    """What card and record say, detail by detail; what the card does not say is left out.

    `linking`: the card was not known to be this person's until the doctor said so, so its number is offered ticked.
    """
    on_card = {
        "name": card.name,
        "sex": card.sex.value if card.sex else "",
        "birth_on": card.birth_on.isoformat() if card.birth_on else "",
        "identifiers": card.number,
        "ethnic_group": card.ethnic_group,
        "address": card.address,
    }
    in_record = {
        "name": person.name,
        "sex": person.sex or "",
        "birth_on": person.birth_on.isoformat() if person.birth_on else "",
        "identifiers": "、".join(mask(each.value) for each in person.identifiers),
        "ethnic_group": person.ethnic_group,
        "address": person.address,
    }
    rows = []
    for field in _SHOWN:
        if not on_card[field]:
            continue
        same = on_card[field] == in_record[field]
        if field == "identifiers":
            same = any(each.value == card.number for each in person.identifiers)
        rows.append(
            CardRow(
                field=field,
                card=on_card[field],
                record=in_record[field],
                differs=field in differing or (linking and not same and bool(in_record[field])),
                offered=not same,
                ticked=linking and not same and field == "identifiers",
            )
        )
    return rows


def swiping_routes(gate: Gate, bench: Bench) -> list[ControllerRouterHandler]:
    """The handlers of a card."""
    pages = SwipingPages(gate, bench)

    @get("/card/{token:str}", media_type=MediaType.HTML, include_in_schema=False)
    async def card(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        return await sync_to_thread(pages.card, request, token)

    @get("/card/{token:str}/beside", media_type=MediaType.HTML, include_in_schema=False)
    async def beside(request: Request[Any, Any, Any], token: FromPath[str], draft: FromQuery[UUID]) -> str:
        return await sync_to_thread(pages.beside, request, token, str(draft))

    @post("/card/{token:str}/register", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def register(request: Request[Any, Any, Any], token: FromPath[str]) -> str:
        return await sync_to_thread(pages.register, request, token)

    @post("/card/{token:str}/apply", include_in_schema=False)
    async def apply(request: Request[Any, Any, Any], token: FromPath[str]) -> Redirect:
        sent = await sent_form(request)
        return Redirect(f"/people/{await sync_to_thread(pages.apply, request, token, sent)}", status_code=303)

    return [card, beside, register, apply]
