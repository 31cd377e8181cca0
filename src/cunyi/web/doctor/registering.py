"""Registering a person and changing the details: one form, which keeps what was typed whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import NeedsReasonError, UserError
from cunyi.domain.identity import canonical
from cunyi.domain.person import Person
from cunyi.journeys.access import require
from cunyi.journeys.finding_people import find, read_number, shown
from cunyi.journeys.opening_record import open_record
from cunyi.journeys.registering import (
    DifferencesFoundError,
    DuplicatesFoundError,
    change_person,
    details_of,
    known_villages,
    newborn_of,
    read_person,
    register_person,
)
from cunyi.journeys.seat import SignedIn
from cunyi.journeys.unfinished_forms import forget_typed, keep_typed, typed_before
from cunyi.store.people import StaleError
from cunyi.store.unfinished import Unfinished
from cunyi.web.doctor.person_form import (
    CHOICES,
    KINDS,
    MORE,
    OWN_HOUSEHOLD,
    PLACED,
    SHOWN_FIELDS,
    Fields,
    agreed,
    contact_rows,
    differences_key,
    fields_of,
    for_reading,
    household_choices,
    offered_programmes,
    revision_of,
    told_apart,
)
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form
from cunyi.web.rendering import render

_HTML = "text/html; charset=utf-8"
_FIND_HOUSEHOLD = "find_household"
_NEW = "/people/new"


class RegisteringPages:
    """The work behind the handlers of the form (建档与修改)."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def blank(self, request: Request[Any, Any, Any], sent: Fields) -> str:
        """An empty form; `words` of a search go where they belong, a number or a name."""
        me = self.gate.me(request)
        if (typed := self._typed(request, me, _NEW)) is not None:
            return self._form(request, me, typed.form, person=None)
        words = first(sent, "words").strip()
        field = "identifier" if any(character.isdigit() for character in words) else "name"
        return self._form(request, me, {field: [words], "household_id": [OWN_HOUSEHOLD]}, person=None)

    def prefilled(self, request: Request[Any, Any, Any], fields: Fields) -> str:
        """A form filled in from an identity card; what was typed here before is offered beside it."""
        me = self.gate.me(request)
        return self._form(request, me, {"household_id": [OWN_HOUSEHOLD]} | fields, person=None)

    def newborn(self, request: Request[Any, Any, Any], mother_id: str) -> str:
        """A form filled in from the mother's record."""
        me = self.gate.me(request)
        fields = newborn_of(self.gate.seat.store, me.account, mother_id, reason=me.opened.get(mother_id, ""))
        if not first(fields, "household_id"):
            fields |= {"household_id": [""]}
        return self._form(request, me, fields, person=None)

    def register(self, request: Request[Any, Any, Any], sent: Fields) -> Response[Any]:
        """Registers what was sent, or shows it again with what is to be looked at."""
        me = self.gate.me(request)
        if first(sent, "step") == _FIND_HOUSEHOLD:
            return Response(self._form(request, me, sent, person=None), media_type=_HTML)
        store = self.gate.seat.store
        try:
            entry = read_person(
                for_reading(sent), organisation=me.account.organisation, person=None, today=self._today()
            )
            checked = agreed(entry, sent)
            try:
                person = register_person(store, me.account, entry, checked=checked)
            except DuplicatesFoundError as error:
                if not told_apart(error.people, sent):
                    raise
                person = register_person(store, me.account, entry, checked=checked, not_the_same=True)
        except UserError as error:
            return self._again(request, me, sent, None, error)
        forget_typed(store, me.account, _NEW)
        return Redirect(f"/people/{person.id}", status_code=303)

    def edit(self, request: Request[Any, Any, Any], person_id: str) -> str:
        """The form with the details as they are; opening it is written down like opening the record."""
        me = self.gate.me(request)
        require(me.account, Permission.REGISTER_PEOPLE)
        reason = me.opened.get(person_id, "")
        record = open_record(self.gate.seat.store, me.account, person_id, today=self._today(), reason=reason)
        if (typed := self._typed(request, me, f"/people/{record.person.id}/edit")) is not None:
            return self._form(request, me, typed.form, person=record.person)
        return self._form(request, me, fields_of(record.person), person=record.person)

    def change(self, request: Request[Any, Any, Any], person_id: str, sent: Fields) -> Response[Any]:
        """Keeps changed details, or shows what was sent again with what is to be looked at."""
        me = self.gate.me(request)
        store, reason = self.gate.seat.store, me.opened.get(person_id, "")
        person = details_of(store, me.account, person_id, reason=reason)
        if first(sent, "step") == _FIND_HOUSEHOLD:
            return Response(self._form(request, me, sent, person=person), media_type=_HTML)
        opened = msgspec.structs.replace(person, revision=revision_of(sent))
        try:
            entry = read_person(
                for_reading(sent), organisation=me.account.organisation, person=opened, today=self._today()
            )
            change_person(store, me.account, entry, checked=agreed(entry, sent), reason=reason)
        except UserError as error:
            return self._again(request, me, sent, person, error)
        forget_typed(store, me.account, f"/people/{person.id}/edit")
        return Redirect(f"/people/{person.id}", status_code=303)

    def keep(self, request: Request[Any, Any, Any], sent: Fields) -> str:
        """Keeps what was typed so far; when that was, for the page."""
        me = self.gate.me(request)
        kept = keep_typed(self.gate.seat.store, me.account, _page_of(sent), sent)
        return render("doctor/people_kept.html", language_of(request), kept_at=kept.kept_at.astimezone(), live=True)

    def forget(self, request: Request[Any, Any, Any], sent: Fields) -> str:
        """Forgets what was typed; where to go on."""
        me = self.gate.me(request)
        forget_typed(self.gate.seat.store, me.account, _page_of(sent))
        return _page_of(sent)

    def _typed(self, request: Request[Any, Any, Any], me: SignedIn, page: str) -> Unfinished | None:
        """What was typed on this page before, where it is asked for."""
        if request.query_params.get("typed") != "yes":
            return None
        return typed_before(self.gate.seat.store, me.account, page)

    def number(self, request: Request[Any, Any, Any], sent: Fields) -> str:
        """What the number that is being typed says; nothing while it is still too short to be one."""
        me = self.gate.me(request)
        read, message = None, ""
        if first(sent, "identifier").strip():
            try:
                read = read_number(
                    self.gate.seat.store,
                    me.account,
                    first(sent, "identifier"),
                    first(sent, "identifier_kind"),
                    today=self._today(),
                )
            except UserError as error:
                message = next(iter(messages_of(error, language_of(request)).values()))
        facts = read.facts if read else None
        says = {
            "birth_on": facts.birth_on.isoformat() if facts and facts.birth_on else "",
            "sex": (facts.sex or "") if facts else "",
        }
        typed = {name: first(sent, name).strip() for name in says}
        return render(
            "doctor/people_number.html",
            language_of(request),
            message=message,
            facts=facts,
            says=says,
            differing=[name for name in says if says[name] and typed[name] and typed[name] != says[name]],
            owners=[owner for owner in read.owners if owner.id != first(sent, "person_id")] if read else [],
            today=self._today(),
        )

    def households(self, request: Request[Any, Any, Any], sent: Fields) -> str:
        """The households of the people found, to choose from."""
        me = self.gate.me(request)
        return render(
            "doctor/people_households.html",
            language_of(request),
            **self._household_values(me, sent),
        )

    def _again(
        self, request: Request[Any, Any, Any], me: SignedIn, sent: Fields, person: Person | None, error: UserError
    ) -> Response[Any]:
        errors = messages_of(error, language_of(request))
        html = self._form(request, me, sent, person=person, errors=errors, error=error)
        return Response(html, status_code=400, media_type=_HTML)

    def _form(
        self,
        request: Request[Any, Any, Any],
        me: SignedIn,
        fields: Fields,
        *,
        person: Person | None,
        errors: dict[str, str] | None = None,
        error: UserError | None = None,
    ) -> str:
        require(me.account, Permission.REGISTER_PEOPLE)
        store, errors = self.gate.seat.store, errors or {}
        page = _NEW if person is None else f"/people/{person.id}/edit"
        brought_back = request.query_params.get("typed") == "yes"
        villages = known_villages(store, me.account)
        if person is not None:
            villages.setdefault(person.village_code, person.village_code)
        if len(villages) == 1 and not first(fields, "village_code"):
            fields = fields | {"village_code": list(villages)}
        twins = error.people if isinstance(error, DuplicatesFoundError) else []
        number = canonical(first(fields, "identifier"))
        meanwhile: list[str] = []
        if person is not None and isinstance(error, StaleError):
            now = fields_of(person)
            meanwhile = [name for name in SHOWN_FIELDS if _filled(now, name) != _filled(fields, name)]
            # Whoever has looked at the difference may keep what stands in the form.
            fields = fields | {"revision": now["revision"]}
        differences = error.differences if isinstance(error, DifferencesFoundError) else ()
        return self.gate.page(
            request,
            me,
            "doctor/people_form.html",
            fields=fields,
            person=person,
            errors=errors,
            general=[message for name, message in errors.items() if name not in PLACED],
            villages=villages,
            kinds=KINDS,
            choices=CHOICES,
            programmes=offered_programmes(me.account),
            contacts=contact_rows(fields),
            taken_away=fields.get("taken_away", []),
            twins=shown(store, me.account, twins),
            twins_key=" ".join(twin.id for twin in twins),
            same_papers=person is not None
            or told_apart(twins, fields)
            or any(each.value == number for twin in twins for each in twin.identifiers),
            differences=differences,
            differences_key=differences_key(differences),
            stale=isinstance(error, StaleError),
            meanwhile=meanwhile,
            more_open=person is not None or any(name in errors for name in MORE),
            focus=next(iter(errors), "") or ("name" if person is None else ""),
            may_merge=me.account.may(Permission.MERGE_PEOPLE),
            today=self._today(),
            page=page,
            typed=typed_before(store, me.account, page) if request.method == "GET" and not brought_back else None,
            **self._household_values(me, fields),
        )

    def _household_values(self, me: SignedIn, fields: Fields) -> dict[str, Any]:
        store, words = self.gate.seat.store, first(fields, "household_words").strip()
        people = find(store, me.account, words).lines if words else []
        chosen = first(fields, "household_id")
        return {
            "household_words": words,
            "household_chosen": chosen,
            "households": household_choices(store, me.account, [line.person for line in people], chosen),
            "without_household": [line.person for line in people if not line.person.household_id],
        }

    def _today(self) -> date:
        return self.gate.seat.now().astimezone().date()


def _page_of(sent: Fields) -> str:
    """Which form was typed on: registering, or the details of one person."""
    person_id = first(sent, "person_id")
    try:
        return f"/people/{UUID(person_id)}/edit" if person_id else _NEW
    except ValueError:
        raise UserError("这一页的地址不对；请回到档案重新打开", field="person") from None


def _filled(fields: Fields, name: str) -> list[str]:
    return [words.strip() for words in fields.get(name, []) if words.strip()]


def registering_routes(gate: Gate) -> list[ControllerRouterHandler]:
    """The handlers of registering and changing."""
    pages = RegisteringPages(gate)

    async def shown_or_asked(
        work: Callable[[Request[Any, Any, Any], str], str], request: Request[Any, Any, Any], person_id: str
    ) -> Response[Any]:
        try:
            return Response(await sync_to_thread(work, request, person_id), media_type=_HTML)
        except NeedsReasonError:
            # The record's own page asks for the reason.
            return Redirect(f"/people/{person_id}", status_code=303)

    @get("/people/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def blank(request: Request[Any, Any, Any]) -> str:
        return pages.blank(request, {})

    @post("/people/new/begin", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def begin(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(pages.blank, request, await sent_form(request))

    @post("/people/new", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def register(request: Request[Any, Any, Any]) -> Response[Any]:
        return await sync_to_thread(pages.register, request, await sent_form(request))

    @post("/people/typed", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def keep(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(pages.keep, request, await sent_form(request))

    @post("/people/typed/forget", include_in_schema=False)
    async def forget(request: Request[Any, Any, Any]) -> Redirect:
        return Redirect(await sync_to_thread(pages.forget, request, await sent_form(request)), status_code=303)

    @post("/people/read-identifier", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def number(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(pages.number, request, await sent_form(request))

    @post("/people/find-household", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def households(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(pages.households, request, await sent_form(request))

    @get("/people/{person_id:uuid}/newborn", media_type=MediaType.HTML, include_in_schema=False)
    async def newborn(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return await shown_or_asked(pages.newborn, request, str(person_id))

    @get("/people/{person_id:uuid}/edit", media_type=MediaType.HTML, include_in_schema=False)
    async def edit(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return await shown_or_asked(pages.edit, request, str(person_id))

    @post("/people/{person_id:uuid}/edit", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def change(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(pages.change, request, str(person_id), await sent_form(request))

    return [blank, begin, register, keep, forget, number, households, newborn, edit, change]
