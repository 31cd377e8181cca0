"""The villager's pages: no login, no way to anything else, nothing said in an address but the secret of the link."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from cunyi.domain.errors import UserError
from cunyi.domain.interview import Finish
from cunyi.journeys.preconsulting import (
    Agreed,
    Said,
    Shown,
    agree,
    answer,
    begin,
    go_on,
    look,
    open_link,
    refuse_guardian,
    say_who,
    stop,
)
from cunyi.journeys.preconsulting_rules import (
    ANSWERS_OF_LINK,
    BEGIN_ALTOGETHER,
    BEGIN_FROM_ADDRESS,
    GUARDIAN_UNDER_YEARS,
    READY_KEPT,
    RECORDINGS_OF_LINK,
    TAKEN_OVER_KEPT,
    UNFINISHED_KEPT,
    WRONG_LINK_FROM_ADDRESS,
    Limits,
    LinkGoneError,
    TooOftenError,
    needs_guardian,
)
from cunyi.journeys.seat import Seat
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.interviews import OPEN, ConsentBy, InterviewState, Way
from cunyi.web.gate import first, language_of, messages_of
from cunyi.web.patient.question_form import PARTS, QUICK_TIMES, UNITS, answer_view, reader_of, view_of
from cunyi.web.rendering import render

HTML = "text/html; charset=utf-8"
COOKIE = "cunyi_interview"
_GUARDIANS = ("mother", "father", "grandparent", "guardian")
Told = Callable[[], None]
Hear = Callable[[bytes, str], str]


class PatientPages:
    """The work behind the villager's handlers (村民预问诊页)."""

    def __init__(self, seat: Seat, knowledge: Knowledge, told: Told, hear: Hear | None = None) -> None:
        self.seat = seat
        self._hear = hear
        self.knowledge = knowledge
        self.told = told
        self.limits = Limits(seat.now)

    def door(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The page behind the code at the clinic's door; an interview that this phone has begun can be gone on with."""
        begun = request.cookies.get(COOKIE) or ""
        try:
            resumable = bool(begun) and open_link(self.seat.store, begun, self.seat.now()).state in OPEN
        except LinkGoneError:
            resumable = False
        return self._page(request, "start", action="/v", no="/v/no", begun=begun if resumable else "")

    def begin(self, request: Request[Any, Any, Any], sent: dict[str, list[str]]) -> Response[Any]:
        """Consent at the door. Nothing is kept before it, nor of who does not agree."""
        if first(sent, "by") == ConsentBy.GUARDIAN and "guardian_name" not in sent:
            return self._guardian(request, "/v", {}, no="/v/no")
        try:
            agreed = _agreed(sent)
            self._count_beginning(request)
            token = begin(self.seat.store, agreed, now=self.seat.now().astimezone())
        except UserError as error:
            return self._guardian_again(request, "/v", sent, error)
        return _to(token)

    def show(self, request: Request[Any, Any, Any], token: str) -> Response[Any]:
        """Wherever the interview of a link stands."""
        shown = look(self.seat.store, token, self.knowledge, now=self.seat.now().astimezone())
        return self._shown(request, token, shown)

    def agree(self, request: Request[Any, Any, Any], token: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Consent of a link, or a guardian's where the patient turned out to be a child."""
        now = self.seat.now().astimezone()
        if first(sent, "by") == ConsentBy.GUARDIAN and "guardian_name" not in sent:
            return self._guardian(request, f"/v/{token}/consent", {}, no=f"/v/{token}/no")
        try:
            agree(self.seat.store, token, _agreed(sent), now=now)
        except LinkGoneError:
            raise
        except UserError as error:
            return self._guardian_again(request, f"/v/{token}/consent", sent, error)
        return _to(token)

    def no_guardian(self, request: Request[Any, Any, Any], token: str) -> Response[Any]:
        """No guardian agrees."""
        stored = open_link(self.seat.store, token, self.seat.now())
        if not needs_guardian(stored):
            return _to(token)
        refuse_guardian(self.seat.store, token, now=self.seat.now())
        return self._page(request, "refused", tablet=stored.record.way is Way.TABLET)

    def refuse_all(self, request: Request[Any, Any, Any], token: str) -> Response[Any]:
        """Whoever got a link or the tablet does not agree; before that nothing was kept."""
        stored = open_link(self.seat.store, token, self.seat.now())
        if stored.record.consent is not None:
            return _to(token)
        return self._page(request, "refused", tablet=stored.record.way is Way.TABLET)

    def who(self, request: Request[Any, Any, Any], token: str, sent: dict[str, list[str]]) -> Response[Any]:
        """Who the patient is said to be, or nothing."""
        said = Said(number=first(sent, "number"), phone=first(sent, "phone"), name=first(sent, "name"))
        try:
            say_who(self.seat.store, token, said, now=self.seat.now().astimezone())
        except LinkGoneError:
            raise
        except UserError as error:
            errors = messages_of(error, language_of(request))
            return self._page(request, "who", status=400, token=token, errors=errors, said=said)
        return _to(token)

    def answer(self, request: Request[Any, Any, Any], token: str, sent: dict[str, list[str]]) -> Response[Any]:
        """One answer, new or corrected."""
        self.limits.expect(ANSWERS_OF_LINK, token)
        self.limits.count(ANSWERS_OF_LINK, token)
        question_id, corrects = first(sent, "question"), first(sent, "corrects") == "yes"
        try:
            shown = answer(
                self.seat.store,
                token,
                self.knowledge,
                at=_count(first(sent, "at")),
                question_id=question_id,
                read=reader_of(sent),
                corrects=corrects,
                now=self.seat.now().astimezone(),
            )
        except LinkGoneError:
            raise
        except UserError as error:
            return self._again(request, token, question_id, error, sent, corrects=corrects)
        if shown.stored.state is InterviewState.EMERGENCY:
            self.told()
        if shown.notice:
            return self._shown(request, token, shown)
        return _to(token)

    def change(self, request: Request[Any, Any, Any], token: str, sent: dict[str, list[str]]) -> Response[Any]:
        """An earlier question again, with what was answered."""
        shown = look(self.seat.store, token, self.knowledge, now=self.seat.now().astimezone())
        interview = shown.stored.record.interview
        before = interview.answer_to(first(sent, "question")) if interview else None
        if before is None or shown.stored.state is InterviewState.TAKEN_OVER:
            return _to(token)
        view = view_of(before.question, language_of(request), before)
        return self._question(request, token, shown, view, corrects=True)

    def answers(self, request: Request[Any, Any, Any], token: str) -> Response[Any]:
        """Everything answered so far, each to be corrected."""
        shown = look(self.seat.store, token, self.knowledge, now=self.seat.now().astimezone())
        interview = shown.stored.record.interview
        if interview is None or shown.step is None:
            return _to(token)
        given = [answer_view(each, language_of(request)) for each in interview.answers]
        return self._page(request, "answers", token=token, given=given)

    def stop(self, request: Request[Any, Any, Any], token: str, *, stopped: bool) -> Response[Any]:
        """The villager wants to answer no more, or to go on after all."""
        work = stop if stopped else go_on
        work(self.seat.store, token, self.knowledge, now=self.seat.now().astimezone())
        return _to(token)

    def hear(self, token: str, recording: bytes, kind: str) -> str:
        """The words of what a villager said, for a question of an interview that goes on."""
        if self._hear is None:
            raise UserError("这里不能用嘴说；请直接写", field="text")
        open_link(self.seat.store, token, self.seat.now())
        self.limits.expect(RECORDINGS_OF_LINK, token)
        self.limits.count(RECORDINGS_OF_LINK, token)
        return self._hear(recording, kind)

    def tries_links(self, request: Request[Any, Any, Any]) -> bool:
        """Counts one more link that opens nothing; whether this address has tried too many. A link that is right always opens."""
        try:
            self.limits.expect(WRONG_LINK_FROM_ADDRESS, _address(request))
        except TooOftenError:
            return True
        self.limits.count(WRONG_LINK_FROM_ADDRESS, _address(request))
        return False

    def _shown(self, request: Request[Any, Any, Any], token: str, shown: Shown) -> Response[Any]:
        stored, step = shown.stored, shown.step
        if stored.record.consent is None:
            return self._page(request, "start", action=f"/v/{token}/consent", no=f"/v/{token}/no", begun="")
        if needs_guardian(stored):
            return self._guardian(request, f"/v/{token}/consent", {}, token=token)
        if stored.state is InterviewState.CONSENTED:
            return self._page(request, "who", token=token, errors={}, said=Said(), cookie=self._cookie(shown, token))
        if step is None or step.finish is not None:
            return self._end(request, token, shown)
        assert step.question is not None
        view = view_of(step.question, language_of(request))
        return self._question(request, token, shown, view, cookie=self._cookie(shown, token))

    def _end(self, request: Request[Any, Any, Any], token: str, shown: Shown) -> Response[Any]:
        stored, step = shown.stored, shown.step
        template = "emergency" if step is not None and step.finish is Finish.EMERGENCY else "end"
        return self._page(
            request,
            template,
            token=token,
            care=step.care if step else None,
            code=stored.pickup_code,
            taken_over=stored.state is InterviewState.TAKEN_OVER,
            stopped=step is not None and step.finish is Finish.STOPPED,
            seen=stored.acknowledged_at is not None,
            tablet=stored.record.way is Way.TABLET,
            cookie=Cookie(key=COOKIE, value="", max_age=0, path="/v", httponly=True, samesite="strict"),
        )

    def _question(
        self,
        request: Request[Any, Any, Any],
        token: str,
        shown: Shown,
        view: Any,
        *,
        corrects: bool = False,
        error: str = "",
        cookie: Cookie | None = None,
    ) -> Response[Any]:
        interview, step = shown.stored.record.interview, shown.step
        asked = len(interview.answers) if interview else 0
        return self._page(
            request,
            "question",
            status=400 if error else 200,
            token=token,
            it=view,
            at=shown.stored.revision,
            corrects=corrects,
            error=error,
            notice=shown.notice,
            last=interview.answers[-1].question.id if interview and interview.answers and not corrects else "",
            asked=asked,
            most=asked + (step.most_left if step else 0),
            parts=[name for name, _ in PARTS],
            quick_times=QUICK_TIMES,
            dictation=self._hear is not None,
            units=UNITS,
            cookie=cookie,
        )

    def _again(
        self,
        request: Request[Any, Any, Any],
        token: str,
        question_id: str,
        error: UserError,
        sent: Mapping[str, Sequence[str]],
        *,
        corrects: bool,
    ) -> Response[Any]:
        """The question again with what is missing; what was typed stays."""
        shown = look(self.seat.store, token, self.knowledge, now=self.seat.now().astimezone())
        interview, step = shown.stored.record.interview, shown.step
        before = interview.answer_to(question_id) if interview else None
        question = before.question if before else step.question if step else None
        if question is None or question.id != question_id:
            return _to(token)
        view = view_of(question, language_of(request), before if corrects else None)
        view = view.filled(sent)
        message = next(iter(messages_of(error, language_of(request)).values()))
        return self._question(request, token, shown, view, corrects=corrects, error=message)

    def _guardian(
        self, request: Request[Any, Any, Any], action: str, errors: dict[str, str], *, token: str = "", **sent: str
    ) -> Response[Any]:
        return self._page(
            request,
            "guardian",
            status=400 if errors else 200,
            action=action,
            token=token,
            errors=errors,
            relations=_GUARDIANS,
            no=sent.get("no", "/v/no"),
            name=sent.get("name", ""),
            relation=sent.get("relation", ""),
            years=GUARDIAN_UNDER_YEARS,
        )

    def _guardian_again(
        self, request: Request[Any, Any, Any], action: str, sent: dict[str, list[str]], error: UserError
    ) -> Response[Any]:
        if error.field not in ("guardian_name", "guardian_relation", "name"):
            raise error
        errors = messages_of(error, language_of(request))
        if "name" in errors:
            errors["guardian_name"] = errors.pop("name")
        return self._guardian(
            request, action, errors, name=first(sent, "guardian_name"), relation=first(sent, "guardian_relation")
        )

    def _page(
        self,
        request: Request[Any, Any, Any],
        template: str,
        *,
        status: int = 200,
        cookie: Cookie | None = None,
        **values: Any,
    ) -> Response[Any]:
        html = render(
            f"patient/{template}.html",
            language_of(request),
            clinic=self.seat.store.node.facility_name,
            demonstration=self.seat.store.node.demonstration,
            kept_days=READY_KEPT.days,
            beside_days=TAKEN_OVER_KEPT.days,
            **values,
        )
        return Response(html, status_code=status, media_type=HTML, cookies=[cookie] if cookie else [])

    def _cookie(self, shown: Shown, token: str) -> Cookie | None:
        """Lets the same phone find its interview again; never on the clinic's tablet, which many hold."""
        if shown.stored.record.way is Way.TABLET:
            return None
        age = int(UNFINISHED_KEPT.total_seconds())
        return Cookie(key=COOKIE, value=token, max_age=age, path="/v", httponly=True, samesite="strict")

    def _count_beginning(self, request: Request[Any, Any, Any]) -> None:
        for limit, who in ((BEGIN_FROM_ADDRESS, _address(request)), (BEGIN_ALTOGETHER, "")):
            self.limits.expect(limit, who)
            self.limits.count(limit, who)


def _agreed(sent: dict[str, list[str]]) -> Agreed:
    words = first(sent, "by")
    if words not in list(ConsentBy):
        raise UserError("请点给谁看病；不同意就直接找医生", field="by")
    return Agreed(by=ConsentBy(words), name=first(sent, "guardian_name"), relation=first(sent, "guardian_relation"))


def _to(token: str) -> Response[Any]:
    return Redirect(f"/v/{token}", status_code=303)


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""


def _count(words: str) -> int:
    return int(words) if words.isascii() and words.isdigit() and len(words) < 7 else -1
