"""Login, lock, unlock, one's own password and PIN, and the accounts of the node."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from cunyi.domain.account import Role
from cunyi.domain.errors import UserError
from cunyi.journeys.organising import show_organisation
from cunyi.journeys.seat import Seat
from cunyi.web.gate import (
    COOKIE,
    Gate,
    NotSignedInError,
    first,
    in_background,
    language_of,
    local_path,
    messages_of,
    refuse_elsewhere,
    sent_form,
    session_cookie,
)
from cunyi.web.rendering import render

_ROLES = tuple(role.value for role in Role)


def signing_in_routes(seat: Seat, gate: Gate, shown_account: tuple[str, str] | None) -> list[ControllerRouterHandler]:
    """The handlers of logging in. `shown_account` (login, password) stands on the login page of a demonstration."""

    def login_page(request: Request[Any, Any, Any], *, errors: dict[str, str], login: str, back: str) -> str:
        return render(
            "doctor/login.html",
            language_of(request),
            errors=errors,
            login=login,
            back=back,
            shown=shown_account,
            is_open=seat.is_open,
            revoked=seat.revoked,
        )

    @get("/login", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=False)
    def login(request: Request[Any, Any, Any]) -> str:
        return login_page(request, errors={}, login="", back=local_path(request.query_params.get("next")))

    @post("/login", media_type=MediaType.HTML, include_in_schema=False)
    async def log_in(request: Request[Any, Any, Any]) -> Response[Any]:
        refuse_elsewhere(request)
        form = await sent_form(request)
        back = local_path(first(form, "next"))
        try:
            token, me = await sync_to_thread(seat.sign_in, first(form, "login"), first(form, "password"))
        except UserError as error:
            html = login_page(
                request, errors=messages_of(error, language_of(request)), login=first(form, "login"), back=back
            )
            return Response(html, status_code=400, media_type="text/html; charset=utf-8")
        to = "/me" if me.account.must_change_password else back
        return Redirect(to, status_code=303, cookies=[session_cookie(token)])

    @get("/back", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def back(request: Request[Any, Any, Any]) -> str:
        gate.me(request)
        return render("doctor/back.html", language_of(request))

    @get("/here", include_in_schema=False)
    async def here(request: Request[Any, Any, Any]) -> Response[Any]:
        await sync_to_thread(gate.me, request)
        return Response(None, status_code=204)

    @post("/logout", include_in_schema=False)
    async def log_out(request: Request[Any, Any, Any]) -> Redirect:
        refuse_elsewhere(request)
        token = request.cookies.get(COOKIE)
        if token and await sync_to_thread(seat.who, token) is not None:
            await sync_to_thread(seat.sign_out, token)
        gone = Cookie(key=COOKIE, value="", max_age=0, httponly=True, samesite="strict", path="/")
        return Redirect("/login", status_code=303, cookies=[gone])

    @post("/lock", include_in_schema=False)
    async def lock(request: Request[Any, Any, Any]) -> Response[Any]:
        refuse_elsewhere(request)
        token = request.cookies.get(COOKIE)
        me = await sync_to_thread(seat.who, token)
        if me is None or token is None:
            raise NotSignedInError
        if not me.locked:
            await sync_to_thread(seat.lock, token)
        return Response({}, status_code=200) if in_background(request) else Redirect("/unlock", status_code=303)

    @get("/unlock", media_type=MediaType.HTML, include_in_schema=False)
    async def unlock_page(request: Request[Any, Any, Any]) -> Response[Any]:
        back = local_path(request.query_params.get("next"))
        me = await sync_to_thread(seat.who, request.cookies.get(COOKIE))
        if me is None:
            raise NotSignedInError
        if not me.locked:
            return Redirect(back, status_code=303)
        return Response(render("doctor/unlock.html", language_of(request), account=me.account, back=back, errors={}))

    @post("/unlock", media_type=MediaType.HTML, include_in_schema=False)
    async def unlock(request: Request[Any, Any, Any]) -> Response[Any]:
        refuse_elsewhere(request)
        form = await sent_form(request)
        token = request.cookies.get(COOKIE)
        me = await sync_to_thread(seat.who, token)
        if me is None or token is None:
            raise NotSignedInError
        back = local_path(first(form, "next"))
        try:
            await sync_to_thread(seat.unlock, token, first(form, "secret"))
        except UserError as error:
            if in_background(request):
                raise
            html = render(
                "doctor/unlock.html",
                language_of(request),
                account=me.account,
                back=back,
                errors=messages_of(error, language_of(request)),
            )
            return Response(html, status_code=400, media_type="text/html; charset=utf-8")
        return Response({}, status_code=200) if in_background(request) else Redirect(back, status_code=303)

    def my_page(request: Request[Any, Any, Any], *, errors: dict[str, str], done: str = "") -> str:
        me = gate.me(request)
        return gate.page(request, me, "doctor/me.html", errors=errors, done=done)

    @get("/me", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def myself(request: Request[Any, Any, Any]) -> str:
        return my_page(request, errors={})

    @post("/me/password", media_type=MediaType.HTML, include_in_schema=False)
    async def change_password(request: Request[Any, Any, Any]) -> Response[Any]:
        form = await sent_form(request)

        def change() -> str:
            me = gate.me(request)
            if first(form, "password") != first(form, "password_again"):
                raise UserError("两次输入的新密码不一样；请再输一遍", field="password_again")
            seat.change_password(me.account, first(form, "old_password"), first(form, "password"))
            return my_page(request, errors={}, done="password")

        return await _answered(request, change, lambda errors: my_page(request, errors=errors))

    @post("/me/pin", media_type=MediaType.HTML, include_in_schema=False)
    async def set_pin(request: Request[Any, Any, Any]) -> Response[Any]:
        form = await sent_form(request)

        def change() -> str:
            me = gate.me(request)
            seat.set_pin(me.account, first(form, "pin_password"), first(form, "pin"))
            return my_page(request, errors={}, done="pin")

        def again(errors: dict[str, str]) -> str:
            if "old_password" in errors:
                errors = {"pin_password": errors["old_password"]}
            return my_page(request, errors=errors)

        return await _answered(request, change, again)

    def accounts_page(request: Request[Any, Any, Any], errors: dict[str, str], form: dict[str, list[str]]) -> str:
        me = gate.me(request)
        return gate.page(
            request,
            me,
            "doctor/accounts.html",
            accounts=seat.accounts(me.account),
            roles=_ROLES,
            # On a kit everybody works where the kit is.
            facilities=show_organisation(seat.store).facilities if gate.hub else (),
            errors=errors,
            form={name: first(form, name) for name in ("login", "name", "role", "facility", "areas", "phone")},
            policy=me.policy,
        )

    @get("/accounts", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def accounts(request: Request[Any, Any, Any]) -> str:
        return accounts_page(request, {}, {})

    @post("/accounts", media_type=MediaType.HTML, include_in_schema=False)
    async def create_account(request: Request[Any, Any, Any]) -> Response[Any]:
        form = await sent_form(request)

        def create() -> str:
            me = gate.me(request)
            role = first(form, "role")
            if role not in _ROLES:
                raise UserError("请选择角色", field="role")
            seat.create_account(
                me.account,
                login=first(form, "login"),
                name=first(form, "name"),
                role=Role(role),
                password=first(form, "password"),
                areas=tuple(first(form, "areas").replace("，", ",").replace(",", " ").split()),
                phone=first(form, "phone"),
                facility=first(form, "facility") if gate.hub else "",
            )
            return accounts_page(request, {}, {})

        return await _answered(request, create, lambda errors: accounts_page(request, errors, form))

    @post("/accounts/{account_id:str}", media_type=MediaType.HTML, include_in_schema=False)
    async def change_account(request: Request[Any, Any, Any], account_id: FromPath[str]) -> Response[Any]:
        form = await sent_form(request)

        def change() -> str:
            me = gate.me(request)
            act = first(form, "act")
            seat.change_account(
                me.account,
                account_id,
                active={"stop": False, "allow": True}.get(act),
                confirm=act == "confirm",
                facility=first(form, "facility") if act == "facility" and gate.hub else None,
                password=first(form, "password") if act == "password" else None,
            )
            return accounts_page(request, {}, {})

        return await _answered(
            request, change, lambda errors: accounts_page(request, {"change": next(iter(errors.values()))}, {})
        )

    return [
        login,
        log_in,
        back,
        here,
        log_out,
        lock,
        unlock_page,
        unlock,
        myself,
        change_password,
        set_pin,
        accounts,
        create_account,
        change_account,
    ]


async def _answered(request: Request[Any, Any, Any], work: Any, again: Any) -> Response[Any]:
    """The page after `work`; where a field was refused the page again, with the messages beside the fields."""
    try:
        html, status = await sync_to_thread(work), 200
    except UserError as error:
        html, status = await sync_to_thread(again, messages_of(error, language_of(request))), 400
    return Response(html, status_code=status, media_type="text/html; charset=utf-8")
