"""A person's record: at a glance, lists, trends, timeline, and the signed records as they were signed."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Permission
from cunyi.domain.case import Case
from cunyi.domain.encounter import NO_KNOWN_ALLERGY, EncounterKind, ListKind
from cunyi.domain.errors import NeedsReasonError, UserError
from cunyi.domain.identity import mask
from cunyi.journeys.assess_case import find_diseases
from cunyi.journeys.keeping_lists import add_to_list, end_entry
from cunyi.journeys.opening_record import (
    PersonRecord,
    encounter_versions,
    latest_log,
    open_record,
    shown_programmes,
    trends,
    who_saw,
)
from cunyi.journeys.referral_lists import referrals_about
from cunyi.journeys.registering import known_villages
from cunyi.journeys.ringing import threads_about
from cunyi.journeys.seat import SignedIn
from cunyi.reasoning.medicines import denies_allergies
from cunyi.reasoning.prepared import Knowledge
from cunyi.web.doctor.record_view import (
    SignedView,
    Trend,
    latest_values,
    signed_view,
    timeline_of,
    trend_of,
    trend_tables,
)
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import COOKIE, Gate, first, language_of, messages_of, sent_form
from cunyi.web.language import LANGUAGES

_HTML = "text/html; charset=utf-8"
_NO_DAY = {
    "since_on": "开始日期要写成 2026-01-31 这样，并且是真有的日子",
    "due_on": "随访日期要写成 2026-01-31 这样，并且是真有的日子",
}
_LISTS = (ListKind.ALLERGY, ListKind.PROBLEM, ListKind.MEDICATION, ListKind.PLAN)


class RecordPages:
    """The work behind the record's handlers, over one knowledge base."""

    def __init__(self, gate: Gate, knowledge: Knowledge) -> None:
        self.gate = gate
        self.knowledge = knowledge
        self.wordings = {language: Wording(knowledge, language) for language in LANGUAGES}

    def page(
        self,
        request: Request[Any, Any, Any],
        person_id: str,
        *,
        errors: dict[str, str] | None = None,
        sent: dict[str, list[str]] | None = None,
    ) -> Response[Any]:
        """The record, or for somebody of elsewhere the question why."""
        me = self.gate.me(request)
        try:
            record = self._record(me, person_id)
        except NeedsReasonError as error:
            html = self.gate.page(
                request,
                me,
                "doctor/record_reason.html",
                person_id=person_id,
                errors=messages_of(error, language_of(request)) if errors else {},
            )
            return Response(html, status_code=400 if errors else 200, media_type=_HTML)
        if record.person.id != person_id:
            if record.outside_area:
                token = request.cookies.get(COOKIE) or ""
                self.gate.seat.open_outside(token, record.person.id, me.opened[person_id])
            return Redirect(f"/people/{record.person.id}", status_code=303)
        html = self._shown(request, me, record, errors or {}, sent or {})
        return Response(html, status_code=400 if errors else 200, media_type=_HTML)

    def open_outside(self, request: Request[Any, Any, Any], person_id: str, why: str) -> Response[Any]:
        """Opens a record of elsewhere for a reason."""
        self.gate.me(request)
        if not why.strip():
            return self.page(request, person_id, errors={"reason": "missing"})
        self.gate.seat.open_outside(request.cookies.get(COOKIE) or "", person_id, why)
        return Redirect(f"/people/{person_id}", status_code=303)

    def add_entry(self, request: Request[Any, Any, Any], person_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Adds to one of the lists."""
        me = self.gate.me(request)
        words, rules = first(sent, "kind"), self.knowledge.content.formulary.rules
        try:
            if words not in list(ListKind):
                raise UserError("请选择要加到哪一项", field="kind")
            kind = ListKind(words)
            name, code = first(sent, "name"), ""
            since_on = _day(sent, "since_on")
            if kind is ListKind.PROBLEM:
                name, code = self._problem(name)
            if kind is ListKind.ALLERGY and rules is not None and denies_allergies(name, rules):
                name, code, since_on = rules.no_known_allergy.name, NO_KNOWN_ALLERGY, self._today()
            add_to_list(
                self.gate.seat.store,
                me.account,
                person_id,
                kind,
                name=name,
                code=code,
                detail=first(sent, "detail"),
                since_on=since_on,
                due_on=_day(sent, "due_on"),
                today=self._today(),
                reason=me.opened.get(person_id, ""),
            )
        except UserError as error:
            errors = {
                f"{words}-{field}": message for field, message in messages_of(error, language_of(request)).items()
            }
            return self.page(request, person_id, errors=errors, sent=sent)
        return Redirect(f"/people/{person_id}#{words}", status_code=303)

    def end_entry(self, request: Request[Any, Any, Any], entry_id: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Takes an entry off its list."""
        me = self.gate.me(request)
        person_id = _person_of(sent)
        revision = first(sent, "revision")
        try:
            entry = end_entry(
                self.gate.seat.store,
                me.account,
                entry_id,
                revision=int(revision) if revision.isascii() and revision.isdigit() else 0,
                why=first(sent, "why"),
                today=self._today(),
                reason=me.opened.get(person_id, ""),
            )
        except UserError as error:
            message = next(iter(messages_of(error, language_of(request)).values()))
            return self.page(request, person_id, errors={f"end-{entry_id}": message}, sent=sent)
        return Redirect(f"/people/{entry.person_id}#{entry.kind}", status_code=303)

    def trend_data(self, request: Request[Any, Any, Any], person_id: str) -> list[Trend]:
        """What the charts draw."""
        me = self.gate.me(request)
        record = self._record(me, person_id, audited=False)
        return self._trends(request, me, record)

    def signed(self, request: Request[Any, Any, Any], encounter_id: str) -> str:
        """A signed encounter with its versions."""
        me = self.gate.me(request)
        kept = encounter_versions(self.gate.seat.store, me.account, encounter_id, opened=me.opened)
        if not kept:
            raise UserError("没有这条记录；请重新打开居民的档案", field="encounter")
        wording = self.wordings[language_of(request)]
        versions: list[SignedView] = [signed_view(each, wording) for each in kept]
        return self.gate.page(
            request,
            me,
            "doctor/record_signed.html",
            versions=versions,
            latest=versions[-1],
            may_sign=me.account.may(Permission.SIGN_RECORD),
            may_refer=me.account.may(Permission.REFER),
        )

    def log(self, request: Request[Any, Any, Any], person_id: str) -> str:
        """Who saw and changed a record."""
        me = self.gate.me(request)
        entries = who_saw(self.gate.seat.store, me.account, person_id, reason=me.opened.get(person_id, ""))
        return self.gate.page(
            request, me, "doctor/record_log.html", entries=entries, names=self._names(), person_id=person_id
        )

    def whole_log(self, request: Request[Any, Any, Any]) -> str:
        """The end of the log of the node."""
        me = self.gate.me(request)
        entries = latest_log(self.gate.seat.store, me.account)
        return self.gate.page(request, me, "doctor/record_log.html", entries=entries, names=self._names(), person_id="")

    def _names(self) -> dict[str, str]:
        return {account.id: account.name for account in self.gate.seat.names_of_accounts()}

    def _shown(
        self,
        request: Request[Any, Any, Any],
        me: SignedIn,
        record: PersonRecord,
        errors: dict[str, str],
        sent: dict[str, list[str]],
    ) -> str:
        wording = self.wordings[language_of(request)]
        content = self.knowledge.content
        person = record.person
        lists = {
            ListKind.ALLERGY: record.told_of_allergies,
            ListKind.PROBLEM: record.problems,
            ListKind.MEDICATION: record.medications,
            ListKind.PLAN: record.plans,
        }
        follow_ups = [
            programme
            for programme in content.follow_ups.values()
            if programme.id in person.programmes or self._has(record, programme.disease)
        ]
        return self.gate.page(
            request,
            me,
            "doctor/record.html",
            record=record,
            person=person,
            today=self._today(),
            village=known_villages(self.gate.seat.store, me.account).get(person.village_code, person.village_code),
            identifiers=[(each.kind.value, mask(each.value)) for each in person.identifiers],
            programmes=shown_programmes(person, me.account),
            kinds=[kind.value for kind in EncounterKind],
            lists=[(kind.value, lists[kind]) for kind in _LISTS],
            values=latest_values(record, self._case(record), self.knowledge, wording),
            trends=trend_tables(self._trends(request, me, record)),
            follow_ups=[(each.id, each.name_en if wording.language == "en" else each.name) for each in follow_ups],
            diseases=sorted(wording.disease(disease) for disease in content.diseases),
            drugs=[drug.name for drug in content.formulary.drugs.values()],
            timeline=timeline_of(
                record.visits,
                kind=request.query_params.get("kind", ""),
                year=request.query_params.get("year", ""),
            ),
            errors=errors,
            errors_of=_errors_of,
            sent={name: first(sent, name) for name in ("kind", "name", "detail", "since_on", "due_on", "why")},
            referrals=referrals_about(self.gate.seat.store, me.account, person.id),
            may_refer=me.account.may(Permission.REFER),
            may_write=me.account.may(Permission.WRITE_DRAFT),
            may_merge=me.account.may(Permission.MERGE_PEOPLE),
            may_consult=me.account.may(Permission.CONSULT),
            threads=threads_about(self.gate.seat.store, me.account, person.id, self.gate.seat.now()),
        )

    def _record(self, me: SignedIn, person_id: str, *, audited: bool = True) -> PersonRecord:
        return open_record(
            self.gate.seat.store,
            me.account,
            person_id,
            today=self._today(),
            reason=me.opened.get(person_id, ""),
            audited=audited,
        )

    def _trends(self, request: Request[Any, Any, Any], me: SignedIn, record: PersonRecord) -> list[Trend]:
        wording = self.wordings[language_of(request)]
        person_id = record.person.id
        numbers = [item for item, point in record.latest.items() if point.number is not None]
        points = trends(self.gate.seat.store, me.account, person_id, numbers, reason=me.opened.get(person_id, ""))
        return trend_of(points, self._case(record), self.knowledge, wording)

    def _case(self, record: PersonRecord) -> Case:
        return Case(sex=record.person.sex, age_years=record.age_years)

    def _has(self, record: PersonRecord, disease_id: str) -> bool:
        disease = self.knowledge.content.diseases[disease_id]
        names = {disease.name, *disease.aliases}
        return any(entry.name in names or entry.code == disease.icd10 for entry in record.problems)

    def _problem(self, words: str) -> tuple[str, str]:
        """A disease of the knowledge base by the name it goes by, with its code; other words as they are."""
        ids = find_diseases(words, self.knowledge)
        if len(ids) == 1:
            disease = self.knowledge.content.diseases[ids[0]]
            if words.strip() in (disease.name, disease.name_en, *disease.aliases):
                return disease.name, disease.icd10
        return words, ""

    def _today(self) -> date:
        return self.gate.seat.now().astimezone().date()


def record_routes(gate: Gate, knowledge: Knowledge) -> list[ControllerRouterHandler]:
    """The handlers of the record."""
    pages = RecordPages(gate, knowledge)

    @get("/people/{person_id:uuid}", media_type=MediaType.HTML, include_in_schema=False)
    async def person(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        return await sync_to_thread(pages.page, request, str(person_id))

    @post("/people/{person_id:uuid}/open", media_type=MediaType.HTML, include_in_schema=False)
    async def open_outside(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.open_outside, request, str(person_id), first(sent, "reason"))

    @post("/people/{person_id:uuid}/lists", media_type=MediaType.HTML, include_in_schema=False)
    async def add_entry(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.add_entry, request, str(person_id), sent)

    @post("/lists/{entry_id:uuid}/end", media_type=MediaType.HTML, include_in_schema=False)
    async def end(request: Request[Any, Any, Any], entry_id: FromPath[UUID]) -> Response[Any]:
        sent = await sent_form(request)
        return await sync_to_thread(pages.end_entry, request, str(entry_id), sent)

    @get("/people/{person_id:uuid}/trends.json", include_in_schema=False, sync_to_thread=True)
    def trend_data(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> list[Trend]:
        return pages.trend_data(request, str(person_id))

    @get("/people/{person_id:uuid}/audit", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def log(request: Request[Any, Any, Any], person_id: FromPath[UUID]) -> str:
        return pages.log(request, str(person_id))

    @get("/audit", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def whole_log(request: Request[Any, Any, Any]) -> str:
        return pages.whole_log(request)

    @get("/records/{encounter_id:uuid}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def signed(request: Request[Any, Any, Any], encounter_id: FromPath[UUID]) -> str:
        return pages.signed(request, str(encounter_id))

    return [person, open_outside, add_entry, end, trend_data, log, whole_log, signed]


def _errors_of(errors: dict[str, str], kind: str) -> dict[str, str]:
    """The messages of one list's form, by field."""
    return {
        field.removeprefix(f"{kind}-"): message for field, message in errors.items() if field.startswith(f"{kind}-")
    }


def _person_of(sent: dict[str, list[str]]) -> str:
    try:
        return str(UUID(first(sent, "person")))
    except ValueError:
        raise UserError("没有这份档案；它可能刚被合并，请重新查找", field="person") from None


def _day(sent: dict[str, list[str]], name: str) -> date | None:
    words = first(sent, name).strip()
    if not words:
        return None
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise UserError(_NO_DAY[name], field=name) from None
