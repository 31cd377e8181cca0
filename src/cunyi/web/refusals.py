"""Errors as every interface gives them: {"error": {"field", "message"}}. Never with what a patient said."""

from __future__ import annotations

import logging
from traceback import extract_tb
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from cunyi.domain.errors import UserError
from cunyi.web.language import COOKIE, catalogue, chosen
from cunyi.web.rendering import render

_LOG = logging.getLogger("cunyi.web")
_MESSAGES = {
    400: "请求的格式不对；请按接口说明书写",
    404: "没有这个地址",
    405: "这个地址不接受这种请求",
    413: "内容太长",
    415: "请用 application/json 发送",
}
_OTHER = "请求不能处理"
_FAILED = "程序出错，这一次没有结果；已写的内容没有丢，请重试"
_HTML = "text/html; charset=utf-8"


def refuse(request: Request[Any, Any, Any], error: UserError) -> Response[Any]:
    """Bad input: which field, what is wrong, the way out."""
    return Response({"error": error.to_dict()}, status_code=400, media_type="application/json")


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person waits for a page, and not a script for an answer."""
    asks = request.headers.get("hx-request") or request.headers.get("x-requested-with")
    return not asks and "text/html" in request.headers.get("accept", "")


def refused_page(request: Request[Any, Any, Any], message: str) -> str:
    """A page of its own that says what is wrong, in the reader's language; a villager stays on the villager's pages."""
    villager = f"{request.url.path}/".startswith("/v/") or request.app.openapi_config is None
    return render(
        "patient/trouble.html" if villager else "doctor/refused.html",
        chosen(request.cookies.get(COOKIE)),
        message=_told(request, message),
    )


def _told(request: Request[Any, Any, Any], message: str) -> str:
    return catalogue(chosen(request.cookies.get(COOKIE))).gettext(message)


def refuse_request(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """A request that the server cannot take: unknown address, wrong method, too long, not readable."""
    status = error.status_code
    message = _MESSAGES.get(status, _OTHER)
    headers = error.headers if status == 405 else None
    if wants_page(request):
        return Response(refused_page(request, message), status_code=status, headers=headers, media_type=_HTML)
    return Response(
        {"error": {"field": None, "message": _told(request, message)}},
        status_code=status,
        headers=headers,
        media_type="application/json",
    )


def fail(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A defect of the program: told without details; the log names the kind of error and where, no values."""
    frames = extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    _LOG.error("%s at %s", type(error).__name__, where)
    if wants_page(request):
        return Response(refused_page(request, _FAILED), status_code=500, media_type=_HTML)
    return Response(
        {"error": {"field": None, "message": _told(request, _FAILED)}},
        status_code=500,
        media_type="application/json",
    )
