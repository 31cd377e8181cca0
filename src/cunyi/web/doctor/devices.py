"""The instruments of a node: how each one stands, adding and changing, readings that belong to nobody, the stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage
from litestar.types import ControllerRouterHandler

from cunyi.devices.driver import Words
from cunyi.domain.device import ReceivingPolicy, RegisteredDevice, Transport
from cunyi.domain.errors import UserError
from cunyi.journeys.bench import Bench
from cunyi.journeys.bench_events import EventKind
from cunyi.journeys.bench_search import drivers_for_port
from cunyi.journeys.bench_status import Condition, DeviceStatus
from cunyi.journeys.keeping_devices import (
    add_device,
    change_device,
    change_reading_rules,
    devices,
    reading_rules,
    remove_device,
)
from cunyi.journeys.receiving import discard_reading, give_to, waiting_unassigned
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.arriving import drafts_to_choose, view_of
from cunyi.web.gate import COOKIE, Gate, first, in_background, language_of, messages_of, sent_form
from cunyi.web.language import ENGLISH, catalogue
from cunyi.web.rendering import render

_HTML = "text/html; charset=utf-8"
_RETRY_MS = 2_000


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument as the page shows it (仪器一行). `sign` is the shape and colour of its state: ready, busy, wrong or off."""

    id: str
    name: str
    driver: str
    active: bool
    sign: str
    state: str = ""
    battery: int | None = None
    heard: str = ""
    last: str = ""
    trouble: str = ""
    advice: str = ""


class FoundLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a search found (找到的一项): what it may be, the likely kinds first; `sure` where only one fits."""

    transport: str
    address: str
    label: str
    where: str
    name: str
    drivers: list[tuple[str, str]]
    sure: bool
    known_as: str = ""


class FoundView(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a search as the page shows it (搜索结果)."""

    lines: list[FoundLine]
    no_bluetooth: str


class DevicePages:
    """The work behind the handlers of the instruments."""

    def __init__(self, gate: Gate, knowledge: Knowledge, bench: Bench) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.bench = bench

    def page(self, request: Request[Any, Any, Any], errors: dict[str, str] | None = None) -> str:
        """The page, or for a script the list alone."""
        me = self.gate.me(request)
        values = self._list(request, me)
        if in_background(request) and errors is None:
            return render("doctor/device_list.html", language_of(request), **values)
        return self._whole(request, me, values, errors=errors or {})

    def search(self, request: Request[Any, Any, Any]) -> str:
        """Looks for instruments near this computer; takes some seconds."""
        me = self.gate.me(request)
        found = self._found(request, me)
        if in_background(request):
            return render("doctor/device_found.html", language_of(request), found=found)
        return self._whole(request, me, self._list(request, me), found=found)

    def _whole(
        self,
        request: Request[Any, Any, Any],
        me: SignedIn,
        values: dict[str, Any],
        *,
        errors: dict[str, str] | None = None,
        found: FoundView | None = None,
    ) -> str:
        rules = reading_rules(self.gate.seat.store)
        return self.gate.page(
            request, me, "doctor/devices.html", errors=errors or {}, found=found, rules=rules, **values
        )

    def change_rules(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> None:
        """Changes the rules of taking readings in; a number that cannot be read counts as none."""
        me = self.gate.me(request)
        policy = ReceivingPolicy(
            confirm_readings=first(sent, "confirm_readings") == "yes",
            stale_minutes=_count(first(sent, "stale_minutes")),
            clock_tolerance_minutes=_count(first(sent, "clock_tolerance_minutes")),
            duplicate_seconds=_count(first(sent, "duplicate_seconds")),
        )
        change_reading_rules(self.gate.seat.store, me.account, policy)

    def add(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> None:
        """Registers an instrument."""
        me = self.gate.me(request)
        driver = self.bench.drivers.get(first(sent, "driver"))
        if driver is None:
            raise UserError("请选择这是什么仪器", field="driver")
        add_device(
            self.gate.seat.store,
            me.account,
            driver=driver.id,
            transport=_transport(first(sent, "transport")),
            address=first(sent, "address"),
            name=first(sent, "name").strip() or _words(driver.description.name, language_of(request)),
        )
        self.bench.look_again()

    def change(self, request: Request[Any, Any, Any], device_id: str, sent: dict[str, list[str]]) -> None:
        """A new name; in use or not."""
        me = self.gate.me(request)
        active = first(sent, "active") == "yes"
        change_device(self.gate.seat.store, me.account, device_id, name=first(sent, "name"), active=active)
        self.bench.look_again()

    def remove(self, request: Request[Any, Any, Any], device_id: str) -> None:
        """Takes an instrument away; its readings stay."""
        me = self.gate.me(request)
        remove_device(self.gate.seat.store, me.account, device_id)
        self.bench.look_again()

    def give(self, request: Request[Any, Any, Any], reading_id: str, sent: dict[str, list[str]]) -> None:
        """Gives a reading that belonged to nobody to a draft."""
        me = self.gate.me(request)
        give_to(
            self.gate.seat.store,
            me.account,
            reading_id,
            first(sent, "draft_id"),
            knowledge=self.knowledge,
            measured_now=first(sent, "measured_now") == "yes",
        )

    def discard(self, request: Request[Any, Any, Any], reading_id: str, why: str) -> None:
        """Throws a reading away for a reason."""
        me = self.gate.me(request)
        discard_reading(self.gate.seat.store, me.account, reading_id, why)

    def use_simulated(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> None:
        """Swipes a simulated card, or has a simulated instrument measure; in a demonstration only."""
        self.gate.me(request)
        if self.bench.simulated is None:
            raise UserError("只有演示里才有模拟仪器", field="instrument")
        if card := first(sent, "card"):
            self.bench.simulated.swipe(card)
        else:
            self.bench.simulated.measure(first(sent, "instrument"))

    def _list(self, request: Request[Any, Any, Any], me: SignedIn) -> dict[str, Any]:
        store, language = self.gate.seat.store, language_of(request)
        status = {each.device.id: each for each in self.bench.status()}
        return {
            "devices": [self._device(each, status.get(each.id), language) for each in devices(store, me.account)],
            "unassigned": [view_of(each, language) for each in waiting_unassigned(store, me.account)],
            "drafts": drafts_to_choose(self.gate, me),
        }

    def _device(self, device: RegisteredDevice, status: DeviceStatus | None, language: str) -> DeviceView:
        driver = self.bench.drivers.get(device.driver)
        kind = _words(driver.description.name, language) if driver else device.driver
        if status is None or driver is None or not device.active:
            sign = "busy" if driver and device.active else "off"
            return DeviceView(id=device.id, name=device.name, driver=kind, active=device.active, sign=sign)
        heard = status.last_heard_at
        return DeviceView(
            id=device.id,
            name=device.name,
            driver=kind,
            active=True,
            sign=_sign(status),
            state=_words(status.words, language),
            battery=status.battery_pct,
            heard=f"{heard.astimezone():%m-%d %H:%M}" if heard else "",
            last=_words(status.last_reading, language) if status.last_reading else "",
            trouble=status.refused.told(catalogue(language).gettext) if status.refused else "",
            advice="" if status.answers else _words(status.no_answer, language),
        )

    def _found(self, request: Request[Any, Any, Any], me: SignedIn) -> FoundView:
        language = language_of(request)
        found = self.bench.scan()
        known = {(each.transport, each.address): each.name for each in devices(self.gate.seat.store, me.account)}
        names = {key: _words(driver.description.name, language) for key, driver in self.bench.drivers.items()}
        wired = [key for key, driver in self.bench.drivers.items() if driver.description.serial is not None]
        lines = []
        for port in found.ports:
            fitting = drivers_for_port(port, tuple(self.bench.drivers.values()))
            order = [*fitting, *(key for key in wired if key not in fitting)]
            lines.append(
                FoundLine(
                    transport=Transport.SERIAL,
                    address=port.path,
                    label=port.description or port.path,
                    where=port.path,
                    name=names[fitting[0]] if len(fitting) == 1 else "",
                    drivers=[(key, names[key]) for key in order],
                    sure=len(fitting) == 1,
                    known_as=known.get((Transport.SERIAL, port.path), ""),
                )
            )
        lines += [
            FoundLine(
                transport=Transport.BLE,
                address=each.address,
                label=each.name or names[each.drivers[0]],
                where=each.address,
                name=each.name or names[each.drivers[0]],
                drivers=[(key, names[key]) for key in each.drivers],
                sure=len(each.drivers) == 1,
                known_as=known.get((Transport.BLE, each.address), ""),
            )
            for each in found.peripherals
            if each.drivers
        ]
        no_radio = found.no_radio.told(catalogue(language).gettext) if found.no_radio else ""
        return FoundView(lines=lines, no_bluetooth=no_radio)


def device_routes(gate: Gate, knowledge: Knowledge, bench: Bench) -> list[ControllerRouterHandler]:
    """The handlers of the instruments."""
    pages = DevicePages(gate, knowledge, bench)

    @get("/devices", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def shown(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @post("/devices/scan", media_type=MediaType.HTML, status_code=200, include_in_schema=False)
    async def search(request: Request[Any, Any, Any]) -> str:
        return await sync_to_thread(pages.search, request)

    @post("/devices", include_in_schema=False)
    async def add(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(_or_told, pages, request, lambda: pages.add(request, sent))

    @post("/devices/rules", include_in_schema=False)
    async def change_rules(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(_or_told, pages, request, lambda: pages.change_rules(request, sent))

    @post("/devices/{device_id:uuid}", include_in_schema=False)
    async def change(request: Request[Any, Any, Any], device_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(_or_told, pages, request, lambda: pages.change(request, str(device_id), sent))

    @post("/devices/{device_id:uuid}/remove", include_in_schema=False)
    async def remove(request: Request[Any, Any, Any], device_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(_or_told, pages, request, lambda: pages.remove(request, str(device_id)))

    @post("/devices/readings/{reading_id:uuid}/give", include_in_schema=False)
    async def give(request: Request[Any, Any, Any], reading_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(_or_told, pages, request, lambda: pages.give(request, str(reading_id), sent))

    @post("/devices/readings/{reading_id:uuid}/discard", include_in_schema=False)
    async def throw_away(request: Request[Any, Any, Any], reading_id: FromPath[UUID]) -> Response[Any]:
        why = first(await sent_form(request), "why")
        return await sync_to_thread(_or_told, pages, request, lambda: pages.discard(request, str(reading_id), why))

    @post(["/devices/simulated/card", "/devices/simulated/measure"], include_in_schema=False)
    async def use_simulated(request: Request[Any, Any, Any]) -> Response[Any]:
        sent = await sent_form(request)
        await sync_to_thread(pages.use_simulated, request, sent)
        return Response(None, status_code=204) if in_background(request) else Redirect("/devices", status_code=303)

    @get("/devices/events", include_in_schema=False)
    async def events(request: Request[Any, Any, Any]) -> ServerSentEvent:
        me = await sync_to_thread(gate.me, request)
        return ServerSentEvent(_stream(gate, bench, me, request), retry_duration=_RETRY_MS)

    return [shown, search, add, change_rules, change, remove, give, throw_away, use_simulated, events]


async def _stream(
    gate: Gate, bench: Bench, me: SignedIn, request: Request[Any, Any, Any]
) -> AsyncGenerator[ServerSentEventMessage, None]:
    """What happens, as ids alone, as long as the session goes on."""
    token = request.cookies.get(COOKIE)
    async for event in bench.events(me.account.id, draft_id=request.query_params.get("draft") or None):
        if await sync_to_thread(partial(gate.seat.who, token, watching=True)) is None:
            return
        if event.kind is EventKind.HEARTBEAT:
            yield ServerSentEventMessage(comment="alive")
            continue
        told = {"reading": event.reading_id, "draft": event.draft_id, "token": event.card_token}
        yield ServerSentEventMessage(event=event.kind.value, data=msgspec.json.encode(told).decode())


def _or_told(pages: DevicePages, request: Request[Any, Any, Any], work: Any) -> Response[Any]:
    """Back to the page once the work is done, or the page with what was wrong."""
    try:
        work()
    except UserError as error:
        html = pages.page(request, messages_of(error, language_of(request)))
        return Response(html, status_code=400, media_type=_HTML)
    return Redirect("/devices", status_code=303)


def _transport(words: str) -> Transport:
    if words not in list(Transport):
        raise UserError("请从搜索结果里选择仪器", field="transport")
    return Transport(words)


def _count(words: str) -> int:
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else 0


def _words(words: Words, language: str) -> str:
    return words.en if language == ENGLISH else words.zh


def _sign(status: DeviceStatus) -> str:
    # An instrument on the radio goes away after each measurement; one on a cable was unplugged.
    unplugged = status.condition is Condition.LOST and status.device.transport is Transport.SERIAL
    if unplugged or status.trouble is not None or status.condition in (Condition.NOT_ALLOWED, Condition.DEFECT):
        return "wrong"
    return "ready" if status.answers else "busy"
