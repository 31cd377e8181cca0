"""/patterns: every component with every fixture on one page, for those who build pages and for their tests."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import MediaType, Request, get

from cunyi.web.language import COOKIE, chosen
from cunyi.web.rendering import component_folder, component_names, render


class Fixture(msgspec.Struct, frozen=True):
    """One state of a component: what it shows, and its data."""

    state: str
    it: Any


def fixtures(component: str) -> list[Fixture]:
    """The states of a component that the page shows."""
    return msgspec.json.decode((component_folder(component) / "fixtures.json").read_bytes(), type=list[Fixture])


@get("/patterns", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=False)
def patterns(request: Request[Any, Any, Any]) -> str:
    """The components in the language of the page; their fixtures are as they are."""
    components = [(name, fixtures(name)) for name in component_names()]
    return render("patterns.html", chosen(request.cookies.get(COOKIE)), components=components)
