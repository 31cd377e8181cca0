"""The gate: who is asking, whether the screen is locked, and what every page of a node needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from cunyi.domain.account import Account, Permission
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.journeys.preconsulting_clinic import alarms
from cunyi.journeys.ringing import Ringing, ringing
from cunyi.journeys.seat import Seat, SignedIn
from cunyi.store.interviews import StoredInterview
from cunyi.web.language import CHINESE, catalogue, chosen
from cunyi.web.language import COOKIE as LANGUAGE_COOKIE
from cunyi.web.rendering import render

if TYPE_CHECKING:
    from cunyi.journeys.bench import Bench
    from cunyi.journeys.simulated_bench import SimulatedBench

COOKIE = "cunyi_session"
_SAFE = ("GET", "HEAD")
_LOGIN, _UNLOCK = "/login", "/unlock"


class NotSignedInError(Exception):
    """Nobody is signed in (未登录): a page leads to the login, a request in the background is told."""


class ScreenLockedError(Exception):
    """The screen is locked (已锁屏): a page leads to the unlocking, a request in the background is told."""


class Chrome(msgspec.Struct, frozen=True):
    """What stands around every page (页面框架): who works, what must not be overlooked.

    `instruments`: cards and readings may arrive here; `simulated` what the simulated ones of a demonstration can do, `not_simulated`
    why some of them are left out. `alarms` are emergencies of villagers that nobody has said they saw, `bells` what colleagues and critical values wait for. On a `hub` the ways of the township are there, too.
    """

    account: Account
    facility: str
    demonstration: bool
    clock_doubtful: bool
    lock_minutes: int
    instruments: bool
    simulated: SimulatedBench | None
    not_simulated: list[str]
    alarms: list[StoredInterview]
    bells: list[Ringing]
    hub: bool


class Gate:
    """Asked by every handler of a node's pages (门禁)."""

    def __init__(self, seat: Seat, bench: Bench | None = None, *, hub: bool = False) -> None:
        self.seat = seat
        self.bench = bench
        self.hub = hub

    def me(self, request: Request[Any, Any, Any]) -> SignedIn:
        """Who is asking. NotSignedInError, ScreenLockedError; a page of elsewhere that posts here is refused."""
        refuse_elsewhere(request)
        signed_in = self.seat.who(request.cookies.get(COOKIE))
        if signed_in is None:
            raise NotSignedInError
        if signed_in.locked:
            raise ScreenLockedError
        return signed_in

    def page(self, request: Request[Any, Any, Any], me: SignedIn, template: str, **values: Any) -> str:
        """A page of the node as HTML, with its frame."""
        node = self.seat.store.node
        simulated = self.bench.simulated if self.bench else None
        told = catalogue(language_of(request)).gettext
        chrome = Chrome(
            account=me.account,
            facility=node.facility_name,
            demonstration=node.demonstration,
            clock_doubtful=self.seat.clock_is_doubtful(),
            lock_minutes=me.policy.lock_minutes,
            instruments=self.bench is not None and me.account.may(Permission.WRITE_DRAFT),
            simulated=simulated,
            not_simulated=[each.told(told) for each in simulated.left_out] if simulated else [],
            alarms=alarms(self.seat.store, me.account),
            bells=ringing(self.seat.store, me.account, self.seat.now()),
            hub=self.hub,
        )
        here = request.url.path if request.method in _SAFE else "/"
        return render(template, language_of(request), chrome=chrome, here=here, **values)


def language_of(request: Request[Any, Any, Any]) -> str:
    """The language that the reader chose."""
    return chosen(request.cookies.get(LANGUAGE_COOKIE))


def refuse_elsewhere(request: Request[Any, Any, Any]) -> None:
    """A request that another site's page sent in the reader's name is refused."""
    if request.method in _SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Browsers say where a request comes from; old ones only give the origin ("null" where no referrer may be told).
    elsewhere = site not in ("same-origin", "none") if site else origin not in (None, "null")
    if elsewhere and urlsplit(origin or "").netloc != request.headers.get("host"):
        raise HTTPException(status_code=403)


def session_cookie(token: str) -> Cookie:
    """The cookie of a session: for this site alone, out of reach of scripts, gone when the browser closes."""
    return Cookie(key=COOKIE, value=token, httponly=True, samesite="strict", path="/")


def local_path(words: str | None) -> str:
    """A path of this site to go back to; the first page for anything else."""
    path = words or "/"
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path not in (_LOGIN, _UNLOCK)
    return path if safe and path.isprintable() and "\\" not in path else "/"


def in_background(request: Request[Any, Any, Any]) -> bool:
    """Whether a script asks and not a person who waits for a page."""
    return bool(request.headers.get("hx-request")) or request.headers.get("x-requested-with") == "cunyi"


def lead_to_login(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Nobody is signed in, or the node is not open yet."""
    return _lead(request, 401, _LOGIN, "登录已经结束；请重新登录，写的内容不会丢")


def lead_to_unlock(request: Request[Any, Any, Any], error: ScreenLockedError) -> Response[Any]:
    """The screen is locked."""
    return _lead(request, 423, _UNLOCK, "屏幕已锁；请输入 PIN 或密码继续，写的内容不会丢")


def _lead(request: Request[Any, Any, Any], status: int, path: str, message: str) -> Response[Any]:
    if in_background(request):
        told = catalogue(language_of(request)).gettext(message)
        return Response({"error": {"field": None, "message": told}}, status_code=status)
    back = request.url.path if request.method in _SAFE else "/"
    return Redirect(f"{path}?next={quote(local_path(back))}", status_code=303)


async def sent_form(request: Request[Any, Any, Any]) -> dict[str, list[str]]:
    """Every value of every field of a sent form; a body that is no form is told so."""
    try:
        form = await request.form()
    except (ValueError, LookupError) as error:
        raise HTTPException(status_code=400) from error
    return {name: [value for value in values if isinstance(value, str)] for name, values in form.dict().items()}


def first(form: dict[str, list[str]], field: str) -> str:
    """The first value of a field, empty where there is none."""
    return next(iter(form.get(field, ())), "")


def messages_of(error: UserError, language: str = CHINESE) -> dict[str, str]:
    """The messages of an error by field, for showing each beside its field."""
    translated = catalogue(language).gettext
    if isinstance(error, InvalidFormError):
        return error.by_field(translated)
    return {error.field or "": error.told(translated)}


def refuse_page(request: Request[Any, Any, Any], error: UserError) -> Response[Any]:
    """A mistake that no form of the page can show: told on a page of its own, or to the script that asked."""
    status = 403 if isinstance(error, NotAllowedError) else 400
    message = error.told(catalogue(language_of(request)).gettext)
    if in_background(request):
        told = {"field": error.field, "message": message}
        return Response({"error": told}, status_code=status, media_type="application/json")
    if request.url.path.startswith("/api/"):
        return Response({"error": error.to_dict()}, status_code=status, media_type="application/json")
    html = render("doctor/refused.html", language_of(request), message=message)
    return Response(html, status_code=status, media_type="text/html; charset=utf-8")
