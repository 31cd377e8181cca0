"""The visit round: the list of the week by urgency and hamlet, putting a visit off, the way, the sheet to take along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.errors import UserError
from cunyi.domain.visit_round import LastReading, VisitReason, VisitUrgency
from cunyi.journeys.seat import SignedIn
from cunyi.journeys.visiting_round import Round, go_earlier, put_off, rules_of, the_round
from cunyi.knowledge.model import Item
from cunyi.knowledge.visit_rounds import VisitRule, VisitRules
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import Gate, first, language_of, messages_of, sent_form
from cunyi.web.language import CHINESE, ENGLISH, LANGUAGES
from cunyi.web.printing.round_sheet import round_sheet
from cunyi.web.printing.typesetting import Typesetter

_HTML = "text/html; charset=utf-8"
# The shapes and colours of the queue: what is urgent looks the same everywhere.
LEVELS = {VisitUrgency.TODAY: "emergency", VisitUrgency.SOON: "urgent", VisitUrgency.WEEK: "routine"}


class RoundWords:
    """The words of a round in one language (巡诊用语)."""

    def __init__(self, rules: VisitRules, wording: Wording, items: Mapping[str, Item]) -> None:
        self._items = items
        self._english = wording.language == ENGLISH
        self._wording = wording
        self._rules: dict[str, VisitRule] = {rule.id: rule for rule in rules.rules}
        self._urgencies = rules.urgencies

    def urgency(self, urgency: str) -> str:
        """How soon."""
        named = self._urgencies[urgency]
        return named.name_en if self._english else named.name

    def reason(self, reason: VisitReason) -> str:
        """Why, as the rule calls it."""
        rule = self._rules[reason.rule]
        return rule.name_en if self._english else rule.name

    def ground(self, reason: VisitReason) -> str:
        """What the rule looks at: decides how its particulars are told."""
        return self._rules[reason.rule].ground

    def reading(self, item: str, value: float) -> str:
        """A value with its name and unit."""
        unit = self._wording.unit(self._items[item].unit)
        return f"{self._wording.item(item)} {value:g} {unit}".strip()

    def readings(self, readings: list[LastReading]) -> list[tuple[date, list[str]]]:
        """Values by the days they were taken on, the last day first."""
        by_day: dict[date, list[str]] = {}
        for each in readings:
            by_day.setdefault(each.at.astimezone().date(), []).append(self.reading(each.item, each.value))
        return sorted(by_day.items(), reverse=True)


class RoundPages:
    """The work behind the handlers of visit rounds (巡诊)."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.wordings = {language: Wording(knowledge, language) for language in LANGUAGES}
        self.typesetter = Typesetter()

    def page(self, request: Request[Any, Any, Any]) -> str:
        """The list."""
        me, now = self.gate.me(request), self._now()
        found = self._round(request, me, now)
        rules = rules_of(self.knowledge)
        return self.gate.page(
            request,
            me,
            "doctor/visit_round.html",
            round=found,
            words=self.words(language_of(request)),
            levels=LEVELS,
            first_shown=rules.first_shown if found.hamlet is None else found.number,
            draft=rules.review_status == "draft",
            may_write=me.account.may(Permission.WRITE_DRAFT),
        )

    def asking(
        self,
        request: Request[Any, Any, Any],
        person_id: str,
        *,
        errors: dict[str, str] | None = None,
        sent: dict[str, str] | None = None,
    ) -> str:
        """The form that puts a visit off; `errors` and `sent` where it was refused."""
        me, now = self.gate.me(request), self._now()
        found = self._round(request, me, now)
        listed = [*found.first, *(each for stop in found.stops for each in stop.people), *found.put_off]
        one = next((each for each in listed if each.person.id == person_id), None)
        if one is None:
            raise UserError("这位居民已经不在巡诊单上；请刷新巡诊单", field="person")
        put_off_rules = rules_of(self.knowledge).put_off
        return self.gate.page(
            request,
            me,
            "doctor/visit_round_put_off.html",
            one=one,
            today=found.on,
            words=self.words(language_of(request)),
            levels=LEVELS,
            longest=put_off_rules.longest_days[one.urgency],
            reasons=put_off_rules.reasons,
            errors=errors or {},
            sent=sent or {},
        )

    def put_off(self, request: Request[Any, Any, Any], person_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Puts a visit off; the form again where that cannot be."""
        me = self.gate.me(request)
        until, why = first(sent, "until"), first(sent, "why").strip() or first(sent, "usual")
        try:
            put_off(
                self.gate.seat.store, me.account, self.knowledge, person_id, until=_day(until), why=why, now=self._now()
            )
        except UserError as error:
            html = self.asking(
                request, person_id, errors=messages_of(error, language_of(request)), sent={"until": until, "why": why}
            )
            return Response(html, status_code=400, media_type=_HTML)
        return Redirect("/visit-round", status_code=303)

    def earlier(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[Any]:
        """Moves a hamlet forward on the way."""
        village = first(sent, "village")
        account = self.gate.me(request).account
        go_earlier(self.gate.seat.store, account, village, first(sent, "hamlet"), before=first(sent, "before"))
        shown = first(sent, "shown")
        return Redirect(f"/visit-round?village={village}" if shown == village else "/visit-round", status_code=303)

    def printed(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The sheet to take along."""
        me, now = self.gate.me(request), self._now()
        found = self._round(request, me, now, printed=True)
        values = round_sheet(
            found, self.words(CHINESE), facility=self.gate.seat.store.node.facility_name, doctor=me.account.name
        )
        headers = {"Content-Disposition": 'inline; filename="visit-round-a4.pdf"'}
        return Response(self.typesetter.pdf("round", "a4", values), media_type="application/pdf", headers=headers)

    def words(self, language: str) -> RoundWords:
        """The words in a language."""
        return RoundWords(rules_of(self.knowledge), self.wordings[language], self.knowledge.content.items)

    def _round(self, request: Request[Any, Any, Any], me: SignedIn, now: datetime, *, printed: bool = False) -> Round:
        village, hamlet = request.query_params.get("village", ""), request.query_params.get("hamlet")
        return the_round(
            self.gate.seat.store,
            me.account,
            self.knowledge,
            now=now,
            village=village,
            hamlet=hamlet if village else None,
            printed=printed,
        )

    def _now(self) -> datetime:
        return self.gate.seat.now().astimezone()


def visit_round_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of visit rounds."""
    pages = RoundPages(gate, knowledge)

    @get("/visit-round", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def visit_round(request: Request[Any, Any, Any]) -> str:
        return pages.page(request)

    @get("/visit-round/sheet", include_in_schema=False, sync_to_thread=True)
    def sheet(request: Request[Any, Any, Any]) -> Response[bytes]:
        return pages.printed(request)

    @get("/visit-round/{person_id:uuid}/put-off", media_type=MediaType.HTML, include_in_schema=False)
    async def ask(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> str:
        return await sync_to_thread(pages.asking, request, str(person_id))

    @post("/visit-round/{person_id:uuid}/put-off", media_type=MediaType.HTML, include_in_schema=False)
    async def off(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(pages.put_off, request, str(person_id), await sent_form(request))

    @post("/visit-round/way", include_in_schema=False)
    async def way(request: Request[Any, Any, Any]) -> Response[Any]:
        return await sync_to_thread(pages.earlier, request, await sent_form(request))

    return [visit_round, sheet, ask, off, way]


def _day(words: str) -> date | None:
    if not words.strip():
        return None
    try:
        return date.fromisoformat(words.strip())
    except ValueError as error:
        raise UserError("推迟到的日期要写成 2026-01-31 这样，并且是真有的日子", field="until") from error
