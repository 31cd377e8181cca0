"""Readings of instruments in an encounter: shown with whose they are, confirmed by one tap, given away or thrown away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from cunyi.domain.device import ArrivedReading, ArrivedValue, Focus
from cunyi.journeys.bench import Bench
from cunyi.journeys.consulting import my_drafts, open_draft
from cunyi.journeys.receiving import (
    confirm_reading,
    discard_reading,
    give_to,
    into_form,
    waiting_for,
    waiting_unassigned,
)
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.gate import Gate, first, language_of, sent_form
from cunyi.web.language import ENGLISH, catalogue
from cunyi.web.rendering import render

# A reading that came while the page of the person was being opened.
_JUST_BEFORE = timedelta(minutes=2)


class ValueView(msgspec.Struct, frozen=True, kw_only=True):
    """One value as a page shows it (读数的一项). `raw` is what was sent, empty where it is the same; `refused` why it is not taken."""

    name: str
    words: str
    unit: str
    raw: str = ""
    flag: str = ""
    repeat: bool = False
    refused: str = ""


class ArrivedView(msgspec.Struct, frozen=True, kw_only=True):
    """A reading as a page shows it (到达的读数). `clean`: nothing about it asks for a second look; `usable`: something can be taken.

    `earlier`: its time says that it was measured before; `entered` is the patient as entered at the instrument.
    """

    id: str
    person_name: str
    device: str
    at: str
    values: list[ValueView]
    doubts: list[str]
    conclusion: str
    clean: bool
    usable: bool
    earlier: bool
    entered: str


class ArrivingView(msgspec.Struct, frozen=True, kw_only=True):
    """The panel of a draft (读数面板). `others` are the account's other drafts, to give a reading to.

    `nobodys` are readings that belong to nobody yet and came since this encounter is in front, or just before.
    """

    address: str
    focus: str
    draft_id: str
    person_name: str
    readings: list[ArrivedView]
    nobodys: list[ArrivedView]
    others: list[tuple[str, str]]
    instruments: int

    @property
    def all_clean(self) -> bool:
        """Whether all of them can be confirmed with one tap."""
        return all(reading.clean and reading.usable for reading in self.readings)


class ArrivingPages:
    """The work behind the panel's handlers."""

    def __init__(self, gate: Gate, knowledge: Knowledge, bench: Bench) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.bench = bench

    def panel(self, request: Request[Any, Any, Any], me: SignedIn, draft_id: str) -> ArrivingView:
        """What waits for one draft of this account."""
        store, now = self.gate.seat.store, self.gate.seat.now()
        language = language_of(request)
        before = self.bench.focused()
        since = before.since if before is not None and before.draft_id == draft_id else None
        fresh = (since or now) - _JUST_BEFORE
        nobodys = [each for each in waiting_unassigned(store, me.account) if each.received_at >= fresh]
        shown = open_draft(store, me.account, draft_id)
        address = f"/encounters/{draft_id}"
        return ArrivingView(
            address=f"{address}/arriving",
            focus=f"{address}/focus",
            draft_id=draft_id,
            person_name=shown.person.name,
            readings=[view_of(each, language) for each in waiting_for(store, me.account, draft_id)],
            nobodys=[view_of(each, language) for each in nobodys],
            others=drafts_to_choose(self.gate, me, but=draft_id),
            instruments=len(self.bench.status()),
        )

    def fragment(self, request: Request[Any, Any, Any], draft_id: str) -> str:
        """The panel alone, for the page that shows it."""
        me = self.gate.me(request)
        return self._html(request, me, draft_id)

    def confirm(self, request: Request[Any, Any, Any], draft_id: str, reading_id: str) -> dict[str, Any]:
        """Confirms a reading for this draft: the values for the form, and the panel without it."""
        me = self.gate.me(request)
        done = confirm_reading(self.gate.seat.store, me.account, reading_id, draft_id, knowledge=self.knowledge)
        return {
            "fields": into_form(done),
            "html": self._html(request, me, draft_id),
        }

    def give(
        self, request: Request[Any, Any, Any], draft_id: str, reading_id: str, to: str, *, measured_now: bool
    ) -> dict[str, Any]:
        """Gives a reading to this or another draft. `measured_now`: it was taken just now, whatever the instrument's clock says."""
        me = self.gate.me(request)
        give_to(self.gate.seat.store, me.account, reading_id, to, knowledge=self.knowledge, measured_now=measured_now)
        return {"html": self._html(request, me, draft_id)}

    def discard(self, request: Request[Any, Any, Any], draft_id: str, reading_id: str, why: str) -> dict[str, Any]:
        """Throws a reading away for a reason."""
        me = self.gate.me(request)
        discard_reading(self.gate.seat.store, me.account, reading_id, why)
        return {"html": self._html(request, me, draft_id)}

    def claim(self, request: Request[Any, Any, Any], draft_id: str) -> None:
        """From now on readings go to this draft."""
        me = self.gate.me(request)
        shown = open_draft(self.gate.seat.store, me.account, draft_id)
        before = self.bench.focused()
        now = self.gate.seat.now().astimezone()
        since = before.since if before is not None and before.draft_id == draft_id else now
        self.bench.focus(Focus(account_id=me.account.id, draft_id=draft_id, person_id=shown.person.id, since=since))

    def _html(self, request: Request[Any, Any, Any], me: SignedIn, draft_id: str) -> str:
        return render("doctor/arriving.html", language_of(request), arriving=self.panel(request, me, draft_id))


def view_of(reading: ArrivedReading, language: str) -> ArrivedView:
    """A reading in the words of a language."""
    told = catalogue(language).gettext
    values = [_value(each, language) for each in reading.values]
    english = language == ENGLISH
    flags = [flag.en if english else flag.zh for flag in reading.flags]
    doubts = [doubt.told(told) for doubt in reading.doubts]
    return ArrivedView(
        id=reading.id,
        person_name=reading.person_name,
        device=reading.device_name,
        at=_clock(reading.measured_at, reading.received_at),
        values=values,
        doubts=[*doubts, *flags],
        conclusion=reading.conclusion,
        clean=reading.is_clean,
        usable=reading.has_content,
        earlier=reading.earlier,
        entered=reading.entered,
    )


def filled(form: Mapping[str, Sequence[str]], fields: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """A draft's form with the fields of a confirmed reading in it, where no page holds the form."""
    into = {name: list(values) for name, values in form.items()}
    names, values, units = (into.setdefault(f"lab_{part}", []) for part in ("name", "value", "unit"))
    for column in (values, units):
        column.extend([""] * (len(names) - len(column)))
    for row in zip(*(fields.get(f"lab_{part}", ()) for part in ("name", "value", "unit")), strict=True):
        place = next((at for at, name in enumerate(names) if name.strip() in ("", row[0])), len(names))
        for column, words in zip((names, values, units), row, strict=True):
            column[place : place + 1] = [words]
    for name, given in fields.items():
        if name == "auxiliary_examination":
            written = "\n".join(into.get(name, [])).strip()
            into[name] = [written if given[0] in written else "\n".join(filter(None, (written, given[0])))]
        elif not name.startswith("lab_"):
            into[name] = list(given)
    return into


def drafts_to_choose(gate: Gate, me: SignedIn, *, but: str = "") -> list[tuple[str, str]]:
    """The account's open encounters to give a reading to: id and whose."""
    drafts = my_drafts(gate.seat.store, me.account)
    return [(each.draft.id, each.person.name) for each in drafts if each.draft.id != but and not each.draft.aside_of]


def _value(value: ArrivedValue, language: str) -> ValueView:
    words = value.words
    told = catalogue(language).gettext
    same = value.raw.replace(" ", "") in (words, f"{words}{value.unit}")
    return ValueView(
        name=value.name_en if language == ENGLISH else value.name_zh,
        words=words or value.raw or "—",
        unit=str(told(value.unit)) if words and value.unit else "",
        raw="" if same or not words else value.raw,
        flag=value.flag or "",
        repeat=value.repeat,
        refused=value.refused.told(told) if value.refused else "",
    )


def _clock(at: datetime, received: datetime) -> str:
    local, here = at.astimezone(), received.astimezone()
    return f"{local:%H:%M}" if local.date() == here.date() else f"{local:%Y-%m-%d %H:%M}"


def arriving_routes(gate: Gate, knowledge: Knowledge, bench: Bench) -> list[ControllerRouterHandler]:
    """The handlers of the panel."""
    pages = ArrivingPages(gate, knowledge, bench)

    async def answered(work: Callable[..., dict[str, Any]], *arguments: Any) -> Response[Any]:
        return Response(await sync_to_thread(work, *arguments), media_type=MediaType.JSON)

    @get("/encounters/{draft_id:uuid}/arriving", media_type=MediaType.HTML, include_in_schema=False)
    async def panel(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> str:
        return await sync_to_thread(pages.fragment, request, str(draft_id))

    @post("/encounters/{draft_id:uuid}/focus", status_code=204, include_in_schema=False)
    async def claim(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> None:
        await sync_to_thread(pages.claim, request, str(draft_id))

    @post(
        "/encounters/{draft_id:uuid}/arriving/{reading_id:uuid}/confirm",
        media_type=MediaType.JSON,
        status_code=200,
        include_in_schema=False,
    )
    async def confirm(
        request: Request[Any, Any, Any], draft_id: FromPath[UUID], reading_id: FromPath[UUID]
    ) -> Response[Any]:
        return await answered(pages.confirm, request, str(draft_id), str(reading_id))

    @post(
        "/encounters/{draft_id:uuid}/arriving/{reading_id:uuid}/give",
        media_type=MediaType.JSON,
        status_code=200,
        include_in_schema=False,
    )
    async def give(
        request: Request[Any, Any, Any], draft_id: FromPath[UUID], reading_id: FromPath[UUID]
    ) -> Response[Any]:
        sent = await sent_form(request)
        to, now = first(sent, "draft_id"), first(sent, "measured_now") == "yes"
        return await answered(
            lambda: pages.give(request, str(draft_id), str(reading_id), to, measured_now=now),
        )

    @post(
        "/encounters/{draft_id:uuid}/arriving/{reading_id:uuid}/discard",
        media_type=MediaType.JSON,
        status_code=200,
        include_in_schema=False,
    )
    async def throw_away(
        request: Request[Any, Any, Any], draft_id: FromPath[UUID], reading_id: FromPath[UUID]
    ) -> Response[Any]:
        why = first(await sent_form(request), "why")
        return await answered(pages.discard, request, str(draft_id), str(reading_id), why)

    return [panel, claim, confirm, give, throw_away]
