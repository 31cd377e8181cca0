"""Ways into the interview that the clinic hands out: the code for the door, a slip of the queue, a link, the tablet itself."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.journeys.form_reading import record_id
from cunyi.journeys.preconsulting_clinic import invite
from cunyi.journeys.preconsulting_rules import GUARDIAN_UNDER_YEARS, INVITATION_KEPT
from cunyi.store.interviews import Way
from cunyi.store.people import person_in_use
from cunyi.web.gate import COOKIE, Gate, NotSignedInError, first, sent_form
from cunyi.web.printing.pages import paper_of
from cunyi.web.printing.qr import qr_svg
from cunyi.web.printing.typesetting import Typesetter

_PDF = "application/pdf"


class WaysIn:
    """The work behind the handlers of the ways in (预问诊入口)."""

    def __init__(self, gate: Gate, public_address: str) -> None:
        self.gate = gate
        self.public_address = public_address
        self.typesetter = Typesetter()

    def door(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The sheet for the clinic's door."""
        me, paper = self.gate.me(request), paper_of(request)
        store = self.gate.seat.store
        address = f"{self._address(request)}/v"
        values = {
            "facility": store.node.facility_name,
            "address": address,
            "qr": qr_svg(address),
            "years": str(GUARDIAN_UNDER_YEARS),
            "footer": "",
        }
        made = self.typesetter.pdf("door", paper, values)
        with store.writing(me.account.id) as writing:
            writing.audit(Action.PRINT, detail=f"door {paper}")
        return _pdf(made, f"door-{paper}")

    def slip(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[bytes]:
        """A slip for somebody who waits, with a link of their own."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        address = self._address(request)
        person_id = record_id(first(sent, "person_id"))
        token, made = invite(store, me.account, Way.SLIP, person_id=person_id)
        with store.reading() as connection:
            person = person_in_use(connection, me.account.organisation, made.record.invited_person)
        link = f"{address}/v/{token}"
        until = (made.created_at + INVITATION_KEPT).astimezone()
        values = {
            "facility": store.node.facility_name,
            "name": person.name if person else "",
            "qr": qr_svg(link),
            "until": f"{until:%m 月 %d 日 %H:%M}",
            "footer": "",
        }
        pdf = self.typesetter.pdf("slip", "a5", values)
        with store.writing(me.account.id) as writing:
            writing.audit(Action.PRINT, person=made.record.invited_person, subject=made.id, detail="slip a5")
        return _pdf(pdf, "slip")

    def link(self, request: Request[Any, Any, Any]) -> str:
        """A link with its code, shown once."""
        me = self.gate.me(request)
        address = self._address(request)
        token, made = invite(self.gate.seat.store, me.account, Way.LINK)
        link = f"{address}/v/{token}"
        until = (made.created_at + INVITATION_KEPT).astimezone()
        return self.gate.page(request, me, "doctor/preconsultation_link.html", link=link, qr=qr_svg(link), until=until)

    def tablet(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[Any]:
        """Locks the screen and leads to a new interview: from there nobody comes back without a PIN or password."""
        me = self.gate.me(request)
        words = first(sent, "person_id")
        session = request.cookies.get(COOKIE)
        if session is None:
            raise NotSignedInError
        token, _ = invite(self.gate.seat.store, me.account, Way.TABLET, person_id=record_id(words) if words else "")
        self.gate.seat.lock(session)
        return Redirect(f"/v/{token}", status_code=303)

    def _address(self, request: Request[Any, Any, Any]) -> str:
        """Where a phone reaches this node. UserError where the address in use is only this computer's own."""
        if self.public_address:
            return self.public_address
        shown = f"{request.url.scheme}://{request.headers.get('host', '')}"
        if _only_here(urlsplit(shown).hostname or ""):
            raise UserError(
                "手机打不开这台电脑自己的地址；请先设置 CUNYI_PUBLIC_ADDRESS（村民手机能打开的地址，写法见说明），再重新打开村医",
                field="CUNYI_PUBLIC_ADDRESS",
            )
        return shown


def ways_in_routes(gate: Gate, public_address: str) -> list[ControllerRouterHandler]:
    """The handlers of the ways in."""
    pages = WaysIn(gate, public_address)

    @get("/print/door", include_in_schema=False, sync_to_thread=True)
    def door(request: Request[Any, Any, Any]) -> Response[bytes]:
        return pages.door(request)

    @post("/preconsultations/slip", status_code=200, include_in_schema=False)
    async def slip(request: Request[Any, Any, Any]) -> Response[bytes]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.slip, request, sent)

    @post("/preconsultations/link", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def link(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(pages.link, request)

    @post("/preconsultations/tablet", include_in_schema=False)
    async def tablet(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.tablet, request, sent)

    return [door, slip, link, tablet]


def _only_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")


def _pdf(made: bytes, name: str) -> Response[bytes]:
    return Response(made, media_type=_PDF, headers={"Content-Disposition": f'inline; filename="{name}.pdf"'})
