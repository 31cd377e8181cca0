"""The page of synchronising: how it stands, what to do about it; by line, by a file on a stick, with a kit nearby; somebody on the hub."""

from __future__ import annotations

from io import BytesIO
from typing import Any, NamedTuple

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import LineSettings
from cunyi.journeys.carrying_by_file import answer_file, take_answer, write_for_hub
from cunyi.journeys.form_reading import record_id
from cunyi.journeys.meeting_kits import Meetings, Visited
from cunyi.journeys.revoking import wipe
from cunyi.journeys.sync_standing import (
    expect_synchronising,
    find_on_hub,
    follow_from_hub,
    offer_refused_again,
    standing,
)
from cunyi.journeys.synchronising import Synchroniser
from cunyi.web.doctor.photo_sent import file_in
from cunyi.web.gate import (
    COOKIE,
    Gate,
    NotSignedInError,
    ScreenLockedError,
    first,
    language_of,
    messages_of,
    sent_form,
)
from cunyi.web.language import catalogue
from cunyi.web.rendering import render

_HTML = "text/html; charset=utf-8"
_HERE = "/synchronisation"
_LARGEST_FILE_BYTES = 300_000_000
_FRAME_BYTES = 10_000


class Ways(NamedTuple):
    """How a node reaches others (往来途径): what talks with its hub, and with kits nearby; None where nothing does."""

    synchroniser: Synchroniser | None = None
    meetings: Meetings | None = None


class SynchronisationPages:
    """The work behind the handlers of synchronising (同步页)."""

    def __init__(self, gate: Gate, ways: Ways, line: LineSettings | None) -> None:
        self.gate = gate
        self.synchroniser, self.meetings = ways
        self.line = line or LineSettings()

    def page(self, request: Request[Any, Any, Any], errors: dict[str, str] | None = None, **values: Any) -> str:
        """The whole page; `errors` and what was `sent` where something was refused, `people` found on the hub."""
        me = self.gate.me(request)
        shown: dict[str, Any] = {"sent": {}, "people": None, "visited": None, "taken": None, "answered": None}
        return self.gate.page(
            request,
            me,
            "doctor/synchronisation.html",
            **self._state(request, watching=False),
            errors=errors or {},
            may_follow=me.account.may(Permission.READ_RECORD),
            may_find=me.account.may(Permission.FIND_PEOPLE),
            addresses=self._addresses(request),
            **shown | values,
        )

    def state(self, request: Request[Any, Any, Any]) -> str:
        """How it stands now, for a page that is open. Looking does not keep a session awake."""
        return render("doctor/synchronisation_state.html", language_of(request), **self._state(request, watching=True))

    def wake(self, request: Request[Any, Any, Any]) -> None:
        """Talks with the hub at once."""
        expect_synchronising(self.gate.me(request).account)
        if self.synchroniser is not None:
            self.synchroniser.wake()

    def offer_again(self, request: Request[Any, Any, Any]) -> None:
        """Sends what was refused once more."""
        offer_refused_again(self.gate.seat.store, self.gate.me(request).account)
        self.wake(request)

    def write_file(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The file for the hub, to be saved on a stick."""
        me = self.gate.me(request)
        expect_synchronising(me.account)
        target = BytesIO()
        try:
            write_for_hub(self.gate.seat.store, target, by=me.account.id)
        except UserError as error:
            return self._again(request, error)
        return self._file(target, "to-hub")

    def take_file(self, request: Request[Any, Any, Any], body: bytes) -> Response[Any]:
        """A file that came on a stick: at the hub a node's, on a kit the hub's answer."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        try:
            expect_synchronising(me.account)
            sent = file_in(body, request.headers.get("content-type", ""), "file")
            if not sent:
                raise UserError("请先选 U 盘里的同步文件", field="file")
            if standing(store, me.account).is_hub:
                target = BytesIO()
                answer_file(store, BytesIO(sent), target, by=me.account.id)
                return self._file(target, "back")
            html = self.page(request, taken=take_answer(store, BytesIO(sent), revoked=self._wipe, by=me.account.id))
        except UserError as error:
            return self._again(request, error)
        return Response(html, media_type=_HTML)

    def show_code(self, request: Request[Any, Any, Any], *, show: bool) -> None:
        """Shows a code for another kit, or no more."""
        me = self.gate.me(request)
        expect_synchronising(me.account)
        if self.meetings is not None and show:
            self.meetings.show(me.account)
        elif self.meetings is not None:
            self.meetings.hide()

    def visit(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[Any]:
        """Exchanges with the kit at an address."""
        me = self.gate.me(request)
        words = {name: first(sent, name) for name in ("address", "code")}
        visited: Visited | None = None
        try:
            if self.meetings is not None:
                visited = self.meetings.visit(me.account, words["address"], words["code"], self.line)
        except UserError as error:
            return self._again(request, error, sent=words)
        return Response(self.page(request, visited=visited), media_type=_HTML)

    def find(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[Any]:
        """Who somebody is according to the hub."""
        me = self.gate.me(request)
        words = {name: first(sent, name).strip() for name in ("identifier", "name", "birth_on")}
        try:
            people = find_on_hub(self.gate.seat.store, self._needed(), me.account, **words)
        except UserError as error:
            return self._again(request, error, sent=words)
        return Response(self.page(request, people=people, sent=words), media_type=_HTML)

    def follow(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[Any]:
        """Fetches somebody's record from the hub and opens it."""
        me = self.gate.me(request)
        person, reason = record_id(first(sent, "person")), first(sent, "reason")
        try:
            token = request.cookies.get(COOKIE, "")
            follow_from_hub(self.gate.seat, self._needed(), me.account, token, person, reason)
        except UserError as error:
            words = {name: first(sent, name).strip() for name in ("identifier", "name", "birth_on")}
            return self._again(request, error, sent=words)
        return Redirect(f"/people/{person}", status_code=303)

    def _wipe(self, reason: str) -> None:
        wipe(self.gate.seat, reason)

    def _needed(self) -> Synchroniser:
        if self.synchroniser is None:
            raise UserError("这台电脑没有接到卫生院的中心；请先登记", field="hub")
        return self.synchroniser

    def _state(self, request: Request[Any, Any, Any], *, watching: bool) -> dict[str, Any]:
        me = self.gate.seat.who(request.cookies.get(COOKIE), watching=watching)
        if me is None:
            raise NotSignedInError
        if me.locked:
            raise ScreenLockedError
        told = catalogue(language_of(request)).gettext
        now = self.gate.seat.now()
        return {
            "standing": standing(self.gate.seat.store, me.account),
            "working": self.synchroniser is not None and self.synchroniser.is_working,
            "by_line": self.synchroniser is not None,
            "code": self.meetings.shown() if self.meetings is not None else None,
            "told": told,
            "may_join": me.account.may(Permission.MANAGE_NODES),
            "now": now,
            "today": now.astimezone().date(),
        }

    def _addresses(self, request: Request[Any, Any, Any]) -> list[str]:
        if self.meetings is None:
            return []
        return self.meetings.addresses((request.headers.get("host") or "").partition(":")[0])

    def _file(self, target: BytesIO, direction: str) -> Response[Any]:
        made = self.gate.seat.now().astimezone()
        name = f"cunyi-{direction}-{made:%Y%m%d-%H%M}.sync"
        return Response(
            target.getvalue(),
            media_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _again(self, request: Request[Any, Any, Any], error: UserError, **values: Any) -> Response[Any]:
        html = self.page(request, messages_of(error, language_of(request)), **values)
        return Response(html, status_code=400, media_type=_HTML)


def synchronisation_routes(gate: Gate, ways: Ways, line: LineSettings | None) -> list[ControllerRouterHandler]:
    """The handlers of synchronising."""
    pages = SynchronisationPages(gate, ways, line)

    @get(_HERE, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def whole(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @get(f"{_HERE}/state", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def state(request: Request[Any, Any, Any]) -> str:
        return pages.state(request)

    @post(f"{_HERE}/now", include_in_schema=False)
    async def now(request: Request[Any, Any, Any]) -> Redirect:
        await sync_to_thread(pages.wake, request)
        return Redirect(_HERE, status_code=303)

    @post(f"{_HERE}/again", include_in_schema=False)
    async def again(request: Request[Any, Any, Any]) -> Redirect:
        await sync_to_thread(pages.offer_again, request)
        return Redirect(_HERE, status_code=303)

    @post(f"{_HERE}/file", status_code=200, include_in_schema=False)
    async def file(request: Request[Any, Any, Any]) -> Response[Any]:
        return await sync_to_thread(pages.write_file, request)

    @post(
        f"{_HERE}/carried",
        status_code=200,
        include_in_schema=False,
        request_max_body_size=_LARGEST_FILE_BYTES + _FRAME_BYTES,
    )
    async def carried(request: Request[Any, Any, Any]) -> Response[Any]:
        # Asked before a large body is taken from somebody unknown.
        await sync_to_thread(gate.me, request)
        return await sync_to_thread(pages.take_file, request, await request.body())

    @post(f"{_HERE}/code", include_in_schema=False)
    async def code(request: Request[Any, Any, Any]) -> Redirect:
        form = await sent_form(request)
        await sync_to_thread(lambda: pages.show_code(request, show=first(form, "show") == "yes"))
        return Redirect(f"{_HERE}#nearby", status_code=303)

    @post(f"{_HERE}/visit", status_code=200, include_in_schema=False)
    async def visit(request: Request[Any, Any, Any]) -> Response[Any]:
        return await sync_to_thread(pages.visit, request, await sent_form(request))

    @post(f"{_HERE}/find", status_code=200, include_in_schema=False)
    async def find(request: Request[Any, Any, Any]) -> Response[Any]:
        return await sync_to_thread(pages.find, request, await sent_form(request))

    @post(f"{_HERE}/follow", include_in_schema=False)
    async def follow(request: Request[Any, Any, Any]) -> Response[Any]:
        return await sync_to_thread(pages.follow, request, await sent_form(request))

    return [whole, state, now, again, file, carried, code, visit, find, follow]
