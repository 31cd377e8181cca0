"""Merging two records of one person: chosen by search, looked at side by side, merged, and parted again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.errors import UserError
from cunyi.domain.identity import mask
from cunyi.journeys.finding_people import every_village, find, shown
from cunyi.journeys.form_reading import record_id
from cunyi.journeys.merging_people import alike, merge, preview_merge, undo
from cunyi.journeys.opening_record import shown_programmes
from cunyi.store.people import StaleError
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form

_HTML = "text/html; charset=utf-8"
# The rows of the comparison, in the order of the form.
_ROWS = (
    "name",
    "sex",
    "birth_on",
    "identifiers",
    "archive_code",
    "village_code",
    "villager_group",
    "address",
    "phone",
    "relation",
    "status",
    "ethnic_group",
    "contacts",
    "insurance",
    "blood_group",
    "rhesus_positive",
    "disabilities",
    "programmes",
    "contract_doctor",
    "note",
)


class MergingPages:
    """The work behind the handlers of merging (合并页)."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def choose(self, request: Request[Any, Any, Any], person_id: str, words: str = "") -> str:
        """Which record is the same person's: those that look alike, and a search."""
        me = self.gate.me(request)
        store, account = self.gate.seat.store, me.account
        person, likely = alike(store, account, person_id)
        found = find(store, account, words, everywhere=True).lines if words else []
        return self.gate.page(
            request,
            me,
            "doctor/people_merge.html",
            person=person,
            words_typed=words,
            likely=shown(store, account, likely),
            found=[line for line in found if line.person.id != person.id],
            today=self.gate.seat.now().astimezone().date(),
        )

    def preview(
        self,
        request: Request[Any, Any, Any],
        kept: str,
        replaced: str,
        *,
        came_from: str,
        reason: str = "",
        errors: dict[str, str] | None = None,
    ) -> str:
        """Both records side by side with what would stay."""
        me = self.gate.me(request)
        store = self.gate.seat.store
        preview = preview_merge(store, me.account, kept, replaced)
        both = (preview.kept, preview.replaced)
        rows = [
            name
            for name in _ROWS
            if any(getattr(person, name) not in (None, "", ()) for person in both)
            and (name != "programmes" or any(shown_programmes(person, me.account) for person in both))
        ]
        return self.gate.page(
            request,
            me,
            "doctor/people_compare.html",
            preview=preview,
            rows=rows,
            differing=[name for name in rows if getattr(both[0], name) != getattr(both[1], name)],
            villages=every_village(store, me.account),
            papers_of=lambda person: [(each.kind.value, mask(each.value)) for each in person.identifiers],
            programmes_of=lambda person: shown_programmes(person, me.account),
            came_from=came_from,
            reason=reason,
            errors=errors or {},
        )

    def merge(self, request: Request[Any, Any, Any], person_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Merges what was looked at; shows it again where something is missing or was changed since."""
        me = self.gate.me(request)
        kept, replaced = (record_id(first(sent, name)) for name in ("kept", "replaced"))
        reason = first(sent, "reason")
        preview = preview_merge(self.gate.seat.store, me.account, kept, replaced)
        try:
            if [str(preview.kept.revision), str(preview.replaced.revision)] != sent.get("revision"):
                raise StaleError("这两份档案刚在别处改过；请再看一遍下面的内容，确认后再合并", field="revision")
            merge(self.gate.seat.store, me.account, preview, reason=reason)
        except UserError as error:
            errors = messages_of(error, language_of(request))
            html = self.preview(request, kept, replaced, came_from=person_id, reason=reason, errors=errors)
            return Response(html, status_code=400, media_type=_HTML)
        return Redirect(f"/people/{preview.kept.id}", status_code=303)


def merging_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of merging."""
    pages = MergingPages(gate)

    @get("/people/{person_id:uuid}/merge", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def choose(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> str:
        return pages.choose(request, str(person_id))

    @post("/people/{person_id:uuid}/merge/search", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def search(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> str:
        sent = await sent_form(request)
        return await sync_to_thread(pages.choose, request, str(person_id), first(sent, "words").strip())

    @post("/people/{person_id:uuid}/merge/preview", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def preview(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> str:
        sent = await sent_form(request)

        def work() -> str:
            kept, replaced = (record_id(first(sent, name)) for name in ("kept", "replaced"))
            return pages.preview(request, kept, replaced, came_from=str(person_id), reason=first(sent, "reason"))

        return await sync_to_thread(work)

    @post("/people/{person_id:uuid}/merge", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def merge_both(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(pages.merge, request, str(person_id), await sent_form(request))

    @post("/merges/{merge_id:uuid}/undo", include_in_schema=False)
    async def part(request: Request[Any, Any, Any], merge_id: FromPath[UUID]) -> Redirect:
        def work() -> str:
            me = gate.me(request)
            return undo(gate.seat.store, me.account, str(merge_id))

        return Redirect(f"/people/{await sync_to_thread(work)}", status_code=303)

    return [choose, search, preview, merge_both, part]
