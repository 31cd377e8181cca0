"""Choosing the language: a cookie, set by a post, then back to the page."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from cunyi.web.gate import local_path
from cunyi.web.language import COOKIE, chosen

_YEAR_SECONDS = 365 * 24 * 3600


@post("/language", include_in_schema=False)
async def choose_language(request: Request[Any, Any, Any]) -> Redirect:
    """Keeps the language that was chosen and goes back to the page it was chosen on."""
    form = await request.form()
    return Redirect(
        local_path(str(form.get("page") or "")),
        status_code=303,
        cookies=[
            Cookie(
                key=COOKIE,
                value=chosen(form.get("language")),
                max_age=_YEAR_SECONDS,
                httponly=True,
                samesite="lax",
                path="/",
            )
        ],
    )
